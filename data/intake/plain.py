"""Plain words out of what help desks and mails send: HTML, quoted history, signatures, and times in a dozen spellings."""

import re
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from data.errors import Refused

LONGEST = 2_000_000  # characters of HTML that are looked at; a message keeps 100,000
DEEPEST_QUOTE = 5

# HTML

PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "hr", "article", "section"}
LINES = {"br", "div", "li", "tr", "dt", "dd", "header", "footer", "main", "form", "address", "figure", "figcaption", "option", "center"}
NEVER_SHOWN = {"script", "style", "head", "title", "template", "iframe", "object", "noembed", "noframes", "svg", "math"}
EMPTY = {"br", "img", "hr", "input", "meta", "link", "col", "wbr", "area", "base", "embed", "source", "track", "param"}
TAG = re.compile(r"<(/?)([a-zA-Z][^\s/><]*+)((?:[^\"'>]|\"[^\"]*\"|'[^']*')*+)>")
PLAIN_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/><]*+)([^>]*)>")
HREF = re.compile(r"""(?:^|\s)href\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE)
STYLE = re.compile(r"""(?:^|\s)style\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
HIDDEN = re.compile(r"(?:^|\s)hidden(?:\s*=|\s|/|$)", re.IGNORECASE)
UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:;|$)", re.IGNORECASE
)
NO_LETTER = re.compile(r"&#0*(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")  # beyond all letters; thousands of digits would be no number either


class _Page:
    """The lines of a page as far as it was read."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quoted = 0
        self.kept = 0  # how many <pre> are open
        self.link: str | None = None
        self.link_text: list[str] = []

    def say(self, text: str) -> None:
        text = unescape(NO_LETTER.sub("\ufffd", text)) if "&" in text else text
        if self.kept:
            first, *rest = text.split("\n")
            self.line.append(first)
            for one in rest:
                self.end_line()
                self.line.append(one)
        else:
            self.line.append(text)
        if self.link is not None:
            self.link_text.append(text)

    def end_line(self, blank: bool = False) -> None:
        raw = "".join(self.line)
        text = raw.rstrip() if self.kept else " ".join(raw.split())
        self.line = []
        if text or self.kept:
            self.lines.append("> " * self.quoted + text)
        if blank and self.lines and self.lines[-1]:
            self.lines.append("")

    def end_link(self) -> None:
        href, text = self.link, " ".join("".join(self.link_text).split())
        self.link, self.link_text = None, []
        if href and text and _bare(href) != _bare(text) and href.lower().startswith(("http://", "https://", "mailto:", "tel:")):
            self.line.append(f" ({href})")


def _bare(address: str) -> str:
    return re.sub(r"^(?:https?://(?:www\.)?|mailto:|tel:)", "", address.strip().lower()).rstrip("/")


def of_html(html: str) -> str:
    """What a reader of the page sees, in lines. It takes as long as the page is long, however it is nested."""
    html = html[:LONGEST].replace("\0", "").replace("\r\n", "\n").replace("\xa0", " ")
    page, place, trust_quotes, closes = _Page(), 0, True, 0
    closings: dict[str, int] = {}  # where each tag is closed next, so that nothing is looked for twice
    lowered = html.lower() if len(html.lower()) == len(html) else html
    while (opens := html.find("<", place)) >= 0:
        page.say(html[place:opens])
        if html.startswith("<!--", opens):
            place = _behind(html, "-->", opens + 4)
        elif html.startswith(("<!", "<?"), opens):
            place = _behind(html, ">", opens)
        else:
            found = TAG.match(html, opens) if trust_quotes else None
            if not found:
                found = PLAIN_TAG.match(html, opens)
                trust_quotes = trust_quotes and not found  # a quote that never ends: looked for once, not from each tag
            if not found:
                closes = html.find(">", opens) if -1 < closes < opens else closes
                page.say("<" if closes >= 0 else html[opens:])
                place = opens + 1 if closes >= 0 else len(html)
                continue
            closing, name, attributes = bool(found[1]), found[2].lower(), found[3]
            place = found.end()
            if not closing and name not in EMPTY and not attributes.endswith("/") and _unseen(name, attributes):
                place = _end_of(lowered, name, place, closings)
            else:
                _tag(page, name, closing, attributes)
    page.say(html[place:])
    page.end_line()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(page.lines)).strip("\n")


def _behind(html: str, end: str, start: int) -> int:
    found = html.find(end, start)
    return found + len(end) if found >= 0 else len(html)


def _unseen(name: str, attributes: str) -> bool:
    if name in NEVER_SHOWN:
        return True
    if not attributes:
        return False
    style = STYLE.search(attributes[:5000])
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", '""', attributes[:5000])
    return bool(HIDDEN.search(bare) or (style and UNSEEN.search(style[1][1:-1])))


def _end_of(lowered: str, name: str, start: int, closings: dict[str, int]) -> int:
    """Behind the tag that closes what is not shown. What is never closed hides nothing, but a script hides the rest."""
    place, depth = start, 1
    while depth:
        closing = closings.get(name, 0)
        if 0 <= closing < place:
            closing = closings[name] = lowered.find(f"</{name}", place)
        if closing < 0:
            return len(lowered) if name in ("script", "style") else start
        opened = name not in ("script", "style") and lowered.count(f"<{name}", place, closing)
        depth += int(opened) - 1
        place = _behind(lowered, ">", closing)
    return place


def _tag(page: _Page, name: str, closing: bool, attributes: str) -> None:
    if name == "a":
        page.end_link()
        href = None if closing else HREF.search(attributes[:5000])
        if href:
            page.link = unescape(NO_LETTER.sub("", href[1].strip("\"'"))).strip()[:2000]
    elif name in PARAGRAPHS:
        page.end_line(blank=True)
        if name == "blockquote":
            page.quoted = max(0, page.quoted - 1) if closing else min(page.quoted + 1, DEEPEST_QUOTE)
        elif name == "pre":
            page.kept = 0 if closing else 1
    elif name in LINES:
        if name == "br" and not "".join(page.line).strip() and page.lines and page.lines[-1]:
            page.lines.append("")
        page.end_line()
        if name == "li" and not closing:
            page.line.append("- ")
    elif name in ("td", "th"):
        page.line.append(" ")


# Mail

WROTE = (  # the line that stands before a quoted mail
    r"On\b.{6,250}\bwrote\s*:", r"Am\b.{4,250}\b(?:schrieb|hat)\b.{0,200}:", r".{4,200}\bschrieb am\b.{4,100}:",
    r"Le\b.{6,250}\ba\s+écrit\s*:", r"El\b.{6,250}\bescribi[óo]\s*:", r"Il\b.{6,250}\bha\s+scritto\s*:",
    r"Op\b.{6,250}\b(?:schreef|heeft)\b.{0,200}:", r"(?:Em|A)\b.{6,250}\bescreveu\s*:",
    r"(?:W dniu|Dnia|\w{2,4}\.?,)\s.{6,250}\b(?:napisał\(?a?\)?|pisze)\s*:?",
    r"\d{4}[-./]\d\d?[-./]\d\d?\s.{3,200}<[^<>\s]+@[^<>\s]+>\s*:",
)  # fmt: skip
ATTRIBUTION = re.compile(r"^[ \t]*(?:" + "|".join(WROTE) + r")[ \t]*$", re.DOTALL)
FIRST_WORDS = re.compile(r"^[ \t]*(?:(?:On|Am|Le|El|Il|Op|Em|A|W dniu|Dnia)\b|\w{2,4}\.?,|\d{4}[-./])|\bschrieb am\b")
ORIGINAL = re.compile(
    r"^[ \t>]*-{2,}[ \t]*(?:Original Message|Original Appointment|Ursprüngliche Nachricht|Ursprüngliche Mail|Originalnachricht|"
    r"Message d'origine|"
    r"Message original|Mensaje original|Messaggio originale|Oorspronkelijk bericht|Mensagem original|Wiadomość oryginalna|"
    r"Original-Nachricht)[ \t]*-{2,}[ \t]*$",
    re.IGNORECASE,
)
FROM = r"From|Von|De|Da|Van|Od"
HEADS = (
    r"Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Para|Asunto|Assunto|Inviato|Data|A|Oggetto|"
    r"Verzonden|Aan|Onderwerp|Wysłano|Do|Temat|Cc"
)
HEAD_FROM = re.compile(rf"^[ \t]*\*?(?:{FROM})\*?[ \t]?:\*?[ \t]*\S.{{0,300}}$")
HEAD_REST = re.compile(rf"^[ \t]*\*?(?:{HEADS})\*?[ \t]?:\*?.{{0,1000}}$")
RULE = re.compile(r"^[ \t]*_{8,}[ \t]*$")
SENT_FROM = re.compile(
    r"^[ \t]*(?:sent from (?:my |mail for |outlook|yahoo|gmail|samsung|proton|aol|the all)|sent with |sent via |get outlook for |"
    r"von meine[mr] .{1,40} gesendet|gesendet (?:von|mit|aus) |diese nachricht wurde von .{1,60} gesendet|"
    r"outlook für .{1,20} (?:beziehen|herunterladen)|"
    r"envoyé (?:de(?:puis)?|à partir de) |télécharge[rz] outlook|obtenir outlook|provenance : |enviado desde |obtener outlook|"
    r"enviado (?:do|da|pelo|a partir do) |obter o outlook|inviato (?:da|dal) |ottieni outlook|scarica outlook|"
    r"verzonden (?:vanaf|via|met|vanuit) |"
    r"outlook voor .{1,20} downloaden|wysłane? z |wysłano z |pobierz (?:aplikację )?outlook)[^\n]{0,80}$",
    re.IGNORECASE,
)
SIGNATURE = re.compile(r"^--[ \t\xa0]?$")


def of_mail(text: str) -> str:
    """What its writer wrote: without the mail they answer, and without their signature. A mail of nothing else stays as it is."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    lines = whole.split("\n")
    for cut in (_without_original, _without_history, _without_signature, _without_history):
        lines = cut(lines)
    return "\n".join(lines).strip() or whole


def _without_original(lines: list[str]) -> list[str]:
    """What stands below a separator of the mail program is the mail that was answered."""
    for number, line in enumerate(lines):
        if len(line) <= 400 and (ORIGINAL.match(line) or _head(lines, number)):
            above = lines[:number]
            while above and (not above[-1].strip() or RULE.match(above[-1])):
                above.pop()
            return above or lines
    return lines


def _head(lines: list[str], number: int) -> bool:
    """From, sent, to, subject: three of them in a row are the head of a mail. Below 'forwarded' it is what the writer wants seen."""
    if not HEAD_FROM.match(lines[number]):
        return False
    following = [line for line in lines[number + 1 : number + 6] if line.strip()]
    if sum(bool(HEAD_REST.match(line)) for line in following[:4] if len(line) <= 1100) < 2:
        return False
    before = " ".join(lines[max(0, number - 3) : number]).lower()[-500:]
    return not re.search(r"forward|weitergeleitet|transféré|reenviado|inoltrato|doorgestuurd|encaminhad|przekaz", before)


def _quoted(line: str) -> bool:
    return line.lstrip(" \t").startswith(">")


def _without_history(lines: list[str]) -> list[str]:
    """A quoted mail above or below the answer goes with the line that announces it; answers between quotes stay, with the quotes."""
    quotes = [number for number, line in enumerate(lines) if _quoted(line)]
    start, end = _attribution(lines)
    if start is not None and not any(number >= end for number in quotes):
        below = [line for line in lines[end:] if line.strip()]
        return lines[:start] if below and any(line.strip() for line in lines[:start]) else lines
    if not quotes:
        return lines
    spoken = [number for number, line in enumerate(lines) if line.strip() and not _quoted(line)]
    announced = range(start, end) if start is not None else range(0)
    own = [number for number in spoken if number not in announced]
    if not own:
        return lines
    if own[-1] < quotes[0]:
        return lines[: own[-1] + 1]  # the answer above
    if quotes[-1] < own[0]:
        return lines[own[0] :]  # the answer below
    last = max(spoken[-1], own[-1])
    return lines[: (own[-1] if last in announced else last) + 1]


def _attribution(lines: list[str]) -> tuple[int | None, int]:
    """Where 'On Monday, Jo wrote:' begins and where the next line is: mail programs break it into up to three lines."""
    tried = 0
    for number, line in enumerate(lines):
        if len(line) > 500 or not FIRST_WORDS.search(line) or tried > 300:
            continue
        tried += 1
        for many in (1, 2, 3):
            part = lines[number : number + many]
            if any(not one.strip() or len(one) > 500 or _quoted(one) for one in part):
                break
            if _dated(joined := " ".join(one.strip() for one in part)) and ATTRIBUTION.match(joined):
                return number, min(number + many, len(lines))
    return None, 0


def _dated(line: str) -> bool:
    """It names a day, a time or an address; 'On reflection I wrote:' does not."""
    return bool(re.search(r"\d{1,2}[:.h]\d\d|\d{4}|@", line))


def _without_signature(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if SIGNATURE.match(line) and number and not any(_quoted(below) for below in lines[number:]) and len(lines) - number <= 30:
            lines = lines[:number]
            break
    while True:
        while lines and not lines[-1].strip():
            lines = lines[:-1]
        if not lines or len(lines) == 1 or len(lines[-1]) > 200 or not SENT_FROM.match(lines[-1]):
            return lines
        lines = lines[:-1]


# Times

FORMS = (
    (re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?)"), True),
    (re.compile(r"(?P<d>\d\d?)\.\s?(?P<m>\d\d?)\.\s?(?P<y>\d{4})"), True),
    (re.compile(r"(?P<a>\d\d?)[/-](?P<b>\d\d?)[/-](?P<y>\d{4})"), False),  # 3/1/2026: nobody can tell from one alone
    (re.compile(r"(?P<d>\d\d?)(?:\.|st|nd|rd|th)?[ -](?P<word>[A-Za-zäûé]{3,10})\.?,?[ -](?P<y>\d{4})"), True),
    (re.compile(r"(?P<word>[A-Za-z]{3,10})\.? (?P<d>\d\d?)(?:st|nd|rd|th)?,? (?P<y>\d{4})"), True),
)
CLOCK = re.compile(
    r"[ T,]*(?:at |um )?(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d{1,9})?)?[ \xa0\u202f]?(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"(?: Uhr)?[ ]?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?",
)
MONTHS = {
    word: 1 + place
    for place, words in enumerate(
        ("jan jän", "feb", "mar mär", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"),
    )
    for word in words.split()
}


@lru_cache(maxsize=32)
def zone(name: str) -> tzinfo:
    with suppress(KeyError, ValueError, OSError):
        return ZoneInfo(name)
    raise Refused(f"'{name[:60]}' is no time zone that is known. Name one like Europe/Berlin or UTC.")


def moment(value: Any, time_zone: str = "UTC", *, day_first: bool | None = None) -> datetime | None:
    """The time in UTC, or None when it cannot be told. `day_first` says how 3/1/2026 is meant, which one value alone does not say."""
    made: datetime | None = None
    with suppress(ValueError, OverflowError, TypeError, OSError):
        made = _moment(value, time_zone, day_first)
    return made.astimezone(UTC) if made is not None and 1970 < made.year < 2200 else None


def _moment(value: Any, time_zone: str, day_first: bool | None) -> datetime | None:
    if isinstance(value, datetime):
        return _aware(value, time_zone)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _counted(float(value))
    text = str(value).strip()
    if not text or len(text) > 100:
        return None
    if re.fullmatch(r"\d{9,19}(?:\.\d{1,9})?", text):
        return _counted(float(text))
    if re.fullmatch(r"[^\d]*|[\d.,]+", text) and not re.fullmatch(r"\d\d?\.\d\d?\.\d{4}|\d{4}\.\d\d?\.\d\d?", text):
        return None
    with suppress(ValueError):
        if re.match(r"\d{4}-\d\d-\d\d", text):
            return _aware(datetime.fromisoformat(text.removesuffix(" UTC") + "+00:00" * text.endswith(" UTC")), time_zone)
    found = _spelt(text, time_zone, day_first)
    if found is None and re.search(r"[A-Za-z]{3}", text):
        found = _aware(parsedate_to_datetime(text), time_zone)
    return found


def _counted(count: float) -> datetime | None:
    """Seconds, or the thousandths and millionths of them that programs count in, since 1970."""
    for scale in (1, 1e3, 1e6, 1e9):
        if 1e8 <= count / scale < 4.2e9:  # 1973 to 2103: a telephone number is no time
            return datetime.fromtimestamp(count / scale, UTC)
    return None


def _aware(at: datetime, time_zone: str) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=zone(time_zone))).astimezone(UTC)


def _spelt(text: str, time_zone: str, day_first: bool | None) -> datetime | None:
    text = re.sub(r"^[A-Za-zäöü]{2,10}\.?, ", "", text)  # Mon,
    for form, certain in FORMS:
        found = form.match(text)
        if not found:
            continue
        parts = found.groupdict()
        if certain:
            day = int(parts["d"])
            month = int(parts["m"]) if parts.get("m") else MONTHS.get(parts["word"][:3].lower(), 0)
        else:
            first, second = int(parts["a"]), int(parts["b"])
            by_day = first > 12 if max(first, second) > 12 else day_first
            if by_day is None and first != second:
                return None
            day, month = (first, second) if by_day else (second, first)
        return _with_clock(datetime(int(parts["y"]), month, day), text[found.end() :].strip(), time_zone)
    return None


def _with_clock(day: datetime, rest: str, time_zone: str) -> datetime | None:
    if not rest:
        return _aware(day, time_zone)
    clock = CLOCK.fullmatch(rest)
    if not clock:
        return None
    hour, half = int(clock["hour"]), (clock["half"] or "").lower().replace(".", "")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    at = day.replace(hour=hour, minute=int(clock["minute"]), second=int(clock["second"] or 0))
    told = clock["zone"]
    if told:
        return datetime.fromisoformat(at.isoformat() + ("+00:00" if told in ("Z", "UTC", "GMT") else told))
    return _aware(at, time_zone)
