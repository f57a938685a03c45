"""Datasets: no test leaks into them, every row says where it came from, and a spreadsheet runs nothing of them."""

import csv
import hashlib
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import col, select

from classifiers import labels
from data import datasets, examples, people, reviews, store
from data.datasets import Built, Definition
from data.errors import Denied, Misuse, Refused
from data.exports import csv_file, sft
from data.intake import door
from data.tables import Conversation, DatasetRow, DatasetVersion, Example, Label, Message, Person, Review
from data.values import now
from evals import freezing, sets
from tests.conftest import SOAK, Staff
from tests.conversations import canonical

Desk = tuple[Staff, Label]


@pytest.fixture
def desk(staff: Staff) -> Desk:
    return staff, labels.add("Refund", by=staff.lead)


def reviewed(desk: Desk, number: int, *texts: str, verdict: str = "strong", reply: str = "", team: str = "Oak", **fields: Any) -> str:
    """A conversation in which customer and rep take turns, reviewed; returns its id."""
    staff, label = desk
    turns = [
        {"role": ("customer", "rep")[place % 2], "text": text}
        for place, text in enumerate(texts or (f"Question {number}", f"Answer {number}"))
    ]
    told = {"messages": turns, "customer": f"customer {number}", **fields}
    (made,) = door.receive([canonical(number, team=team, **told)], by=people.console()).ids
    reviews.record(made, verdict, label_id=label.id, reply=reply, by=staff.engineer)
    return made


def build(desk: Desk, out: Path, *, form: str = "sft", by: Person | None = None, **definition: Any) -> Built:
    return datasets.build(Definition(**{"name": "Strong", **definition}), format_name=form, out=out, by=by or desk[0].engineer)


def rows(built: Built) -> list[DatasetRow]:
    with store.reading() as db:
        return list(db.exec(select(DatasetRow).where(DatasetRow.dataset_version_id == built.version.id).order_by(col(DatasetRow.row))))


def chosen(built: Built) -> set[str]:
    return {row.conversation_id for row in rows(built)}


def lines(built: Built) -> list[dict[str, Any]]:
    files = [built.files[split] for split in ("train", "validation", "test") if split in built.files]
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_no_eval_case_and_no_customer_of_one_is_in_a_dataset(desk: Desk, tmp_path: Path) -> None:
    staff, label = desk
    tested, same_customer, free = reviewed(desk, 1, customer="Jo"), reviewed(desk, 2, customer="Jo"), reviewed(desk, 3)
    eval_set = sets.create("Everyday", by=staff.lead)
    examples.flag(tested, "strong", why="Clear.", eval_set_id=eval_set.id, label_id=label.id, by=staff.rep)
    assert chosen(build(desk, tmp_path)) == {tested, same_customer, free}  # the control: before the freeze it is no test
    freezing.freeze(eval_set.id, by=staff.lead)
    built = build(desk, tmp_path)
    assert chosen(built) == {free}
    assert "1 left out: it is an eval case. 1 left out: its customer stands in an eval set." in built.version.card
    assert built.version.counts["refused"] == 2


def test_a_gold_example_is_left_out_like_an_eval_case(desk: Desk, tmp_path: Path) -> None:
    staff, label = desk
    gold, free = reviewed(desk, 1), reviewed(desk, 2)
    eval_set = sets.create("Everyday", by=staff.lead)
    examples.flag(gold, "strong", why="Clear.", eval_set_id=eval_set.id, label_id=label.id, by=staff.rep)
    with store.writing() as db:
        db.execute(update(Example).values(use="gold"))
    assert chosen(build(desk, tmp_path)) == {free}


def test_the_text_of_an_eval_case_is_in_no_dataset_whoever_wrote_it(desk: Desk, tmp_path: Path) -> None:
    staff, label = desk
    tested, same, free = reviewed(desk, 1, "Where is it?", "Here."), reviewed(desk, 2, "Where is it?", "There."), reviewed(desk, 3)
    eval_set = sets.create("Everyday", by=staff.lead)
    examples.flag(tested, "strong", why="Clear.", eval_set_id=eval_set.id, label_id=label.id, by=staff.rep)
    freezing.freeze(eval_set.id, by=staff.lead)
    for form in ("sft", "csv"):
        assert same not in chosen(build(desk, tmp_path, form=form))
        assert chosen(build(desk, tmp_path, form=form)) == {free}


def test_the_same_text_is_in_it_once(desk: Desk, tmp_path: Path) -> None:
    first = reviewed(desk, 1, "Where is it?", "Here.")
    reviewed(desk, 2, "Where is it?", "There.")
    other = reviewed(desk, 3, "Where is he?", "Here.")
    built = build(desk, tmp_path)
    assert chosen(built) == {first, other}
    assert "1 left out: the same text is in it already." in built.version.card


def test_one_customer_does_not_fill_it(desk: Desk, tmp_path: Path) -> None:
    for number in range(6):
        reviewed(desk, number, customer="Jo" if number < 4 else "Another")
    assert len(chosen(build(desk, tmp_path, most_per_customer=2))) == 4
    assert len(chosen(build(desk, tmp_path, most=3))) == 3
    assert len(chosen(build(desk, tmp_path))) == 6


def test_no_customer_stands_in_two_splits_today_or_later(desk: Desk, tmp_path: Path) -> None:
    for number in range(90):
        reviewed(desk, number, customer=f"customer {number % 60}")
    first = build(desk, tmp_path)
    splits: dict[str, set[str]] = {}
    for row in rows(first):
        splits.setdefault(row.customer_id, set()).add(row.split)
    assert len(splits) == 60
    assert {len(found) for found in splits.values()} == {1}
    assert len({next(iter(found)) for found in splits.values()}) > 1
    for number in range(90, 100):
        reviewed(desk, number)
    later = {row.customer_id: row.split for row in rows(build(desk, tmp_path))}
    assert {customer: later[customer] for customer in splits} == {customer: next(iter(found)) for customer, found in splits.items()}


def test_most_customers_are_trained_on_and_a_tenth_each_is_kept_for_validation_and_test() -> None:
    found = [datasets.split_of(f"customer {number}") for number in range(10_000)]
    assert [found.count(split) / 10_000 for split in ("train", "validation", "test")] == pytest.approx([0.8, 0.1, 0.1], abs=0.015)


def test_each_row_says_where_it_came_from(desk: Desk, tmp_path: Path) -> None:
    for number in range(30):
        reviewed(desk, number)
    built = build(desk, tmp_path)
    told = [json.loads(line) for line in built.files["lineage"].read_text().splitlines()]
    kept = rows(built)
    assert [row.row for row in kept] == list(range(1, 31))
    assert told == [
        {"row": row.row, "split": row.split, "review": row.review_id, "conversation": row.conversation_id, "sha": row.messages_sha}
        for row in kept
    ]
    with store.reading() as db:
        texts = dict(db.exec(select(Message.conversation_id, Message.text).where(Message.seq == 1)).all())
    for split in ("train", "validation", "test"):
        mine = [row for row in kept if row.split == split]
        written = [json.loads(line) for line in built.files[split].read_text().splitlines()] if split in built.files else []
        assert [line["messages"][1]["content"] for line in written] == [texts[row.conversation_id] for row in mine]


def test_the_manifest_names_the_digest_of_every_file_and_the_card_that_of_the_content(desk: Desk, tmp_path: Path) -> None:
    for number in range(12):
        reviewed(desk, number)
    built = build(desk, tmp_path)
    manifest = json.loads(built.files["manifest"].read_text())
    files = {path.name: path for path in built.files.values() if path != built.files["manifest"]}
    assert manifest["files"] == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    content = hashlib.sha256("".join(row.messages_sha for row in rows(built)).encode()).hexdigest()
    assert manifest["sha"] == built.version.sha == content
    assert f"Content SHA-256: {content}" in built.files["card"].read_text()
    assert built.files["card"].read_text().startswith("# Strong 1\n\n12 reviewed conversations from ")
    assert "- Refund: 12" in built.version.card
    assert manifest["counts"] == built.version.counts
    assert set(tmp_path.glob("strong*")) == set(built.files.values())


def test_the_same_reviews_make_the_same_content_under_the_next_number(desk: Desk, tmp_path: Path) -> None:
    for number in range(5):
        reviewed(desk, number)
    first, second = build(desk, tmp_path / "a"), build(desk, tmp_path / "b")
    assert (first.version.number, second.version.number, first.version.sha) == (1, 2, second.version.sha)
    reviewed(desk, 9)
    assert build(desk, tmp_path / "c").version.sha != first.version.sha
    assert [version.number for version in datasets.all_versions(by=desk[0].lead)] == [3, 2, 1]


def test_no_file_of_an_earlier_build_is_left_among_those_of_the_next(desk: Desk, tmp_path: Path) -> None:
    """A split that has no rows any more must not stay behind with last week's, which may be tests by now."""
    for number in range(40):  # whose splits fall by chance, but not all into one
        reviewed(desk, number)
    assert len({"train", "validation", "test"} & set(build(desk, tmp_path).files)) >= 2
    small = build(desk, tmp_path, most=1)
    assert set(tmp_path.glob("strong*.jsonl")) == {path for path in small.files.values() if path.suffix == ".jsonl"}


def test_a_conversation_becomes_turns_that_end_with_the_reply(desk: Desk, tmp_path: Path) -> None:
    reviewed(desk, 1, "One", "Two", "Three", "Four", "Thanks")
    reviewed(desk, 2, "Hello", "Bad answer", reply="Better answer")
    contents = [[(turn["role"], turn["content"]) for turn in line["messages"]] for line in lines(build(desk, tmp_path))]
    system = ("system", sft.SYSTEM)
    assert sorted(contents) == sorted([
        [system, ("user", "One"), ("assistant", "Two"), ("user", "Three"), ("assistant", "Four")],
        [system, ("user", "Hello"), ("assistant", "Better answer")],
    ])  # fmt: skip


def test_turns_of_one_side_in_a_row_are_one_turn(desk: Desk, tmp_path: Path) -> None:
    told = [{"role": role, "text": text} for role, text in (("customer", "One"), ("customer", "Two"), ("tool", "x"), ("rep", "Hi"))]
    reviewed(desk, 1, messages=told)
    (line,) = lines(build(desk, tmp_path))
    assert [turn["content"] for turn in line["messages"]][1:] == ["One\nTwo", "Hi"]


def test_what_was_only_a_private_note_leaves_no_trace(desk: Desk, tmp_path: Path) -> None:
    told = [{"role": "customer", "text": "Hello"}, {"role": "rep", "text": "PRIVATE", "private": True}, {"role": "rep", "text": "Hi"}]
    reviewed(desk, 1, messages=told)
    for form in ("sft", "csv"):
        built = build(desk, tmp_path, form=form)
        assert "PRIVATE" not in "".join(path.read_text() for path in built.files.values())
        assert "Hello" in "".join(path.read_text() for path in built.files.values())


def test_a_row_in_which_a_card_is_found_after_all_is_left_out(desk: Desk, tmp_path: Path) -> None:
    """The door missed it once; the export looks again, at all that it would write."""
    in_message, in_subject, in_reply, clean = (reviewed(desk, number) for number in range(4))
    with store.writing() as db:
        db.execute(
            update(Message).where(col(Message.conversation_id) == in_message, col(Message.seq) == 1).values(text="4111 1111 1111 1111")
        )
        db.execute(update(Conversation).where(col(Conversation.id) == in_subject).values(subject="jo@example.org"))
        said = {"verdict": "strong", "label_id": desk[1].id, "reply": "It is 4111111111111111.", "by_person_id": desk[0].engineer.id}
        db.add(Review(conversation_id=in_reply, seq=2, note="", **said))  # past the verb, which masks what is typed
    for form, suspicious in (("sft", {in_message, in_reply}), ("csv", {in_message, in_subject})):
        built = build(desk, tmp_path, form=form)
        assert chosen(built) & suspicious == set()
        assert clean in chosen(built)
        written = "".join(path.read_text() for path in built.files.values())
        assert "4111 1111" not in written and "41111111" not in written
        assert "jo@example.org" not in written


def test_who_may_take_away_what(desk: Desk, tmp_path: Path) -> None:
    staff, _ = desk
    oak, fern = reviewed(desk, 1), reviewed(desk, 2, team="Fern")
    assert chosen(build(desk, tmp_path, by=staff.rep)) == chosen(build(desk, tmp_path, by=staff.lead)) == {oak}
    assert chosen(build(desk, tmp_path, by=staff.other)) == {fern}
    assert chosen(build(desk, tmp_path)) == chosen(build(desk, tmp_path, by=people.console())) == {oak, fern}
    with pytest.raises(Denied, match="may not build a dataset"):
        build(desk, tmp_path / "no", by=staff.admin)
    assert [version.by_person_id for version in datasets.all_versions(by=staff.rep)] == [staff.rep.id]
    assert not (tmp_path / "no").exists()


def test_what_was_hidden_is_left_out(desk: Desk, tmp_path: Path) -> None:
    hidden, shown = reviewed(desk, 1), reviewed(desk, 2)
    with store.writing() as db:
        db.execute(update(Conversation).where(col(Conversation.id) == hidden).values(hidden_at=now()))
    assert chosen(build(desk, tmp_path)) == {shown}


def test_a_definition_chooses_by_verdict_intent_channel_and_time(desk: Desk, tmp_path: Path) -> None:
    staff, _ = desk
    strong = reviewed(desk, 1, channel="chat")
    weak = reviewed(desk, 2, verdict="weak", channel="email")
    login = labels.add("Sign-in", by=staff.lead)
    reviews.record(weak, "weak", label_id=login.id, by=staff.engineer)
    asked: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {strong}), ({"verdicts": ["weak"]}, {weak}), ({"verdicts": ["strong", "weak"]}, {strong, weak}),
        ({"verdicts": ["strong", "weak"], "intents": ["Sign-in"]}, {weak}),
        ({"verdicts": ["strong", "weak"], "channels": ["chat"]}, {strong}),
        ({"since": now() - timedelta(days=1)}, {strong}),
    ]  # fmt: skip
    for definition, expected in asked:
        assert chosen(build(desk, tmp_path, **definition)) == expected, definition
    with pytest.raises(Refused, match="no reviewed conversation fits 'Strong'"):
        build(desk, tmp_path, since=now() + timedelta(days=1))


def test_a_build_that_has_no_row_says_why_and_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    reviewed(desk, 1, "Only a question")
    with pytest.raises(
        Refused, match=r"Nothing was built: no reviewed conversation fits 'Strong'\. 1 left out: it has no answer to learn from\."
    ):
        build(desk, tmp_path / "out")
    with store.reading() as db:
        assert db.exec(select(DatasetVersion)).all() == []
    assert not (tmp_path / "out").exists()
    with pytest.raises(Misuse, match=r"There is no format 'xlsx'\. Choose one of sft, csv"):
        build(desk, tmp_path, form="xlsx")


def test_a_csv_file_has_the_text_and_intent_of_each_row(desk: Desk, tmp_path: Path) -> None:
    hostile = ['=cmd|"/c calc"!A1', "+1", "-2+3", "@SUM(A1)", "＝1+1", "＠x", " \t=1", 'say "x", please', "two\nlines", "Größe"]
    for number, text in enumerate(hostile):
        reviewed(desk, number, text, "Hi")
    built = build(desk, tmp_path, form="csv")
    read = [
        row
        for split in ("train", "validation", "test")
        if split in built.files
        for row in parsed(built.files[split].read_bytes().decode())[1:]
    ]
    assert sorted(text.removeprefix("'") for text, _ in read) == sorted(hostile)
    assert {intent for _, intent in read} == {"Refund"}
    assert [text for text, _ in read if starts_formula(text)] == []


# Cells.


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def starts_formula(cell: str) -> bool:
    """What a spreadsheet may run: a formula sign first, also behind blanks and in its wide form, or a control character."""
    return bool(re.match(r"[\s\0]*[=+\-@＝＋－＠]|[\t\r\n\0]", cell))


blanks = st.text(" \t\r\n\0\u00a0\u3000\x0b\x1f", max_size=3)
cells = st.one_of(
    st.text(max_size=20), st.builds("{}{}{}".format, blanks, st.sampled_from("=+-@＝＋－＠"), st.text("\"',;\n=1A", max_size=8))
)


@settings(max_examples=5000 if SOAK else 300, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells)
@example("\0=1")
@example(" \0=1")
@example("\0 =1")
@example("\x1f\0\u3000＝1")
def test_no_cell_starts_a_formula_and_each_comes_back(text: str) -> None:
    line = csv_file.line({"text": text, "label": "Refund"})
    ((read, label),) = parsed(line)
    assert not starts_formula(read)
    assert label == "Refund"
    assert read.removeprefix("'") in (text.replace("\0", ""), text.replace("\0", "").removeprefix("'"))
    assert line.endswith('"Refund"\r\n')


def test_without_the_defence_a_cell_starts_a_formula() -> None:
    """The control: the standard library's own writer, told to quote everything."""
    made = io.StringIO()
    csv.writer(made, quoting=csv.QUOTE_ALL).writerow([" ＝1+1", "Refund"])
    assert starts_formula(parsed(made.getvalue())[0][0])


# Definitions.


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name: [", "is not YAML"),
        (b"name: !!python/object/apply:os.system [id]", "is not YAML"),
        (b"\xff\xfe\xfa", "cannot be read"),
        (b"", "is not one: .*dictionary"),
        (b"- a", "is not one: .*dictionary"),
        (b"verdicts: [strong]", "is not one: name: Field required"),
        (b"name: Strong\nwher: x", "is not one: wher: Extra inputs are not permitted"),
        (b"name: ../../etc/passwd", "is not one: name: "),
        (b'name: "Strong\\n"', "is not one: name: "),
        (b"name: Strong\nverdicts: [good]", "is not one: verdicts.0: Input should be 'strong', 'weak' or 'none'"),
        (b"name: Strong\nchannels: [fax]", "is not one: channels.0: "),
        (b"name: Strong\nmost: 0", "is not one: most: "),
        (b"name: Strong\nsince: yesterday", "is not one: since: "),
        (b"name: Strong\nsince: 2026-13-45", "(is not YAML|is not one: since: )"),
        (b"name: " + b"[" * 5000, "is not YAML"),
    ],
)
def test_a_definition_that_is_none_is_misuse_in_words(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "set.yaml"
    path.write_bytes(content)
    with pytest.raises(Misuse, match=told) as misuse:
        datasets.read_definition(path)
    assert str(path) in str(misuse.value)
    assert "Traceback" not in str(misuse.value)


def test_a_definition_that_is_not_there_is_misuse_in_words(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"none\.yaml cannot be read"):
        datasets.read_definition(tmp_path / "none.yaml")


@pytest.mark.parametrize("since", ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "'2026-01-01'"])
def test_a_day_can_be_said_as_people_say_it(tmp_path: Path, since: str) -> None:
    path = tmp_path / "set.yaml"
    path.write_text(f"name: Strong\nsince: {since}\n")
    found = datasets.read_definition(path).since
    assert found is not None
    assert found.tzinfo is not None  # reviews know their zone: without one it cannot be compared with theirs
    assert abs(found - datetime(2026, 1, 1, tzinfo=UTC)) <= timedelta(hours=14)
