"""What a review asks beside its verdict, on a sample; and on how many conversations a second person looks. Leads set both."""

from datetime import datetime

from pydantic import BaseModel, ValidationError, field_validator

from data import access, settings, store
from data.errors import Refused
from data.tables import Person

NAME = "rubric"
ANSWERS = ("yes", "no", "unsure")
MOST = 4  # each has a key of its own, 1 to 4


class Item(BaseModel):
    name: str
    question: str

    @field_validator("name", "question")
    @classmethod
    def has_words(cls, told: str) -> str:
        if not told.strip() or len(told) > 120:
            raise ValueError("1 to 120 characters")
        return told.strip()


class Rubric(BaseModel):
    """One number of it; number 0 is what a new portal asks."""

    items: list[Item] = [
        Item(name="solved", question="Was it solved?"),
        Item(name="polite", question="Was it polite?"),
        Item(name="clear", question="Was it clear?"),
        Item(name="consistent", question="As we tell everybody?"),
    ]
    share: float = 0.2  # of the conversations that are reviewed
    double: float = 0.0  # of the conversations are looked at by several people, each without the others' word
    reviewers: int = 2
    number: int = 0

    def asks(self, conversation_id: str) -> bool:
        """Whether this conversation is in the sample. The same one always is, whoever looks."""
        return bool(self.items) and _drawn(conversation_id, "rubric") < self.share

    def doubles(self, conversation_id: str) -> bool:
        return _drawn(conversation_id, "double") < self.double

    def wants(self, conversation_id: str) -> int:
        """How many people should look."""
        return self.reviewers if self.doubles(conversation_id) else 1


def _drawn(conversation_id: str, what: str) -> float:
    """From 0 to 1, by the random end of its id."""
    tail = conversation_id.replace("-", "")[-8:]
    try:
        drawn = int(tail, 16)
    except ValueError:  # an id of another kind
        drawn = sum(map(ord, tail)) * 2654435761
    return ((drawn * (2654435761 if what == "rubric" else 2246822519)) & 0xFFFFFFFF) / 2**32


def current() -> Rubric:
    with store.reading() as db:
        found = settings.latest(db, NAME)
    return Rubric.model_validate(found.value | {"number": found.number}) if found else Rubric()


def questions() -> dict[int, dict[str, str]]:
    """Of each number the questions by their names: marks count together where they answer the same words."""
    first = {item.name: item.question for item in Rubric().items}
    return {0: first} | {row.number: {item["name"]: item["question"] for item in row.value["items"]} for row in settings.history(NAME)}


def change(items: list[tuple[str, str]], *, share: float, double: float, reviewers: int, by: Person, at: datetime | None = None) -> Rubric:
    """The next number. Marks that were given before keep the questions they answered."""
    access.require(by, "rubric.change")
    if len(items) > MOST:
        raise Refused(f"Not changed: a review may ask {MOST} questions, these are {len(items)}. More are answered by nobody.")
    if not (0 <= share <= 1 and 0 <= double <= 1 and 2 <= reviewers <= 5):
        raise Refused("Not changed: the shares lie between 0 and 100 %, and 2 to 5 people look at what is reviewed more than once.")
    try:
        made = Rubric(
            items=[Item(name=name, question=question) for name, question in items], share=share, double=double, reviewers=reviewers
        )
    except ValidationError as error:
        raise Refused("Not changed: every question needs a name and words, each of 1 to 120 characters.") from error
    if len({item.name.casefold() for item in made.items}) < len(made.items):
        raise Refused("Not changed: two questions have the same name.")
    with store.writing() as db:
        store.one_at_a_time(db, f"setting {NAME}")
        row = settings.put(db, NAME, made.model_dump(exclude={"number"}), by=by, at=at)
        return made.model_copy(update={"number": row.number})


def checked(said: dict[str, str] | None, rubric: Rubric) -> dict[str, object] | None:
    """Marks as they are kept, with the number of the rubric they answer; None where nothing was answered."""
    if not said:
        return None
    names = {item.name for item in rubric.items}
    for name, answer in said.items():
        if name not in names:
            raise Refused(f"Not saved: reviews no longer ask for '{name[:40]}'. Load the page again.")
        if answer not in ANSWERS:
            raise Refused("Not saved: each question is answered by yes, no or not sure.")
    return {"number": rubric.number, "said": dict(said)}
