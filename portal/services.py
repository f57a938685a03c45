"""Services on Installation: other programs that recipes may call, each proposed with the document that describes it."""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from automations.connectors import connecting, described
from automations.connectors.described import Described, Operation
from data import access, connections
from data.errors import Refused
from data.tables import Person
from portal import acts, widgets

MOST_MB, MOST_SHOWN = 1, 12
CHANGES = {True: "changes something", False: "only asks"}


def show(person: Person) -> None:
    """Those in force, and where one is proposed."""
    st.subheader("Services that recipes call", anchor=False)
    known, opened = connections.services(), connecting.in_force()
    if not known:
        st.caption("None is connected. Any program with an OpenAPI document can be: recipes then ask it, and have it do things, by name.")
    for name in known:
        if name not in opened:
            st.warning(f"'{name}' does not open here: its seal is of another installation or address. Propose it again.")
            continue
        found = opened[name].service
        with st.expander(f"{name} at {found.host}: {_many(found.operations)}", icon=":material/hub:"):
            operations(found.operations)
            st.caption(
                "The credential is kept sealed and is shown to nobody." if opened[name].header else "It is called without a credential."
            )
    if access.may(person, "connection.propose"):
        with st.expander("Propose another service" if known else "Propose a service"):
            propose(person)


def _many(found: Sequence[Operation]) -> str:
    changing = sum(one.changes for one in found)
    return f"{len(found):,} operation{'' if len(found) == 1 else 's'}, {changing:,} of them change{'s' if changing == 1 else ''} something"


def operations(found: Sequence[Operation]) -> None:
    rows = [
        {"Operation": one.name, "What it does": one.told or f"{one.method} {one.path}", "Takes": _takes(one), "It": CHANGES[one.changes]}
        for one in found
    ]
    takes = st.column_config.TextColumn(help="What may be left out stands in brackets.")
    st.dataframe(rows, hide_index=True, height="auto" if len(rows) <= MOST_SHOWN else 440, column_config={"Takes": takes})


def _takes(one: Operation) -> str:
    """By name; what may be left out in brackets."""
    required = {each.name for each in one.parameters if each.required}
    names = dict.fromkeys(each.name for each in one.parameters)
    return ", ".join(name if name in required else f"({name})" for name in names)


def propose(person: Person) -> None:
    """The document first: what it offers is seen before anything is proposed."""
    upload = st.file_uploader(
        "Its OpenAPI document, 3.0 or 3.1", type=["json", "yaml", "yml"], key="installation_service_document", max_upload_size=MOST_MB
    )
    found = _read(upload)
    if upload is None or found is None:
        return
    st.markdown(f"**{widgets.plain(found.title or upload.name)}** offers {_many(found.operations)}.")
    operations(found.operations)
    if found.left_out:
        with st.popover(f"{len(found.left_out):,} left out", icon=":material/filter_alt_off:"):
            for why in found.left_out:
                st.text(why)
    with st.form("installation_service", enter_to_submit=False, border=False):
        row = st.columns(2)
        name = row[0].text_input("Name", placeholder="delivery", help="By which recipes call it.", key="installation_service_name")
        url = row[1].text_input("Address", placeholder=found.address or "https://api.example.com/v1", key="installation_service_url",
                                help="Empty: as the document says. Only this host is called.")  # fmt: skip
        header = row[0].text_input("Header of the credential", placeholder="empty: Authorization, as a bearer's token",
                                   key="installation_service_header")  # fmt: skip
        secret = row[1].text_input("Secret", type="password", key="installation_service_secret",
                                   help="Typed anew with each change: a kept one never goes to another address.")  # fmt: skip
        why = st.text_input("Why", placeholder="The approver reads it first", key="installation_service_why")
        if st.form_submit_button("Propose the service"):
            acts.attempt(
                lambda: connecting.propose(name or "", url or "", upload.getvalue(), header or "", secret or "", why=why or "", by=person),
                done="Proposed. An admin decides.",
            )
            st.rerun()


def _read(upload: UploadedFile | None) -> Described | None:
    """None where none was brought, or one that says in words what is wrong with it."""
    try:
        return described.read(upload.getvalue()) if upload is not None else None
    except Refused as refused:
        st.error(widgets.plain(str(refused)), icon=":material/block:")
        return None
