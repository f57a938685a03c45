"""An article's versions: who wrote which, what changed between two, how one gets published, and the way back."""

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from data import access, people, releases
from data.tables import Article, Person, Version
from data.values import Target
from knowledge import ARTICLE, articles, diff, trying
from portal import acts, jobs, widgets

MOST_CASES = 5
MOST_SHOWN = 40  # paragraphs in a row that changed
FIELDS = {
    "title": "Title", "kind": "Kind", "audience": "For", "area": "Area", "language": "Language", "owner_id": "Owner",
    "review_by": "To be looked at again by",
}  # fmt: skip


def show(article: Article, *, by: Person) -> None:
    versions = articles.history(article.slug, by=by)
    published = {one.target_number: one for one in releases.history(ARTICLE, article.slug)}
    numbers = [one.target_number for one in versions]
    if len(numbers) > 1:
        row = st.columns(2)
        later = row[0].selectbox("Version", numbers, key=f"knowledge_later_{article.slug}")
        others = [number for number in numbers if number != later]
        before = next((number for number in others if number < later), others[0])
        earlier = row[1].selectbox("against", others, index=others.index(before), key=f"knowledge_earlier_{article.slug}_{later}")
        between(article, earlier, later, by=by)
    st.subheader("All versions", anchor=False)
    for version in versions:
        line(article, version, version.target_number in published, by=by)


def between(article: Article, earlier: int, later: int, *, by: Person) -> None:
    """What changed from one to the other, as one reads it."""
    old, new = (articles.content(article.slug, number, by=by) for number in (earlier, later))
    names = people.names()
    for name, words in FIELDS.items():
        was, is_now = (_said(getattr(one, name), names) for one in (old, new))
        if was != is_now:
            st.markdown(f"**{words}**: {widgets.plain(was)} → {widgets.plain(is_now)}")
    with st.container(border=True):
        st.caption(widgets.plain(f"From version {earlier} to {later}: {diff.in_words(old.text, new.text)}"))
        changes(diff.readable(old.text, new.text))


def changes(found: list[diff.Change]) -> None:
    """What is as it was is told in a line; what changed is read in place."""
    for kind, some in groupby(found, key=lambda one: one.kind):
        told = list(some)
        if kind == diff.KEPT:
            st.caption(f"{len(told)} {'paragraph' if len(told) == 1 else 'paragraphs'} as before")
            continue
        for one in told[:MOST_SHOWN]:
            st.markdown(changed(one))
        if len(told) > MOST_SHOWN:
            st.caption(f"{len(told) - MOST_SHOWN:,} more paragraphs {kind}")


def changed(one: diff.Change) -> str:
    """Never by colour alone: what is gone is struck out, what came stands in bold."""
    if one.kind == diff.ADDED:
        return f":green[:material/add: {_marked('**', one.after)}]"
    if one.kind == diff.REMOVED:
        return f":red[:material/remove: {_marked('~~', one.before)}]"
    return "".join(_run(run) for run in one.runs)


def _run(run: diff.Run) -> str:
    if run.kind == diff.KEPT:
        return widgets.plain(run.text)
    colour, mark = ("green", "**") if run.kind == diff.ADDED else ("red", "~~")
    return f" :{colour}[{_marked(mark, run.text)}] "


def _marked(mark: str, text: str) -> str:
    """Within one line: a mark does not reach over an empty one."""
    return "  \n".join(f"{mark}{widgets.plain(words)}{mark}" for line in text.splitlines() if (words := line.strip().lstrip("#").strip()))


def _said(value: object, names: dict[str, str]) -> str:
    if value in (None, ""):
        return "nothing"
    return names.get(str(value), str(value)[:10] if hasattr(value, "isoformat") else str(value))


def line(article: Article, version: Version, was_published: bool, *, by: Person) -> None:
    number = version.target_number
    who = people.names()
    writers = " and ".join(who.get(one, "Somebody") for one in version.authors)
    state = " · **published**" if number == article.live else " · was published" if was_published else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{number}** · {widgets.plain(writers)}, {widgets.when(version.at)}{state}{_from(version)}", width="stretch")
        if was_published and number != article.live and access.may(by, "article.go_back"):
            go_back(article, number, by=by)


def _from(version: Version) -> str:
    if source := version.manifest.get("source"):
        return f" · brought from {widgets.plain(str(source)[:80])}"
    return " · suggested from a conversation" if version.manifest.get("conversation") else ""


def go_back(article: Article, number: int, *, by: Person) -> None:
    with st.popover(f"Publish {number} again", icon=":material/undo:"):
        why = st.text_input("Why", key=f"knowledge_back_why_{number}", placeholder="The new limits were a mistake, …")
        if st.button("Publish it again", key=f"knowledge_back_{number}"):
            acts.attempt(lambda: articles.go_back(article.slug, number, why=why, by=by), done=f"Version {number} is published again.")
            st.rerun()


def propose(targets: Sequence[Target], *, key: str, by: Person) -> None:
    """Asks a second person for exactly these versions, once it is known what they do to the cases they touch."""
    despite = ""
    if trying.anything_to_try():
        study = trying.newest(targets, by=by)
        if study is None:
            try_first(targets, key=key, by=by)
            return
        if changed := trying.changed_since(study):
            st.caption(widgets.plain(f"It was tried, and {changed} since then: that try says nothing of now."))
            try_first(targets, key=key, by=by)
            return
        found = trying.tried(study)
        st.markdown(widgets.plain(found.sentence))
        for sort, word in (("broken", ":red[:material/close: breaks]"), ("fixed", ":green[:material/check: fixes]")):
            for line in study.told[sort][:MOST_CASES]:
                st.caption(f"{word} {widgets.plain(line['set'])} {line['number']}: {widgets.plain(line['question'][:140])}")
        if found.broken:
            despite = st.text_input("Why it is right although it breaks them", key=f"{key}_despite")
    why = st.text_input("Why", key=f"{key}_why", placeholder="The approver reads it first")
    if st.button("Propose it", key=f"{key}_propose"):
        acts.attempt(lambda: trying.propose(targets, why=why, despite=despite, by=by), done="Proposed. Another lead or engineer decides.")
        st.rerun()


def try_first(targets: Sequence[Target], *, key: str, by: Person) -> None:
    arguments: dict[str, object] = {"articles": [[target.name, target.number] for target in targets]}
    task = widgets.newest_job("try_articles", by=by, arguments=arguments)
    if task and task.state in ("waiting", "running"):
        widgets.follow(task, by=by)
        return
    st.caption("First it is tried on the cases of eval sets that it touches: what it fixes, what it breaks.")
    if st.button("Try it", key=f"{key}_try", type="primary", icon=":material/science:"):
        acts.attempt(lambda: jobs.start("try_articles", arguments, title="Try articles on the cases they touch", by=by))
        st.rerun()
    if task:
        widgets.job_line(task)
