"""Import: a file of conversations comes in through the one door."""

import streamlit as st

from data.intake import files
from portal import acts, jobs, widgets

person = st.session_state["person"]
widgets.page(
    "Import",
    "Conversations come in as JSONL, one conversation a line. Payment cards and e-mail addresses are replaced before anything is stored.",
)

upload = st.file_uploader("A file of conversations", type=["jsonl"], key=f"imports_file_{st.session_state.get('imports_count', 0)}")


def start() -> object:
    path = files.keep_upload(upload.getvalue(), by=person)
    return jobs.start("import", {"path": str(path), "name": upload.name}, title=f"Import {upload.name}", by=person)


if st.button("Import the file", type="primary", icon=":material/upload_file:", disabled=upload is None) and acts.attempt(start):
    st.session_state["imports_count"] = st.session_state.get("imports_count", 0) + 1
    st.rerun()

job = widgets.newest_job("import", by=person)
if job:
    widgets.follow(job, by=person)

with st.expander("What a line looks like"):
    st.code(
        '{"id": "1001", "source": "helpdesk", "channel": "chat", "customer": "anna", "messages": ['
        '{"role": "customer", "text": "Where is my order?"}, {"role": "rep", "text": "On its way, it comes on Tuesday."}]}',
        language="json",
        wrap_lines=True,
    )

st.subheader("Earlier imports", anchor=False)
batches = files.latest(by=person)
if not batches:
    st.caption("No file was imported yet.")
for batch in batches:
    counts = batch.counts
    state = "" if batch.state == "done" else " · cut off; importing the same file goes on where it stopped"
    st.markdown(
        f"**{widgets.plain(batch.file_name)}** · {widgets.when(batch.at)} · "
        f"{counts.get('new', 0):,} new, {counts.get('updated', 0):,} updated, "
        f"{counts.get('unchanged', 0):,} unchanged, {counts.get('redactions', 0):,} redacted{state}"
    )
    if batch.refusals:
        with st.expander(f"{len(batch.refusals):,} lines were refused"):
            for refusal in batch.refusals[:50]:
                st.text(f"Line {refusal['line']}: {refusal['why']}")
