"""HTML pages: headings, lists, tables and words as Markdown has them; what runs, loads, asks or hides is gone.

The tags are found by the same two patterns as in mails: the standard library's parser took 97 s for 80 kB of '<a <a <a' (Python 3.11).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from data.intake.plain import EMPTY, HIDDEN, NEVER_SHOWN, NO_LETTER, PLAIN_TAG, TAG, UNSEEN
from knowledge.files.article import field_named, one_line, settled

GONE = (NEVER_SHOWN - {"head", "title"}) | {"form", "button", "select", "textarea", "nav", "noscript", "audio", "video", "canvas"}
RAW = {"script", "style"}  # nothing in them is a tag
BLOCKS = {"p", "div", "section", "article", "main", "header", "footer", "aside", "address", "figure", "figcaption", "dl", "dt", "dd",
          "center", "details", "summary", "fieldset", "hr", "body", "caption"}  # fmt: skip
HEADINGS = {f"h{level}": level for level in range(1, 7)}
ATTRIBUTE = re.compile(r"""([^\s=/"'>]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]*))?""")
LOOKED_AT = 5_000  # characters of a tag
DEEPEST = 10  # lists and quotes in each other that are told apart


@dataclass(frozen=True)
class _Tag:
    name: str
    closing: bool
    attributes: str

    def said(self) -> dict[str, str]:
        found = ATTRIBUTE.finditer(self.attributes[:LOOKED_AT])
        return {one[1].lower(): _letters((one[2] or "").strip("\"'")) for one in found}


def _letters(text: str) -> str:
    return unescape(NO_LETTER.sub("\ufffd", text)) if "&" in text else text


def _pieces(html: str) -> Iterator[str | _Tag]:
    """Texts and tags in their order. It takes as long as the page is long."""
    lowered = html.lower() if len(html.lower()) == len(html) else html
    place, trust_quotes = 0, True
    while (opens := html.find("<", place)) >= 0:
        if opens > place:
            yield html[place:opens]
        if html.startswith(("<!", "<?"), opens):
            place = _behind(html, "-->" if html.startswith("<!--", opens) else ">", opens)
            continue
        found = TAG.match(html, opens) if trust_quotes else None
        if not found:
            found = PLAIN_TAG.match(html, opens)
            trust_quotes = trust_quotes and not found  # a quote that never ends: looked for once, not from each tag
        if not found:
            rest = html.find(">", opens) < 0
            yield html[opens:] if rest else "<"
            place = len(html) if rest else opens + 1
            continue
        tag, place = _Tag(found[2].lower(), bool(found[1]), found[3]), found.end()
        if tag.name in RAW and not tag.closing:
            ends = lowered.find(f"</{tag.name}", place)
            place = _behind(html, ">", ends) if ends >= 0 else len(html)
        else:
            yield tag
    if place < len(html):
        yield html[place:]


def _behind(html: str, end: str, start: int) -> int:
    found = html.find(end, start)
    return found + len(end) if found >= 0 else len(html)


def read(html: str) -> dict[str, Any]:
    """The fields that the page tells, its text among them."""
    page = _Page(hiding=True)
    page.take(html)
    if page.hidden:  # by what is never closed: that hides nothing
        page = _Page(hiding=False)
        page.take(html)
    text = settled(re.sub(r"\n{3,}", "\n\n", "\n".join(page.lines)))
    fields: dict[str, Any] = {**page.fields, "text": text}
    if not text.startswith("# ") and (title := one_line("".join(page.title))):
        fields["title"] = title
    return fields


@dataclass
class _Around:
    """A list's point or a quote around the lines that follow."""

    name: str
    sign: str
    begun: bool = False

    def before_line(self) -> str:
        sign = self.sign if self.name == "blockquote" or not self.begun else " " * len(self.sign)
        self.begun = True
        return sign


class _Page:
    """The lines of a page as far as it was read."""

    def __init__(self, *, hiding: bool) -> None:
        self.hiding = hiding
        self.hidden = ""  # the tag whose content is not shown
        self.depth = 0  # how many of that name are open
        self.fields: dict[str, str] = {}
        self.title: list[str] = []
        self.in_title = False
        self.lines: list[str] = []
        self.line: list[str] = []
        self.level = 0  # of the heading that is open
        self.around: list[_Around] = []
        self.counts: list[int] = []  # of each open list: the next number; 0 where it counts nothing
        self.code: list[str] | None = None
        self.rows: list[list[str]] | None = None
        self.cell: list[str] | None = None

    def take(self, html: str) -> None:
        for piece in _pieces(html.replace("\r\n", "\n").replace("\r", "\n")):
            if self.hidden:
                self._look_for_end(piece)
            elif isinstance(piece, str):
                self._say(_letters(piece))
            elif not piece.closing and self._hides(piece):
                self.hidden, self.depth = piece.name, 1
            else:
                self._tag(piece)
        self._end_code()
        self._end_table()
        self._end_line()

    def _look_for_end(self, piece: str | _Tag) -> None:
        if isinstance(piece, _Tag) and piece.name == self.hidden:
            self.depth += -1 if piece.closing else 1
            self.hidden = self.hidden if self.depth else ""

    def _hides(self, tag: _Tag) -> bool:
        if not self.hiding or tag.name in EMPTY or tag.attributes.endswith("/"):
            return False
        if tag.name in GONE:
            return True
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", '""', tag.attributes[:LOOKED_AT])
        return bool(tag.attributes) and bool(HIDDEN.search(bare) or UNSEEN.search(tag.said().get("style", "")))

    def _say(self, text: str) -> None:
        if self.in_title:
            self.title.append(text)
        elif self.code is not None:
            self.code.append(text)
        elif self.cell is not None:
            self.cell.append(text)
        elif self.rows is None or text.strip():
            self.line.append(text)

    def _tag(self, tag: _Tag) -> None:
        name = tag.name
        if name == "title":
            self.in_title = not tag.closing
        elif name in ("meta", "html"):
            self._tell(tag)
        elif self.code is not None and name != "pre":
            self.code.append("\n" if name == "br" else "")
        elif name in ("table", "tr", "td", "th"):
            self._table(name, tag.closing)
        elif self.cell is not None:
            self.cell.append(" " if name in BLOCKS | HEADINGS.keys() | {"br", "li", "ul", "ol", "pre", "blockquote"} else "")
        elif name == "br":
            self._end_line("  ")
        elif name == "pre":
            self._pre(tag.closing)
        elif name in HEADINGS:
            self._end_block()
            self.level = 0 if tag.closing else HEADINGS[name]
        elif name in ("ul", "ol", "li", "blockquote"):
            self._list(tag)
        elif name in BLOCKS:
            self._end_block()

    def _tell(self, tag: _Tag) -> None:
        said = tag.said()
        if tag.name == "html" and said.get("lang"):
            self.fields.setdefault("language", said["lang"])
        ours = field_named(said.get("name", ""))
        if ours not in (None, "text", "title") and said.get("content"):
            self.fields[str(ours)] = said["content"]

    def _end_line(self, end: str = "") -> None:
        words, self.line = " ".join("".join(self.line).split()), []
        if words:
            self._put(f"{'#' * self.level} {words}" if self.level else words + end)

    def _put(self, words: str) -> None:
        self.lines.append("".join(one.before_line() for one in self.around) + words)

    def _end_block(self) -> None:
        """What follows is parted from what stands here, but for a list's point that has only begun."""
        self._end_line()
        if self.lines and self.lines[-1] and all(one.begun for one in self.around):
            self.lines.append("")

    def _list(self, tag: _Tag) -> None:
        in_item = any(one.name == "li" for one in self.around)
        if tag.name == "li" or (tag.name != "blockquote" and in_item):
            self._end_line()
        else:
            self._end_block()
        if tag.closing:
            self._close(tag.name)
        elif tag.name in ("ul", "ol"):
            self.counts.append(1 if tag.name == "ol" else 0)
        elif tag.name == "blockquote":
            self._open("blockquote", "> ")
        else:
            if self.around and self.around[-1].name == "li" and self._points() >= len(self.counts):
                self.around.pop()  # the point before was not closed
            self._open("li", self._next_sign())

    def _points(self) -> int:
        return sum(one.name == "li" for one in self.around)

    def _open(self, name: str, sign: str) -> None:
        if len(self.around) < DEEPEST:
            self.around.append(_Around(name, sign))

    def _next_sign(self) -> str:
        if not self.counts or not self.counts[-1]:
            return "- "
        self.counts[-1] += 1
        return f"{self.counts[-1] - 1}. "

    def _close(self, name: str) -> None:
        if name in ("ul", "ol"):
            del self.counts[-1:]
            while self.around and self.around[-1].name == "li" and self._points() > len(self.counts):
                self.around.pop()
            if not self.counts:
                self._end_block()
        elif self.around and self.around[-1].name == name:
            self.around.pop()

    def _pre(self, closing: bool) -> None:
        if closing:
            self._end_code()
        elif self.code is None:
            self._end_block()
            self.code = []

    def _end_code(self) -> None:
        if self.code is None:
            return
        code, self.code = "".join(self.code).strip("\n"), None
        if code.strip():
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
            for line in (fence, *code.split("\n"), fence):
                self._put(line)
            self.lines.append("")

    def _table(self, name: str, closing: bool) -> None:
        if name == "table":
            if closing:
                self._end_table()
            elif self.rows is None:
                self._end_block()
                self.rows = []
            elif self.cell is not None:
                self.cell.append(" ")
        elif self.rows is not None:
            self._end_cell()
            if name == "tr" and not closing:
                self.rows.append([])
            elif name != "tr" and not closing:
                self.cell = []

    def _end_cell(self) -> None:
        if self.cell is not None and self.rows is not None:
            self.rows = self.rows or [[]]
            self.rows[-1].append(" ".join("".join(self.cell).split()).replace("|", "\\|"))
        self.cell = None

    def _end_table(self) -> None:
        self._end_cell()
        rows, self.rows = [row for row in self.rows or [] if any(row)], None
        width = max((len(row) for row in rows), default=0)
        if width == 1:  # it only keeps things in their places
            for row in rows:
                self._put(row[0])
                self.lines.append("")
        elif width:
            filled = [[*row, *[""] * (width - len(row))] for row in rows]
            for row in (filled[0], ["---"] * width, *filled[1:]):
                self._put(f"| {' | '.join(row)} |")
            self.lines.append("")
