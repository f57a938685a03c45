"""Finds what may be an example of a label: by a search, by likeness, where the machine is unsure, by a rule. A person decides."""

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, String, and_, cast
from sqlmodel import Session, col, select

from classifiers import KIND, kinds, taught
from data import access, conversations, encoding, examples, labels, releases, reviews, search, store, vectors, versions
from data.errors import Refused
from data.measures import percent
from data.tables import Conversation, Example, Label, Person, Prediction
from data.values import LIVE, now
from language import words
from language.encoder import Encodes

MOST = 40  # are suggested at once
LOOKED_AT = timedelta(days=90)
NEWEST = 20_000  # conversations of those days
OWN = 200  # of a label's examples are compared with, the newest
ENCODED_AT_ONCE = 100  # texts without a vector, while somebody waits; the others stay for the night
CLOSE = 0.2  # between the two likeliest labels
LONGEST, MOST_WORDS = 100, 30  # characters of a word or phrase of a rule, and how many it may name
READ = 500  # conversations in one question

Likeness = NDArray[np.float32]
Why = tuple[str, str]  # a conversation, and why it is shown


@dataclass(frozen=True)
class Suggested:
    conversation_id: str
    text: str
    channel: str
    opened_at: datetime
    why: str


@dataclass(frozen=True)
class Found:
    ones: list[Suggested]
    sentence: str  # what was looked at, and what came of it
    why: str  # stands in each example that is accepted of them

    @property
    def shown(self) -> list[Why]:
        """To be read again later, when one may have been hidden."""
        return [(one.conversation_id, one.why) for one in self.ones]


# -- by a search --------------------------------------------------------------------------------------------------------------------------


def by_search(label_id: str, asked: str, *, by: Person, most: int = MOST, without: Collection[str] = ()) -> Found:
    """In the language of the Conversations page, the newest first."""
    mine = _mine(by)
    terms = search.parse(asked)
    if not terms:
        raise Refused("Not searched: type a word that they hold, or a field such as channel:chat.")
    with store.reading() as db:
        label, taken = _about(db, label_id, without)
        query, order = search.with_words(select(col(Conversation.id)), terms)
        for condition in (*mine, ~_is_named(label), *search.conditions(db, terms)):
            query = query.where(condition)
        rows = db.exec(query.order_by(order.desc()).limit(most + len(taken)))  # type: ignore[call-overload]
        chosen = [made for made in rows if made not in taken][:most]
    spoken = [term.words for term in terms if term.words and not term.negated]
    ones = read([(made, "") for made in chosen], by=by)
    told = [Suggested(one.conversation_id, one.text, one.channel, one.opened_at, _why_found(spoken, one.text)) for one in ones]
    sentence = f"The newest {len(told)} that fit." if len(told) == most else f"{len(told)} that fit, the newest first."
    sentence = sentence if told else "Nothing that fits is left: take a word away, or try another."
    return Found(told, sentence, f"It is about '{label.name}'; found by a search for: {asked.strip()}")


def _why_found(spoken: Sequence[tuple[str, ...]], text: str) -> str:
    said = _said(text)
    held = [" ".join(one) for one in spoken if f" {' '.join(one)}" in said]  # the last word of a term may go on: refun*
    return f"holds {_listed(held)}" if held else "fits the search further on" if spoken else "fits the search"


# -- by likeness --------------------------------------------------------------------------------------------------------------------------


def like(
    label_id: str, conversation_ids: Sequence[str] | None = None, *, by: Person, most: int = MOST, without: Collection[str] = (),
    at: datetime | None = None,
) -> Found:  # fmt: skip
    """The nearest to these conversations, or to the label's own examples where none is named; the most alike first."""
    mine = _mine(by)
    with store.reading() as db:
        label, taken = _about(db, label_id, without)
        own = conversations.reachable(conversation_ids, by=by) if conversation_ids else _own(db, label)
        if conversation_ids and not own:
            raise Refused("Nothing was compared: there is no such conversation within your reach.")
        compared_with = [text for text in _texts(db, own).values() if text.strip()]
        came = [made for made, is_named in _came(db, label, mine, at) if not is_named and made not in taken]
        texts = {made: text for made, text in _texts(db, came).items() if text.strip()} if compared_with else {}
    if not compared_with:
        return Found([], _nothing_to_compare(label, conversation_ids), "")
    ids, said, likeness, beside = _compared(list(texts), list(texts.values()), compared_with)
    best = np.argsort(-likeness, kind="stable")[:most]
    started = set(conversation_ids or ())
    whys = [
        (ids[place], "the one that you started from" if ids[place] in started else f"{percent(min(1, float(likeness[place])))} alike")
        for place in best if likeness[place] > 0
    ]  # fmt: skip
    what = "that conversation" if conversation_ids else f"the {len(own):,} {'example' if len(own) == 1 else 'examples'} there are"
    told = f"The most alike of {len(said):,} conversations of the last {LOOKED_AT.days} days, compared with {what}. {beside}".strip()
    near = f"alike to conversation {own[0]}" if conversation_ids else "alike to its examples"
    return Found(read(whys, by=by), told, f"It is about '{label.name}'; found {near}.")


def _nothing_to_compare(label: Label, conversation_ids: Sequence[str] | None) -> str:
    if conversation_ids:
        return "The customer wrote nothing there that could be compared."
    return f"'{label.name}' has no example yet to compare with. Find the first by a search or a rule."


def _own(db: Session, label: Label) -> list[str]:
    """What the label is taught by. What is kept for testing has no say in what is gathered: it would find its like."""
    if label.classifier_name != labels.INTENT:
        said = taught.of_classifier(db, label.classifier_name)
        found = [one.conversation_id for one in said if one.use == "train" and label.id in one.label_ids]
    else:
        accepted = select(Example.conversation_id).where(Example.label_id == label.id, Example.use == "train")
        found = list(db.exec(accepted.order_by(col(Example.id).desc()).limit(OWN)))
        named = select(Conversation.id).where(
            Conversation.reviewed, Conversation.intent_id == label.id, col(Conversation.hidden_at).is_(None)
        )
        found += list(db.exec(named.order_by(col(Conversation.place).desc()).limit(OWN)))
    tested = examples.tested_conversations(db)
    return [made for made in dict.fromkeys(found) if made not in tested][:OWN]


def _compared(ids: list[str], texts: list[str], own: Sequence[str]) -> tuple[list[str], list[str], Likeness, str]:
    """How alike each is, of those that could be compared, and what is to be said beside it."""
    encoder = encoding.in_force()
    if encoder is None or encoder.is_fallback:
        return ids, texts, _by_words(texts, own), "No encoder is installed, so they are compared by their words alone."
    there = _with_vectors(texts, encoder)
    chosen = [place for place, text in enumerate(texts) if text in there]
    ids, said = [ids[place] for place in chosen], [texts[place] for place in chosen]
    beside = f"{len(texts) - len(said):,} more have no vector yet; the night computes them." if len(said) < len(texts) else ""
    if not said:
        return ids, said, np.zeros(0, np.float32), beside
    return ids, said, _nearness(vectors.of(said, encoder) @ vectors.of(own, encoder).T), beside


def _with_vectors(texts: Sequence[str], encoder: Encodes) -> set[str]:
    with store.reading() as db:
        new = vectors.missing(db, texts, encoder.name)
    vectors.kept(new[:ENCODED_AT_ONCE], encoder)
    return set(texts) - set(new[ENCODED_AT_ONCE:])


def _nearness(rows: NDArray[Any]) -> Likeness:
    """To the nearest few of the label's examples: where they are of two matters, the middle of all is near to neither.

    Banking77, 12 examples of two matters: of 40 suggested so 87 % belong, by the middle 63 %; of one matter 79 % and 78 %.
    """
    few = max(1, min(3, rows.shape[1] // 4))
    nearest: Likeness = np.partition(rows, -few, axis=1)[:, -few:].mean(axis=1).astype(np.float32)
    return nearest


def _by_words(texts: Sequence[str], own: Sequence[str]) -> Likeness:
    from sklearn.feature_extraction.text import TfidfVectorizer  # heavy: the web process starts without it

    counted = TfidfVectorizer(tokenizer=words.of, token_pattern=None, lowercase=False, sublinear_tf=True, dtype=np.float32)
    try:
        rows = counted.fit_transform([*texts, *own])
    except ValueError:  # not a word in all of them
        return np.zeros(len(texts), np.float32)
    return _nearness((rows[: len(texts)] @ rows[len(texts) :].T).toarray()) if texts else np.zeros(0, np.float32)


# -- where the machine is unsure ----------------------------------------------------------------------------------------------------------


def unsure(label_id: str, *, by: Person, most: int = MOST, without: Collection[str] = (), at: datetime | None = None) -> Found:
    """Where the live version wavered with this label among the likeliest, or leant to it and kept silent; the likeliest first."""
    mine = _mine(by)
    with store.reading() as db:
        label, taken = _about(db, label_id, without)
    live = releases.live(KIND, label.classifier_name)
    if live is None:
        return Found([], "Nothing is live yet that could be unsure. Find examples by a search or a rule, then train.", "")
    target = releases.target_of(live)
    told_of = versions.get(target).manifest
    if label.id not in told_of["label_ids"]:
        return Found([], f"The live version does not know '{label.name}' yet: it can be unsure of it once it has learned it.", "")
    query = (
        select(Prediction.conversation_id, Prediction.label_id, Prediction.top)
        .join(Conversation, col(Conversation.id) == col(Prediction.conversation_id))
        .where(
            Prediction.mode == LIVE, Prediction.target_kind == target.kind, Prediction.target_name == target.name,
            Prediction.target_number == target.number, cast(col(Prediction.top), String).contains(label.id), *mine, ~_is_named(label),
            Conversation.opened_at > (at or now()) - LOOKED_AT,
        ).order_by(col(Conversation.place).desc()).limit(NEWEST)
    )  # fmt: skip
    with store.reading() as db:
        said = [row for row in db.exec(query) if row[0] not in taken]
    names = labels.names()
    bar = (told_of.get("thresholds") or {}).get(label.id)
    found = (_doubt(label, names, *one) if bar is None else _near_its_bar(label, bar, one[0], one[2]) for one in said)
    doubts = sorted(filter(None, found), key=lambda doubt: doubt[0])
    seen = (doubt for doubt in doubts if not reviews.is_blind(doubt[1], by=by))  # what the machine said would stand beside it
    ones = read([(made, why) for _, made, why in itertools.islice(seen, most)], by=by)
    if not ones:
        return Found([], f"Version {target.number} was sure wherever it thought of '{label.name}'.", "")
    first = "likeliest" if bar is None else "closest"
    told = f"Version {target.number} wavered in {len(doubts):,} conversations of the last {LOOKED_AT.days} days. The {first} first."
    return Found(ones, told, f"It is about '{label.name}'; found where version {target.number} was unsure.")


def _doubt(
    label: Label, names: dict[str, str], conversation_id: str, said: str | None, top: Sequence[Any]
) -> tuple[float, str, str] | None:
    """What orders it, the conversation, and the doubt in words; None where there is none."""
    ids, shares = [one for one, _ in top[:3]], [float(share) for _, share in top[:3]]
    apart = shares[0] - (shares[1] if len(shares) > 1 else 0.0)
    if said is None and ids[0] == label.id:
        return -shares[0], conversation_id, f"kept silent, {percent(shares[0])} for '{label.name}'"
    if apart > CLOSE or label.id not in ids:
        return None
    its = shares[ids.index(label.id)]
    told = f"between '{names.get(ids[0], '?')}' and '{names.get(ids[1], '?')}'"
    return -its, conversation_id, told if label.id in ids[:2] else f"{told}, then '{label.name}'"


def _near_its_bar(label: Label, bar: float, conversation_id: str, top: Sequence[Any]) -> tuple[float, str, str] | None:
    """Where several labels may be said each is judged apart: how close it comes to the share from which on it is said."""
    share = next((float(share) for one, share in top if one == label.id), None)
    if share is None or (bar <= 1 and abs(share - bar) > CLOSE):
        return None
    if bar > 1:  # of what is never said the likeliest are told first
        return -share, conversation_id, f"{percent(share)} for '{label.name}', which is never said yet"
    said = "said" if share >= bar else "not said"
    return abs(share - bar), conversation_id, f"{said}: {percent(share)} for '{label.name}', which is said from {percent(bar)} on"


# -- by a rule ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """Words and phrases that a text holds or does not; small and large letters, signs and accents make no difference."""

    all_of: tuple[str, ...]
    any_of: tuple[str, ...]
    none_of: tuple[str, ...]

    @property
    def sentence(self) -> str:
        parts = [f"holds {_listed(self.all_of)}"] if self.all_of else []
        parts += [f"holds {_listed(self.any_of, 'or')}"] if self.any_of else []
        parts += [f"does not hold {_listed(self.none_of, 'or')}"] if self.none_of else []
        return ", and ".join(parts)

    def held(self, text: str) -> list[str] | None:
        """Which of its words the text holds; None: it does not fit."""
        said = _said(text)
        every, some = ([one for one in asked if f" {one} " in said] for asked in (self.all_of, self.any_of))
        fits = len(every) == len(self.all_of) and (some or not self.any_of) and not any(f" {one} " in said for one in self.none_of)
        return [*every, *some] if fits else None


def rule(all_of: Iterable[str] = (), any_of: Iterable[str] = (), none_of: Iterable[str] = ()) -> Rule:
    made = Rule(*(tuple(dict.fromkeys(_word(one) for one in asked if one.strip())) for asked in (all_of, any_of, none_of)))
    named = len(made.all_of) + len(made.any_of) + len(made.none_of)
    if not (made.all_of or made.any_of):
        raise Refused("Nothing was looked for: name a word or phrase that they hold.")
    if named > MOST_WORDS:
        raise Refused(f"Nothing was looked for: a rule may name {MOST_WORDS} words and phrases, this one names {named}.")
    return made


def _word(typed: str) -> str:
    if len(typed) > LONGEST:
        raise Refused(f"Nothing was looked for: a phrase may have {LONGEST} characters, one of these has {len(typed):,}.")
    if not (told := " ".join(words.of(typed.encode("utf-8", "ignore").decode()))):
        raise Refused(f"Nothing was looked for: '{typed.strip()}' holds no word.")
    return told


def by_rule(
    label_id: str, all_of: Iterable[str] = (), any_of: Iterable[str] = (), none_of: Iterable[str] = (), *, by: Person, most: int = MOST,
    without: Collection[str] = (), at: datetime | None = None,
) -> Found:  # fmt: skip
    """What the customer wrote holds all of these, one of those and none of the last; the newest first."""
    mine, asked = _mine(by), rule(all_of, any_of, none_of)
    with store.reading() as db:
        label, taken = _about(db, label_id, without)
        came = _came(db, label, mine, at)
        texts = _texts(db, [made for made, _ in came])
    fits = [(made, held, is_named) for made, is_named in came if (held := asked.held(texts[made])) is not None]
    still_open = [(made, f"holds {_listed(held)}") for made, held, is_named in fits if not is_named and made not in taken]
    told = f"{asked.sentence.capitalize()}: {len(fits):,} of the {len(came):,} conversations of the last {LOOKED_AT.days} days"
    told += f", {len(still_open):,} of them without a label yet." if fits else "."
    return Found(read(still_open[:most], by=by), told, f"It is about '{label.name}'; found by the rule: {asked.sentence}.")


# -- what all four share ------------------------------------------------------------------------------------------------------------------


def _mine(by: Person) -> tuple[ColumnElement[bool], ...]:
    reach = access.require(by, "conversation.read")
    return access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None)


def _about(db: Session, label_id: str, without: Collection[str]) -> tuple[Label, set[str]]:
    """The label, and what is not to be suggested for it: examples that it or a label beside it has, and every test."""
    label = db.get(Label, label_id)
    if label is None or label.retired_at is not None:
        raise Refused("Nothing was looked for: that label is no longer in use. Choose another.")
    return label, {*_has(db, label), *examples.tested_conversations(db), *without}


def _has(db: Session, label: Label) -> set[str]:
    """Of whom it is said already whether they belong to it."""
    if label.classifier_name == labels.INTENT:
        beside = select(Label.id).where(Label.classifier_name == labels.INTENT)
        return set(db.exec(select(Example.conversation_id).where(Example.use != "retired", col(Example.label_id).in_(beside))))
    said, several = taught.of_classifier(db, label.classifier_name), kinds.of(label.classifier_name).kind == kinds.SEVERAL
    return {one.conversation_id for one in said if not several or label.id in one.label_ids or not one.label_ids}


def _is_named(label: Label) -> ColumnElement[bool]:
    """A person gave it an intent in a review: another one, or this one and it is learned from already."""
    if label.classifier_name != labels.INTENT:
        return col(Conversation.id).is_(None)  # a review says nothing of other classifiers' labels
    return and_(col(Conversation.reviewed), col(Conversation.intent_id).is_not(None))


def _came(db: Session, label: Label, mine: Sequence[ColumnElement[bool]], at: datetime | None) -> list[tuple[str, bool]]:
    """What came in lately, the newest first, and whether a person named it."""
    moment = at or now()
    query = select(Conversation.id, _is_named(label)).where(
        Conversation.opened_at > moment - LOOKED_AT, Conversation.opened_at <= moment, *mine
    )
    return [(made, bool(is_named)) for made, is_named in db.exec(query.order_by(col(Conversation.opened_at).desc()).limit(NEWEST))]


def _texts(db: Session, conversation_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(conversation_ids), READ):
        some = conversations.texts(db, conversation_ids[start : start + READ])
        found |= {made: some[made][1] for made in conversation_ids[start : start + READ] if made in some}
    return found


def _said(text: str) -> str:
    return f" {' '.join(words.of(text))} "


def _listed(told: Sequence[str], joined: str = "and") -> str:
    quoted = [f"'{one}'" for one in told]
    return f" {joined} ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def read(shown: Sequence[Why], *, by: Person) -> list[Suggested]:
    """What was found, as it stands now: what was hidden since, or went out of reach, is left out."""
    mine = _mine(by)
    with store.reading() as db:
        query = select(Conversation).where(col(Conversation.id).in_([made for made, _ in shown]), *mine)
        there = {one.id: one for one in db.exec(query)}
        texts = _texts(db, list(there))
    return [
        Suggested(made, texts[made], there[made].channel, there[made].opened_at, why)
        for made, why in shown if made in there and texts[made].strip()
    ]  # fmt: skip
