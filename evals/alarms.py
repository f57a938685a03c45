"""When a measure is so far from what it was, or from what was promised, that somebody should hear of it. Pure: days in, a finding out.

Only whole days are looked at, so that a look at noon and one at night say the same. Each day is held against the same weekday of the four
weeks before (eight for a slow burn), as far as weekdays differ there at all. How far days stray without any reason is read from those weeks
too: customers who write again and again make them stray more than a textbook's coins would. What is told is told surely (SURE), so that
hardly anything is told of a measure that stands still; with fewer than the least number it is said that they are too few to tell.

An alarm ends by the opposite proof, not by one good day: so it does not flap. The figures behind this are those of portal bench monitors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import copysign, inf, log, sqrt
from typing import Literal

from data.amounts import Amount, Kind
from data.measures import Z

THRESHOLD, CHANGE, RATIO = "threshold", "change", "ratio"
RULES = {
    THRESHOLD: "surely beyond a value",
    CHANGE: "surely another level than in the weeks before, from some day on",
    RATIO: "so many percent above or below the four weeks before, the same weekdays",
}
DAY, WEEK = "day", "week"
DIRECTIONS = ("down", "up", "either")
SHARE: Kind = "share"
COUNT, SUM, QUANTILE = "count", "sum", "quantile"
SURE = 3.2  # standard errors: of a measure that stands still something is told about once a year
BACK = 2.6  # ... until it is told that it is back: whoever looks each day for a month looks often
BASELINE, LONG_BASELINE = 28, 56  # days
FEWEST_DAYS = 14  # of the baseline with anything in them: with fewer, weekdays cannot be told from a change
LONGEST_BACK = 28  # days over which it may come back
LIKELY_STRAY, DAYS_OF_IT = 1.2, 20  # four weeks tell poorly how far days stray: as if twenty days more had strayed so far


@dataclass(frozen=True)
class Day:
    """One whole day: how many it counts, over how much, how much in all, and the squares of that."""

    day: date
    n: int
    over: float  # what the total is divided by; 1 where it is not divided
    total: float
    squares: float


def days_of(points: Sequence[tuple[date, Amount]]) -> list[Day]:
    """From the first day on of which anything is known. What was drawn as a sample counts for as much as was drawn, not for all."""
    told = [one for _, one in points if one.n]
    scale = sum(one.effective_n for one in told) / sum(one.weight for one in told) if told else 1.0
    first = next((place for place, (_, one) in enumerate(points) if one.n), len(points))
    return [_day(day, amount, scale) for day, amount in points[first:]]


def _day(day: date, amount: Amount, scale: float) -> Day:
    if amount.kind in (COUNT, SUM):
        return Day(day, amount.n, 1.0, amount.sum, amount.sum_sq)
    if amount.kind == QUANTILE:
        value = amount.value
        return Day(day, amount.n, 0.0, 0.0, 0.0) if value is None else Day(day, amount.n, 1.0, value, value * value)
    return Day(day, amount.n, amount.weight * scale, amount.sum * scale, amount.sum_sq * scale)


@dataclass(frozen=True)
class Rule:
    """What is looked for. `alarm_at`, `clear_at`: values (threshold), shares of the baseline (ratio) or distances from it (change)."""

    name: str
    kind: Kind  # of the measure
    direction: str = "down"  # that is told
    alarm_at: float = 0.0
    clear_at: float = 0.0
    least: int = 50  # conversations, below which nothing can be told
    window: str = DAY  # day: a fall within days; week: one that creeps over weeks

    @property
    def lengths(self) -> tuple[int, ...]:
        """So many last days are looked at together, one after the other."""
        if self.name == CHANGE:
            return (1, 2, 3, 4, 5, 6, 7) if self.window == DAY else (7, 14, 21, 28)
        return (1,) if self.window == DAY and self.name == THRESHOLD else (7,)

    @property
    def reach(self) -> int:
        """Days that a look needs."""
        return max(self.lengths) + (LONG_BASELINE if self.window == WEEK else BASELINE)


@dataclass(frozen=True)
class Standing:
    """An alarm that was told: since when, which way, where it stood, and what it is held against until it is back."""

    since: date
    until: date  # the last day that told it
    sign: int  # 1: too high, -1: too low
    value: float
    baseline: float | None


State = Literal["calm", "alarm", "too_few"]


@dataclass(frozen=True)
class Finding:
    """What a look found. With an alarm that stands, calm means that it is over."""

    state: State
    since: date  # the days that tell it
    until: date
    why: str = ""  # it cannot be told, in words
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    baseline: float | None = None
    baseline_n: int = 0
    errors: float = 0.0  # standard errors from what it is held against
    sign: int = 0


@dataclass(frozen=True)
class Baseline:
    """The weeks before: what each weekday holds, and how far days stray."""

    kind: str
    rate: float
    weekdays: tuple[float, ...]
    over: float
    n: int
    days: int
    unit: float  # the variance of one piece
    stray: float  # times as much as single pieces would make days stray; 1 at least

    def expected(self, days: Sequence[Day]) -> float:
        return sum(self.weekdays[one.day.weekday()] * one.over for one in days)


def look(days: Sequence[Day], rule: Rule, *, last: date, standing: Standing | None = None, since: date | None = None,
         without: Sequence[tuple[date, date]] = ()) -> Finding:  # fmt: skip
    """What the days up to and with the last one say. `since`: what was before counts no more; `without`: times of trouble that are known,
    which are nobody's baseline."""
    known = [one for one in days if one.day <= last and (since is None or one.day >= since) and not _within(one.day, without)]
    if standing is not None:
        return _back(known, rule, standing, last)
    recent_from = last - timedelta(days=max(rule.lengths) - 1)
    baseline = baseline_of([one for one in known if one.day < recent_from][-_baseline_days(rule) :], rule.kind)
    if rule.name == THRESHOLD:
        return _beyond(known, rule, baseline, last)
    if baseline is None or baseline.n < 2 * rule.least:
        told = 0 if baseline is None else baseline.n
        needed = f"{2 * rule.least:,} on {FEWEST_DAYS} days are needed"
        return Finding("too_few", recent_from, last, f"too few to tell: {told:,} before to compare with, and {needed}")
    return _against(known, rule, baseline, last)


def _within(day: date, without: Sequence[tuple[date, date]]) -> bool:
    return any(first <= day <= until for first, until in without)


def _baseline_days(rule: Rule) -> int:
    return LONG_BASELINE if rule.window == WEEK and rule.name == CHANGE else BASELINE


# -- what it is held against --------------------------------------------------------------------------------------------------------------


def baseline_of(days: Sequence[Day], kind: str) -> Baseline | None:
    """None where too few days tell of it."""
    told = [one for one in days if one.over > 0]
    if len(told) < FEWEST_DAYS:
        return None
    over, total, squares = (sum(getattr(one, name) for one in told) for name in ("over", "total", "squares"))
    rate, by_weekday = total / over, _weekdays(told)
    unit = _unit(kind, rate, over, total, squares)
    within = _stray(told, kind, unit, by_weekday)
    pulled = _pulled(told, kind, unit * within, rate, by_weekday)
    every = tuple(pulled.get(weekday, rate) for weekday in range(7))
    return Baseline(kind, rate, every, over, sum(one.n for one in told), len(told), unit, max(1.0, within))


def _weekdays(days: Sequence[Day]) -> dict[int, float]:
    sums: dict[int, list[float]] = {}
    for one in days:
        found = sums.setdefault(one.day.weekday(), [0.0, 0.0])
        found[0] += one.total
        found[1] += one.over
    return {weekday: total / over for weekday, (total, over) in sums.items()}


def _unit(kind: str, rate: float, over: float, total: float, squares: float) -> float:
    """The variance of one piece; of what is counted, in its own mean."""
    if kind == SHARE:
        held = min(max(rate, 0.5 / (over + 1)), 1 - 0.5 / (over + 1))
        return held * (1 - held)
    if kind in (COUNT, SUM):
        return squares / total if total > 0 else 1.0
    return max(squares / over - rate * rate, 1e-12)


def _variance(kind: str, unit: float, expected: float, over: float) -> float:
    """Of a day's total."""
    return unit * max(expected, 0.5) if kind in (COUNT, SUM) else unit * over


def _stray(days: Sequence[Day], kind: str, unit: float, by_weekday: dict[int, float]) -> float:
    """Pearson's chi-square over its degrees of freedom, drawn to what is likely."""
    apart = 0.0
    for one in days:
        expected = by_weekday[one.day.weekday()] * one.over
        apart += (one.total - expected) ** 2 / _variance(kind, unit, expected, one.over)
    return (apart + LIKELY_STRAY * DAYS_OF_IT) / (len(days) - len(by_weekday) + DAYS_OF_IT)


def _pulled(days: Sequence[Day], kind: str, unit: float, rate: float, by_weekday: dict[int, float]) -> dict[int, float]:
    """Weekdays as far as they surely differ: else the noise of four Mondays would be taken for what Mondays are like (James and Stein)."""
    over = {weekday: sum(one.over for one in days if one.day.weekday() == weekday) for weekday in by_weekday}
    noise = {weekday: _variance(kind, unit, rate * of, of) / of**2 for weekday, of in over.items()}
    apart = sum((by_weekday[weekday] - rate) ** 2 / noise[weekday] for weekday in over)
    kept = max(0.0, 1 - max(len(over) - 2, 1) / apart) if apart > 0 else 0.0
    return {weekday: rate + kept * (by_weekday[weekday] - rate) for weekday in over}


# -- how far it is from that --------------------------------------------------------------------------------------------------------------


def errors_apart(days: Sequence[Day], baseline: Baseline) -> float:
    """Standard errors between the days and the baseline, which is known no better than its own days tell."""
    over, total, expected = sum(one.over for one in days), sum(one.total for one in days), baseline.expected(days)
    if over <= 0:
        return 0.0
    if baseline.kind == SHARE:
        return _signed(_of_shares(total, over, expected / over, baseline.over) / baseline.stray, total - expected)
    if baseline.kind in (COUNT, SUM):
        before = baseline.rate * baseline.over
        scale = baseline.unit * baseline.stray
        return _signed(_of_counts(total, expected, before) / scale, total - expected)
    return (total - expected) / over / sqrt(baseline.stray * baseline.unit * (1 / over + 1 / baseline.over))


def _signed(twice: float, way: float) -> float:
    """The root of twice the log of the likelihood ratio: near to a normal deviate even where little was counted."""
    return copysign(sqrt(max(twice, 0.0)), way)


def _of_shares(total: float, over: float, before: float, over_before: float) -> float:
    both = (total + before * over_before) / (over + over_before)
    return 2 * sum(
        _times(k, k / n, both) + _times(n - k, 1 - k / n, 1 - both) for k, n in ((total, over), (before * over_before, over_before))
    )  # fmt: skip


def _of_counts(total: float, expected: float, before: float) -> float:
    """Of what was counted both times, how much was to fall into these days."""
    share = expected / (expected + before) if expected + before > 0 else 0.0
    both = total + before
    return 2 * (_times(total, total, share * both) + _times(before, before, (1 - share) * both)) if both > 0 and share > 0 else 0.0


def _times(many: float, found: float, expected: float) -> float:
    return many * log(found / expected) if many > 0 and found > 0 and expected > 0 else 0.0


def interval(days: Sequence[Day], kind: str, baseline: Baseline | None, *, z: float = Z) -> tuple[float, float, float]:
    """The value of the days, and between what it surely lies, as far as days stray."""
    over, total = sum(one.over for one in days), sum(one.total for one in days)
    stray = baseline.stray if baseline else 1.0
    value = total / over if over else 0.0
    if kind == SHARE:
        n = max(over / stray, 1e-9)
        middle, half = (
            (value + z * z / (2 * n)) / (1 + z * z / n),
            z * sqrt(value * (1 - value) / n + z * z / (4 * n * n)) / (1 + z * z / n),
        )
        return value, max(0.0, middle - half), min(1.0, middle + half)
    unit = baseline.unit if baseline else _unit(kind, value, over, total, sum(one.squares for one in days))
    half = z * sqrt(stray * _variance(kind, unit, total, over)) / over if over else inf
    return value, value - half, value + half


# -- the rules ----------------------------------------------------------------------------------------------------------------------------


def _last(days: Sequence[Day], last: date, length: int) -> list[Day]:
    first = last - timedelta(days=length - 1)
    return [one for one in days if first <= one.day <= last]


def _enough(days: Sequence[Day], rule: Rule, baseline: Baseline | None = None) -> bool:
    """Of what is counted, nothing at all on a day tells something too, where there was enough of it before."""
    usual = baseline.n / baseline.days * len(days) if baseline and rule.kind in (COUNT, SUM) else 0.0
    return max(sum(one.n for one in days), usual) >= rule.least and any(one.over for one in days)


def _signs(rule: Rule) -> tuple[int, ...]:
    return {"down": (-1,), "up": (1,), "either": (-1, 1)}[rule.direction]


def _few(days: Sequence[Day], rule: Rule, last: date) -> Finding:
    longest = max(rule.lengths)
    some = sum(one.n for one in _last(days, last, longest))
    why = f"too few to tell: {some:,} in the last {_days(longest)}, and {rule.least:,} are needed"
    return Finding("too_few", last - timedelta(days=longest - 1), last, why, n=some)


def _days(many: int) -> str:
    return "day" if many == 1 else f"{many} days"


def _beyond(days: Sequence[Day], rule: Rule, baseline: Baseline | None, last: date) -> Finding:
    """A threshold: nothing before is needed."""
    some = _last(days, last, rule.lengths[0])
    if not _enough(some, rule, baseline):
        return _few(days, rule, last)
    sign = _signs(rule)[0]
    _, surely_low, surely_high = interval(some, rule.kind, baseline, z=BACK)
    beyond = surely_high < rule.alarm_at if sign < 0 else surely_low > rule.alarm_at
    return replace(_seen(some, rule, baseline, last), state="alarm" if beyond else "calm", sign=sign)


def _seen(some: Sequence[Day], rule: Rule, baseline: Baseline | None, last: date) -> Finding:
    """The figures of some days."""
    value, low, high = interval(some, rule.kind, baseline)
    return Finding("calm", some[0].day, last, "", value, low, high, sum(one.n for one in some))


def _against(days: Sequence[Day], rule: Rule, baseline: Baseline, last: date) -> Finding:
    """Change and ratio: the length that is furthest from the baseline, where one is far enough; else the longest."""
    looked = [some for length in rule.lengths if _enough(some := _last(days, last, length), rule, baseline)]
    if not looked:
        return _few(days, rule, last)
    found = [_held(some, rule, baseline, last) for some in looked]
    alarms = [one for one in found if one.state == "alarm"]
    return max(alarms, key=lambda one: abs(one.errors)) if alarms else found[-1]


def _held(some: Sequence[Day], rule: Rule, baseline: Baseline, last: date) -> Finding:
    seen = _seen(some, rule, baseline, last)
    expected, errors = baseline.expected(some) / sum(one.over for one in some), errors_apart(some, baseline)
    away = (seen.value or 0.0) - expected
    size = abs(away) if rule.name == CHANGE else abs(away / expected) if expected else inf
    sign = -1 if away < 0 else 1
    tells = sign in _signs(rule) and abs(errors) >= SURE and size >= rule.alarm_at
    return replace(seen, state="alarm" if tells else "calm", baseline=expected, baseline_n=baseline.n, errors=errors, sign=sign)


def _back(days: Sequence[Day], rule: Rule, standing: Standing, last: date) -> Finding:
    """Over when some last days since then lie surely on the good side of the bar, and at or behind what it clears at. It is back since the
    first of those that prove it best."""
    before = baseline_of([one for one in days if one.day < standing.since][-BASELINE:], rule.kind)
    after = [one for one in days if standing.since < one.day]
    proofs: list[tuple[float, list[Day]]] = []
    for length in range(1, min(LONGEST_BACK, len(after)) + 1):
        some = _last(after, last, length)
        proof = _proof(some, rule, standing, before) if _enough(some, rule) else None
        proofs += [(proof, some)] if proof is not None else []
    if not proofs:
        return Finding("alarm", standing.since, last, "", standing.value, baseline=standing.baseline, sign=standing.sign)
    _, best = max(proofs, key=lambda one: one[0])
    return replace(_seen(best, rule, before, last), baseline=standing.baseline, sign=standing.sign)


def _proof(some: Sequence[Day], rule: Rule, standing: Standing, before: Baseline | None) -> float | None:
    """How far behind the bar the days surely are; None where they are not."""
    bar, clear = bars(rule, standing)
    value, surely_low, surely_high = interval(some, rule.kind, before, z=BACK)
    good, behind = (value >= clear, surely_low - bar) if standing.sign < 0 else (value <= clear, bar - surely_high)
    return behind if good and behind > 0 else None


def bars(rule: Rule, standing: Standing) -> tuple[float, float]:
    """What it must surely be past to be over, and what its value must reach."""
    if rule.name == THRESHOLD or standing.baseline is None:
        return rule.alarm_at, rule.clear_at
    whole = rule.name == CHANGE
    least, clear = ((one if whole else one * abs(standing.baseline)) for one in (rule.alarm_at, rule.clear_at))
    half = abs(standing.value - standing.baseline) / 2
    return standing.baseline + standing.sign * max(least, half), standing.baseline + standing.sign * max(clear, half / 2)
