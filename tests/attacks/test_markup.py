"""What customers write is shown as text in a rep's browser: it never runs, and nothing is loaded for it (SAFETY 13 and 14)."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from classifiers import labels as writing_labels
from classifiers.labels import LONGEST_GUIDELINE
from data import (
    approvals,
    assignments,
    calibration,
    comments,
    config,
    deputies,
    examples,
    labels,
    people,
    reviews,
    rubric,
    store,
    tasks,
    tokens,
    views,
)  # fmt: skip
from data.calibration import Wanted
from data.conversations import Filter
from data.errors import Refused
from data.intake import files, offers
from data.tables import Conversation, EvalSet, ImportBatch, Label, Message, Person, Prediction, View
from data.values import LIVE, Target, now
from evals import freezing, sets
from tests.browser import desk, settled
from tests.conftest import SOAK, let_go
from tests.markup import Payload, everywhere, payloads, written
from tests.server import Server, eventually

COUNT, SAMPLED, OFFERED, SEARCHED = (500, 50, 24, 6) if SOAK else (60, 1, 3, 1)
DRAWN_WITHIN = 20.0  # seconds
A_PAGE = 60  # payloads in one conversation
ASKED = COUNT // 30  # each so many is put to an engineer as a question
SETTLED = COUNT - 5  # what is seen differently; the last ones wait
AT_ONCE = calibration.MOST_AT_ONCE


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
    at_once: str = ""
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
        self.where, self.at_once = re.sub(r"https?://[^/]+", "", url), ""
        self.page.goto(url)
        self.page.get_by_role("heading", level=1).first.wait_for()
        self.quiet()
        self.unfold()
        assert self.page.get_by_test_id("stException").count() == 0, f"{url} ends in an exception"

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name).or_(self.page.get_by_role("radio", name=name)).first.click()
        self.quiet()

    def folds_out(self, panel: str, button: str) -> None:
        """Unless it stayed open."""
        if not self.page.get_by_role("button", name=button).is_visible():
            self.press(panel)
        self.page.get_by_role("button", name=button).wait_for()

    def type(self, name: str, text: str) -> None:
        """And Enter."""
        self.page.get_by_label(name, exact=True).fill(text)
        self.page.get_by_label(name, exact=True).press("Enter")
        self.quiet()

    def sees(self, text: str | re.Pattern[str]) -> None:
        """It is there; what stood beside it then may be gone by the time the page is quiet, as toasts are."""
        self.page.get_by_text(text).first.wait_for()
        self.at_once = self.text()
        self.quiet()

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

    def shows(self, texts: Iterable[str], what: str = "", *, within: float = DRAWN_WITHIN) -> None:
        """They stand there as they were written, at once or as soon as a busy machine has drawn them."""
        missing, until = list(texts), time.monotonic() + within
        while True:
            shown = f"{self.text()} {self.at_once}"
            missing = [text for text in missing if plainly(text) not in shown]
            if not missing or time.monotonic() > until:
                break
            self.page.wait_for_timeout(250)
        self.lost += [(f"{what} {self.where}".strip(), text) for text in missing]


def plainly(text: str) -> str:
    """On one line; a word joiner is how a screen keeps signs apart that would be drawn as one."""
    return " ".join(text.replace("\u2060", "").split())


# -- a portal in which every field and every file carries some ---------------------------------------------------------------------------


@dataclass
class Arranged:
    engineer: Person
    lead: Person
    strangers: tuple[Person, Person]  # an engineer and a lead
    team: str
    labels: list[Label] = field(default_factory=list)
    guidelines: list[str] = field(default_factory=list)  # of the first two of them
    views: list[View] = field(default_factory=list)
    everywhere: dict[int, str] = field(default_factory=dict)  # of a payload's number: the conversation that has it in all fields
    full: list[tuple[str, int, str]] = field(default_factory=list)  # a reader, its first payload's place, the conversation
    proposal: str = ""


def arrange(sent: Sequence[Payload], place: Path) -> Arranged:
    arranged = Arranged(*hire(sent))
    for start in range(0, len(sent), A_PAGE):
        bring_full(arranged, sent, start, place / str(start))
    lines = place / "everywhere.jsonl"
    lines.write_text("".join(json.dumps(everywhere(payload)) + "\n" for payload in sent))
    told = files.import_file(lines, by=arranged.engineer, name=file_name(sent[0], "jsonl"))
    assert told["new"] == len(sent), told
    with store.reading() as db:
        told_apart = db.exec(select(Message.text, Message.conversation_id).where(col(Message.text).regexp_match(r"^Of \d+$"))).all()
    arranged.everywhere = {int(text.removeprefix("Of ")): made for text, made in told_apart}
    say(sent, arranged)
    see_differently(sent, arranged)
    hold_up(sent, arranged)
    keep(sent, arranged)
    return arranged


def hire(sent: Sequence[Payload]) -> tuple[Person, Person, tuple[Person, Person], str]:
    """Everybody's team, a lead and two more are called by payloads that are Markdown: HTML is text there anyway."""
    console, named = people.console(), [plainly(payload.text) for payload in markdown_first(sent)]
    team = people.add_team(named[2], by=console)
    engineer = people.add("Emil", "emil@example.com", "engineer", by=console, team=team, demo=True)
    lead = people.add(f"Leo {named[4]}", "leo@example.com", "lead", by=console, team=team, demo=True)
    people.add("Ada", "ada@example.com", "admin", by=console, demo=True)
    mallory = people.add(named[1], "mallory@example.com", "engineer", by=console, team=team)
    trudy = people.add(named[3], "trudy@example.com", "lead", by=console, team=team)
    return engineer, lead, (mallory, trudy), team.name


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


def markdown_first(sent: Sequence[Payload]) -> list[Payload]:
    return sorted(sent, key=lambda payload: payload.family != "Markdown")


def short(payload: Payload, length: int) -> str:
    return plainly(payload.text)[:length].strip()


def say(sent: Sequence[Payload], arranged: Arranged) -> None:
    """What people type, by the verbs that screens call: labels, sets, questions, reviews, flags, comments, proposals."""
    by, stranger = arranged.engineer, arranged.strangers[0]
    names = {plainly(one.text)[:80]: 0 for one in markdown_first(sent)}
    arranged.labels = [writing_labels.add(name, by=by, description=sent[0].text) for name in names]
    label = arranged.labels[0]
    eval_sets = [sets.create(first_of(sent, family), by=by) for family in ("Markdown", "Streamlit", "HTML")]
    for place, payload in enumerate(sent):
        if place % rubric.MOST == 0:
            asked = [(short(one, 120),) * 2 for one in sent[place : place + rubric.MOST]]
            rubric.change(asked, share=1, double=0, reviewers=2, by=arranged.lead)
        said = {"label_id": label.id, "reply": payload.text, "note": payload.text, "by": (by, stranger)[place % 2]}
        said["marks"] = {short(payload, 120): "yes"}
        eval_set, conversation_id = eval_sets[place % 2], arranged.everywhere[payload.number]
        example = examples.review_and_flag(conversation_id, "weak", why=payload.text, eval_set_id=eval_set.id, **said)
        comments.write("example", example.id, f"@Emil @Leo {payload.text}", by=stranger, asks_engineer=place % ASKED == 0)
    freezing.freeze(eval_sets[0].id, by=by)
    proposal = sets.propose_gate(eval_sets[0].id, bar=0.5, approvers=1, why=sent[4].text, by=stranger)
    comments.write("proposal", proposal.id, sent[5].text, by=stranger)
    arranged.proposal = proposal.id


def see_differently(sent: Sequence[Payload], arranged: Arranged) -> None:
    """Guidelines hold as many as fit; each conversation is seen in two ways, and all but the last ones are settled, for a reason."""
    label, other, third, *_ = arranged.labels
    texts = [payload.text for payload in sent]
    for one in (label, other):
        improved = writing_labels.improve(one.id, do=a_half(texts), dont=a_half(texts), by=arranged.engineer)
        arranged.guidelines.append(labels.guideline(improved))
    for place, payload in enumerate(sent):
        whose, made = (arranged.strangers[0], arranged.engineer)[place % 2], arranged.everywhere[payload.number]
        reviews.record(made, "strong", label_id=other.id, note=payload.text, by=whose)
        if place < SETTLED:
            halves = {"guideline_for": third.id, "guideline_is": ("do", "dont")[place % 2]} if place < 4 else {}
            writing_labels.settle(made, "weak", label.id, payload.text, **halves, by=arranged.lead)
    made = arranged.full[-1][2]  # there the engineer reads what others said once they have said something
    for whose, said in zip(arranged.strangers, (label, third), strict=True):
        reviews.record(made, "weak", label_id=said.id, by=whose)
    with store.writing() as db:
        guessed = {"label_id": other.id, "confidence": 0.6, "top": [[other.id, 0.6], [label.id, 0.3]], "threshold": 0.5}
        for one in (made, arranged.everywhere[sent[0].number]):
            db.add(Prediction(conversation_id=one, seq=1, **Target("classifier", "intent", 1).columns(), mode=LIVE, **guessed))


def a_half(texts: list[str]) -> str:
    """As many as fit into half a guideline; they are taken away."""
    held = ""
    while texts and len(held) + len(texts[0]) < LONGEST_GUIDELINE:
        held += f"{texts.pop(0)}\n"
    return held


def hold_up(sent: Sequence[Payload], arranged: Arranged) -> None:
    """Each as why a gold example is right. The engineer has answered all but two of those in force; the last proposal waits."""
    label, other, *_ = arranged.labels
    mallory, trudy = arranged.strangers
    for start in range(0, len(sent), AT_ONCE):
        wanted = [Wanted(arranged.everywhere[one.number], "weak", label.id, one.text) for one in sent[start : start + AT_ONCE]]
        proposal = calibration.propose_gold(wanted, why=sent[start].text, by=mallory)
        if start + AT_ONCE < len(sent):
            approvals.approve(proposal.id, by=arranged.lead, note=sent[start].text)
            gold = calibration.carry_out(proposal.id)
            for one in gold[2 if start == 0 else 0 :]:
                calibration.answer(one.id, "strong", other.id, by=arranged.engineer)
            calibration.answer(gold[0].id, "strong", other.id, by=trudy)


def keep(sent: Sequence[Payload], arranged: Arranged) -> None:
    """What stands beside a person's work: desk names, tokens, deputies, what they are asked for, jobs; and last their views."""
    by, (mallory, trudy) = arranged.engineer, arranged.strangers
    people.known_as([text for payload in sent if "," not in (text := short(payload, 80))][:5], by=by)
    tokens.issue(first_of(sent, "Markdown"), ["read"], by, by=people.console())
    deputies.name(trudy.id, starts_at=now(), ends_at=now() + timedelta(days=3), by=arranged.lead)
    assignments.assign([arranged.full[0][2]], by.id, by=mallory)
    with store.writing() as db:
        for payload in sent[:4]:
            tasks.later(db, "import", {"batch_id": "x"}, title=f"Import {payload.text}", by=by)
    names = {short(one, 70).casefold(): one for one in reversed(markdown_first(sent))}
    arranged.views = [a_view(name, payload, by) for name, payload in names.items()]


def a_view(name: str, payload: Payload, by: Person) -> View:
    """It searches for the payload, as it is or as a phrase; what no search can be is left to the name."""
    text = plainly(payload.text)
    for words in (text, '"{}"'.format(text.replace('"', " ")), ""):
        try:
            return views.save(name, Filter(words=words, channel="chat"), by=by, shared=True)
        except Refused:
            assert words, f"a view without words was refused: {name}"
    raise AssertionError


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
            watches = [watch := Watch(page, (server.netloc,), listener.host)]
            reads_conversations(watch, server, arranged, sent)
            reads_lists(watch, server, arranged, sent)
            if SOAK:  # what fewer people see takes as long again
                decides_on_files(watch, server, arranged, sent)
                is_measured(watch, server, arranged, sent)
            types(watch, server, arranged, sent)
            if SOAK:
                acts_on_many(watch, server, arranged)
                keeps_a_view(watch, server, sent)
            follows_links(watch, server, arranged, sent)
        with desk(browser, server.base, "Leo", complaints) as page:
            watches.append(Watch(page, (server.netloc,), listener.host))
            leads(watches[-1], server, arranged, sent)
        with desk(browser, server.base, "Ada", complaints) as page:
            watches.append(Watch(page, (server.netloc,), listener.host))
            administers(watches[-1], server, arranged, sent)
    finally:
        server.stop()
    assert listener.heard == []
    assert sorted({found for watch in watches for found in watch.found}) == []
    assert [lost for watch in watches for lost in watch.lost] == []
    assert complaints == []


def reads_conversations(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    for place, (kind, start, conversation_id) in enumerate(arranged.full):
        screen = ("conversation", "review")[place % 2]
        watch.open(f"{server.base}/{screen}?conversation={conversation_id}")
        watch.shows((one.text for one in sent[start : start + A_PAGE]), kind)
    for payload in sent[:: COUNT // SAMPLED]:
        watch.open(f"{server.base}/conversation?conversation={arranged.everywhere[payload.number]}")
        said = [f"Better: {payload.text}", f"Note: {payload.text}", f"Flagged as weak: {payload.text}", f"Asked: {short(payload, 120)} yes"]
        watch.shows([payload.text, *said])
        if payload is sent[0]:
            what_is_folded(watch, arranged)
        watch.open(f"{server.base}/review?conversation={arranged.everywhere[payload.number]}")
        watch.page.get_by_role("button", name="Discuss it").click()
        watch.page.get_by_text("Comments").first.wait_for()
        watch.quiet()
        watch.shows([f"Subject: {payload.text}", f"@Emil @Leo {payload.text}"])
        watch.shows((short(one, 120) for one in sent[-(COUNT % rubric.MOST or rubric.MOST) :]), "the questions on")


def what_is_folded(watch: Watch, arranged: Arranged) -> None:
    """What opens under the pointer or a button: what else the machine considered, and who one is."""
    machine = watch.page.get_by_test_id("stCaptionContainer").filter(has_text="Machine:")
    machine.get_by_test_id("stTooltipHoverTarget").hover()
    watch.page.get_by_test_id("stTooltipContent").wait_for()
    watch.shows([arranged.labels[0].name], "what the machine considered on")
    watch.page.mouse.move(600, 5)
    watch.page.get_by_test_id("stSidebar").get_by_test_id("stPopover").get_by_role("button").click()
    watch.page.get_by_role("button", name="Sign out").wait_for()
    watch.shows([f"Engineer · {arranged.team} · emil@example.com"], "who one is on")


def reads_lists(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    """Where sentences hold them, and where tables do; of a table's rows some are in sight."""
    texts, named = [one.text for one in sent], [first_of(sent, family) for family in ("Markdown", "Streamlit", "HTML")]
    undone = f"Undo (U): Saved the view '{arranged.views[-1].name}'"
    asked = f"{arranged.strangers[0].name} asks you to look at 1 conversation."
    whole = {
        "": [*texts[:4], undone],
        "jobs": texts[:4],
        "inbox": [*texts[::ASKED], *(f"because: {one}" for one in texts[SETTLED - 5 : SETTLED]), asked],
        "eval_sets": [*named, undone],
        "approvals": [texts[4], named[0], undone],
        "account": [", ".join(arranged.engineer.desk_names), named[0], undone],
    }
    for screen in ("audit?words=Froze", "quality", "classifiers", *whole, f"approvals?proposal={arranged.proposal}"):
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
        watch.shows([waiting.file_name, file_name(sent[0], "jsonl")])
        with server.inside():
            offers.forget(waiting.id, by=arranged.engineer)


def is_measured(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    """By gold examples: the guideline as one chooses, what is right once one has said it, and all in which one differs."""
    watch.open(f"{server.base}/calibration")
    answered, waiting = len(sent) - (len(sent) % AT_ONCE or AT_ONCE), len(sent) % AT_ONCE or AT_ONCE
    watch.shows([one.text for one in sent[2:answered]], "where one differs on")
    watch.shows([one.text for one in sent[-waiting:]], "what waits on")
    choose(watch, "Intent (I)", arranged.labels[0].name)
    watch.sees("Yes: ")
    watch.shows(arranged.guidelines[0].splitlines(), "a guideline on")
    watch.press("Weak")
    watch.sees("You said the same")
    watch.shows([f"Because: {sent[0].text}"], "what is right on")


def choose(watch: Watch, field: str, name: str) -> None:
    box = watch.page.get_by_test_id("stSelectbox").filter(has=watch.page.get_by_text(field, exact=True)).locator("input")
    box.fill(name)
    box.press("Enter")
    watch.quiet()


ASKED_FOR = ('flag:"{}"', 'intent:"{}"', 'channel:"{}"', 'csat:"{}"', 'since:"{}"', "{}")


def types(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    """With the keyboard: what was typed comes back in what is said about it. A link can hold a search that a customer wrote."""
    payload = next(one for one in sent if one.family == "Markdown")
    for asked in ASKED_FOR[:SEARCHED]:
        watch.open(f"{server.base}/conversations?words={quote(asked.format(plainly(payload.text)))}")
    reviews_and_flags(watch, server, arranged, payload)
    pastes_and_skips(watch, server, arranged.full[2][2], payload)
    typed = f"new {plainly(payload.text)}"
    makes_twice(watch, server, f"{server.base}/eval_sets", "Name", "Create the set", typed, EvalSet)
    makes_twice(watch, server, f"{server.base}/classifiers", "New intent", "Add the intent", typed[:80], Label)


def reviews_and_flags(watch: Watch, server: Server, arranged: Arranged, payload: Payload) -> None:
    """Where others and the machine spoke before: their names and intents come once one's own word is said."""
    watch.open(f"{server.base}/review?conversation={arranged.full[-1][2]}")
    page = watch.page
    page.get_by_text("Weak (W)").click()
    page.get_by_label("A better reply").fill(payload.text)
    page.get_by_label("Note", exact=True).fill(payload.text)
    page.get_by_test_id("stSelectbox").filter(has_text="Intent").locator("input").click()
    page.get_by_role("option").nth(1).click()
    page.get_by_label(re.compile("Why, in a sentence")).fill(payload.text)
    watch.where = "/review, after it was saved and flagged"
    page.get_by_role("button", name=re.compile("^Save")).click()
    watch.sees("Saved and flagged")
    label, other, third, *_ = (one.name for one in arranged.labels)
    mallory, trudy = (one.name for one in arranged.strangers)
    watch.shows([f"The machine said '{other}'", f"{mallory} said weak, '{label}'", f"{trudy} said weak, '{third}'"])


def pastes_and_skips(watch: Watch, server: Server, conversation_id: str, payload: Payload) -> None:
    watch.open(f"{server.base}/review?conversation={conversation_id}")
    watch.type("Open one by its address", payload.text)
    watch.sees("No conversation within your reach")
    watch.shows([f"is known as '{payload.text[:80]}'"], "what was not found on")
    watch.press("Not for me")
    watch.type("Another reason", payload.text)
    watch.sees("Skipped; it went back")


def makes_twice(watch: Watch, server: Server, url: str, name: str, button: str, typed: str, of: type[EvalSet] | type[Label]) -> None:
    """The second time it is refused, with the name in the refusal. That it was made is read where it is kept: a toast goes."""
    watch.open(url)
    for refused in (False, True):
        watch.where = f"{url.rpartition('/')[2]}, {'refused' if refused else 'made'}"
        watch.page.get_by_label(name, exact=True).fill(typed)
        watch.page.get_by_role("button", name=button).press("Enter")  # a click is lost where a panel still folds out under it
        if refused:
            watch.page.get_by_test_id("stAlert").first.wait_for(timeout=90_000)
        else:
            with server.inside():
                is_made(watch, of, typed)
        watch.quiet()
        watch.unfold()


def is_made(watch: Watch, of: type[EvalSet] | type[Label], name: str) -> None:
    try:
        eventually(lambda: is_kept(of, name), f"'{name}' is kept", within=90)
    except AssertionError as late:
        raise AssertionError(f"{late}; there stands: {watch.text()}") from late


def is_kept(of: type[EvalSet] | type[Label], name: str) -> bool:
    with store.reading() as db:
        return db.exec(select(of.id).where(of.name == name)).first() is not None


def acts_on_many(watch: Watch, server: Server, arranged: Arranged) -> None:
    """What would change is shown with how each begins; what was done is told at the top, and when it is taken back."""
    intent, name = arranged.labels[1].name, arranged.strangers[1].name
    watch.open(f"{server.base}/conversations?state=Not+reviewed")
    watch.press(re.compile("^Choose these"))
    watch.press("Label…")
    choose(watch, "Intent", intent)
    watch.sees("would get the intent")
    watch.shows([f"would get the intent {intent}", f"no intent yet → {intent}"], "labels together on")
    watch.press("Label…")
    watch.press("Ask a colleague…")
    choose(watch, "Whom", name)
    watch.press(re.compile("^Ask .* to look at"))
    watch.sees(re.compile(r"^Undo \(U\): Asked"))
    watch.shows([f"Asked {name} to look at", f"Undo (U): Asked {name} to look at"], "asks on")
    watch.press(re.compile(r"^Undo \(U\): Asked"))
    watch.sees("Taken back: Asked")
    watch.shows([f"Taken back: Asked {name} to look at"], "takes back on")


def keeps_a_view(watch: Watch, server: Server, sent: Sequence[Payload]) -> None:
    """A list under a name that is a payload: saved, forgotten; the same list as a file, and as flags together."""
    name = short(next(one for one in sent if one.family == "Streamlit"), 60)
    watch.open(f"{server.base}/conversations?channel=Chat")
    watch.press("Save this view")
    watch.page.get_by_label("Name", exact=True).fill(f"new {name}")
    watch.press("Save view")
    watch.sees("The view is saved")
    watch.shows([f"Undo (U): Saved the view 'new {name}'"])
    with watch.page.expect_download() as download:
        watch.press("Download as CSV")
    assert download.value.suggested_filename == "conversations.csv"
    watch.press(re.compile("^Choose these"))
    watch.press("Flag…")
    watch.sees("would become weak examples")
    eval_set = min(first_of(sent, family) for family in ("Markdown", "Streamlit", "HTML"))  # the first by name is chosen
    watch.shows([f"would become weak examples for '{eval_set}'", "→ a weak example"], "flags together on")
    watch.press("Flag…")
    watch.folds_out("Link and name", "Forget view")
    watch.press("Forget view")
    watch.sees("is forgotten")
    watch.shows([f"The view 'new {name}' is forgotten"])


LINKS = (
    "conversations?view={0}&words={0}&channel={0}&intent={0}&state={0}&week={0}&since={0}&until={0}&version={0}",
    "conversation?conversation={0}",
    "review?conversation={0}&queue={0}",
    "approvals?proposal={0}",
    "quality?channel={0}",
    "audit?words={0}",
)


def follows_links(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    """Somebody else may have written them; and those to views are written here."""
    for payload in sent[:: COUNT // SEARCHED][:SEARCHED]:
        for link in LINKS:
            watch.open(f"{server.base}/{link.format(quote(plainly(payload.text), safe=''))}")
    for view in arranged.views[:: COUNT // SEARCHED][:SEARCHED]:
        opens_a_view(watch, server, view)


def opens_a_view(watch: Watch, server: Server, view: View) -> None:
    """The address says then what it searches for."""
    watch.open(f"{server.base}/conversations?view={view.id}")
    watch.page.wait_for_url(re.compile("channel=Chat"))
    expect(watch.page.get_by_role("textbox", name="Search")).to_have_value(view.query.get("words", ""))
    watch.quiet()
    watch.shows([view.name, view.query.get("words", "")], "a view on")


def leads(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    """What people see differently, what was settled and why, what reviews ask; colleagues' figures; a deputy."""
    label, other, *_ = arranged.labels
    named = [one.name for one in arranged.strangers]
    watch.open(f"{server.base}/agreement")
    watch.shows([f"'{label.name}'", f"'{other.name}'", f"Intent: {label.name}", f"Intent: {other.name}", named[0]], "seen differently on")
    watch.shows([f"Note: {one.text}" for one in sent[SETTLED + 1 :]], "said in a review on")  # five are shown, and there is another
    watch.shows([one.text for one in sent[max(SETTLED - 20, 0) : SETTLED]], "settled on")
    watch.press("What the guidelines say")
    watch.shows((line for told in arranged.guidelines for line in told.splitlines()), "the guidelines on")
    watch.page.keyboard.press("Escape")
    for part in ("By intent", "Two by two", "What reviews ask"):
        watch.press(part)
        watch.unfold()
    watch.sees("In force: number")
    watch.unfold()
    watch.shows((short(one, 120) for one in sent), "what reviews asked on")
    watch.open(f"{server.base}/calibration")
    watch.shows([named[1], f"about {named[1]}", f"{label.name} as {other.name}"], "colleagues on")
    watch.open(f"{server.base}/account")
    watch.shows([f"{named[1]} decides in your place", arranged.lead.name], "a deputy on")
    opens_a_view(watch, server, arranged.views[0])


def administers(watch: Watch, server: Server, arranged: Arranged, sent: Sequence[Payload]) -> None:
    """Somebody with such a name, and their token."""
    watch.open(f"{server.base}/people")
    watch.page.get_by_test_id("stDataFrame").click(position={"x": 20, "y": 52})
    watch.press("Disable the account")
    watch.sees("Their sign-ins end at once")
    watch.shows([f"Disable {min(one.name for one in arranged.strangers)}"], "the first of them on")
    watch.page.keyboard.press("Escape")
    watch.press("Tokens")
    watch.sees("acts as")
    watch.shows([first_of(sent, "Markdown")], "a token on")


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
    watch.shows((payload.text for payload in meant), within=0)  # nothing is drawn later here
    context.close()
    assert listener.heard and watch.lost
    assert {what.split()[0] for _, what in watch.found} >= {"ran", "request", "in"}


LAST = "All of them are written above."
STREAMLIT_PAGE = """
import json, pathlib, sys
import streamlit as st
from portal import widgets
st.title("The control")
for text in json.loads(pathlib.Path(sys.argv[1]).read_text()):
    st.markdown(widgets.plain(text) if sys.argv[2] == "plain" else text)
st.text("LAST")
""".replace("LAST", LAST)


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
        expect(watch.page.get_by_text(LAST)).to_be_visible()
        watch.shows((one.text for one in shown), within=DRAWN_WITHIN if how == "plain" else 0)  # what is lost does not come later
    context.close()
    if how == "plain":
        assert (listener.heard, watch.found, watch.lost) == ([], [], [])
    else:
        assert len(set(listener.heard)) >= 10
        assert len(watch.lost) >= 60
