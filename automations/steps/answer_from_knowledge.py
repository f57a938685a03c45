"""An answer from published articles. Where they say nothing, neither does this step."""

from collections.abc import Mapping
from typing import Any

from automations.comparisons import number
from automations.steps import said, taken
from automations.steps.face import Declaration, Field
from automations.world import World
from data.errors import Refused
from language.call import NoAnswer

declaration = Declaration(
    name="answer from knowledge",
    title="Answer from knowledge",
    explanation="Answers from the published articles, and keeps silent where they do not.",
    icon="menu_book",
    inputs=(Field("question", "Question", "long_text", required=False, help="Left out: what the customer asked last."),),
    outputs=(
        Field("reply", "Reply", "long_text", help="Empty where the articles do not answer."),
        Field("answered", "Answered", "yes_no"),
        Field("confidence", "Confidence", "number"),
        Field("sources", "Sources", "text", help="The titles of the articles."),
    ),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    if world.answer is None:
        raise Refused("Nothing was answered: no articles are published yet. Publish some on Knowledge first.")
    question = taken.maybe(given, "question")
    if question:
        messages = [{"role": "customer", "text": question, "seq": 0}]
    else:
        said.required_last_words(world)
        messages = [dict(one) for one in said.shared(world.messages)]
    try:
        return _told(world.answer(messages))
    except NoAnswer as none:
        raise Refused(f"Nothing was answered: {none}") from None


def _told(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, Mapping):
        raise _unusable("it is no table")
    reply, sure = answer.get("reply"), number(answer.get("confidence"))
    if not isinstance(reply, str) or not isinstance(answer.get("declined"), bool) or sure is None or not 0 <= sure <= 1:
        raise _unusable("its reply, its confidence or whether it declined is missing")
    answered = bool(reply.strip()) and not answer["declined"]
    sources = _sources(answer.get("sources")) if answered else ""
    return {"reply": reply.strip() if answered else "", "answered": answered, "confidence": float(sure), "sources": sources}


def _sources(listed: Any) -> str:
    if not isinstance(listed, list | tuple) or not all(isinstance(one, Mapping) for one in listed):
        raise _unusable("its sources are no list")
    titles = [str(one.get("title") or one.get("article") or "").strip() for one in listed]
    return "; ".join(dict.fromkeys(title for title in titles if title))


def _unusable(why: str) -> Refused:
    return Refused(f"Nothing was answered: what the articles gave cannot be used, since {why}. Tell an engineer.")
