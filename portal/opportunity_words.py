"""Opportunities in words: each as a sentence, its parts with their intervals, and how the last figure came about."""

from collections.abc import Sequence

from automations.opportunities import ARTICLES, LEFT_BY, Article, Estimate, Opportunity, Round
from data import behind
from data.measures import Share, percent
from data.trends import EVERYBODYS

HOUR = 90  # minutes from which on hours are told
FEW = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
OFTEN = 0.1  # of the covered questions: a rarer article is chance
STAKES = {  # icon, colour
    "low": (":material/check_circle:", "green"), "medium": (":material/payments:", "gray"), "high": (":material/back_hand:", "orange"),
}  # fmt: skip


def head(told: Round | None) -> str:
    """Under the title."""
    if told is None or not told.found:
        return "What could be automated, by how much of people's time it would save. Each night the portal looks anew."
    best = [one for one in told.found if one.saved and one.saved.value > 0]
    if not best:
        many = _many(told.found)
        return f"{many}, and of none it can be told yet how much of people's time it would save. What is missing stands beside each."
    return f"{_many(told.found)}, by how much of people's time a machine could save. Look at the evidence of the first, and start there."


def _many(found: Sequence[Opportunity]) -> str:
    intents = sum(one.is_intent for one in found)
    patterns = len(found) - intents
    told = f"{intents:,} intent{'' if intents == 1 else 's'}"
    return f"{told} and {patterns:,} pattern{'' if patterns == 1 else 's'} that nobody has named" if patterns else told


def whose(told: Round) -> str:
    """Which days, whose conversations."""
    days = behind.span(told.since, told.until)
    if told.whose == EVERYBODYS:
        return f"Counted on {days}, four whole weeks, in all conversations."
    return (
        f"Counted on {days}, four whole weeks, in your team's conversations. How alike replies are, what articles cover "
        "and what nobody has named is told from everybody's."
    )


def sentence(one: Opportunity) -> str:
    """As somebody would say it to a colleague."""
    each = f"{number(one.minutes.value)} minutes each" if one.minutes else "how long each takes is not known"
    return f"{number(one.a_week.value)} a week, {each}. {_upper(_alike(one))}, {_covered(one)}, stakes {one.stakes}."


def _alike(one: Opportunity) -> str:
    if one.alike is None:
        return "whether people answer it alike cannot be told"
    return f"people answer it the same way {percent(one.alike.value)} of the time"


def _covered(one: Opportunity) -> str:
    if one.covered is None:
        return "what articles cover cannot be told"
    if not one.covered.k:
        return "no article covers it"
    many = len(telling(one))
    return f"{in_words(many)} article{' covers' if many == 1 else 's cover'} {percent(one.covered.value)} of its questions"


def telling(one: Opportunity) -> list[Article]:
    """The articles that answer more than a stray question."""
    whole = sum(article.count for article in one.articles)
    found = [article for article in one.articles if article.count > 1 and article.count >= OFTEN * whole]
    return found or list(one.articles[:1])


def in_words(count: int) -> str:
    return FEW[count] if count < len(FEW) else f"{count:,}"


def could_save(one: Opportunity) -> str:
    """The figure that it is ranked by."""
    if one.saved is None:
        return "Cannot be told yet"
    if one.stakes == "high":
        return "People's work"
    return f"Could save {time(one.saved)}"


def time(saved: Estimate) -> str:
    """In a week, with where the true one lies."""
    if saved.value >= HOUR:
        return f"{number(saved.value / 60)} hours a week ({number(saved.low / 60)}–{number(saved.high / 60)})"
    return f"{saved.value:.0f} minutes a week ({saved.low:.0f}–{saved.high:.0f})"


# -- the evidence -------------------------------------------------------------------------------------------------------------------------


def volume(one: Opportunity) -> str:
    told = f"{around(one.a_week)} a week"
    return (
        f"{told}; week by week {', '.join(f'{count:,}' for count in one.weeks)}" if one.weeks else f"{told}, in the last {one.span} weeks"
    )


def minutes(one: Opportunity) -> str:
    if one.minutes is None:
        return "not known"
    return f"{around(one.minutes)} for each, the mean of {one.minutes.n:,} whose time the help desk told"


def contained(one: Opportunity) -> str:
    """What machines do already is not counted twice."""
    if not one.contained.n:
        return "no machine has worked on it"
    return f"{one.contained.k:,} of {one.contained.n:,} that machines worked on ended without a person; they are taken off"


def replies(one: Opportunity) -> str:
    if one.alike is None or one.in_ways is None:
        return "too few to compare"
    told = f"{one.alike} say what the most usual one says; {percent(one.in_ways.value)} say one of the three most usual"
    told += f"; {one.writers:,} people wrote them" if one.writers > 1 else "; one person wrote them all" if one.writers else ""
    others = "one in another language is" if one.left_out == 1 else f"{one.left_out:,} in other languages are"
    return f"{told}; {others} left out" if one.left_out else told


def questions(one: Opportunity) -> str:
    return "cannot be told" if one.covered is None else f"{one.covered} of the questions looked at are answered by an article"


def recognised(one: Opportunity) -> str:
    if not one.recognised.n:
        return "not known: nobody has reviewed what the machine named"
    if not one.recognised_of_all:
        return f"{one.recognised} named by the machine as a person named it"
    reason = "it has no intent yet" if not one.is_intent else "too few of it were reviewed"
    return f"{one.recognised}, as of all intents, since {reason}"


def resolved(one: Opportunity) -> str:
    return f"{one.resolved} today: what a machine has to keep up with" if one.resolved.n else "not known"


def stakes(one: Opportunity) -> str:
    return f"{one.stakes}: {one.stakes_why}"


def sum_(one: Opportunity) -> str:
    """How the figure came about."""
    if one.saved is None or one.minutes is None or one.could is None:
        return ""
    share = one.covered if one.way == ARTICLES else one.alike
    way = "are covered by articles" if one.way == ARTICLES else "are answered the same way"
    parts = [
        f"{number(one.by_people.value)} a week", f"{number(one.minutes.value)} minutes",
        f"{percent(share.value if share else 0)} that {way}",
    ]  # fmt: skip
    if one.recognised.n:
        parts.append(f"{percent(one.recognised.value)} that are recognised")
    if one.stakes == "medium":
        parts.append(f"{percent(LEFT_BY['medium'])}, since a person says yes to each (a guess)")
    if one.stakes == "high":
        return "Nothing is counted as saved, since it is people's work."
    return f"{' × '.join(parts)} = {time(one.saved)}."


def around(one: Estimate) -> str:
    return f"{number(one.value)} ({number(one.low)}–{number(one.high)})"


def number(value: float) -> str:
    """As exact as it is worth."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")


def _upper(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def line(one: Opportunity) -> str:
    """In a terminal."""
    return f"{could_save(one)}: {one.name}\n    {sentence(one)}" + "".join(f"\n    {told}" for told in one.lacking)


def as_json(told: Round) -> dict[str, object]:
    return {
        "at": told.at, "since": told.since, "until": told.until, "of": "all" if told.whose == EVERYBODYS else "team",
        "opportunities": [_one(one) for one in told.found],
    }  # fmt: skip


def _one(one: Opportunity) -> dict[str, object]:
    return {
        "id": one.key, "name": one.name, "kind": "intent" if one.is_intent else "pattern", "sentence": sentence(one),
        "conversations_a_week": _estimate(one.a_week), "minutes_each": _estimate(one.minutes), "same_reply": _share(one.alike),
        "covered": _share(one.covered), "articles": [{"article": article.slug, "title": article.title} for article in telling(one)],
        "recognised": _share(one.recognised), "recognised_of_all_intents": one.recognised_of_all, "resolved": _share(one.resolved),
        "ended_without_a_person": _share(one.contained), "stakes": one.stakes, "stakes_why": one.stakes_why,
        "minutes_saved_a_week": _estimate(one.saved), "lacking": list(one.lacking),
    }  # fmt: skip


def _estimate(one: Estimate | None) -> dict[str, float] | None:
    return {"value": round(one.value, 2), "low": round(one.low, 2), "high": round(one.high, 2)} if one else None


def _share(one: Share | None) -> dict[str, float] | None:
    if one is None or not one.n:
        return None
    low, high = one.interval
    return {"value": round(one.value, 4), "low": round(low, 4), "high": round(high, 4), "n": one.n}
