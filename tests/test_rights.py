"""Who may do what, all of it: each verb and each route, for each kind of actor, on their own, their team's and another team's things.

What should come out is computed from the access table alone; what does come out is asked of the functions and of a running portal.
"""

import ast
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from automations import (
    RECIPE,
    actions,
    arms,
    arriving,
    backtest,
    copying,
    decision,
    drafted,
    drafting,
    failures,
    growing,
    limits,
    mandated,
    mandates,
    marking,
    opportunities,
    precedents,
    ran,
    recipes,
    replay,
    responding,
    stopping,
    tripping,
)
from automations import gate as recipe_gate
from automations import release as recipe_release
from automations import trying as automations_trying
from automations.connectors import connecting
from automations.conversing import Connected
from automations.outside import proposing
from automations.outside import sources as of_tools
from automations.recipe import BUTTON, Act, Recipe, Trigger
from automations.steps.all import STEPS
from classifiers import (
    answering,
    curve,
    doubting,
    exporting,
    finding,
    gathering,
    impact,
    kinds,
    labels,
    noticing,
    ordering,
    release,
    several,
    shipping,
    studies,
    taught,
    traffic,
    training,
    tuning,
    watching,
)
from classifiers import copying as classifier_copying
from data import (
    access,
    agreements,
    approvals,
    assignments,
    audit,
    backups,
    behind,
    calibration,
    coaching,
    coaching_notes,
    collector,
    comments,
    config,
    connections,
    conversations,
    daily,
    datasets,
    deputies,
    disputes,
    downloads,
    drafts,
    effects,
    examples,
    exercises,
    feedback_evidence,
    flagging,
    lists,
    measures,
    notes,
    people,
    product_feedback,
    queue,
    relabelling,
    releases,
    reviews,
    rubric,
    sessions,
    settings,
    signatures,
    store,
    surfaces,
    talks,
    tasks,
    team_decisions,
    team_view,
    team_waiting,
    tokens,
    trends,
    use_case_bars,
    use_cases,
    vectors,
    versions,
    views,
    webhooks,
    work_changed,
    work_rows,
    worth,
)
from data.config import ROOT
from data.errors import Denied, Refused
from data.intake import appending, door, files, following, offers, revising, seals
from data.intake.canonical import CanonicalMessage
from data.intake.reading import Mapping
from data.measures import Share
from data.product_feedback import About
from data.tables import (
    Action,
    Alert,
    Case,
    Classifier,
    CoachingNote,
    Comment,
    Comparison,
    Conversation,
    DatasetVersion,
    Deputy,
    Digest,
    Example,
    Exercise,
    ImportBatch,
    Label,
    Pattern,
    Person,
    ProductFeedback,
    ProductFeedbackSent,
    ProductFeedbackStep,
    Proposal,
    Release,
    Run,
    Talk,
    Team,
    Trace,
    Version,
    View,
)
from data.trends import Slice
from data.values import Target, new_id, now
from evals import (
    alerts,
    brief,
    candidates,
    changes,
    checks,
    compare,
    continuous,
    digest,
    flags,
    freezing,
    graders,
    markers,
    model_release,
    models,
    monitors,
    passes,
    reading,
    rubrics,
    runs,
    sets,
    targets,
    why,
)
from evals.brief import Brief
from evals.cases import NewCase
from evals.digest import Written
from evals.digested import Told
from evals.monitors import Definition
from knowledge import answerers, articles, gaps, instructing, ladder, learning, trying
from knowledge import answering as asking_articles
from knowledge import release as answers_release
from knowledge.articles import Content
from knowledge.manner import Writer
from portal.api import api
from tests.conftest import SOAK
from tests.conversations import canonical, one
from tests.server import Server, inside, serving

OWN, TEAM, OTHER, NOBODYS = "own", "team", "other", "nobody's"
WHOSE = (OWN, TEAM, OTHER)
CHANNEL = {OWN: "chat", TEAM: "email", OTHER: "voice"}  # by which a list or a figure shows whose conversations are in it
UNKNOWN = Target("classifier", "intent", 99)
SHIPPED = answerers.Setup().combination
ARTICLE, ANSWERER = Target("article", "none", 1), Target("answerer", "answerer", 99)
MODEL = Target("model", "accuracy", 99)
LATER = now() + timedelta(days=1)
LONG_AGO = now() - timedelta(days=1)
LATELY: dict[str, Any] = {"since": now().date() - timedelta(days=3), "until": now().date() + timedelta(days=1)}
NO_NUMBERS = Written(
    date(2026, 4, 6), now(), Told(Brief("It fell.", "", "", "", Slice(), date(2026, 4, 6), date(2026, 4, 12), now()), (), ())
)
MARK = behind.Behind("volume", now().date() - timedelta(days=30), now().date() + timedelta(days=1))
OF_RECIPE = Target(RECIPE, "none", 99)
TEXT = Content("A", "Text")
SERVICE = connections.OpenService("delivery", "https://api.example.com", "", "", "{}")
DESCRIBED = b'{"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": {"200": {"description": "fine"}}}}}}'
QUESTION = [{"role": "customer", "text": "How long?"}]
SATISFIED = Definition("csat")
STARS = {"measure": "csat", "target": 0.8}
ARMED = Definition("csat", arms="roll_back", armed_for=("answerer", "none"))
WRITER = Writer(lambda _messages, _schema: pytest.fail("a model was asked"))


# -- the world: in one team everybody and a colleague of each role, in another team a stranger of each role -------------------------------


@dataclass
class World:
    people: dict[tuple[str, str], Person] = field(default_factory=dict)  # (role, own/team/other) as a member of the first team sees them
    gone: dict[str, Person] = field(default_factory=dict)
    fresh: dict[str, str] = field(default_factory=dict)  # conversations: not reviewed yet
    reviewed: dict[str, str] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)  # with a card in it, which was replaced, and reopened since
    example: dict[str, str] = field(default_factory=dict)
    disputed: dict[str, str] = field(default_factory=dict)  # two engineers see it differently
    settled: dict[str, str] = field(default_factory=dict)  # decided on by a lead of its team who is none of the actors; also gold
    gold: dict[str, str] = field(default_factory=dict)
    proposal: dict[tuple[str, str], str] = field(default_factory=dict)  # (kind, team/other or the id of who built it)
    things: dict[tuple[str, str], str] = field(default_factory=dict)  # (what, its owner's id)
    ids: dict[str, str] = field(default_factory=dict)
    run: Run | None = None

    def owner(self, by: Person, whose: str) -> Person:
        role = by.role if by.role in access.ROLES else access.REP
        return self.people[role, OWN if whose == NOBODYS else whose]

    def thing(self, what: str, by: Person, whose: str) -> str:
        return self.things[what, self.owner(by, whose).id]


def build_world() -> World:
    with store.writing() as db:
        world = World()
        _hire(world)
        _fill_conversations(world)
        _differ(db, world)
        _watch(db, world)
        for person in world.people.values():
            _give_things(db, world, person)
        _make_proposals(db, world)
    daily.bring_up_to_date()
    world.ids["backup"] = backups.make(by=people.console()).path.name
    return world


def _hire(world: World) -> None:
    console = people.console()
    teams = {"Oak": people.add_team("Oak", by=console), "Fern": people.add_team("Fern", by=console)}
    world.ids |= {name: team.id for name, team in teams.items()}

    def add(role: str, whose: str, team: Team) -> Person:
        person = people.add(f"{role} {whose}", f"{role}.{whose}@example.com", "rep", by=console, team=team)
        person.role = role
        return person

    for role in access.ROLES:
        for whose in WHOSE:
            world.people[role, whose] = add(role, whose, teams["Fern" if whose == OTHER else "Oak"])
    for whose in (TEAM, OTHER):
        world.gone[whose] = add("rep", f"gone.{whose}", teams["Fern" if whose == OTHER else "Oak"])
        world.gone[whose].disabled_at = now()


def _fill_conversations(world: World) -> None:
    engineer, lead = world.people["engineer", OWN], world.people["lead", OWN]
    for name in ("Order status", "Refund"):
        world.ids[name] = labels.add(name, by=lead).id
    kept, waiting, frozen = (sets.create(name, by=lead) for name in ("Kept", "Waiting", "Frozen"))
    world.ids |= {"kept": kept.id, "waiting": waiting.id, "frozen": frozen.id}

    def arrive(number: int, whose: str, **more: Any) -> str:
        belongs = {"team": "Fern" if whose == OTHER else "Oak", "channel": CHANNEL[whose], "customer": f"customer {number}"}
        conversation = canonical(number, **belongs, **more)
        return door.receive([conversation], by=engineer, classify=False).ids[0]

    for number, whose in enumerate(WHOSE, start=1):
        world.fresh[whose], world.reviewed[whose] = arrive(number, whose), arrive(number + 10, whose)
        card = {"role": "customer", "text": "My card is 4111 1111 1111 1111."}
        world.sealed[whose] = arrive(number + 30, whose, messages=[card], signals=[{"kind": "reopened", "at": now()}])
        said = {"label_id": world.ids["Refund"], "by": engineer}
        reviews.record(world.reviewed[whose], "strong", **said)
        flagged = examples.flag(world.reviewed[whose], "strong", why="A clear case.", eval_set_id=kept.id, **said)
        world.example[whose] = flagged.id
        comments.write("example", flagged.id, "Is this one clear?", by=engineer, asks_engineer=True)
    examples.flag(arrive(20, OWN), "strong", why="A clear case.", eval_set_id=frozen.id, label_id=world.ids["Refund"], by=engineer)
    world.ids["version"] = freezing.freeze(frozen.id, by=lead).id
    with store.writing() as db:
        followed = ImportBatch(reader="zendesk", file_name="https://desk.example.com ada", file_sha="", state=following.FOLLOWING)
        db.add(followed)
        world.ids["followed"] = followed.id
    world.run = runs.run(world.ids["version"], Target("classifier", "other", 1), answer, by=engineer)
    (case,) = sets.cases(world.ids["version"])
    world.ids |= {"case": case.id, "key": case.key, "result": reading.said(world.run.id, case.id, by=engineer)[0].result.id}
    changes.add(frozen.id, [typed()], known=KNOWN, by=lead)


def _watch(db: Any, world: World) -> None:
    """Of each team a monitor of its lead's, with an alert."""
    for whose in WHOSE:
        lead = world.people["lead", OTHER if whose == OTHER else TEAM]
        made = monitors.make(f"Satisfied {whose}", SATISFIED, why="We promised it.", by=lead)
        today = now().date()
        alert = Alert(monitor_id=made.id, monitor_number=1, since=today, until=today, numbers={"sign": -1, "value": 0.5, "baseline": 0.8},
                      sentence="It fell.")  # fmt: skip
        db.add(alert)
        note = notes.write("We are two people fewer.", by=lead)
        case = use_cases.begin(f"Addresses {whose}", by=lead, systems=["Shop"], risk="low", risk_why="Seen before it is sent.", kpi=STARS)
        world.ids |= {f"monitor {whose}": made.id, f"alert {whose}": alert.id, f"note {whose}": note.id, f"case {whose}": case.id}
        fault = ProductFeedback(title="Shut", text="It stays shut.", words="nothing", team_id=lead.team_id, product_team="Delivery")
        db.add(fault)
        db.flush()
        db.add(ProductFeedbackStep(feedback_id=fault.id, state="noted", day=today, sentence="Written up."))
        db.add(ProductFeedbackSent(feedback_id=fault.id, receiver="none", document={}, state="done"))
        world.ids[f"feedback {whose}"] = fault.id
    for sees in brief.reaches():
        db.add(Digest(week=NO_NUMBERS.week, whose=sees, told=NO_NUMBERS.told.kept()))


def _differ(db: Any, world: World) -> None:
    """What two engineers see differently, what a lead settled of that, and what became gold."""
    both = (world.people["engineer", TEAM], world.people["engineer", OTHER])
    for number, whose in enumerate(WHOSE, start=61):
        belongs = {"team": "Fern" if whose == OTHER else "Oak", "channel": CHANNEL[whose], "customer": f"customer {number}"}
        said = [canonical(number + more, **belongs) for more in (0, 10)]
        world.disputed[whose], decided = door.receive(said, by=both[0], classify=False).ids
        for made in (world.disputed[whose], decided):
            for engineer, verdict in zip(both, ("strong", "weak"), strict=True):
                reviews.record(made, verdict, by=engineer)
        lead = world.people["lead", OTHER if whose == OTHER else TEAM]
        world.settled[whose] = disputes.settle(decided, "weak", None, "It missed the question.", by=lead).id
        gold = Example(conversation_id=decided, seq=2, customer_id=conversations.get(decided, by=both[0])[0].customer_id, messages=[],  # type: ignore[index]
                       kind="weak", why="It missed the question.", purpose="classifier", use="gold", by_person_id=both[0].id)  # fmt: skip
        db.add(gold)
        db.flush()
        world.gold[whose] = gold.id


@runs.told_at_once
def answer(cases: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"label": "Refund"} for _ in cases]


KNOWN = graders.BY_NAME
A_RUBRIC = rubrics.Known("Says sorry.", "none", "none", 1, 1, Share(0, 0), Share(0, 0))


def typed() -> NewCase:
    return NewCase(({"role": "customer", "text": "Where is it?"},), {"label": "Refund"}, ("exact label",))


def _give_things(db: Any, world: World, person: Person) -> None:
    """One of each thing that belongs to somebody."""
    key = downloads.keep(b"text,intent\r\n", "csv")
    last = sum(1 for what, _ in world.things if what == "dataset")
    version = DatasetVersion(
        name="Refunds", number=last + 1, sha="", recipe={}, counts={}, card="", format="csv", file_key=key, by_person_id=person.id
    )
    batch = ImportBatch(reader="jsonl", file_name="old.jsonl", file_sha=new_id(), state="done", by_person_id=person.id)
    another = next(other for other in world.people.values() if other.role == person.role and other.id != person.id)
    later = now() + timedelta(days=30)
    deputy = Deputy(person_id=person.id, deputy_id=another.id, starts_at=later, ends_at=later + timedelta(days=1), by_person_id=person.id)
    waiting, failed = (tasks.later(db, "train", {"name": "intent"}, title="Train", by=person) for _ in range(2))
    failed.state = "failed"
    db.add_all([version, batch, deputy, failed])
    session = sessions.of_cookie(sessions.start(person))
    assert session is not None
    tokens.issue(person.name, ["metrics"], person, by=people.console())
    token = next(token for token, owner in tokens.all_tokens(by=people.console()) if owner.id == person.id)
    shared = View(name="Ours", query={"channel": "chat"}, team_id=person.team_id, by_person_id=person.id)
    kept = View(name="Mine", query={"channel": "chat"}, by_person_id=person.id)
    db.add_all([shared, kept])
    world.things |= {("view", person.id): shared.id, ("private view", person.id): kept.id}
    made = {"dataset": version, "import": batch, "deputy": deputy, "task": waiting, "failed task": failed}
    world.things |= {(what, person.id): row.id for what, row in (made | {"sign-in": session, "token": token}).items()}
    world.things["file", person.id] = key


def _make_proposals(db: Any, world: World) -> None:
    """Of each kind one that each actor built, one of the team's and one of the other team's."""
    for kind, rule in approvals.KINDS.items():
        role = next(role for role in access.ROLES if access.TABLE[rule.propose].get(role))

        def propose(title: str, *, author: Person, by: Person, kind: str = kind) -> str:
            told = {"why": "It is better.", "evidence": {"sentence": "So it is."}, "authors": [author.id]}
            return approvals.propose(db, kind, title, {"title": title}, by=by, **told).id

        mate = world.people[role, TEAM]
        for whose in (TEAM, OTHER):
            world.proposal[kind, whose] = propose(f"{kind} {whose}", author=world.people[role, whose], by=world.people[role, whose])
        for actor in (world.people[actor_role, OWN] for actor_role in access.ROLES):
            world.proposal[kind, actor.id] = propose(f"{kind} {actor.name}", author=actor, by=mate)
    for role, kind in {"rep": "ship_classifier", "lead": "change_gate", "engineer": "issue_token", "admin": "emergency"}.items():
        for whose in WHOSE:
            person = world.people[role, whose]
            told = {"why": "It is better.", "evidence": {}, "authors": []}
            world.things["proposal", person.id] = approvals.propose(db, kind, f"{role} {whose}", {"x": whose}, by=person, **told).id


# -- the actors ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Actor:
    name: str
    person: Person
    role: str = ""  # as the table calls it; "" has no row
    scope: str = ""
    disabled: bool = False


def actors(world: World) -> list[Actor]:
    """Everybody that a right knows. A token is narrowed before a database is asked: one engine has each scope, `make soak` both."""
    mine = {role: world.people[role, OWN] for role in access.ROLES}
    made = [Actor(role, person, role) for role, person in mine.items()]
    owners = access.ROLES if SOAK else (access.ENGINEER, access.REP)
    made += [
        Actor(f"token of a {role} for {scope}", tokens.narrowed(mine[role], [scope]), role, scope)
        for role in owners
        for scope in (access.SCOPES if SOAK or (role == access.ENGINEER and store.is_sqlite()) else ("read",))
    ]
    for role in access.ROLES if SOAK else (access.LEAD,):
        gone = Person(**mine[role].model_dump() | {"disabled_at": now()})
        made.append(Actor(f"disabled {role}", gone, role, disabled=True))
    return [
        *made,
        Actor("anonymous", Person(name="nobody", email="", role="anonymous")),
        Actor("console", people.console(), access.CONSOLE),
    ]


# -- what should come out, from the table alone -------------------------------------------------------------------------------------------


def allowed(actor: Actor, verb: str, whose: str, table: dict[str, dict[str, str]]) -> bool:
    reach = table[verb].get(actor.role)
    if reach is None or actor.disabled:
        return False
    if actor.scope and not any(verb in rule.scopes.get(actor.scope, ()) for rule in access.RULES):
        return False
    within = {"own": (OWN,), "team": (OWN, TEAM), "all": WHOSE}[reach]
    return whose == NOBODYS or whose in within


@dataclass(frozen=True)
class Call:
    """One function that asks for a verb, and which things there are to call it on."""

    verb: str
    name: str
    do: Callable[[Person, World, str], object]
    on: tuple[str, ...] = WHOSE
    own: bool | None = None  # True: only one's own, whatever the reach. False: never one's own: a second person has to
    also: str = ""  # a second verb that it asks for

    def expected(self, actor: Actor, whose: str, table: dict[str, dict[str, str]]) -> bool:
        if self.name == "tokens.revoke" and whose == OWN and actor.role in access.ROLES and not actor.scope and not actor.disabled:
            return True  # makes things safer only: whoever holds a token may always end it
        is_own = whose == OWN and actor.role != access.CONSOLE  # the console is nobody's
        fits = self.own is None or whose == NOBODYS or is_own == self.own
        return fits and all(allowed(actor, verb, whose, table) for verb in (self.verb, self.also) if verb)


# -- the callers: of each verb the real functions -----------------------------------------------------------------------------------------


@contextmanager
def past(words: str) -> Iterator[None]:
    """The right was there, and the call ended where it needs a bigger world than this one."""
    try:
        yield
    except Denied:
        raise
    except Refused as refused:
        if words not in str(refused) and any(absent in str(refused) for absent in SAME_AS_ABSENT):
            raise
        assert words in str(refused), str(refused)


def explained(by: Person) -> bool:
    """Of days in which nobody said whether they were satisfied."""
    try:
        return did(why.why("csat", by=by, **LATELY))
    except Refused as refused:
        if isinstance(refused, Denied):
            raise
        return "there is nothing to compare" in str(refused)


def did(*_outcome: object) -> bool:
    """For verbs that return nothing, or an empty answer: that they came to an end says that they did it."""
    return True


def reached(words: str, call: Callable[[], object]) -> bool:
    with past(words):
        call()
    return True


def listed(ids: Any, wanted: str) -> bool:
    return wanted in {row.id for row in ids}


def team_of(w: "World", whose: str) -> str | None:
    return w.people["lead", OTHER if whose == OTHER else TEAM].team_id


def opened_case(by: Person, w: "World", whose: str) -> object:
    """For change, with which it begins."""
    with store.writing() as db:
        return use_cases.opened(db, w.ids[f"case {whose}"], "use_case.write", "Not changed", by)


def pattern(conversation_id: str = "") -> str:
    """One that stands out, with a conversation or with none."""
    with store.writing() as db:
        times = dict.fromkeys(("first_at", "last_at", "seen_at"), now())
        made = Pattern(kind="new_intent", name="locker", phrases=[], conversation_ids=[conversation_id], signature={}, sentence="",
                       size=1, customers=1, **times)  # fmt: skip
        db.add(made)
        return made.id


def asked_of(conversation_id: str) -> str:
    """A gap whose only question, after which it is named, was asked in that conversation."""
    asked = {"trace": "none", "conversation": conversation_id, "text": "Do you sell silver spoons?"}
    with store.writing() as db:
        times = dict.fromkeys(("first_at", "last_at", "seen_at"), now())
        made = Pattern(kind="gap", name="Do you sell silver spoons?", phrases=[], conversation_ids=[conversation_id], signature={},
                       sentence="", size=1, customers=1, told={"asked": [asked], "named_by": asked}, **times)  # fmt: skip
        db.add(made)
        return made.id


def told_of(gap_id: str, seen: Sequence[gaps.Gap | None]) -> bool:
    """Whether its question is told; its figures are told to all who may see gaps."""
    (gap,) = (one for one in seen if one and one.id == gap_id)
    assert gap.size == 1 and ("silver" in repr(gap)) == bool(gap.phrases) == bool(gap.conversation_ids)
    return bool(gap.phrases)


def topics() -> str:
    """A classifier that may say several labels."""
    with store.writing() as db:
        made = Classifier(name=f"Topics {new_id()}", kind="several")
        db.add(made)
        return made.name


def said_of(conversation_id: str, by: Person) -> bool:
    """Whether it is told what somebody said of it."""
    with store.writing() as db:
        label, said = Label(classifier_name=topics(), name="Damage"), db.get_one(Conversation, conversation_id)
        db.add(label)
        db.flush()
        db.add(Example(conversation_id=said.id, seq=1, customer_id=said.customer_id, messages=[], kind="strong", why="It is.",
                       purpose="classifier", label_id=label.id, use="train"))  # fmt: skip
    return taught.said_of(conversation_id, label.classifier_name, by=by) == (label.id,)


def acted_in(conversation_id: str) -> str:
    """A run there, of which one act is not known yet."""
    with store.writing() as db:
        trace = Trace(**OF_RECIPE.columns(), mode="live", conversation_id=conversation_id)
        db.add(trace)
        db.flush()
        db.add(Action(**OF_RECIPE.columns(), trace_id=trace.id, conversation_id=conversation_id, act="refund", step="refund", kind="refund",
                      payload={}, payload_sha="none", idempotency_key=trace.id, state="unknown"))  # fmt: skip
        return trace.id


def failed_in(conversation_id: str, state: str = "failed") -> str:
    """A run there that failed, with its cause by rule."""
    with store.writing() as db:
        trace = Trace(**OF_RECIPE.columns(), mode="live", conversation_id=conversation_id, state=state, cause="slow", cause_why="So.")
        db.add(trace)
        db.flush()
        return trace.id


def run_in(conversation_id: str) -> Trace:
    made = acted_in(conversation_id)
    with store.reading() as db:
        return db.get_one(Trace, made)


def exercise_of(person: Person) -> str:
    with store.writing() as db:
        made = Exercise(person_id=person.id, kind="judging", why="To see alike.", example_ids=[])
        db.add(made)
        return made.id


def note_of(world: World, person: Person) -> str:
    """Written by them, to somebody who is no actor here."""
    with store.writing() as db:
        made = CoachingNote(person_id=person.id, lead_id=world.people["admin", TEAM].id, text="I will.", by_person_id=person.id)
        db.add(made)
        return made.id


def pressable(world: World) -> str:
    """A recipe with a button that is in force."""
    made = recipes.save(Recipe(f"recipe-{new_id()}", trigger=Trigger(BUTTON)), why="Often.", based_on=None, by=world.people["lead", OWN])
    with store.writing() as db:
        target = Target(RECIPE, made.target_name, made.target_number)
        return releases.go_live(db, target, proposal_id=None, why_before_ends="", by=None).target_name


def of_intents() -> Version:
    return Version(target_kind="classifier", target_name="intent", target_number=1, sha="none")


def members(conversation_id: str, by: Person) -> list[Any]:
    with store.reading() as db:
        found = db.get_one(Pattern, pattern(conversation_id))
    return noticing.members(found, by=by)


def noticed(conversation_id: str) -> str:
    """The source of a reason to look at it."""
    with store.writing() as db:
        queue.suggest(db, conversation_id, "look through", "of the night", weight=9.0, source=(source := f"night {conversation_id}"))
    return source


def queued(conversation_id: str, by: Person) -> bool:
    with past("none that you may read"):
        return conversation_id in watching.to_review(pattern(conversation_id), by=by).conversation_ids
    return False


def suggested(found: finding.Found) -> set[str]:
    return {one.conversation_id for one in found.ones}


def version_row(world: World) -> Version:
    with store.writing() as db:
        return versions.add(db, "classifier", "bench", by=world.people[access.REP, OWN], manifest={}, body={}, file_sha="none")


def calling(world: World) -> Target:
    """A recipe at high stake."""
    made = Recipe(f"recipe-{new_id()}", acts=(Act("http call", "call"),))
    return versions.target_of(recipes.save(made, why="Often.", based_on=None, by=world.people["lead", OWN]))


def on_its_way(world: World, target: Target | None = None) -> str:
    """A release of a recipe; where none is named, of one at low stake."""
    made = target or Target(RECIPE, f"recipe-{new_id()}", 1)
    if target is None:
        recipes.save(Recipe(made.name, acts=(Act("tag", "tag"),)), why="Often.", based_on=None, by=world.people["lead", OWN])
    with store.writing() as db:
        return releases.begin(db, made, proposal_id=None, by_itself=False, by=world.people["lead", OWN]).id


def on_its_way_name(world: World) -> str:
    begun = on_its_way(world)
    with store.reading() as db:
        return db.get_one(Release, begun).target_name


def of_recipes() -> Release:
    return Release(**OF_RECIPE.columns(), stage="shadow", started_at=now())


def of_answers() -> Release:
    return Release(**ANSWERER.columns(), stage="shadow", started_at=now())


def of_models() -> Release:
    return Release(**MODEL.columns(), stage="shadow", started_at=now())


def going() -> Release:
    return Release(**UNKNOWN.columns(), stage="shadow", started_at=now())


PAGES = "https://shop.example.com"


def surface_of(world: World) -> str:
    """Pages on which customers write."""
    surfaces.issue("Shop", [PAGES], world.people["engineer", OWN], by=people.console())
    return surfaces.all_surfaces(by=people.console())[0][0].id


def visited(world: World, whose: str) -> str:
    """A conversation whose customer reads what is written here."""
    with store.writing() as db:
        db.add(Talk(surface_id=surface_of(world), conversation_id=world.fresh[whose], key_sha=new_id()))
    return world.fresh[whose]


def proposal_of(world: World, kind: str, by: Person, whose: str) -> str:
    return world.proposal[kind, world.owner(by, OWN).id if whose == OWN else whose]


def propose_kind(kind: str) -> Callable[[Person, World, str], object]:
    def call(by: Person, world: World, whose: str) -> object:
        with store.writing() as db:
            return approvals.propose(db, kind, "A thing", {"x": 1}, why="It is better.", evidence={}, authors=[], by=by)

    return call


def within_reach(verb: str) -> Callable[[Person, World, str], object]:
    def call(by: Person, world: World, whose: str) -> object:
        with store.reading() as db:
            return conversations.within_reach(db, world.fresh[whose], verb, by=by)

    return call


def build(by: Person, world: World, whose: str) -> object:
    definition = datasets.Definition(name="New", channels=[CHANNEL[whose]])
    return datasets.build(definition, format_name="csv", by=by)


def receive(by: Person, world: World, whose: str) -> object:
    arrival = door.receive([canonical(900, team="Fern" if whose == OTHER else "Oak")], by=by)
    return arrival.ids


def imported(by: Person, world: World, whose: str) -> object:
    path = Path(store.config.folder("uploads")) / "new.jsonl"
    path.write_text(canonical(901, team="Fern" if whose == OTHER else "Oak").model_dump_json() + "\n")
    return files.import_file(path, by=by)["new"]


def export(whose: str) -> bytes:
    return canonical(902, team="Fern" if whose == OTHER else "Oak").model_dump_json().encode() + b"\n"


def exported(whose: str) -> Path:
    path = config.folder("uploads") / f"{whose}.jsonl"
    path.write_bytes(export(whose))
    return path


def offered(by: Person, world: World, whose: str) -> str:
    """A file that its owner brought and has not imported yet."""
    owner = world.owner(by, whose)
    return offers.offer([("new.jsonl", export(OTHER if owner.team_id == world.ids["Fern"] else OWN))], by=owner).id


def message_after(whose: str) -> tuple[tuple[str, str], list[CanonicalMessage]]:
    return ("test", {OWN: "1", OTHER: "3"}[whose]), [CanonicalMessage(id=new_id(), role="customer", text="And then?")]


def connect(by: Person) -> object:
    return connections.propose_endpoint("https://models.example.com/v1", "a-key", {"triage": "small"}, why="To draft.", by=by)


def entries(by: Person, world: World, whose: str) -> audit.Filter:
    return audit.Filter(person_id=world.owner(by, whose).id)


def colleague(by: Person, world: World) -> str:
    return world.people[by.role if by.role in access.ROLES else access.REP, TEAM].id


def correct_a_colleague(by: Person, world: World, whose: str) -> object:
    """Somebody else named an intent: who may not change it leaves it alone."""
    reviews.record(world.fresh[whose], "weak", label_id=world.ids["Refund"], by=world.people["engineer", TEAM])
    return relabelling.label([world.fresh[whose]], world.ids["Order status"], by=by).changed


def another_takes_back(by: Person, world: World, whose: str) -> object:
    """What somebody else added."""
    made = changes.add(world.ids["frozen"], [typed()], known=KNOWN, by=world.people["engineer", TEAM])[0]
    return did(changes.take_back(made.id, by=by))


def gate(world: World) -> settings.Gate:
    return settings.Gate(eval_set_id=world.ids["frozen"], eval_set="Frozen", bar=0.5)


TEAMS = {OWN: "Oak", OTHER: "Fern"}
HERE, THERE = (OWN, OTHER), (NOBODYS,)  # a conversation belongs to a team, not to a person; and what belongs to nobody
ANOTHER = (TEAM, OTHER)
SAID = {"why": "A clear case."}

CALLS: tuple[Call, ...] = (
    Call("conversation.read", "conversations.get", lambda by, w, whose: conversations.get(w.fresh[whose], by=by)),
    Call("conversation.read", "conversations.listed",
         lambda by, w, whose: listed(conversations.listed(conversations.Filter(), by=by), w.fresh[whose])),
    Call("conversation.read", "conversations.counted",
         lambda by, w, whose: conversations.counted(conversations.Filter(channel=CHANNEL[whose]), by=by)),
    Call("conversation.read", "queue.team", lambda by, w, whose: listed([item.listed for item in queue.team(by=by)], w.fresh[whose])),
    Call("conversation.read", "queue.from_source", lambda by, w, whose: listed(
        [item.listed for item in queue.from_source(noticed(w.fresh[whose]), by=by)], w.fresh[whose])),
    Call("conversation.read", "queue.pasted", lambda by, w, whose: queue.pasted(w.fresh[whose], by=by)),
    Call("conversation.read", "queue.three", lambda by, w, whose: did(queue.three(by=by)), THERE),
    Call("conversation.read", "queue.mine", lambda by, w, whose: did(queue.mine(by=by)), THERE),
    Call("conversation.read", "conversations.within_reach", within_reach("conversation.read")),
    Call("conversation.read", "reviews.of_conversation", lambda by, w, whose: reviews.of_conversation(w.reviewed[whose], by=by)),
    Call("conversation.read", "conversations.of_customer", lambda by, w, whose: did(conversations.of_customer(w.fresh[OWN], by=by)), THERE),
    Call("conversation.read", "reviews.mine", lambda by, w, whose: did(reviews.mine(w.reviewed[OWN], by=by)), THERE),
    Call("conversation.read", "queue.held", lambda by, w, whose: did(queue.held(w.fresh[OWN], by=by)), THERE),
    Call("conversation.read", "effects.others_said", lambda by, w, whose: did(effects.others_said(w.reviewed[OWN], by=by)), THERE),
    Call("conversation.read", "reviews.tally", lambda by, w, whose: did(reviews.tally(by=by, since=now())), THERE),
    Call("conversation.read", "examples.of_conversation", lambda by, w, whose: examples.of_conversation(w.reviewed[whose], by=by)),
    Call("conversation.export", "lists.as_csv",
         lambda by, w, whose: lists.as_csv(conversations.Filter(channel=CHANNEL[whose]), by=by).rows),
    Call("view.save", "views.save", lambda by, w, whose: views.save("New", conversations.Filter(), by=by), THERE),
    Call("view.save", "views.of", lambda by, w, whose: listed(views.of(by=by), w.thing("view", by, whose)), (OWN, TEAM)),
    Call("view.save", "views.get", lambda by, w, whose: views.get(w.thing("view", by, whose), by=by)),
    Call("view.save", "views.get of one's own", lambda by, w, whose: views.get(w.thing("private view", by, whose), by=by), own=True),
    Call("view.save", "views.may_forget", lambda by, w, whose: views.may_forget(
        View(name="Mine", query={}, by_person_id=w.owner(by, whose).id), by=by), own=True),
    Call("view.save", "views.rename", lambda by, w, whose: views.rename(w.thing("view", by, whose), "Newer", by=by), own=True),
    Call("view.save", "views.forget", lambda by, w, whose: views.forget(w.thing("private view", by, whose), by=by), own=True),
    Call("review.record", "reviews.record", lambda by, w, whose: reviews.record(w.fresh[whose], "weak", by=by)),
    Call("review.record", "effects.of", lambda by, w, whose: did(effects.of([w.reviewed[OWN]], by=by)), THERE),
    Call("review.record", "queue.claim", lambda by, w, whose: queue.claim(w.fresh[whose], by=by)),
    Call("review.record", "queue.hand_back", lambda by, w, whose: did(queue.hand_back(w.fresh[whose], by=by))),
    Call("review.record", "queue.skip", lambda by, w, whose: queue.skip(w.fresh[whose], "Not mine.", by=by)),
    Call("review.record", "queue.unskip", lambda by, w, whose: did(queue.unskip(w.fresh[whose], by=by))),
    Call("review.record", "drafts.keep", lambda by, w, whose: drafts.keep(w.fresh[whose], {"note": "half a"}, by=by)),
    Call("review.record", "drafts.of", lambda by, w, whose: did(drafts.of(w.fresh[whose], by=by))),
    Call("review.record", "drafts.begun", lambda by, w, whose: did(drafts.begun(by=by)), THERE),
    Call("review.record", "drafts.throw_away", lambda by, w, whose: did(drafts.throw_away(w.fresh[whose], by=by))),
    Call("example.flag", "examples.flag", lambda by, w, whose: examples.flag(
        w.fresh[whose], "weak", eval_set_id=w.ids["waiting"], label_id=w.ids["Refund"], by=by, **SAID)),
    Call("example.flag", "flags.proposed",
         lambda by, w, whose: flags.proposed(w.fresh[whose], "strong", label_id=w.ids["Refund"], by=by)),
    Call("example.flag", "examples.review_and_flag", lambda by, w, whose: examples.review_and_flag(
        w.fresh[whose], "weak", eval_set_id=w.ids["waiting"], label_id=w.ids["Refund"], by=by, **SAID)),
    Call("review.record", "relabelling.preview",
         lambda by, w, whose: relabelling.preview([w.fresh[whose]], w.ids["Refund"], by=by).changing),
    Call("review.record", "relabelling.label", lambda by, w, whose: relabelling.label([w.fresh[whose]], w.ids["Refund"], by=by).changed),
    Call("label.correct", "relabelling.label", correct_a_colleague),
    Call("relabelling.propose", "relabelling.propose",
         lambda by, w, whose: relabelling.propose([w.fresh[whose]], w.ids["Refund"], why="So.", by=by)),
    Call("example.flag", "flagging.preview",
         lambda by, w, whose: flagging.preview([w.reviewed[whose]], "weak", w.ids["waiting"], by=by).changing),
    Call("example.flag", "flagging.flag", lambda by, w, whose: flagging.flag(
        [w.reviewed[whose]], "weak", eval_set_id=w.ids["waiting"], by=by, **SAID).changed),
    Call("review.assign", "assignments.preview",
         lambda by, w, whose: assignments.preview([w.fresh[whose]], w.people["engineer", TEAM].id, by=by).changing),
    Call("review.assign", "assignments.assign",
         lambda by, w, whose: assignments.assign([w.fresh[whose]], w.people["engineer", TEAM].id, by=by).changed),
    Call("review.assign", "assignments.colleagues", lambda by, w, whose: did(assignments.colleagues(by=by)), THERE),
    Call("agreement.read", "agreements.overview", lambda by, w, whose: agreements.overview(by=by).conversations, THERE),
    Call("agreement.read", "disputes.open_ones",
         lambda by, w, whose: w.disputed[whose] in {one.conversation_id for one in disputes.open_ones(by=by)}),
    Call("agreement.read", "disputes.settled", lambda by, w, whose: listed(disputes.settled(by=by), w.settled[whose])),
    Call("dispute.settle", "disputes.settle", lambda by, w, whose: disputes.settle(w.disputed[whose], "weak", None, "So it is.", by=by)),
    Call("dispute.settle", "labels.settle", lambda by, w, whose: labels.settle(
        w.disputed[whose], "weak", None, "So it is.", guideline_for=w.ids["Refund"], by=by)),
    Call("rubric.change", "rubric.change", lambda by, w, whose: rubric.change([], share=0.1, double=0.1, reviewers=2, by=by), THERE),
    Call("calibration.take", "calibration.next_item", lambda by, w, whose: calibration.next_item(by=by), THERE),
    Call("calibration.take", "calibration.answer", lambda by, w, whose: calibration.answer(w.gold[whose], "weak", None, by=by)),
    Call("calibration.take", "calibration.told", lambda by, w, whose: did(calibration.told(w.gold[OWN], by=by)), THERE),
    Call("calibration.take", "calibration.my_figures", lambda by, w, whose: calibration.my_figures(by=by), THERE),
    Call("calibration.read", "calibration.figures_of", lambda by, w, whose: reached(
        "Not shown yet", lambda: calibration.figures_of(w.owner(by, whose).id, by=by))),
    Call("calibration.read", "calibration.colleagues", lambda by, w, whose: did(calibration.colleagues(by=by)), THERE),
    Call("coaching.read", "coaching.of_team", lambda by, w, whose: coaching.of_team(by=by), THERE),
    Call("coaching.read", "coaching.colleagues", lambda by, w, whose: coaching.colleagues(by=by), THERE),
    Call("coaching.read", "exercises.set_for_team", lambda by, w, whose: exercise_of(w.people["rep", whose]) in {
        one.exercise.id for one in exercises.set_for_team(by=by)}, ANOTHER),
    Call("coaching.write", "coaching_notes.write", lambda by, w, whose: coaching_notes.write(
        w.people["rep", whose].id, "Say first what happens next.", by=by), ANOTHER),
    Call("coaching.write", "exercises.possible", lambda by, w, whose: did(
        exercises.possible(w.people["rep", whose].id, "judging", by=by)), ANOTHER),
    Call("coaching.write", "exercises.assign", lambda by, w, whose: reached("are needed", lambda: exercises.assign(
        w.people["rep", whose].id, "judging", why="To see alike.", by=by)), ANOTHER),
    Call("coaching.write", "exercises.take_back", lambda by, w, whose: did(
        exercises.take_back(exercise_of(w.people["rep", whose]), by=by)), ANOTHER),
    Call("exercise.take", "coaching.of_mine", lambda by, w, whose: did(coaching.of_mine(by=by)), THERE),
    Call("exercise.take", "exercises.path", lambda by, w, whose: exercises.path(by=by), THERE),
    Call("exercise.take", "exercises.of_step", lambda by, w, whose: did(exercises.of_step("verdict", by=by)), THERE),
    Call("exercise.take", "exercises.mine", lambda by, w, whose: exercise_of(w.owner(by, whose)) in {
        one.exercise.id for one in exercises.mine(by=by)}, own=True),
    Call("exercise.take", "exercises.waiting_in", lambda by, w, whose: did(
        exercises.waiting_in(exercise_of(w.owner(by, whose)), by=by)), own=True),
    Call("exercise.take", "coaching_notes.of", lambda by, w, whose: note_of(w, w.owner(by, whose)) in {
        one.id for one in coaching_notes.of(by=by)}, own=True),
    Call("exercise.take", "coaching_notes.answer", lambda by, w, whose: coaching_notes.answer(
        note_of(w, w.owner(by, whose)), "So do I.", by=by), own=True),
    Call("exercise.take", "coaching_notes.take_back", lambda by, w, whose: did(
        coaching_notes.take_back(note_of(w, w.owner(by, whose)), by=by)), own=True),
    Call("gold.propose", "calibration.all_gold", lambda by, w, whose: calibration.all_gold(by=by), THERE),
    Call("gold.propose", "calibration.flags_that_wait", lambda by, w, whose: calibration.flags_that_wait(by=by), THERE),
    Call("gold.propose", "calibration.propose_gold", lambda by, w, whose: calibration.propose_gold(
        [calibration.Wanted(w.fresh[OWN], "weak", None, "It is clear.")], why="It is clear.", by=by), THERE),
    Call("gold.propose", "calibration.propose_taking_out",
         lambda by, w, whose: calibration.propose_taking_out([w.gold[OWN]], why="It is not clear.", by=by), THERE),
    Call("label.add", "labels.improve", lambda by, w, whose: labels.improve(w.ids["Refund"], do="Money back.", by=by), THERE),
    Call("comment.write", "comments.write", lambda by, w, whose: comments.write("example", w.example[whose], "Well said.", by=by)),
    Call("comment.write", "comments.of", lambda by, w, whose: comments.of("example", w.example[whose], by=by)),
    Call("comment.write", "comments.page_of", lambda by, w, whose: comments.page_of(
        Comment(noun="example", noun_id=w.example[whose], text="", mentions=[]), by=by)),
    Call("comment.write", "comments.open_questions",
         lambda by, w, whose: [asked for asked in comments.open_questions(by=by) if asked.noun_id == w.example[whose]]),
    Call("proposal.comment", "comments.write", lambda by, w, whose: comments.write(
        "proposal", proposal_of(w, "change_gate", by, whose), "Well said.", by=by)),
    Call("proposal.read", "approvals.get", lambda by, w, whose: approvals.get(proposal_of(w, "change_gate", by, whose), by=by)),
    Call("proposal.read", "approvals.waiting",
         lambda by, w, whose: listed(approvals.waiting(by=by), proposal_of(w, "change_gate", by, whose))),
    Call("proposal.read", "approvals.decided", lambda by, w, whose: did(approvals.decided(by=by)), THERE),
    Call("proposal.read", "approvals.withdraw",
         lambda by, w, whose: approvals.withdraw(w.thing("proposal", by, whose), by=by), own=True),
    *(Call(rule.propose, f"approvals.propose {kind}", propose_kind(kind), THERE) for kind, rule in approvals.KINDS.items()),
    *(Call(rule.approve, f"approvals.approve {kind}",
           lambda by, w, whose, kind=kind: approvals.approve(proposal_of(w, kind, by, whose), by=by), own=False)
      for kind, rule in approvals.KINDS.items()),
    *(Call(rule.approve, f"approvals.refuse {kind}",  # also one's own: it only makes things safer
           lambda by, w, whose, kind=kind: approvals.refuse(proposal_of(w, kind, by, whose), by=by, why="Not yet."))
      for kind, rule in approvals.KINDS.items()),
    Call("classifier.train", "training.train", lambda by, w, whose: reached("Not trained: ", lambda: training.train(by=by)), THERE),
    Call("classifier.train", "several.train",
         lambda by, w, whose: reached("Not trained: ", lambda: several.train(topics(), by=by)), THERE),
    Call("classifier.train", "examples.for_training", lambda by, w, whose: did(examples.for_training(by=by)), THERE),
    Call("classifier.train", "traffic.unlabelled", lambda by, w, whose: did(traffic.unlabelled("intent", by=by)), THERE),
    Call("classifier.read", "shipping.evidence",
         lambda by, w, whose: reached("was not run on", lambda: shipping.evidence(UNKNOWN, by=by)), THERE, also="eval_set.read"),
    Call("classifier.read", "shipping.is_stale", lambda by, w, whose: did(shipping.is_stale(UNKNOWN, by=by)), THERE),
    Call("classifier.read", "release.progress_of", lambda by, w, whose: did(release.progress_of(going(), by=by)), THERE),
    Call("classifier.read", "release.look", lambda by, w, whose: release.look(by=by), THERE),
    Call("classifier.read", "impact.preview", lambda by, w, whose: did(impact.preview(UNKNOWN, by=by)), THERE),
    Call("classifier.read", "impact.study",
         lambda by, w, whose: reached("There is no classifier", lambda: impact.study(UNKNOWN, by=by)), THERE),
    Call("classifier.read", "studies.keep", lambda by, w, whose: did(studies.keep(version_row(w), "curve", {}, by=by)), THERE),
    Call("classifier.read", "studies.newest", lambda by, w, whose: did(studies.newest(version_row(w), "curve", by=by)), THERE),
    Call("classifier.read", "kinds.in_use", lambda by, w, whose: kinds.in_use(by=by), THERE),
    Call("eval_set.read", "rubrics.known", lambda by, w, whose: did(rubrics.known(by=by)), THERE),
    Call("case.change", "rubrics.copy",
         lambda by, w, whose: reached("no such case", lambda: rubrics.copy(A_RUBRIC, w.ids["frozen"], "none", known=KNOWN, by=by)), THERE),
    Call("classifier.add", "copying.copy of a classifier",
         lambda by, w, whose: reached("There is no classifier", lambda: classifier_copying.copy("none", "ours", by=by)), THERE),
    Call("classifier.read", "copying.origin of a classifier", lambda by, w, whose: did(classifier_copying.origin("none", by=by)), THERE),
    Call("classifier.add", "kinds.add", lambda by, w, whose: kinds.add(f"C {new_id()}", kinds.ONE, "Which?", by=by), THERE),
    Call("classifier.train", "curve.study",
         lambda by, w, whose: reached("There is no classifier", lambda: curve.study(UNKNOWN, by=by)), THERE),
    Call("article.draft", "articles.draft", lambda by, w, whose: articles.draft(Content(f"A {new_id()}", "Text"), by=by), THERE),
    Call("article.draft", "articles.save",
         lambda by, w, whose: reached("no article", lambda: articles.save("none", Content("A", "Text"), based_on=1, by=by)), THERE),
    Call("article.bring", "articles.bring", lambda by, w, whose: did(articles.bring([], source="help", by=by)), THERE),
    Call("article.propose", "articles.propose",
         lambda by, w, whose: reached("no article", lambda: articles.propose([ARTICLE], why="Better.", by=by)), THERE),
    Call("article.go_back", "articles.go_back",
         lambda by, w, whose: reached("no article", lambda: articles.go_back("none", 1, why="Safer.", by=by)), THERE),
    Call("article.go_back", "articles.retire",
         lambda by, w, whose: reached("no article", lambda: articles.retire("none", why="Safer.", by=by)), THERE),
    Call("article.read", "articles.listed", lambda by, w, whose: did(articles.listed(articles.Filter(), by=by)), THERE),
    Call("article.read", "articles.counted", lambda by, w, whose: did(articles.counted(articles.Filter(), by=by)), THERE),
    Call("article.read", "articles.areas", lambda by, w, whose: did(articles.areas(by=by)), THERE),
    Call("article.read", "articles.get", lambda by, w, whose: did(articles.get("none", by=by)), THERE),
    Call("article.read", "articles.history", lambda by, w, whose: did(articles.history("none", by=by)), THERE),
    Call("article.read", "articles.content",
         lambda by, w, whose: reached("There is no article", lambda: articles.content("none", 1, by=by)), THERE),
    Call("article.take_out", "articles.taken_out", lambda by, w, whose: did(articles.taken_out(by=by)), THERE),
    Call("knowledge.ask", "answering.ask", lambda by, w, whose: asking_articles.ask("How long?", by=by), THERE),
    Call("knowledge.ask", "answering.for_customer", lambda by, w, whose: asking_articles.for_customer(QUESTION, by=by), THERE),
    Call("knowledge.ask", "answering.get", lambda by, w, whose: did(asking_articles.get("none", by=by)), THERE),
    Call("knowledge.ask", "answering.standing", lambda by, w, whose: did(asking_articles.standing("none", by=by)), THERE),
    Call("knowledge.ask", "answering.write",
         lambda by, w, whose: reached("is not here", lambda: asking_articles.write("none", writer=WRITER, by=by)), THERE),
    Call("knowledge.ask", "answering.mine", lambda by, w, whose: did(asking_articles.mine(by=by)), THERE),
    Call("knowledge.ask", "answering.decide",
         lambda by, w, whose: reached("is not here", lambda: asking_articles.decide("none", "helped", by=by)), THERE),
    Call("knowledge.ask", "answering.suggested", lambda by, w, whose: did(asking_articles.suggested(w.fresh[OWN], by=by)), THERE),
    Call("knowledge.ask", "answering.suggest", lambda by, w, whose: asking_articles.suggest(w.fresh[whose], by=by),
         also="conversation.read"),
    Call("answerer.make", "answerers.learn",
         lambda by, w, whose: reached("Not learned", lambda: answerers.learn(answerers.Setup(), w.ids["version"], by=by)), THERE,
         also="eval_set.read"),
    Call("answerer.make", "ladder.climb",
         lambda by, w, whose: reached("Not climbed", lambda: ladder.climb(answerers.PLAIN, w.ids["version"], by=by)), THERE,
         also="eval_set.read"),
    Call("answerer.make", "ladder.in_order",
         lambda by, w, whose: reached("Not learned", lambda: ladder.in_order(SHIPPED, w.ids["version"], by=by)), THERE),
    Call("answerer.make", "answerers.version_of",
         lambda by, w, whose: reached("There is no answerer", lambda: answerers.version_of(ANSWERER, by=by)), THERE),
    Call("answerer.make", "instructing.try_out",
         lambda by, w, whose: reached("There is no answerer", lambda: instructing.try_out(
             ANSWERER, w.ids["version"], "Be brief.", writer=WRITER, known={}, by=by)), THERE, also="eval.run"),
    Call("article.read", "instructing.newest",
         lambda by, w, whose: reached("There is no answerer", lambda: instructing.newest(ANSWERER, by=by)), THERE, also="eval_set.read"),
    Call("article.read", "ladder.newest", lambda by, w, whose: did(ladder.newest("none", by=by)), THERE, also="eval_set.read"),
    Call("article.draft", "trying.try_out", lambda by, w, whose: reached("choose an article", lambda: trying.try_out([], known={}, by=by)),
         THERE, also="eval.run"),
    Call("article.propose", "trying.propose",
         lambda by, w, whose: reached("no article", lambda: trying.propose([ARTICLE], why="Better.", by=by)), THERE),
    Call("article.read", "trying.newest",
         lambda by, w, whose: reached("There is no article", lambda: trying.newest([ARTICLE], by=by)), THERE),
    Call("answerer.make", "answerers.make", lambda by, w, whose: answerers.make(answerers.Setup(), why="Better.", by=by), THERE),
    Call("article.read", "answerers.evaluate",
         lambda by, w, whose: reached("no eval set was frozen", lambda: answerers.evaluate(ANSWERER, known={}, by=by)), THERE,
         also="eval.run"),
    Call("article.read", "answerers.evidence_of",
         lambda by, w, whose: reached("was not run on", lambda: answerers.evidence_of(ANSWERER, known={}, by=by)), THERE,
         also="eval_set.read"),
    Call("answerer.propose", "answerers.propose",
         lambda by, w, whose: reached("There is no answerer", lambda: answerers.propose(ANSWERER, why="Better.", known={}, by=by)), THERE),
    Call("answerer.roll_back", "answerers.roll_back",
         lambda by, w, whose: reached("was never live", lambda: answerers.roll_back(ANSWERER, why="Safer.", by=by)), THERE),
    Call("article.read", "release.progress_of",
         lambda by, w, whose: did(answers_release.progress_of(of_answers(), known={}, by=by)), THERE),
    Call("answerer.approve", "release.advance",
         lambda by, w, whose: reached("not under way", lambda: answers_release.advance("none", why="Good.", known={}, by=by)), THERE),
    Call("answerer.roll_back", "release.stop",
         lambda by, w, whose: reached("not under way", lambda: answers_release.stop("none", why="Bad.", by=by)), THERE),
    Call("article.read", "release.look", lambda by, w, whose: did(answers_release.look(known={}, by=by)), THERE),
    Call("answerer.make", "learning.learn",
         lambda by, w, whose: reached("has no questions", lambda: learning.learn(ANSWERER, [], "none", precision=0.9, by=by)), THERE),
    Call("article.read", "learning.newest",
         lambda by, w, whose: did(learning.newest(ANSWERER, [], "none", precision=0.9, by=by)), THERE),
    Call("answerer.make", "learning.combined",
         lambda by, w, whose: learning.combined(answerers.Setup(), ["keyword"], w.ids["version"], by=by), THERE),
    Call("model.read", "models.in_force", lambda by, w, whose: did(models.in_force("accuracy", by=by)), THERE),
    Call("model.read", "models.lately", lambda by, w, whose: did(models.lately("accuracy", by=by)), THERE),
    Call("model.read", "models.candidates_of", lambda by, w, whose: did(models.candidates_of("accuracy", by=by)), THERE),
    Call("model.read", "models.replies_on", lambda by, w, whose: did(models.replies_on("accuracy", by=by)), THERE),
    Call("model.read", "models.evidence",
         lambda by, w, whose: reached("No eval set uses", lambda: models.evidence(MODEL, known={}, by=by)), THERE, also="eval_set.read"),
    Call("model.make", "models.make",
         lambda by, w, whose: reached("Not made", lambda: models.make("accuracy", "new", why="Better.", by=by)), THERE),
    Call("model.make", "models.try_out",
         lambda by, w, whose: reached("Not tried", lambda: models.try_out(MODEL, known={}, by=by)), THERE),
    Call("model.propose", "models.propose",
         lambda by, w, whose: reached("There is no model", lambda: models.propose(MODEL, why="Better.", known={}, by=by)), THERE),
    Call("model.roll_back", "models.roll_back",
         lambda by, w, whose: reached("was never in force", lambda: models.roll_back(MODEL, why="Safer.", by=by)), THERE),
    Call("model.read", "model_release.progress_of",
         lambda by, w, whose: did(model_release.progress_of(of_models(), known={}, by=by)), THERE),
    Call("model.read", "model_release.look", lambda by, w, whose: did(model_release.look(known={}, by=by)), THERE),
    Call("model.read", "model_release.ask_beside", lambda by, w, whose: did(model_release.ask_beside(of_models(), by=by)), THERE),
    Call("model.approve", "model_release.advance",
         lambda by, w, whose: reached("not under way", lambda: model_release.advance("none", why="Good.", known={}, by=by)), THERE),
    Call("model.roll_back", "model_release.stop",
         lambda by, w, whose: reached("not under way", lambda: model_release.stop("none", why="Bad.", by=by)), THERE),
    Call("pattern.read", "gaps.standing", lambda by, w, whose: told_of(asked_of(w.fresh[whose]), gaps.standing(by=by)),
         also="conversation.read"),
    Call("pattern.read", "gaps.get", lambda by, w, whose: told_of(made := asked_of(w.fresh[whose]), [gaps.get(made, by=by)]),
         also="conversation.read"),
    Call("pattern.decide", "gaps.put_aside",
         lambda by, w, whose: reached("not open any more", lambda: gaps.put_aside("none", "No.", by=by)), THERE),
    Call("article.draft", "gaps.begun of none", lambda by, w, whose: reached("not here any more", lambda: gaps.begun("none", by=by)), THERE,
         also="pattern.read"),
    Call("article.draft", "gaps.begun", lambda by, w, whose: "silver" in gaps.begun(asked_of(w.fresh[whose]), by=by).text.lower(),
         also="conversation.read"),
    Call("conversation.read", "gaps.best_replies", lambda by, w, whose: did(gaps.best_replies([w.fresh[OWN]], by=by)), THERE),
    Call("article.draft", "gaps.write",
         lambda by, w, whose: reached("not open any more", lambda: gaps.write("none", TEXT, test_in=None, known={}, by=by)),
         THERE, also="pattern.decide"),
    Call("article.draft", "gaps.suggest_change",
         lambda by, w, whose: reached("no article", lambda: gaps.suggest_change("none", TEXT, w.fresh[whose], based_on=1, by=by)),
         also="conversation.read"),
    Call("automation.draft", "recipes.save",
         lambda by, w, whose: did(recipes.save(Recipe(f"recipe-{new_id()}"), why="Often.", based_on=None, by=by)), THERE),
    Call("automation.read", "recipes.get", lambda by, w, whose: reached("There is no recipe", lambda: recipes.get("none", by=by)), THERE),
    Call("automation.read", "recipes.history", lambda by, w, whose: did(recipes.history("none", by=by)), THERE),
    Call("automation.read", "recipes.listed", lambda by, w, whose: did(recipes.listed(by=by)), THERE),
    Call("automation.read", "actions.spent", lambda by, w, whose: did(actions.spent("none", by=by)), THERE),
    Call("automation.read", "actions.of_trace",
         lambda by, w, whose: bool(actions.of_trace(acted_in(w.fresh[whose]), by=by)), also="conversation.read"),
    Call("automation.read", "actions.of_conversation",
         lambda by, w, whose: bool(acted_in(w.fresh[whose]) and actions.of_conversation(w.fresh[whose], by=by)), also="conversation.read"),
    Call("automation.read", "actions.unsettled",
         lambda by, w, whose: acted_in(w.fresh[whose]) in {one.trace_id for one in actions.unsettled(by=by, most=9_999)},
         also="conversation.read"),
    Call("automation.read", "ran.newest", lambda by, w, whose: run_in(w.fresh[whose]).id in
         {one.trace.id for one in ran.newest(OF_RECIPE.name, by=by, most=9_999)}, also="conversation.read"),
    Call("automation.read", "ran.counted", lambda by, w, whose: did(ran.counted("none", by=by)), THERE),
    Call("automation.read", "ran.one", lambda by, w, whose: ran.one(failed_in(w.fresh[whose]), by=by), also="conversation.read"),
    Call("automation.read", "replay.replay", lambda by, w, whose: reached(
         "was not kept yet", lambda: replay.replay(failed_in(w.fresh[whose]), steps={}, by=by)), also="conversation.read"),
    Call("automation.read", "decision.record", lambda by, w, whose: reached(
         "There is no recipe", lambda: decision.record(failed_in(w.fresh[whose]), by=by)), also="conversation.read"),
    Call("automation.read", "marking.flag", lambda by, w, whose: reached(
         "no such step", lambda: marking.flag(failed_in(w.fresh[whose]), 1, by=by)), also="example.flag"),
    Call("automation.read", "drafted.of_conversation",
         lambda by, w, whose: run_in(w.fresh[whose]).id in {one.id for one in drafted.of_conversation(w.fresh[whose], by=by)},
         also="conversation.read"),
    Call("review.record", "drafted.decide", lambda by, w, whose: reached(
         "drafted no reply", lambda: drafted.decide(failed_in(w.fresh[whose]), "accepted", by=by))),
    Call("automation.read", "failures.get", lambda by, w, whose: failures.get(failed_in(w.fresh[whose]), by=by) is not None,
         also="conversation.read"),
    Call("automation.read", "failures.waiting",
         lambda by, w, whose: failed_in(w.fresh[whose]) in failures.waiting(OF_RECIPE.name, by=by, since=LONG_AGO),
         also="conversation.read"),
    Call("automation.draft", "failures.confirm",
         lambda by, w, whose: did(failures.confirm(failed_in(w.fresh[whose]), "slow", by=by)), also="conversation.read"),
    Call("automation.read", "failures.ranked", lambda by, w, whose: did(failures.ranked("none", by=by, since=LONG_AGO)), THERE),
    Call("automation.read", "failures.kept", lambda by, w, whose: did(failures.kept("none", by=by, since=LONG_AGO)), THERE),
    Call("automation.read", "failures.runs_count", lambda by, w, whose: did(failures.runs_count("none", by=by, since=LONG_AGO)), THERE),
    Call("automation.draft", "copying.copy of a recipe",
         lambda by, w, whose: reached("There is no recipe", lambda: copying.copy("none", 1, "ours", by=by)), THERE),
    Call("automation.read", "copying.origin of a recipe", lambda by, w, whose: did(copying.origin("none", by=by)), THERE),
    Call("limit.propose", "limits.propose",
         lambda by, w, whose: reached("already waits", lambda: limits.propose(Decimal(5), "EUR", 60, why="So.", by=by)), THERE),
    Call("limit.propose", "limits.propose_none",
         lambda by, w, whose: reached("there is no limit", lambda: limits.propose_none(why="So.", by=by)), THERE),
    Call("guardrail.tighten", "mandates.tighten",
         lambda by, w, whose: mandates.tighten(mandates.OTHERS, mandates.line("never"), why="So.", by=by), THERE),
    Call("limit.propose", "mandates.propose",
         lambda by, w, whose: reached("would not be held to less", lambda: mandates.propose(
             mandates.OTHERS, mandates.line("never"), why="So.", by=by)), THERE),
    Call("automation.read", "mandated.changes", lambda by, w, whose: mandated.changes(by=by) == [], THERE),
    Call("automation.read", "mandated.shown", lambda by, w, whose: mandated.shown(by=by), THERE),
    Call("article.read", "limits.headings", lambda by, w, whose: did(limits.headings("none", by=by)), THERE),
    Call("proposal.read", "precedents.counted", lambda by, w, whose: did(precedents.counted(Proposal(kind="none"), by=by)), THERE),
    Call("proposal.read", "precedents.like",
         lambda by, w, whose: did(precedents.like(Proposal(kind="none"), by=by)), THERE),
    Call("automation.read", "gate.shown",
         lambda by, w, whose: reached("There is no recipe", lambda: recipe_gate.shown(OF_RECIPE, steps=STEPS, known={}, by=by)), THERE),
    Call("automation.draft", "gate.evaluate",
         lambda by, w, whose: reached("no eval set was made", lambda: recipe_gate.evaluate(OF_RECIPE, lambda _t: answer, known={}, by=by)),
         THERE),
    Call("publication.propose", "release.propose",
         lambda by, w, whose: reached("was not backtested yet", lambda: recipe_release.propose(
             calling(w), why="Good.", steps=STEPS, known={}, by=by)), THERE, also="automation.read"),
    Call("automation.publish", "release.publish",
         lambda by, w, whose: reached("There is no recipe", lambda: recipe_release.publish(
             OF_RECIPE, why="Good.", steps=STEPS, known={}, by=by)), THERE),
    Call("automation.publish", "release.advance of recipes",
         lambda by, w, whose: reached("was not backtested yet", lambda: recipe_release.advance(
             on_its_way(w), percent=10, why="Good.", steps=STEPS, known={}, by=by)), THERE, also="automation.read"),
    Call("publication.approve", "release.advance of what is at high stake",
         lambda by, w, whose: reached("was not backtested yet", lambda: recipe_release.advance(
             on_its_way(w, calling(w)), percent=10, why="Good.", steps=STEPS, known={}, by=by)), THERE, also="automation.read"),
    Call("automation.publish", "release.roll_back",
         lambda by, w, whose: reached("was never live", lambda: recipe_release.roll_back(OF_RECIPE, why="Bad.", by=by)), THERE),
    Call("automation.read", "release.progress_of recipes",
         lambda by, w, whose: reached("There is no recipe", lambda: recipe_release.progress_of(of_recipes(), steps=STEPS, known={}, by=by)),
         THERE),
    Call("automation.read", "release.look at recipes",
         lambda by, w, whose: did(recipe_release.look(steps=STEPS, known={}, by=by)), THERE),
    Call("guardrail.tighten", "stopping.stop",
         lambda by, w, whose: did(stopping.stop(on_its_way_name(w), why="Bad.", by=by)), THERE),
    Call("guardrail.tighten", "stopping.stop_all",
         lambda by, w, whose: reached("nothing of it is in force", lambda: stopping.stop_all(why="Bad.", by=by)), THERE),
    Call("automation.read", "stopping.handed_over", lambda by, w, whose: did(stopping.handed_over(by=by)), THERE),
    Call("automation.read", "stopping.handed_over of whom",
         lambda by, w, whose: failed_in(w.fresh[whose], "handed_over") in {one.id for one in stopping.handed_over(by=by, most=9_999)},
         HERE, also="conversation.read"),
    Call("automation.read", "tripping.of",
         lambda by, w, whose: reached("There is no recipe", lambda: tripping.of(of_recipes(), steps=STEPS, known={}, by=by)), THERE),
    Call("automation.read", "tripping.look", lambda by, w, whose: did(tripping.look(steps=STEPS, known={}, by=by)), THERE),
    Call("automation.read", "arms.compare", lambda by, w, whose: did(arms.compare(of_recipes(), by=by)), THERE),
    Call("agent.run", "arriving.press",
         lambda by, w, whose: reached("no version of 'none' is in force", lambda: arriving.press(
             "none", w.fresh[whose], by=by, means=arriving.NOTHING)), also="conversation.read"),
    Call("agent.run", "arriving.buttons",
         lambda by, w, whose: pressable(w) in {one.name for one in arriving.buttons(w.fresh[whose], by=by)}, also="conversation.read"),
    Call("agent.run", "responding.respond",
         lambda by, w, whose: did(responding.respond(w.fresh[whose], by=by, means=arriving.NOTHING)), also="conversation.read"),
    Call("agent.run", "responding.pressed",
         lambda by, w, whose: reached("no version of 'none' is in force", lambda: responding.pressed(
             "none", w.fresh[whose], by=by, means=arriving.NOTHING)), also="conversation.read"),
    Call("agent.run", "responding.told",
         lambda by, w, whose: responding.told(run_in(w.fresh[whose]), by=by), also="conversation.read"),
    Call("automation.draft", "trying.on",
         lambda by, w, whose: did(automations_trying.on(Recipe("x"), w.fresh[whose], connected=Connected(), steps={}, by=by)),
         also="conversation.read"),
    Call("automation.draft", "drafting.from_conversation",
         lambda by, w, whose: did(drafting.from_conversation(w.fresh[whose], shop=None, by=by)), also="conversation.read"),
    Call("automation.draft", "backtest.run",
         lambda by, w, whose: reached("There is no", lambda: backtest.run(OF_RECIPE, connected=Connected(), steps={}, by=by)), THERE),
    Call("automation.draft", "growing.begin", lambda by, w, whose: reached(
         "There is no recipe", lambda: growing.begin(OF_RECIPE, "slow", agent="a", since=LONG_AGO, by=by)), THERE),
    Call("automation.draft", "growing.compare", lambda by, w, whose: reached(
         "There is no recipe", lambda: growing.compare(OF_RECIPE, connected=Connected(), steps={}, by=by)), THERE),
    *[Call("automation.read", f"growing.{read.__name__}",
           lambda by, w, whose, read=read: reached("There is no recipe", lambda: read(OF_RECIPE, by=by)), THERE)
      for read in (growing.plan_for, growing.newest, growing.sentence_of)],
    Call("conversation.read", "backtest.cases_of",
         lambda by, w, whose: w.fresh[whose] in {one.conversation.id for one in backtest.cases_of(Recipe("x"), by, 500, LATER)}),
    Call("automation.read", "backtest.newest",
         lambda by, w, whose: reached("There is no recipe", lambda: backtest.newest(OF_RECIPE, by=by)), THERE),
    Call("eval.run", "candidates.evaluate",
         lambda by, w, whose: reached("no eval set was", lambda: candidates.evaluate(UNKNOWN, [], lambda _t: answer, known={}, by=by)),
         THERE),
    Call("eval_set.read", "candidates.evidence",
         lambda by, w, whose: reached("was not run on", lambda: candidates.evidence(UNKNOWN, [], known={}, by=by)), THERE),
    Call("classifier.read", "answering.answer",
         lambda by, w, whose: reached("Nothing was done: there is no classifier", lambda: answering.answer("intent", ["Hello"], by=by)),
         THERE),
    Call("classifier.read", "answering.known", lambda by, w, whose: did(answering.known(by=by)), THERE),
    Call("classifier.read", "exporting.export",
         lambda by, w, whose: reached("There is no classifier", lambda: exporting.export(UNKNOWN, Path("/nowhere"), by=by)), THERE),
    Call("classifier.train", "curve.of_examples",
         lambda by, w, whose: reached("", lambda: curve.of_examples(by=by)), THERE),
    Call("classifier.train", "tuning.choose",
         lambda by, w, whose: reached("There is no classifier", lambda: tuning.choose(UNKNOWN, 0.8, by=by)), THERE),
    Call("classifier.approve", "release.advance",
         lambda by, w, whose: reached("not under way", lambda: release.advance("none", why="Good.", by=by)), THERE),
    Call("classifier.roll_back", "release.stop",
         lambda by, w, whose: reached("not under way", lambda: release.stop("none", why="Bad.", by=by)), THERE),
    Call("label.draft", "gathering.accept",
         lambda by, w, whose: gathering.accept([w.fresh[whose]], w.ids["Refund"], found="search", by=by), also="example.flag"),
    Call("label.draft", "gathering.name_pattern",
         lambda by, w, whose: gathering.name_pattern(pattern(), "Locker", [w.fresh[OWN]], by=by), THERE, also="pattern.decide"),
    Call("label.draft", "gathering.say_all",
         lambda by, w, whose: gathering.say_all(w.fresh[whose], topics(), [], found="search", by=by), also="example.flag"),
    Call("label.draft", "gathering.freeze_kept", lambda by, w, whose: did(gathering.freeze_kept(by=by)), THERE),
    Call("label.draft", "labels.add", lambda by, w, whose: labels.add("Locker", draft=True, by=by), THERE),
    Call("pattern.read", "noticing.standing", lambda by, w, whose: did(noticing.standing(by=by)), THERE),
    Call("pattern.read", "noticing.get", lambda by, w, whose: did(noticing.get("none", by=by)), THERE),
    Call("pattern.read", "watching.standing", lambda by, w, whose: did(watching.standing(by=by)), THERE),
    Call("pattern.decide", "watching.to_review", lambda by, w, whose: queued(w.fresh[whose], by), HERE, also="conversation.read"),
    Call("classifier.read", "ordering.order_queue", lambda by, w, whose: did(ordering.order_queue(by=by)), THERE),
    Call("pattern.decide", "noticing.put_aside", lambda by, w, whose: noticing.put_aside(pattern(), "Not ours.", by=by), THERE),
    Call("pattern.decide", "noticing.became", lambda by, w, whose: noticing.became(pattern(), w.ids["Refund"], by=by), THERE),
    Call("conversation.read", "noticing.members",
         lambda by, w, whose: w.fresh[whose] in {one.conversation_id for one in members(w.fresh[whose], by)}),
    Call("conversation.read", "finding.by_search",
         lambda by, w, whose: w.fresh[whose] in suggested(finding.by_search(w.ids["Refund"], "please", by=by))),
    Call("conversation.read", "finding.by_rule",
         lambda by, w, whose: w.fresh[whose] in suggested(finding.by_rule(w.ids["Refund"], ["please"], by=by))),
    Call("conversation.read", "finding.like",
         lambda by, w, whose: w.fresh[whose] in suggested(finding.like(w.ids["Refund"], [w.fresh[whose]], by=by))),
    Call("conversation.read", "finding.unsure", lambda by, w, whose: did(finding.unsure(w.ids["Refund"], by=by)), THERE),
    Call("conversation.read", "finding.read", lambda by, w, whose: finding.read([(w.fresh[whose], "")], by=by)),
    Call("label.draft", "taught.choosable", lambda by, w, whose: taught.choosable(by=by), THERE),
    Call("label.draft", "taught.sources", lambda by, w, whose: did(taught.sources(w.ids["Refund"], by=by)), THERE),
    Call("conversation.read", "taught.said_of", lambda by, w, whose: said_of(w.fresh[whose], by)),
    Call("classifier.read", "doubting.waiting", lambda by, w, whose: did(doubting.waiting(version_row(w), by=by)), THERE),
    Call("review.record", "doubting.say",
         lambda by, w, whose: did(doubting.say(of_intents(), w.fresh[whose], [w.ids["Refund"]], by=by)), also="classifier.read"),
    Call("conversation.read", "conversations.reachable",
         lambda by, w, whose: w.fresh[whose] in conversations.reachable([w.fresh[whose]], by=by)),
    Call("review.record", "reviews.name", lambda by, w, whose: reviews.name(w.fresh[whose], w.ids["Refund"], by=by)),
    Call("classifier.propose", "shipping.propose",
         lambda by, w, whose: reached("There is no classifier", lambda: shipping.propose(UNKNOWN, why="Better.", by=by)), THERE),
    Call("classifier.roll_back", "shipping.roll_back",
         lambda by, w, whose: reached("was never live", lambda: shipping.roll_back(UNKNOWN, why="Safer.", by=by)), THERE),
    Call("eval.run", "shipping.evaluate",
         lambda by, w, whose: reached("There is no classifier", lambda: shipping.evaluate(UNKNOWN, by=by)), THERE, also="classifier.read"),
    Call("eval.run", "runs.run", lambda by, w, whose: runs.run(w.ids["version"], UNKNOWN, answer, by=by), THERE),
    Call("eval.run", "compare.compare", lambda by, w, whose: compare.compare(w.run, w.run, by=by), THERE),
    Call("eval_set.read", "compare.latest_of", lambda by, w, whose: did(compare.latest_of(w.run, by=by)), THERE),
    Call("eval_set.read", "runs.of_target", lambda by, w, whose: runs.of_target(Target("classifier", "other", 1), by=by), THERE),
    Call("eval_set.read", "runs.of_version", lambda by, w, whose: runs.of_version(w.ids["version"], by=by), THERE),
    Call("eval_set.read", "flags.sets_for", lambda by, w, whose: flags.sets_for("classifier", by=by), THERE),
    Call("eval_set.read", "sets.all_sets", lambda by, w, whose: sets.all_sets(by=by), THERE),
    Call("eval_set.read", "sets.by_name", lambda by, w, whose: sets.by_name("Frozen", by=by), THERE),
    Call("eval_set.read", "sets.versions", lambda by, w, whose: sets.versions(w.ids["frozen"], by=by), THERE),
    Call("eval_set.read", "sets.page", lambda by, w, whose: sets.page(w.ids["version"], by=by, start=0, most=9), THERE),
    Call("case.export", "sets.as_new", lambda by, w, whose: sets.as_new(w.ids["version"], by=by), THERE),
    Call("eval_set.read", "changes.waiting", lambda by, w, whose: changes.waiting(w.ids["frozen"], by=by), THERE),
    Call("eval_set.read", "freezing.before_freezing", lambda by, w, whose: did(freezing.before_freezing(w.ids["kept"], by=by)), THERE),
    Call("eval_set.read", "runs.get", lambda by, w, whose: runs.get(w.run.id, by=by), THERE),
    Call("eval_set.read", "runs.newest", lambda by, w, whose: runs.newest(by=by), THERE),
    Call("eval_set.read", "reading.about", lambda by, w, whose: reading.about(w.run.id, by=by), THERE),
    Call("eval_set.read", "reading.cases", lambda by, w, whose: reading.cases(w.run.id, passed=True, by=by), THERE),
    Call("eval_set.read", "reading.unjudged", lambda by, w, whose: did(reading.unjudged(w.run.id, by=by)), THERE),
    Call("eval_set.read", "reading.given_back", lambda by, w, whose: did(reading.given_back(w.run, by=by)), THERE),
    Call("eval_set.read", "reading.origin",
         lambda by, w, whose: did(reading.origin(Case(set_version_id="none", key="none", input={}, expected={}), by=by)), THERE),
    Call("eval_set.read", "compare.unconfirmed",
         lambda by, w, whose: did(compare.unconfirmed(w.run.set_version_id, known=KNOWN, by=by)), THERE),
    Call("eval_set.read", "targets.answers_none",
         lambda by, w, whose: reached("no file of outputs", lambda: targets.answers_none("none@1", w.ids["version"], by=by)), THERE),
    Call("example.flag", "flags.replies", lambda by, w, whose: flags.replies(w.fresh[whose], by=by)),
    Call("eval_set.read", "reading.said", lambda by, w, whose: reading.said(w.run.id, w.ids["case"], by=by), THERE),
    Call("eval_set.read", "reading.pace", lambda by, w, whose: reading.pace(w.run.id, by=by), THERE),
    Call("eval_set.read", "passes.of_run", lambda by, w, whose: passes.of_run(w.run, by=by), THERE),
    Call("eval_set.read", "compare.get", lambda by, w, whose: did(compare.get("none", by=by)), THERE),
    Call("eval_set.read", "compare.newest", lambda by, w, whose: did(compare.newest(by=by)), THERE),
    Call("eval_set.read", "compare.beside",
         lambda by, w, whose: did(compare.beside(Comparison(id="none"), by=by)), THERE),
    Call("eval_set.read", "compare.measured", lambda by, w, whose: compare.measured(w.run, None, known=KNOWN, by=by), THERE),
    Call("eval_set.read", "compare.decide", lambda by, w, whose: compare.decide([(w.run, None)], known=KNOWN, by=by), THERE),
    Call("eval.run", "runs.stop", lambda by, w, whose: reached("over already", lambda: runs.stop(w.run.id, why="No.", by=by)), THERE),
    Call("eval.run", "targets.of_file",
         lambda by, w, whose: targets.of_file("said.jsonl", b'{"key": "a", "label": "Refund"}', by=by), THERE),
    Call("eval.run", "continuous.look", lambda by, w, whose: continuous.look(known=KNOWN, by=by), THERE),
    Call("measure.read", "continuous.trend", lambda by, w, whose: did(continuous.trend("polite", by=by, since=now())), THERE),
    Call("continuous.change", "continuous.change",
         lambda by, w, whose: continuous.change(chosen=[], share=0.1, most=10, money=0, known=KNOWN, by=by), THERE),
    Call("grader.check", "checks.next_one", lambda by, w, whose: checks.next_one("exact label", by=by), THERE),
    Call("grader.check", "checks.say", lambda by, w, whose: did(checks.say(w.ids["result"], True, by=by)), THERE),
    Call("case.add", "changes.add", lambda by, w, whose: changes.add(w.ids["frozen"], [typed()], known=KNOWN, by=by), THERE),
    Call("case.add", "changes.take_back", lambda by, w, whose: did(changes.take_back(
        changes.add(w.ids["frozen"], [typed()], known=KNOWN, by=by)[0].id, by=by)), THERE),
    Call("case.change", "changes.take_back", another_takes_back, THERE),
    Call("case.change", "changes.change",
         lambda by, w, whose: changes.change(w.ids["frozen"], w.ids["key"], typed(), known=KNOWN, why="Better.", by=by), THERE),
    Call("case.change", "changes.retire",
         lambda by, w, whose: changes.retire(w.ids["frozen"], w.ids["key"], why="It is there twice.", by=by), THERE),
    Call("conversation.read", "examples.waiting",
         lambda by, w, whose: listed(examples.waiting(w.ids["kept"], by=by), w.example[whose])),
    Call("eval_set.create", "sets.create", lambda by, w, whose: sets.create("New", by=by), THERE),
    Call("eval_set.hand_over", "sets.hand_over", lambda by, w, whose: sets.hand_over(w.ids["kept"], by.id, by=by), THERE),
    Call("eval_set.freeze", "freezing.freeze", lambda by, w, whose: freezing.freeze(w.ids["kept"], by=by), THERE),
    Call("label.add", "labels.add", lambda by, w, whose: labels.add("New", by=by), THERE),
    Call("gate.propose", "sets.propose_gate",
         lambda by, w, whose: sets.propose_gate(w.ids["frozen"], bar=0.5, approvers=1, why="Better.", by=by), THERE),
    Call("gate.propose", "settings.propose_gate",
         lambda by, w, whose: settings.propose_gate(gate(w), told="So it is.", why="Better.", by=by), THERE),
    Call("connection.propose", "settings.propose_company_sign_in", lambda by, w, whose: settings.propose_company_sign_in(
        "https://id.example.com", "portal", "a secret", "Example", why="One account for all.", by=by), THERE),
    Call("emergency.propose", "settings.propose_emergency",
         lambda by, w, whose: settings.propose_emergency(why="All leads are ill.", by=by), THERE),
    Call("conversation.import", "door.receive", receive, HERE),
    Call("conversation.import", "files.import_file", imported, HERE),
    Call("conversation.import", "files.look", lambda by, w, whose: files.look(exported(whose), by=by).counts["new"], HERE),
    Call("conversation.import", "files.samples", lambda by, w, whose: files.samples(exported(OWN), by=by), THERE),
    Call("conversation.import", "door.consider", lambda by, w, whose: door.consider([canonical(903, team=TEAMS[whose])], by=by).ids, HERE),
    Call("conversation.import", "door.prepare", lambda by, w, whose: door.prepare([canonical(903, team=TEAMS[whose])], by=by).rows.messages,
         HERE),
    Call("conversation.import", "appending.append", lambda by, w, whose: appending.append(*message_after(whose), by=by).ids, HERE),
    Call("conversation.import", "appending.prepare", lambda by, w, whose: appending.prepare(*message_after(whose), by=by).rows, HERE),
    Call("conversation.import", "offers.offer", lambda by, w, whose: offers.offer([("new.jsonl", export(OWN))], by=by), THERE),
    Call("conversation.import", "offers.mine", lambda by, w, whose: offers.mine(offered(by, w, whose), by=by), own=True),
    Call("conversation.import", "offers.waiting", lambda by, w, whose: offered(by, w, whose) in {one.id for one in offers.waiting(by=by)},
         own=True),
    Call("conversation.import", "offers.remap",
         lambda by, w, whose: offers.remap(offered(by, w, whose), "jsonl", Mapping(), by=by), own=True),
    Call("conversation.import", "offers.look", lambda by, w, whose: offers.look(offered(by, w, whose), by=by), own=True),
    Call("conversation.import", "offers.samples", lambda by, w, whose: offers.samples(offered(by, w, whose), by=by), own=True),
    Call("conversation.import", "offers.take", lambda by, w, whose: offers.take(offered(by, w, whose), by=by), own=True),
    Call("conversation.import", "offers.forget", lambda by, w, whose: did(offers.forget(offered(by, w, whose), by=by)), own=True),
    Call("conversation.import", "following.all_followed", lambda by, w, whose: following.all_followed(by=by), THERE),
    Call("connection.propose", "following.pause", lambda by, w, whose: following.pause(w.ids["followed"], by=by), THERE),
    Call("connection.propose", "collector.propose", lambda by, w, whose: collector.propose(
        "https://otel.example.com", "", "a-key", contents=False, why="To see it there.", by=by), THERE),
    Call("connection.propose", "webhooks.propose", lambda by, w, whose: webhooks.propose(
        "on-call", "https://hooks.example.com/a", "a-key-of-sixteen-signs", why="To wake up.", by=by), THERE),
    Call("monitor.read", "webhooks.listed", lambda by, w, whose: did(webhooks.listed(by=by)), THERE),
    Call("connection.propose", "webhooks.stop", lambda by, w, whose: reached(
        "there is no webhook", lambda: webhooks.stop("on-call", why="Enough.", by=by)), THERE),
    Call("connection.propose", "collector.stop", lambda by, w, whose: reached(
        "no traces leave", lambda: collector.stop(why="Enough.", by=by)), THERE),
    Call("connection.propose", "connections.propose_address", lambda by, w, whose: connections.propose_address(
        "https://models.example.com/v1", "a-key", why="To try.", by=by), THERE),
    Call("connection.propose", "connections.propose_endpoint", lambda by, w, whose: connect(by), THERE),
    Call("connection.propose", "connections.propose_help_desk", lambda by, w, whose: connections.propose_help_desk(
        "zendesk", "https://desk.example.com", "ada", "a key", why="To follow it.", by=by), THERE),
    Call("connection.propose", "connections.propose_service", lambda by, w, whose: connections.propose_service(
        SERVICE, "Recipes could ask it.", why="To ask it.", by=by), THERE),
    Call("connection.propose", "connecting.propose", lambda by, w, whose: connecting.propose(
        "delivery", "https://api.example.com", DESCRIBED, "", "", why="To ask it.", by=by), THERE),
    Call("tool_source.propose", "proposing.propose_address", lambda by, w, whose: proposing.propose_address(
        "shop", "https://tools.example.com/mcp", "", "", why="To see orders.", by=by), THERE),
    Call("tool_command.propose", "proposing.propose_command", lambda by, w, whose: proposing.propose_command(
        "shop", ["/bin/sh", "tools"], {}, why="To see orders.", by=by), THERE),
    Call("tool_source.propose", "proposing.propose_tools", lambda by, w, whose: reached("There is no program", lambda:
         proposing.propose_tools("none", reads=[], bound={}, why="To see orders.", by=by)), THERE),
    Call("tool_source.read", "sources.listed", lambda by, w, whose: of_tools.listed(by=by) == [], THERE),
    Call("tool_source.read", "sources.look", lambda by, w, whose: reached(
        "There is no program", lambda: of_tools.look("none", by=by)), THERE),
    Call("tool_source.read", "sources.look_at_all", lambda by, w, whose: did(of_tools.look_at_all(by=by)), THERE),
    Call("tool_source.disable", "sources.disable", lambda by, w, whose: reached(
        "There is no program", lambda: of_tools.disable("none", why="Odd.", by=by)), THERE),
    Call("connection.propose", "settings.propose_connection", lambda by, w, whose: settings.propose_connection(
        "model_endpoint", {"url": "x"}, "ask models", "It could be asked.", "To draft.", by), THERE),
    Call("connection.propose", "vectors.forget", lambda by, w, whose: did(vectors.forget("an encoder", by=by)), THERE),
    Call("personal_data.reveal", "seals.reveal", lambda by, w, whose: seals.reveal(
        w.sealed[whose], "card", 1, why="The refund goes to the wrong card.", by=by)),
    Call("conversation.read", "seals.sealed_in", lambda by, w, whose: seals.sealed_in(w.sealed[whose], by=by)),
    Call("conversation.read", "revising.told", lambda by, w, whose: revising.told(w.sealed[whose], by=by)[0]),
    Call("conversation.import", "files.latest", lambda by, w, whose: listed(files.latest(by=by, most=99), w.thing("import", by, whose))),
    Call("dataset.build", "datasets.build", build, HERE),
    Call("dataset.read", "datasets.all_versions",
         lambda by, w, whose: listed(datasets.all_versions(by=by), w.thing("dataset", by, whose))),
    Call("dataset.download", "datasets.download", lambda by, w, whose: datasets.download(w.thing("dataset", by, whose), by=by)),
    Call("measure.read", "measures.weekly", lambda by, w, whose: measures.weekly(by=by, channel=CHANNEL[whose])),
    Call("measure.read", "trends.series", lambda by, w, whose: [
        point for point in trends.series("volume", by=by, of=Slice(channel=CHANNEL[whose]), **LATELY) if point.amount.n]),
    Call("measure.read", "trends.amount",
         lambda by, w, whose: trends.amount("volume", by=by, of=Slice(channel=CHANNEL[whose]), **LATELY).n),
    Call("measure.read", "trends.broken_down",
         lambda by, w, whose: CHANNEL[whose] in trends.broken_down("volume", by=by, along="channel", **LATELY)),
    Call("measure.read", "trends.heat", lambda by, w, whose: CHANNEL[whose] in {
        channel for _, channel in trends.heat("volume", by=by, **LATELY)}),
    Call("measure.read", "trends.funnel",
         lambda by, w, whose: trends.funnel(by=by, of=Slice(channel=CHANNEL[whose]), **LATELY)[0].amount.n),
    Call("measure.read", "trends.measures", lambda by, w, whose: trends.measures(by=by, **LATELY), THERE),
    Call("measure.read", "trends.checked", lambda by, w, whose: did(trends.checked(by=by, **LATELY)), THERE),
    Call("measure.read", "why.why", lambda by, w, whose: explained(by), THERE),
    Call("measure.read", "behind.ids", lambda by, w, whose: w.fresh[whose] in behind.ids(MARK, by=by).ids,
         also="conversation.read"),
    Call("measure.read", "markers.collected", lambda by, w, whose: did(markers.collected(by=by, **LATELY)), THERE),
    Call("measure.read", "brief.whose_of", lambda by, w, whose: did(brief.whose_of(by)), THERE),
    Call("measure.read", "brief.newest", lambda by, w, whose: did(brief.newest(by=by)), THERE),
    Call("opportunity.read", "opportunities.whose_of", lambda by, w, whose: did(opportunities.whose_of(by)), THERE),
    Call("opportunity.read", "opportunities.newest", lambda by, w, whose: did(opportunities.newest(by=by)), THERE),
    Call("opportunity.read", "opportunities.evidence", lambda by, w, whose: did(opportunities.evidence("", LATER, by=by)), THERE),
    Call("measure.read", "brief.last_known", lambda by, w, whose: did(brief.last_known("resolution", by=by)), THERE),
    Call("measure.read", "digest.required", lambda by, w, whose: did(digest.required(by=by)), THERE),
    Call("measure.read", "digest.weeks", lambda by, w, whose: did(digest.weeks(by=by)), THERE),
    Call("measure.read", "digest.of", lambda by, w, whose: did(digest.of(by=by)), THERE),
    Call("measure.read", "digest.corrected", lambda by, w, whose: did(digest.corrected(NO_NUMBERS, by=by)), THERE),
    Call("measure.read", "behind.narrowing", lambda by, w, whose: did(behind.narrowing(MARK, by=by)), THERE,
         also="conversation.read"),
    Call("measure.read", "behind.explained", lambda by, w, whose: behind.explained(MARK, by=by), THERE,
         also="conversation.read"),
    Call("measure.read", "worth.worth", lambda by, w, whose: did(worth.worth(by=by, **LATELY)), THERE),
    Call("measure.read", "monitors.days", lambda by, w, whose: did(monitors.days(SATISFIED, now().date(), by=by)), THERE),
    Call("measure.read", "alerts.would_have", lambda by, w, whose: did(alerts.would_have(SATISFIED, by=by, back=2)), THERE),
    Call("use_case.read", "use_cases.all_of", lambda by, w, whose: listed(use_cases.all_of(by=by), w.ids[f"case {whose}"])),
    Call("use_case.read", "use_cases.get", lambda by, w, whose: use_cases.get(w.ids[f"case {whose}"], by=by)),
    Call("use_case.read", "use_cases.moves", lambda by, w, whose: did(use_cases.moves(w.ids[f"case {whose}"], by=by))),
    Call("use_case.read", "use_case_bars.of", lambda by, w, whose: use_case_bars.of(use_cases.get(w.ids[f"case {whose}"], by=by), by=by)),
    Call("use_case.read", "use_cases.offered", lambda by, w, whose: did(use_cases.offered(by=by)), THERE),
    Call("use_case.write", "use_cases.begin", lambda by, w, whose: use_cases.begin(new_id(), by=by), THERE),
    Call("use_case.write", "use_cases.change", lambda by, w, whose: use_cases.change(
        w.ids[f"case {whose}"], seen=1, by=by, goal="Less waiting")),
    Call("use_case.write", "use_cases.opened", opened_case),
    Call("use_case.write", "use_cases.take_baseline", lambda by, w, whose: reached("nothing of 'Satisfied' was counted", lambda: (
        use_cases.take_baseline(w.ids[f"case {whose}"], by=by))), also="use_case.read"),
    Call("use_case.sign", "use_cases.sign_off", lambda by, w, whose: use_cases.sign_off(w.ids[f"case {whose}"], by=by)),
    Call("use_case.move", "use_case_bars.go_on", lambda by, w, whose: use_case_bars.go_on(w.ids[f"case {whose}"], why="Later.", by=by),
         also="use_case.read"),
    Call("use_case.move", "use_case_bars.go_back", lambda by, w, whose: reached("which is the first stage", lambda: use_case_bars.go_back(
        w.ids[f"case {whose}"], why="Too early.", by=by))),
    Call("use_case.move", "use_cases.stop", lambda by, w, whose: use_cases.stop(w.ids[f"case {whose}"], why="Enough.", by=by)),
    Call("use_case.move", "use_cases.take_up", lambda by, w, whose: use_cases.take_up(w.ids[f"case {whose}"], by=by)),
    Call("measure.read", "notes.between", lambda by, w, whose: listed(
        notes.between(now() - timedelta(days=1), now() + timedelta(days=1), by=by), w.ids[f"note {whose}"])),
    Call("note.write", "notes.write", lambda by, w, whose: notes.write(
        "It was slow.", of=Slice(team_id=w.people["lead", OTHER if whose == OTHER else TEAM].team_id), by=by)),
    Call("note.write", "notes.may_take_back", lambda by, w, whose: notes.may_take_back(
        next(one for one in notes.between(now() - timedelta(days=1), now() + timedelta(days=1), by=w.people["engineer", OWN])
             if one.id == w.ids[f"note {whose}"]), by=by)),
    Call("note.write", "notes.take_back", lambda by, w, whose: notes.take_back(w.ids[f"note {whose}"], by=by)),
    Call("measure.read", "alerts.gone_through", lambda by, w, whose: did(alerts.gone_through(SATISFIED, by=by, back=2)), THERE),
    Call("work.read", "work_changed.of", lambda by, w, whose: w.thing("proposal", by, whose) in work_changed.of(by=by).proposals.all),
    Call("work.read", "work_rows.lines", lambda by, w, whose: did(work_rows.lines("conversations", [w.fresh[OWN]], by=by)), THERE),
    Call("team.read", "team_view.teams", lambda by, w, whose: did(team_view.teams(by=by)), THERE),
    Call("team.read", "team_view.whose", lambda by, w, whose: team_view.whose(by=by, team_id=team_of(w, whose)), HERE),
    Call("team.read", "team_view.coverage", lambda by, w, whose: team_view.coverage(by=by, team_id=team_of(w, whose)), HERE),
    Call("team.read", "team_waiting.waiting", lambda by, w, whose: team_waiting.waiting(by=by, team_id=team_of(w, whose)), HERE),
    Call("team.read", "team_decisions.by_kind", lambda by, w, whose: did(team_decisions.by_kind(by=by, team_id=team_of(w, whose))), HERE),
    Call("team.read", "team_decisions.proposals", lambda by, w, whose: did(
        team_decisions.proposals("issue_token", by=by, team_id=team_of(w, whose))), HERE),
    Call("feedback.read", "product_feedback.all_of", lambda by, w, whose: listed(
        product_feedback.all_of(by=by), w.ids[f"feedback {whose}"])),
    Call("feedback.read", "product_feedback.get", lambda by, w, whose: product_feedback.get(w.ids[f"feedback {whose}"], by=by)),
    Call("feedback.read", "product_feedback.steps", lambda by, w, whose: product_feedback.steps(w.ids[f"feedback {whose}"], by=by)),
    Call("feedback.read", "product_feedback.sent", lambda by, w, whose: product_feedback.sent(w.ids[f"feedback {whose}"], by=by)),
    Call("feedback.read", "product_feedback.teams", lambda by, w, whose: product_feedback.teams(by=by), THERE),
    Call("feedback.read", "feedback_evidence.of", lambda by, w, whose: feedback_evidence.of("nothing", by=by), THERE),
    Call("feedback.read", "feedback_evidence.shares", lambda by, w, whose: feedback_evidence.shares(["nothing"], by=by), THERE),
    Call("feedback.read", "feedback_evidence.newest", lambda by, w, whose: did(feedback_evidence.newest("nothing", 3, by=by)), THERE),
    Call("feedback.read", "feedback_evidence.fitting", lambda by, w, whose: did(feedback_evidence.fitting("nothing", [], by=by)), THERE),
    Call("pattern.read", "product_feedback.pattern", lambda by, w, whose: product_feedback.pattern(pattern(), by=by), THERE),
    Call("feedback.write", "product_feedback.write", lambda by, w, whose: reached("3 to 10 conversations", lambda: product_feedback.write(
        "Shut", "It stays shut.", About(words="nothing"), by=by)), THERE, also="feedback.read"),
    Call("feedback.write", "product_feedback.change", lambda by, w, whose: product_feedback.change(
        w.ids[f"feedback {whose}"], title="Open", by=by)),
    Call("feedback.write", "product_feedback.step", lambda by, w, whose: product_feedback.step(
        w.ids[f"feedback {whose}"], "changed", "It is out.", by=by)),
    Call("feedback.write", "product_feedback.take_back", lambda by, w, whose: product_feedback.take_back(
        w.ids[f"feedback {whose}"], by=by)),
    Call("feedback.hand_over", "product_feedback.hand_over", lambda by, w, whose: product_feedback.hand_over(
        w.ids[f"feedback {whose}"], "Delivery", "Please look.", by=by)),
    Call("feedback.hand_over", "product_feedback.places", lambda by, w, whose: did(product_feedback.places(by=by)), THERE),
    Call("monitor.read", "monitors.all_of", lambda by, w, whose: listed(
        (one.monitor for one in monitors.all_of(by=by)), w.ids[f"monitor {whose}"])),
    Call("monitor.read", "monitors.get", lambda by, w, whose: monitors.get(w.ids[f"monitor {whose}"], by=by)),
    Call("monitor.read", "monitors.history", lambda by, w, whose: monitors.history(w.ids[f"monitor {whose}"], by=by)),
    Call("monitor.read", "alerts.of", lambda by, w, whose: alerts.of(w.ids[f"monitor {whose}"], by=by)),
    Call("monitor.read", "alerts.look", lambda by, w, whose: alerts.look(by=by), THERE),
    Call("monitor.change", "monitors.make", lambda by, w, whose: monitors.make("Stars", SATISFIED, why="We promised it.", by=by), THERE),
    Call("monitor.change", "monitors.change", lambda by, w, whose: monitors.change(
        w.ids[f"monitor {whose}"], SATISFIED, why="Better.", by=by)),
    Call("monitor.change", "monitors.snooze", lambda by, w, whose: monitors.snooze(w.ids[f"monitor {whose}"], None, why="", by=by)),
    Call("monitor.change", "monitors.retire", lambda by, w, whose: monitors.retire(w.ids[f"monitor {whose}"], why="Enough.", by=by)),
    Call("monitor.change", "alerts.acknowledge", lambda by, w, whose: alerts.acknowledge(w.ids[f"alert {whose}"], "Seen.", by=by)),
    Call("monitor.change", "alerts.close", lambda by, w, whose: alerts.close(w.ids[f"alert {whose}"], "Mended.", by=by)),
    Call("monitor.arm", "monitors.make", lambda by, w, whose: reached("was ever released", lambda: monitors.make(
        "Stars", ARMED, why="We promised it.", by=by)), THERE, also="monitor.change"),
    Call("deputy.name", "deputies.name", lambda by, w, whose: deputies.name(
        colleague(by, w), starts_at=now(), ends_at=now() + timedelta(days=1), by=by), THERE),
    Call("deputy.name", "deputies.end", lambda by, w, whose: did(deputies.end(w.thing("deputy", by, whose), by=by)), own=True),
    Call("person.read", "people.everybody", lambda by, w, whose: listed(people.everybody(by=by), w.owner(by, whose).id)),
    Call("person.add", "people.add", lambda by, w, whose: people.add("New", "new@example.com", "rep", by=by), THERE),
    Call("person.add", "people.add_team", lambda by, w, whose: people.add_team("New", by=by), THERE),
    Call("person.change", "people.move", lambda by, w, whose: people.move(w.owner(by, whose).id, None, by=by)),
    Call("person.change", "people.set_role", lambda by, w, whose: people.set_role(w.owner(by, whose).id, "rep", by=by), own=False),
    Call("person.change", "people.enable", lambda by, w, whose: people.enable(w.gone[whose].id, by=by), ANOTHER),
    Call("person.change", "people.invite", lambda by, w, whose: people.invite(w.owner(by, whose).id, by=by)),
    Call("person.disable", "people.disable", lambda by, w, whose: people.disable(w.owner(by, whose).id, by=by), own=False),
    Call("role.propose", "people.propose_role",
         lambda by, w, whose: people.propose_role(w.gone[whose].id, "lead", why="Knows all.", by=by), ANOTHER),
    Call("role.grant", "people.add", lambda by, w, whose: reached(
        "there are two admins", lambda: people.add("New", "new@example.com", "lead", by=by)), THERE),
    Call("role.grant", "people.set_role", lambda by, w, whose: reached(
        "there are two admins", lambda: people.set_role(w.owner(by, whose).id, "admin", by=by)), ANOTHER),
    Call("session.read", "sessions.running", lambda by, w, whose: listed(
        (session for session, _ in sessions.running(by=by)), w.thing("sign-in", by, whose))),
    Call("session.end", "sessions.revoke", lambda by, w, whose: did(sessions.revoke(w.thing("sign-in", by, whose), by=by))),
    Call("session.end", "sessions.revoke_all", lambda by, w, whose: sessions.revoke_all(w.owner(by, whose).id, by=by)),
    Call("token.propose", "tokens.propose", lambda by, w, whose: tokens.propose("crm", ["read"], why="For the CRM.", by=by), THERE),
    Call("token.issue", "tokens.issue", lambda by, w, whose: tokens.issue("crm", ["read"], w.owner(by, whose), by=by)),
    Call("token.propose", "surfaces.propose", lambda by, w, whose: surfaces.propose("Shop", [PAGES], why="They ask.", by=by), THERE),
    Call("token.issue", "surfaces.issue", lambda by, w, whose: surfaces.issue("Shop", [PAGES], w.owner(by, whose), by=by)),
    Call("token.read", "surfaces.all_surfaces", lambda by, w, whose: surface_of(w) in {
        one.id for one, _ in surfaces.all_surfaces(by=by)}, THERE),
    Call("token.revoke", "surfaces.revoke", lambda by, w, whose: surfaces.revoke(surface_of(w), by=by), THERE),
    Call("conversation.answer", "talks.reply", lambda by, w, whose: talks.reply(visited(w, whose), "It left today.", by=by)),
    Call("token.read", "tokens.all_tokens", lambda by, w, whose: listed(
        (token for token, _ in tokens.all_tokens(by=by)), w.thing("token", by, whose))),
    Call("token.revoke", "tokens.revoke", lambda by, w, whose: tokens.revoke(w.thing("token", by, whose), by=by)),
    Call("task.read", "tasks.recent", lambda by, w, whose: listed(tasks.recent(by=by, most=99), w.thing("task", by, whose))),
    Call("task.retry", "tasks.retry", lambda by, w, whose: tasks.retry(w.thing("failed task", by, whose), by=by)),
    Call("task.cancel", "tasks.cancel", lambda by, w, whose: tasks.cancel(w.thing("task", by, whose), by=by)),
    Call("audit.read", "audit.newest", lambda by, w, whose: audit.newest(by=by, found=entries(by, w, whose))),
    Call("audit.read", "audit.counted", lambda by, w, whose: audit.counted(by=by, found=entries(by, w, whose))),
    Call("audit.read", "audit.choices", lambda by, w, whose: audit.choices(by=by), THERE),
    Call("audit.read", "audit.as_csv",
         lambda by, w, whose: audit.as_csv(by=by, found=entries(by, w, whose), names={}).count(b"\r\n") > 1),
    Call("backup.make", "backups.make", lambda by, w, whose: backups.make(by=by), THERE),
    Call("backup.make", "backups.all_backups", lambda by, w, whose: backups.all_backups(by=by), THERE),
    Call("restore.propose", "backups.propose_restore",
         lambda by, w, whose: backups.propose_restore(w.ids["backup"], why="All is lost.", by=by), THERE),
    Call("backup.restore", "backups.restore",
         lambda by, w, whose: reached("is no backup", lambda: backups.restore(Path("none.zip"), by=by)), THERE),
)  # fmt: skip


# -- the matrix of functions --------------------------------------------------------------------------------------------------------------

Cell = tuple[str, str, str, str]  # actor, verb, function, whose
SAME_AS_ABSENT = ("there is no such", "There is no use case", "no reviewed conversation fits", "this deputy is not yours",
                  "only an admin ends somebody else's", "nobody changes their own role", "nobody locks themselves out")  # fmt: skip


class Undone(Exception):
    """Ends the transaction of a cell, so that the next one finds the same world."""


def done(call: Call, by: Person, world: World, whose: str) -> bool:
    """Whether it came to an end, and with the thing in its answer."""
    try:
        with store.writing():
            outcome = bool(call.do(by, world, whose))
            raise Undone
    except Undone:
        return outcome
    except Denied:
        return False
    except Refused as refused:
        assert any(words in str(refused) for words in SAME_AS_ABSENT), f"{call.name}: {refused}"
        return False


def matrix(world: World, calls: tuple[Call, ...], table: dict[str, dict[str, str]]) -> tuple[int, list[Cell]]:
    """How many cells there are, and those in which something else comes out than the table says."""
    cells = [(actor, call, whose) for actor in actors(world) for call in calls for whose in call.on]
    wrong = [
        (actor.name, call.verb, call.name, whose)
        for actor, call, whose in cells
        if done(call, actor.person, world, whose) != call.expected(actor, whose, table)
    ]
    return len(cells), wrong


@pytest.fixture
def world(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):  # where they are set, nobody proposes an endpoint
        monkeypatch.delenv(name, raising=False)
    config.reset()
    denials = logging.getLogger("portal.access")
    denials.setLevel(logging.ERROR)  # thousands are denied here
    yield build_world()
    denials.setLevel(logging.NOTSET)


def test_every_function_does_for_each_actor_what_the_table_says(world: World, record_property: Callable[[str, object], None]) -> None:
    cells, wrong = matrix(world, CALLS, access.TABLE)
    record_property("cells", cells)
    print(f"{cells:,} cells, {len(wrong)} mismatches")
    assert wrong == []
    assert cells > 2_500
    assert audit.broken() is None


LOOSENED = {  # verb -> role -> reach: each is one role more, or one step further
    "conversation.read": {"rep": "all"}, "dataset.download": {"rep": "team"}, "audit.read": {"rep": "team"}, "task.cancel": {"lead": "all"},
    "gate.approve": {"admin": "all"}, "backup.make": {"rep": "all"}, "person.add": {"engineer": "all"}, "session.end": {"lead": "all"},
    "token.issue": {"admin": "all"}, "conversation.import": {"rep": "all"},
}  # fmt: skip


def test_one_row_loosened_in_the_code_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same functions with one right more than the table has."""
    meant = {verb: dict(row) for verb, row in access.TABLE.items()}
    for verb, more in list(LOOSENED.items())[: None if SOAK else 5]:
        calls = tuple(call for call in CALLS if call.verb == verb)
        with monkeypatch.context() as patch:
            patch.setitem(access.TABLE, verb, meant[verb] | more)
            _, wrong = matrix(world, calls, meant)
        (role,) = more
        assert wrong and all(role in name for name, *_ in wrong), (verb, wrong)
        assert matrix(world, calls, meant)[1] == []


# -- nothing is left out ------------------------------------------------------------------------------------------------------------------

ONLY_ONESELF = {
    "people.change_password", "people.unlink", "inbox.mark_read",  # no argument of theirs names somebody else
    "downloads.fetch",  # a ticket is its owner's; over HTTP below
    "downloads.offer",  # the domain that calls it has checked the right
    "visiting.answer",  # by= says in whose name what a visitor wrote is answered; their key was asked for
    "arriving.live",  # by= says in whose name it runs; arrived and press have checked who may begin it
    "routing.of",  # for asking.ask alone: by= says whom a call without a customer is counted to
    "asking.ask",  # background work, whose right was asked; by= says whose budget it is
    "approvals.may_decide",  # tells a screen what the verbs will say
    "access.may", "access.reach", "access.require", "access.within", "access.whose",  # the check itself
    "people.known_as", "people.rest_keys", "people.mail_digest",
    "first_steps.done", "first_steps.look", "first_steps.put_away", "first_steps.take_up",  # one's own first week
    "brief.may_open",  # tells a screen what the page will say
    "use_cases.may", "use_cases.may_see_figures",  # tell a screen what the verbs will say
    "use_cases.measured", "use_cases.minutes_measured",  # of a case that was read; what they count asks its right again
    "briefing.of_moved", "briefing.of_calm", "briefing.of_too_few",  # words for what brief.made read; what they count asks its right again
    "deeds.last", "undo.about", "undo.last", "undo.take_back",  # one's own deeds; each noun asks its right again
    "reviews.is_blind",  # whether something is to be hidden, and nothing of what
    "training.keep",  # what training.train made, which asked for the right; the benchmark keeps its own so
    "agreements.counted",  # the part of a query that a reach that was asked for keeps within it
}  # fmt: skip


def sources(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*.py") if path.name != "demo.py"]  # the demo is built through the same verbs


def takes_by(path: Path) -> Iterator[str]:
    """The public functions that act for a person, unless they join another verb's transaction."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            names = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
            if "by" in names and "db" not in names:
                yield f"{path.stem}.{node.name}"


def test_every_function_that_acts_for_a_person_is_in_the_matrix() -> None:
    found = {
        name
        for folder in ("data", "evals", "classifiers", "knowledge", "automations")
        for path in sources(folder)
        for name in takes_by(path)
    }
    called = {call.name.split()[0] for call in CALLS}
    assert found - called == ONLY_ONESELF
    assert len(found & called) > 60


def test_every_verb_in_use_has_a_caller() -> None:
    called = {call.verb for call in CALLS} | {row.verb for row in ROUTES.values() if row.verb}
    in_use = {verb for rule in access.RULES if rule.in_use for verb in rule.verbs}
    assert called == in_use


# -- the same over HTTP -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A route: the verb behind it ("": whoever is signed in; None: everybody), how it is asked, and what strangers' things answer."""

    verb: str | None
    ask: Callable[[httpx.Client, World, Person, str], httpx.Response]
    on: tuple[str, ...] = THERE
    beyond: int = 404  # the right is there and does not reach so far; a list that lacks the thing counts as 404
    shown: Callable[[Any, World, Person, str], bool] = lambda _told, _world, _by, _whose: True
    only_own: bool = False

    def expected(self, actor: Actor, whose: str, table: dict[str, dict[str, str]]) -> int:
        if actor.name in CLOSED or (self.verb is not None and not actor.role):
            return 401
        if not self.verb:
            return 200
        if self.only_own and whose != OWN:
            return self.beyond
        if allowed(actor, self.verb, whose, table):
            return 200
        return self.beyond if allowed(actor, self.verb, NOBODYS, table) else 403

    def outcome(self, client: httpx.Client, world: World, by: Person, whose: str) -> int:
        answer = self.ask(client, world, by, whose)
        is_list = answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
        return answer.status_code if not is_list or self.shown(answer.json(), world, by, whose) else 404


CLOSED = ("unknown token", "revoked token", "token of somebody disabled")  # what opens nothing, not even what is open


def pages(client: httpx.Client, world: World, by: Person, whose: str) -> httpx.Response:
    """The first page of the record that names the owner, else the last one."""
    for page in range(100):
        answer = client.get("/api/v1/audit", params={"page": page})
        if answer.status_code != 200 or not answer.json() or names_owner(answer.json(), world, by, whose):
            return answer
    raise AssertionError("the record has no end")


def names_owner(told: Any, world: World, by: Person, whose: str) -> bool:
    return world.owner(by, whose).id in {entry["who"] for entry in told}


def ticket_of(world: World, by: Person, whose: str) -> str:
    owner = world.owner(by, whose)
    return downloads.offer(world.things["file", owner.id], "refunds.csv", by=owner, right="dataset.download")


def send(client: httpx.Client, place: str, item: dict[str, Any]) -> httpx.Response:
    """Programs sign what they send."""
    body = json.dumps([item]).encode()
    secret = client.headers.get("Authorization", "").removeprefix("Bearer ")
    signature = {signatures.HEADER: signatures.sign(secret, body)} if secret else {}
    return client.post(f"/api/v1/{place}", content=body, headers={"Content-Type": "application/json"} | signature)


def following_message(whose: str) -> dict[str, Any]:
    return {"source": "test", "conversation": {OWN: "1", OTHER: "3"}[whose], "id": new_id(), "role": "customer", "text": "And then?"}


def classified(client: httpx.Client, _world: World, _by: Person, _whose: str) -> httpx.Response:
    """Nothing was trained in this world: whoever hears so had the right."""
    answer = client.post("/api/v1/classify", json={"classifier": "intent", "texts": ["Hello"]})
    return httpx.Response(200, text="") if answer.status_code == 422 and "there is no classifier" in answer.text else answer


def pressed(client: httpx.Client, world: World, _by: Person, whose: str) -> httpx.Response:
    """No recipe is kept in this world: whoever hears so reaches the conversation."""
    answer = client.post("/api/v1/automations/none/run", json={"conversation": world.fresh[whose]})
    return httpx.Response(200, text="") if answer.status_code == 404 and "no recipe of that name" in answer.text else answer


HEARD = (  # by whoever had the right, of a case that earlier callers moved
    "was stopped", "somebody else changed", "nobody may go without", "which is the first stage", "the last stage",
    "of 'Satisfied' was counted",
)  # fmt: skip


def case_act(act: str, told: dict[str, Any]) -> Callable[[httpx.Client, World, Person, str], httpx.Response]:
    def ask(client: httpx.Client, world: World, _by: Person, whose: str) -> httpx.Response:
        answer = client.post(f"/api/v1/use-cases/{world.ids[f'case {whose}']}/{act}", json=told)
        return httpx.Response(200, text="") if answer.status_code == 422 and any(words in answer.text for words in HEARD) else answer

    return ask


def feedback_act(act: str, told: dict[str, Any]) -> Callable[[httpx.Client, World, Person, str], httpx.Response]:
    return lambda client, w, _by, whose: client.post(f"/api/v1/product-feedback/{w.ids[f'feedback {whose}']}/{act}", json=told)


def plain(place: str) -> Callable[[httpx.Client, World, Person, str], httpx.Response]:
    return lambda client, _world, _by, _whose: client.get(place)


ROUTES: dict[str, Row] = {
    "GET /v1/health": Row(None, plain("/api/v1/health")),
    "GET /v1/ready": Row(None, plain("/api/v1/ready")),
    "GET /v1/openapi.json": Row("", plain("/api/v1/openapi.json")),
    "GET /v1/docs": Row("", plain("/api/v1/docs")),
    "GET /v1/me": Row("", plain("/api/v1/me")),
    "GET /v1/audit": Row("audit.read", pages, WHOSE, shown=names_owner),
    "GET /v1/conversations/{conversation_id}": Row(
        "conversation.read", lambda client, w, by, whose: client.get(f"/api/v1/conversations/{w.fresh[whose]}"), WHOSE),
    "POST /v1/conversations": Row(
        "api.ingest", lambda client, w, by, whose: send(client, "conversations", one(1, id=new_id(), team=TEAMS[whose])), HERE),
    "POST /v1/messages": Row("api.ingest", lambda client, w, by, whose: send(client, "messages", following_message(whose)), HERE),
    "POST /v1/conversations/ticket": Row(
        "conversation.export", lambda client, w, by, whose: client.post("/api/v1/conversations/ticket")),
    "GET /v1/datasets": Row(
        "dataset.read", plain("/api/v1/datasets"), WHOSE,
        shown=lambda told, w, by, whose: w.thing("dataset", by, whose) in {row["id"] for row in told}),
    "POST /v1/datasets/{version_id}/ticket": Row(
        "dataset.download", lambda client, w, by, whose: client.post(f"/api/v1/datasets/{w.thing('dataset', by, whose)}/ticket"),
        WHOSE, beyond=403),
    "GET /v1/downloads/{ticket}": Row(
        "dataset.download", lambda client, w, by, whose: client.get(f"/api/v1/downloads/{ticket_of(w, by, whose)}"),
        WHOSE, beyond=410, only_own=True),
    "GET /v1/eval-sets": Row("eval_set.read", plain("/api/v1/eval-sets")),
    "GET /v1/eval-sets/{set_id}/cases": Row(
        "eval_set.read", lambda client, w, by, whose: client.get(f"/api/v1/eval-sets/{w.ids['frozen']}/cases")),
    "POST /v1/eval-sets/{set_id}/runs": Row(
        "eval.run", lambda client, w, by, whose: client.post(
            f"/api/v1/eval-sets/{w.ids['frozen']}/runs", params={"name": "ci"}, content=json.dumps({"key": w.ids["key"], "label": "x"}))),
    "GET /v1/runs/{run_id}": Row("eval_set.read", lambda client, w, by, whose: client.get(f"/api/v1/runs/{w.run.id}")),
    "GET /v1/classifiers": Row("classifier.read", plain("/api/v1/classifiers")),
    "POST /v1/classify": Row("api.classify", classified),
    "POST /v1/answer": Row("api.answer", lambda client, *_: client.post("/api/v1/answer", json={"question": "How long do I have?"})),
    "POST /v1/automations/{name}/run": Row("agent.run", pressed, WHOSE),
    "POST /v1/conversations/{conversation_id}/respond": Row(
        "agent.run", lambda client, w, by, whose: client.post(f"/api/v1/conversations/{w.fresh[whose]}/respond"), WHOSE),
    "GET /v1/policy": Row("automation.read", plain("/api/v1/policy")),
    "GET /v1/digest": Row("measure.read", plain("/api/v1/digest")),
    "GET /v1/monitors": Row(
        "monitor.read", plain("/api/v1/monitors"), WHOSE,
        shown=lambda told, w, by, whose: w.ids[f"monitor {whose}"] in {row["id"] for row in told}),
    "GET /v1/monitors/{monitor_id}/alerts": Row(
        "monitor.read", lambda client, w, by, whose: client.get(f"/api/v1/monitors/{w.ids[f'monitor {whose}']}/alerts"), WHOSE,
        shown=lambda told, w, by, whose: bool(told)),
    "POST /v1/monitors": Row("monitor.change", lambda client, *_: client.post(
        "/api/v1/monitors", json={"measure": "csat", "name": new_id(), "why": "We promised it."})),
    "GET /v1/opportunities": Row("opportunity.read", plain("/api/v1/opportunities")),
    "GET /v1/my-work": Row(
        "work.read", plain("/api/v1/my-work?ids=true"), WHOSE,
        shown=lambda told, w, by, whose: w.thing("proposal", by, whose) in json.dumps(told)),
    "GET /v1/team": Row("team.read", plain("/api/v1/team")),
    "GET /v1/use-cases": Row(
        "use_case.read", plain("/api/v1/use-cases"), WHOSE,
        shown=lambda told, w, by, whose: w.ids[f"case {whose}"] in {row["id"] for row in told}),
    "GET /v1/use-cases/{which}": Row(
        "use_case.read", lambda client, w, by, whose: client.get(f"/api/v1/use-cases/{w.ids[f'case {whose}']}"), WHOSE, beyond=422),
    "GET /v1/use-cases/{which}/report": Row(
        "use_case.read", lambda client, w, by, whose: client.get(f"/api/v1/use-cases/{w.ids[f'case {whose}']}/report"), WHOSE, beyond=422),
    "POST /v1/use-cases": Row("use_case.write", lambda client, *_: client.post("/api/v1/use-cases", json={"name": new_id()})),
    **{
        f"POST /v1/use-cases/{{which}}/{act}": Row(verb, case_act(act, told), WHOSE, beyond=422)
        for act, verb, told in (
            ("change", "use_case.write", {"seen": 1}), ("baseline", "use_case.write", {}), ("sign-off", "use_case.sign", {}),
            ("go-on", "use_case.move", {"why": "Later."}), ("go-back", "use_case.move", {"why": "Too early."}),
            ("stop", "use_case.move", {"why": "Enough."}), ("take-up", "use_case.move", {}),
        )
    },
    "GET /v1/product-feedback": Row(
        "feedback.read", plain("/api/v1/product-feedback"), WHOSE,
        shown=lambda told, w, by, whose: w.ids[f"feedback {whose}"] in {row["id"] for row in told}),
    "GET /v1/product-feedback/{feedback_id}": Row(
        "feedback.read", lambda client, w, by, whose: client.get(f"/api/v1/product-feedback/{w.ids[f'feedback {whose}']}"), WHOSE),
    "POST /v1/product-feedback": Row("feedback.write", lambda client, *_: client.post(
        "/api/v1/product-feedback", json={"title": "Shut", "text": "It stays shut.", "search": "please"})),
    **{
        f"POST /v1/product-feedback/{{feedback_id}}/{act}": Row(verb, feedback_act(act, told), WHOSE, beyond=403)
        for act, verb, told in (
            ("hand-over", "feedback.hand_over", {"product_team": "Delivery", "sentence": "Please look."}),
            ("steps", "feedback.write", {"state": "changed", "sentence": "It is out."}), ("take-back", "feedback.write", {}),
        )
    },
    "GET /v1/notes": Row(
        "measure.read", plain("/api/v1/notes"), WHOSE,
        shown=lambda told, w, by, whose: w.ids[f"note {whose}"] in {row["id"] for row in told}),
    "POST /v1/notes": Row("note.write", lambda client, *_: client.post("/api/v1/notes", json={"text": "It was slow."})),
    "POST /v1/notes/{note_id}/take-back": Row(
        "note.write", lambda client, w, by, whose: client.post(f"/api/v1/notes/{w.ids[f'note {whose}']}/take-back"), WHOSE, beyond=422),
    "POST /v1/monitors/{monitor_id}/snooze": Row(
        "monitor.change", lambda client, w, by, whose: client.post(f"/api/v1/monitors/{w.ids[f'monitor {whose}']}/snooze", json={}),
        WHOSE, beyond=422),
    "GET /v1/people": Row(
        "person.read", plain("/api/v1/people"), WHOSE,
        shown=lambda told, w, by, whose: w.owner(by, whose).id in {row["id"] for row in told}),
    "GET /v1/metrics": Row("metrics.read", plain("/api/v1/metrics")),
}  # fmt: skip


@dataclass
class Portal:
    server: Server
    world: World
    clients: list[tuple[Actor, httpx.Client]]

    def matrix(self, table: dict[str, dict[str, str]], routes: dict[str, Row] = ROUTES) -> tuple[int, list[tuple[str, str, str, int, int]]]:
        cells, wrong = 0, []
        with self.server.inside():
            for name, row in routes.items():
                for actor, client in self.clients:
                    for whose in row.on:
                        expected, came = row.expected(actor, whose, table), row.outcome(client, self.world, actor.person, whose)
                        cells += 1
                        if came != expected:
                            wrong.append((actor.name, name, whose, came, expected))
        return cells, wrong


@pytest.fixture(scope="module")
def portal(module_home: tuple[Path, str]) -> Iterator[Portal]:
    home, url = module_home
    with inside(home, url):
        world = build_world()
        keys = keys_of(world)
    with serving(home, url) as server:
        yield Portal(server, world, [(actor, browser_with(server, key)) for actor, key in keys])


def keys_of(world: World) -> list[tuple[Actor, str]]:
    """Each actor with what they hold: a cookie, a token that begins with portal_, or nothing."""
    console, mine = people.console(), {role: world.people[role, OWN] for role in access.ROLES}
    known = [actor for actor in actors(world) if not actor.disabled and actor.role in access.ROLES]
    keys = [
        (actor, tokens.issue(actor.name, [actor.scope], mine[actor.role], by=console) if actor.scope else sessions.start(actor.person))
        for actor in known
    ]
    engineer = mine[access.ENGINEER]
    revoked = tokens.issue("revoked", ["read"], engineer, by=console)
    tokens.revoke(next(token.id for token, _ in tokens.all_tokens(by=console) if token.name == "revoked"), by=console)
    gone, program = (people.add(name, f"{name}@example.com", "engineer", by=console) for name in ("gone", "program"))
    cookie, secret = sessions.start(gone), tokens.issue("read", ["read"], program, by=console)
    people.disable(program.id, by=console)
    with store.writing() as db:  # not by the verb, which ends the sign-in too: one that is still there opens nothing either
        db.get_one(Person, gone.id).disabled_at = now()
    strangers = {"anonymous": "", "disabled": cookie, "unknown token": tokens.new_secret(), "revoked token": revoked}
    return [*keys, *((Actor(name, engineer), key) for name, key in (strangers | {"token of somebody disabled": secret}).items())]


def browser_with(server: Server, key: str) -> httpx.Client:
    if key.startswith(tokens.PREFIX):
        return server.browser(Authorization=f"Bearer {key}", Connection="close")
    return server.browser(cookie=key, Connection="close")  # each request on its own, as from different programs


def test_every_route_answers_each_actor_as_the_table_says(portal: Portal) -> None:
    cells, wrong = portal.matrix(access.TABLE)
    print(f"{cells:,} requests, {len(wrong)} mismatches")
    assert wrong == []
    assert cells > 300
    with portal.server.inside():
        assert audit.broken() is None


TIGHTER = (  # route, role, how far its right would reach
    ("GET /v1/conversations/{conversation_id}", "engineer", "team"),
    ("GET /v1/downloads/{ticket}", "lead", None),
    ("GET /v1/metrics", "admin", None),
    ("GET /v1/people", "rep", None),
    ("GET /v1/audit", "lead", "own"),
    ("POST /v1/conversations", "engineer", None),
)


def test_a_route_that_lets_more_through_than_the_table_is_found(portal: Portal) -> None:
    """The control: measured against a table with one right less, the running portal is too open, there and nowhere else."""
    for name, role, less in TIGHTER if SOAK else TIGHTER[:3]:
        verb = str(ROUTES[name].verb)
        tighter = {known: reach for known, reach in access.TABLE[verb].items() if known != role} | ({role: less} if less else {})
        _, wrong = portal.matrix(access.TABLE | {verb: tighter}, {name: ROUTES[name]})
        assert wrong and all(role in who for who, *_ in wrong), (name, wrong)


def routes_of(app: Any) -> Iterator[str]:
    for route in app.routes:
        if included := getattr(route, "original_router", None):
            yield from (told.replace(" ", f" {route.include_context.prefix}", 1) for told in routes_of(included))
            continue
        methods = route.methods - {"HEAD", "OPTIONS"} if isinstance(route, APIRoute | Route) and route.methods else {"ANY"}
        yield from (f"{method} {getattr(route, 'path', route)}" for method in methods)


def test_every_route_is_in_the_matrix() -> None:
    assert sorted(routes_of(api)) == sorted(ROUTES)


def test_a_new_route_without_a_row_would_be_found() -> None:
    """The control of the one above, on an app of its own."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.get("/v1/leak")(lambda: None)
    app.mount("/v1/files", FastAPI())
    router = APIRouter(prefix="/more")
    router.post("/leak")(lambda: None)
    app.include_router(router, prefix="/v1")
    assert sorted(routes_of(app)) == ["ANY /v1/files", "GET /v1/leak", "POST /v1/more/leak"]
