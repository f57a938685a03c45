"""What one customer may get from all recipes together: the limit in force, where it is written, and the form that proposes another."""

from decimal import Decimal

import streamlit as st

from automations import limits
from automations.limits import Limit
from data import access, approvals, settings
from data.tables import Person
from knowledge import articles
from portal import acts, widgets

FIRST = Limit(money=Decimal(100), currency="EUR")
NONE = ""
MOST_ARTICLES = 200


def section(person: Person) -> None:
    limit = limits.current()
    told = f"two people decide above {limit.told}" if limit else "none for a customer"
    with st.expander(f"Limits: {told}", icon=":material/speed:", key="automations_limits"):
        st.markdown(
            "Each recipe has limits of its own. Beside them counts what one customer gets from all recipes together: above it an act "
            "waits until two people said yes."
        )
        _in_force(limit, person)
        waiting = [one for one in approvals.waiting(by=person) if one.kind == limits.KIND]
        for proposal in waiting:
            st.page_link(
                "screens/approvals.py", label=f"Waits for a second person: {widgets.plain(proposal.title)}",
                icon=":material/hourglass_top:", query_params={"proposal": proposal.id},
            )  # fmt: skip
        if access.may(person, "limit.propose"):
            _form(limit or FIRST, person)
            if limit:
                _take_away(person)
        else:
            st.caption("A lead or an engineer proposes another limit; an engineer or an admin approves it.")


def _in_force(limit: Limit | None, person: Person) -> None:
    if limit is None:
        st.info(
            "There is no such limit yet. The first one needs a second person's yes, as every change of it does.", icon=":material/speed:"
        )
        return
    since = settings.history(limits.NAME)[0]
    st.markdown(f"**{widgets.plain(limit.told)}** · number {since.number}, in force since {widgets.when(since.at)}")
    passage = limits.passage_of(limit)
    if not passage:
        gone = "The article that it named is not published any more." if limit.article else "It is written in no article."
        st.caption(f"{gone} Whoever approves an act sees no policy beside it.")
        return
    with st.container(border=True):
        under = f" › {passage['heading']}" if passage["heading"] else ""
        st.markdown(widgets.plain(f"{passage['title']}{under}"))
        st.text(passage["text"])
    if access.may(person, "article.read"):
        query = {"article": str(passage["slug"])}
        st.page_link("screens/knowledge.py", label="Open the article", icon=":material/menu_book:", query_params=query)


def _form(now: Limit, person: Person) -> None:
    """Without a form around it: the parts of an article are known once it is chosen."""
    st.markdown("**Propose another**")
    row = st.columns([2, 1, 2])
    money = row[0].number_input("A customer gets at most", 0.01, 1_000_000.0, float(now.money), 10.0, "%.2f", key="automations_limit_money")
    currency = row[1].text_input("Currency", now.currency, max_chars=3, key="automations_limit_currency")
    days = row[2].number_input("within so many days", 1, 365, now.days, key="automations_limit_days")
    article, heading = _written(now, person)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        why = st.text_input("Why", key="automations_limit_why", placeholder="The approver reads it first")
        pressed = st.button("Propose this limit", icon=":material/how_to_reg:", key="automations_limit_propose")
    if pressed:
        acts.attempt(
            lambda: limits.propose(
                Decimal(f"{money:.2f}"), currency or "", int(days), article=article, heading=heading, why=why, by=person
            ),
            done="Proposed. An engineer or an admin who is not you decides.",
        )  # fmt: skip
        st.rerun()


def _written(now: Limit, person: Person) -> tuple[str, str]:
    """The article, and the part of it, that an approver sees."""
    found = articles.listed(articles.Filter(kind="policy", state="published"), by=person, size=MOST_ARTICLES)
    titles = {NONE: "No article"} | {one.slug: one.title for one in found}
    row = st.columns(2)
    known = list(titles)
    article = row[0].selectbox(
        "It is written in", known, index=known.index(now.article) if now.article in titles else 0, format_func=titles.__getitem__,
        key="automations_limit_article", help="Published articles of the kind policy. Whoever approves an act reads this part of it",
    )  # fmt: skip
    parts = limits.headings(article, by=person) if article else []
    if len(parts) < 2:
        return article, parts[0] if parts else ""
    heading = row[1].selectbox(
        "under", parts, index=parts.index(now.heading) if now.heading in parts else 0, key=f"automations_limit_heading_{article}",
        format_func=lambda part: part or "its beginning",
    )  # fmt: skip
    return article, heading


def _take_away(person: Person) -> None:
    with st.popover("Take the limit away", icon=":material/block:"):
        st.caption("Each recipe would be held to its own limits alone. A second person decides.")
        why = st.text_input("Why", key="automations_limit_none_why")
        if st.button("Propose to take it away", key="automations_limit_none"):
            acts.attempt(lambda: limits.propose_none(why=why, by=person), done="Proposed. An engineer or an admin who is not you decides.")
            st.rerun()
