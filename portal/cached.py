"""Answers that several reruns share. Each takes the person's reach into its key, and forgets within a minute."""

import streamlit as st

from data import measures, people
from data.measures import Week
from data.tables import Person


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def _weekly(person_id: str, reach_key: str, channel: str | None) -> list[Week]:
    person = people.get(person_id)
    return measures.weekly(by=person, channel=channel) if person else []


def weekly(by: Person, channel: str | None = None) -> list[Week]:
    return _weekly(by.id, f"{by.role} {by.team_id} {by.disabled_at}", channel)


def forget() -> None:
    """A review or a release was written: what counts them is stale."""
    _weekly.clear()
