"""A recipe on what came before: the job that looks, its verdict in words, the figures, and the conversations behind them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from automations import RECIPE, backtest, running
from data import access, conversations
from data.measures import Share, percent
from data.tables import Person
from data.values import Target
from portal import acts, jobs, recipe_growing, widgets

PAGE = 25
TO_READ = "automations_to_read"
ALL, BREACHES, UNLIKE, ASKS = "All", "Breaches", "Unlike people", "Asks a yes"
STATES = {
    running.DONE: "goes through", running.WAITING: "waits for the customer", running.HANDED_OVER: "hands over", running.STOPPED: "stops",
    running.SKIPPED: "leaves it alone",
}  # fmt: skip
SLICES = {"channel": "Channel", "segment": "Customers", "language": "Language"}


def section(name: str, number: int, *, changed: bool, person: Person) -> None:
    """Of a version that was saved; what is only typed is not in it."""
    if changed:
        st.info(f"It looks at version {number} as it was saved. What was changed since is not in it.", icon=":material/edit:")
    recipe_growing.section(name, number, person)
    target = Target(RECIPE, name, number)
    study = backtest.newest(target, by=person)
    busy = look(target, study, person)
    if study is not None:
        drawn(study, person)
    elif not busy:
        st.info(
            f"Version {number} was not backtested yet. It then shows on the last {backtest.MOST} conversations that it is for what it "
            "would have done, beside what people did. Nothing is sent or paid.",
            icon=":material/history:",
        )


def look(target: Target, study: backtest.Looked | None, person: Person) -> bool:
    """The button and the job; whether it is under way."""
    arguments: dict[str, Any] = {"name": target.name, "number": target.number}
    job = widgets.newest_job("backtest", by=person, arguments=arguments)
    busy = job is not None and job.state in ("waiting", "running")
    if access.may(person, "automation.draft") and not busy:
        words = f"Backtest on the last {backtest.MOST}"
        kind = "secondary" if study else "primary"
        if st.button(words, type=kind, icon=":material/history:", key=f"automations_backtest_{target.number}"):  # type: ignore[arg-type]
            acts.attempt(lambda: jobs.start("backtest", arguments, title=f"Backtest {target.name} {target.number}", by=person))
            st.rerun()
    if job is not None and job.state != "done":
        widgets.follow(job, by=person)
    return busy


def drawn(study: backtest.Looked, person: Person) -> None:
    told = study.told
    st.markdown(f"**{widgets.plain(told['sentence'])}**")
    st.caption(
        f"Version {told['number']} on {told['conversations']:,} conversations, newest first; {told['eligible']:,} of them are for it · "
        f"looked {widgets.when(study.at)}",
        help=widgets.exact(study.at),
    )
    figures(told)
    slices(told["slices"])
    table(told["lines"], told["currency"], study.id, person)


def figures(told: Mapping[str, Any]) -> None:
    agrees, covers = Share(*told["agrees"]), Share(*told["covers"])
    machine, people = Decimal(told["money"]["machine"]), Decimal(told["money"]["people"])
    with st.container(horizontal=True, key="automations_figures", gap="small"):
        figure("Agrees with people", interval(agrees), "The same money moved, or none, where it has something for the customer")
        figure("Has something", interval(covers), "For the customer: an answer, a draft or money, of all conversations that were looked at")
        if told["currency"]:
            figure(f"Money, {told['currency']}", (f"{machine:,.2f}", f"people {people:,.2f}"), "Where it has something for the customer")
        figure("Breaches", (f"{told['breaches']:,}", f"of {told['eligible']:,}"), "Stopped by its own limits, or by what the shop allows")
        figure(
            "Alone",
            (f"{told['alone']:,}", f"{told['minutes']:,.0f} min of people"),
            "Done without anybody, and the time people took for those",
        )
        figure("Asks a yes", (f"{told['asked']:,}", f"hands over {told['handed_over']:,}"), "A person decides before anything is done")


def figure(title: str, said: tuple[str, str], about: str) -> None:
    with st.container(border=True, width="content", gap=None):
        st.caption(title, help=about)
        st.markdown(f"**{said[0]}**  \n:gray[{said[1]}]")


def interval(share: Share) -> tuple[str, str]:
    if not share.n:
        return "–", "no case"
    low, high = share.interval
    return percent(share.value), f"{low * 100:.0f}–{high * 100:.0f}, n = {share.n:,}"


def slices(told: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    there = {name: rows for name, rows in told.items() if len(rows) > 1}
    if not there:
        return
    with st.expander("By channel, customers and language", icon=":material/pie_chart:"):
        for name, rows in there.items():
            frame = pd.DataFrame(
                {
                    SLICES.get(name, name): [widgets.CHANNEL_WORDS.get(str(row["name"]), str(row["name"])) for row in rows],
                    "Agrees with people": [str(Share(row["agrees"], row["n"])) for row in rows],
                }
            )
            st.dataframe(frame, hide_index=True, height="content")


# -- the conversations behind it ----------------------------------------------------------------------------------------------------------


def table(lines: Sequence[Mapping[str, Any]], currency: str, study_id: str, person: Person) -> None:
    kinds = {kind: [line for line in lines if fits(line, kind)] for kind in (ALL, BREACHES, UNLIKE, ASKS)}
    there = [kind for kind, some in kinds.items() if some]
    chosen = st.segmented_control(
        "Which conversations", there, default=there[0], required=True, key="automations_which", label_visibility="collapsed",
        format_func=lambda kind: f"{kind} {len(kinds[kind]):,}",
    )  # fmt: skip
    some = kinds[chosen or ALL]
    pages = -(-len(some) // PAGE)
    page = st.pagination(pages, key=f"automations_page_{chosen}_{study_id}") if pages > 1 else 1
    rows = some[((page or 1) - 1) * PAGE : (page or 1) * PAGE]
    reach = set(conversations.reachable([str(line["conversation"]) for line in rows], by=person))
    rows = [line for line in rows if line["conversation"] in reach]
    if not rows:
        st.caption("None of these conversations is within your reach.")
        return
    told = conversations.beginnings([str(line["conversation"]) for line in rows], most=140)
    frame = pd.DataFrame(
        {
            "Open": [":material/open_in_full:"] * len(rows),
            "Begins": [" ".join(told[str(line["conversation"])].split()) for line in rows],
            "Channel": [widgets.CHANNEL_WORDS.get(str(line["channel"]), str(line["channel"])) for line in rows],
            "The recipe": [in_words(line) for line in rows],
            f"Recipe, {currency}" if currency else "Recipe": [f"{Decimal(line['machine']):,.2f}" for line in rows],
            f"People, {currency}" if currency else "People": [f"{Decimal(line['people']):,.2f}" for line in rows],
            "What it says": [str(line["breach"] or line["why"]) for line in rows],
        }
    )
    st.dataframe(
        frame, hide_index=True, height="content", key=f"automations_table_{hash(tuple(str(line['conversation']) for line in rows))}",
        column_config={
            "Open": st.column_config.ButtonColumn("", width=44, type="tertiary", key=TO_READ, help="Read it"),
            "Begins": st.column_config.TextColumn(width=260),
            "Channel": st.column_config.TextColumn(width=70),
        },
    )  # fmt: skip
    if pressed := st.session_state.get(TO_READ):
        st.switch_page("screens/conversation.py", query_params={"conversation": str(rows[pressed["row"]]["conversation"])})


def fits(line: Mapping[str, Any], kind: str) -> bool:
    if kind == BREACHES:
        return bool(line["breach"])
    if kind == UNLIKE:
        return bool(line.get("handled", line["state"] == running.DONE)) and not line["agrees"]
    return bool(line["asked"]) if kind == ASKS else True


def in_words(line: Mapping[str, Any]) -> str:
    if line["breach"]:
        return "stopped by a limit"
    told = STATES.get(str(line["state"]), str(line["state"]))
    return f"{told}, asks a yes" if line["asked"] else told
