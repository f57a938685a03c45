"""Pieces that several screens show: times, badges, progress. They draw; they ask and change nothing but what they are given."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from data import config, conversations, tasks
from data.measures import percent
from data.tables import Person, Prediction, Task
from data.values import now

CHANNEL_ICONS = {"chat": ":material/chat:", "email": ":material/mail:", "voice": ":material/call:"}
CHANNEL_WORDS = {"chat": "Chat", "email": "E-mail", "voice": "Voice"}
VERDICT_BADGES = {
    "strong": ("Strong", ":material/thumb_up:", "green"),
    "weak": ("Weak", ":material/thumb_down:", "orange"),
    "none": ("Neither", ":material/remove:", "gray"),
}


JOINER = "\u2060"  # parts signs that would be drawn as another, and is not seen
# :streamlit:, arrows, :smile:, :material_x:, and addresses: they are looked for once the escapes are gone
DRAWN_AS_ANOTHER = re.compile(
    r":(?=[\w+-]*[a-zA-Z][\w+-]*:)|:(?=[+-]1:)|(?<!\S)(?:<-|<|-|>|~)(?=[->=]+(?!\S))|(?:https?:|www)(?=//|\.)|@(?=[-\w]+\.)", re.IGNORECASE
)


def page(title: str, sentence: str) -> None:
    """Every page begins with its name and a sentence that says what to do here."""
    st.title(title, anchor=False)
    st.markdown(plain(sentence))


def plain(text: str) -> str:
    """Text from elsewhere inside Markdown: every sign that could mean something stands for itself."""
    text = DRAWN_AS_ANOTHER.sub(lambda found: found[0] + JOINER, text)
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|<>$:~^&=@/" else letter for letter in text)


def unbroken(words: str) -> str:
    """A range such as 2.3–4.3 is not parted at the end of a line."""
    return words.replace("–", f"–{JOINER}")


def local(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(config.settings().time_zone))


def when(moment: datetime) -> str:
    """How long ago, as one says it."""
    ago = now() - moment
    if ago < timedelta(minutes=1):
        return "just now"
    if ago < timedelta(hours=1):
        return f"{int(ago.total_seconds() // 60)} min ago"
    if ago < timedelta(hours=24):
        hours = int(ago.total_seconds() // 3600)
        return f"{hours} hour{'s' if hours > 1 else ''} ago"
    if ago < timedelta(days=7):
        return f"{local(moment):%A %H:%M}"
    return _short_day(moment)


def day(moment: datetime) -> str:
    """The date; the year only where it is not this one."""
    year = "" if local(moment).year == local(now()).year else f" {local(moment).year}"
    return f"{local(moment).day} {local(moment):%B}{year}"


def short(moment: datetime) -> str:
    """For narrow places."""
    return f"{local(moment):%H:%M}" if now() - moment < timedelta(hours=20) else _short_day(moment)


def _short_day(moment: datetime) -> str:
    year = "" if local(moment).year == local(now()).year else f" {local(moment).year}"
    return f"{local(moment).day} {local(moment):%b}{year}"


def exact(moment: datetime) -> str:
    return f"{local(moment).day} {local(moment):%B %Y, %H:%M}"


def machine_said(prediction: Prediction | None, names: dict[str, str], *, asked: str = "Machine") -> None:
    """What the classifier made of it, how sure, which version, and what else it considered."""
    if prediction is None:
        st.caption(":material/smart_toy: No classifier has looked at this conversation.")
        return
    first = names.get(prediction.top[0][0], "?") if prediction.top else "?"
    silent = prediction.why.rstrip(".").lower() or f"kept silent, leaning to {first}"
    spoken = [names.get(label_id, "?") for label_id in (prediction.label_id, *prediction.also) if label_id]
    said = plain(", ".join(spoken) or silent)
    others = ", ".join(f"{names.get(label_id, '?')} {percent(p)}" for label_id, p in prediction.top[1:])
    st.caption(
        f":material/smart_toy: {plain(asked)}: **{said}** · {percent(prediction.confidence)} sure · version {prediction.target_number}",
        help=f"It also considered: {plain(others)}. It speaks from {percent(prediction.threshold)} on.",
    )


def verdict_badge(verdict: str) -> None:
    word, icon, colour = VERDICT_BADGES[verdict]
    st.badge(word, icon=icon, color=colour)  # type: ignore[arg-type]


def job_line(task: Task) -> None:
    """One job: a bar while it runs, words when it ended."""
    if task.state == "running":
        st.progress(task.progress, text=f"{plain(task.title)}: {plain(task.doing or 'under way')}")
    elif task.state == "waiting":
        st.progress(0.0, text=f"{plain(task.title)}: {plain(task.error) or 'waits for the worker'}")
    elif task.state == "done":
        st.markdown(f":green[:material/check_circle:] **{plain(task.title)}** · {when(task.ended_at or task.at)}  \n{plain(task.result)}")
    elif task.state == "cancelled":
        st.markdown(f":gray[:material/cancel:] **{plain(task.title)}** · {when(task.ended_at or task.at)}  \n{plain(task.error)}")
    else:
        st.markdown(f":orange[:material/error:] **{plain(task.title)}** · {when(task.ended_at or task.at)}  \n{plain(task.error)}")


def follow(task: Task, *, by: Person) -> None:
    """A job's line that keeps itself up to date until it ends, then the page is drawn anew."""

    @st.fragment(run_every=1.0)
    def line() -> None:
        current = tasks.get(task.id)
        if current is None:
            return
        job_line(current)
        if current.state in tasks.ENDED:
            st.rerun()

    if task.state in ("waiting", "running"):
        line()
    else:
        job_line(task)


def newest_job(name: str, *, by: Person, arguments: dict[str, object] | None = None) -> Task | None:
    """The person's last job of a kind."""
    return next((task for task in tasks.recent(by=by) if task.name == name and _is_about(task, arguments or {})), None)


def _is_about(task: Task, arguments: dict[str, object]) -> bool:
    return all(task.arguments.get(name) == said for name, said in arguments.items())


def openings(conversation_ids: Sequence[str], *, by: Person, most: int = 5) -> None:
    """How a few of these begin, within reach, each a way into it."""
    ids = conversations.reachable(conversation_ids, by=by)[:most]
    told = conversations.beginnings(ids, most=140)
    for one in ids:
        st.page_link(
            "screens/conversation.py", label=plain(told[one]) or "Nothing was said", icon=":material/chat_bubble:",
            query_params={"conversation": one},
        )  # fmt: skip
    if not ids:
        st.caption("None of these conversations is within your reach.")
