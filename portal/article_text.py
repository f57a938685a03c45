"""Draws an article's Markdown: its headings, lists, emphasis, tables, code. Nothing in it loads, leads away, hides or is Streamlit's own.

An article is somebody else's text on a colleague's screen. It is read into tokens and written anew from them, so that what is drawn holds
only what is written here: every text run is escaped, an address is code (to be copied, not clicked), a link is its words and the host.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

import streamlit as st
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from portal.widgets import JOINER, plain

DRAWN = 100_000  # characters on one page: a browser draws no more without freezing
DEEPEST = 40  # levels of lists, quotes and emphasis in each other; deeper, the text is drawn without its form
MOST_BRACKETS = 20_000  # opening signs; with more, reading them takes longer than anybody waits

# What Unicode calls ignorable (tags, zero width, direction, fillers, variations), then control signs, halves and private letters.
# A joiner stays where a script or a picture sign needs it.
UNSEEN = re.compile(
    r"(?!(?<=[\u0600-\u08ff\u0900-\u0dff])[\u200c\u200d](?=[\u0600-\u08ff\u0900-\u0dff])"
    r"|(?<=[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2600-\u27bf\U0001f000-\U0001faff])"
    r"|(?<=[\u00a9\u00ae\u2000-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])\ufe0f)"
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    r"\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]"
)
SPACE = re.compile(r"[^\S\u00a0\u202f]+")
ADDRESS = re.compile(r"(?:https?://|www\.)\S+(?<![.,;:!?)\]}\"'])|(?<![-.\w+])[-.\w+]++@[-\w]+(?:\.[-\w]+)+", re.IGNORECASE)
BARE = re.compile(
    r"</?(?:a|abbr|b|big|center|cite|code|del|details|div|em|figure|font|i|ins|kbd|li|mark|ol|p|q|s|section|small|span|strong|sub|summary|"
    r"sup|table|tbody|td|th|thead|tr|u|ul)\s*/?>",
    re.IGNORECASE,
)  # tags that only shape, and say nothing by themselves; any other is shown as it is written, so that nothing hides in it
BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
OPENING = re.compile(r"[\[<*_~`!>|]")

_reader = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable(["table", "strikethrough"])


def show(text: str) -> None:
    """As much of it as a page takes, and how much is left."""
    part = _beginning(text)
    st.markdown(safe(part, under=2))  # a page's own title and parts are the first two headings
    if left := len(text) - len(part):
        st.caption(f"The rest, {left:,} of {len(text):,} characters, is not drawn here: a page takes {DRAWN:,}.")


def _beginning(text: str) -> str:
    if len(text) <= DRAWN:
        return text
    end = text.rfind("\n\n", 0, DRAWN)
    return text[: end if end > 0 else DRAWN]


def safe(text: str, *, under: int = 0) -> str:
    """Markdown that says the same and does nothing. Its headings begin that many levels further down."""
    seen = visible(text)
    if len(OPENING.findall(seen)) > MOST_BRACKETS:
        return _formless(seen)
    tokens = _reader.parse(seen)
    levels = [inner.level + token.level for token in tokens for inner in (token.children or [token])]
    if max(levels, default=0) >= DEEPEST - 1:  # what is nested deeper was not read: nothing is left out in silence
        return _formless(seen)
    return "\n".join(_Article(under).blocks(SyntaxTreeNode(tokens).children))


def visible(text: str) -> str:
    """Without what nobody sees."""
    return UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n"))


def _formless(text: str) -> str:
    """Its words alone, a line a line."""
    paragraphs = ([words for line in part.split("\n") if (words := _words(line).strip())] for part in re.split(r"\n\s*\n", text))
    return "\n\n".join("\\\n".join(lines) for lines in paragraphs if lines)


# Text runs


def _words(text: str) -> str:
    """A text run that is only text, whatever signs it holds; addresses in it stand as code."""
    text = SPACE.sub(" ", visible(text))
    told, place = [], 0
    for found in ADDRESS.finditer(text):
        if "|" in found[0]:
            continue  # no code in a table: it stays in its run
        told += [plain(text[place : found.start()]), _code(found[0])]
        place = found.end()
    return _joined([*told, plain(text[place:])])


def _joined(parts: Sequence[str]) -> str:
    """Two codes that meet would be read as one, and what stands in them as something else: they are parted."""
    told = ""
    for part in parts:
        told += JOINER + part if told.endswith("`") and part.startswith("`") else part
    return told


def _code(text: str) -> str:
    """Between backticks, more than stand in it. It has no |: a table would part it there, and read its second half."""
    text = SPACE.sub(" ", visible(text)).replace("|", " ")
    if not text.strip():
        return plain(text)
    fence = "`" * (_longest_run(text) + 1)
    room = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{room}{text}{room}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _leads_to(address: str) -> str:
    """Where a link leads, in a word: the host; whom it writes to or calls; nothing within the page."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "an address that cannot be read"
    if host:
        return host
    return parts.path if parts.scheme in ("mailto", "tel") else parts.scheme


# Pieces of a line


class _Inline:
    """Writes the pieces of one line. Runs of text that meet are one text, as they are in a browser."""

    def __init__(self, *, one_line: bool) -> None:
        self.one_line = one_line  # of a heading and of a cell

    def of(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        told, run = [], ""
        for is_text, piece in self._pieces(nodes):
            if is_text:
                run += piece
            else:
                told += [_words(run), piece]
                run = ""
        return _joined([*told, _words(run)])

    def _pieces(self, nodes: Sequence[SyntaxTreeNode]) -> Iterator[tuple[bool, str]]:
        """Texts, and what is written already. A link's words are part of the text around them."""
        for node in nodes:
            if (text := self._text(node)) is not None:
                yield True, text
            elif node.type == "link":
                yield from self._pieces(node.children)
                if host := _host_beside(node):
                    yield from ((True, " ("), (False, _code(host)), (True, ")"))
            else:
                yield False, self._marked(node)

    def _text(self, node: SyntaxTreeNode) -> str | None:
        """What a piece says, where it is nothing but text."""
        match node.type:
            case "text":
                return node.content
            case "code_inline" if "|" in node.content:
                return node.content
            case "softbreak":
                return " "
            case "html_inline" if not BREAK.fullmatch(node.content):
                return "" if BARE.fullmatch(node.content) else node.content
            case "image":
                return _picture(node)
            case _:
                return None

    def _marked(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "code_inline":
                return _code(node.content)
            case "em" | "strong" | "s":
                return _within({"em": "*", "strong": "**", "s": "~~"}[node.type], self.of(node.children))
            case "hardbreak" | "html_inline":
                return " " if self.one_line else "\\\n"
            case _:
                return _words(node.content)


def _host_beside(link: SyntaxTreeNode) -> str:
    """Where it leads, if its words do not say so."""
    leads_to = visible(_leads_to(str(link.attrs.get("href", ""))))
    said = "".join(part.content for part in link.walk() if part.type in ("text", "code_inline"))
    return "" if leads_to in said or link.markup == "autolink" else leads_to


def _picture(node: SyntaxTreeNode) -> str:
    """What would be seen, in words: nothing is fetched."""
    host = _leads_to(str(node.attrs.get("src", "")))
    return f"[picture{': ' if node.content else ''}{node.content}{f' ({host})' if host else ''}]"


def _within(sign: str, words: str) -> str:
    """Emphasis that opens and closes wherever it stands: a sign within it would keep it from that."""
    inner = words.strip()
    if not inner or inner == JOINER:
        return words
    before, _, after = words.partition(inner)
    first = "" if inner[0].isalnum() else JOINER
    last = "" if inner[-1].isalnum() else JOINER
    return f"{before}{sign}{first}{inner}{last}{sign}{after}"


# Blocks


class _Article:
    """Writes blocks as lines, each parted from the next by an empty one."""

    def __init__(self, under: int) -> None:
        self.under = under

    def blocks(self, nodes: Sequence[SyntaxTreeNode]) -> list[str]:
        lines: list[str] = []
        before, turn = "", 0
        for node in nodes:
            turn = turn + 1 if node.type == before else 0  # two lists that meet stay two by another sign
            block = self._block(node, turn)
            close = node.type.endswith("_list") and before == "paragraph" and nodes[0].hidden
            lines += ([""] if lines and block and not close else []) + block
            before = node.type if block else before
        return lines

    def _block(self, node: SyntaxTreeNode, turn: int) -> list[str]:
        write: dict[str, Callable[[], list[str]]] = {
            "paragraph": lambda: _lines_of(_Inline(one_line=False).of(_inside(node))),
            "heading": lambda: self._heading(node),
            "bullet_list": lambda: self._list(node, turn),
            "ordered_list": lambda: self._list(node, turn),
            "blockquote": lambda: [f"> {line}".rstrip() for line in self.blocks(node.children)] or [">"],
            "fence": lambda: _fenced(node.content),
            "code_block": lambda: _fenced(node.content),
            "hr": lambda: ["___"],
            "table": lambda: _table(node),
            "html_block": lambda: _formless(BARE.sub("", BREAK.sub("\n", node.content))).split("\n"),
        }
        lines = write.get(node.type, lambda: _formless(node.content).split("\n"))()
        return lines if any(lines) else []

    def _heading(self, node: SyntaxTreeNode) -> list[str]:
        level = min(int(node.tag[1:]) + self.under, 6)
        words = _Inline(one_line=True).of(_inside(node)).strip()
        return [f"{'#' * level} {words}"] if words else []

    def _list(self, node: SyntaxTreeNode, turn: int) -> list[str]:
        lines: list[str] = []
        number = int(node.attrs.get("start", 1))
        for place, item in enumerate(node.children):
            loose = bool(item.children) and not item.children[0].hidden
            sign = "-*"[turn % 2] if node.type == "bullet_list" else f"{number + place}{'.)'[turn % 2]}"
            inner = self.blocks(item.children) or [""]
            indent = " " * (len(sign) + 1)
            lines += [""] if place and loose else []
            lines += [f"{sign} {inner[0]}".rstrip(), *(f"{indent}{line}" if line else "" for line in inner[1:])]
        return lines


def _inside(node: SyntaxTreeNode) -> Sequence[SyntaxTreeNode]:
    return node.children[0].children if node.children else []


def _lines_of(words: str) -> list[str]:
    """No line of a paragraph begins with a gap: it could mean code."""
    lines = [line.strip() for line in words.split("\n")]
    return [line for line in lines if line not in ("", "\\")] if words.strip() else []


def _fenced(content: str) -> list[str]:
    """Code, and of no language: one of them is drawn as a diagram, another as a formula."""
    fence = "`" * max(3, _longest_run(content) + 1)
    return [fence, *content.removesuffix("\n").split("\n"), fence]


def _table(node: SyntaxTreeNode) -> list[str]:
    rows = [row for part in node.children for row in part.children]
    lines = [f"| {' | '.join(_Inline(one_line=True).of(_inside(cell)).strip() for cell in row.children)} |" for row in rows]
    return [lines[0], f"|{'|'.join(_aligned(cell) for cell in rows[0].children)}|", *lines[1:]]


def _aligned(cell: SyntaxTreeNode) -> str:
    style = str(cell.attrs.get("style", ""))
    return {"text-align:center": ":---:", "text-align:right": "---:", "text-align:left": ":---"}.get(style, "---")
