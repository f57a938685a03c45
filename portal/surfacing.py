"""The chat widget on Installation: pages on which customers write, each with its token, and the line to paste into them."""

import streamlit as st

from data import access, people, surfaces
from data.tables import Person, Surface
from data.values import now
from portal import acts, widget, widgets

SHOWN = "surfacing_secret"


def show(person: Person) -> None:
    """Those that are known, and where one is proposed."""
    if not access.may(person, "token.read"):
        return
    st.subheader("Chat on your pages", anchor=False)
    known = [(surface, owner) for surface, owner in surfaces.all_surfaces(by=person) if surface.revoked_at is None]
    if not known:
        st.caption("No page has it yet. A page with one line of script lets its visitors write to you; recipes in force and people answer.")
    for surface, owner in known:
        _line(surface, owner, person)
    _as_it_was_made()
    if access.may(person, "token.propose"):
        with st.expander("Propose it for a page"):
            _propose(person)


def _line(surface: Surface, owner: Person, person: Person) -> None:
    told, action = st.columns([5, 1.2], vertical_alignment="center")
    used = f"last used {widgets.when(surface.used_at)}" if surface.used_at else "never used"
    over = "over since" if surface.expires_at <= now() else "until"
    pages = widgets.plain(", ".join(surface.origins))
    told.markdown(f"**{widgets.plain(surface.name)}** · {pages} · {over} {widgets.day(surface.expires_at)} · {used}")
    told.caption(f"{widgets.plain(owner.name)} answers for it.")
    if access.may(person, "token.revoke") and action.button("Revoke", key=f"surfacing_revoke_{surface.id}"):
        acts.attempt(lambda: surfaces.revoke(surface.id, by=person), done="Nobody writes by it any more. What was written stays.")
        st.rerun()


def _propose(person: Person) -> None:
    teams = people.teams()
    with st.form("surfacing", enter_to_submit=False, border=False):
        row = st.columns([2, 3])
        name = row[0].text_input("Which pages", placeholder="Help centre", key="surfacing_name")
        origins = row[1].text_input(
            "Their origins", placeholder="https://shop.example.com, https://help.example.com", key="surfacing_origins",
            help="https:// and the host, exactly; several separated by commas. Nobody else's page can use the token.",
        )  # fmt: skip
        row = st.columns([2, 1, 3])
        team = row[0].selectbox(
            "Whose conversations", ["", *teams], format_func=lambda one: teams.get(one, "Everybody's"), key="surfacing_team"
        )
        days = row[1].number_input("For days", 1, surfaces.LONGEST, surfaces.LONGEST, key="surfacing_days")
        why = row[2].text_input("Why", placeholder="The approver reads it first", key="surfacing_why")
        if st.form_submit_button("Propose it"):
            asked = [one.strip() for one in (origins or "").split(",") if one.strip()]

            def propose() -> None:
                _, secret = surfaces.propose(name or "", asked, why=why or "", by=person, team_id=team or None, days=int(days))
                st.session_state[SHOWN] = secret

            acts.attempt(propose)
            st.rerun()


def _as_it_was_made() -> None:
    """Once: the token is kept nowhere."""
    secret = st.session_state.pop(SHOWN, None)
    if not secret:
        return
    address = widget.address()
    st.success("Proposed. This line goes into the pages: it is shown now and never again, and works once an admin approved it.")
    st.code(widget.snippet(secret, address=address), language="html", wrap_lines=True)
    st.caption(f"Where a page has a Content-Security-Policy, it allows: {widgets.plain(widget.policy(address))}")
    st.caption(
        "So that recipes know the customer, the page's server may add data-customer and data-signature: the HMAC-SHA256 of the customer's "
        "reference in hex, with this key. It stays on the server. Without it, or signed wrong, a visitor is nobody known."
    )
    st.code(surfaces.identity_key(secret), language=None)
