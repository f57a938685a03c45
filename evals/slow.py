"""Asks a slow target one case at a time, some at once, and waits for none of them for ever."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from data.tables import Case
from evals.runs import Answer, Ask, in_words

TICK = 0.25  # seconds after which the run hears that there is work under way
MOST_HANGING = 20  # calls that never came back; then the rest is not asked


@dataclass(frozen=True)
class _Came:
    answer: Answer
    seconds: float


def singly(say: Callable[[Case], Answer], *, at_once: int = 4, timeout: float = 60.0) -> Ask:
    """Each case on a thread of its own. One that takes longer is answered by its time-out, and what it says later counts for nothing."""

    def ask(cases: Sequence[Case]) -> Iterator[Answer | None]:
        came: queue.Queue[_Came] = queue.Queue()
        waiting, under_way, hanging = list(reversed(cases)), dict[str, tuple[Case, float]](), 0
        while waiting or under_way:
            while waiting and len(under_way) < at_once and hanging < MOST_HANGING:
                case = waiting.pop()
                under_way[case.id] = (case, time.monotonic())
                threading.Thread(target=_say, args=(say, *under_way[case.id], came), name="eval target", daemon=True).start()
            told = _all_that_came(came)  # and the clock at once after it: what came while others were graded came in time
            late = [case for case, began in under_way.values() if time.monotonic() - began > timeout]
            in_time = [one.answer for one in told if one.answer.case.id in under_way and one.seconds <= timeout]
            timed_out = [case for case in late if case.id not in {answer.case.id for answer in in_time}]
            for case in (*(answer.case for answer in in_time), *timed_out):
                del under_way[case.id]
            hanging += len(timed_out)
            yield from in_time
            yield from (Answer(case, None, f"timed out: no answer within {timeout:g} seconds", timeout * 1000) for case in timed_out)
            if not (in_time or timed_out):
                yield None  # still at work
            if hanging >= MOST_HANGING and not under_way:
                yield from (Answer(case, None, f"not asked: {hanging} calls before it timed out") for case in reversed(waiting))
                return

    return ask


def _all_that_came(came: "queue.Queue[_Came]") -> list[_Came]:
    """What is there by now; waits a moment for the first."""
    found: list[_Came] = []
    try:
        found.append(came.get(timeout=TICK))
        while True:
            found.append(came.get_nowait())
    except queue.Empty:
        return found


def _say(say: Callable[[Case], Answer], case: Case, began: float, came: "queue.Queue[_Came]") -> None:
    try:
        answer = say(case)
        if not isinstance(answer, Answer) or answer.case.id != case.id:
            answer = Answer(case, None, "the target gave no answer to this case")
    except BaseException as broken:  # what breaks is a result with its error, also what would only end this thread
        answer = Answer(case, None, in_words(broken), (time.monotonic() - began) * 1000)
    came.put(_Came(answer, time.monotonic() - began))
