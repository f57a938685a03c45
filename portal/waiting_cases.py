"""What waits to enter an eval set: what was flagged for it, typed, or brought in a file, until the set is frozen."""

import streamlit as st

from data import access, examples, people
from data.measures import percent
from data.tables import CaseChange, EvalSet, Example, Person, SetVersion
from evals import changes, files, freezing
from evals.cases import NewCase, Read
from evals.files import lines, safe_yaml
from portal import acts, casing, catalog, widgets

LINES = 50


def count(eval_set: EvalSet) -> int:
    return examples.loose_count(eval_set.id) + changes.waiting_count(eval_set.id)


def waiting(eval_set: EvalSet, newest: SetVersion | None, *, person: Person) -> None:
    who = people.names()
    with st.container(horizontal=True):
        if access.may(person, "case.add"):
            with st.popover("Type a case", icon=":material/edit_note:"):
                type_one(eval_set, person)
            with st.popover("Bring a file of cases", icon=":material/upload_file:"):
                bring_cases(eval_set, person)
    if count(eval_set):
        alike(eval_set, person)
    changed, flagged = changes.waiting(eval_set.id, by=person, most=LINES), examples.waiting(eval_set.id, by=person, most=LINES)
    for change in changed:
        line_of_change(change, who, person)
    if more := changes.waiting_count(eval_set.id) - len(changed):
        st.caption(f"{more:,} more wait to be added, changed or taken out.")
    for one in flagged:
        line_of_flag(one, who)
    if more := examples.loose_count(eval_set.id) - len(flagged):
        elsewhere = "here or in other teams" if len(flagged) == LINES else "in other teams"
        st.caption(f"{more:,} more {'was' if more == 1 else 'were'} flagged {elsewhere}.")
    if newest and not count(eval_set):
        what_next(newest)
    elif not changed and not flagged:
        st.caption("What is flagged for this set on Review waits here, and what is typed or brought, until the set is frozen.")


def what_next(newest: SetVersion) -> None:
    """Nothing waits: what was frozen is there to be run on."""
    st.markdown(
        f"Nothing waits: everything is in version {newest.number}. Run something on it, and Results shows how many cases it passes."
    )
    st.button(
        "To Results", key="eval_sets_to_results", icon=":material/arrow_forward:",
        on_click=lambda: st.session_state.update({"eval_sets_show": "results"}),
    )  # fmt: skip
    st.caption("What is flagged for this set on Review waits here, and what is typed or brought, until the set is frozen again.")


def alike(eval_set: EvalSet, person: Person) -> None:
    """The same question twice counts twice."""
    found = freezing.before_freezing(eval_set.id, by=person)
    if not found:
        return
    with st.expander(
        f"{len(found):,} {'says' if len(found) == 1 else 'say'} nearly the same as another",
        icon=":material/content_copy:",
        expanded=len(found) < 4,
    ):
        for near in found[:20]:
            st.markdown(
                f"{percent(near.share)} alike: *{widgets.plain(near.new_text[:120])}*  \nand *{widgets.plain(near.known_text[:120])}*"
            )


def line_of_flag(one: Example, who: dict[str, str]) -> None:
    by_whom, opening = widgets.plain(who.get(one.by_person_id or "", "Somebody")), casing.opening(one.messages)
    st.markdown(
        f":material/flag: Flagged as {one.kind} by {by_whom}: {widgets.plain(one.why)} :gray[· {widgets.when(one.at)}]  \n"
        f":gray[{widgets.plain(opening)}]"
    )


def line_of_change(change: CaseChange, who: dict[str, str], person: Person) -> None:
    words = {"add": "Will be added", "change": "Will be changed", "retire": "Will be taken out"}[change.change]
    opening = casing.opening(change.case["input"]["messages"]) if change.case else ""
    row, way = st.columns([6, 1], vertical_alignment="center")
    by_whom = widgets.plain(who.get(change.by_person_id or "", "The console"))
    row.markdown(f":material/edit_note: {words}, by {by_whom}: {widgets.plain(change.why)}  \n:gray[{widgets.plain(opening)}]")
    if (change.by_person_id == person.id or access.may(person, "case.change")) and way.button(
        "Take back", key=f"change_back_{change.id}", type="tertiary"
    ):
        acts.attempt(lambda: changes.take_back(change.id, by=person), done="Taken back.")
        st.rerun()


def type_one(eval_set: EvalSet, person: Person) -> None:
    typed = st.session_state.get("eval_sets_typed", 0)  # counted, so that the next one begins with empty fields
    wrote = st.text_area("The customer writes", key=f"case_new_text_{typed}", height=68)
    expected, graders = casing.expectation(f"new_{typed}", {}, (), eval_set.purpose, eval_set.about)
    why = st.text_input("Why it is a good test", key=f"case_new_why_{typed}")
    if st.button("Add it", key="case_new"):
        new = NewCase(({"role": "customer", "text": wrote or ""},), expected, graders, why=why or "typed")
        if acts.attempt(
            lambda: changes.add(eval_set.id, [new], known=catalog.graders_for(person), by=person),
            done="Added. It is in the set once it is frozen.",
        ):
            st.session_state["eval_sets_typed"] = typed + 1
        st.rerun()


def bring_cases(eval_set: EvalSet, person: Person) -> None:
    st.caption(f"Inspect (JSONL), promptfoo (YAML, at most {safe_yaml.LARGEST // 1_000_000} MB) or OpenAI evals (JSONL).")
    brought = st.file_uploader(
        "The file", type=["jsonl", "yaml", "yml", "json"], key="eval_sets_file", label_visibility="collapsed",
        max_upload_size=lines.LARGEST // 1_000_000,
    )  # fmt: skip
    if brought is None:
        return
    name = files.guess(brought.name, brought.getvalue())
    if name is None:
        st.warning("This is none of the three.", icon=":material/help:")
        return
    kept: list[Read] = []
    if acts.attempt(lambda: kept.append(files.READERS[name](brought.getvalue()))):
        read = kept[0]
        st.markdown(f"{len(read.cases):,} {'case' if len(read.cases) == 1 else 'cases'}, as {name} writes them.")
        for lost in read.lost[:10]:
            st.caption(f"Not kept: {widgets.plain(lost)}")
        for number, why in read.refused[:10]:
            st.caption(f"Line {number}: {widgets.plain(why)}")
        if read.cases and st.button(f"Add {len(read.cases):,}", key="eval_sets_add_file"):
            acts.attempt(
                lambda: changes.add(eval_set.id, read.cases, known=catalog.graders_for(person), by=person, why=f"from {brought.name[:80]}"),
                done=lambda made: f"Added {len(made):,}. They are in the set once it is frozen.",
            )
            st.rerun()
    acts.show_notice()
