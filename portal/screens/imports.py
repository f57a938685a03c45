"""Import: a file is looked at, then taken; a help desk is followed. Everything comes through the one door."""

from dataclasses import replace

import streamlit as st

from data import access, connections
from data.intake import files, following, offers, readers
from data.intake.columns import FIELDS
from data.intake.connectors import CONNECTORS
from data.intake.readers import csv_file
from data.intake.reading import Mapping
from data.tables import ImportBatch
from portal import acts, jobs, widgets

FILE, HELP_DESK = "A file", "The help desk"
ROLES = {
    "": "Not said",
    "customer": "the customer's",
    "rep": "a rep's",
    "assistant": "the machine's",
    "system": "the system's",
    "tool": "a tool's",
}
SPEAKERS = {"customer": "Customer", "rep": "Rep", "assistant": "Machine", "system": "System", "tool": "Tool"}
FIELD_WORDS = {
    "id": "Conversation", "role": "Whose words", "text": "The words", "at": "When it was said", "author": "Who said it",
    "message_id": "Message", "channel": "Channel", "subject": "Subject", "customer": "Customer", "customer_name": "Customer's name",
    "status": "Status", "csat": "Rating", "tags": "Tags", "assignee": "Who has it", "language": "Language", "opened_at": "Opened",
    "closed_at": "Closed", "answer": "The answer", "private": "Private",
}  # fmt: skip

person = st.session_state["person"]
widgets.page(
    "Import",
    "Bring a file, or follow the help desk. You see what would come in before it does; what is personal is replaced before it is stored.",
)
way = st.segmented_control("Where from", [FILE, HELP_DESK], default=FILE, key="imports_way", label_visibility="collapsed") or FILE


# -- a file -----------------------------------------------------------------------------------------------------------------------------


def bring() -> None:
    """The uploader; what it takes is looked at right away."""
    uploads = st.file_uploader(
        "JSONL, CSV, exports of Zendesk, Intercom or Chatwoot, mails (mbox, eml), transcripts of calls (WebVTT)",
        accept_multiple_files=True, key=f"imports_files_{st.session_state.get('imports_count', 0)}",
    )  # fmt: skip
    if uploads and st.button("Look at it", type="primary", icon=":material/search:"):
        named = [(upload.name, upload.getvalue()) for upload in uploads]
        if acts.attempt(lambda: look(offers.offer(named, by=person))):
            st.session_state["imports_count"] = st.session_state.get("imports_count", 0) + 1
        st.rerun()
    with st.expander("What a line of JSONL looks like"):
        st.code(
            '{"id": "1001", "source": "helpdesk", "channel": "chat", "customer": "anna", "messages": ['
            '{"role": "customer", "text": "Where is my order?"}, {"role": "rep", "text": "On its way, it comes on Tuesday."}]}',
            language=None, wrap_lines=True,
        )  # fmt: skip


def look(batch: ImportBatch) -> object:
    return jobs.start("look", {"batch_id": batch.id}, title=f"Look at {batch.file_name}", by=person)


def decide(batch: ImportBatch) -> None:
    """What the file is, what would come of it, and the word that takes it."""
    looking = widgets.newest_job("look", by=person, arguments={"batch_id": batch.id})
    taking = widgets.newest_job("import", by=person, arguments={"batch_id": batch.id})
    st.subheader(widgets.plain(batch.file_name), anchor=False)
    if taking and taking.state in ("waiting", "running"):
        widgets.follow(taking, by=person)
        return
    if batch.state == "looked":
        report(batch)
    elif looking:
        widgets.follow(looking, by=person)
    opened = batch.state != "looked"
    with st.expander(
        "What it is, and what means what", expanded=opened, icon=":material/tune:", key=f"imports_meaning_{batch.id}_{opened}"
    ):
        remap(batch)


def report(batch: ImportBatch) -> None:
    counts = batch.counts
    count = counts.get("new", 0) + counts.get("updated", 0)
    figures = (
        ("Conversations", "conversations"), ("New", "new"), ("Changed", "updated"), ("Here already", "unchanged"),
        ("Twice in the file", "duplicates"), ("Refused", "refused"),
    )  # fmt: skip
    with st.container(horizontal=True):  # where it is narrow they go on in a second row, none is cut off
        for name, key in figures:
            st.metric(name, f"{counts.get(key, 0):,}", width=135)
    channels = ", ".join(f"{widgets.CHANNEL_WORDS.get(name, name)} {some:,}" for name, some in _of(counts, "channel"))
    redacted = files.kinds_in_words(dict(_of(counts, "redacted")))
    st.markdown(
        f"**Channels** {widgets.plain(channels or 'none')}  \n**Replaced** {widgets.plain(redacted or 'nothing personal was found')}"
    )
    if batch.unknown:
        kept = ", ".join(f"{name} ({some:,})" for name, some in sorted(batch.unknown.items()))
        st.markdown(f"**Kept aside**, since we know no use for it: {widgets.plain(kept)}")
    unit = readers.READERS[batch.reader].UNIT
    if batch.refusals:
        many = counts.get("refused", 0)
        with st.expander(
            f"{many:,} {unit}{' is' if many == 1 else 's are'} refused; the rest is not spoilt by {'it' if many == 1 else 'them'}"
        ):
            rows = [{unit.capitalize(): one["line"], "Why": jobs.on_a_screen(one["why"])} for one in batch.refusals]
            st.dataframe(rows, hide_index=True, height=240, column_config={"Why": st.column_config.TextColumn(width="large")})
    left, right = st.columns([1, 1])
    if left.button(f"Import {count:,} conversations", type="primary", icon=":material/download_done:", disabled=not count):
        acts.attempt(lambda: jobs.start("import", {"batch_id": batch.id}, title=f"Import {batch.file_name}", by=person))
        st.rerun()
    with right, st.container(horizontal_alignment="right"):
        if st.button("Forget the file", icon=":material/delete:", type="tertiary"):
            acts.attempt(lambda: offers.forget(batch.id, by=person), done="Forgotten; nothing of it was stored.")
            st.rerun()
    with st.expander("Five of them, as they stand in the file and as they would stand here", expanded=True):
        for sample in offers.samples(batch.id, by=person):
            compare(sample)


def _of(counts: dict[str, int], kind: str) -> list[tuple[str, int]]:
    found = [(key.partition(" ")[2], some) for key, some in counts.items() if key.startswith(f"{kind} ")]
    return sorted(found, key=lambda one: -one[1])


def compare(sample: files.Sample) -> None:
    st.caption(f"{widgets.plain(sample.id)}")
    before, after = st.columns(2, border=True)
    for place, said in ((before, sample.before), (after, sample.after)):
        with place:
            for role, text in said[:4]:
                st.text(f"{SPEAKERS.get(role, role)}: {' '.join(text.split())[:280]}")


def remap(batch: ImportBatch) -> None:
    """Correct what was guessed; then it is read again."""
    mapping = offers.mapping_of(batch)
    names = list(readers.READERS)
    with st.form(f"imports_map_{batch.id}", border=False, enter_to_submit=False):
        row = st.columns([2, 2, 1.2, 1.6])
        words = {name: readers.READERS[name].WORDS for name in names}
        reader = row[0].selectbox("What it is", names, index=names.index(batch.reader), format_func=words.get)
        source = row[1].text_input("Where it is from", mapping.source, help="The same id from the same place is the same conversation.")
        channels = ["", *widgets.CHANNEL_WORDS]
        channel = row[2].selectbox(
            "Channel, if not said",
            channels,
            index=channels.index(mapping.channel or ""),
            format_func=lambda one: widgets.CHANNEL_WORDS.get(one, "As said"),
        )
        zone = row[3].text_input("Time zone, if not said", mapping.time_zone)
        columns = _columns(batch, mapping) if batch.reader == "csv" else mapping.columns
        roles = _roles(mapping)
        if st.form_submit_button("Read it this way"):
            said = replace(
                mapping,
                source=source.strip() or mapping.source,
                channel=channel or None,
                time_zone=zone.strip(),
                columns=columns,
                roles=roles,
            )
            acts.attempt(lambda: look(offers.remap(batch.id, reader, said, by=person)))
            st.rerun()


def _columns(batch: ImportBatch, mapping: Mapping) -> dict[str, str]:
    there = ["", *csv_file.columns(offers.path_of(batch))]
    st.caption("Which column holds what")
    chosen, places = {}, st.columns(4)
    for number, field in enumerate(FIELDS):
        guessed = mapping.columns.get(field, "")
        column = places[number % 4].selectbox(
            FIELD_WORDS[field], there, index=there.index(guessed) if guessed in there else 0, format_func=lambda one: one or "–",
            key=f"imports_column_{batch.id}_{field}",
        )  # fmt: skip
        if column:
            chosen[field] = column
    return chosen


def _roles(mapping: Mapping) -> dict[str, str]:
    """Words of the file that say whose words follow."""
    if not mapping.roles:
        return {}
    st.caption("Whose words these are")
    places, chosen = st.columns(4), {}
    for number, (word, role) in enumerate(sorted(mapping.roles.items())):
        told = places[number % 4].selectbox(
            widgets.plain(word), list(ROLES), index=list(ROLES).index(role) if role in ROLES else 0, format_func=ROLES.get
        )
        if told:
            chosen[word] = told
    return chosen


def earlier() -> None:
    st.subheader("Earlier imports", anchor=False)
    batches = files.latest(by=person)
    if not batches:
        everybodys = access.reach(person, "conversation.import") == access.ALL
        st.caption("No file was imported yet." if everybodys else "Nobody of your team imported a file yet.")
    for batch in batches:
        counts = batch.counts
        state = "" if batch.state == "done" else " · under way, or cut off: then the same file goes on where it stopped"
        st.markdown(
            f"**{widgets.plain(batch.file_name)}** · {widgets.when(batch.at)} · "
            f"{counts.get('new', 0):,} new, {counts.get('updated', 0):,} updated, "
            f"{counts.get('unchanged', 0):,} unchanged, {counts.get('redactions', 0):,} redacted{state}"
        )
        if batch.refusals:
            unit = readers.READERS[batch.reader].UNIT if batch.reader in readers.READERS else "line"
            many = counts.get("refused", len(batch.refusals))
            with st.expander(f"{many:,} {unit}{' was' if many == 1 else 's were'} refused"):
                for refusal in batch.refusals[:50]:
                    st.text(f"{unit.capitalize()} {refusal['line']}: {jobs.on_a_screen(refusal['why'])}")


# -- the help desk ----------------------------------------------------------------------------------------------------------------------


def followed(batch: ImportBatch) -> None:
    counts, name = batch.counts, CONNECTORS[batch.reader].NAME
    host = batch.file_name.split("/")[2].split(" ")[0]
    with st.container(border=True):
        told, action = st.columns([5, 1.4], vertical_alignment="center")
        asked = f"asked {widgets.when(batch.pulled_at)}" if batch.pulled_at else "not asked yet"
        paused = " · paused" if batch.state == following.PAUSED else ""
        told.markdown(f"**{name}** · {widgets.plain(host)} · {asked}{paused}")
        told.caption(
            f"{counts.get('new', 0):,} conversations came, {counts.get('updated', 0):,} went on, "
            f"{counts.get('redactions', 0):,} pieces of personal data replaced, {counts.get('signals', 0):,} signals."
        )
        if batch.problem:
            st.warning(widgets.plain(batch.problem), icon=":material/link_off:")
        if batch.refusals:
            with st.expander(f"{len(batch.refusals):,} could not be taken"):
                for refusal in batch.refusals[:50]:
                    st.text(refusal["why"])
        if access.may(person, "connection.propose"):
            on = batch.state == following.PAUSED
            if action.button("Go on" if on else "Pause", key=f"imports_pause_{batch.id}", width="stretch"):
                acts.attempt(lambda: following.pause(batch.id, by=person, on=not on))
                st.rerun()


def connect() -> None:
    product = st.selectbox("Help desk", list(CONNECTORS), format_func=lambda one: CONNECTORS[one].NAME, key="imports_product")
    kind = CONNECTORS[product]
    with st.form(f"imports_connect_{product}", enter_to_submit=False):
        row = st.columns(2)
        url = row[0].text_input("Address", placeholder=kind.URL)
        account = row[1].text_input(kind.ACCOUNT or "Account (not needed here)", disabled=not kind.ACCOUNT)
        secret = row[0].text_input("Key", type="password", help=kind.SECRET)
        days = row[1].number_input("Days of history", 0, connections.MOST_DAYS, 90)
        writes = st.checkbox(
            "The portal may write there", help="Recipes then tag, assign, note and reply over there. Left out: it only reads."
        )
        why = st.text_input("Why", placeholder="The approver reads it first")
        if st.form_submit_button("Propose the connection", type="primary"):
            acts.attempt(
                lambda: connections.propose_help_desk(
                    product, url or "", account or "", secret or "", why=why or "", by=person, days=int(days), writes=writes
                ),
                done="Proposed. Once an admin approved it, conversations come in.",
            )
            st.rerun()


def help_desk() -> None:
    there = following.all_followed(by=person)
    for batch in there:
        followed(batch)
    if not there:
        st.info(
            "No help desk is connected. Once one is, its conversations come in by themselves, every few minutes.", icon=":material/link:"
        )
    if not access.may(person, "connection.propose"):
        st.caption("An engineer or an admin proposes a connection, and an admin approves it.")
        return
    if there and st.button("Ask now", icon=":material/sync:"):
        acts.attempt(lambda: jobs.start("pull", {}, title="Ask the help desks", by=person))
        st.rerun()
    if job := widgets.newest_job("pull", by=person):
        widgets.follow(job, by=person)
    st.subheader("Connect one", anchor=False)
    connect()


if way == HELP_DESK:
    help_desk()
else:
    open_offers = offers.waiting(by=person)
    if open_offers:
        decide(open_offers[0])
        if len(open_offers) > 1:
            st.caption(f"{len(open_offers) - 1} more wait after this one.")
    else:
        bring()
        if done := widgets.newest_job("import", by=person):
            widgets.job_line(done)
    earlier()
