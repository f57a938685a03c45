"""What customers write is shown as text in a rep's browser: it never runs, and nothing is loaded for it (SAFETY 13 and 14)."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page
from sqlmodel import col, select

from classifiers import labels as writing_labels
from data import comments, config, examples, people, store, tasks
from data.errors import Refused
from data.intake import files, offers
from data.tables import Conversation, ImportBatch, Message, Person
from evals import sets
from tests.browser import desk, settled
from tests.conftest import SOAK, let_go
from tests.markup import Payload, everywhere, payloads, written
from tests.server import Server, eventually

COUNT, SAMPLED, OFFERED, SEARCHED = (500, 50, 24, 6) if SOAK else (60, 1, 3, 1)
A_PAGE = 60  # payloads in one conversation
ASKED = COUNT // 30  # each so many is put to an engineer as a question


# -- who listens, and what is watched ---------------------------------------------------------------------------------------------------


@dataclass
class Listener:
    """Where the payloads load from. It counts who comes, and serves the control: the same payloads as a page without any defence."""

    heard: list[int] = field(default_factory=list)
    raw: dict[int, str] = field(default_factory=dict)
    port: int = 0

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def answer(self, path: str) -> str:
        if found := re.fullmatch(r"/raw/(\d+)", path):
            return f"<!doctype html><script>{CLICKS}</script>{self.raw[int(found[1])]}"
        if path.startswith("/frames/"):
            first, last = map(int, path.removeprefix("/frames/").split("-"))
            return "<title>the control</title>" + "".join(f'<iframe src="/raw/{number}"></iframe>' for number in range(first, last + 1))
        if found := re.match(r"/(\d+)", path):
            self.heard.append(int(found[1]))
        return "/* nothing */"


CLICKS = """addEventListener('load', () => {
    for (const one of document.querySelectorAll('a, button, input')) one.dispatchEvent(new MouseEvent('click'));
})"""


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = listener.answer(self.path).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8" if self.path.startswith(("/raw/", "/frames/")) else "text/css")
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """It is quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listener.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


WATCHER = """(() => {
    const seen = what => window.markupSeen(String(what).slice(0, 300));
    window.hacked = { push: number => seen('ran ' + number) };
    addEventListener('securitypolicyviolation', event => seen('stopped ' + event.violatedDirective + ' ' + event.blockedURI));
    const loading = ['src', 'srcset', 'href', 'xlink:href', 'poster', 'data', 'action', 'formaction', 'background', 'ping', 'style'];
    const bad = /HOST|^\\s*(java|vb)script:|^data:text|top\\.hacked/i;
    const part = element => (element.closest('[data-testid]') || element.getRootNode().host || { dataset: {} }).dataset.testid;
    const look = element => {
        for (const { name, value } of element.attributes || [])
            if ((loading.includes(name) && bad.test(value)) || (name.startsWith('on') && value))
                seen('in the page <' + element.localName + ' ' + name + '=' + value + '> under ' + part(element));
    };
    const watch = root => new MutationObserver(changes => {
        for (const { target, addedNodes, type } of changes) {
            if (type == 'attributes') look(target);
            for (const node of addedNodes)
                if (node.nodeType == 1) { look(node); node.querySelectorAll('*').forEach(look); }
        }
    }).observe(root, { childList: true, subtree: true, attributes: true });
    watch(document);
    const attach = Element.prototype.attachShadow;  // what a component draws stands in a tree of its own
    Element.prototype.attachShadow = function (how) { const root = attach.call(this, how); watch(root); return root; };
})()"""
ROOTS = """const hosts = root => [...root.querySelectorAll('*')].filter(one => one.shadowRoot);
const roots = root => [root, ...hosts(root).flatMap(host => roots(host.shadowRoot))];"""


@dataclass
class Watch:
    """Everything that a payload did, or was stopped from doing, in a browser's page; each with where it was."""

    page: Page
    origins: tuple[str, ...]
    host: str
    where: str = ""
    found: list[tuple[str, str]] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)  # what does not stand there as it was written

    def __post_init__(self) -> None:
        self.page.context.expose_binding("markupSeen", lambda _, what: self.note(what))
        self.page.context.add_init_script(WATCHER.replace("HOST", self.host))
        self.page.on("dialog", lambda dialog: (self.note(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked(request.url))
        self.page.on("websocket", lambda opened: self.asked(opened.url))
        self.page.on("framenavigated", lambda frame: self.asked(frame.url))
        self.page.on("popup", lambda popup: self.note(f"popup {popup.url}"))

    def note(self, what: str) -> None:
        self.found.append((self.where, what))

    def asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc not in self.origins:
            self.note(f"request {url}")
        elif parts.scheme == "data" and url.startswith("data:text/html"):
            self.note(f"page {url[:60]}")

    def open(self, url: str) -> None:
        """The screen, with all that can be folded out folded out."""
        self.where = re.sub(r"https?://[^/]+", "", url)
        self.page.goto(url)
        self.page.get_by_role("heading", level=1).first.wait_for()
        self.quiet()
        self.unfold()
        assert self.page.get_by_test_id("stException").count() == 0, f"{url} ends in an exception"

    def quiet(self) -> None:
        settled(self.page)
        self.page.locator('[data-testid="stSkeleton"]').first.wait_for(state="hidden")
        self.title()

    def title(self) -> None:
        title = self.page.title()
        if "hacked" in title:
            self.note(f"title {title}")

    def unfold(self) -> None:
        opened = self.page.evaluate(
            f"() => {{ {ROOTS}"
            """
                const all = roots(document).flatMap(root => [...root.querySelectorAll('details:not([open]) > summary')]);
                all.forEach(one => one.click());
                return all.length;
            }"""
        )
        if opened:
            self.page.locator("details:not([open])").first.wait_for(state="detached")
            self.quiet()

    def text(self) -> str:
        """What stands on the page: its words, its tables' cells, what is in its fields."""
        told = self.page.evaluate(
            f"() => {{ {ROOTS}"
            """
                return [document.body.innerText,
                    ...roots(document).slice(1).flatMap(root => [...root.children].map(drawn => drawn.innerText)),
                    ...[...document.querySelectorAll('[role=gridcell], [role=columnheader]')].map(cell => cell.textContent),
                    ...[...document.querySelectorAll('input, textarea')].map(field => field.value)].join('\\n');
            }"""
        )
        return plainly(told)

    def shows(self, texts: Iterable[str], what: str = "") -> None:
        """They stand there as they were written."""
        shown = self.text()
        self.lost += [(f"{what} {self.where}".strip(), text) for text in texts if plainly(text) not in shown]


def plainly(text: str) -> str:
    """On one line; a word joiner is how a screen keeps signs apart that would be drawn as one."""
    return " ".join(text.replace("\u2060", "").split())


# -- a portal in which every field and every file carries some ---------------------------------------------------------------------------


@dataclass
class Arranged:
    engineer: Person
    everywhere: dict[int, str] = field(default_factory=dict)  # of a payload's number: the conversation that has it in all fields
    full: list[tuple[str, int, str]] = field(default_factory=list)  # a reader, its first payload's place, the conversation
    proposal: str = ""


def arrange(sent: Sequence[Payload], place: Path) -> Arranged:
    console = people.console()
    engineer = people.add("Emil", "emil@example.com", "engineer", by=console, demo=True)
    people.add("Leo", "leo@example.com", "lead", by=console, demo=True)
    stranger = people.add(plainly(sent[1].text), "mallory@example.com", "engineer", by=console)
    arranged = Arranged(engineer)
    for start in range(0, len(sent), A_PAGE):
        bring_full(arranged, sent, start, place / str(start))
    lines = place / "everywhere.jsonl"
    lines.write_text("".join(json.dumps(everywhere(payload)) + "\n" for payload in sent))
    told = files.import_file(lines, by=engineer, name=file_name(sent[0], "jsonl"))
    assert told["new"] == len(sent), told
    with store.reading() as db:
        told_apart = db.exec(select(Message.text, Message.conversation_id).where(col(Message.text).regexp_match(r"^Of \d+$"))).all()
    arranged.everywhere = {int(text.removeprefix("Of ")): made for text, made in told_apart}
    say(sent, arranged, stranger)
    return arranged


def bring_full(arranged: Arranged, sent: Sequence[Payload], start: int, place: Path) -> None:
    """By each reader a conversation in which a page's worth of them is said."""
    place.mkdir(parents=True)
    for kind, path in written(sent[start : start + A_PAGE], place).items():
        mapping = replace(files.mapping_for(files.reader_of(path), path, None), source=f"{kind} {start}")
        told = files.import_file(path, by=arranged.engineer, mapping=mapping, name=file_name(sent[start], kind))
        assert told["new"] == 1 and not told["refused"], (kind, told)
        with store.reading() as db:
            arranged.full.append((kind, start, db.exec(select(Conversation.id).where(Conversation.source == mapping.source)).one()))


def file_name(payload: Payload, ending: str) -> str:
    """As a file system lets it be called: without slashes, which Markdown takes in other spellings."""
    return plainly(payload.text).replace("/", "&sol;")[:150] + f".{ending}"


def first_of(sent: Sequence[Payload], family: str) -> str:
    return plainly(next(payload.text for payload in sent if payload.family == family))


def say(sent: Sequence[Payload], arranged: Arranged, stranger: Person) -> None:
    """What people type, by the verbs that screens call: labels, sets, reviews, flags, comments, proposals, jobs."""
    by = arranged.engineer
    label, *_ = [writing_labels.add(name, by=by, description=sent[0].text) for name in {plainly(one.text)[:80]: 0 for one in sent}]
    eval_sets = [sets.create(first_of(sent, family), by=by) for family in ("Markdown", "Streamlit", "HTML")]
    for place, payload in enumerate(sent):
        said = {"label_id": label.id, "reply": payload.text, "note": payload.text, "by": (by, stranger)[place % 2]}
        eval_set, conversation_id = eval_sets[place % 2], arranged.everywhere[payload.number]
        example = examples.review_and_flag(conversation_id, "weak", why=payload.text, eval_set_id=eval_set.id, **said)
        comments.write("example", example.id, f"@Emil @Leo {payload.text}", by=stranger, asks_engineer=place % ASKED == 0)
    sets.freeze(eval_sets[0].id, by=by)
    proposal = sets.propose_gate(eval_sets[0].id, bar=0.5, approvers=1, why=sent[4].text, by=stranger)
    comments.write("proposal", proposal.id, sent[5].text, by=stranger)
    arranged.proposal = proposal.id
    with store.writing() as db:
        for payload in sent[:4]:
            tasks.later(db, "import", {"batch_id": "x"}, title=f"Import {payload.text}", by=by)


def offer(number: int, sent: Sequence[Payload], by: Person) -> ImportBatch:
    """A file that waits for the engineer's word: its name, its lines' ids, fields, words and faults are payloads."""
    payload, others = sent[number % len(sent)], [sent[(number * 7 + place) % len(sent)] for place in range(1, 30)]
    name = plainly(payload.text)
    if number % 3 == 0:
        good = [everywhere(one) for one in others]
        bad = [everywhere(one) | {"id": f"bad {one.number}", "team": one.text[:400]} for one in others]
        ending, content = "jsonl", "".join(json.dumps(one) + "\n" for one in [*good, *bad, {"id": name, "messages": [{"role": name}]}])
    elif number % 3 == 1:
        ending = "vtt"
        content = f"WEBVTT\n\n00:01.000 --> 00:02.000\n{name}: Hi\n\n" + "".join(
            f"00:{place + 3:02}.000 --> 00:{place + 3:02}.900\n<v {speaker}>Hello\n\n"
            for place, speaker in enumerate(plainly(one.text).replace(">", "&gt;") for one in others)
        )
    else:
        ending, content = (
            "csv",
            f"id,text,direction,{name.replace(',', ' ').replace(chr(34), ' ')}\n1,{others[0].number} words,{others[1].number},x\n",
        )
    batch = offers.offer([(file_name(payload, ending), content.encode())], by=by)
    try:
        offers.look(batch.id, by=by)
    except Refused as refused:  # it waits all the same, for somebody to say what its columns and speakers mean
        with store.writing() as db:
            task = tasks.later(db, "look", {"batch_id": batch.id}, title=f"Look at {batch.file_name}", by=by)
            task.state, task.error = "failed", str(refused)
            db.add(task)
    return batch


# -- the screens ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as there:
        yield there


@pytest.fixture
def sent(listener: Listener) -> list[Payload]:
    return payloads(listener.host, COUNT)


def test_nothing_that_customers_or_people_write_runs_or_loads_anything(
    browser: Browser, sqlite_home: Path, listener: Listener, sent: list[Payload], tmp_path: Path
) -> None:
    assert len({payload.text for payload in sent}) == COUNT
    arranged = arrange(sent, tmp_path / "files")
    let_go()
    server, complaints = Server(sqlite_home, command="web").start(), []
    try:
        with desk(browser, server.base, "Emil", complaints) as page:
            watch = Watch(page, (server.netloc,), listener.host)
            reads_conversations(watch, server, arranged, sent)
            reads_lists(watch, server, arranged, sent)
            decides_on_files(watch, server, arranged, sent)
            types(watch, server, arranged, sent)
    finally:
        server.stop()
    assert listener.heard == []
    assert sorted(set(watch.found)) == []
    assert watch.lost == []
    assert complaints == []


def reads_conversations(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    for place, (kind, start, conversation_id) in enumerate(arranged.full):
        screen = ("conversation", "review")[place % 2]
        watch.open(f"{server.base}/{screen}?conversation={conversation_id}")
        watch.shows((one.text for one in sent[start : start + A_PAGE]), kind)
    for payload in sent[:: COUNT // SAMPLED]:
        watch.open(f"{server.base}/conversation?conversation={arranged.everywhere[payload.number]}")
        watch.shows([payload.text, f"Better: {payload.text}", f"Note: {payload.text}", f"Flagged as weak: {payload.text}"])
        watch.open(f"{server.base}/review?conversation={arranged.everywhere[payload.number]}")
        watch.page.get_by_role("button", name="Discuss it").click()
        watch.page.get_by_text("Comments").first.wait_for()
        watch.quiet()
        watch.shows([f"Subject: {payload.text}", f"@Emil @Leo {payload.text}"])


def reads_lists(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    """Where sentences hold them, and where tables do; of a table's rows some are in sight."""
    texts, named = [one.text for one in sent], [first_of(sent, family) for family in ("Markdown", "Streamlit", "HTML")]
    whole = {"": texts[:4], "jobs": texts[:4], "inbox": texts[::ASKED], "eval_sets": named, "approvals": [texts[4], named[0]]}
    screens = (
        "conversations",
        "audit",
        "audit?words=Froze",
        "quality",
        "classifiers",
        "people",
        "review",
        *whole,
        f"approvals?proposal={arranged.proposal}",
    )
    for screen in screens:
        watch.open(f"{server.base}/{screen}")
        watch.shows(whole.get(screen, []))
        if screen == "audit?words=Froze":  # a table is drawn: its words stand in the page once a cell is opened
            watch.page.get_by_test_id("stDataFrame").dblclick(position={"x": 560, "y": 52})
            watch.page.locator("#portal textarea").wait_for()
            watch.shows(named[:1], "a cell of")


def decides_on_files(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    for number in range(OFFERED):
        with server.inside():
            waiting = offer(number, sent, arranged.engineer)
        watch.open(f"{server.base}/imports")
        watch.shows([waiting.file_name])
        with server.inside():
            offers.forget(waiting.id, by=arranged.engineer)
    watch.open(f"{server.base}/imports")
    watch.shows([file_name(sent[0], "jsonl")])


ASKED_FOR = ('flag:"{}"', 'intent:"{}"', 'channel:"{}"', 'csat:"{}"', 'since:"{}"', "{}")


def types(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    """With the keyboard: what was typed comes back in what is said about it. A link can hold a search that a customer wrote."""
    payload = next(one for one in sent if one.family == "Markdown")
    for asked in ASKED_FOR[:SEARCHED]:
        watch.open(f"{server.base}/conversations?words={quote(asked.format(plainly(payload.text)))}")
    reviews_and_flags(watch, server, arranged.full[-1][2], payload)
    makes_twice(watch, f"{server.base}/eval_sets", "Name", "Create the set", f"new {plainly(payload.text)}")
    makes_twice(watch, f"{server.base}/classifiers", "New intent", "Add the intent", f"new {plainly(payload.text)}"[:80])


def reviews_and_flags(watch: Watch, server: Server, conversation_id: str, payload: Payload) -> None:
    watch.open(f"{server.base}/review?conversation={conversation_id}")
    page = watch.page
    page.get_by_text("Weak (W)").click()
    page.get_by_label("A better reply").fill(payload.text)
    page.get_by_label("Note", exact=True).fill(payload.text)
    page.get_by_test_id("stSelectbox").filter(has_text="Intent").locator("input").click()
    page.get_by_role("option").nth(1).click()
    page.get_by_label(re.compile("Why, in a sentence")).fill(payload.text)
    watch.where = "/review, after it was saved and flagged"
    page.get_by_role("button", name=re.compile("^Save")).click()
    page.get_by_text(re.compile("Saved and flagged")).wait_for()
    watch.quiet()


def makes_twice(watch: Watch, url: str, name: str, button: str, typed: str) -> None:
    """The second time it is refused, with the name in the refusal."""
    watch.open(url)
    for refused in (False, True):
        watch.where = f"{url.rpartition('/')[2]}, {'refused' if refused else 'made'}"
        watch.page.get_by_label(name, exact=True).fill(typed)
        watch.page.get_by_role("button", name=button).click()
        watch.page.get_by_test_id("stAlert" if refused else "stToast").first.wait_for()
        watch.quiet()
        watch.unfold()


# -- the controls ------------------------------------------------------------------------------------------------------------------------


def numbers_in(watch: Watch, listener: Listener) -> set[int]:
    """Which payloads did something."""
    done = " ".join(what for _, what in watch.found if what.startswith(("ran ", "dialog ", "title ")))
    return {int(number) for number in re.findall(r"\d+", done)} | set(listener.heard)


def test_the_same_texts_in_a_page_without_a_defence_do_run_and_load(browser: Browser, listener: Listener, sent: list[Payload]) -> None:
    listener.raw = {payload.number: payload.text for payload in sent}
    own = f"127.0.0.1:{listener.port}"
    context = browser.new_context()
    watch = Watch(context.new_page(), (own,), listener.host)
    for first in range(1, COUNT + 1, 50):
        watch.page.goto(f"http://{own}/frames/{first}-{min(first + 49, COUNT)}")
        watch.page.wait_for_load_state("networkidle")
        watch.title()
    context.close()
    did = numbers_in(watch, listener)
    meant = [payload for payload in sent if payload.family in ("HTML", "SVG", "breakout")]
    assert sum(payload.number in did for payload in meant) >= 0.7 * len(meant)
    assert len(did) >= COUNT // 4
    ways = {what.split()[0] for _, what in watch.found}
    assert listener.heard and ways >= ({"ran", "request", "title", "dialog"} if SOAK else {"ran", "request"})


def test_what_a_component_took_for_html_would_be_noticed(browser: Browser, listener: Listener, sent: list[Payload]) -> None:
    """The conversation is drawn in a tree of its own, and the watch sees into it."""
    own, context = f"127.0.0.1:{listener.port}", browser.new_context()
    watch = Watch(context.new_page(), (own,), listener.host)
    watch.page.goto(f"http://{own}/empty")
    meant = [payload for payload in sent if payload.family in ("HTML", "SVG")]
    watch.page.evaluate(
        """texts => {
            const component = document.body.appendChild(document.createElement('div'));
            component.attachShadow({ mode: 'open' });
            for (const text of texts) component.shadowRoot.appendChild(document.createElement('div')).innerHTML = text;
        }""",
        [payload.text for payload in meant],
    )
    watch.page.wait_for_load_state("networkidle")
    watch.shows(payload.text for payload in meant)
    context.close()
    assert listener.heard and watch.lost
    assert {what.split()[0] for _, what in watch.found} >= {"ran", "request", "in"}


STREAMLIT_PAGE = """
import json, pathlib, sys
import streamlit as st
from portal import widgets
st.title("The control")
for text in json.loads(pathlib.Path(sys.argv[1]).read_text()):
    st.markdown(widgets.plain(text) if sys.argv[2] == "plain" else text)
"""


@contextmanager
def streamlit_page(sent: Sequence[Payload], place: Path, how: str) -> Iterator[str]:
    """Streamlit alone, with nothing of ours around it but, where it is asked for, our way of writing text into Markdown."""
    (place / "page.py").write_text(STREAMLIT_PAGE)
    (place / "texts.json").write_text(json.dumps([payload.text for payload in sent]))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}", "--browser.gatherUsageStats=false"]
    command = [sys.executable, "-m", "streamlit", "run", *options, "page.py", "texts.json", how]
    running = subprocess.Popen(
        command, cwd=place, env={**os.environ, "PYTHONPATH": str(config.ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"), "Streamlit's answer")
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("how", ["plain", "as it is"])
def test_text_in_markdown_stands_for_itself_where_it_is_escaped_and_only_there(
    how: str, browser: Browser, listener: Listener, sent: list[Payload], tmp_path: Path
) -> None:
    """In Streamlit without our headers nothing happens and each stands there word for word; as it is, images are loaded."""
    shown = payloads(listener.host, 166)
    context = browser.new_context()
    with streamlit_page(shown, tmp_path, how) as base:
        watch = Watch(context.new_page(), (urlsplit(base).netloc,), listener.host)
        watch.open(base)
        watch.page.wait_for_load_state("networkidle")
        watch.shows(one.text for one in shown)
    context.close()
    if how == "plain":
        assert (listener.heard, watch.found, watch.lost) == ([], [], [])
    else:
        assert len(set(listener.heard)) >= 10
        assert len(watch.lost) >= 60
