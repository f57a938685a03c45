"""Team, coaching: where somebody's work differs by more than chance, exercises that were set, notes. No order, no marks."""

import streamlit as st

from data import coaching, coaching_notes, exercises, people
from data.coaching import Finding, Found
from data.tables import CoachingNote, Person
from data.values import now
from portal import acts, coaching_words, my_notes, widgets
from portal.widgets import plain


def show(person: Person) -> None:
    found = coaching.of_team(by=person)
    st.markdown(plain(_headline(found)))
    if found.compared:
        _how(found)
    for place, one in enumerate(found.findings):
        _finding(place, one, person)
    _exercises(person)
    _notes(person)


def _how(found: Found) -> None:
    st.caption(
        f"{found.people} people, {found.compared} comparisons, conversations since {widgets.day(found.since)}. Each is compared with the "
        "others on the same intents. Of twenty teams in which all are alike, at most one has somebody here by chance. Whoever does not "
        "differ is not listed.",
        help="Reviews by somebody else than who answered, and customers' ratings. Fewer than "
        f"{coaching.FEWEST} of a person's conversations tell nothing. `portal bench coaching` prints how often it is wrong.",
    )  # fmt: skip


def _headline(found: Found) -> str:
    if not found.compared:
        return f"Too little to compare yet: it takes {coaching.FEWEST_PEOPLE} people with {coaching.FEWEST} reviewed conversations each."
    if not found.findings:
        return "Nobody's work differs from the team's by more than chance."
    told = [f"{one.name} ({one.criterion.title.rstrip('?')})" for one in found.findings]
    return f"More than chance apart from the team: {', '.join(told)}. Read the conversations before you speak."


def _finding(place: int, one: Finding, person: Person) -> None:
    key = f"{one.person_id}_{place}"
    with st.container(border=True, key=f"coaching_{key}"):
        badge = ":green-badge[:material/lightbulb: Could show how]" if one.above else ":orange-badge[:material/school: Could practise]"
        st.markdown(f"**{plain(one.name)}** · {plain(one.criterion.title)} {badge}")
        coaching_words.finding(one, f"{one.name}'s", by=person)
        with st.container(horizontal=True, gap="small"):
            with st.popover("Set an exercise", icon=":material/school:", width="content"):
                set_exercise(person, one.person_id, key, about=one)
            with st.popover("Write a note", icon=":material/lock:", width="content"):
                write_note(person, one.person_id, one.name, key, about=one)


# -- exercises ----------------------------------------------------------------------------------------------------------------------------


def set_exercise(person: Person, colleague_id: str, key: str, *, about: Finding | None = None) -> None:
    kind = st.radio("Exercise", list(exercises.KINDS), format_func=exercises.KINDS.__getitem__, key=f"coaching_kind_{key}")
    left = exercises.possible(colleague_id, kind, by=person)
    if left < exercises.FEWEST:
        st.caption(f"{left} gold examples are left for them, {exercises.FEWEST} are needed. Propose more on Calibration.")
        return
    most = (
        st.slider("Conversations", exercises.FEWEST, min(exercises.MOST, left), min(5, left), key=f"coaching_most_{key}") if left > 3 else 3
    )
    why = st.text_input("What it is for", key=f"coaching_why_{key}", placeholder="They read this first", max_chars=exercises.LONGEST_WHY)
    due = st.date_input("Until", None, min_value=now().date(), key=f"coaching_due_{key}")
    if st.button("Set it", type="primary", icon=":material/school:", key=f"coaching_set_{key}"):
        acts.attempt(
            lambda: exercises.assign(
                colleague_id, kind, why=why, by=person, criterion=about.criterion.title if about else "",
                first=about.label_ids if about else (), most=most, due_on=due,
            ),
            done=lambda made: f"Set: {len(made.example_ids)} conversations. They find it in their inbox and on My work.",
        )  # fmt: skip
        st.rerun()


def _exercises(person: Person) -> None:
    given = exercises.set_for_team(by=person)
    if not given:
        return
    st.subheader("Exercises", anchor=False)
    for one in given:
        left, right = st.columns([6, 1], vertical_alignment="center")
        mark = ":green[:material/check_circle:]" if one.done else ":material/school:"
        far = plain(coaching_words.progress(one, lead=True))
        left.markdown(f"{mark} **{plain(exercises.KINDS[one.exercise.kind])}** :gray[{far}]  \n{plain(one.exercise.why)}")
        if not one.done and right.button("Take back", key=f"coaching_back_{one.exercise.id}", type="tertiary"):
            _take_back(one.exercise.id, person)


def _take_back(exercise_id: str, person: Person) -> None:
    acts.attempt(lambda: exercises.take_back(exercise_id, by=person), done="Taken back. What was answered is kept.")
    st.rerun()


# -- notes --------------------------------------------------------------------------------------------------------------------------------


def write_note(person: Person, colleague_id: str, name: str, key: str, *, about: Finding | None = None) -> None:
    st.caption(f"{plain(name)} and you read it. Nobody else does: no other lead, no engineer, no admin.")
    said = st.text_area("Your note", key=f"coaching_said_{key}", height=120, max_chars=coaching_notes.LONGEST)
    if st.button("Send it", type="primary", icon=":material/send:", key=f"coaching_send_{key}"):
        acts.attempt(
            lambda: coaching_notes.write(
                colleague_id, said, by=person, criterion=about.criterion.title if about else "",
                conversation_ids=about.conversation_ids if about else (),
            ),
            done=f"Sent to {name}.",
        )  # fmt: skip
        st.rerun()


def _notes(person: Person) -> None:
    st.subheader("Notes", anchor=False)
    names, threads = people.names(), _threads(person)
    for other, notes in threads.items():
        with st.expander(f"You and {plain(names.get(other, 'Somebody'))}: {len(notes)}", icon=":material/lock:"):
            my_notes.thread(notes, names, person)
    colleagues = coaching.colleagues(by=person)
    if not colleagues:
        return
    with st.popover("Write to somebody, or set an exercise", icon=":material/edit:"):
        chosen = st.selectbox(
            "Whom",
            list(colleagues),
            index=None,
            format_func=colleagues.__getitem__,
            placeholder="A colleague of your team",
            key="coaching_whom",
        )
        if chosen:
            note, exercise = st.tabs(["Note", "Exercise"])
            with note:
                write_note(person, chosen, colleagues[chosen], chosen)
            with exercise:
                set_exercise(person, chosen, chosen)


def _threads(person: Person) -> dict[str, list[CoachingNote]]:
    found: dict[str, list[CoachingNote]] = {}
    for one in coaching_notes.of(by=person):
        if one.lead_id == person.id:
            found.setdefault(one.person_id, []).append(one)
    return found
