"""Installation: backups, the company's sign-in, and what admins may do in an emergency."""

import streamlit as st

from data import access, audit, backups, config, connections, settings, traces
from portal import acts, doctor, encoders, jobs, otlp_form, services, surfacing, tool_sources, trying_models, widgets

person = st.session_state["person"]
widgets.page(
    "Installation", "Whether everything is as it should be, backups, and connections to the outside. What matters here needs two people."
)

found = doctor.examine()
if found["wrong"]:
    for one in found["wrong"]:
        st.warning(one, icon=":material/build:")
else:
    st.markdown(":green[:material/check_circle:] Nothing is wrong.")
with st.expander("Settings in force, and where each comes from"):
    for note in found["notes"]:
        st.text(note)
    st.dataframe(
        [{"Setting": name, "Value": one["value"], "From": one["source"]} for name, one in found["settings"].items()], hide_index=True
    )


def offer_restore(one: backups.Backup) -> None:
    name = one.path.name
    with st.popover("Restore", icon=":material/settings_backup_restore:"):
        lost = audit.head()[0] - one.manifest["head"][0]
        st.markdown(f"What was done since, {lost:,} entries of the record, would be given up. Another admin decides.")
        why = st.text_input("Why", key=f"installation_why_{name}")
        if st.button("Propose to restore it", key=f"installation_restore_{name}"):
            acts.attempt(lambda: backups.propose_restore(name, why=why, by=person), done="Proposed. Another admin decides.")
            st.rerun()


st.subheader("Backups", anchor=False)
job = widgets.newest_job("back_up", by=person)
if st.button("Make a backup now", icon=":material/save:", type="primary"):
    acts.attempt(lambda: jobs.start("back_up", {}, title="Backup", by=person), done="It begins in a moment.")
    st.rerun()
if job:
    widgets.follow(job, by=person)
kept = backups.all_backups(by=person)
if not kept:
    st.caption("None was made yet. One is made every night, and the last 14 are kept.")
for one in kept[:14]:
    told, action = st.columns([5, 1.6], vertical_alignment="center")
    told.markdown(f"**{widgets.exact(one.made_at)}** · {widgets.plain(one.sentence)}")
    if access.may(person, "restore.propose"):
        with action:
            offer_restore(one)
st.caption("The key in secrets/ is not in a backup: keep a copy of it elsewhere. Without it sealed names stay closed.")

st.subheader("The record's head", anchor=False)
number, seal = audit.head()
st.caption("Write it down elsewhere from time to time: portal audit verify --head then finds whatever was cut off or rewritten since.")
st.code(f"{number}:{seal}", language=None)

st.subheader("The model endpoint", anchor=False)
endpoint = connections.endpoint()
if endpoint:
    used = traces.spent_today()
    st.markdown(
        f"Models are asked at **{widgets.plain(endpoint.url)}**. "
        f"Today {used.tokens:,} tokens, a cost of {used.money:,.2f}. What leaves is redacted first."
    )
    if access.may(person, "connection.propose") and st.button("Try it", icon=":material/network_check:"):
        acts.attempt(lambda: jobs.start("try_endpoint", {}, title="Try the model endpoint", by=person))
        st.rerun()
    if tried := widgets.newest_job("try_endpoint", by=person):
        widgets.follow(tried, by=person)
else:
    st.caption("None is set. The portal works without one; with one it can ask any server that speaks chat completions.")
if connections.fixed_by_environment():
    st.caption("The environment sets it (OPENAI_BASE_URL, OPENAI_API_KEY, PORTAL_MODEL), so it cannot be changed here.")
elif access.may(person, "connection.propose"):
    with (
        st.expander("Propose another" if endpoint else "Propose one"),
        st.form("installation_endpoint", enter_to_submit=False, border=False),
    ):
        row = st.columns(2)
        url = row[0].text_input("Address", placeholder="https://api.openai.com/v1", key="installation_endpoint_url")
        key = row[1].text_input("Key", type="password", help="It is typed anew with each change: a kept key never goes to another address.")
        if endpoint:
            st.caption("The models stay as they are: another one is tried first, under Models below. Limits, key and prices change here.")
        row = st.columns(3)
        triage = row[0].text_input("Model for triage", placeholder="small and fast")
        talking = row[1].text_input("Model for conversations", placeholder="large; empty: the same")
        accuracy = row[2].text_input("Model where being right matters most", placeholder="reasoning; empty: the same")
        row = st.columns(4)
        limits = {
            "tokens_per_day": int(row[0].number_input("Tokens a day", 0, 1_000_000_000, 2_000_000, step=100_000)),
            "money_per_day": float(row[1].number_input("Money a day", 0.0, 100_000.0, 20.0)),
            "tokens_per_person": int(row[2].number_input("Tokens a person a day", 0, 1_000_000_000, 500_000, step=100_000)),
            "money_per_person": float(row[3].number_input("Money a person a day", 0.0, 100_000.0, 5.0)),
        }
        why = st.text_input("Why", placeholder="The approver reads it first", key="installation_endpoint_why")
        if st.form_submit_button("Propose it"):
            models = {"triage": triage or "", "conversation": talking or "", "accuracy": accuracy or ""}
            acts.attempt(
                lambda: connections.propose_endpoint(url or "", key or "", models, why=why or "", by=person, **limits),
                done="Proposed. An admin decides.",
            )
            st.rerun()

if endpoint:
    trying_models.show(person)
    trying_models.another_address(person)

services.show(person)
tool_sources.show(person)
surfacing.show(person)
otlp_form.show(person)

st.subheader("The sentence encoder", anchor=False)
st.markdown(widgets.plain(encoders.in_words()))

st.subheader("Sign-in through the company", anchor=False)
company = settings.company_sign_in()
fixed = bool(config.settings().oidc_issuer)
if company:
    st.markdown(f"People whose account is linked sign in through **{widgets.plain(company.issuer)}**.")
st.caption("The environment sets it (PORTAL_OIDC_ISSUER), so it cannot be changed here." if fixed else "Any OpenID Connect provider.")
if not fixed and access.may(person, "connection.propose"):
    with st.expander("Propose another" if company else "Propose one"), st.form("installation_company", enter_to_submit=False, border=False):
        issuer = st.text_input("Address of the issuer", placeholder="https://login.example.com")
        row = st.columns(2)
        client_id = row[0].text_input("Client id")
        secret = row[1].text_input("Client secret", type="password")
        label = st.text_input("What people call it", placeholder="your Example account")
        why = st.text_input("Why", placeholder="The approver reads it first")
        if st.form_submit_button("Propose it"):
            acts.attempt(
                lambda: settings.propose_company_sign_in(
                    issuer or "", client_id or "", secret or "", label or "", why=why or "", by=person
                ),
                done="Proposed. An admin decides.",
            )
            st.rerun()

if access.may(person, "emergency.propose"):
    st.subheader("Emergency", anchor=False)
    st.caption("When leads and engineers cannot be reached: for an hour admins decide in their place, never on their own proposals.")
    with st.popover("Propose it to another admin", icon=":material/emergency_home:"):
        why = st.text_input("Why", key="installation_emergency_why")
        if st.button("Propose it", key="installation_emergency"):
            acts.attempt(lambda: settings.propose_emergency(why=why, by=person), done="Proposed. Another admin decides.")
            st.rerun()
