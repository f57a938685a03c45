"""Approvals: what waits for a second person, with its evidence on one screen."""

import streamlit as st

from data import approvals, people, tasks
from data.measures import percent
from data.tables import Proposal
from portal import acts, cached, widgets

person = st.session_state["person"]
who = people.names()
waiting = approvals.waiting(by=person)
widgets.page(
    "Approvals",
    f"{len(waiting)} {'proposal waits' if len(waiting) == 1 else 'proposals wait'} for a second person. "
    "Whoever proposed or built it cannot say yes to it."
    if waiting
    else "Nothing waits. When somebody proposes a release, it appears here with its evidence.",
)


def decide(proposal: Proposal) -> None:
    note = st.text_input("A word with it", key=f"approvals_note_{proposal.id}", placeholder="Optional for a yes, needed for a no")
    yes, no, _ = st.columns([1.2, 1, 3])
    if yes.button("Approve", key=f"approvals_yes_{proposal.id}", type="primary", icon=":material/check:", width="stretch"):
        acts.attempt(lambda: approvals.approve(proposal.id, by=person, note=note), done="Approved. It goes live in a moment.")
        cached.forget()
        st.rerun()
    if no.button("Refuse", key=f"approvals_no_{proposal.id}", icon=":material/close:", width="stretch"):
        acts.attempt(lambda: approvals.refuse(proposal.id, by=person, why=note), done="Refused.")
        st.rerun()


def evidence(proposal: Proposal) -> None:
    known = proposal.evidence
    live = f"version {known['live_number']} is live now" if known.get("live_number") else "nothing is live now"
    st.markdown(f"**{widgets.plain(known['sentence'])}**")
    st.caption(
        f"It passes {known['passed']} of {known['cases']} cases of '{widgets.plain(known['set'])}' {known['set_number']}; {live}. "
        f"It learned from {known['rows']:,} conversations and speaks in {percent(known['answered'])}. "
        "It would be live for all new conversations; rolling back takes one click."
    )


for proposal in waiting:
    with st.container(border=True):
        st.subheader(proposal.title.capitalize(), anchor=False)
        st.caption(f"Proposed by {widgets.plain(who.get(proposal.proposer_id, 'Somebody'))}, {widgets.when(proposal.at)}")
        st.text(f"Why: {proposal.why}")
        evidence(proposal)
        reason = approvals.may_decide(proposal, person)
        if reason is None:
            decide(proposal)
        else:
            st.caption(f":material/lock: {reason}")
            if proposal.proposer_id == person.id and st.button("Withdraw", key=f"approvals_back_{proposal.id}", type="tertiary"):
                acts.attempt(lambda proposal=proposal: approvals.withdraw(proposal.id, by=person), done="Withdrawn.")
                st.rerun()

decided = approvals.decided(by=person)
if decided:
    st.subheader("Decided", anchor=False)
    yes = approvals.approvers(decided)
    for proposal in decided:
        if proposal.state == "approved":
            job = next((task for task in tasks.recent(by=person) if task.arguments.get("proposal_id") == proposal.id), None)
            if job:
                widgets.follow(job, by=person)
                continue
        approver = who.get(yes[proposal.id].approver_id, "Somebody") if proposal.id in yes else ""
        words = {
            "done": f":green[:material/check_circle:] carried out, approved by {widgets.plain(approver)}",
            "approved": f":violet[:material/hourglass_top:] approved by {widgets.plain(approver)}, about to be carried out",
            "refused": f":orange[:material/cancel:] refused: {widgets.plain(proposal.outcome)}",
            "withdrawn": ":gray[:material/undo:] withdrawn",
            "failed": f":orange[:material/error:] not carried out: {widgets.plain(proposal.outcome)}",
        }[proposal.state]
        st.markdown(
            f"**{widgets.plain(proposal.title.capitalize())}** · proposed by {widgets.plain(who.get(proposal.proposer_id, 'Somebody'))}, "
            f"{widgets.when(proposal.at)} · {words}"
        )
