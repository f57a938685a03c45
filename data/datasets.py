"""Curated datasets from reviews: chosen by a definition, refused where they would leak a test, with the lineage of every row."""

import io
import json
import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy import insert
from sqlmodel import Session, col, func, select

from data import access, audit, config, conversations, downloads, examples, reviews, sealing, store
from data.errors import Denied, Misuse, Refused
from data.exports import csv_file, sft
from data.intake.readers import jsonl
from data.tables import Conversation, DatasetRow, DatasetVersion, Label, Message, Person, Review
from data.values import new_id, now
from language import redact

FORMATS: dict[str, ModuleType] = {"sft": sft, "csv": csv_file}
LATE = 0.9  # splits by customer: 80 % train, 10 % validation, 10 % test
EARLY = 0.8


def _from_day(value: Any) -> Any:
    """A day, as people write it, is its midnight."""
    return datetime(value.year, value.month, value.day) if isinstance(value, date) and not isinstance(value, datetime) else value


def _with_zone(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=ZoneInfo(config.settings().time_zone)) if moment and moment.tzinfo is None else moment


class Definition(BaseModel):
    """A dataset in a few lines of YAML."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _\-]{0,60}$")]
    verdicts: list[Literal["strong", "weak", "none"]] = ["strong"]
    intents: list[str] = []  # none named: all
    channels: list[Literal["chat", "email", "voice"]] = []
    since: Annotated[datetime | None, BeforeValidator(_from_day), AfterValidator(_with_zone)] = None
    most: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000
    most_per_customer: Annotated[int, Field(ge=1)] = 20


@dataclass
class Built:
    version: DatasetVersion
    files: dict[str, Path] = field(default_factory=dict)


def read_definition(path: Path) -> Definition:
    try:
        return Definition.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"The definition {path} cannot be read: {error}.") from error
    except ValidationError as error:
        raise Misuse(f"The definition {path} is not one: {jsonl.in_words(error)}.") from error
    except RecursionError as error:
        raise Misuse(f"The definition {path} is not YAML: it is nested too deep.") from error
    except (yaml.YAMLError, ValueError) as error:  # a day that no calendar has is a ValueError
        raise Misuse(f"The definition {path} is not YAML: {str(error).splitlines()[0]}.") from error


def build(definition: Definition, *, format_name: str, by: Person, out: Path | None = None, at: datetime | None = None) -> Built:
    """Choose the rows, refuse those that would leak a test, write the files, keep the lineage."""
    if format_name not in FORMATS:
        raise Misuse(f"There is no format '{format_name}'. Choose one of {', '.join(FORMATS)}.")
    form = FORMATS[format_name]
    reach = access.require(by, "dataset.build")
    with store.writing() as db:
        refused: Counter[str] = Counter()
        rows = _clean(_candidates(db, definition, access.within(reach, by, col(Conversation.team_id))), db, form, definition, refused)
        if not rows:
            raise Refused(f"Nothing was built: no reviewed conversation fits '{definition.name}'. {_refusals_in_words(refused)}".strip())
        with tempfile.TemporaryDirectory() as work:  # the files are written before the row is, and the row names the whole of them
            version = _version(db, definition, format_name, rows, refused, by, at)
            files = _write(Path(work), definition, version, form, rows, refused)
            version.file_key = downloads.keep(_zipped(files.values()), "zip")
        _keep(db, version, rows, by, at)
        return Built(version, _write(out, definition, version, form, rows, refused) if out else {})


def _candidates(db: Session, definition: Definition, within: Any) -> list[dict[str, Any]]:
    """What the definition asks for, oldest review first."""
    names = dict(db.exec(select(Label.id, Label.name)).all())
    reach = {row.id: row for row in db.exec(select(Conversation).where(within, col(Conversation.hidden_at).is_(None)))}
    chosen = [
        {"review": review, "conversation": reach[made], "label": names.get(review.label_id or "", "")}
        for made, review in sorted(reviews.last_said(db).items(), key=lambda pair: pair[1].id)
        if made in reach
        and review.verdict in definition.verdicts
        and (not definition.intents or names.get(review.label_id or "") in definition.intents)
        and (not definition.channels or reach[made].channel in definition.channels)
        and (definition.since is None or review.at >= definition.since)
    ]
    for start in range(0, len(chosen), 500):
        _add_texts(db, chosen[start : start + 500])
    return chosen


def _add_texts(db: Session, chosen: Sequence[dict[str, Any]]) -> None:
    ids = [row["conversation"].id for row in chosen]
    spoken: dict[str, list[Message]] = {made: [] for made in ids}
    for message in db.exec(select(Message).where(col(Message.conversation_id).in_(ids)).order_by(col(Message.seq))):
        spoken[message.conversation_id].append(message)
    for row in chosen:
        told = [message for message in conversations.frozen(spoken[row["conversation"].id]) if message["text"].strip()]
        row["text"] = conversations.text_of(row["conversation"].subject, told)
        row |= _question_and_reply([message for message in told if message["seq"] <= row["review"].seq], row["review"])


def _question_and_reply(told: list[dict[str, Any]], review: Review) -> dict[str, Any]:
    """The reply to learn is the reviewer's own, else the last that a person gave; what comes before it is the question."""
    spoken = [message for message in told if message["role"] in ("customer", "rep", "assistant")]
    answers = [place for place, message in enumerate(spoken) if message["role"] == "rep"]
    if review.reply:
        first_answer = answers[0] if answers else len(spoken)
        return {"messages": spoken[:first_answer], "reply": review.reply}
    last = answers[-1] if answers else len(spoken)
    return {"messages": spoken[:last], "reply": spoken[last]["text"] if answers else ""}


def _clean(
    candidates: list[dict[str, Any]], db: Session, form: ModuleType, definition: Definition, refused: Counter[str]
) -> list[dict[str, Any]]:
    """Without what must not be trained on; each refusal is counted by its reason."""
    tested, tested_customers = examples.tested_conversations(db), examples.tested_customers(db)
    tested_texts = examples.tested_texts(db)
    seen: set[str] = set()
    per_customer: Counter[str] = Counter()
    kept: list[dict[str, Any]] = []
    for row in candidates:
        customer_id = row["conversation"].customer_id
        row["sha"] = sealing.sha(json.dumps([row["messages"], row["reply"], row["label"]], ensure_ascii=False))
        row["split"] = split_of(customer_id)
        why = (
            "it is an eval case" if row["conversation"].id in tested
            else "its customer stands in an eval set" if customer_id in tested_customers
            else "an eval case has the same text" if row["text"] in tested_texts
            else "the same text is in it already" if row["text"] in seen
            else "its customer has enough rows already" if per_customer[customer_id] >= definition.most_per_customer
            else "a card or address was found in it" if _has_personal_data(row)
            else form.problem(row)
        )  # fmt: skip
        if why:
            refused[why] += 1
        elif len(kept) < definition.most:
            seen.add(row["text"])
            per_customer[customer_id] += 1
            kept.append(row)
    return kept


def _has_personal_data(row: dict[str, Any]) -> bool:
    """The door looked already; this looks again at all that any format writes."""
    told = [row["text"], row["reply"], row["label"], *(message["text"] for message in row["messages"])]
    return any(redact.find(text) for text in told)


def split_of(customer_id: str) -> str:
    """All of a customer's rows fall into the same split, today and next month."""
    place = int(sealing.sha(f"dataset {customer_id}")[:8], 16) / 0xFFFFFFFF
    return "train" if place < EARLY else "validation" if place < LATE else "test"


def _zipped(files: Iterable[Path]) -> bytes:
    """The same files give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(files):
            opened.writestr(zipfile.ZipInfo(path.name, (1980, 1, 1, 0, 0, 0)), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def download(version_id: str, *, by: Person) -> str:
    """A ticket for the whole build, within reach: one's own, one's team's, or all."""
    reach = access.require(by, "dataset.download")
    with store.reading() as db:
        version = db.get(DatasetVersion, version_id)
        builder = db.get(Person, version.by_person_id) if version and version.by_person_id else None
    if version is None or not _reaches(reach, by, version.by_person_id, builder):
        raise Denied("Nothing to download: there is no such dataset within your reach.")
    return downloads.offer(version.file_key, f"{_stem(version.name)}-{version.number}.zip", by=by, right="dataset.download")


def _reaches(reach: str, by: Person, builder_id: str | None, builder: Person | None) -> bool:
    if reach == access.ALL or (builder_id is not None and builder_id == by.id):
        return True
    return reach == access.TEAM and builder is not None and by.team_id is not None and builder.team_id == by.team_id


def _stem(name: str) -> str:
    return name.lower().replace(" ", "-")


def _version(
    db: Session,
    definition: Definition,
    format_name: str,
    rows: list[dict[str, Any]],
    refused: Counter[str],
    by: Person,
    at: datetime | None,
) -> DatasetVersion:
    store.one_at_a_time(db, f"dataset {definition.name}")
    last = db.exec(select(func.max(DatasetVersion.number)).where(DatasetVersion.name == definition.name)).one()
    counts = {"rows": len(rows), "refused": sum(refused.values()), **Counter(row["split"] for row in rows)}
    version = DatasetVersion(
        name=definition.name, number=(last or 0) + 1, sha=sealing.sha("".join(row["sha"] for row in rows)), format=format_name,
        recipe=definition.model_dump(mode="json"), counts=counts, card="", at=at or now(),
        by_person_id=access.whose(by),
    )  # fmt: skip
    version.card = _card(definition, version, rows, refused)
    return version


def _keep(db: Session, version: DatasetVersion, rows: list[dict[str, Any]], by: Person, at: datetime | None) -> None:
    db.add(version)
    db.flush()
    lineage = [
        {
            "id": new_id(), "at": version.at, "by_person_id": version.by_person_id, "dataset_version_id": version.id, "row": place,
            "review_id": row["review"].id, "conversation_id": row["conversation"].id, "customer_id": row["conversation"].customer_id,
            "split": row["split"], "messages_sha": row["sha"],
        }
        for place, row in enumerate(rows, start=1)
    ]  # fmt: skip
    db.execute(insert(DatasetRow), lineage)
    audit.record(
        db,
        by,
        "built",
        "dataset_version",
        version.id,
        f"Built {version.name} {version.number}: {len(rows):,} rows as {version.format}.",
        at=at,
    )


def _card(definition: Definition, version: DatasetVersion, rows: list[dict[str, Any]], refused: Counter[str]) -> str:
    """What a trainer should know before using it, in Markdown."""
    opened = sorted(row["conversation"].opened_at for row in rows)
    labels = Counter(row["label"] or "(no intent)" for row in rows)
    told = [
        f"# {definition.name} {version.number}",
        f"{len(rows):,} reviewed conversations from {opened[0]:%Y-%m-%d} to {opened[-1]:%Y-%m-%d}, as {version.format}.",
        f"Content SHA-256: {version.sha}",
        "## How it was chosen",
        f"Reviews with the verdict {' or '.join(definition.verdicts)}; intents: {', '.join(definition.intents) or 'all'}; "
        f"channels: {', '.join(definition.channels) or 'all'}; at most {definition.most_per_customer} rows a customer.",
        "Split by customer: no customer stands in two splits.",
        "## What was refused",
        _refusals_in_words(refused) or "Nothing.",
        "## Personal data",
        "Payment cards and e-mail addresses were replaced when the conversations came in, and looked for again in every row. Names and "
        "addresses are not looked for yet.",
        "## Intents",
        "\n".join(f"- {name}: {count:,}" for name, count in labels.most_common()),
    ]
    return "\n\n".join(told) + "\n"


def _refusals_in_words(refused: Counter[str]) -> str:
    return " ".join(f"{count:,} left out: {why}." for why, count in refused.most_common())


def _write(
    out: Path, definition: Definition, version: DatasetVersion, form: ModuleType, rows: list[dict[str, Any]], refused: Counter[str]
) -> dict[str, Path]:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(
            f"The folder {out} cannot be written to: {os.strerror(error.errno or 0).lower()}. Choose another with --out."
        ) from error
    stem = _stem(definition.name)
    files: dict[str, Path] = {}
    for split in ("train", "validation", "test"):
        chosen = [row for row in rows if row["split"] == split]
        for earlier in out.glob(f"{stem}-{split}.*"):
            earlier.unlink()  # an earlier build's file would be taken for this one's
        if chosen:
            files[split] = _write_whole(out / f"{stem}-{split}.{form.SUFFIX}", form.header() + "".join(map(form.line, chosen)))
    lineage = "".join(
        json.dumps(
            {"row": place, "split": row["split"], "review": row["review"].id, "conversation": row["conversation"].id, "sha": row["sha"]}
        )
        + "\n"
        for place, row in enumerate(rows, start=1)
    )
    files["lineage"] = _write_whole(out / f"{stem}-lineage.jsonl", lineage)
    files["card"] = _write_whole(out / f"{stem}-card.md", version.card)
    manifest = {
        "name": version.name, "number": version.number, "sha": version.sha, "format": version.format, "definition": version.recipe,
        "counts": version.counts, "refused": dict(refused), "files": {path.name: sealing.sha(path.read_bytes()) for path in files.values()},
    }  # fmt: skip
    files["manifest"] = _write_whole(out / f"{stem}-manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return files


def _write_whole(path: Path, text: str) -> Path:
    """The whole file or none: a reader never meets half of one."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    return path


def all_versions(*, by: Person) -> list[DatasetVersion]:
    """Newest first, within reach."""
    reach = access.require(by, "dataset.read")
    with store.reading() as db:
        builders = {person.id: person for person in db.exec(select(Person))}
        found = db.exec(select(DatasetVersion).order_by(col(DatasetVersion.id).desc())).all()
    return [one for one in found if _reaches(reach, by, one.by_person_id, builders.get(one.by_person_id or ""))]
