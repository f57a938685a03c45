"""The demo's coaching: what a lead saw, wrote and set, and what the two answered. It is read by them alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from data import calibration, coaching, coaching_notes, exercises, store
from data.coaching import Finding
from data.tables import Example, Exercise, Person

LED_BY, UNCLEAR, PRACTISES = "Lena Hoffmann", "Dario Rossi", "Alma Berger"
ABOUT = "Was it clear?"
NOTE = (
    "I read these three. All that the customer needs is there, but the date comes last. Could you begin with what happens next, and when?"
)
REPLY = "Fair. I write them as I look things up. I will put the date into the first line and tell you on Friday how it went."
TO_PRACTISE = "You know our tools best. See which of these could have been answered at once, had we built or written something."

TALK = "I asked you to say of five what was missing. Tell me where you saw it otherwise; I would like to talk it over with you."


def coach(staff: Mapping[str, Person], *, until: datetime) -> None:
    lena, dario, alma = (staff[name] for name in (LED_BY, UNCLEAR, PRACTISES))
    findings = coaching.of_team(by=lena, at=until).findings
    found = next((one for one in findings if (one.person_id, one.criterion.title) == (dario.id, ABOUT)), None)
    _write(lena, dario, found, until - timedelta(days=3))
    why = "Look at what the customer knows after each answer, and what is still open."
    begun = exercises.assign(
        dario.id, "judging", why=why, criterion=ABOUT, first=found.label_ids if found else (), most=6, by=lena,
        due_on=(until + timedelta(days=4)).date(), at=until - timedelta(days=3, hours=-1),
    )  # fmt: skip
    _answer(begun, dario, 2, until - timedelta(hours=22))
    exercises.assign(alma.id, "gaps", why=TO_PRACTISE, most=5, by=lena, at=until - timedelta(days=1, hours=2))
    coaching_notes.write(alma.id, TALK, by=lena, at=until - timedelta(days=1, hours=1))


def _write(lena: Person, dario: Person, found: Finding | None, at: datetime) -> None:
    shown = found.conversation_ids if found else []
    note = coaching_notes.write(dario.id, NOTE, criterion=ABOUT, conversation_ids=shown, by=lena, at=at)
    coaching_notes.answer(note.id, REPLY, by=dario, at=at + timedelta(hours=5))


def _answer(exercise: Exercise, by: Person, many: int, at: datetime) -> None:
    """The first of it, the very first one right."""
    with store.reading() as db:
        asked = [db.get_one(Example, made) for made in exercise.example_ids[:many]]
    for place, example in enumerate(asked):
        verdict, moment = "none" if place else example.kind, at + timedelta(minutes=2 * place)
        calibration.answer(example.id, verdict, example.label_id, missing=example.missing, seconds=40.0, by=by, at=moment)
