"""Writing articles on a screen: one at a time, or many from files; and taking them out again."""

import tempfile
from pathlib import Path

import streamlit as st

from data import access, downloads, people
from data.errors import Refused
from data.tables import Article, Person
from knowledge import articles, files, gaps
from knowledge.articles import Content
from portal import acts, article_files, article_text, session, widgets

EMPTY = Content("", "")
MOST_SHOWN = 20  # refused files


def new(*, by: Person) -> None:
    """An article that is not there yet; a gap or a conversation may have begun it."""
    if st.button("All articles", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    widgets.page("Write an article", "It is a draft that nobody is answered with, until two people publish it.")
    begun: Content = st.session_state.get("knowledge_begun", EMPTY)
    told = st.session_state.get("knowledge_begun_from", {})
    written = fields(begun, key="knowledge_new", by=by, button="Save the draft")
    if written is None:
        return
    made: list[Article] = []
    if acts.attempt(lambda: made.append(articles.draft(written, told=told, by=by)), done="Saved as a draft."):
        for name in ("knowledge_begun", "knowledge_begun_from"):
            st.session_state.pop(name, None)
        st.query_params.from_dict({"article": made[0].slug})
    st.rerun()


def write(article: Article, *, by: Person) -> None:
    """The next version, from the newest."""
    key = f"knowledge_write_{article.slug}"
    based_on = st.session_state.setdefault(f"{key}_from", article.newest)
    if based_on != article.newest:
        st.warning(
            f"Version {article.newest} was saved since you began with version {based_on}. Look at it under Versions; what you typed is "
            "still here.",
            icon=":material/group:",
        )
        if st.button("I have seen it: save mine after it", key=f"{key}_after"):
            st.session_state[f"{key}_from"] = article.newest
            st.rerun()
    begun = articles.content(article.slug, based_on, by=by)
    written = fields(begun, key=key, by=by, button=f"Save as version {article.newest + 1}")
    if written is None:
        return
    conversation_id = st.query_params.get("from", "")

    def save() -> object:
        if conversation_id:  # what it showed stands beside the version
            return gaps.suggest_change(article.slug, written, conversation_id, based_on=based_on, by=by)
        return articles.save(article.slug, written, based_on=based_on, by=by)

    if acts.attempt(save, done="Saved as a draft."):
        st.session_state.pop(f"{key}_from", None)
    st.rerun()


def fields(begun: Content, *, key: str, by: Person, button: str) -> Content | None:
    """What is written, once the button was pressed. Its look stands beside it."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        title = st.text_input("Title", value=begun.title, key=f"{key}_title", max_chars=articles.LONGEST_TITLE)
        text = st.text_area(
            "Text", value=begun.text, key=f"{key}_text", height=420,
            help="Markdown: # for headings, - for lists, ** around what matters. Pictures and links are not shown.",
        )  # fmt: skip
    with right:
        kind = st.selectbox(
            "Kind", list(articles.KINDS), index=list(articles.KINDS).index(begun.kind), key=f"{key}_kind",
            format_func=lambda one: f"{one.capitalize()}: {articles.KINDS[one]}",
        )  # fmt: skip
        audience = st.selectbox(
            "For", list(articles.AUDIENCES), index=list(articles.AUDIENCES).index(begun.audience), key=f"{key}_for",
            format_func=articles.AUDIENCES.__getitem__,
        )  # fmt: skip
        area = st.text_input("Area", value=begun.area, key=f"{key}_area", max_chars=80, placeholder="Returns, Delivery, …")
        active = {one.id: one.name for one in people.everybody(by=by) if one.disabled_at is None}
        owners = ["", *active]
        owner = st.selectbox(
            "Who looks after it", owners, index=owners.index(begun.owner_id or "") if begun.owner_id in active else 0, key=f"{key}_owner",
            format_func=lambda one: active.get(one, "Nobody"),
        )  # fmt: skip
        again = st.date_input("To be looked at again by", value=begun.review_by, key=f"{key}_again", format="DD.MM.YYYY")
        with st.popover("Look at it", icon=":material/visibility:"):
            article_text.show(text or "Nothing is written yet.")
    if not st.button(button, type="primary", icon=":material/save:", key=f"{key}_save"):
        return None
    return Content(title, text, kind, audience, area, begun.language, owner or None, article_files.midnight(again))


# -- files --------------------------------------------------------------------------------------------------------------------------------


def bring(*, by: Person) -> None:
    st.caption("Each becomes a draft; what is there word for word already stays as it is. Nothing is published by it.")
    uploads = st.file_uploader(
        "Markdown, HTML, CSV, JSONL", accept_multiple_files=True, key=f"knowledge_files_{st.session_state.get('knowledge_count', 0)}",
        type=["md", "markdown", "html", "htm", "csv", "jsonl"],
    )  # fmt: skip
    if uploads and st.button("Bring them", type="primary", key="knowledge_bring"):
        told: list[str] = []
        if acts.attempt(lambda: told.extend(_brought([(one.name, one.getvalue()) for one in uploads], by)), done=lambda _none: told[0]):
            st.session_state["knowledge_refused"] = told[1:]
            st.session_state["knowledge_count"] = st.session_state.get("knowledge_count", 0) + 1
        st.rerun()
    for refused in st.session_state.get("knowledge_refused", [])[:MOST_SHOWN]:
        st.markdown(f":orange[:material/block:] {widgets.plain(refused)}")


def _brought(named: list[tuple[str, bytes]], by: Person) -> list[str]:
    access.require(by, "article.bring")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, content) in enumerate(named):
            (Path(folder) / f"{number:04}-{Path(name).name[-100:]}").write_bytes(content)
        read = files.read(Path(folder))
    return [in_words(read, by=by), *(f"{where.partition('-')[2]}: {why}" for where, why in read.refused)]


def in_words(read: files.Read, *, by: Person) -> str:
    if not read.articles:
        told = "; ".join(f"{where}: {why}" for where, why in read.refused[:3]) or "the files hold no article"
        raise Refused(f"Nothing was brought: {told}.")
    source = read.articles[0].source if len(read.articles) == 1 else f"{len(read.articles):,} pages"
    brought = articles.bring(article_files.as_contents(read), source=source, by=by)
    refused = f" {len(read.refused):,} could not be read." if read.refused else ""
    return f"{brought.sentence}{refused}"


def take_out(*, by: Person) -> None:
    """What is published, as one table that can be brought again."""
    st.caption("Every published article in one table. `portal knowledge export` writes a folder of Markdown.")
    if not st.button("Download", icon=":material/download:", key="knowledge_take_out"):
        return
    kept: dict[str, str] = {}

    def act() -> None:
        table = files.as_csv(article_files.taken_out(by=by))
        kept["ticket"] = downloads.offer(downloads.keep(table.encode(), "csv"), "articles.csv", by=by, right="article.take_out")

    if acts.attempt(act):
        session.go(f"/api/v1/downloads/{kept['ticket']}")
