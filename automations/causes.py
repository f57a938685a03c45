"""Why a run failed or was corrected: one of eight causes, proposed by rules from what the run did and from what people did afterwards.

A rule reads sentences that this program wrote, and words that people wrote; it says what speaks for it, so that a person can say no.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from automations.steps import answer_from_knowledge, hand_over
from data.tables import Action, Span, Trace
from evals.graders import cites_sources, tokens
from evals.graders.values import cut

WRONG_INTENT, RETRIEVAL_MISSED, ARTICLE_MISSING, UNSUPPORTED = "wrong intent", "retrieval missed", "article missing", "unsupported claim"
WRONG_ARGUMENT, FALSE_ALARM, SLOW, POLICY = "wrong argument", "false alarm", "slow", "policy"


@dataclass(frozen=True)
class Cause:
    """What it is called, what it means, and what mends it."""

    words: str
    means: str
    fix: str
    page: str  # the screen that the fix is made on
    of_recipe: bool = False  # there: in this recipe


CAUSES = {  # in the order of their keys, 1 to 8
    WRONG_INTENT: Cause("Wrong intent", "it was about something else", "Correct the label on Review, then train", "review"),
    RETRIEVAL_MISSED: Cause("Article not found", "an article says it, another was quoted or none", "Find it with Ladder", "ladder"),
    ARTICLE_MISSING: Cause("Article missing", "no article says it", "Write the article from Gaps", "gaps"),
    UNSUPPORTED: Cause("Unsupported claim", "the reply said what no article says", "Tighten how answers are written, on Ladder", "ladder"),
    WRONG_ARGUMENT: Cause("Wrong value", "a step was given, or says, something wrong", "Change the step", "automations", of_recipe=True),
    FALSE_ALARM: Cause(
        "False alarm", "it was stopped where nothing was wrong", "Loosen the condition or the limit that stopped it", "automations",
        of_recipe=True,
    ),
    SLOW: Cause(
        "Slow or not there", "an answer or a decision did not come in time", "Mend the step or what it asks", "automations", of_recipe=True
    ),
    POLICY: Cause("Against the policy", "it asked for what the rules do not allow", "Look at the limits and the policy", "automations"),
}  # fmt: skip

DONE, FAILED, SKIPPED, WAITING = "done", "failed", "skipped", "waiting"  # states of a step
AGENT = "agent"  # the step in which one works
LONGEST_STEP = 10_000  # ms, from which on a run that failed was slow
ENDED_BADLY = ("failed", "handed_over", "stopped")
CORRECTED = ("edited", "refused")
REFUSED, LAPSED, WITHDRAWN = "refused", "lapsed", "withdrawn"  # proposals
GONE = "The conversation is not here any more."
SAME = cites_sources.ENOUGH  # of a sentence's words: then another says the same


@dataclass(frozen=True)
class Around:
    """What people did and what the articles say, apart from the run itself. Names of intents are empty where the recipe asks for none."""

    began: str = ""  # the intent that set it off
    named: str = ""  # ... and what a person said it is
    asked: str = ""  # what waited for a yes
    decided: str = ""  # refused, lapsed, withdrawn
    reason: str = ""
    wrote: str = ""  # what a person wrote in the place of the draft, or next
    articles: Sequence[tuple[str, str]] = ()  # title and text of each published passage that customers may be told


NOTHING = Around()


@dataclass(frozen=True)
class Step:
    """A span as rules read it."""

    act: str
    name: str
    state: str
    gave: dict[str, object]
    why: str
    ms: float
    kind: str = "step"


@dataclass(frozen=True)
class Run:
    """All that rules look at."""

    trace: Trace
    steps: Sequence[Step]
    actions: Sequence[Action]
    around: Around

    @property
    def why(self) -> str:
        return str((self.trace.state_json or {}).get("why", ""))

    @cached_property
    def failed(self) -> Step | None:
        """The step that ended it; where it went on all the same, none did."""
        return self.steps[-1] if self.steps and self.steps[-1].state == FAILED and self.trace.state in ENDED_BADLY else None

    @cached_property
    def not_given(self) -> Step | None:
        """The tool that an agent asked for and was not given, before it handed over."""
        asked = (one for one in self.steps if one.kind == "tool" and one.state in (FAILED, SKIPPED))
        return next(asked, None) if self.trace.state == "handed_over" else None

    @property
    def refused(self) -> Action | None:
        return next((one for one in self.actions if one.state == "refused"), None)

    @cached_property
    def answer(self) -> Step | None:
        return next((one for one in reversed(self.steps) if one.name == answer_from_knowledge.declaration.name and one.state == DONE), None)

    @property
    def fault(self) -> str:
        """The sentence with which it ended."""
        return next(filter(None, (self.failed.why if self.failed else "", self.refused.why if self.refused else "", self.why)), "")


def steps_of(spans: Sequence[Span]) -> list[Step]:
    """In their order."""
    return [
        Step(
            one.name, str(one.input.get("step", "")), str((one.output or {}).get("state", "")), (one.output or {}).get("gave") or {},
            str((one.output or {}).get("why", "")), one.ms, one.kind,
        )
        for one in sorted(spans, key=lambda one: one.seq)
    ]  # fmt: skip


def propose_cause(trace: Trace, spans: Sequence[Span], actions: Sequence[Action], around: Around = NOTHING) -> tuple[str, str] | None:
    """The cause, and what speaks for it. None: the run did as it was meant to, or somebody stopped it."""
    run = Run(trace, steps_of(spans), actions, around)
    if not went_wrong(run):
        return None
    return next(found for rule in RULES if (found := rule(run)))


# -- what counts --------------------------------------------------------------------------------------------------------------------------


def went_wrong(run: Run) -> bool:
    if _was_stopped(run):
        return False
    if _was_of_another_intent(run) or run.trace.outcome in CORRECTED or run.refused:
        return True
    if run.trace.state == "handed_over":
        return not _as_intended(run)
    return run.trace.state == "failed" or run.failed is not None


def _was_stopped(run: Run) -> bool:
    """By the switch, as stopping.py says it."""
    return run.why.startswith(f"'{run.trace.target_name}' was stopped: ")


def _as_intended(run: Run) -> bool:
    """Its own step handed it over, or there is nobody to hand over for."""
    if run.around.decided in (REFUSED, LAPSED) or run.not_given:
        return False
    last = run.steps[-1] if run.steps else None
    own = last is not None and last.state in (DONE, WAITING) and last.name in (hand_over.declaration.name, AGENT)
    return own or run.why == GONE or run.around.decided == WITHDRAWN


def _was_of_another_intent(run: Run) -> bool:
    return bool(run.around.began and run.around.named) and run.around.began != run.around.named


# -- rules: the first that says something is right ----------------------------------------------------------------------------------------

Found = tuple[str, str] | None

TOPIC = (
    r"not what (they|the customer|she|he) (ask|want|mean)|(ask|want|mean)(s|ed)? (something|for something) else|about something else|"
    r"nicht das anliegen"
)
RULE = (
    r"polic(y|ies)|not allowed|allow(s|ed)? only|rules?\b|entitled|eligib|goodwill|terms|fraud|may not|against our|deadline|"
    r"within \d+ days|after \d+ days|richtlinie|nicht erlaubt|frist|kulanz"
)
VALUE = (
    r"amount|too (much|little|high|low)|wrong|order number|another order|other order|different order|should be|instead of|already|"
    r"twice|double|address|currency|betrag|falsch|zu (viel|wenig|hoch)|bereits|schon"
)
NOT_THERE = (
    r"within [\d.,]+ seconds|did not pick up|not reachable|Try again in a minute|is not known: |it is not known yet|did not take it for "
    r"a day|fault of the portal|is connected\b|what the articles gave cannot be used|gave no intent with a confidence|told another\. Tell "
    r"whoever|did not tell |whether it (was done|arrived)|Nothing was answered: The|no classifier is live|texts were not encoded"
)
A_DAY = r"times today, and its limit is that|would be moved in a day"
PEOPLES_WORK = r"is people's work: nothing is done by a machine"  # as mandates.py says it
A_RUN = r"would be moved in one run|limits are in |none of the addresses|you may not|in whose name it runs"
NO_ARTICLE = r"no articles are published"
LACKING = r"(text|reply)'? is (missing|not known)"  # what a step needed
LONG = 300  # characters of a sentence that speaks for a cause


def _wrong_intent(run: Run) -> Found:
    if _was_of_another_intent(run):
        return WRONG_INTENT, f"It began because it looked like '{run.around.began}', and on Review a person said '{run.around.named}'."
    if run.around.decided == REFUSED and re.search(TOPIC, run.around.reason, re.IGNORECASE):
        return WRONG_INTENT, f"{_said_no(run)} That is about what the customer wants."
    return None


def _of_a_decision(run: Run) -> Found:
    """What people said to what waited for their yes."""
    if run.around.decided == LAPSED:
        return SLOW, f"'{cut(run.around.asked)}' waited, and {run.around.reason or 'nobody decided in time'}."
    if run.around.decided != REFUSED:
        return None
    if re.search(RULE, run.around.reason, re.IGNORECASE):
        return POLICY, f"{_said_no(run)} That is about a rule."
    if re.search(VALUE, run.around.reason, re.IGNORECASE):
        return WRONG_ARGUMENT, f"{_said_no(run)} That is about what was filled in."
    return POLICY, f"{_said_no(run)} No rule knows these words; most that is refused is against a policy."


def _said_no(run: Run) -> str:
    return f"A person said no to '{cut(run.around.asked)}': {cut(run.around.reason).rstrip('.')}."


def _of_a_fault(run: Run) -> Found:
    """How it ended, by the sentence that the door or a step wrote."""
    told = run.fault
    if silent := _nothing_to_say(run):
        return silent
    if run.not_given and not re.search(NOT_THERE, run.not_given.why):
        return POLICY, f"The agent asked for '{run.not_given.name}' and handed over. {cut(run.not_given.why, LONG)}"
    where = f"'{run.failed.name}' ended it: " if run.failed else ""
    if re.search(PEOPLES_WORK, told):  # before all others: a note stands behind it, in anybody's words
        return POLICY, f"{where}{cut(told, LONG)}"
    if re.search(NO_ARTICLE, told):
        return ARTICLE_MISSING, f"{where}{cut(told, LONG)}"
    if re.search(NOT_THERE, told):
        return SLOW, f"{where}{cut(told, LONG)}"
    if re.search(A_DAY, told):
        return FALSE_ALARM, f"{where}{cut(told, LONG)} What others got that day stopped it, not what this customer asked for."
    if re.search(A_RUN, told):
        return _by_a_limit(run, f"{where}{cut(told, LONG)}")
    if (late := max(run.steps, key=lambda one: one.ms, default=None)) and late.ms >= LONGEST_STEP:
        return SLOW, f"'{late.name}' took {late.ms / 1000:,.0f} seconds. {cut(told, LONG)}"
    if run.failed or run.refused:
        return WRONG_ARGUMENT, f"{where}{cut(told, LONG)}"
    return (SLOW if run.trace.state == "failed" else POLICY), cut(told, LONG) or "It ended, and nothing says why."


def _by_a_limit(run: Run, told: str) -> tuple[str, str]:
    """Where a person then did the same, the limit was too tight."""
    if run.around.wrote and _does_the_same(run):
        return FALSE_ALARM, f"{told} A person then did it all the same: '{cut(run.around.wrote)}'"
    return POLICY, told


def _does_the_same(run: Run) -> bool:
    """They name an amount that was stopped, and do not say no."""
    said = tokens.of(run.around.wrote)
    return bool(tokens.numbers(said) & tokens.numbers(tokens.of(run.fault.partition(". ")[0]))) and not cites_sources.denies(said)


# -- rules: replies that were corrected ---------------------------------------------------------------------------------------------------


def _nothing_to_say(run: Run) -> Found:
    """The articles kept silent, and a step behind needed their words."""
    if run.failed is None or run.answer is None or run.answer.gave.get("answered") or not re.search(LACKING, run.failed.why):
        return None
    return _by_the_shelf(run, "The articles gave no answer.")


def _of_a_reply(run: Run) -> Found:
    if run.trace.outcome not in CORRECTED:
        return None
    draft = str((run.trace.said or {}).get("reply", ""))
    wrote = run.around.wrote
    if run.answer is None:
        return WRONG_ARGUMENT, f"The reply is the recipe's own text, and {_changed(draft, wrote)}."
    if not run.answer.gave.get("answered"):
        return _by_the_shelf(run, "The articles gave no answer, and a reply was drafted all the same.")
    taken_out = [one for one in _claims(draft) if not _says(wrote, one)]
    answered, sources = str(run.answer.gave.get("reply", "")), _quoted(run)
    bare = [one for one in taken_out if _says(answered, one) and not _says(sources, one)]
    if bare and sources:
        return UNSUPPORTED, f"No article that it names says '{cut(bare[0])}', and {_changed(draft, wrote)}."
    if taken_out and not any(_says(answered, one) for one in taken_out):
        return WRONG_ARGUMENT, f"'{cut(taken_out[0])}' is the recipe's own text, and {_changed(draft, wrote)}."
    return _by_the_shelf(run, f"It quoted {run.answer.gave.get('sources') or 'no article'}, and {_changed(draft, wrote)}.")


def _by_the_shelf(run: Run, told: str) -> tuple[str, str]:
    """Whether an article says what the person wrote in its place."""
    new = [one for one in _claims(run.around.wrote) if not _says(str((run.trace.said or {}).get("reply", "")), one)]
    if not new:
        return RETRIEVAL_MISSED if run.answer and run.answer.gave.get("answered") else ARTICLE_MISSING, told
    by_title: dict[str, list[str]] = {}
    for title, text in run.around.articles:
        by_title.setdefault(title, []).append(text)
    quoted = _sources(run)
    for title, texts in by_title.items():
        if title not in quoted and (held := [one for one in new if _says("\n".join(texts), one)]) and 2 * len(held) >= len(new):
            return RETRIEVAL_MISSED, f"{told} '{title}' says what the person wrote: '{cut(held[0])}'"
    return ARTICLE_MISSING, f"{told} No article says '{cut(new[0])}'"


def _sources(run: Run) -> list[str]:
    return [title.strip() for title in str(run.answer.gave.get("sources", "")).split(";")] if run.answer else []


def _quoted(run: Run) -> str:
    titles = _sources(run)
    return "\n".join(text for title, text in run.around.articles if title in titles)


def _changed(draft: str, wrote: str) -> str:
    if not wrote.strip():
        return "a person did not send it"
    before, after = (tokens.numbers(tokens.of(text)) for text in (draft, wrote))
    if (gone := sorted(before - after)) and (new := sorted(after - before)):
        return f"a person changed {gone[0]} to {new[0]}"
    return f"a person wrote '{cut(wrote)}'"


def _claims(text: str) -> list[str]:
    return [one for one in tokens.sentences(text) if cites_sources.claims_something(one)]


def _says(text: str, claim: str) -> bool:
    return any(cites_sources.supports(cites_sources.read(part), claim) for part in (*tokens.sentences(text), text)) if text else False


RULES: Sequence[Callable[[Run], Found]] = (_wrong_intent, _of_a_decision, _of_a_reply, _of_a_fault)
