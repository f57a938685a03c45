"""Knowledge: the articles that answers quote. Written by anybody, published by two people, gone back to by one."""

import pandas as pd
import streamlit as st

from data import access, approvals, people
from data.tables import Article, Proposal
from data.values import Target
from knowledge import ARTICLE, articles, diff
from knowledge.articles import Filter
from portal import acts, article_form, article_text, article_versions, widgets

person = st.session_state["person"]
who = people.names()
PAGE = 25
TABS = {"read": "Read", "write": "Write", "versions": "Versions"}
STATES = {"published": "Published", "draft": "Newer drafts", "overdue": "To be looked at again", "unpublished": "Not published"}
TO_READ = "knowledge_to_read"


# -- the list -----------------------------------------------------------------------------------------------------------------------------


def everything() -> None:
    widgets.page("Knowledge", "What answers quote. Find an article, write one, or ask a question of all of them (A).")
    with st.container(horizontal=True, vertical_alignment="center"):
        if access.may(person, "article.draft") and st.button("Write an article", type="primary", icon=":material/edit_note:"):
            st.query_params["write"] = "new"
            st.rerun()
        bring()
        take_out()
    chosen = narrowed()
    total = articles.counted(chosen, by=person)
    if not total:
        nothing_fits(chosen)
        return
    pages = -(-total // PAGE)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"{total:,} {'article' if total == 1 else 'articles'}", width="content")
        publish_these(chosen, total)
        page = st.pagination(pages, key=f"knowledge_page_{hash(chosen)}") if pages > 1 else 1
    table(articles.listed(chosen, by=person, page=(page or 1) - 1, size=PAGE))


def narrowed() -> Filter:
    row = st.columns([3, 1.4, 1.6, 1.8], vertical_alignment="bottom")
    words = row[0].text_input("Title", key="words", bind="query-params", placeholder="Words of its title", icon=":material/search:")
    kind = row[1].selectbox("Kind", list(articles.KINDS), index=None, key="kind", bind="query-params", placeholder="All")
    area = row[2].selectbox("Area", articles.areas(by=person), index=None, key="area", bind="query-params", placeholder="All")
    state = row[3].selectbox(
        "State", list(STATES), index=None, key="state", bind="query-params", placeholder="All", format_func=STATES.__getitem__
    )
    return Filter(words=words or "", kind=kind or "", area=area or "", state=state or "")


def nothing_fits(chosen: Filter) -> None:
    if chosen != Filter():
        st.info("No article fits. Take a filter away.", icon=":material/search_off:")
        return
    st.info(
        "There is no article yet. Write one, or bring the help pages you have: Markdown, HTML, CSV. Until two people published "
        "one, every question is answered with silence.",
        icon=":material/menu_book:",
    )


def table(listed: list[Article]) -> None:
    frame = pd.DataFrame(
        {
            "Read": ["Read" for _ in listed],
            "Title": [one.title for one in listed],
            "State": [in_words(one) for one in listed],
            "Look at it again by": [again(one) for one in listed],
            "Area": [one.area or "–" for one in listed],
            "Owner": [who.get(one.owner_id or "", "–") for one in listed],
            "Kind": [one.kind for one in listed],
            "For": ["staff only" if one.audience == articles.STAFF else "everyone" for one in listed],
        }
    )
    st.dataframe(
        frame, hide_index=True, height="content", key=f"knowledge_table_{hash(tuple(one.slug for one in listed))}",
        column_config={"Read": st.column_config.ButtonColumn("", key=TO_READ, type="tertiary", width=60)},
    )  # fmt: skip
    if pressed := st.session_state.get(TO_READ):
        st.query_params.from_dict({"article": listed[pressed["row"]].slug})
        st.rerun()


def in_words(article: Article) -> str:
    if article.live is None:
        return "not published"
    newer = f", draft {article.newest}" if article.newest > article.live else ""
    return f"published, version {article.live}{newer}"


def again(article: Article) -> str:
    if article.review_by is None:
        return "–"
    return f"{'overdue, ' if is_late(article) else ''}{widgets.day(article.review_by)}"


def is_late(article: Article) -> bool:
    return article.review_by is not None and article.review_by < widgets.now()


def bring() -> None:
    if not access.may(person, "article.bring"):
        return
    with st.popover("Bring files", icon=":material/upload_file:"):
        article_form.bring(by=person)


def take_out() -> None:
    if access.may(person, "article.take_out") and articles.counted(Filter(), by=person):
        with st.popover("Take out", icon=":material/download:"):
            article_form.take_out(by=person)


def publish_these(chosen: Filter, total: int) -> None:
    """All that the filter leaves, where it leaves drafts only: how a folder that was brought gets published."""
    if chosen.state not in ("draft", "unpublished") or not access.may(person, "article.propose"):
        return
    most = articles.MOST_AT_ONCE
    count = min(total, most)
    with st.popover(f"Propose to publish {'these' if total <= most else 'the first'} {count:,}", icon=":material/how_to_vote:"):
        found = articles.listed(chosen, by=person, size=count)
        article_versions.propose([Target(ARTICLE, one.slug, one.newest) for one in found], key="knowledge_many", by=person)


# -- one article --------------------------------------------------------------------------------------------------------------------------


def one_article(article: Article) -> None:
    if st.button("All articles", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    st.title(widgets.plain(article.title), anchor=False)
    about(article)
    default = st.query_params.get("tab", "read")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        shown = st.segmented_control(
            "Show", list(TABS), format_func=TABS.__getitem__, default=default if default in TABS else "read", required=True,
            label_visibility="collapsed", key=f"knowledge_tab_{article.id}",
        )  # fmt: skip
        with st.container(horizontal=True, width="content"):
            propose(article)
            retire(article)
    if shown == "write" and access.may(person, "article.draft"):
        article_form.write(article, by=person)
    elif shown == "versions":
        article_versions.show(article, by=person)
    else:
        read(article)


def about(article: Article) -> None:
    owner = who.get(article.owner_id or "", "nobody")
    words = "another look is overdue since" if is_late(article) else "to be looked at again by"
    by_when = f" · {words} {widgets.day(article.review_by)}" if article.review_by else ""
    audience = "staff only" if article.audience == articles.STAFF else "for everyone"
    told = f"{article.kind.capitalize()} · {article.area or 'no area'} · {audience} · {owner} looks after it{by_when}"
    st.caption(widgets.plain(told))
    if article.live is None:
        st.warning("Not published: no answer quotes it. Propose it, and a second person decides.", icon=":material/visibility_off:")
    elif article.newest > article.live:
        st.info(f"Version {article.live} is published. Version {article.newest} is a draft that nobody is answered with yet.")


def read(article: Article) -> None:
    number = article.live or article.newest
    with st.container(border=True):
        article_text.show(articles.content(article.slug, number, by=person).text)
    st.caption(f"Version {number}. Cases and answers know it as {widgets.plain(article.slug)}.")


def propose(article: Article) -> None:
    if article.newest == article.live or not access.may(person, "article.propose"):
        return
    if waits := waiting_for(article):
        st.page_link(
            "screens/approvals.py", label=f"Version {article.newest} waits for approval", icon=":material/how_to_vote:",
            query_params={"proposal": waits.id},
        )  # fmt: skip
        return
    with st.popover(f"Propose to publish version {article.newest}", icon=":material/how_to_vote:"):
        target = Target(ARTICLE, article.slug, article.newest)
        if article.live:
            old, new = (articles.content(article.slug, number, by=person) for number in (article.live, article.newest))
            st.caption(widgets.plain(f"Against what is published: {diff.in_words(old.text, new.text)}"))
        article_versions.propose([target], key=f"knowledge_{article.slug}_{article.newest}", by=person)


def waiting_for(article: Article) -> Proposal | None:
    """What asks a second person to publish its newest version, alone or with others."""
    wanted = (article.slug, article.newest)
    found = (one for one in approvals.waiting(by=person) if one.kind == "publish_articles")
    return next((one for one in found if wanted in {(told["slug"], told["number"]) for told in one.payload["articles"]}), None)


def retire(article: Article) -> None:
    if article.live is None or not access.may(person, "article.go_back"):
        return
    with st.popover("Take out of use", icon=":material/do_not_disturb_on:"):
        st.caption("No answer quotes it from then on. It can be published again with one click.")
        why = st.text_input("Why", key="knowledge_why_retire", placeholder="We no longer sell it, …")
        if st.button("Take it out of use", key="knowledge_retire"):
            acts.attempt(lambda: articles.retire(article.slug, why=why, by=person), done="Taken out of use.")
            st.rerun()


def main() -> None:
    if st.query_params.get("write") == "new" and access.may(person, "article.draft"):
        article_form.new(by=person)
        return
    slug = st.query_params.get("article")
    found = articles.get(slug, by=person) if slug else None
    if found is not None:
        one_article(found)
        return
    if slug:
        st.info("That article is not here.", icon=":material/search_off:")
    everything()


main()
