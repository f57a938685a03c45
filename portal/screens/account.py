"""Account: my own ways in, where I am signed in, and who stands in for me."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from data import access, config, deputies, passwords, people, sessions, settings, tokens
from portal import acts, first_week, first_week_drawn, session, widgets

person = st.session_state["person"]
widgets.page("Account", "Your ways in, where you are signed in, and who decides in your place while you are away.")

here = str(st.user["session_id"])
st.subheader("Where you are signed in", anchor=False)
for running, _ in [pair for pair in sessions.running(by=person) if pair[1].id == person.id]:
    told, action = st.columns([5, 1.2], vertical_alignment="center")
    this = " · **this browser**" if running.id == here else ""
    told.markdown(f"{widgets.plain(running.browser or 'A browser')} · {widgets.plain(running.address or 'unknown address')}{this}")
    told.caption(f"since {widgets.exact(running.at)}, last seen {widgets.when(running.seen_at or running.at)}")
    if not this and action.button("End it", key=f"account_end_{running.id}"):
        acts.attempt(lambda running=running: sessions.revoke(running.id, by=person), done="That sign-in has ended.")
        st.rerun()

st.subheader("In the help desk, and at the keys", anchor=False)
called, keys = st.columns([3, 2], vertical_alignment="bottom")
known = called.text_input(
    "What else the help desk calls you", value=", ".join(person.desk_names), key="account_names", placeholder="birgit.l, Birgit (Oak)",
    help="Your last chats are those under your name, your e-mail address, and these, separated by commas.",
)  # fmt: skip
if known is not None and (names := [name.strip() for name in known.split(",") if name.strip()]) != person.desk_names:
    acts.attempt(lambda: people.known_as(names, by=person), done="Saved. Your last chats on Review follow.")
    st.rerun()
quiet = keys.toggle(
    "Single letters do nothing", value=person.quiet_keys, key="account_quiet", help="For who dictates, or is surprised by them."
)
if quiet != person.quiet_keys:
    acts.attempt(lambda: people.rest_keys(quiet, by=person), done="Keys rest." if quiet else "Keys work again: ? shows them.")
    st.rerun()

first_week_drawn.kept(first_week.of(person))

company = settings.company_sign_in()
st.subheader("Your ways in", anchor=False)
if person.demo:
    st.caption("A demo account: one click on the sign-in page, from this machine only.")
if company:
    if person.subject:
        st.markdown(f":green[:material/link:] Linked with {widgets.plain(company.label)}.")
        if st.button("Unlink", icon=":material/link_off:"):
            acts.attempt(lambda: people.unlink(by=person), done="Unlinked.")
            st.rerun()
    else:
        st.markdown(f"You can also sign in with {widgets.plain(company.label)}, once it is linked.")
        if st.button("Link it", icon=":material/link:"):
            session.go("/auth/link")
if person.password_hash:
    with st.form("account_password", clear_on_submit=True, enter_to_submit=False):
        now_given = st.text_input("Your password now", type="password")
        wanted = st.text_input(f"A new one, at least {passwords.SHORTEST} characters", type="password")
        if st.form_submit_button("Change the password"):
            acts.attempt(
                lambda: people.change_password(now_given or "", wanted or "", by=person, keep_session=here),
                done=lambda ended: f"Changed. {ended} other sign-ins ended." if ended else "Changed.",
            )
            st.rerun()

if access.may(person, "deputy.name"):
    st.subheader("While you are away", anchor=False)
    everybody = people.everybody(by=person)
    names = {one.id: one.name for one in everybody}
    for deputy in deputies.of(person):
        told, action = st.columns([5, 1.2], vertical_alignment="center")
        days = f"from {widgets.day(deputy.starts_at)} to {widgets.day(deputy.ends_at)}"
        told.markdown(f"**{widgets.plain(names[deputy.deputy_id])}** decides in your place {days}.")
        if action.button("I am back", key=f"account_back_{deputy.id}"):
            acts.attempt(lambda deputy=deputy: deputies.end(deputy.id, by=person), done="You decide again.")
            st.rerun()
    able = [one for one in everybody if one.role == person.role and one.id != person.id and not one.disabled_at]
    if able:
        with st.form("account_deputy", enter_to_submit=False):
            row = st.columns([2, 1, 1])
            chosen = row[0].selectbox("Who decides", able, format_func=lambda one: one.name, index=None, placeholder="Choose a person")
            first = row[1].date_input("From", value="today")
            last = row[2].date_input("Until the end of", value=widgets.local(widgets.now()).date() + timedelta(days=7))
            if st.form_submit_button("Name the deputy", icon=":material/supervisor_account:") and chosen:
                zone = ZoneInfo(config.settings().time_zone)
                starts, ends = (datetime.combine(day, at, zone) for day, at in ((first, time.min), (last, time.max)))
                acts.attempt(lambda: deputies.name(chosen.id, starts_at=starts, ends_at=ends, by=person), done=f"{chosen.name} decides.")
                st.rerun()
    else:
        st.caption(f"Nobody else here is {access.a(person.role)}, so nobody can stand in for you.")

if access.may(person, "token.propose"):
    st.subheader("Tokens for programs", anchor=False)
    st.caption("A program acts as you, with the scopes that you choose and no more. An admin approves it first.")
    for token in [one for one, owner in tokens.all_tokens(by=person) if owner.id == person.id and one.revoked_at is None]:
        told, action = st.columns([5, 1.2], vertical_alignment="center")
        used = f"last used {widgets.when(token.used_at)}" if token.used_at else "never used"
        told.markdown(f"**{widgets.plain(token.name)}** · {', '.join(token.scopes)} · until {widgets.day(token.expires_at)} · {used}")
        if action.button("Revoke", key=f"account_revoke_{token.id}"):
            acts.attempt(lambda token=token: tokens.revoke(token.id, by=person), done="It opens nothing any more.")
            st.rerun()
    with st.form("account_token", enter_to_submit=False):
        row = st.columns([2, 3, 1])
        name = row[0].text_input("Which program", placeholder="Nightly export")
        scopes = row[1].multiselect("What it may", sorted(access.SCOPES), format_func=lambda scope: tokens.in_words([scope]))
        days = row[2].number_input("For days", 1, tokens.LONGEST, 90)
        why = st.text_input("Why", placeholder="The approver reads it first")
        if st.form_submit_button("Propose the token", type="primary"):
            kept = {}
            if acts.attempt(lambda: kept.update(secret=tokens.propose(name, scopes, why=why, by=person, days=int(days))[1])):
                st.session_state["account_secret"] = kept["secret"]
            st.rerun()
    if secret := st.session_state.pop("account_secret", None):
        st.success("Proposed. This is the token: it is shown now and never again, and opens once an admin approved it.")
        st.code(secret, language=None)
        st.caption("And this is its signing key: what the program sends, it signs with it (see the page on the API).")
        st.code(tokens.signing_key(secret), language=None)
        st.link_button("How programs use it", "/api/v1/docs", icon=":material/api:")
