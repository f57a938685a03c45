"""What colleagues write themselves: what is personal is masked as at the door, their own names and the company's stay readable."""

from data import config, people
from language import redact


def masked(text: str) -> str:
    return redact.masked(text, keep=[*people.names().values(), *config.settings().company_names])
