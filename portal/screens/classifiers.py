"""Classifiers: train a candidate, compare it with what is live, propose it."""

import pandas as pd
import streamlit as st

from classifiers import KIND, shipping
from classifiers.labels import add as add_label
from data import access, approvals, labels, people, releases, reviews, versions
from data.errors import Refused
from data.measures import percent
from data.values import Target
from evals import compare, scores, sets
from portal import acts, cached, jobs, talk, widgets

person = st.session_state["person"]
NAME = labels.INTENT
who = people.names()

widgets.page(
    "Classifiers", "The intent classifier learns what customers want from reviewed conversations. A second person decides what goes live."
)

made = versions.all_of(KIND, NAME)
live = releases.live(KIND, NAME)
proposed = {proposal.payload["target_number"] for proposal in approvals.waiting(by=person) if proposal.kind == "ship_classifier"}
training_job = widgets.newest_job("train", by=person)

top = st.columns(3, border=True)
with top[0]:
    st.metric("Live", f"Version {live.target_number}" if live else "Nothing yet", icon=":material/verified:")
    if live:
        st.caption(f"since {widgets.exact(live.started_at)}")
with top[1]:
    weeks = [week for week in cached.weekly(person) if week.agreement.n]
    st.metric("Agrees with people", percent(weeks[-1].agreement.value) if weeks else "–", icon=":material/handshake:")
    st.caption(
        f"in conversations of the latest week · {weeks[-1].agreement}"
        if weeks
        else "Counted once it is live and conversations are reviewed."
    )
with top[2]:
    st.metric("Reviewed with an intent", f"{reviews.labelled_count():,}", icon=":material/rate_review:")
    st.caption("This is what a candidate learns from; eval cases are left out.")


known_labels = labels.of(NAME)
with st.expander(f"Intents: {len(known_labels)}", expanded=not known_labels, icon=":material/label:"):
    st.markdown("What a customer can want. Reviewers choose among these, and the classifier learns to.")
    if known_labels:
        st.dataframe(
            pd.DataFrame({"Intent": [one.name for one in known_labels], "What it means": [one.description for one in known_labels]}),
            hide_index=True,
            height=min(38 * (len(known_labels) + 1), 300),
            column_config={"What it means": st.column_config.TextColumn(width="large")},
        )
    if access.may(person, "label.add"):
        with st.form("classifiers_label", clear_on_submit=False, enter_to_submit=False, border=False):
            row = st.columns([1, 2])
            label_name = row[0].text_input("New intent", placeholder="Where is my order")
            meaning = row[1].text_input("What it means", placeholder="The customer wants to know where a parcel is")
            if st.form_submit_button("Add the intent", icon=":material/add:"):
                acts.attempt(lambda: add_label(label_name, by=person, description=meaning), done=f"Added '{label_name}'.")
                st.rerun()
    elif not known_labels:
        st.caption("A lead or an engineer adds them.")

busy = training_job is not None and training_job.state in ("waiting", "running")
if access.may(person, "classifier.train") and st.button(
    "Train a candidate", type="primary", icon=":material/model_training:", disabled=busy
):
    acts.attempt(lambda: jobs.start("train", {"name": NAME}, title="Train a candidate", by=person))
    st.rerun()
if training_job:
    widgets.follow(training_job, by=person)

if not made:
    st.info(
        "No classifier was trained yet. Review some conversations with their intent, then train the first candidate.",
        icon=":material/category:",
    )
    st.stop()


def show_changes(evidence: shipping.Evidence) -> None:
    """The cases behind the verdict: what the candidate breaks and what it fixes."""
    if evidence.comparison is None:
        return
    fixed, broken = compare.changed_cases(evidence.comparison)
    cases = {case.id: case for case in sets.cases(evidence.version.id)}
    said = scores.by_case(evidence.run.id)
    for words, ids in (("Broken", broken), ("Fixed", fixed)):
        if ids:
            with st.expander(f"{words}: {len(ids)} cases"):
                for case_id in ids:
                    st.text(f"{' '.join(sets.text_of(cases[case_id]).split())[:300]}")
                    st.caption(
                        f"Expected: {widgets.plain(cases[case_id].expected['label'])}. The candidate {widgets.plain(said[case_id].why)}."
                    )
    with st.expander("How we know"):
        st.text(evidence.comparison.how or "It was compared before the method was kept beside it.")
    asked = {"comparison": evidence.comparison.id}
    st.page_link("screens/runs.py", label="Case by case", icon=":material/arrow_forward:", query_params=asked)


def candidate_card(target: Target, manifest: dict) -> None:
    st.subheader(f"Candidate {target.number}", anchor=False)
    version = next(one for one in made if one.target_number == target.number)
    answered = manifest.get("answered") or 0.0
    st.markdown(
        f"Right in **{shipping.accuracy_of(version)}** of reviewed conversations of customers it had not learned from. It learned from "
        f"{manifest['rows']:,} and speaks in {percent(answered)} of cases; in the rest it is not sure enough and keeps silent."
    )
    if manifest.get("left_out_labels"):
        st.caption(f"Too rare to learn: {widgets.plain(', '.join(manifest['left_out_labels']))}.")
    job = widgets.newest_job("evaluate", by=person, arguments={"name": NAME, "number": target.number})
    try:
        evidence = shipping.evidence(target, by=person)
    except Refused as not_yet:
        st.caption(widgets.plain(str(not_yet)))
        evidence = None
    comparing = job is not None and job.state in ("waiting", "running")
    may_run = access.may(person, "eval.run")
    if (
        evidence is None
        and may_run
        and st.button("Compare with what is live", icon=":material/compare_arrows:", disabled=comparing, type="primary")
    ):
        acts.attempt(lambda: start_comparing(target))
        st.rerun()
    if job and (comparing or job.state == "failed"):
        widgets.follow(job, by=person)
    if evidence is not None:
        kind = evidence.comparison.verdict if evidence.comparison else ""
        show = {"better": st.success, "worse": st.error}.get(kind, st.info)
        show(widgets.plain(evidence.sentence), icon=":material/compare_arrows:")
        show_changes(evidence)
        propose_form(target, evidence)
    with st.popover("Discuss this candidate", icon=":material/chat_bubble:"):
        talk.show("version", version.id, by=person)


def start_comparing(target: Target) -> object:
    arguments = {"name": target.name, "number": target.number}
    return jobs.start("evaluate", arguments, title=f"Compare candidate {target.number} with what is live", by=person)


def propose_form(target: Target, evidence: shipping.Evidence) -> None:
    if target.number in proposed:
        st.markdown(":violet-badge[:material/how_to_vote: Waits for approval]")
        st.page_link("screens/approvals.py", label="See the proposal", icon=":material/arrow_forward:")
        return
    if reason := evidence.stops():
        st.markdown(f":orange[:material/block:] It cannot be proposed: {widgets.plain(reason)}")
        return
    with st.form(f"classifiers_propose_{target.number}"):
        why = st.text_input("Why it should go live", placeholder="The approver reads this first")
        if st.form_submit_button("Propose it", icon=":material/how_to_vote:", type="primary"):
            acts.attempt(lambda: shipping.propose(target, why=why, by=person), done="Proposed. A lead or an engineer decides.")
            st.rerun()


newest = made[0]
if not live or newest.target_number != live.target_number:
    with st.container(border=True):
        candidate_card(versions.target_of(newest), newest.manifest)

st.subheader("All versions", anchor=False)
went_live = {release.target_number: release for release in releases.history(KIND, NAME)}
for version in made:
    release = went_live.get(version.target_number)
    row = st.columns([1.2, 3.4, 3, 1.6], vertical_alignment="center")
    row[0].markdown(f"**Version {version.target_number}**")
    row[1].caption(
        f"{widgets.plain(who.get(version.by_person_id or '', 'Somebody'))}, {widgets.when(version.at)} · "
        f"{version.manifest['rows']:,} conversations · right in {shipping.accuracy_of(version)}"
    )
    stage = shipping.stage_of(version, live, proposed)
    if stage == "live":
        row[2].badge("Live", icon=":material/verified:", color="green")
    elif stage == "waits for approval":
        row[2].badge("Waits for approval", icon=":material/how_to_vote:", color="violet")
    elif release:
        row[2].caption(f"was live from {widgets.day(release.started_at)} · {widgets.plain(release.ended_why)}")
    else:
        row[2].badge("Candidate", color="gray")
    if release and stage != "live" and access.may(person, "classifier.roll_back"):
        with row[3].popover("Roll back", icon=":material/undo:"):
            st.markdown(f"Version {version.target_number} answers again for every new conversation, at once.")
            why = st.text_input("Why", key=f"classifiers_back_why_{version.target_number}")
            if st.button("Roll back to it", key=f"classifiers_back_{version.target_number}", type="primary"):
                target = versions.target_of(version)
                if acts.attempt(lambda target=target, why=why: shipping.roll_back(target, why=why, by=person), done="Rolled back."):
                    cached.forget()
                st.rerun()
