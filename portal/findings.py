"""What a chart shows, said in a sentence: its title."""

from collections.abc import Sequence

from data.measures import Share, Week, percent


def agreement(weeks: Sequence[Week]) -> str:
    shares = [week.agreement for week in weeks if week.agreement.n]
    return _moved(shares, "The machine agrees with people in") if shares else "Agreement with people"


def satisfied(weeks: Sequence[Week]) -> str:
    shares = [week.satisfied for week in weeks if week.satisfied.n]
    return _moved(shares, "Customers are satisfied in") if shares else "Satisfaction"


def volume(weeks: Sequence[Week]) -> str:
    before = [week.volume for week in weeks[:-1]][-4:]
    if not before:
        return f"{weeks[-1].volume:,} conversations this week"
    return f"{weeks[-1].volume:,} conversations so far this week; {sum(before) / len(before):,.0f} a week in the four before"


def _moved(shares: Sequence[Share], words: str) -> str:
    """The latest week against the four before it: a change is named only where their intervals do not meet."""
    last, before = shares[-1], shares[-5:-1]
    told = f"{words} {last}"
    if not before:
        return told
    earlier = Share(sum(share.k for share in before), sum(share.n for share in before))
    if last.interval[0] > earlier.interval[1]:
        return f"{told}, up from {percent(earlier.value)}"
    if last.interval[1] < earlier.interval[0]:
        return f"{told}, down from {percent(earlier.value)}"
    return f"{told}, no clear change against the weeks before"
