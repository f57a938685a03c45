"""My work, notes: what a lead and somebody of the team write to each other. The two read it, and nobody else."""

import streamlit as st

from data import coaching_notes, people
from data.tables import CoachingNote, Person
from portal import acts, coaching_words
from portal.widgets import plain


def show(person: Person) -> None:
    """All of one's own, by the other one."""
    threads: dict[str, list[CoachingNote]] = {}
    for one in coaching_notes.of(by=person):
        threads.setdefault(one.lead_id if one.person_id == person.id else one.person_id, []).append(one)
    if not threads:
        st.info("Nobody has written to you about your work. What a lead writes here you two alone read.", icon=":material/lock:")
    names = people.names()
    for other, notes in sorted(threads.items(), key=lambda thread: thread[1][0].at, reverse=True):
        with st.container(border=True):
            st.markdown(f":material/lock: **You and {plain(names.get(other, 'Somebody'))}** :gray[· nobody else reads this]")
            thread(notes, names, person)


def thread(notes: list[CoachingNote], names: dict[str, str], person: Person) -> None:
    """The oldest first, then the answer."""
    for one in reversed(notes):
        left, right = st.columns([6, 1], vertical_alignment="top")
        with left:
            coaching_words.note(one, names, by=person)
        if one.by_person_id == person.id:
            with right:
                take_back(one, person)
    newest = notes[0]
    with st.form(f"notes_answer_{newest.id}", border=False, clear_on_submit=True):
        said = st.text_area("Answer", key=f"notes_said_{newest.id}", height=80, max_chars=coaching_notes.LONGEST)
        if st.form_submit_button("Send", icon=":material/send:"):
            acts.attempt(lambda: coaching_notes.answer(newest.id, said, by=person), done="Sent.")
            st.rerun()


def take_back(one: CoachingNote, person: Person) -> None:
    if st.button("Take back", key=f"notes_back_{one.id}", type="tertiary", help="Its words are gone, also for the other one."):
        acts.attempt(lambda: coaching_notes.take_back(one.id, by=person), done="Taken back.")
        st.rerun()
