"""What a flag becomes, proposed before anybody asks: for what, in which set, judged by which grader, expecting what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists
from sqlmodel import Session, col, select

from data import access, conversations, labels, predictions, store
from data.tables import EvalSet, Example, Message, Person
from evals import sets
from evals.graders import exact_label, reply_words, tool_calls
from evals.graders.values import cut
from language import words

CLASSIFIER, ANSWER, AUTOMATION = "classifier", "answer", "automation"
PURPOSES = {CLASSIFIER: "its intent", ANSWER: "the answer", AUTOMATION: "what was done"}  # what the case tests, in a word or two


QUOTED = 45  # letters of a reply on the line beside the review
ABOUT = "about"  # beside what a flag expects: the number of the reply that is meant. The case that it becomes ends there


@dataclass(frozen=True)
class Proposed:
    """Accepted in one key, or changed."""

    purpose: str
    eval_set: EvalSet
    grader: str
    expected: dict[str, Any] | None  # None: the intent of the flag itself
    sentence: str  # what it will be tested on, for the person who flags
    seq: int | None = None  # the reply that it is about: the case ends there


def proposed(
    conversation_id: str, kind: str, *, by: Person, label_id: str | None = None, reply: str = "", purpose: str = "", eval_set_id: str = "",
    seq: int | None = None,
) -> Proposed | None:  # fmt: skip
    """None where no eval set could take it. `seq` names the reply that is meant, where it is not the last that says something."""
    access.require(by, "example.flag")
    messages = _messages(conversation_id, by)
    if not messages:
        return None
    given = next((one for one in _replies(messages) if one.seq == seq), None) or last_telling(_replies(messages))
    with store.reading() as db:
        known = {one: eval_set for one in PURPOSES if (eval_set := _set_for(db, one, conversation_id, by))}
        if (chosen := db.get(EvalSet, eval_set_id) if eval_set_id else None) and purpose in ("", chosen.purpose):
            known[chosen.purpose], purpose = chosen, chosen.purpose
        for one in _by_fit(conversation_id, kind, label_id, messages) if not purpose else [purpose]:
            if one in known and (made := _of(one, known[one], kind, label_id, reply, messages, given)):
                return made
    return None


def _by_fit(conversation_id: str, kind: str, label_id: str | None, messages: Sequence[Message]) -> list[str]:
    """What it teaches most about: an intent that the machine got wrong, steps that were taken, else the answer."""
    prediction = predictions.of_conversation(conversation_id)
    misread = label_id is not None and prediction is not None and prediction.label_id != label_id
    acted = any(message.tool_call for message in messages)
    return [*([CLASSIFIER] if misread else []), *([AUTOMATION] if acted and kind == "strong" else []), ANSWER, CLASSIFIER]


def _set_for(db: Session, purpose: str, conversation_id: str, by: Person) -> EvalSet | None:
    """Of those in which it does not stand yet the one that this person flagged for last; else the first that was made."""
    stands = exists().where(
        col(Example.eval_set_id) == col(EvalSet.id), col(Example.conversation_id) == conversation_id, col(Example.use) != "retired"
    )
    fitting = select(EvalSet).where(EvalSet.purpose == purpose, EvalSet.about == labels.INTENT, ~stands)
    known = db.exec(fitting.order_by(col(EvalSet.at), col(EvalSet.id))).all()
    if len(known) < 2:
        return known[0] if known else None
    mine = select(Example.eval_set_id).where(
        Example.by_person_id == by.id, Example.purpose == purpose, col(Example.eval_set_id).is_not(None)
    )
    last = db.exec(mine.order_by(col(Example.at).desc()).limit(1)).first()
    return next((one for one in known if one.id == last), known[0])


def _of(
    purpose: str, eval_set: EvalSet, kind: str, label_id: str | None, reply: str, messages: Sequence[Message], given: Message | None
) -> Proposed | None:
    if purpose == CLASSIFIER:
        name = labels.names().get(label_id or "")
        return Proposed(purpose, eval_set, exact_label.NAME, None, f"expects the intent '{name}'") if name else None
    if purpose == AUTOMATION:
        calls = [message.tool_call for message in messages if message.tool_call]
        steps = f"expects the same {len(calls)} steps" if len(calls) != 1 else "expects the same step"
        return Proposed(purpose, eval_set, tool_calls.NAME, {"tool_calls": calls}, steps) if calls else None
    quoted, seq = (f"'{cut(given.text, QUOTED)}'", given.seq) if given else ("", None)
    about = {ABOUT: seq} if given else {}
    if reply.strip():
        told = f"expects what your better reply says{f', in the place of {quoted}' if given else ''}"
        return Proposed(purpose, eval_set, reply_words.NAME, {"reply": reply.strip()} | about, told, seq)
    if given is None:
        return None
    if kind == "strong":
        return Proposed(purpose, eval_set, reply_words.NAME, {"reply": given.text} | about, f"expects a reply like {quoted}", seq)
    return Proposed(purpose, eval_set, reply_words.NAME, {"not_reply": given.text} | about, f"expects no reply like {quoted}", seq)


def asked_and_expected(example: Example) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """What a flag is when it becomes a case: where it is about one reply, that is the last thing in it, and the rest came later."""
    expected = dict(example.expected or {})
    seq = expected.pop(ABOUT, None)
    return [message for message in example.messages if seq is None or message["seq"] <= seq], expected or None


# -- which reply it is about --------------------------------------------------------------------------------------------------------------

SAYS_SOMETHING = 3  # words beside those of greetings, thanks and farewells; where no reply has so many, fewer do
COURTESY = frozenset(
    words.of(
        "a all am an and any anything are at be best bye calling can chat contacting day dear do else evening feel for free from glad good "
        "goodbye great had happy have hello help helped helping hesitate hi hope how i if in is kind know let me more much my need nice of "
        "ok okay on other our please pleasure questions re reach regards see so take team thank thanks that the there this to today us "
        "very was we weekend welcome well will wish with wonderful would you your yours "
        "abend alles auf bald beste bis bitte dank danke das den der die dir du ein eine einen es etwas euch fragen freue freundlichen "
        "freut für geholfen gern gerne geschehen grüße grüßen gute guten habe haben hallo helfen herzliche ich ihnen ihr ihre ihren ist "
        "jederzeit kann können liebe melden mich mit morgen noch schon schöne schönen sehr sie sonst stehen steht tag tschüss tun uns und "
        "verfügung vielen weiter weitere weiterhelfen wiederhören wiedersehen wir wochenende wünsche wünschen zu zur"
    )
)


def last_telling(replies: Sequence[Message]) -> Message | None:
    """The last reply that says something: not a farewell, not thanks, not a word or two."""
    telling = [sum(word not in COURTESY for word in words.of(one.text)) for one in replies]
    for enough in (SAYS_SOMETHING, 1, 0):
        if found := [one for one, count in zip(replies, telling, strict=True) if count >= enough]:
            return found[-1]
    return None


def replies(conversation_id: str, *, by: Person) -> list[Message]:
    """Those that a flag can be about, in order."""
    access.require(by, "example.flag")
    return _replies(_messages(conversation_id, by))


def _messages(conversation_id: str, by: Person) -> list[Message]:
    found = conversations.get(conversation_id, by=by)
    return [message for message in found[1] if not message.private and message.gone_at is None] if found else []


def _replies(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.role in ("rep", "assistant") and message.text.strip()]


def sets_for(purpose: str, *, by: Person) -> list[EvalSet]:
    return [eval_set for eval_set in sets.all_sets(by=by) if eval_set.purpose == purpose]
