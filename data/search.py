"""The search language: words, "phrases", -not, and fields such as intent:refund or score<0.5. One face over both engines.

refund "credit card" -angry intent:"order status" channel:chat person:birgit tag:vip flag:weak score<0.5 csat<3 before:2026-03-01
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, cast, column, exists, func, not_, table, true
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlmodel import Session, col, select

from data import config, store
from data.errors import Refused
from data.intake.cleaning import key_of
from data.tables import Conversation, Example, Label, Score, Signal
from data.values import LIVE
from language import words

LONGEST = 500  # characters
MOST_TERMS = 30
VALUE = r'"(?P<{0}phrase>[^"]*)"?|(?P<{0}word>[^\s"]{1})'
TERM = re.compile(rf"(?P<minus>-?)(?:(?P<field>[A-Za-z_]+)(?P<sign><=|>=|[:<>=])(?:{VALUE.format('its_', '*')})|{VALUE.format('', '+')})")
CHANNELS = {
    "chat": "chat", "email": "email", "mail": "email", "e-mail": "email", "voice": "voice", "call": "voice", "phone": "voice",
}  # fmt: skip
FLAGS = ("strong", "weak", "any", "none")
SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    ":": lambda left, right: left == right,
    "=": lambda left, right: left == right,
}


@dataclass(frozen=True)
class Term:
    """One thing that is asked: words in a row, or a field with a value."""

    negated: bool
    words: tuple[str, ...] = ()
    begins: bool = False  # the last word may go on: refun*
    field: str = ""
    sign: str = ""
    value: str = ""


def parse(asked: str) -> list[Term]:
    """The terms of a query; what cannot be understood is Refused in words."""
    if len(asked) > LONGEST:
        raise Refused(f"Not searched: a search may have {LONGEST} characters, this one has {len(asked):,}.")
    typed = asked.encode("utf-8", "ignore").decode().replace("\0", " ")  # no text holds half characters, nor NUL
    terms = [term for found in TERM.finditer(typed) if (term := _term(found))]
    if len(terms) > MOST_TERMS:
        raise Refused(f"Not searched: a search may name {MOST_TERMS} things, this one names {len(terms)}.")
    if asked.strip() and not terms:
        raise Refused(f"Not searched: '{asked.strip()[:40]}' holds no word.")
    return terms


def _term(found: re.Match[str]) -> Term | None:
    negated, field, sign = bool(found["minus"]), (found["field"] or "").lower(), found["sign"] or ""
    phrase = found["its_phrase"] if field else found["phrase"]
    value = phrase if phrase is not None else found["its_word"] if field else found["word"]
    if field and (field in FIELDS or not value.startswith("//")):  # an address is no field
        if field not in FIELDS:
            raise Refused(f"Not searched: there is no '{field}{sign}'.{_near(field, FIELDS)} To find the word, put it in quotes.")
        if sign not in (":", "=") and field not in COMPARED:
            raise Refused(f"Not searched: {field} is not compared. Write {field}:{value or '…'}")
        if not value.strip():
            raise Refused(f"Not searched: nothing stands behind {field}{sign}")
        return Term(negated, field=field, sign=sign, value=value.strip())
    spoken = tuple(words.of(f"{field}{sign}{value}"))
    return Term(negated, spoken, begins=phrase is None and value.endswith("*")) if spoken else None


def _near(typed: str, known: Any) -> str:
    near = get_close_matches(typed.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else f" There are: {', '.join(sorted(known)[:30])}."


# -- words ------------------------------------------------------------------------------------------------------------------------------

SEARCH = table("conversation_search", column("rowid"), column("conversation_search"))  # SQLite's index
WORDS = table("conversation_words", column("place"), column("tokens"))  # PostgreSQL's column


def with_words(query: Select[Any], terms: Sequence[Term]) -> tuple[Select[Any], Any]:
    """The query narrowed to what holds the words, and what to order it by: the newest first is the order of the index itself."""
    spoken = [term for term in terms if term.words] + [_person_or_tag(term) for term in terms if FIELDS.get(term.field) is _as_word]
    wanted, unwanted = [term for term in spoken if not term.negated], [term for term in spoken if term.negated]
    order: Any = col(Conversation.place)
    if wanted:
        query, order = _joined(query, wanted)
    for term in unwanted:
        query = query.where(not_(_holds(term)))
    return query, order


def _person_or_tag(term: Term) -> Term:
    mark = words.PERSON if term.field == "person" else words.TAG
    made = words.marked(mark, term.value)
    if made == mark:
        raise Refused(f"Not searched: nothing stands behind {term.field}:")
    return Term(term.negated, (made,))


def _joined(query: Select[Any], wanted: Sequence[Term]) -> tuple[Select[Any], Any]:
    if store.is_sqlite():
        found = SEARCH.c.conversation_search.op("MATCH")(" AND ".join(map(_sqlite, wanted)))
        return query.join(SEARCH, SEARCH.c.rowid == col(Conversation.place)).where(found), SEARCH.c.rowid
    asked = cast(" & ".join(map(_postgres, wanted)), TSQUERY)
    return query.join(WORDS, WORDS.c.place == col(Conversation.place)).where(WORDS.c.tokens.op("@@")(asked)), WORDS.c.place


def _holds(term: Term) -> ColumnElement[bool]:
    if store.is_sqlite():
        index = SEARCH.alias()
        return col(Conversation.place).in_(select(index.c.rowid).where(index.c.conversation_search.op("MATCH")(_sqlite(term))))
    index = WORDS.alias()
    found = index.c.tokens.op("@@")(cast(_postgres(term), TSQUERY))
    return exists().where(index.c.place == col(Conversation.place), found)


def _sqlite(term: Term) -> str:
    """Words hold letters and digits alone, so that a quoted one can say nothing but itself."""
    return '"' + " ".join(term.words) + '"' + (" *" if term.begins else "")


def _postgres(term: Term) -> str:
    told = [f"'{word}'" for word in term.words]
    return "(" + " <-> ".join([*told[:-1], told[-1] + (":*" if term.begins else "")]) + ")"


# -- fields -----------------------------------------------------------------------------------------------------------------------------


def conditions(db: Session, terms: Sequence[Term]) -> list[ColumnElement[bool]]:
    """What the fields ask, beside the words."""
    made = []
    for term in terms:
        if term.field and FIELDS[term.field] is not _as_word:
            found = FIELDS[term.field](db, term)
            made.append(not_(found) if term.negated else found)
    return made


def _intent(db: Session, term: Term) -> ColumnElement[bool]:
    if term.value.lower() in ("none", "unknown"):
        return col(Conversation.intent_id).is_(None)
    labels = list(db.exec(select(Label)))
    same = [label.id for label in labels if words.of(label.name) == words.of(term.value)]
    if not same:
        raise Refused(f"Not searched: there is no intent '{term.value}'.{_near(term.value, [label.name for label in labels])}")
    return and_(col(Conversation.intent_id).is_not(None), col(Conversation.intent_id).in_(same))


def _channel(_db: Session, term: Term) -> ColumnElement[bool]:
    if term.value.lower() not in CHANNELS:
        raise Refused(f"Not searched: there is no channel '{term.value}'. There are chat, email and voice.")
    return col(Conversation.channel) == CHANNELS[term.value.lower()]


def _flag(_db: Session, term: Term) -> ColumnElement[bool]:
    value = term.value.lower()
    if value not in FLAGS:
        raise Refused(f"Not searched: flag is strong, weak, any or none, not '{term.value}'.")
    standing = and_(col(Example.conversation_id) == col(Conversation.id), col(Example.use) != "retired")
    if value in ("any", "none"):
        return exists().where(standing) if value == "any" else ~exists().where(standing)
    return exists().where(standing, col(Example.kind) == value)


def _score(_db: Session, term: Term) -> ColumnElement[bool]:
    """What a grader gave the conversation on live traffic: any that fits."""
    mine = and_(col(Score.conversation_id) == col(Conversation.id), col(Score.mode) == LIVE, col(Score.value).is_not(None))
    return exists().where(mine, SIGNS[term.sign](col(Score.value), _number(term)))


def _csat(_db: Session, term: Term) -> ColumnElement[bool]:
    rated = col(Conversation.csat)
    return and_(rated.is_not(None), SIGNS[term.sign](rated, _number(term)))


def _number(term: Term) -> float:
    told = term.value.replace(",", ".")
    try:
        number = float(told.removesuffix("%")) / (100 if told.endswith("%") else 1)
    except ValueError:
        raise Refused(f"Not searched: behind {term.field}{term.sign} stands a number, not '{term.value}'.") from None
    if not abs(number) < 1e9:
        raise Refused(f"Not searched: {term.value} is no number that {term.field} can have.")
    return number


def _before(_db: Session, term: Term) -> ColumnElement[bool]:
    return col(Conversation.opened_at) < _day(term)


def _after(_db: Session, term: Term) -> ColumnElement[bool]:
    return col(Conversation.opened_at) >= _day(term) + timedelta(days=1)


def _day(term: Term) -> datetime:
    """Midnight in the portal's time zone."""
    try:
        moment = datetime.fromisoformat(term.value)
    except ValueError:
        raise Refused(f"Not searched: '{term.value}' is no date. Write {term.field}:2026-03-31.") from None
    if not 1970 <= moment.year <= 2200:
        raise Refused(f"Not searched: {term.value} is not between 1970 and 2200.")
    zone = ZoneInfo(config.settings().time_zone)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _customer(_db: Session, term: Term) -> ColumnElement[bool]:
    """By what the screens call them: the last four signs of their id."""
    return func.lower(func.substr(col(Conversation.customer_id), 33)) == term.value.lower().removeprefix("customer ").strip()


def _reviewed(_db: Session, term: Term) -> ColumnElement[bool]:
    if term.value.lower() not in ("yes", "no"):
        raise Refused(f"Not searched: reviewed is yes or no, not '{term.value}'.")
    return col(Conversation.reviewed) == (term.value.lower() == "yes")


def _signal(_db: Session, term: Term) -> ColumnElement[bool]:
    return exists().where(col(Signal.conversation_id) == col(Conversation.id), col(Signal.kind) == term.value.lower().replace(" ", "_"))


def _id(_db: Session, term: Term) -> ColumnElement[bool]:
    """The help desk's own id; one that says who somebody is was kept as a key."""
    return col(Conversation.external_id) == key_of(term.value)


def _same(name: str) -> Callable[[Session, Term], ColumnElement[bool]]:
    def condition(_db: Session, term: Term) -> ColumnElement[bool]:
        return func.lower(col(getattr(Conversation, name))) == term.value.lower()

    return condition


def _as_word(_db: Session, _term: Term) -> ColumnElement[bool]:
    return true()  # names and tags stand among the words: with_words asks for them


FIELDS: dict[str, Callable[[Session, Term], ColumnElement[bool]]] = {
    "intent": _intent, "channel": _channel, "person": _as_word, "tag": _as_word, "flag": _flag, "score": _score,
    "csat": _csat, "before": _before, "after": _after, "customer": _customer, "reviewed": _reviewed, "signal": _signal,
    "language": _same("language"), "status": _same("status"), "source": _same("source"), "id": _id,
}  # fmt: skip
COMPARED = ("score", "csat")
HELP = (
    ('refund "credit card"', "holds the word, and the two words side by side"),
    ("-angry  refun*", "holds the one not, and a word that begins like this"),
    ('intent:"order status"', "what it is about; intent:none where nobody knows"),
    ("channel:chat  language:de  status:open", "where it was, in which language, how it stands"),
    ("person:birgit  tag:vip", "who answered, how it was tagged"),
    ("flag:weak  reviewed:no", "held up as an example, or not looked at yet"),
    ("score<0.5  csat<3", "what graders and customers gave it"),
    ("after:2026-03-01  before:2026-04-01", "when it was opened"),
    ("signal:reopened", "what happened in the help desk: reopened, reassigned, macro_used, tag_changed, draft_edited"),
)
