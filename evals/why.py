"""Why a share or a mean moved, in sentences for people: how much of it each part carries, what came more or less, when it began, and what
happened shortly before. The split is `mixing.explain`, what stands out `parts.look`, candidates for a cause `causes.candidates`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from data import config, defined, labels, people, trends
from data.amounts import Amount
from data.defined import Measure
from data.errors import Refused
from data.tables import Person
from data.trends import Slice
from evals import causes, parts
from evals.causes import Began, Cause, Marker
from evals.parts import LOOKED_AT, Found, Part
from evals.shifts import Shift
from evals.slices import Along

WEEKS = 4
MATTERS = 0.25  # of the change; a shift of the mix that carries less is not worth a sentence
MOST = 0.5
WITHIN: tuple[Along, ...] = (("intent", "team"),)  # only so that teams are compared intent by intent
CHANNELS = {"chat": "chat", "email": "e-mail", "voice": "calls"}
UNKNOWN = {
    "intent": "conversations without an intent", "channel": "an unknown channel", "segment": "customers of no segment",
    "team": "conversations of no team", "language": "an unknown language", "version": "conversations that no version worked on",
}  # fmt: skip
SAYS_IT = {"abstention": "intent"}  # a conversation without an intent is one on which the machine was silent: no part explains itself
OF_CLASSIFIERS = ("abstention", "agreement")  # no article, recipe or policy changes what a classifier says
TOUCH_CLASSIFIERS = ("classifier", "incident")
Names = Mapping[str, Mapping[str, str]]  # dimension -> key -> what people call it


@dataclass(frozen=True)
class Why:
    """What is known of a change."""

    measure: Measure
    found: Found
    began: Began | None = None
    causes: tuple[Cause, ...] = ()  # candidates, the likeliest first
    names: Names = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        return sentences(self.measure, self.found, self.names, self.causes)

    @property
    def sentence(self) -> str:
        return " ".join(self.sentences)


def why(
    measure: str, *, by: Person, since: date, until: date, weeks: int = WEEKS, markers: Sequence[Marker] = (), of: Slice = Slice()
) -> Why:  # fmt: skip
    """The days from `since` to `until` beside as many periods of the same length before them, within the person's reach."""
    found = defined.of(measure)
    if found.kind not in ("share", "mean"):
        raise Refused(
            f"Not explained: '{found.title}' is neither a share nor a mean, so it does not split into parts. Look at it by intent."
        )
    if until < since or weeks < 1:
        raise Refused(
            f"Not explained: {since} to {until} with {weeks} periods before holds no day to compare. Choose at least one of each."
        )
    length = until - since + timedelta(days=1)
    periods = [(since - back * length, until - back * length) for back in range(weeks, -1, -1)]
    broken = [_broken(measure, by, first, last, of) for first, last in periods]
    looked = parts.look(broken[:-1], broken[-1])
    names = {"intent": labels.names(), "team": people.teams(), "channel": CHANNELS}
    if looked.silent:
        return Why(found, looked, names=names)
    part = {name: str(value) for name, value in looked.outstanding[0].of.items()} if looked.outstanding else {}
    when = causes.began(_days(measure, by, periods[0][0], until, of, part))
    touching = [one for one in markers if measure not in OF_CLASSIFIERS or one.kind in TOUCH_CLASSIFIERS]
    likely = causes.candidates(touching, part, when, zone=config.settings().time_zone) if when else []
    return Why(found, looked, when, tuple(likely), names)


def _broken(measure: str, by: Person, since: date, until: date, of: Slice) -> dict[Along, Mapping[Any, Amount]]:
    """One period in all parts that are counted together with what is asked about."""
    return {
        along: trends.broken_down(
            measure, by=by, since=since, until=until, along=along[0] if len(along) == 1 else (along[0], along[1]), of=of
        )
        for along in (*LOOKED_AT, *WITHIN)
        if not {SAYS_IT.get(measure), *of.told} & set(along) and _is_counted({*along, *of.told})
    }


def _is_counted(dimensions: set[str]) -> bool:
    return any(dimensions - {"team"} <= cut for cut in trends.CUTS)


def _days(measure: str, by: Person, since: date, until: date, of: Slice, part: Mapping[str, str]) -> list[tuple[date, Amount]]:
    both = {**of.told, **part}
    whose = Slice(**{"team_id" if name == "team" else name: value for name, value in both.items()})
    return [(one.day, one.amount) for one in trends.series(measure, by=by, since=since, until=until, of=whose)]


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def sentences(measure: Measure, found: Found, names: Names, likely: Sequence[Cause] = ()) -> list[str]:
    """What a lead reads. When nothing stands out, it says so and nothing else."""
    if found.silent:
        return [_silence(measure, found)]
    told = [_headline(measure, found), *_shift(measure, found, names), *_parts(measure, found, names)]
    return [*told, likely[0].sentence] if likely else told


def _silence(measure: Measure, found: Found) -> str:
    if not round_size(measure, found.change):
        return f"{measure.title} stayed at {value(measure, found.after)} (n\u00a0=\u00a0{found.n_after:,}). No part of it stands out."
    way = "fall" if found.change < 0 else "rise"
    return (
        f"{measure.title}: {pair(measure, found.before, found.after)} (n\u00a0=\u00a0{found.n_after:,}). "
        f"No part of it stands out: the {way} of {size(measure, found.change)} is within what weeks differ by."
    )


def _headline(measure: Measure, found: Found) -> str:
    figures = f"({pair(measure, found.before, found.after)}, n\u00a0=\u00a0{found.n_after:,})"
    if not found.moved:
        return f"{measure.title} as a whole moved no more than weeks differ by {figures}."
    told = f"{measure.title} {_moved(found.change)} {size(measure, found.change)} {figures}."
    if not found.outstanding and not found.shifted:
        told += " No part of it stands out: it went about the same way everywhere."
    return told


def _shift(measure: Measure, found: Found, names: Names) -> list[str]:
    """A shift is told where it carries much of the change."""
    one = found.shift
    if one is None or not one.stands_out or abs(one.carried) < MATTERS * abs(found.change):
        return []
    grew = "grew" if one.share_after > one.share_before else "went back"
    moved = f"{one.share_before * 100:.0f} to {one.share_after * 100:.0f}\u00a0% of conversations"
    inside = "" if found.outstanding else "No part of it became better or worse by itself; what came is mixed otherwise: "
    start = f"{inside}{_name(one, names)}" if inside else f"Part of it is what came: {_name(one, names)}"
    return [f"{start} {grew} from {moved}, at {value(measure, one.value)} ({_of_it(measure, found, one.carried)})."]


def _parts(measure: Measure, found: Found, names: Names) -> list[str]:
    told = [_part(measure, found, part, names, first=not at) for at, part in enumerate(found.outstanding)]
    if found.overlapping:
        others = " and ".join(_name(part, names) for part in found.overlapping)
        told.append(f"It also shows in {others}, which may be the same conversations.")
    return told


def _part(measure: Measure, found: Found, part: Part, names: Names, *, first: bool) -> str:
    name = _name(part, names)
    with_it = found.moved and part.carried * found.change > 0
    if first and with_it:
        start = f"{'Most' if part.carried / found.change >= MOST else 'Some'} of it is {name}"
    elif found.moved and not with_it:
        start = f"Against it, {name} {_moved(part.change)}"
    else:
        start = f"{name[0].upper()}{name[1:]} {_moved(part.change)}"
    like = " like for like" if abs(part.change - (part.after - part.before)) > abs(part.change) / 10 else ""
    reach = (
        f"{signed(measure, part.change)}{like}, {signed(measure, part.low)} to {signed(measure, part.high)}, n\u00a0=\u00a0{part.n_after:,}"
    )
    return f"{start}: {pair(measure, part.before, part.after)} ({reach}; {_of_it(measure, found, part.carried)})."


def _of_it(measure: Measure, found: Found, carried: float) -> str:
    """The part's share of the whole's change."""
    if found.moved:
        return f"{signed(measure, carried, 1)} of the {size(measure, found.change)}"
    return f"{signed(measure, carried, 1)} of the whole"


def _moved(change: float) -> str:
    return "fell" if change < 0 else "rose"


def _name(one: Part | Shift, names: Names) -> str:
    """As people say it: "refunds in chat", "version 4 of 'refunds'"."""
    told = {name: named(name, str(key), names) for name, key in zip(one.along, one.key, strict=True)}
    if one.along == ("intent", "channel"):
        return f"{told['intent']} in {told['channel']}"
    return " with ".join(told.values())


def named(dimension: str, key: str, names: Names) -> str:
    if not key:
        return UNKNOWN.get(dimension, f"no {dimension}")
    known = names.get(dimension, {}).get(key)
    if dimension == "version" and "@" in key:
        kind_and_name, number = key.rsplit("@", 1)
        return f"version {number} of '{kind_and_name.split(':', 1)[-1]}'"
    if dimension in ("intent", "channel"):
        return known or key
    told = known or key
    return told if told.lower().startswith(f"{dimension} ") else f"{dimension} {told}"


# -- figures ------------------------------------------------------------------------------------------------------------------------------


def value(measure: Measure, one: float) -> str:
    return f"{one * 100:.0f}\u00a0%" if measure.kind == "share" else f"{one:,.2f}{_unit(measure)}"


def pair(measure: Measure, before: float, after: float) -> str:
    if measure.kind == "share":
        return f"{before * 100:.0f} → {after * 100:.0f}\u00a0%"
    return f"{before:,.2f} → {after:,.2f}{_unit(measure)}"


def size(measure: Measure, change: float) -> str:
    """Without its sign."""
    told = round_size(measure, change)
    if measure.kind == "share":
        return f"{told:g} {'point' if told == 1 else 'points'}"
    return f"{told:,.2f}{_unit(measure)}"


def round_size(measure: Measure, change: float) -> float:
    if measure.kind == "share":
        return round(abs(change) * 100) if abs(change) >= 0.01 else round(abs(change) * 100, 1)
    return round(abs(change), 2)


def signed(measure: Measure, change: float, digits: int = 0) -> str:
    told = f"{abs(change) * 100:.{digits}f}" if measure.kind == "share" else f"{abs(change):.2f}"
    return told if not float(told) else f"{'−' if change < 0 else '+'}{told}"


def _unit(measure: Measure) -> str:
    return "" if measure.unit == "score" else f" {measure.unit}"
