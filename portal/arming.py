"""What an armed monitor does: the verbs that people have for it too, as its owner, with the alert as the reason. No second mechanism."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from data import access, inbox, releases, store
from data.errors import Refused
from data.tables import Alert, Monitor, Person, Release
from data.values import Target
from evals import alerts, monitors
from evals.monitors import ROLL_BACK, STOP

Act = Callable[[Release, str, Person, datetime | None], str]


def act(alert_id: str, *, by: Person, at: datetime | None = None) -> str:
    """Once, and only while all of it still is as it was when the alert came. In words what came of it."""
    access.require(by, "monitor.arm")
    try:
        with store.writing() as db:
            store.one_at_a_time(db, f"act on alert {alert_id}")
            alert = db.get(Alert, alert_id, populate_existing=True)
            if alert is None:
                raise Refused("Nothing was rolled back: there is no such alert.")
            if alert.acted:  # by a try that was cut off before it could say so
                return alert.acted
            told = _acted(alert, db.get_one(Monitor, alert.monitor_id), by, at)
            _tell(db, alert, told, at)
            return told
    except Refused as refused:
        with store.writing() as db:
            not_acted = db.get(Alert, alert_id, populate_existing=True)
            if not_acted is not None and not not_acted.acted:
                _tell(db, not_acted, f"Nothing was done by itself: {refused}", at)
        raise


def _acted(alert: Alert, monitor: Monitor, by: Person, at: datetime | None) -> str:
    with store.reading() as db:
        definition = monitors.definition_of(db, monitor)
        release = db.get(Release, alert.release_id) if alert.release_id else None
    if monitor.owner_id != by.id:
        raise Refused("the monitor has another owner by now.")
    if alert.state != alerts.OPEN:
        raise Refused(f"the alert is {alert.state} already.")
    if definition.armed_for is None or release is None or definition.armed_for != (release.target_kind, release.target_name):
        raise Refused("the monitor is armed for it no more.")
    if release.stage == "ended":
        raise Refused(f"{releases.target_of(release)} is not in force any more.")
    why = f"by itself, for monitor '{monitor.name}': {alert.sentence}"
    return ACTS[release.target_kind, definition.arms](release, why, by, at)


def _tell(db: Session, alert: Alert, told: str, at: datetime | None) -> None:
    """Whoever was told of the alert is told what came of it."""
    monitor = db.get_one(Monitor, alert.monitor_id)
    alert.acted = told
    db.add(alert)
    inbox.tell(db, monitor.owner_id, "alert", f"{monitor.name}: {told}", page=alerts.page_of(monitor), key=f"alert {alert.id} acted", at=at)
    alerts.send(db, alert, "acted", at, mail=True)


# -- the verbs ----------------------------------------------------------------------------------------------------------------------------


def _before(release: Release) -> Target:
    """What was live before it."""
    with store.reading() as db:
        before = db.get(Release, release.previous_id) if release.previous_id else None
    if before is None:
        raise Refused(f"there is no version before {releases.target_of(release)}.")
    return releases.target_of(before)


def _rolled_back(verb: Callable[..., Release]) -> Act:
    def act(release: Release, why: str, by: Person, at: datetime | None) -> str:
        if release.stage != "live":
            raise Refused(f"{releases.target_of(release)} is not live.")
        target = _before(release)
        verb(target, why=why, by=by, at=at)
        return f"{releases.target_of(release)} was rolled back, and {target} answers again."

    return act


def _stopped(verb: Callable[..., None]) -> Act:
    def act(release: Release, why: str, by: Person, at: datetime | None) -> str:
        verb(release.id, why=why, by=by, at=at)
        return f"{releases.target_of(release)} was stopped on its way."

    return act


def _classifier_back(target: Target, **how: object) -> Release:
    from classifiers import shipping

    return shipping.roll_back(target, **how)  # type: ignore[arg-type]


def _classifier_stop(release_id: str, **how: object) -> None:
    from classifiers import release

    release.stop(release_id, **how)  # type: ignore[arg-type]


def _answerer_back(target: Target, **how: object) -> Release:
    from knowledge import answerers

    return answerers.roll_back(target, **how)  # type: ignore[arg-type]


def _answerer_stop(release_id: str, **how: object) -> None:
    from knowledge import release

    release.stop(release_id, **how)  # type: ignore[arg-type]


def _model_back(target: Target, **how: object) -> Release:
    from evals import models

    return models.roll_back(target, **how)  # type: ignore[arg-type]


def _model_stop(release_id: str, **how: object) -> None:
    from evals import model_release

    model_release.stop(release_id, **how)  # type: ignore[arg-type]


def _recipe_back(target: Target, **how: object) -> Release:
    from automations import release

    return release.roll_back(target, **how)  # type: ignore[arg-type]


def _recipe_stop(release: Release, why: str, by: Person, at: datetime | None) -> str:
    from automations import stopping

    return stopping.stop(release.target_name, why=why, by=by, at=at).sentence


ACTS: dict[tuple[str, str], Act] = {
    ("classifier", ROLL_BACK): _rolled_back(_classifier_back), ("classifier", STOP): _stopped(_classifier_stop),
    ("answerer", ROLL_BACK): _rolled_back(_answerer_back), ("answerer", STOP): _stopped(_answerer_stop),
    ("model", ROLL_BACK): _rolled_back(_model_back), ("model", STOP): _stopped(_model_stop),
    ("recipe", ROLL_BACK): _rolled_back(_recipe_back), ("recipe", STOP): _recipe_stop,
}  # fmt: skip
