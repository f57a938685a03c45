"""The measures, each with what its name means. A day of every one of them is a conversation's: that on which it was opened."""

from dataclasses import dataclass
from typing import Literal

from data.amounts import Amount, Kind
from data.errors import Refused

RETURNS = 7  # days within which whoever was not helped comes back
SETTLES = dict.fromkeys(("resolution", "resolution_check", "alone", "finished", "reopen"), RETURNS + 1)  # days until it is known
SCORE, MONEY = "score: ", "money: "  # measures that there is one of for each grader, each currency
Better = Literal["more", "less", "neither"]


@dataclass(frozen=True)
class Measure:
    """What is counted, and how people read it."""

    name: str
    title: str
    unit: str  # of its value: share, seconds, stars, conversations, …
    kind: Kind
    better: Better
    definition: str  # a sentence or two for people
    p: float = 0.5  # which quantile
    stored: str = ""  # under which name its days are kept, where another measure is read from the same

    @property
    def rows(self) -> str:
        return self.stored or self.name

    @property
    def nothing(self) -> Amount:
        return Amount(kind=self.kind, p=self.p)


CAME_BACK = f"the customer did not come back within {RETURNS} days, which is known {RETURNS + 1} days later"
ALL = (
    Measure("volume", "Conversations", "conversations", "count", "neither", "Conversations that customers opened."),
    Measure(
        "resolution", "Resolved", "share", "share", "more",
        f"The help desk or the customer said so; where nobody did, {CAME_BACK}. One that was said not to be resolved and is still open "
        "is not known yet.",
    ),
    Measure(
        "resolution_check", "Resolved, as reviewers see it", "share", "share", "more",
        "Of resolved and unresolved conversations that somebody marked strong or weak: how often the two agree.",
    ),
    Measure(
        "containment", "Ended without a person", "share", "share", "more",
        "Of conversations that a machine answered or worked on, and that have ended for it: nobody of the staff wrote to the customer, "
        "and none was handed over.",
    ),
    Measure(
        "escalation", "Handed to a person", "share", "share", "less",
        "Of conversations on which a recipe or an agent ran to its end: one of the runs handed it over or failed.",
    ),
    Measure(
        "alone", "Resolved without a person", "conversations", "count", "more",
        "Conversations that ended without a person and were resolved.",
    ),
    Measure(
        "agreement", "Right intents", "share", "share", "more",
        "Of conversations whose intent the machine named and a person gave: the machine's first word is the person's last.",
    ),
    Measure(
        "abstention", "Machine kept silent", "share", "share", "less",
        "Of conversations that the live intent classifier looked at: it named no intent.",
    ),
    Measure(
        "reopen", "Opened again", "share", "share", "less", "Of conversations that were closed: they were opened again.",
    ),
    Measure("csat", "Satisfied", "share", "share", "more", "4 or 5 of 5 stars, of the customers who answered."),
    Measure("csat_mean", "Stars", "stars", "mean", "more", "The mean of 1 to 5 stars, of the customers who answered."),
    Measure(
        "first_response", "First response", "seconds", "quantile", "less",
        "From the customer's first message to the first answer, by whomever; the median. Of chats and e-mails whose messages carry times.",
    ),
    Measure(
        "handling", "Handling time of people", "seconds", "quantile", "less",
        "As the help desk tells it, of conversations in which somebody of the staff wrote; the median.",
    ),
    Measure("cost", "Cost of models", "money", "sum", "less", "What models cost that worked on conversations, by their price list."),
    Measure(
        "latency_p50", "Time of a run, median", "seconds", "quantile", "less",
        "Of live answers and runs: from their first step to their last, without waiting for people.", stored="latency",
    ),
    Measure(
        "latency_p95", "Time of a run, 95 of 100", "seconds", "quantile", "less",
        "95 of 100 live answers and runs took no longer, without waiting for people.", p=0.95, stored="latency",
    ),
    Measure("guardrail_hits", "Guardrails that said no", "verdicts", "count", "less", "What guardrails did not let through in live runs."),
    Measure(
        "suggestions_accepted", "Suggested replies taken", "share", "share", "more",
        "Taken as they were suggested, of the replies that somebody decided on.",
    ),
    Measure("classified", "Classified", "conversations", "count", "neither", "The live intent classifier named an intent."),
    Measure(
        "answered", "Answered by the machine", "conversations", "count", "neither",
        "Classified, and the machine answered or suggested a reply.",
    ),
    Measure(
        "accepted", "Accepted", "conversations", "count", "neither",
        "Answered, and the answer went out to the customer, or a person took it as it was or in better words.",
    ),
    Measure("finished", "Accepted and resolved", "conversations", "count", "neither", "Accepted, and the conversation was resolved."),
)  # fmt: skip
BY_NAME = {one.name: one for one in ALL}
FUNNEL = ("volume", "classified", "answered", "accepted", "finished")
SIZED = frozenset(one.rows for one in ALL if one.kind == "quantile")  # whose sizes are kept in sketches


def of(name: str) -> Measure:
    if name in BY_NAME:
        return BY_NAME[name]
    if name.startswith(SCORE):
        return grader(name.removeprefix(SCORE))
    if name.startswith(MONEY):
        return money(name.removeprefix(MONEY))
    raise Refused(f"There is no measure '{name}'. There are: {', '.join(BY_NAME)}, and one for each grader and each currency.")


def grader(name: str) -> Measure:
    return Measure(
        f"{SCORE}{name}", f"Score by {name}", "score", "mean", "more",
        f"The mean score from 0 to 1 that '{name}' gave to what went out to customers. Each score counts for as many conversations as it "
        "was drawn from, so that it tells of all and not of the sample.",
    )  # fmt: skip


def money(currency: str) -> Measure:
    told = f"What automations refunded and credited, in {currency}: what was done, not what is planned."
    return Measure(f"{MONEY}{currency}", f"Money moved, {currency}", currency, "sum", "neither", told)
