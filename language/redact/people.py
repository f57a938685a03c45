"""Names of people: by lists, by their endings, and by the words around them."""

import re
from collections.abc import Iterator, Sequence

from language.redact.contexts import CONTEXTS, A
from language.redact.findings import Finding, listed, these

WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
BIRDS = these(
    "robin kaya alfredo mandy carol scott tyler ruby ginger princess queen patience palmer parker santos valencia "
    "madison joke fares tin lies mees slaven lion oral velvet opal silvers rand mile cass rada holly floor nada "
    "cruz sol virginia carolina columbus pier maris dino vega minh"
)
GIVEN = listed("given") - listed("words") - listed("places")
FAMILY = listed("family") - listed("words") - listed("places")
EVERYDAY = listed("words") | listed("places")
QUIET = frozenset(name for name in GIVEN if len(name) >= 4 and name not in BIRDS)  # believed in small letters too
PLANTS = these(
    "rose olive daisy summer autumn jasmine lily violet ivy heather hazel holly poppy iris willow fern rosemary "
    "faith hope joy grace april may june august crystal amber ruby jade pearl"
)
ENDINGS = (
    "ović|ević|nić|kić|čić|ović|ovic|evic|ová|sson|nsson|dóttir|dottir|ssen|nsen|dsen|tsen|ksen|lsen|rsen|ström|"
    "qvist|quist|lund|gren|enko|chuk|shvili|adze|opoulos|opoulou|akis|idis|escu|eanu|"
    "owski|ewski|ński|owska|ewska|ńska|czyk|wicz|vich|skaya|skiy|sky|inen|änen|önen|ainen|mäki|ández|andez|ínez|"
    "inez|íguez|iguez|quez|guez|ndez|"
    "mann|meier|meyer|bauer|stra|sma|huis|huizen|moto|mura|gawa|kawa|guchi|naga|shita|zaki|saki|oğlu|oglu|yilmaz|"
    "zadeh|abadi|ullah|uddin|singh|nko|ieva|ayeva|yeva|kova|lova|nova|rova|vskaya|edze"
)
SURNAME = re.compile(rf"(?<![\w@./\-#])[A-ZÀ-ÖØ-ÞĀ-Ž][^\W\d_]{{1,20}}(?:{ENDINGS})(?![\w@])")
SCOTS = re.compile(r"(?<![\w@./\-#])(?:Mc[A-Z]|O['’][A-Z])[a-z]{2,15}(?!['’]s?\b|\w)")
SUFFIX = re.compile(r",? (?:MD|PhD|Jr\.?|Sr\.?|III?|DDS|DVM|Esq\.?)(?!\w)")
PARTICLES = these("de da do dos das di del della der den van von vom zu la le el al bin ibn ter ten mac y")
COMPANY = re.compile(
    r"[ ,&-]{1,3}(?:Inc|Ltd|LLC|GmbH|AG|Corp|Co|PLC|plc|KG|SE|Company|Group|Bank|University|Hotel|Hospital|School|"
    r"College|Airport|Street|Road|Avenue|Library|Park|Station|Library|Stores?|Foundation|Association|Institute|Partners|website|& Co)\b"
)
TRIGGERS = frozenset(word for trigger, *_ in CONTEXTS for word in trigger)
BY_WORD = {word: [number for number, (trigger, *_) in enumerate(CONTEXTS) if word in trigger] for word in TRIGGERS}
NEAR = frozenset(
    number for number, (trigger, *_) in enumerate(CONTEXTS) if not trigger.isdisjoint(("kid", "mrs", "surname"))
)  # a place can be a name here
ENDED = tuple(ENDINGS.split("|"))
NOT_AFTER = these("at back when if as on in later tomorrow today asap again please and or to for with by the a an")


def people(text: str, words: set[str], addresses: Sequence[Finding] = ()) -> Iterator[Finding]:
    spans: list[tuple[int, int]] = []
    if not words.isdisjoint(TRIGGERS):
        for number in sorted({number for word in words & TRIGGERS for number in BY_WORD[word]}):
            _, pattern, quiet = CONTEXTS[number]
            for match in pattern.finditer(text):
                span = _believed(text, match.start("name"), match.end("name"), quiet, number in NEAR)
                if span:
                    spans.append(span)
    if not words.isdisjoint(GIVEN) or not words.isdisjoint(FAMILY):
        spans += _listed(text)
    if any(len(word) > 4 and word.endswith(ENDED) for word in words):
        spans += [match.span() for match in SURNAME.finditer(text) if match.group().lower() not in EVERYDAY]
    if "Mc" in text or "O'" in text or "O’" in text:
        spans += [match.span() for match in SCOTS.finditer(text)]
    if addresses and "\n" in text:
        above = _above(text, addresses[0].start)
        if above:
            spans.append(above)
    for start, end in _joined(text, spans):
        yield Finding("name", " ".join(text[start:end].casefold().split()), start, end)


def _believed(text: str, start: int, end: int, quiet: bool, near: bool) -> tuple[int, int] | None:
    """The words of a match that can be a name: from the first on, as long as none is an everyday word."""
    stop = start
    for count, match in enumerate(WORD.finditer(text, start, end)):
        word = match.group()
        plain = word.lower()
        known = plain in listed("given") or (count > 0 and plain in listed("family"))
        named = known or (near and plain in listed("places"))
        if plain in EVERYDAY and not (named and word[0].isupper()):
            break
        parts = re.split(r"[-'’]", plain)  # "I've", 'Ferngrove-Team'
        if len(parts) > 1 and EVERYDAY.intersection(parts) and not (listed("given") | listed("family")).intersection(parts):
            break
        if plain in PARTICLES and count and match.end() < end:
            continue
        if not word[0].isupper() and not (quiet and (plain not in NOT_AFTER)):
            break
        if count > 0 and quiet and not word[0].isupper() and text[start].isupper():
            break
        if len(word) == 1 and count == 0:
            break
        if word.isupper() and len(word) > 1 and not known and count == 0:
            break
        stop = match.end()
    if stop == start or COMPANY.match(text, stop):
        return None
    return start, stop


def _listed(text: str) -> Iterator[tuple[int, int]]:
    words = [(match.start(), match.end(), match.group()) for match in WORD.finditer(text)]
    quiet = text.lower() == text
    place = 0
    while place < len(words):
        start, plain = words[place][0], words[place][2].lower()
        following = place + 1
        if not _begins(text, words, place, quiet):
            place += 1
            continue
        while following < len(words) and _continues(text, words, following, quiet):
            following += 1
        while following > place + 1 and words[following - 1][2].lower() in PARTICLES:
            following -= 1
        end = words[following - 1][1]
        if not COMPANY.match(text, end) and not (following == place + 1 and plain not in GIVEN and "-" in text[end : end + 1]):
            yield start, end
        place = following


def _begins(text: str, words: list[tuple[int, int, str]], place: int, quiet: bool) -> bool:
    _, end, word = words[place]
    plain = word.lower()
    if word[0].isupper():
        if plain in GIVEN:
            return len(word) > 2 or _pairs(text, words, place)
        if plain in FAMILY:
            return len(word) > 3 and not _in_company(text, end)
        if plain in listed("given") and plain not in PLANTS:
            return _pairs(text, words, place)
        return "-" in word and plain.split("-")[0] in GIVEN
    return plain in QUIET and (quiet or plain not in FAMILY)


def _in_company(text: str, end: int) -> bool:
    return bool(re.match(r"-|, [A-Z]\w+ (?:and|&)| (?:and|&) [A-Z]\w+ (?:website|company|group)", text[end : end + 40]))


def _pairs(text: str, words: list[tuple[int, int, str]], place: int) -> bool:
    """The next word is a family name, so that 'Mark Johnson' is one and 'Mark the box' none."""
    if place + 1 >= len(words) or text[words[place][1] : words[place + 1][0]] != " ":
        return False
    following = words[place + 1][2]
    return following[0].isupper() and (
        following.lower() in FAMILY or (following.lower() in listed("family") and not words[place][2].isupper())
    )


def _continues(text: str, words: list[tuple[int, int, str]], place: int, quiet: bool) -> bool:
    gap = text[words[place - 1][1] : words[place][0]]
    word = words[place][2]
    plain = word.lower()
    if gap not in (" ", "  ") and not (gap == ". " and len(words[place - 1][2]) == 1):
        return False
    if plain in PARTICLES and place + 1 < len(words) and words[place + 1][2][0].isupper():
        return text[words[place][1] : words[place + 1][0]] == " " and words[place + 1][2].lower() not in EVERYDAY
    if not word[0].isupper():
        return quiet and (plain in FAMILY or plain in GIVEN or bool(re.search(rf"(?:{ENDINGS})$", plain)))
    if plain in EVERYDAY:
        return plain in listed("family") and not word.isupper()
    return not (word.isupper() and len(word) > 1 and text != text.upper())


def _above(text: str, start: int) -> tuple[int, int] | None:
    """In a block of lines the first line above the street is who lives there."""
    top = text[max(0, start - 160) : start]
    block = re.split(r"\n[ \t]*\n[ \t]*\n", top)[-1]
    offset = start - len(block)
    lines = [match for match in re.finditer(r"[^\n]+", block) if match.group().strip()]
    for line in lines[-3:]:
        name = re.fullmatch(rf"[?>*\- \t]{{0,6}}(?:[^\n:]{{0,40}}:[ \t]{{0,3}})?(?P<name>{A}(?:[ ]{A}){{1,3}})[ ,\t]{{0,4}}", line.group())
        if name:
            believed = [word for word in name["name"].split() if word.lower() not in EVERYDAY]
            if len(believed) == len(name["name"].split()) and not re.search(r"\b(?:Inc|Ltd|LLC|GmbH|AG|Corp|Co|Group)$", name["name"]):
                return offset + line.start() + name.start("name"), offset + line.start() + name.end("name")
    return None


def _joined(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + 1 and text[joined[-1][1] : start] in ("", " ", "-"):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    out = []
    for start, end in joined:
        suffix = SUFFIX.match(text, end)
        out.append((start, suffix.end() if suffix else end))
    return out
