"""The classifiers there are: each answers one question, with one of its labels, with any number of them, or with yes or no."""

from datetime import datetime

from sqlmodel import col, select

from classifiers import labels
from classifiers.labels import ANSWERS
from classifiers.labels import YES_NO as YES_NO
from data import access, audit, store
from data.errors import Refused
from data.labels import INTENT
from data.masking import masked
from data.tables import Classifier, Person
from data.values import now

ONE, SEVERAL = "one", "several"
KINDS = {
    ONE: "one of its labels: what is it about?",
    SEVERAL: "any number of its labels: which of these come up?",
    YES_NO: "yes or no: is it a complaint?",
}
SAYS = {ONE: "one of them", SEVERAL: "any number of them", YES_NO: "yes or no"}
INTENTS = Classifier(name=INTENT, kind=ONE, asks="What does the customer want?")  # there from the beginning, without a row


def add(name: str, kind: str, asks: str, *, by: Person, at: datetime | None = None) -> Classifier:
    """Nothing is answered by it until it was taught, trained, approved and released."""
    access.require(by, "classifier.add")
    called = masked(name.strip().replace("\0", ""))
    if not 0 < len(called) <= 60 or "@" in called or "/" in called:
        raise Refused("Not added: a classifier has a name of 1 to 60 characters, without @ and /.")
    if kind not in KINDS:
        raise Refused(f"Not added: a classifier answers with {', '.join(KINDS.values())}")
    if not asks.strip() or len(asks) > 200:
        raise Refused("Not added: say in 1 to 200 characters what it asks of each conversation. Whoever teaches it goes by that.")
    with store.writing() as db:
        store.one_at_a_time(db, "classifiers")
        if any(called.lower() == one.name.lower() for one in (INTENTS, *db.exec(select(Classifier)))):
            raise Refused(f"Not added: there is a classifier '{called}' already. Choose another name.")
        made = Classifier(name=called, kind=kind, asks=masked(asks.strip().replace("\0", "")), by_person_id=by.id, at=at or now())
        db.add(made)
        db.flush()
        audit.record(db, by, "added", "classifier", made.id, f"Added the classifier '{made.name}': {made.asks}", at=at)
        if kind == YES_NO:
            for answer in ANSWERS:
                labels.add(answer, by=by, classifier_name=made.name, draft=True, at=at)
        return made


def in_use(*, by: Person) -> list[Classifier]:
    """The one for intents first, then by name."""
    access.require(by, "classifier.read")
    with store.reading() as db:
        found = db.exec(select(Classifier).where(col(Classifier.retired_at).is_(None))).all()
    return [INTENTS, *sorted(found, key=lambda one: one.name.lower())]


def names() -> list[str]:
    """Of those that look at what comes in."""
    with store.reading() as db:
        return [INTENT, *db.exec(select(Classifier.name).where(col(Classifier.retired_at).is_(None)).order_by(Classifier.name))]


def of(name: str) -> Classifier:
    if name == INTENT:
        return INTENTS
    with store.reading() as db:
        found = db.exec(select(Classifier).where(Classifier.name == name)).first()
    if found is None or found.retired_at is not None:
        raise Refused(f"There is no classifier '{name[:60]}'. The page Classifiers names those there are.")
    return found
