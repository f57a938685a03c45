"""One page for each decision of a recipe: read on the screen, or printed from one file that needs nothing else."""

from html import escape

import streamlit as st

from automations import decision
from automations.decision import Record
from data import access, downloads
from data.tables import Person
from portal import acts, session, widgets

RIGHT = "automation.read"
STYLE = """
@page { size: A4; margin: 12mm }
body { font: 14px/1.45 system-ui, sans-serif; color: #101617; background: #fff; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 0 .3rem } h2 { font-size: 1.05rem; margin: 1.4rem 0 .3rem }
table { border-collapse: collapse; width: 100% } tr { break-inside: avoid }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid #d4dada }
th { width: 13rem; font-weight: 600 } td { overflow-wrap: anywhere; white-space: pre-wrap }
p.about { color: #48565a }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 8.5pt; line-height: 1.2 } h1 { font-size: 13pt } p { margin: .2rem 0 }
  h2 { font-size: 9.5pt; margin: .35rem 0 .05rem; break-after: avoid } th, td { padding: .05rem .5rem .05rem 0 } th { width: 11rem }
}
"""


def page(record: Record) -> str:
    """One file: no script, nothing from elsewhere, and every sign of a text stands for itself."""
    parts = "".join(
        f"<h2>{escape(part.title)}</h2><table>{''.join(_row(title, said) for title, said in part.lines)}</table>" for part in record.parts
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Decision record: {escape(record.title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>Decision record: {escape(record.title)}</h1><p>{escape(record.sentence)}</p>"
        f'<p class="about">Of {escape(decision.told(record.at))}. Customers\' names and what tells who they are stand nowhere in it.</p>'
        f"{parts}</body></html>\n"
    )


def _row(title: str, said: str) -> str:
    return f'<tr><th scope="row">{escape(title)}</th><td>{escape(said)}</td></tr>'


def show(trace_id: str, *, by: Person) -> None:
    """The same on the screen."""
    record = decision.record(trace_id, by=by)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(widgets.plain(record.sentence), width="stretch")
        if st.button("Download to print", icon=":material/print:", key="automations_record_file"):
            download(record, by=by)
    for place, part in enumerate(record.parts):
        st.markdown(f"**{widgets.plain(part.title)}**")
        with st.container(border=True, gap="xxsmall", key=f"automations_record_{place}"):
            for title, said in part.lines:
                left, right = st.columns([1, 3], gap="small")
                left.markdown(f":gray[{widgets.plain(title)}]")
                right.markdown(widgets.plain(said))


def download(record: Record, *, by: Person) -> None:
    """Through a ticket for this person alone."""
    tickets: list[str] = []

    def act() -> None:
        access.require(by, RIGHT)
        file = downloads.keep(page(record).encode(), "html")
        tickets.append(downloads.offer(file, f"decision-{record.trace_id}.html", by=by, right=RIGHT))

    if acts.attempt(act):
        session.go(f"/api/v1/downloads/{tickets[0]}")
