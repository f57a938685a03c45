"""What is found out about a version when somebody asks: what it would change, what more examples would bring, what it says to a text."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from classifiers import impact, studies
from data import access, conversations, labels, versions
from data.errors import Refused
from data.measures import percent
from data.tables import Person, Version
from portal import acts, charts, jobs, widgets

ALL = 10_000_000


def would_change(version: Version, person: Person) -> None:
    """Over the last 30 days: how many, from what to what, and which."""
    kept = studies.newest(version, studies.IMPACT, by=person)
    found = impact.Impact.of(kept.told) if kept else None
    if found is None:
        st.caption("Not looked at yet: what this version would have said in the last 30 days, beside what was said.")
    else:
        st.markdown(f"**{widgets.plain(found.sentence)}**")
        flips(found, person)
    if is_looking(version, "preview", person):
        return
    if found is None:
        begin("Look at the last 30 days", "preview", version, person)
    elif not found.is_whole:
        begin(f"Look at all {found.came:,}", "preview", version, person, sample=ALL)


def flips(found: impact.Impact, person: Person) -> None:
    if not found.flips:
        return
    words = [f"{one.sentence}: {one.count:,}" for one in found.flips]
    chosen = found.flips[
        st.selectbox("From what to what", range(len(words)), format_func=words.__getitem__, key=f"study_flip_{found.number}")
    ]
    widgets.openings(chosen.conversation_ids, by=person)


def is_looking(version: Version, name: str, person: Person) -> bool:
    """Whether it is being looked at now; shown while it is."""
    job = widgets.newest_job(name, by=person, arguments={"name": version.target_name, "number": version.target_number})
    if job is None or job.state == "done":
        return False
    widgets.follow(job, by=person)
    return job.state in ("waiting", "running")


def begin(words: str, name: str, version: Version, person: Person, **more: int) -> None:
    target = versions.target_of(version)
    arguments = {"name": target.name, "number": target.number}
    if access.may(person, jobs.RIGHTS[name]) and st.button(words, key=f"study_{name}_{version.id}", icon=":material/search:"):
        acts.attempt(lambda: jobs.start(name, arguments | more, title=f"{words}: {target}", by=person))
        st.rerun()


def more_examples(version: Version, person: Person) -> None:
    """How much better it got with more examples, and of which intents more would help."""
    kept = studies.newest(version, studies.CURVE, by=person)
    if kept is None:
        st.caption("Not looked at yet: it learns from an eighth, a quarter, half and all of the examples. That takes up to three minutes.")
    elif not kept.told["points"]:
        st.caption("There are too few conversations to tell what more of them would bring.")
    else:
        st.altair_chart(charts.learning_curve(kept.told["points"], title="Right, by how many examples it learned from"))
        for sentence in kept.told["sentences"][:8] or ["Of no single intent it can be told yet what more examples would bring."]:
            st.markdown(f":material/trending_up: {widgets.plain(sentence)}")
    if not is_looking(version, "curve", person):
        begin("See what more examples would bring" if kept is None else "Look again", "curve", version, person)


def try_a_text(version: Version, person: Person) -> None:
    """What it says to one text, the words that speak for it and the nearest examples."""
    text = st.text_area("What a customer might write", key=f"study_text_{version.id}", max_chars=20_000, height=90)
    if not text.strip():
        st.caption("Nothing of it is kept.")
        return
    from classifiers import serving  # opens the model: only where somebody asks

    try:
        found = serving.why(versions.target_of(version), text)
    except Refused as refused:
        st.warning(widgets.plain(str(refused)))
        return
    names = labels.names()
    st.markdown(what_it_says(found.guess, names))
    st.markdown(widgets.plain(found.sentence))
    nearest = {made: (label_id, alike) for made, label_id, alike in found.nearest}
    ids = conversations.reachable(list(nearest), by=person)
    beginnings = conversations.beginnings(ids)
    if ids:
        st.dataframe(
            pd.DataFrame(
                {
                    "Alike": [percent(nearest[one][1]) for one in ids],
                    "Intent" if version.target_name == labels.INTENT else "Label": [names.get(nearest[one][0], "?") for one in ids],
                    "The nearest it learned from": [beginnings[one] for one in ids],
                }
            ),
            hide_index=True, column_config={"The nearest it learned from": st.column_config.TextColumn(width="large")},
        )  # fmt: skip


def what_it_says(guess: Any, names: Mapping[str, str]) -> str:
    """All that it says, then what comes next to it."""
    told = {made: f"{widgets.plain(names.get(made, '?'))} {percent(share)}" for made, share in guess.top}
    first, *others = told.values()
    if guess.becomes == "answers":  # of many that come up only the likeliest have their share beside them
        spoken = [told.get(made) or widgets.plain(names.get(made, "?")) for made in (guess.label_id, *guess.also)]
        others = [words for made, words in told.items() if made not in (guess.label_id, *guess.also)]
        begins = f"It says **{'** and **'.join(spoken)}**"
    elif guess.becomes == "names both":
        begins = f"It is between **{first}** and **{others[0]}**"
    elif guess.becomes == "asks":
        begins = f"It does not answer by itself, but shows a person **{first}**"
    else:
        begins = f"It keeps silent; likeliest is {first}"
    return f"{begins}. Then: {', '.join(others)}." if others else f"{begins}."
