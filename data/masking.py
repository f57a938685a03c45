"""What colleagues write themselves: what is personal is masked as at the door, their own names and the company's stay readable."""

from sqlmodel import select

from data import config, store
from data.tables import Person
from language import redact


def masked(text: str) -> str:
    if not text.strip():
        return text
    with store.reading() as db:
        names = db.exec(select(Person.name)).all()
    return redact.masked(text, keep=[*names, *config.settings().company_names])
