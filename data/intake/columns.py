"""Which column of a table is what: by its name in English and German, else by what stands in it."""

import re
from collections.abc import Sequence

from data.intake.plain import moment
from data.intake.reading import KNOWN_ROLES

NAMES = {  # our field: what a column of it is called, the surest first
    "id": "conversation id|ticket id|thread id|session id|chat id|case id|call id|dialogue id|dialog id|conversation|"
    "ticket number|ticket|case number|ticketnummer|ticket nr|ticket nummer|vorgangsnummer|vorgang|fallnummer|fall id|"
    "gesprächs id|konversations id|unterhaltung|thread|session|issue key|request id|anfrage id|id",
    "role": "role|author type|sender type|sender role|speaker role|speaker|sender|from|rolle|absender|sprecher|direction|"
    "richtung|inbound|von|user type|who",
    "text": "text|message|message text|body|message body|plain body|content|transcript|conversation text|chat transcript|"
    "utterance|nachricht|nachrichtentext|inhalt|verlauf|transkript|description|ticket description|beschreibung|"
    "question|frage|anfrage|anliegen|customer message|comment|kommentar|instruction|details",
    "at": "at|sent at|timestamp|message time|message date|time|datetime|date time|date|gesendet am|gesendet|zeitpunkt|"
    "zeitstempel|zeit|uhrzeit|datum|created at|erstellt am",
    "author": "author|author name|sender name|agent name|autor|verfasser|from name|speaker name",
    "message_id": "message id|comment id|nachrichten id|event id|message key",
    "channel": "channel|ticket channel|kanal|medium|via|contact channel",
    "subject": "subject|ticket subject|title|betreff|titel|thema|summary|topic",
    "customer": "customer id|customer email|customer|requester email|requester id|requester|client id|user id|contact id|"
    "contact email|kundennummer|kunden id|kunden e mail|kunde|email|e mail|user email|contact",
    "customer_name": "customer name|requester name|kundenname|name des kunden|contact name|client name|user name|name",
    "status": "status|ticket status|state|zustand",
    "csat": "csat|csat score|satisfaction|satisfaction rating|satisfaction score|customer satisfaction rating|"
    "customer rating|rating|bewertung|zufriedenheit",
    "tags": "tags|tag|schlagworte|schlagwörter|stichworte|ticket tags",
    "assignee": "assignee|assigned to|agent|assigned agent|bearbeiter|zugewiesen an|zuständig|mitarbeiter|owner",
    "language": "language|lang|sprache|locale",
    "opened_at": "opened at|opened|created at|created|created time|creation date|created on|erstellt am|erstellt|eröffnet am|"
    "eröffnet|geöffnet am|ticket created|date created|eingangsdatum",
    "closed_at": "closed at|closed|resolved at|solved at|resolution date|closed time|geschlossen am|geschlossen|gelöst am|"
    "erledigt am|completed at|ended at",
    "answer": "answer|response|reply|agent reply|agent response|antwort|resolution|lösung|solution|first reply",
    "private": "private|is private|internal|is internal|privat|intern|public|is public|öffentlich",
}
FIELDS = tuple(NAMES)
OPPOSITE = {"public", "is public", "öffentlich"}
WORDED = {"true": "customer", "yes": "customer", "false": "rep", "no": "rep"}  # of a column called inbound
DIRECTIONS = {"inbound": "customer", "incoming": "customer", "in": "customer", "eingehend": "customer", "ein": "customer",
              "outbound": "rep", "out": "rep", "ausgehend": "rep", "aus": "rep"}  # fmt: skip


def plainly(name: str) -> str:
    """Ticket_ID, ticketId and "Ticket ID" are one name."""
    apart = re.sub(r"(?<=[a-zäöü0-9])(?=[A-ZÄÖÜ])", " ", name)
    return re.sub(r"[\W_]+", " ", apart).strip().lower()


def guess(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """Our fields, each with the column that is most likely meant."""
    names = {plainly(column): column for column in reversed(columns)}
    found: dict[str, str] = {}
    order = sorted(
        ((place, field, name) for field, words in NAMES.items() for place, name in enumerate(words.split("|")) if name in names)
    )  # what is a field's surest name is nobody's second choice
    for _, field, name in order:
        if field not in found and names[name] not in found.values():
            found[field] = names[name]
    _by_values(found, columns, rows)
    if "role" in found and "answer" not in found and "at" not in found and "opened_at" in found:
        found["at"] = found.pop("opened_at")  # where a row is a message, its creation is when it was said
    return {field: found[field] for field in FIELDS if field in found}


def _by_values(found: dict[str, str], columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """What names did not tell: roles are few known words, the text is the longest, times are times."""
    values = {
        column: [row[place] for row in rows if place < len(row) and row[place].strip()]
        for place, column in enumerate(columns)
        if column not in found.values()
    }
    if "role" not in found:
        for column, told in values.items():
            known = {value.strip().lower() for value in told}
            if known and known <= KNOWN_ROLES.keys():
                found["role"] = column
                break
    if "id" not in found:
        ending = [column for column in values if re.search(r"(?:^| )(?:id|nr|nummer|number|no|key)$", plainly(column))]
        if ending:
            found["id"] = ending[0]
    values = {column: told for column, told in values.items() if column not in found.values() and told}
    if "text" not in found and "answer" not in found:
        spoken = {
            column: sum(map(len, told)) / len(told) for column, told in values.items() if sum(" " in one for one in told) * 2 > len(told)
        }
        if spoken and max(spoken.values()) >= 15:
            found["text"] = max(spoken, key=lambda column: spoken[column])
    if "at" not in found and "opened_at" not in found:
        for column, told in values.items():
            if column not in found.values() and all(moment(one, day_first=True) or moment(one, day_first=False) for one in told[:50]):
                found["at"] = column
                break


def roles(column: str, words: Sequence[str]) -> dict[str, str]:
    """What the words of a role column mean, where its name says it."""
    name = plainly(column)
    meant = WORDED if name in ("inbound", "incoming", "is inbound") else DIRECTIONS if name in ("direction", "richtung") else {}
    return {word: meant[word.strip().lower()] for word in words if word.strip().lower() in meant}


def day_first(values: Sequence[str], time_zone: str) -> bool | None:
    """How 3/1/2026 is meant in a column: some day beyond the 12th tells it, else a half of the day, else where the clock stands."""
    seen = {True: 0, False: 0}
    halves = False
    for value in values:
        form = re.match(r"\s*(\d\d?)[/-](\d\d?)[/-]\d{4}", value)
        if form:
            first, second = int(form[1]), int(form[2])
            seen[True] += first > 12
            seen[False] += second > 12
            halves = halves or bool(re.search(r"[AaPp]\.?[Mm]\.?\s*$", value))
    if seen[True] and seen[False]:
        return None
    if seen[True] or seen[False]:
        return bool(seen[True])
    if halves:
        return False
    return {"America": False, "US": False, "Europe": True, "Australia": True, "Africa": True}.get(time_zone.partition("/")[0])
