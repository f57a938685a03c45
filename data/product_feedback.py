"""Product feedback: a fault of the product that customers keep writing about, written up once, handed to a product team, and followed until
the product has changed. Its conversations are found again each time; what they show is in feedback_evidence.py."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from data import access, audit, feedback_evidence, labels, notes, store, webhooks
from data.errors import Refused
from data.masking import masked
from data.tables import Pattern, Person, ProductFeedback, ProductFeedbackSent, ProductFeedbackStep
from data.trends import Slice
from data.values import now

NOTED, HANDED_OVER, ACCEPTED, BUILDING, CHANGED, DECLINED = "noted", "handed_over", "accepted", "building", "changed", "declined"
STATES = {  # in words
    NOTED: "Noted", HANDED_OVER: "Handed over", ACCEPTED: "Accepted", BUILDING: "Being built", CHANGED: "Product changed",
    DECLINED: "Declined",
}  # fmt: skip
ANSWERS = (ACCEPTED, BUILDING, CHANGED, DECLINED)  # what a product team says to it
OPEN = (NOTED, HANDED_OVER, ACCEPTED, BUILDING)
LONGEST_TITLE, LONGEST, LONGEST_NAME = 120, 2_000, 80
FEWEST_SAMPLES, MOST_SAMPLES, CHOSEN = 3, 10, 5
GONE = "there is no such product feedback here."


@dataclass(frozen=True)
class About:
    """An intent, a pattern, a search, or an intent and words that narrow it down."""

    label_id: str | None = None
    pattern_id: str | None = None
    words: str = ""


# -- read ---------------------------------------------------------------------------------------------------------------------------------


def all_of(*, by: Person, states: Collection[str] = ()) -> list[ProductFeedback]:
    """Within reach, the newest first: the own team's, and everybody's."""
    reach = access.require(by, "feedback.read")
    query = select(ProductFeedback).where(col(ProductFeedback.taken_back_at).is_(None))
    query = query.where(access.within(reach, by, col(ProductFeedback.team_id)))
    if states:
        query = query.where(col(ProductFeedback.state).in_(states))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(ProductFeedback.at).desc(), col(ProductFeedback.id).desc())))


def get(feedback_id: str, *, by: Person) -> ProductFeedback | None:
    reach = access.require(by, "feedback.read")
    query = select(ProductFeedback).where(ProductFeedback.id == feedback_id, col(ProductFeedback.taken_back_at).is_(None))
    with store.reading() as db:
        return db.exec(query.where(access.within(reach, by, col(ProductFeedback.team_id)))).first()


def steps(feedback_id: str, *, by: Person) -> list[ProductFeedbackStep]:
    """Where it stood, the oldest first."""
    if get(feedback_id, by=by) is None:
        return []
    with store.reading() as db:
        query = select(ProductFeedbackStep).where(ProductFeedbackStep.feedback_id == feedback_id)
        return list(db.exec(query.order_by(col(ProductFeedbackStep.at), col(ProductFeedbackStep.id))))


def sent(feedback_id: str, *, by: Person) -> list[ProductFeedbackSent]:
    """Which webhooks it was sent to, the newest first."""
    if get(feedback_id, by=by) is None:
        return []
    with store.reading() as db:
        query = select(ProductFeedbackSent).where(ProductFeedbackSent.feedback_id == feedback_id)
        return list(db.exec(query.order_by(col(ProductFeedbackSent.id).desc())))


def teams(*, by: Person) -> list[str]:
    """Product teams that were handed something before, by name."""
    return sorted({one.product_team for one in all_of(by=by) if one.product_team}, key=str.lower)


def places(*, by: Person) -> list[str]:
    """Webhooks that one may be handed over to, by name."""
    access.require(by, "feedback.hand_over")
    with store.reading() as db:
        return webhooks.names(db)


def words_of(about: About | ProductFeedback) -> str:
    """The search that finds its conversations."""
    name = labels.names().get(about.label_id or "", "").replace('"', " ")
    return " ".join(filter(None, (f'intent:"{name}"' if name else "", about.words)))


def about_pattern(pattern: Pattern) -> About:
    """Once it is an intent, that; else its most telling phrase, which whoever writes it up may word better."""
    if pattern.label_id:
        return About(pattern.label_id, pattern.id)
    phrase = (pattern.phrases or [pattern.name])[0].replace('"', " ")
    return About(pattern_id=pattern.id, words=f'"{phrase}"')


def pattern(pattern_id: str | None, *, by: Person) -> Pattern | None:
    """That it began with, for whoever may see patterns."""
    if not pattern_id or not access.may(by, "pattern.read"):
        return None
    with store.reading() as db:
        return db.get(Pattern, pattern_id)


# -- write --------------------------------------------------------------------------------------------------------------------------------


def write(
    title: str, text: str, about: About, *, by: Person, wish: str = "", sample_ids: Sequence[str] = (), at: datetime | None = None
) -> ProductFeedback:
    """Who may write for the own team only writes for that. Without samples the newest conversations are some."""
    team_id = None
    if access.require(by, "feedback.write") != access.ALL:
        team_id = by.team_id
        if team_id is None:
            raise Refused("Not written: you write for your own team, and you are in none. An admin can put you into one.")
    title, text, wish = _worded(title, text, wish, "written")
    words = _searched(about, "written", by)
    samples = _samples(words, sample_ids or feedback_evidence.newest(words, CHOSEN, by=by, at=at), "written", by)
    with store.writing() as db:
        made = ProductFeedback(
            title=title, text=text, wish=wish, label_id=about.label_id, pattern_id=about.pattern_id, words=about.words.strip(),
            sample_ids=samples, team_id=team_id, at=at or now(), by_person_id=access.whose(by),
        )  # fmt: skip
        db.add(made)
        db.flush()
        _keep_step(db, made, "Written up.", feedback_evidence.today(at), by, at)
        audit.record(db, by, "wrote", "feedback", made.id, f"Wrote up for a product team: {made.title}", after={"search": words}, at=at)
        return made


def change(
    feedback_id: str, *, by: Person, title: str | None = None, text: str | None = None, wish: str | None = None,
    sample_ids: Sequence[str] | None = None, at: datetime | None = None,
) -> ProductFeedback:  # fmt: skip
    """What it is about stays: another fault is another feedback."""
    with store.writing() as db:
        made = _theirs(db, feedback_id, "feedback.write", "changed", by)
        given = (made.title if title is None else title, made.text if text is None else text, made.wish if wish is None else wish)
        after: dict[str, Any] = dict(zip(("title", "text", "wish"), _worded(*given, "changed"), strict=True))
        if sample_ids is not None:
            after["sample_ids"] = _samples(words_of(made), sample_ids, "changed", by)
        before = {name: getattr(made, name) for name in after}
        if after == before:
            return made
        for name, value in after.items():
            setattr(made, name, value)
        db.add(made)
        told = f"Changed the product feedback '{made.title}'."
        audit.record(db, by, "changed", "feedback", made.id, told, before=before, after=after, at=at)
        return made


def hand_over(
    feedback_id: str, product_team: str, sentence: str, *, by: Person, webhook: str = "", document: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> ProductFeedback:  # fmt: skip
    """To a product team, by name; and to an approved webhook, if one is named, which is sent the document as it is now."""
    to, said = " ".join(masked(product_team).split()), _sentence(sentence, "handed over")
    with store.writing() as db:
        made = _theirs(db, feedback_id, "feedback.hand_over", "handed over", by)
        if not 1 <= len(to) <= LONGEST_NAME:
            raise Refused(f"Not handed over: name the product team, in 1 to {LONGEST_NAME} characters.")
        if webhook and (webhook not in webhooks.in_force(db) or document is None):
            raise Refused(f"Not handed over: there is no webhook '{webhook}'. Choose one that was approved, or none.")
        made.state, made.product_team, made.changed_on = HANDED_OVER, to, None
        db.add(made)
        _keep_step(db, made, said, feedback_evidence.today(at), by, at)
        if webhook:
            out = ProductFeedbackSent(feedback_id=made.id, receiver=webhook, document=dict(document or {}), at=at or now())
            out.by_person_id = access.whose(by)
            db.add(out)
        by_hook = f", and sent it to the webhook {webhook}" if webhook else ""
        audit.record(db, by, "handed over", "feedback", made.id, f"Handed '{made.title}' to {to}{by_hook}.", at=at)
        return made


def step(
    feedback_id: str, state: str, sentence: str, *, by: Person, day: date | None = None, at: datetime | None = None
) -> ProductFeedback:  # fmt: skip
    """What became of it, since a day. Once the product has changed, the days before and since are compared, and whoever may write on the
    timeline marks it there."""
    when, said = day or feedback_evidence.today(at), _sentence(sentence, "changed")
    with store.writing() as db:
        made = _theirs(db, feedback_id, "feedback.write", "changed", by)
        if state not in ANSWERS:
            raise Refused(f"Nothing was changed: there is no status '{state}'. Choose from {', '.join(ANSWERS)}.")
        if made.state == NOTED and state != CHANGED:
            raise Refused("Nothing was changed: no product team knows of it yet. Hand it over first.")
        if not 0 <= (feedback_evidence.today(at) - when).days < 3_660:
            raise Refused(f"Nothing was changed: {when:%d %B %Y} is not a day of the past. Say it once it has come.")
        made.state, made.changed_on = state, when if state == CHANGED else None
        db.add(made)
        _keep_step(db, made, said, when, by, at)
        audit.record(db, by, "changed", "feedback", made.id, f"'{made.title}': {STATES[state].lower()} since {when.isoformat()}.", at=at)
        if state == CHANGED:
            _mark(made, when, by, at)
        return made


def take_back(feedback_id: str, *, by: Person, at: datetime | None = None) -> ProductFeedback:
    """It leaves the list; the audit keeps it. What was sent is not called back. Done twice it is done once."""
    with store.writing() as db:
        made = _theirs(db, feedback_id, "feedback.write", "taken back", by, gone_too=True)
        if made.taken_back_at:
            return made
        made.taken_back_at = at or now()
        db.add(made)
        audit.record(db, by, "took back", "feedback", made.id, f"Took back the product feedback '{made.title}'.", at=at)
        return made


# -- what is checked ----------------------------------------------------------------------------------------------------------------------


def _theirs(db: Session, feedback_id: str, verb: str, done: str, by: Person, *, gone_too: bool = False) -> ProductFeedback:
    made = db.get(ProductFeedback, feedback_id, populate_existing=True)
    access.require(by, verb, team_id=made.team_id if made else None)
    if made is None or (made.taken_back_at and not gone_too):
        raise Refused(f"Nothing was {done}: {GONE}")
    return made


def _worded(title: str, text: str, wish: str, done: str) -> tuple[str, str, str]:
    title, text, wish = " ".join(masked(title).split()), masked(text).strip(), masked(wish).strip()
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise Refused(f"Not {done}: a title has 1 to {LONGEST_TITLE} characters, this one has {len(title):,}.")
    if not text:
        raise Refused(f"Not {done}: say in a sentence or two what customers run into. A product manager reads it first.")
    if (longest := max(len(text), len(wish))) > LONGEST:
        raise Refused(f"Not {done}: a text has at most {LONGEST:,} characters, this one has {longest:,}.")
    return title, text, wish


def _sentence(sentence: str, done: str) -> str:
    said = " ".join(masked(sentence).split())
    if not 1 <= len(said) <= LONGEST:
        raise Refused(f"Nothing was {done}: say it in a sentence. It stands beside the status.")
    return said


def _searched(about: About, done: str, by: Person) -> str:
    if about.label_id and about.label_id not in labels.names():
        raise Refused(f"Not {done}: there is no such intent. Choose one, or find the conversations by words.")
    if about.pattern_id and pattern(about.pattern_id, by=by) is None:
        raise Refused(f"Not {done}: there is no such pattern any more. Find the conversations by words.")
    return feedback_evidence.checked(words_of(about))


def _samples(words: str, wanted: Sequence[str], done: str, by: Person) -> list[str]:
    """Each of them shows what it is about."""
    found = feedback_evidence.fitting(words, wanted, by=by)
    if others := len(set(wanted)) - len(found):
        raise Refused(f"Not {done}: {others:,} of the samples {'is' if others == 1 else 'are'} not among its conversations. Choose others.")
    if not FEWEST_SAMPLES <= len(found) <= MOST_SAMPLES:
        raise Refused(
            f"Not {done}: {FEWEST_SAMPLES} to {MOST_SAMPLES} conversations show what it is about, and here are {len(found):,}. "
            "Choose others, or search for other words."
        )
    return found


def _keep_step(db: Session, made: ProductFeedback, sentence: str, day: date, by: Person, at: datetime | None) -> None:
    made_step = ProductFeedbackStep(
        feedback_id=made.id, state=made.state, day=day, sentence=sentence, product_team=made.product_team, at=at or now(),
        by_person_id=access.whose(by),
    )  # fmt: skip
    db.add(made_step)


def _mark(made: ProductFeedback, day: date, by: Person, at: datetime | None) -> None:
    reach = access.reach(by, "note.write")
    if reach is None or (reach != access.ALL and by.team_id is None):
        return
    moment = feedback_evidence.noon(day, at)
    told = f"The product has changed: {made.title}"
    of = Slice(intent=made.label_id, team_id=made.team_id)
    notes.write(told, by=by, happened_at=moment, of=of, page=f"product_feedback?feedback={made.id}", at=at)
