"""A team's work in words: what is worst covered, what waits, how long decisions took. Whole sentences; of nobody in particular."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from data import behind, labels, team_decisions, team_view, team_waiting
from data.measures import Share
from data.tables import Person, Proposal
from data.team_decisions import Decided, Median
from data.team_view import Coverage, Covered
from data.team_waiting import Waits

CHANNELS = {"chat": "chat", "email": "e-mail", "voice": "calls"}
LONG = timedelta(days=3)  # what waits less is no finding
PROPOSED = {  # what is proposed, as a heading of many
    "ship_classifier": "Classifier versions", "ship_answerer": "Ways to answer", "ship_model": "Models", "publish_articles": "Articles",
    "issue_token": "Tokens for programs", "issue_surface": "Chat on a page", "change_gate": "Bars for releases",
    "change_gold": "Gold examples", "grant_role": "Roles", "change_connection": "Connections", "connect_tools": "Programs with tools",
    "connect_command": "Programs on this machine", "approve_tools": "Tools", "relabel": "Relabelling",
    "publish_small": "Recipes, low stakes", "publish_recipe": "Recipes, high stakes", "act_once": "Refunds and the like",
    "act_twice": "Refunds above the limit", "change_limit": "Limits", "change_policy": "Policy", "restore": "Restoring a backup",
    "emergency": "Emergencies",
}  # fmt: skip
NAMES_SOMEBODY = ("grant_role",)  # their titles do; here they are told by when they were proposed


@dataclass(frozen=True)
class Kind:
    """Of what waits: its words, what to do about it, and the page on which that is done."""

    one: str
    many: str
    do: str
    page: str = ""  # "": the conversations themselves
    right: str = ""
    each: str = ""  # the page's parameter for one of them


WAITING = {
    "asked": Kind("conversation that a colleague was asked to look at", "conversations that colleagues were asked to look at",
                  "ask somebody else, or take it back"),
    "noticed": Kind("conversation that asks for a look", "conversations that ask for a look", "have the first ones reviewed", "review",
                    "review.record"),
    "drafts": Kind("review that was begun and not saved", "reviews that were begun and not saved", "finish them or throw them away"),
    "flags": Kind("flag that no set took in", "flags that no set took in", "freeze the set", "eval_sets", "eval_set.read"),
    "disputes": Kind("conversation that people see differently", "conversations that people see differently", "settle the oldest",
                     "agreement", "agreement.read"),
    "gaps": Kind("gap that no article closes", "gaps that no article closes", "write an article or put it aside", "gaps", "pattern.read",
                 "gap"),
    "patterns": Kind("pattern without a name", "patterns without a name", "name it or put it aside", "patterns", "pattern.read",
                     "pattern"),
    "proposals": Kind("proposal that waits for a decision", "proposals that wait for a decision", "decide on the oldest", "approvals",
                      "proposal.read", "proposal"),
    "feedback": Kind("fault of the product that no product team has", "faults of the product that no product team has", "hand it over",
                     "product_feedback", "feedback.read", "feedback"),
}  # fmt: skip


# -- figures ------------------------------------------------------------------------------------------------------------------------------


def lasted(time: timedelta) -> str:
    """As one says it: 25 minutes, 5 hours, 9 days."""
    minutes = int(time.total_seconds() // 60)
    if minutes < 60:
        return _many(max(minutes, 1), "minute") if minutes else "less than a minute"
    hours = minutes // 60
    return _many(hours, "hour") if hours < 48 else _many(hours // 24, "day")


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def share(one: Share) -> str:
    """With a decimal where a whole number would say nothing: "0.7 % (0.2 to 2.1)"."""
    low, high = one.interval
    signs = 1 if one.value < 0.1 or high - low < 0.04 else 0
    return f"{one.value * 100:.{signs}f}\u00a0% ({low * 100:.{signs}f} to {high * 100:.{signs}f})"


def covered(one: Covered, about: str) -> str:
    """ "Of 410 about refunds, 3 were reviewed: 0.7 % (0.2 to 2.1)." Of few no share is told."""
    if not one.share.n:
        return f"Nothing {about} came in."
    seen = {0: "none was", 1: "one was"}.get(one.share.k, f"{one.share.k:,} were")
    told = f"Of {one.share.n:,} {about}, {seen} reviewed"
    return f"{told}: {share(one.share)}." if one.share.n >= team_view.FEWEST else f"{told}, too few to tell a share."


def figure(one: Covered) -> str:
    return share(one.share) if one.share.n >= team_view.FEWEST else f"too few to say: {one.share.n:,}"


def unreviewed(one: Covered) -> dict[str, str]:
    """The address at which the list of conversations shows exactly those that nobody reviewed."""
    return behind.address(one.behind) | {"state": "Not reviewed"}


def named(key: str, names: Mapping[str, str]) -> str:
    return names.get(key, "an intent that is gone") if key else "No intent yet"


def took(one: Decided) -> str:
    if one.median is None:
        return f"too few to say: {one.decided} decided"
    return f"{_value(one.median)} ({_between(one.median)})"


def _value(found: Median) -> str:
    return lasted(found.value) if found.value is not None else "longer than is known yet"


def _between(found: Median) -> str:
    low = lasted(found.low) if found.low is not None else "longer than is known"
    return f"{low} to {lasted(found.high)}" if found.high is not None else f"{low} or more"


def became(one: Decided) -> str:
    """What became of them; only what there is."""
    told = {
        "approved": one.approved, "refused": one.refused, "withdrawn": one.withdrawn, "lapsed": one.lapsed, "waiting": one.waiting,
    }  # fmt: skip
    return ", ".join(f"{count:,} {words}" for words, count in told.items() if count)


def title_of(one: Proposal) -> str:
    if one.kind in NAMES_SOMEBODY:
        return PROPOSED[one.kind]
    return one.title[:1].upper() + one.title[1:]


# -- sentences ----------------------------------------------------------------------------------------------------------------------------


def waits(one: Waits) -> str:
    """ "12 flags that no set took in, the oldest for 9 days"."""
    kind = WAITING[one.kind]
    words = f"1 {kind.one}" if one.count == 1 else f"{one.count:,} {kind.many}"
    return f"{words}, {'for' if one.count == 1 else 'the oldest for'} {lasted(one.oldest or timedelta())}"


def finding(found: Coverage, waiting: Sequence[Waits]) -> str:
    """What to look at first, and what to do: what is clearly less covered than the rest, else what waits longest."""
    worst, oldest = team_view.least(found), team_waiting.longest(waiting)
    if worst is not None:
        about = f"about '{named(worst.key, labels.names())}'"
        return f"{covered(worst, about)} Of all {found.whole.share.n:,} it is {share(found.whole.share)}: review some of these first."
    if oldest is not None and (oldest.oldest or timedelta()) >= LONG:
        return f"What waits longest: {waits(oldest)}. What to do: {WAITING[oldest.kind].do}."
    if not found.whole.share.n:
        return "No conversation came in within four weeks. Once some have, it says here how many of them were reviewed."
    rest = "nothing waits." if oldest is None else f"nothing waits longer than {lasted(oldest.oldest or timedelta())}."
    return f"{covered(found.whole, 'of the last four weeks')} No intent is clearly less covered than the rest, and {rest}"


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def as_json(*, by: Person, team_id: str | None = None) -> dict[str, Any]:
    """The whole page."""
    found, waiting = team_view.coverage(by=by, team_id=team_id), team_waiting.waiting(by=by, team_id=team_id)
    names = labels.names()
    return {
        "finding": finding(found, waiting), "team": team_view.teams(by=by).get(team_id or by.team_id or ""),
        "coverage": {
            "last_days": team_view.DAYS, **_share(found.whole.share),
            "weeks": [{"week": one.key, **_share(one.share)} for one in found.weeks],
            "intents": [{"intent": named(one.key, names), **_share(one.share)} for one in found.intents],
            "channels": [{"channel": one.key, **_share(one.share)} for one in found.channels],
        },
        "waiting": [
            {"kind": one.kind, "count": one.count, "median_hours": _hours(one.median), "oldest_hours": _hours(one.oldest)}
            for one in waiting
        ],
        "decisions": {
            str(days): [_decided(one) for one in team_decisions.by_kind(by=by, team_id=team_id, days=days)]
            for days in (team_decisions.QUARTER, team_decisions.YEAR)
        },
    }  # fmt: skip


def _share(one: Share) -> dict[str, Any]:
    low, high = one.interval
    known = one.n >= team_view.FEWEST
    told = (
        {"share": round(one.value, 4), "low": round(low, 4), "high": round(high, 4)} if known else dict.fromkeys(("share", "low", "high"))
    )
    return {"conversations": one.n, "reviewed": one.k, **told}


def _hours(time: timedelta | None) -> float | None:
    return None if time is None else round(time.total_seconds() / 3600, 2)


def _decided(one: Decided) -> dict[str, Any]:
    found = one.median
    return {
        "kind": one.kind, "proposed": one.count, "approved": one.approved, "refused": one.refused, "withdrawn": one.withdrawn,
        "lapsed": one.lapsed, "waiting": one.waiting, "median_hours": _hours(found.value) if found else None,
        "low_hours": _hours(found.low) if found else None, "high_hours": _hours(found.high) if found else None,
        "slowest_hours": _hours(one.slowest), "oldest_waiting_hours": _hours(one.waits),
    }  # fmt: skip


def in_lines(*, by: Person, team_id: str | None = None) -> str:
    """For a terminal."""
    found, waiting = team_view.coverage(by=by, team_id=team_id), team_waiting.waiting(by=by, team_id=team_id)
    names = labels.names()
    lines = [finding(found, waiting), "", "Reviewed of the last four weeks, the least covered first:"]
    lines += [f"- {named(one.key, names)}: {one.share.k:,} of {one.share.n:,}, {figure(one)}" for one in found.intents]
    lines += ["", "Waits:", *(f"- {waits(one)}" for one in waiting if one.count)]
    if not any(one.count for one in waiting):
        lines.append("- nothing")
    lines += ["", f"Decisions of the last {team_decisions.QUARTER} days:"]
    decided = team_decisions.by_kind(by=by, team_id=team_id)
    lines += [f"- {PROPOSED[one.kind]}: {one.count:,} ({became(one)}), median {took(one)}" for one in decided]
    return "\n".join(lines if decided else [*lines, "- none"])
