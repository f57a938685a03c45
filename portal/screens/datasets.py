"""Datasets: what was built for engineers, from what, and how to build the next."""

import streamlit as st

from data import access, datasets, people
from data.tables import DatasetVersion
from portal import acts, session, widgets

person = st.session_state["person"]
widgets.page(
    "Datasets",
    "Reviewed conversations as files for training. Eval cases, their customers and duplicates are refused.",
)

built = datasets.all_versions(by=person)
who = people.names()
if not built:
    st.info("No dataset was built yet. An engineer builds one on the command line, as shown below.", icon=":material/dataset:")


def offer(version: DatasetVersion) -> None:
    """The whole build as one file, for one ticket."""
    may = version.file_key and access.may(person, "dataset.download")
    if may and st.button("Download", key=f"datasets_download_{version.id}", icon=":material/download:"):
        kept: dict[str, str] = {}
        if acts.attempt(lambda: kept.update(ticket=datasets.download(version.id, by=person))):
            session.go(f"/api/v1/downloads/{kept['ticket']}")
        acts.show_notice()


for version in built:
    with st.container(border=True):
        counts = version.counts
        st.subheader(f"{widgets.plain(version.name)} {version.number}", anchor=False)
        st.caption(
            f"Built by {widgets.plain(who.get(version.by_person_id or '', 'the console'))}, {widgets.when(version.at)}, as {version.format}"
        )
        numbers = st.columns(5)
        for place, (words, key) in zip(
            numbers,
            (("Rows", "rows"), ("Train", "train"), ("Validation", "validation"), ("Test", "test"), ("Left out", "refused")),
            strict=True,
        ):
            place.metric(words, f"{counts.get(key, 0):,}")
        offer(version)
        with st.expander("Its card"):
            st.text(version.card)

st.subheader("Build one", anchor=False)
st.markdown("A definition is a few lines of YAML:")
st.code("name: Strong replies\nverdicts: [strong]\nintents: []        # none named: all of them\nchannels: [chat, email]\n", language=None)
st.code("portal dataset build strong.yaml --as sft --out out/\nportal dataset build strong.yaml --as csv --out out/", language=None)
