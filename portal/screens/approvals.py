"""Approvals: what waits for a second person, the heaviest first; what one click undoes is decided from its line."""

import streamlit as st

from data import access, approvals, people, tasks
from data.approvals import HEAVY, KINDS
from data.tables import Proposal
from portal import act_evidence, acts, cached, monitor_webhooks, talk, tool_sources, widgets

person = st.session_state["person"]
who = people.names()
waiting = approvals.waiting(by=person)
mine_to_decide = [proposal for proposal in waiting if approvals.may_decide(proposal, person) is None]
opened = st.query_params.get("proposal")

widgets.page(
    "Approvals",
    f"{len(mine_to_decide)} of {len(waiting)} {'proposal waits' if len(waiting) == 1 else 'proposals wait'} for you. "
    "Whoever proposed or built something cannot say yes to it."
    if waiting
    else "Nothing waits. What needs a second person appears here with its evidence.",
)


def line(proposal: Proposal, *, mine: bool) -> None:
    """All that somebody needs to decide on what one click undoes."""
    with st.container(border=True, gap="xsmall"):
        heavy = KINDS[proposal.kind].weight == HEAVY
        mark = "  :orange-badge[:material/priority_high: weighty]" if heavy else ""
        st.markdown(f"**{widgets.plain(_capital(proposal.title))}**{mark} :gray[· {_who_and_when(proposal)}]")
        st.markdown(f"{widgets.plain(proposal.evidence['sentence'])} {widgets.plain(_figures(proposal))}")
        st.caption(f"Why: {widgets.plain(proposal.why)}")
        if nobody := approvals.nobody_can(proposal):
            st.warning(nobody, icon=":material/person_off:")
        with st.container(horizontal=True, vertical_alignment="center"):
            if mine and not heavy:
                word = "Approve and next" if len(mine_to_decide) > 1 else "Approve"
                if st.button(word, key=f"approvals_yes_{proposal.id}", type="primary", icon=":material/check:"):
                    _approve(proposal, "")
            if st.button("Open", key=f"approvals_open_{proposal.id}", icon=":material/open_in_full:"):
                st.query_params["proposal"] = proposal.id
                st.rerun()
            if mine and not heavy:
                _refuse(proposal)
            _withdraw(proposal)
            if not mine:
                st.caption(f":material/lock: {widgets.plain(approvals.may_decide(proposal, person) or '')}")


def whole(proposal: Proposal) -> None:
    """One proposal with everything that is known of it, what was said about it, and the decision at the end."""
    if st.button("All proposals", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params["proposal"]
        st.rerun()
    st.subheader(widgets.plain(_capital(proposal.title)), anchor=False)
    st.caption(_who_and_when(proposal), help=widgets.exact(proposal.at))
    st.markdown(f"**{widgets.plain(proposal.evidence['sentence'])}**  \n{widgets.plain(_figures(proposal))}")
    if proposal.kind not in act_evidence.KINDS:  # of those the sentence says it
        st.text(f"Why: {proposal.why}")
    if proposal.kind == "publish_articles" and access.may(person, "article.read"):
        _articles(proposal)
    if proposal.kind == "approve_tools" and access.may(person, "tool_source.read"):
        tool_sources.evidence(proposal)
    if proposal.kind in act_evidence.KINDS:
        act_evidence.show(proposal, who, by=person)
    if monitor_webhooks.is_one(proposal):
        monitor_webhooks.evidence(proposal, by=person)
    _rules(proposal)
    for approval in approvals.approvers([proposal]).get(proposal.id, []):
        said = f": {approval.note}" if approval.note else ""
        st.text(f"{who.get(approval.approver_id, 'Somebody')} said yes {widgets.when(approval.at)}{said}")
    if proposal.state != "open":
        st.markdown(_outcome(proposal))
    elif nobody := approvals.nobody_can(proposal):
        st.warning(nobody, icon=":material/person_off:")
    talk.show("proposal", proposal.id, by=person)
    if proposal.state == "open":
        _decide(proposal)


def _articles(proposal: Proposal) -> None:
    """What is to be published, each a way to read it, and what it does to the cases it touches."""
    told = proposal.evidence
    for one in proposal.payload["articles"][:20]:
        st.page_link(
            "screens/knowledge.py", label=widgets.plain(f"{one['slug']}, version {one['number']}"), icon=":material/menu_book:",
            query_params={"article": one["slug"], "tab": "versions"},
        )  # fmt: skip
    for line in told.get("broken", []):
        st.markdown(
            f":red[:material/close: breaks] {widgets.plain(line['set'])} {line['number']}: {widgets.plain(line['question'])}  \n"
            f"before: {widgets.plain(line['before'])}  \nafter: {widgets.plain(line['after'])}"
        )
    if told.get("despite"):
        st.text(f"Although it breaks cases: {told['despite']}")


def _rules(proposal: Proposal) -> None:
    """What the gate asked of it, rule by rule, with the numbers."""
    asked = proposal.evidence.get("rules") or []
    if not asked:
        return
    with st.expander(f"The gate: {sum(rule['met'] for rule in asked)} of {len(asked)} rules met", icon=":material/gavel:"):
        for rule in asked:
            mark = ":green[:material/check:]" if rule["met"] else ":red[:material/close:]"
            st.markdown(f"{mark} {widgets.plain(_capital(rule['told']))}")


def _decide(proposal: Proposal) -> None:
    reason = approvals.may_decide(proposal, person)
    if reason:
        st.caption(f":material/lock: {widgets.plain(reason)}")
        _withdraw(proposal)
        return
    note = st.text_input("A word with your yes", key=f"approvals_note_{proposal.id}", placeholder="Optional")
    with st.container(horizontal=True):
        if st.button(
            f"Approve: {widgets.plain(proposal.title)}", key=f"approvals_whole_{proposal.id}", type="primary", icon=":material/check:"
        ):
            _approve(proposal, note)
        _refuse(proposal)


def _approve(proposal: Proposal, note: str) -> None:
    def told(decided: Proposal) -> str:
        return f"Approved. {KINDS[decided.kind].then}" if decided.state == "approved" else "Approved. It needs another person too."

    if acts.attempt(lambda: approvals.approve(proposal.id, by=person, note=note), done=told):
        st.query_params.pop("proposal", None)
    cached.forget()
    st.rerun()


def _refuse(proposal: Proposal) -> None:
    with st.popover("Refuse", icon=":material/close:"):
        why = st.text_area("Why", key=f"approvals_why_{proposal.id}", placeholder="What should be different? The proposer reads this.")
        if st.button("Refuse it", key=f"approvals_no_{proposal.id}"):
            acts.attempt(lambda: approvals.refuse(proposal.id, by=person, why=why), done="Refused. The proposer reads your reason.")
            st.rerun()


def _withdraw(proposal: Proposal) -> None:
    if proposal.proposer_id != person.id:
        return
    with st.popover("Withdraw", icon=":material/undo:"):
        why = st.text_input("Why", key=f"approvals_back_why_{proposal.id}", placeholder="Optional")
        if st.button("Withdraw it", key=f"approvals_back_{proposal.id}"):
            acts.attempt(lambda: approvals.withdraw(proposal.id, by=person, why=why), done="Withdrawn.")
            st.rerun()


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]


def _who_and_when(proposal: Proposal) -> str:
    left = max((proposal.lapses_at - widgets.now()).days, 0)
    needs = "needs two other people · " if proposal.needs == 2 else ""
    proposer = widgets.plain(who.get(proposal.proposer_id, "Somebody"))
    lapses = f" · {needs}lapses in {left} days" if proposal.state == "open" else ""
    return f"{proposer} proposed it {widgets.when(proposal.at)}{lapses}"


def _figures(proposal: Proposal) -> str:
    """The evidence's numbers, for the kinds that have some."""
    known = proposal.evidence
    if proposal.kind == "publish_articles":
        return " ".join(filter(None, (known.get("tried"), "It can be gone back from with one click.")))
    if proposal.kind == "ship_answerer":
        return f"Passes {known['passed']} of {known['cases']} cases of '{known['set']}' {known['set_number']}."
    if proposal.kind == "ship_model":
        return "It is asked beside the one in force first. Going back takes one click."
    if proposal.kind != "ship_classifier":
        return ""
    live = f"version {known['live_number']} is live now" if known.get("live_number") else "nothing is live now"
    return (
        f"Passes {known['passed']} of {known['cases']} cases of '{known['set']}' {known['set_number']}; {live}. "
        f"Learned from {known['rows']:,} conversations, speaks in {widgets.percent(known['answered'])}. "
        "It would be live for all new conversations; rolling back takes one click."
    )


def _outcome(proposal: Proposal) -> str:
    given = approvals.approvers([proposal]).get(proposal.id, [])
    names = " and ".join(widgets.plain(who.get(one.approver_id, "Somebody")) for one in given)
    by = "approved by its proposer, who works alone" if proposal.self_approved else f"approved by {names}"
    outcome = widgets.plain(proposal.outcome)
    return {
        "done": f":green[:material/check_circle:] carried out, {by}",
        "approved": f":violet[:material/hourglass_top:] {by}, about to be carried out",
        "refused": f":orange[:material/cancel:] refused: {outcome}",
        "withdrawn": f":gray[:material/undo:] withdrawn{': ' + outcome if outcome else ''}",
        "lapsed": f":gray[:material/timer_off:] lapsed: {outcome}",
        "failed": f":orange[:material/error:] not carried out: {outcome}",
    }.get(proposal.state, "")


def history() -> None:
    decided = approvals.decided(by=person)
    if not decided:
        return
    st.subheader("Decided", anchor=False)
    for proposal in decided:
        if proposal.state == "approved":
            job = next((task for task in tasks.recent(by=person) if task.arguments.get("proposal_id") == proposal.id), None)
            if job:
                widgets.follow(job, by=person)
                continue
        st.markdown(f"**{widgets.plain(_capital(proposal.title))}** · {_who_and_when(proposal)} · {_outcome(proposal)}")


chosen = approvals.get(opened, by=person) if opened else None
if chosen:
    whole(chosen)
else:
    if opened:
        st.info("That proposal is not here any more.", icon=":material/search_off:")
    for proposal in mine_to_decide:
        line(proposal, mine=True)
    others = [proposal for proposal in waiting if proposal not in mine_to_decide]
    if others:
        st.subheader("Wait for somebody else", anchor=False)
    for proposal in others:
        line(proposal, mine=False)
    history()
