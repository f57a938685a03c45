"""What the policy comes to: of each intent what holds, how many conversations that concerns, what machines did, by which recipes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from automations import RECIPE, mandates, recipes
from automations.door import NOTE
from automations.mandates import DAYS, OTHERS, STRICTEST_FIRST, TITLES, UNKNOWN, Line, Policy
from automations.recipe import INTENT, Recipe
from automations.settling import DONE
from data import access, approvals, labels, releases, settings, store, versions
from data.tables import Action, Conversation, Person, Proposal, Release
from data.values import now


@dataclass(frozen=True)
class Figures:
    """Of the last days, within the person's reach."""

    conversations: int = 0
    by_machine: int = 0  # in which a recipe did something; that it called a person does not count


@dataclass(frozen=True)
class Row:
    """One intent, or what stands in the place of one."""

    key: str
    title: str
    line: Line
    own: bool  # it says so itself, else it is held to everything else
    figures: Figures | None  # None: the person reads no conversations
    recipes: tuple[str, ...]  # titles of those that begin with it, or did something on it
    waiting: tuple[Proposal, ...] = ()

    @property
    def is_intent(self) -> bool:
        return self.key not in TITLES


@dataclass(frozen=True)
class Shown:
    """The whole of it."""

    number: int  # 0: nobody set one
    since: datetime | None
    by_person_id: str | None
    rows: Sequence[Row]
    any_intent: tuple[str, ...]  # titles of recipes in force that begin with no intent of their own

    @property
    def is_set(self) -> bool:
        return self.number > 0


def shown(*, by: Person, at: datetime | None = None) -> Shown:
    access.require(by, "automation.read")
    policy, history = mandates.current() or Policy(), settings.history(mandates.NAME)
    titles = {one.name: one.title for one in recipes.listed(by=by)}
    waiting = _waiting(by)
    with store.reading() as db:
        in_force = _in_force(db, at)
        figures, acted = _figures(db, by, at or now())
    on = defaultdict(set, {key: set(names) for key, names in acted.items()})
    for name, recipe in in_force:
        if recipe.trigger.kind == INTENT:
            on[mandates.key_named(recipe.trigger.intent)].add(name)
    known = mandates.titles()
    rows = [
        Row(
            key, title, policy.line(key), key in TITLES or key in policy.intents, _of(key, figures, policy),
            tuple(sorted(titles.get(name, name) for name in on[key])), tuple(waiting.get(key, ())),
        )
        for key, title in known.items()
    ]  # fmt: skip
    any_intent = {titles.get(name, name) for name, recipe in in_force if recipe.trigger.kind != INTENT}
    newest = history[0] if history else None
    return Shown(
        newest.number if newest else 0, newest.at if newest else None, newest.by_person_id if newest else None,
        sorted(rows, key=_place), tuple(sorted(any_intent)),
    )  # fmt: skip


@dataclass(frozen=True)
class Changed:
    """One number of the policy, and what was another before it."""

    number: int
    sentence: str
    why: str
    at: datetime
    by_person_id: str | None


def changes(*, by: Person) -> list[Changed]:
    """Newest first."""
    access.require(by, "automation.read")
    numbers = settings.history(mandates.NAME)
    known, found = {**labels.names(), **TITLES}, []
    for row, before in zip(numbers, [*numbers[1:], None], strict=False):
        was, now_is = Policy.model_validate(before.value) if before else Policy(), Policy.model_validate(row.value)
        keys = {OTHERS, UNKNOWN, *was.intents, *now_is.intents}
        other = [key for key in sorted(keys) if was.line(key) != now_is.line(key) or (key in was.intents) != (key in now_is.intents)]
        told = [f"'{known.get(key, 'An intent that is gone')}': {now_is.line(key).told}" for key in other]
        found.append(Changed(row.number, "; ".join(told), now_is.why, row.at, row.by_person_id))
    return found


def _place(row: Row) -> tuple[int, int, int, str]:
    """What says so itself, the strictest first; then everything else, and what is held to it, the most frequent first."""
    many = -(row.figures.conversations if row.figures else 0)
    if not row.is_intent:
        return 1, 0, 0, row.title
    if not row.own:
        return 2, 0, many, row.title.casefold()
    return 0, STRICTEST_FIRST.index(row.line.may) - row.line.judgement, many, row.title.casefold()


def _of(key: str, figures: Mapping[str, Figures] | None, policy: Policy) -> Figures | None:
    """Everything else: all that is held to it, whether its intent is in use or not."""
    if figures is None:
        return None
    if key != OTHERS:
        return figures.get(key, Figures())
    rest = [one for name, one in figures.items() if name != UNKNOWN and name not in policy.intents]
    return Figures(sum(one.conversations for one in rest), sum(one.by_machine for one in rest))


def _waiting(by: Person) -> dict[str, list[Proposal]]:
    found: dict[str, list[Proposal]] = {}
    if access.may(by, "proposal.read"):
        for one in approvals.waiting(by=by):
            if one.kind == mandates.KIND and "key" in one.payload:
                found.setdefault(str(one.payload["key"]), []).append(one)
    return found


def _in_force(db: Session, at: datetime | None) -> list[tuple[str, Recipe]]:
    found = []
    for name, one in releases.standing(db, RECIPE, at).items():
        for release in (one.live, one.coming):
            if isinstance(release, Release):
                found.append((name, recipes.read(versions.get(releases.target_of(release)))))
    return found


def _figures(db: Session, by: Person, at: datetime) -> tuple[dict[str, Figures] | None, dict[str, set[str]]]:
    """By intent, as lists name it; and which recipes did something there."""
    reach = access.reach(by, "conversation.read")
    if reach is None:
        return None, {}
    here = (
        access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None),
        Conversation.opened_at >= at - timedelta(days=DAYS),
    )  # fmt: skip
    came = dict(db.exec(select(Conversation.intent_id, func.count()).where(*here).group_by(col(Conversation.intent_id))).all())
    acts = (Action.state == DONE, Action.kind != NOTE, Action.target_kind == RECIPE)
    joined = select(Conversation.intent_id, func.count(func.distinct(Action.conversation_id)))
    joined = joined.join(Action, col(Action.conversation_id) == col(Conversation.id)).where(*here, *acts)
    did = dict(db.exec(joined.group_by(col(Conversation.intent_id))).all())
    named = select(Conversation.intent_id, Action.target_name).join(Action, col(Action.conversation_id) == col(Conversation.id))
    acted: dict[str, set[str]] = {}
    for key, name in db.exec(named.where(*here, *acts).distinct()):
        acted.setdefault(key or UNKNOWN, set()).add(name)
    return {key or UNKNOWN: Figures(count, did.get(key, 0)) for key, count in came.items()}, acted
