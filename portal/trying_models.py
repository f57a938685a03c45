"""Pieces of the page Installation: which model does which job, another one tried, and its way to everybody."""

import pandas as pd
import streamlit as st

from data import access, approvals, connections, people, releases, versions
from data import models as known_models
from data.errors import Refused
from data.models import KIND, Model
from data.tables import Person, Release, Version
from data.values import Target
from evals import model_release, models
from evals.figures import Figures
from language.call import JOBS
from portal import acts, catalog, jobs, widgets

LATEST = 6  # candidates that are shown


def show(person: Person) -> None:
    st.subheader("Models", anchor=False)
    st.caption("A model changes by one way alone: tried on the cases, approved by a second person, then step by step.")
    job = st.segmented_control(
        "Job", JOBS, default=JOBS[0], required=True, key="installation_models", format_func=str.capitalize, label_visibility="collapsed"
    )
    live = models.in_force(job, by=person)
    if live is None:
        st.caption("No model has answered for it yet. 'Try it' under the model endpoint asks each model once.")
        return
    in_force(job, live, person)
    if access.may(person, "model.make"):
        try_another(job, live, person)
    for version in models.candidates_of(job, by=person)[:LATEST]:
        candidate(version, person)


def in_force(job: str, live: Model, person: Person) -> None:
    release = releases.live(KIND, job)
    since = f", since {widgets.day(release.started_at)}" if release else ""
    st.markdown(f":material/verified: **{widgets.plain(live.name)}** at {widgets.plain(live.url)} {models.WHAT[job]}{since}.")
    lately = models.lately(job, by=person)
    calls = f"{lately.calls:,} {'call' if lately.calls == 1 else 'calls'}"
    st.caption(f"In the last 28 days {calls}: {lately}." if lately.calls else "In the last 28 days it was not asked.")


# -- another one --------------------------------------------------------------------------------------------------------------------------


def try_another(job: str, live: Model, person: Person) -> None:
    endpoint = connections.endpoint()
    places = list(dict.fromkeys([live.url, *([endpoint.url] if endpoint else []), *connections.addresses()]))
    with (
        st.expander("Try a new model", icon=":material/science:"),
        st.form(f"installation_model_{job}", enter_to_submit=False, border=False),
    ):
        row = st.columns([3, 3])
        name = row[0].text_input("Model", placeholder="as its endpoint calls it", key=f"installation_model_name_{job}")
        url = row[1].selectbox("Asked at", places, key=f"installation_model_url_{job}", help="Others are proposed below first.")
        row = st.columns([3, 3])
        paid = [
            row[place].number_input(f"Price of a million tokens {way}", 0.0, 100_000.0, None, key=f"installation_model_{way}_{job}")
            for place, way in enumerate(("in", "out"))
        ]
        prices = (float(paid[0]), float(paid[1])) if paid[0] is not None and paid[1] is not None else None
        why = st.text_input("Why", placeholder="It is said to be as good at half the price", key=f"installation_model_why_{job}")
        st.caption("It runs every eval set that uses the model in force, beside it. That costs what two runs of them cost.")
        if st.form_submit_button("Try it on the cases", icon=":material/play_arrow:"):
            acts.attempt(
                lambda: begin(versions.target_of(models.make(job, name or "", why=why or "", url=url, prices=prices, by=person)), person),
                done="It is tried in the background.",
            )
            st.rerun()


def begin(target: Target, person: Person) -> None:
    told = {"name": target.name, "number": target.number}
    jobs.start("try_model", told, title=f"Try a model for '{target.name}'", by=person)


# -- each of them -------------------------------------------------------------------------------------------------------------------------


def candidate(version: Version, person: Person) -> None:
    target, model = versions.target_of(version), known_models.of(versions.target_of(version))
    live, under_way = releases.live(KIND, target.name), releases.under_way(KIND, target.name)
    with st.container(border=True, gap="xsmall"):
        row = st.columns([3.4, 2.2, 2], vertical_alignment="center")
        row[0].markdown(f"**{widgets.plain(model.name)}** · {target.number}")
        maker = people.names().get(version.by_person_id or "", "The portal")
        row[0].caption(
            f"{widgets.plain(maker)}, {widgets.when(version.at)}: {widgets.plain(version.manifest.get('why') or 'no reason was given')}"
        )
        went = next((one for one in releases.history(KIND, target.name)[::-1] if releases.target_of(one) == target), None)
        if live and releases.target_of(live) == target:
            row[1].badge("In force", icon=":material/verified:", color="green")
        elif under_way and releases.target_of(under_way) == target:
            row[1].badge(where(under_way), icon=":material/moving:", color="violet")
            with row[2]:
                on_its_way(under_way, person)
        elif waits(target, person):
            row[1].badge("Waits for approval", icon=":material/how_to_vote:", color="violet")
        elif went:
            row[1].caption(f"was in force from {widgets.day(went.started_at)} · {widgets.plain(went.ended_why)}")
            with row[2]:
                go_back(target, model, person)
        else:
            row[1].badge("Candidate", color="gray")
            evidence(target, person)


def where(release: Release) -> str:
    return "Asked beside the one in force" if release.stage == "shadow" else f"Answers for {release.percent} %"


def waits(target: Target, person: Person) -> bool:
    theirs = target.columns().items()
    return any(one.kind == "ship_model" and theirs <= one.payload.items() for one in approvals.waiting(by=person))


def evidence(target: Target, person: Person) -> None:
    """Quality, cost and latency, old beside new, with the verdict; or what is missing to tell."""
    job = widgets.newest_job("try_model", by=person, arguments={"name": target.name, "number": target.number})
    if job and job.state != "done":
        widgets.follow(job, by=person)
    try:
        found = models.evidence(target, known=catalog.graders_for(person), by=person, uses=catalog.model_uses(target.name))
    except Refused as not_yet:
        st.caption(widgets.plain(str(not_yet)))
        again(target, person, busy=job is not None and job.state in ("waiting", "running"))
        return
    if not (found.on_sets or found.judging):
        st.caption(widgets.plain(found.decision.sentence))
        again(target, person, busy=job is not None and job.state in ("waiting", "running"))
        return
    table(found)
    for one in found.on_sets:
        st.markdown(f"{widgets.plain(one.eval_set.name)}: {widgets.plain(one.comparison.sentence)}")
        st.page_link(
            "screens/runs.py", label="Case by case", icon=":material/arrow_forward:", query_params={"comparison": one.comparison.id}
        )
    if found.judging:
        st.markdown(f"As a judge, by what people said of the same outputs: {widgets.plain(found.judging['sentence'])}")
    if found.decision.is_open or found.for_a_trial:
        propose(target, found, person)
    else:
        st.markdown(f":orange[:material/block:] It cannot be proposed: {widgets.plain(found.decision.sentence)}")
        again(target, person, busy=job is not None and job.state in ("waiting", "running"))


def again(target: Target, person: Person, *, busy: bool) -> None:
    if access.may(person, "model.make") and st.button(
        "Try it on the cases", key=f"installation_try_{target.name}_{target.number}", icon=":material/play_arrow:", disabled=busy
    ):
        acts.attempt(lambda: begin(target, person), done="It is tried in the background.")
        st.rerun()


def table(found: models.Evidence) -> None:
    rows: list[tuple[str, ...]] = [("What", found.model.name, f"{found.live.name}, in force")]
    rows += [
        (f"Passes of '{one.eval_set.name}'", f"{one.run.passed:,} of {one.run.cases:,}", f"{one.before.passed:,} of {one.before.cases:,}")
        for one in found.on_sets
    ]
    if found.judging:
        of = found.judging["cases"]
        rows.append(("Agrees with people", f"{found.judging['agreed']:,} of {of:,}", f"{found.judging['before']:,} of {of:,}"))
    rows.append(("1,000 calls cost", *(money(one) for one in (found.figures, found.figures_before))))
    rows.append(("Half of the calls take", *(f"{one.p50:,.0f} ms" for one in (found.figures, found.figures_before))))
    rows.append(("95 of 100 take", *(f"{one.p95:,.0f} ms" for one in (found.figures, found.figures_before))))
    st.dataframe(pd.DataFrame(rows[1:], columns=list(rows[0])), hide_index=True)


def money(figures: Figures) -> str:
    return f"{figures.of_a_thousand:,.2f}" if figures.cost else "no price is known"


def propose(target: Target, found: models.Evidence, person: Person) -> None:
    if not access.may(person, "model.propose"):
        return
    if not found.decision.is_open:
        told = f"It can be proposed for a trial beside the one in force. {widgets.plain(found.decision.sentence)}"
        st.markdown(f":blue[:material/experiment:] {told}")
    key = f"{target.name}_{target.number}"
    why = st.text_input("Why it should do the job", key=f"installation_propose_why_{key}", placeholder="The approver reads this first")
    if st.button("Propose it", key=f"installation_propose_{key}", icon=":material/how_to_vote:"):
        known, uses = catalog.graders_for(person), catalog.model_uses(target.name)
        acts.attempt(
            lambda: models.propose(target, why=why, known=known, by=person, uses=uses),
            done="Proposed. A lead, an engineer or an admin decides.",
        )
        st.rerun()


def on_its_way(release: Release, person: Person) -> None:
    """How far it is and what the next step asks; on, or stopped, by hand."""
    known, uses = catalog.graders_for(person), catalog.model_uses(release.target_name)
    with st.popover("How it does", icon=":material/moving:"):
        found = model_release.progress_of(release, known=known, by=person, uses=uses)
        st.markdown(widgets.plain(" ".join([found.sentence, *found.asks])))
        st.caption(
            f"{found.seen:,} calls were asked of both, of every second call at most. What the new one says beside is shown to nobody."
        )
        why = st.text_input("Why", key=f"installation_step_why_{release.id}", placeholder="It stands beside the release afterwards")
        if access.may(person, "model.approve") and st.button("Take the next step", key=f"installation_step_{release.id}"):
            acts.attempt(lambda: model_release.advance(release.id, why=why, known=known, by=person, uses=uses), done="It goes on.")
            st.rerun()
        if access.may(person, "model.roll_back") and st.button("Stop it", key=f"installation_stop_{release.id}"):
            acts.attempt(lambda: model_release.stop(release.id, why=why, by=person), done="Stopped. The one in force does the job alone.")
            st.rerun()


def go_back(target: Target, model: Model, person: Person) -> None:
    if not access.may(person, "model.roll_back"):
        return
    with st.popover("Go back to it", icon=":material/undo:"):
        key = f"{target.name}_{target.number}"
        why = st.text_input("Why", key=f"installation_back_why_{key}")
        if st.button("Go back", key=f"installation_back_{key}", type="primary"):
            acts.attempt(lambda: models.roll_back(target, why=why, by=person), done=f"{model.name} does '{target.name}' again.")
            st.rerun()


# -- another address ----------------------------------------------------------------------------------------------------------------------


def another_address(person: Person) -> None:
    """What is tried elsewhere needs its address and key approved first, as the endpoint did."""
    if not access.may(person, "connection.propose"):
        return
    with (
        st.expander("Propose another address to try models at"),
        st.form("installation_address", enter_to_submit=False, border=False),
    ):
        row = st.columns(2)
        url = row[0].text_input("Address", placeholder="https://other.example/v1", key="installation_address_url")
        key = row[1].text_input("Key", type="password", key="installation_address_key")
        why = st.text_input("Why", placeholder="The approver reads it first", key="installation_address_why")
        if st.form_submit_button("Propose it"):
            acts.attempt(
                lambda: connections.propose_address(url or "", key or "", why=why or "", by=person), done="Proposed. An admin decides."
            )
            st.rerun()
