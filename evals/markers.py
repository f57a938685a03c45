"""What people or the portal did, or what happened, as marks in time: releases, articles, policies, incidents and alerts, each with what
it can have touched. The lines of charts are drawn from it, and candidates for a cause are looked for among it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, or_, select

from data import access, config, days, labels, notes, settings, store
from data.tables import Alert, Article, AuditEntry, Monitor, MonitorChange, Note, Person, Release, Version
from evals import alerts, monitors
from evals.causes import Marker

KINDS = ("classifier", "answerer", "recipe", "model")  # whose releases touch conversations
RULES = {"policy": "What machines may do alone", "customer_limit": "The limit for one customer"}  # settings, and what people call them
GOES_ON = ("followed by ", "it answers for everybody")  # a release that ended so was not taken back
BACK = ("rolled back", "taken back", "went back")
PAGES = {
    "recipe": "automations?recipe={name}", "classifier": "classifiers?classifier={name}", "answerer": "ladder", "model": "installation",
}  # fmt: skip
Touches = Mapping[str, frozenset[str]] | None


@dataclass(frozen=True)
class Span:
    """From the first moment of a day to the last of another, in the portal's time zone."""

    since: datetime
    until: datetime

    def holds(self, moment: datetime | None) -> bool:
        return moment is not None and self.since <= moment < self.until


def collected(*, by: Person, since: date, until: date) -> list[Marker]:
    """Within the person's reach, oldest first."""
    reach = access.require(by, "measure.read")
    span = span_of(since, until)
    with store.reading() as db:
        found = [*_releases(db, span, by, reach), *_articles(db, span)]
    return sorted([*found, *_rules(span), *_notes(span, by), *_alerts(span, by)], key=lambda one: one.at)


def span_of(since: date, until: date) -> Span:
    """Both days whole."""
    zone = ZoneInfo(config.settings().time_zone)
    return Span(days.bounds(since, zone)[0], days.bounds(until, zone)[1])


def may_cause(found: Iterable[Marker]) -> list[Marker]:
    """Without what only says that something moved."""
    return [one for one in found if one.kind not in ("alert", notes.NOTE)]


# -- releases -----------------------------------------------------------------------------------------------------------------------------


def _releases(db: Session, span: Span, by: Person, reach: str) -> list[Marker]:
    """Each beginning for some or for all, and each end that nobody planned."""
    began, ended = col(Release.started_at) >= span.since, col(Release.ended_at) >= span.since
    query = select(Release).where(col(Release.target_kind).in_(KINDS), or_(began, ended), col(Release.started_at) < span.until)
    found = [one for one in db.exec(query.order_by(col(Release.started_at))) if _is_within(one, by, reach)]
    touched = _what_recipes_touch(db, found)
    widened = _changes(db, "widened", found)
    alone = {noun_id for noun_id, entry in _changes(db, "stopped", found) if entry.by_person_id is None}
    back = _gone_back_to(db, found)
    told = [_marker(_live_kind(one), one, one.started_at, touched) for one in found if _is_live(one) and one.id not in back]
    by_id = {one.id: one for one in found}
    told += [_marker("percent", by_id[noun_id], entry.at, touched) for noun_id, entry in _first(widened)]
    told += [
        _marker("incident" if one.id in alone or one.ended_why.startswith(BACK[1]) else "taken back", one, one.ended_at, touched)
        for one in found if one.ended_at is not None and _is_taken_back(one)
    ]  # fmt: skip
    return [one for one in told if span.holds(one.at)]


def _is_within(release: Release, by: Person, reach: str) -> bool:
    """One that is only for other teams is not told."""
    teams = (release.audience or {}).get("team")
    return reach == access.ALL or not teams or (by.team_id or "") in teams


def _is_live(release: Release) -> bool:
    """Or was: for everybody."""
    return release.percent == 100


def _live_kind(release: Release) -> str:
    return "classifier" if release.target_kind == "classifier" else "release"


def _is_taken_back(release: Release) -> bool:
    """One that ran beside for nobody yet touched nothing."""
    return release.percent > 0 and not release.ended_why.startswith(GOES_ON)


def _gone_back_to(db: Session, found: Sequence[Release]) -> set[str]:
    """Releases that only put back what was before; their mark is the end of the other."""
    before = {one.previous_id: one.id for one in found if one.previous_id}
    query = select(Release).where(col(Release.id).in_(before))
    return {before[one.id] for one in db.exec(query) if one.ended_why.startswith(BACK)}


def _changes(db: Session, verb: str, found: Sequence[Release]) -> list[tuple[str, AuditEntry]]:
    query = select(AuditEntry).where(
        AuditEntry.verb == verb, AuditEntry.noun == "release", col(AuditEntry.noun_id).in_([one.id for one in found])
    )
    return [(one.noun_id, one) for one in db.exec(query.order_by(col(AuditEntry.number)))]


def _first(found: Iterable[tuple[str, AuditEntry]]) -> list[tuple[str, AuditEntry]]:
    """A step from 10 to 50 % is no other beginning."""
    return list({noun_id: (noun_id, entry) for noun_id, entry in reversed(list(found))}.values())


def _marker(kind: str, release: Release, at: datetime | None, touched: Mapping[tuple[str, int], dict[str, frozenset[str]]]) -> Marker:
    touches = dict(touched.get((release.target_name, release.target_number), {})) if release.target_kind == "recipe" else {}
    for name, values in (release.audience or {}).items():
        narrower = frozenset(values) & touches.get(name, frozenset(values))
        touches[name] = narrower
    page = PAGES[release.target_kind].format(name=release.target_name)
    return Marker(kind, release.target_name, release.target_number, at or release.started_at, touches or None, page)


def _what_recipes_touch(db: Session, found: Sequence[Release]) -> dict[tuple[str, int], dict[str, frozenset[str]]]:
    """The intent that sets a recipe off, and its channels."""
    names = {one.target_name for one in found if one.target_kind == "recipe"}
    by_name = {one.name.casefold(): one.id for one in labels.of()}
    touched = {}
    for made in db.exec(select(Version).where(Version.target_kind == "recipe", col(Version.target_name).in_(names))):
        intent = by_name.get(str(made.body.get("trigger", {}).get("intent", "")).casefold())
        told = {"intent": frozenset({intent}) if intent else frozenset[str](), "channel": frozenset(made.body.get("channels", ()))}
        touched[made.target_name, made.target_number] = {name: values for name, values in told.items() if values}
    return touched


# -- articles, rules, alerts --------------------------------------------------------------------------------------------------------------


def _articles(db: Session, span: Span) -> list[Marker]:
    """What was published at one moment is one mark."""
    query = select(Release).where(
        Release.target_kind == "article", col(Release.started_at) >= span.since, col(Release.started_at) < span.until,
        Release.percent == 100,
    )  # fmt: skip
    at_once: dict[datetime, list[Release]] = {}
    for one in db.exec(query.order_by(col(Release.started_at), col(Release.target_name))):
        at_once.setdefault(one.started_at, []).append(one)
    titles = dict(db.exec(select(Article.slug, Article.title)).all())
    return [_article(moment, some, titles) for moment, some in at_once.items()]


def _article(moment: datetime, some: Sequence[Release], titles: Mapping[str, str]) -> Marker:
    if len(some) > 1:
        return Marker("articles", f"{len(some):,} articles", None, moment, page="knowledge")
    [one] = some
    return Marker(
        "article", titles.get(one.target_name, one.target_name), one.target_number, moment, page=f"knowledge?article={one.target_name}"
    )


def _rules(span: Span) -> list[Marker]:
    found = []
    for name, title in RULES.items():
        kept = settings.history(name)
        for place, one in enumerate(kept):
            if span.holds(one.at):
                before = kept[place + 1].value if place + 1 < len(kept) else {}
                found.append(Marker("policy", title, one.number, one.at, _intents_changed(before, one.value), "policy"))
    return found


def _intents_changed(before: Mapping[str, object], after: Mapping[str, object]) -> Touches:
    """None: more than single intents."""
    told = [one.get("intents") for one in (before, after)]
    others = [{name: value for name, value in one.items() if name not in ("intents", "why")} for one in (before, after)]
    if not isinstance(told[1], Mapping) or (before and others[0] != others[1]):
        return None
    was, now = (told[0] if isinstance(told[0], Mapping) else {}), told[1]
    changed = frozenset(str(key) for key in {*was, *now} if was.get(key) != now.get(key))
    return {"intent": changed} if changed else None


def _notes(span: Span, by: Person) -> list[Marker]:
    """What people wrote on the timeline."""
    found = notes.between(span.since, span.until, by=by)
    return [Marker(one.kind, one.text, None, one.happened_at, _noted(one), one.page) for one in found]


def _noted(note: Note) -> Touches:
    told = {"channel": note.channel, "intent": note.intent_id, "team": note.team_id or ""}
    return {name: frozenset({value}) for name, value in told.items() if value} or None


def _alerts(span: Span, by: Person) -> list[Marker]:
    """Of the monitors within reach, when they were told."""
    if not access.may(by, "monitor.read"):
        return []
    within = {one.monitor.id: one.monitor for one in monitors.all_of(by=by)}
    query = select(Alert, MonitorChange).join(
        MonitorChange,
        (col(MonitorChange.monitor_id) == col(Alert.monitor_id)) & (col(MonitorChange.number) == col(Alert.monitor_number)),
    )
    query = query.where(col(Alert.monitor_id).in_(within), col(Alert.at) >= span.since, col(Alert.at) < span.until)
    with store.reading() as db:
        return [_alert(alert, within[alert.monitor_id], made) for alert, made in db.exec(query)]


def _alert(alert: Alert, monitor: Monitor, made: MonitorChange) -> Marker:
    touches = {name: frozenset({value}) for name, value in monitors.read(made.definition).of.told.items()}
    return Marker("alert", monitor.name, None, alert.at.astimezone(UTC), touches or None, alerts.page_of(monitor))
