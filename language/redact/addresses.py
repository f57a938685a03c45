"""Postal addresses: a street with its number, then what belongs to it; post boxes; postcodes that are called so."""

import re
from collections.abc import Iterator

from language.redact.findings import Finding, listed, these

# what a street is called, before its name or after it
AFTER = these(
    """street st str road rd avenue ave av lane ln drive dr court ct place pl boulevard blvd bvd way close crescent cres terrace tce
        square sq gardens gdns grove
    mews parkway pkwy highway hwy circle cir trail trl loop alley row hill quay esplanade parade rise view wharf turnpike tpke
        crossing ridge path walk
    run point heights plaza straße strasse weg gasse platz allee ring ufer damm útja utca út tér körút rkp fasor sétány"""
)
SURE_AFTER = these("street road rd avenue ave lane boulevard blvd drive crescent parkway pkwy highway hwy straße strasse útja utca")
BEFORE = these("""rue avenue av boulevard bd place allée allee chemin impasse quai route via viale piazza corso vicolo largo strada calle
        avenida avda paseo plaza carrera
    rua travessa praça praca rúa ul ulica al aleja os osiedle plac ulice náměstí ulitsa ул улица πλατεία οδός str strada
        bulevardul calea jalan jl""")
ENDINGS = (
    "straße|strasse|str\\.|straat|strat|laan|weg|gasse|platz|allee|damm|ufer|gürtel|graben|gaten|gatan|gata|gade|"
    "vägen|vagen|vegen|veien|vej|veg|allé|stræde|torv|tori|"
    "katu|kuja|polku|plein|kade|gracht|dijk|steeg|singel|dreef|hof|pad|backen|gränd|plan|stigen|utca|útja|körút|"
    "straede|markt|stieg|steig|chaussee|promenade"
)
EMBEDDED = re.compile(
    rf"(?<![\w])(?:[^\W\d_][\w.\-]{{1,28}}[ \-])?[^\W\d_][\w\-]{{1,29}}?(?:{ENDINGS})\.?,? "
    rf"?[0-9]{{1,4}}[a-zA-Z]?(?:[\-/][0-9]{{1,4}}[a-z]?)?(?!\w|[.,:][0-9])",
    re.IGNORECASE,
)
NUMBER = r"[0-9]{1,5}[a-zA-Z]?(?:[/\-][0-9]{1,5}[a-zA-Z]?)?"
TOKEN = re.compile(
    rf"(?P<number>{NUMBER}(?![\w]))|(?P<word>[^\W\d_](?:[\w'’´\u00ad\-]|[^\w\s,;:.!?()\[\]<>\"\ue000]){{0,40}}\.?)|"
    rf"(?P<hash>#[ ]?[0-9]{{1,5}}[a-zA-Z]?)|(?P<paren>\([^\W\d_][\w \-]{{1,40}}\))"
)
DELIMITER = re.compile(
    r"[ \t]{1,12}|[ \t]{0,6},?[ \t]{0,6}(?:\n[?>* \t]{0,12}){1,2},?[ \t]{0,6}|\.[ \t]{0,3}(?:\n[?>* \t]{0,12}){1,2}|"
    r"[ \t]{0,3}[,–-][ \t]{0,6}|\.[ \t]{1,3}(?=[A-Z0-9])"
)
SECONDARY = these(
    "apt apartment suite ste unit flat floor fl room rm bldg building wohnung whg etage stock stiege top piso lgh byt appt bât bp dept"
)
PARTICLES = these(
    "de la le les du des del della di da do dos das den der van von of the y e el en upon am an bei nad pod sur nan und and lautet"
)
NUMBER_STREET = re.compile(
    rf"(?<![\w#.,:/$€£\-+])(?:[0-9]{{1,5}}[ ,]{{1,2}})?{NUMBER},?[ ]{{1,2}}(?:[NSEW]{{1,2}}\.?[ "
    rf"])?(?P<name>(?:[^\W\d_][\w'’.\-]{{0,30}}[ ]{{1,2}}){{1,4}}?)(?P<kind>[^\W\d_]{{2,10}})(?![\w'’])"
)
STREET_NUMBER = re.compile(
    rf"(?<!\w)(?:[0-9]{{1,5}}[ ,]{{1,2}})?(?P<kind>[^\W\d_]{{2,10}})\.?[ ](?P<name>(?:[^\W\d_][\w'’.\-]{{0,30}}[ "
    rf"]{{1,2}}){{0,4}}[^\W\d_][\w'’\-]{{0,30}}),?[ ](?:n[°ºo]?\.? ?)?{NUMBER}(?![\w])"
)
NUMBER_RUE = re.compile(
    rf"(?<![\w#.,:/$€£\-+])(?:[0-9]{{1,5}}[ ,]{{1,2}})?{NUMBER}(?: bis| ter)?,?[ ](?P<kind>[^\W\d_]{{2,10}})\.?[ "
    rf"](?P<name>[^\W\d_][\w'’.\-]{{0,30}})"
)
LINE = re.compile(
    rf"(?:^|\n)[?>* \t]{{0,12}}(?P<core>[0-9]{{1,5}} (?:{NUMBER} )?(?:[^\W\d_][\w'’.\-]{{0,30}} "
    rf"){{0,4}}[^\W\d_][\w'’.\-]{{0,30}}(?: {NUMBER})?)\.?[ \t]{{0,6}}(?=\n|,[ \n]|$)"
)
CONTEXT = re.compile(
    r"(?<!\w)(?:address(?:es)?(?: here)?(?:,? here (?:it is|they are))?|adresse|anschrift|direcci[oó]n|indirizzo|"
    r"adres|(?:i |we )?(?:once |now |currently )?(?:lives?|lived|living|reside[sd]?|staying|wohne|wohnt|wohnen|"
    r"wohnhaft) (?:at|on|in|now in|now at)|(?:is |are )?(?:located|situated) (?:at|on|in)|(?:restaurant|station|"
    r"shop|store|office|house|bar|place|building|party|meeting|hotel|clinic) is (?:at|on)|return(?: it| this)? to|"
    r"ship(?:ped|ping)?(?: it| this| them)? to|deliver(?:ed|y)?(?: it| this| them)? to|send(?: it| this| them)? to|"
    r"mail(?: it)? to|moved? to|lieferung an|liefern nach|umgezogen nach|corner of)(?P<link>\??(?:[ ]{0,2}(?:(?:is|to|"
    r"with|as|from|ist|lautet|changed to|it is|it's|here|same)(?!\w)|[:\-=])){0,3}[:\s]{0,4})",
    re.IGNORECASE,
)
BOX = re.compile(
    r"(?<!\w)(?:p\.? ?o\.? ?box|post office box|postfach|apartado(?: de correos)?|boîte postale|casella postale|"
    r"postbus|skrytka pocztowa)[ .:#]{1,3}(?:nr\.? ?)?[0-9](?:[ ]?[0-9]){1,6}(?!\w)",
    re.IGNORECASE,
)
ZIP = re.compile(
    r"(?<!\w)(?:zip(?:[ -]?code)?|postal ?code|post ?code|plz|postleitzahl|code postal|código postal|cap|cep)(?: is|"
    r" ist)?[ :=\-]{1,3}(?P<value>[0-9]{4,6}(?:-[0-9]{3,4})?|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|"
    r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|[0-9]{4} ?[A-Z]{2}|[0-9]{2}-[0-9]{3})(?!\w)",
    re.IGNORECASE,
)
BRITISH = re.compile(
    r"(?<![\w\-])(?:[A-Z][^\W\d_A-Z]{2,20},? )?(?:[A-PR-UWYZ][A-HK-Y]?[0-9][0-9A-HJKPSTUW]?) [0-9][ABD-HJLNP-UW-Z]{2}(?![\w\-])"
)
TOWN = re.compile(
    r"(?<![\w\-#.,/])(?:[A-Z]{1,2}-)?[0-9]{4,5} (?P<town>[A-ZÄÖÜ][^\W\d_]{2,25}(?:burg|stadt|furt|heim|hausen|berg|"
    r"dorf|ingen|bach|haven|hoven|kirchen|feld|au|ow)?)(?!\w)"
)
ENDED = tuple(ENDINGS.replace("\\.", "").split("|"))
SAYS_WHERE = these(
    """address addresses adresse anschrift dirección direccion indirizzo adres live lives lived living reside resides resided staying
        wohne wohnt wohnen wohnhaft
    located situated is return ship shipped shipping deliver delivered delivery send mail move moved lieferung liefern umgezogen corner"""
)
SAYS_BOX = these("box postfach apartado postale postbus skrytka")
SAYS_CODE = these("zip zipcode postal postcode post plz postleitzahl cap cep code")
DEMONYM = re.compile(r"(?:an|ans|ish|ese|ch|eli|i)$")
LONGEST = 16  # tokens


def addresses(text: str, words: set[str], numbers: bool) -> Iterator[Finding]:
    if not numbers:
        return
    quiet = text.lower() == text
    spans: list[tuple[int, int]] = []
    for start, end in sorted(_cores(text, words, quiet)):
        end = _end(text, end, quiet, 4 if quiet and "\n" not in text else LONGEST)
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    for start, end in spans:
        yield Finding("address", " ".join(text[start:end].casefold().replace(",", " ").split()), start, end)


def _cores(text: str, words: set[str], quiet: bool) -> Iterator[tuple[int, int]]:
    """Where an address surely stands."""
    for match in EMBEDDED.finditer(text) if any(word.endswith(ENDED) for word in words) else ():
        start = match.start()
        first = match.group().split()[0].lower()
        if first in listed("words") or first in PARTICLES:
            start += len(first) + 1
        yield _with_number(text, start), match.end()
    if not words.isdisjoint(AFTER):
        for match in NUMBER_STREET.finditer(text):
            kind, name = match["kind"], match["name"]
            if kind.lower().strip(".") in AFTER and _is_name(name, kind, quiet):
                yield match.start(), match.end()
    if not words.isdisjoint(BEFORE):
        for pattern in (NUMBER_RUE, STREET_NUMBER):
            for match in pattern.finditer(text):
                if match["kind"].lower() in BEFORE and _first_is_name(match["name"], quiet):
                    yield match.start(), match.end()
    if "\n" in text:
        for match in LINE.finditer(text):
            following = text[match.end() : match.end() + 80].split("\n")
            if len([line for line in following if 0 < len(line.strip(" ?>*")) <= 40]) and _is_line(match["core"], quiet):
                yield match.start("core"), match.end("core")
    for match in CONTEXT.finditer(text) if not words.isdisjoint(SAYS_WHERE) else ():
        end = _walk(text, match.end(), quiet)
        if end:
            yield match.end(), end
    for match in BOX.finditer(text) if not words.isdisjoint(SAYS_BOX) else ():
        yield match.span()
    for match in ZIP.finditer(text) if not words.isdisjoint(SAYS_CODE) else ():
        yield match.span("value")
    for match in BRITISH.finditer(text):
        yield match.span()
    for match in TOWN.finditer(text):
        if re.match(r"(?:19|20)[0-9]{2} ", match.group()) or DEMONYM.search(match["town"]):
            continue
        if match["town"].lower() in listed("places") or re.search(r"(?:burg|stadt|furt|heim|hausen|dorf|ingen|kirchen)$", match["town"]):
            yield match.span()


def _with_number(text: str, start: int) -> int:
    before = re.search(r"(?<![\w#.,:/])[0-9]{1,5}[ ,]{1,2}(?:[0-9]{1,5} )?$", text[max(0, start - 14) : start])
    return start - len(before.group()) if before else start


def _is_everyday(word: str) -> bool:
    return word.lower().strip(".'’") in listed("words")


def _is_name(name: str, kind: str, quiet: bool) -> bool:
    parts = name.split()
    inner = [part for part in parts if part.lower() not in PARTICLES]
    if not inner or any(
        re.fullmatch(r"days?|hours?|minutes?|km|miles?|m|x|items?|on|in|at|my|your|to|for|times?|and|or|years?|people", part.lower())
        for part in parts
    ):
        return False
    if quiet:
        return kind.lower() in SURE_AFTER
    return all(part[0].isupper() or part[0].isdigit() for part in inner) or (kind[0].isupper() and inner[-1][0].isupper())


def _first_is_name(name: str, quiet: bool) -> bool:
    parts = [part for part in name.split() if part.lower() not in PARTICLES]
    return bool(parts) and (quiet or parts[0][0].isupper()) and not _is_everyday(parts[0]) if parts else False


def _is_line(core: str, quiet: bool) -> bool:
    parts = [part for part in core.split() if part[0].isalpha()]
    numbers = [part for part in core.split() if part[0].isdigit()]
    strange = [
        part for part in parts if part.lower() not in PARTICLES and (not _is_everyday(part) or part.lower().strip(".") in AFTER | BEFORE)
    ]
    return bool(strange) and len(strange) * 2 >= len(parts) and len(numbers) >= 2 and (quiet or any(part[0].isupper() for part in parts))


def _walk(text: str, start: int, quiet: bool) -> int | None:
    """From words like 'address:' on: a number and a name, in either order, then the rest."""
    end = _end(text, start, quiet, LONGEST, first=True)
    said = text[start:end]
    letters = re.findall(r"[^\W\d_]{3,}", said)
    if len(said.split()) < 3 and said.islower() and not said[-1].isdigit():
        return None  # '2 stores' is no address
    return end if re.search(r"[0-9]", said) and letters and not all(_is_everyday(word) for word in letters) else None


def _end(text: str, place: int, quiet: bool, most: int, *, first: bool = False) -> int:
    """How far an address goes on: numbers, names of towns and countries, flats, codes; not words of a sentence."""
    end = place
    for _ in range(most):
        if not first:
            gap = DELIMITER.match(text, place)
            if not gap:
                break
            place = gap.end()
            lines = "\n" in gap.group()
        else:
            lines = False
        token = TOKEN.match(text, place)
        if not token:
            break
        written = token.group()
        plain = written.lower().strip(".,'’")
        if token.lastgroup == "word":
            street = plain in AFTER or plain in BEFORE or plain in SECONDARY
            if not street and plain not in PARTICLES:
                if plain in listed("words") and plain not in listed("places"):
                    break
                if not written[0].isupper() and not quiet and not first and not lines and written.isascii():
                    break
            elif plain in PARTICLES and not _goes_on(text, token.end(), quiet):
                break
        place = token.end()
        end = place if not (token.lastgroup == "word" and written.endswith(".") and plain not in AFTER and len(plain) > 4) else place - 1
        if end != place:
            break
        first = False
    while end > 0 and text[end - 1] in " \t\n,.-":
        end -= 1
    return end


def _goes_on(text: str, place: int, quiet: bool) -> bool:
    """After 'de' or 'of' a name follows, or a line ends after 'nan'."""
    following = re.compile(r"[ ]{1,2}([^\W\d_][\w'’\-]{0,30})|[ \t]{0,4}(\n|$|[0-9]|[ ][0-9])").match(text, place)
    if not following:
        return False
    if following[1] is None:
        return True
    return following[1].lower() in PARTICLES or ((following[1][0].isupper() or quiet) and not _is_everyday(following[1]))
