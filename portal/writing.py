"""A model writes what was quoted, for versions that write: begun beside the quoted answer, and followed until it takes its place."""

import streamlit as st

from data import connections
from data.tables import Person, Trace
from knowledge import answering
from portal import jobs, widgets

WRITES = "This is quoted. A model writes it, and that takes its place when each sentence was checked."
LOOKS_AGAIN = "A model says the question in other words. If an article covers it then, the answer takes the place of this."


def begin(trace: Trace, *, by: Person) -> None:
    """In the background; of a version that quotes, and without a model endpoint, the quoted answer is all there is."""
    if answering.may_be_written(trace) and connections.endpoint() is not None:
        jobs.start("write_answer", {"trace_id": trace.id}, title="Write the answer", by=by)


def follow(trace: Trace, *, by: Person) -> None:
    """Which of the two this is, as long as that can change."""
    job = widgets.newest_job("write_answer", by=by, arguments={"trace_id": trace.id})
    if job is None or job.state == "done":
        return
    silent = bool((trace.said or {}).get("declined"))
    if job.state in ("waiting", "running"):
        st.caption(f":material/edit: {LOOKS_AGAIN if silent else WRITES}")
        widgets.follow(job, by=by)
    else:
        st.caption(widgets.plain(f"{'Not looked for in other words' if silent else 'Quoted instead of written'}: {job.error}"))
