"""Classifiers: train a candidate, compare it with what is live, propose it."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from classifiers import KIND, kinds, release, shipping
from classifiers.labels import add as add_label
from data import access, approvals, examples, labels, people, releases, reviews, versions
from data.errors import Refused
from data.measures import percent
from data.tables import Classifier, Label, Release, Version
from data.values import Target
from evals import compare, releasing, scores, sets
from portal import acts, cached, casing, copying, evidencing, jobs, talk, widgets

person = st.session_state["person"]
who = people.names()
FEW = 8  # labels that are told one by one


def choose() -> Classifier:
    """Which of them the page is about, as its address says."""
    known = {one.name: one for one in kinds.in_use(by=person)}
    asked = st.query_params.get("classifier", labels.INTENT)
    chosen = known.get(asked, kinds.INTENTS)
    told = "The intent classifier learns what customers want from reviewed conversations."
    if chosen is not kinds.INTENTS:
        told = f"{widgets.plain(chosen.asks)} It learns from the conversations that you accept as examples."
    widgets.page("Classifiers", f"{told} A second person decides what goes live.")
    if len(known) > 1:
        st.session_state["classifiers_which"] = chosen.name  # also where a button changed the address
        st.segmented_control(
            "Classifier", list(known), required=True, label_visibility="collapsed",
            format_func=lambda name: name.capitalize() if name == labels.INTENT else name, key="classifiers_which",
            on_change=lambda: st.query_params.update({"classifier": st.session_state["classifiers_which"]}),
        )  # fmt: skip
    return chosen


def begin_another() -> None:
    """A question of their own: with one answer, with several, or with yes and no."""
    if not access.may(person, "classifier.add"):
        return
    with st.expander("Begin another classifier", icon=":material/add_circle:"):
        st.markdown("For a question that intents do not answer: is it a complaint, which products come up, how urgent is it?")
        with st.form("classifiers_begin", clear_on_submit=False, enter_to_submit=False, border=False):
            row = st.columns([1, 2])
            name = row[0].text_input("Name", placeholder="Complaint", max_chars=60)
            asks = row[1].text_input("What it asks of each conversation", placeholder="Is the customer complaining?", max_chars=200)
            kind = st.radio("It answers with", list(kinds.KINDS), format_func=kinds.KINDS.__getitem__, index=2)
            if st.form_submit_button("Begin it", icon=":material/add:"):
                if acts.attempt(
                    lambda: kinds.add(name, kind, asks, by=person), done=lambda one: f"Begun. Now find examples for '{one.name}'."
                ):
                    st.query_params["classifier"] = name.strip()
                st.rerun()


chosen = choose()
NAME, IS_INTENT = chosen.name, chosen is kinds.INTENTS
made = versions.all_of(KIND, NAME)
live = releases.live(KIND, NAME)
proposed = {
    proposal.payload["target_number"]
    for proposal in approvals.waiting(by=person)
    if proposal.kind == "ship_classifier" and proposal.payload["target_name"] == NAME
}
training_job = widgets.newest_job("train", by=person, arguments={"name": NAME})


def watched() -> str:
    """As long as the one before looks at everything beside it."""
    force = releases.in_force(KIND, NAME)
    if force is None or force.before is None:
        return ""
    until = widgets.day(force.live.started_at + releases.WATCHED)
    before = force.before.target_number
    return f"; watched until {until}, {releases.HELD_OUT} % of customers stay with version {before}, which answers again if this one harms"


def figures() -> None:
    top = st.columns(3, border=True)
    with top[0]:
        st.metric("Live", f"Version {live.target_number}" if live else "None yet", icon=":material/verified:")
        if live:
            st.caption(f"since {widgets.exact(live.started_at)}{watched()}")
    if not IS_INTENT:
        top[1].metric("Answers", f"{len(labels.of(NAME, drafts=True)):,}", icon=":material/label:")
        top[1].caption(f"It says {kinds.SAYS[chosen.kind]}.")
        top[2].metric("Examples", f"{examples.taught_count(NAME):,}", icon=":material/model_training:")
        top[2].caption("This is what a candidate learns from; about a third more is kept for testing.")
        return
    with top[1]:
        weeks = [week for week in cached.weekly(person) if week.agreement.n]
        st.metric("Agrees with people", percent(weeks[-1].agreement.value) if weeks else "–", icon=":material/handshake:")
        st.caption(
            f"in conversations of the latest week · {weeks[-1].agreement}"
            if weeks
            else "Counted once it is live and conversations are reviewed."
        )
    with top[2]:
        st.metric("Reviewed", f"{reviews.labelled_count():,}", icon=":material/rate_review:")
        st.caption("With an intent: a candidate learns from these; eval cases are left out.")


figures()
copying.classifier_origin(NAME, by=person)


def on_its_way(under_way: Release) -> None:
    """What is being released: how far it is, what its next step asks, and how to stop it."""
    found = release.progress_of(under_way, by=person)
    with st.container(border=True, key="classifiers_under_way"):
        st.markdown(f":material/moving: **{widgets.plain(found.sentence)}** Begun {widgets.when(under_way.started_at)}.")
        for asked in found.asks:
            st.markdown(f":gray[:material/hourglass_empty: {widgets.plain(asked)}]")
        if found.ready:
            st.markdown(":gray[:material/check: All that the next step asks is met; it is taken within a minute.]")
        with st.container(horizontal=True):
            following = f"Answer for {releasing.FIRST_STEP} % of customers" if under_way.stage == "shadow" else "Answer for everybody"
            if access.may(person, "classifier.approve"):
                by_hand(following, "next", lambda why: release.advance(under_way.id, why=why, by=person), "Changed.")
            if access.may(person, "classifier.roll_back"):
                by_hand("Stop it", "stop", lambda why: release.stop(under_way.id, why=why, by=person), "Stopped.")


def by_hand(words: str, key: str, act: Callable[[str], object], done: str) -> None:
    with st.popover(words, key=f"classifiers_{key}_{words}"):  # of each step its own, so that none is open when another was taken
        why = st.text_input("Why", key=f"classifiers_{key}_why", placeholder="It stands beside the release afterwards")
        if st.button(words, key=f"classifiers_{key}"):
            acts.attempt(lambda: act(why), done=done)
            cached.forget()
            st.rerun()


if under_way := releases.under_way(KIND, NAME):
    on_its_way(under_way)

known_labels = labels.of(NAME)
taught = [label for label in labels.of(NAME, drafts=True) if label.draft]


def being_taught(drafts: list[Label]) -> None:
    """Few with a way to examples of each; many in a table."""
    later = "It is asked about" if IS_INTENT else "It is said"
    if len(drafts) > FEW:
        st.markdown(f":material/school: **{len(drafts):,}** are being taught: each can be said once a release knows it.")
        table = pd.DataFrame({"Being taught": [one.name for one in drafts], "What it means": [one.description for one in drafts]})
        st.dataframe(table, hide_index=True, height=300, column_config={"What it means": st.column_config.TextColumn(width="large")})
        return
    for label in drafts:
        st.markdown(f":material/school: **{widgets.plain(label.name)}** is being taught. {later} once a release knows it.")
        find_examples(f"Find examples of {widgets.plain(label.name)}", {"label": label.id})


def find_examples(words: str, address: dict[str, str]) -> None:
    if access.may(person, "label.draft"):
        st.page_link("screens/examples.py", label=words, icon=":material/search:", query_params=address)


def show_labels() -> None:
    st.markdown(
        "What a customer can want. Reviewers choose among these, and the classifier learns to."
        if IS_INTENT
        else f"Of each conversation it says {kinds.SAYS[chosen.kind]}."
    )
    if known_labels:
        st.dataframe(
            pd.DataFrame({"Intent": [one.name for one in known_labels], "What it means": [one.description for one in known_labels]}),
            hide_index=True,
            height=min(38 * (len(known_labels) + 1), 300),
            column_config={
                "Intent": st.column_config.TextColumn("Intent" if IS_INTENT else "Answer"),
                "What it means": st.column_config.TextColumn(width="large"),
            },
        )
    being_taught(taught)
    if (known_labels or taught) and not 0 < len(taught) <= FEW:
        find_examples("Find examples", {} if IS_INTENT else {"classifier": NAME})
    if chosen.kind == kinds.YES_NO:
        return
    if access.may(person, "label.add" if IS_INTENT else "label.draft"):
        add_one()
    elif not known_labels:
        st.caption("A lead or an engineer adds them.")


def add_one() -> None:
    word = "intent" if IS_INTENT else "answer"
    with st.form("classifiers_label", clear_on_submit=False, enter_to_submit=False, border=False):
        row = st.columns([1, 2])
        label_name = row[0].text_input(f"New {word}", placeholder="Where is my order" if IS_INTENT else "Delivery")
        meaning = row[1].text_input(
            "What it means", placeholder="The customer wants to know where a parcel is" if IS_INTENT else "It is about how a parcel came"
        )
        if st.form_submit_button(f"Add the {word}", icon=":material/add:"):
            acts.attempt(
                lambda: add_label(label_name, by=person, classifier_name=NAME, description=meaning, draft=not IS_INTENT),
                done=f"Added '{label_name}'.",
            )
            st.rerun()


with st.expander(
    f"{'Intents' if IS_INTENT else 'Answers'}: {len(known_labels) + len(taught) * (not IS_INTENT)}",
    expanded=not known_labels,
    icon=":material/label:",
):
    show_labels()
begin_another()
copying.classifier(chosen, by=person)

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
        "No classifier was trained yet. Review some conversations with their intent, then train the first candidate."
        if IS_INTENT
        else f"Nothing was trained yet. {'Find' if known_labels or taught else 'Name what it can say, find'} examples of each answer, "
        "about 40 in all, then train the first candidate.",
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
            with st.expander(f"{words}: {len(ids):,} {'case' if len(ids) == 1 else 'cases'}"):
                for case_id in ids:
                    st.text(f"{' '.join(sets.text_of(cases[case_id]).split())[:300]}")
                    st.caption(
                        f"Expected: {widgets.plain(casing.right_of(cases[case_id].expected))}. "
                        f"The candidate {widgets.plain(said[case_id].why)}."
                    )
    with st.expander("How we know"):
        st.text(evidence.comparison.how or "It was compared before the method was kept beside it.")
    asked = {"comparison": evidence.comparison.id}
    st.page_link("screens/runs.py", label="Case by case", icon=":material/arrow_forward:", query_params=asked)


def how_good(version: Version) -> str:
    right, told = shipping.accuracy_of(version), version.manifest
    learned, answered = f"It learned from {told['rows']:,}", percent(told.get("answered") or 0.0)
    if not right.n:
        return f"{learned} conversations. How good it is could not be checked: too few customers wrote them."
    if chosen.kind == kinds.SEVERAL:
        return (
            f"Right in **{right}** of the conversations of customers it had not learned from: all that comes up was said and nothing else. "
            f"{learned} and says at least one label in {answered} of cases."
        )
    which = "reviewed conversations" if IS_INTENT else "the conversations"
    return (
        f"Right in **{right}** of {which} of customers it had not learned from. {learned} and speaks in {answered} of cases; in the rest "
        "it is not sure enough and keeps silent."
    )


def candidate_card(target: Target, manifest: dict) -> None:
    st.subheader(f"Candidate {target.number}", anchor=False)
    version = next(one for one in made if one.target_number == target.number)
    st.markdown(how_good(version))
    ended = [one for one in releases.steps(KIND, NAME) if one.target_number == target.number and one.stage == "ended"]
    if ended:
        told = widgets.plain(ended[-1].ended_why)
        st.warning(f"It was released {widgets.when(ended[-1].started_at)} and ended: {told}", icon=":material/undo:")
    if manifest.get("left_out_labels"):
        rare = manifest["left_out_labels"]
        more = f" and {len(rare) - FEW:,} more" if len(rare) > FEW else ""
        st.caption(f"Too rare to learn: {widgets.plain(', '.join(rare[:FEW]))}{more}.")
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
    with st.expander("Where it errs, and how sure it is", icon=":material/troubleshoot:", expanded=True):
        evidencing.show(version, person=person)
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
    if (reason := evidence.stops()) and not evidence.for_a_trial:
        st.markdown(f":orange[:material/block:] It cannot be proposed: {widgets.plain(reason)}")
        return
    if reason:
        st.markdown(f":blue[:material/experiment:] It can be proposed for a trial beside the live version. {widgets.plain(reason)}")
    with st.form(f"classifiers_propose_{target.number}"):
        why = st.text_input("Why it should go live", placeholder="The approver reads this first")
        if st.form_submit_button("Propose it", icon=":material/how_to_vote:", type="primary"):
            acts.attempt(lambda: shipping.propose(target, why=why, by=person), done="Proposed. A lead or an engineer decides.")
            st.rerun()


newest = made[0]
if newest.target_number not in {one.target_number for one in (live, under_way) if one}:
    with st.container(border=True):
        candidate_card(versions.target_of(newest), newest.manifest)
else:
    with st.expander(f"Where version {newest.target_number} errs, and how sure it is", icon=":material/troubleshoot:"):
        evidencing.show(newest, person=person)

st.subheader("All versions", anchor=False)
went_live = {one.target_number: one for one in releases.history(KIND, NAME)}
for version in made:
    went = went_live.get(version.target_number)
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
    elif under_way and under_way.target_number == version.target_number:
        row[2].badge("On its way", icon=":material/moving:", color="blue")
    elif went:
        row[2].caption(f"was live from {widgets.day(went.started_at)} · {widgets.plain(went.ended_why)}")
    else:
        row[2].badge("Candidate", color="gray")
    if went and stage != "live" and access.may(person, "classifier.roll_back"):
        with row[3].popover("Roll back", icon=":material/undo:"):
            st.markdown(f"Version {version.target_number} answers again for every new conversation, at once.")
            why = st.text_input("Why", key=f"classifiers_back_why_{version.target_number}")
            if st.button("Roll back to it", key=f"classifiers_back_{version.target_number}", type="primary"):
                target = versions.target_of(version)
                if acts.attempt(lambda target=target, why=why: shipping.roll_back(target, why=why, by=person), done="Rolled back."):
                    cached.forget()
                st.rerun()
