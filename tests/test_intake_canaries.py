"""Nothing personal passes by (SAFETY 24): canaries of all ten kinds, planted in every way in, are looked for wherever anything is kept."""

import csv
import io
import json
import logging
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from classifiers import labels
from data import approvals, asking, comments, connections, datasets, examples, people, reviews, sealing, settings, store
from data.asking import Budget
from data.datasets import Definition
from data.errors import Refused
from data.intake import appending, cleaning, door, files, following, offers, seals
from data.intake.canonical import CanonicalConversation, CanonicalMessage
from data.intake.cleaning import SEALED
from data.tables import Conversation, Message, Seal, metadata
from data.values import new_id, now
from evals import sets
from language import patience, redact
from portal import logs
from tests import helpdesk, model_server
from tests import redaction_texts as texts
from tests.conftest import SOAK, Staff
from tests.conversations import one
from tests.model_server import Model
from tests.test_intake_readers_mail import box, mail

PER_PATH = 50 if SOAK else 10  # each of the ten kinds in each path


@dataclass(frozen=True)
class Canary:
    kind: str
    said: str  # a sentence that holds it
    needle: str  # what must stand nowhere


def surname(dice: random.Random) -> str:
    return "".join(
        dice.choice("BDFGKLMNPRSTVZ").capitalize() if not place else dice.choice(("ar", "el", "ok", "um", "in", "ez")) for place in range(5)
    )


def sentence(kind: str, dice: random.Random) -> tuple[str, str]:
    """What is said, and the value in it."""
    if kind == "name":
        value = surname(dice)
        return f"My name is {dice.choice(('Ingrid', 'Thomas', 'Marta'))} {value}, hello.", value
    if kind == "address":
        value = f"{dice.randint(100, 9999)} {surname(dice)} Street"
        return f"Please send it to {value}, Springfield, IL {dice.randint(60000, 62999)}.", value
    if kind == "email":
        value = f"{surname(dice).lower()}{dice.randint(10, 99)}@example.org"
        return f"Write to {value}, please.", value
    if kind == "id":
        template, make = dice.choice(texts.NATIONAL[:7])
    else:
        make, templates = texts.KINDS[kind]
        template = templates[0]
    value = make(dice)
    return template.replace("@@", value), value


def canaries(count: int, seed: str) -> list[Canary]:
    """As many of each kind; those that the recognisers know, since how much they know is measured elsewhere."""
    dice, made = random.Random(seed), list[Canary]()
    while len(made) < count:
        kind = redact.KINDS[len(made) % len(redact.KINDS)]
        said, value = sentence(kind, dice)
        if len(value) > 8 and "\n" not in value and not holds(redact.masked(said), value):
            made.append(Canary(kind, said, value))
    return made


def squashed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def holds(text: str, value: str) -> bool:
    return value.lower() in text.lower() or (len(squashed(value)) > 11 and squashed(value) in squashed(text))


# Ways in: each plants its canaries in whatever it brings.

Sown = list[Canary]
WAYS: dict[str, Callable[["Place", Sown], object]] = {}


@dataclass
class Place:
    staff: Staff
    folder: Path  # outside the home
    model: Model
    out: Path  # where datasets are written


def way(name: str) -> Callable[[Callable[[Place, Sown], object]], Callable[[Place, Sown], object]]:
    def keep(plant: Callable[[Place, Sown], object]) -> Callable[[Place, Sown], object]:
        WAYS[name] = plant
        return plant

    return keep


EVERYWHERE: list[Callable[[str], dict[str, Any]]] = [
    lambda said: {"messages": [{"role": "customer", "text": said}]},
    lambda said: {"messages": [{"role": "rep", "text": said, "private": True, "author": "Rita"}]},
    lambda said: {"subject": said},
    lambda said: {"tags": ["vip", said], "status": said, "language": said, "segment": said, "customer": f"{new_id()} {said}"},
    lambda said: {said: "a field's name", "paid": {said: [said]}, "labels": {"x": said}},
    lambda said: {"messages": [{"role": "tool", "tool_result": {"rows": [[said]], said: 1}}]},
    lambda said: {"messages": [{"role": "assistant", "tool_call": {"name": said, "arguments": {"with": {said: said}}}}]},
    lambda said: {"messages": [{"role": "customer", "text": "x", "author": said, "html": f"<b>{said}</b>", said: "x"}]},
    lambda said: {"signals": [{"kind": "macro_used", "at": "2026-03-01T00:00:00Z", "value": said}]},
    lambda said: {"team": said},  # refused, and the refusal is kept
]


def everywhere(sown: Sown, first: int) -> list[dict[str, Any]]:
    """Each kind in each place, over the whole of a run: they move on by one."""
    return [one(first + number) | EVERYWHERE[(number + first) % len(EVERYWHERE)](canary.said) for number, canary in enumerate(sown)]


@way("jsonl")
def _(place: Place, sown: Sown) -> None:
    path = place.folder / "x.jsonl"
    wrong = [json.dumps(one(1990, messages=[{"role": sown[0].said, "text": ""}])), f"{{broken {sown[1].said}", f'"{sown[2].said}"']
    path.write_text("\n".join([*(json.dumps(made) for made in everywhere(sown, 1000)), *wrong]) + "\n")
    files.look(path, by=place.staff.engineer)
    files.import_file(path, by=place.staff.engineer, name=f"{sown[0].said}.jsonl")


@way("csv")
def _(place: Place, sown: Sown) -> None:
    path = place.folder / "x.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket_id", "sender", "message", "mood"])
        writer.writerows([number // 2, "customer", canary.said, canary.said] for number, canary in enumerate(sown))
    files.import_file(path, by=place.staff.engineer)


def desk_of(product: str, sown: Sown) -> helpdesk.Helpdesk:
    made = helpdesk.Helpdesk(product)
    for number, canary in enumerate(sown, start=1):
        made.add(number // 2 + 1, helpdesk.START + number, canary.said)
    return made


@way("zendesk")
def _(place: Place, sown: Sown) -> None:
    tickets = [
        ticket | {"comments": ticket["said"], "subject": ticket["said"][0]["plain_body"]}
        for ticket in desk_of("zendesk", sown).held.values()
    ]
    bring(place, "zendesk", {"tickets": tickets, "users": helpdesk.USERS})


@way("intercom")
def _(place: Place, sown: Sown) -> None:
    held = desk_of("intercom", sown).held.values()
    parts = [talk | {"conversation_parts": {"conversation_parts": talk["said"], "total_count": len(talk["said"])}} for talk in held]
    bring(place, "intercom", {"type": "conversation.list", "conversations": parts})


@way("chatwoot")
def _(place: Place, sown: Sown) -> None:
    talks = [
        talk | {"messages": talk["said"], "custom_attributes": {"note": talk["said"][0]["content"]}}
        for talk in desk_of("chatwoot", sown).held.values()
    ]
    bring(place, "chatwoot", talks)


def bring(place: Place, name: str, content: Any) -> None:
    """As a person does it in the browser."""
    batch = offers.offer([(f"{name}.json", json.dumps(content).encode())], by=place.staff.engineer)
    assert batch.reader == name
    offers.look(batch.id, by=place.staff.engineer)
    assert offers.take(batch.id, by=place.staff.engineer)["new"] > 0


@way("mbox")
def _(place: Place, sown: Sown) -> None:
    written = [
        mail(number, text=canary.said, subject=canary.said, sender=f"{canary.said[:40]!r} <jo{number}@a.example>")
        for number, canary in enumerate(sown)
    ]
    assert files.import_file(box(place.folder / "x.mbox", *written), by=place.staff.engineer)["new"] > 0


@way("eml")
def _(place: Place, sown: Sown) -> None:
    folder = place.folder / "mails"
    folder.mkdir()
    for number, canary in enumerate(sown, start=100):
        (folder / f"{number}.eml").write_text(
            mail(number, date="Mon, 02 Mar 2026 10:00:00 +0100", text=f"<p>{canary.said}</p>", kind="text/html; charset=utf-8")
        )
    assert files.import_file(folder, by=place.staff.engineer)["messages"] > 0


@way("vtt")
def _(place: Place, sown: Sown) -> None:
    cues = [
        f"00:00:{number:02}.000 --> 00:00:{number + 1:02}.000\n<v {('Customer', 'Agent')[number % 2]}>{canary.said}"
        for number, canary in enumerate(sown)
    ]
    path = place.folder / "call.vtt"
    path.write_text("WEBVTT\n\n" + "\n\n".join(cues) + "\n")
    assert files.import_file(path, by=place.staff.engineer)["new"] == 1


@way("door.receive")
def _(place: Place, sown: Sown) -> None:
    made = [CanonicalConversation.model_validate(raw) for raw in everywhere(sown, 3003)]
    for raw in made[::3]:  # a name that the source itself tells
        raw.customer_names = ["Quibblewick Ostrander"]
    door.receive(made, by=place.staff.engineer)


@way("door.receive, again and otherwise")
def _(place: Place, sown: Sown) -> None:
    for turn in (0, 1):
        made = [one(3500 + number) | EVERYWHERE[(number + turn) % 9](canary.said) for number, canary in enumerate(sown)]
        door.receive([CanonicalConversation.model_validate(raw) for raw in made], by=place.staff.engineer)


@way("appending.append")
def _(place: Place, sown: Sown) -> None:
    door.receive([CanonicalConversation.model_validate(one(4000))], by=place.staff.engineer)
    said = [CanonicalMessage(id=f"m {canary.said}"[:200], role="customer", text=canary.said) for canary in sown]
    assert appending.append(("test", "4000"), said, by=place.staff.engineer).counts["messages"] == len(sown)


@way("an id that says who it is")
def _(place: Place, sown: Sown) -> None:
    made = [CanonicalConversation.model_validate(one(5000 + number) | {"id": canary.said}) for number, canary in enumerate(sown)]
    door.receive(made, by=place.staff.engineer)


def follow(place: Place, product: str, sown: Sown) -> None:
    with helpdesk.running(product) as desk:
        desk.held = desk_of(product, sown).held
        account = desk.account(source=f"{product} live")
        proposal = connections.propose_help_desk(
            product, account.url, account.account, account.secret, why="x", by=place.staff.engineer, source=account.source, days=3650
        )
        approvals.approve(proposal.id, by=place.staff.admin)
        settings.carry_out(proposal.id, "change_connection")
        assert " 0 new" not in following.pull(product)


@way("following zendesk")
def _(place: Place, sown: Sown) -> None:
    follow(place, "zendesk", sown)


@way("following intercom")
def _(place: Place, sown: Sown) -> None:
    follow(place, "intercom", sown)


@way("following chatwoot")
def _(place: Place, sown: Sown) -> None:
    follow(place, "chatwoot", sown)


def talk(number: int, text: str = "Where is it?") -> str:
    said = [{"role": "customer", "text": text}, {"role": "rep", "text": "Here."}]
    made = CanonicalConversation.model_validate(one(number, team="Oak", customer=f"c {number}", messages=said))
    return door.receive([made], by=people.console()).ids[0]


@way("reviews, flags and comments")
def _(place: Place, sown: Sown) -> None:
    rep, label = place.staff.rep, labels.add("Order status", by=place.staff.lead)
    eval_set = sets.create("Kept", by=place.staff.lead)
    for number, canary in enumerate(sown):
        talked = talk(6000 + number)
        reviews.record(talked, "strong", label_id=label.id, note=canary.said, reply=canary.said if number % 2 else "", by=rep)
        flagged = examples.flag(talked, "strong", why=canary.said, eval_set_id=eval_set.id, label_id=label.id, by=rep)
        comments.write("example", flagged.id, f"@Leo {canary.said}", by=rep)


@way("a dataset")
def _(place: Place, sown: Sown) -> None:
    label = labels.add("Refund", by=place.staff.lead)
    for number, canary in enumerate(sown):
        talked = talk(7000 + number, canary.said)
        reviews.record(talked, "strong", label_id=label.id, reply=canary.said if number % 2 else "", by=place.staff.engineer)
    for form in ("sft", "csv"):
        datasets.build(Definition(name=f"Strong {form}"), format_name=form, out=place.out / form, by=place.staff.engineer)


@way("reasons for looking at an original")
def _(place: Place, sown: Sown) -> None:
    talked = talk(8000)
    original = {"sealed_value": sealing.seal("4111111111111111", SEALED), "value_hmac": "", "purge_at": now() + timedelta(days=1)}
    with store.writing() as db:
        db.add(Seal(conversation_id=talked, kind="card", number=1, **original))
    for number, canary in enumerate(sown):
        by = (place.staff.rep, place.staff.lead)[number % 2]
        seals.reveal(talked, "card", 1, why=f"Because {canary.said}", by=by)


@way("comments on a proposal")
def _(place: Place, sown: Sown) -> None:
    with store.writing() as db:
        made = approvals.propose(db, "ship_classifier", "x", {"name": "x"}, why="x", evidence={}, authors=[], by=place.staff.rep)
    for canary in sown:
        comments.write("proposal", made.id, canary.said, by=place.staff.rep)


@way("logs")
def _(place: Place, sown: Sown) -> None:
    for canary in sown:
        logging.getLogger("somebody.else").warning("could not read %s", canary.said)
        try:
            raise ValueError(canary.said)
        except ValueError:
            logging.getLogger("portal.jobs").exception("task failed")


@way("prompts")
def _(place: Place, sown: Sown) -> None:
    for canary in sown:
        place.model.says(model_server.text(f"You said: {canary.said}"))
        kept, place.model.asked = place.model.asked, []
        said = [{"role": "system", "content": f"Known: {canary.said}"}, {"role": "user", "content": canary.said}]
        asking.ask("triage", said, by=place.staff.rep, line=place.model.line(), budget=Budget())
        place.model.asked = kept + place.model.asked


@way("prompts of what is stored")
def _(place: Place, sown: Sown) -> None:
    ids = [talk(9000 + number, canary.said) for number, canary in enumerate(sown)]
    with store.reading() as db:
        told = list(db.exec(select(Message.text).where(col(Message.conversation_id).in_(ids))))
    place.model.says(model_server.text("ok"))
    asking.ask("triage", [{"role": "user", "content": text} for text in told], by=place.staff.rep, line=place.model.line(), budget=Budget())


# Where it is looked for.


def sinks(place: Place, home: Path, log: str) -> dict[str, str]:
    """Everything that is kept or sent, as text."""
    tables: list[Any] = []
    with store.reading() as db:
        for table in metadata.tables.values():
            tables += [[str(value) if isinstance(value, bytes) else value for value in row] for row in db.execute(table.select())]
    found = {"tables": json.dumps(tables, default=str, ensure_ascii=False), "index": index(), "log": log}
    found["prompts"] = " ".join(json.dumps(json.loads(asked.raw), ensure_ascii=False) for asked in place.model.asked)
    store.close()
    kept = [path for folder in (home, place.out) for path in folder.rglob("*") if path.is_file() and place.folder not in path.parents]
    found["files"] = " ".join(read(path) for path in kept)
    return found


def read(path: Path) -> str:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as opened:
            return " ".join(opened.read(name).decode("utf-8", "replace") for name in opened.namelist())
    return path.read_bytes().decode("utf-8", "replace")  # also what SQLite has freed and not yet overwritten


def index() -> str:
    """The words that the search knows."""
    with store.writing() as db:
        raw = db.connection().exec_driver_sql
        if store.is_sqlite():
            raw("CREATE VIRTUAL TABLE temp.every USING fts5vocab(main, conversation_search, instance)")
            rows = raw("SELECT term FROM temp.every ORDER BY doc, offset").all()
            raw("DROP TABLE temp.every")
        else:
            rows = raw("SELECT t.lexeme FROM conversation_words, unnest(tokens) t, unnest(t.positions) p ORDER BY place, p").all()
    return " ".join(row[0] for row in rows)


@pytest.fixture
def model() -> Iterator[Model]:
    patience.forget()
    with model_server.running() as running:
        yield running


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    """What was found with redaction switched off must not be remembered."""
    yield
    cleaning._nothing_in.cache_clear()
    door._field.cache_clear()


@pytest.fixture
def place(staff: Staff, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(staff, tmp_path_factory.mktemp("brought"), model, tmp_path_factory.mktemp("out"))


def sow_all(place: Place, home: Path, *, lenient: bool = False) -> tuple[dict[str, Sown], dict[str, str]]:
    sown = {name: canaries(PER_PATH, name) for name in WAYS}
    stream = io.StringIO()
    handlers = [logging.StreamHandler(stream), logging.StreamHandler(stream)]
    handlers[0].setFormatter(logs.Lines())
    handlers[1].setFormatter(logs.Masked("%(message)s"))
    root = logging.getLogger()
    level = root.level
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        for name, plant in WAYS.items():
            with suppress(Refused) if lenient else closing(io.StringIO()):
                plant(place, sown[name])
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
    return sown, sinks(place, home, stream.getvalue())


def found_in(sown: dict[str, Sown], looked: dict[str, str]) -> dict[str, dict[str, list[str]]]:
    """By way in and by sink, what was found."""
    low = {sink: (text.lower(), squashed(text)) for sink, text in looked.items()}
    found: dict[str, dict[str, list[str]]] = {}
    for name, some in sown.items():
        for canary in some:
            value, short = canary.needle.lower(), squashed(canary.needle)
            for sink, (text, dense) in low.items():
                if value in text or (len(short) > 11 and short in dense):
                    found.setdefault(name, {}).setdefault(sink, []).append(f"{canary.kind}: {canary.said}")
    return found


def test_no_canary_is_found_wherever_it_went_in(place: Place, home: Path) -> None:
    sown, looked = sow_all(place, home)
    assert all(looked.values()) and sum(map(len, sown.values())) >= (1000 if SOAK else 100)
    assert set(Counter(canary.kind for some in sown.values() for canary in some)) == set(redact.KINDS)
    assert found_in(sown, looked) == {}
    assert not holds(looked["tables"], "Quibblewick")  # a name that only the source knew
    with store.reading() as db:
        assert len(db.exec(select(Conversation.id)).all()) > 10 * PER_PATH
    print(f"canaries: {sum(map(len, sown.values())):,} planted in {len(sown)} ways, 0 found")


def test_with_redaction_switched_off_every_way_leaks(place: Place, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the search finds what is there, from each way in and in each place where it could be."""
    sown = {name: canaries(PER_PATH, name) for name in WAYS}
    monkeypatch.setattr(redact, "find", lambda text, known=(): [])
    monkeypatch.setitem(globals(), "canaries", lambda count, name: sown[name])
    _, looked = sow_all(place, home, lenient=True)
    found = found_in(sown, looked)
    assert set(found) == set(WAYS)
    assert {sink for sinks_ in found.values() for sink in sinks_} >= {"tables", "index", "log", "prompts", "files"}
    for name in WAYS:
        seen = {said for some in found[name].values() for said in some}
        assert len(seen) >= 0.8 * PER_PATH, (name, seen)
