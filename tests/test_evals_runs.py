"""A run: what was answered is kept when it is cut off, what is done is not asked again, and what is no answer is never a pass."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import func, select

from data import bulk, people, store, tasks
from data.errors import Denied, Refused
from data.tables import Case, Person, Result, Run, Score, SetVersion
from data.values import RUN, Target, new_id, now
from evals import changes, checks, freezing, graders, runs, scores, sets
from evals.cases import NewCase
from evals.graders.face import Asked as Judged
from evals.graders.face import Grade, Output
from evals.runs import Answer, told_at_once
from tests.conftest import Staff
from tests.faults.test_store import begin, kill
from tests.test_evals_sets import flagged_set

FIRST = Target("classifier", "intent", 1)


class Cut(BaseException):
    """The process is told to end."""


class Asked:
    """A target that remembers what it was asked, and is cut off after so many answers."""

    def __init__(self, cut_after: int | None = None, wrong: int = 0) -> None:
        self.cut_after, self.wrong = cut_after, wrong
        self.ids: list[str] = []
        self.ask = told_at_once(self.say)

    def say(self, cases: Sequence[Case]) -> list[Output]:
        if self.cut_after is not None and len(self.ids) >= self.cut_after:
            raise Cut
        said = [
            {"label": "no intent of ours"} if len(self.ids) + place < self.wrong else dict(case.expected)
            for place, case in enumerate(cases)
        ]
        self.ids += [case.id for case in cases]
        return said


def right(case: Case, **more: Any) -> Answer:
    return Answer(case, dict(case.expected), **more)


def typed_set(staff: Staff, *new: NewCase, name: str = "Typed") -> SetVersion:
    """A frozen version of cases as a file would hold them."""
    with store.writing():
        eval_set = sets.create(name, by=staff.lead, purpose="answer")
        changes.add(eval_set.id, new, known=graders.BY_NAME, by=staff.lead)
        return freezing.freeze(eval_set.id, by=staff.lead)


def intent_case(number: int, **more: Any) -> NewCase:
    messages = ({"role": "customer", "text": f"Where is parcel {number}?"},)
    return NewCase(messages, {"label": "Order status"}, ("exact label",), key=f"key {number}", **more)


@pytest.fixture
def version(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> str:
    """A frozen version of ten cases, answered in steps of three."""
    monkeypatch.setattr(runs, "STEP", 3)
    eval_set, _ = flagged_set(staff, range(1, 11))
    return freezing.freeze(eval_set.id, by=staff.lead).id


def counted(table: type[Result] | type[Score] | type[Run]) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def errors_of(run: Run) -> list[str]:
    """What the results say instead of an output, each once, in order."""
    with store.reading() as db:
        return sorted(set(db.exec(select(Result.error).where(Result.run_id == run.id, Result.error != "")).all()))


# -- cut off ------------------------------------------------------------------------------------------------------------------------------


def test_after_a_cut_only_the_rest_is_asked(staff: Staff, version: str) -> None:
    broken = Asked(cut_after=6)
    with pytest.raises(Cut):
        runs.run(version, FIRST, broken.ask, by=staff.rep)
    assert len(broken.ids) == 6 and counted(Result) == counted(Score) == 6  # two steps were kept whole
    assert runs.of_version(version, by=staff.rep) == [] and runs.of_target(FIRST, by=staff.rep) == []  # half a run is no run

    whole = Asked()
    made = runs.run(version, FIRST, whole.ask, by=staff.lead)
    assert made.state == "done" and made.ended_at is not None
    assert sorted(broken.ids + whole.ids) == sorted(case.id for case in sets.cases(version))  # each case once
    assert counted(Result) == counted(Score) == 10
    assert (scores.passed(made.id).k, scores.passed(made.id).n) == (made.passed, made.cases) == (10, 10)
    assert [run.id for run in runs.of_version(version, by=staff.rep)] == [made.id]


def hang_in_the_third_step(told: Connection, version_id: str, step: int) -> None:
    """Another process at the run: it says what it is asked, and never comes back from the seventh case on."""
    runs.STEP, runs.SECONDS = step, 1e9

    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        for place, case in enumerate(cases):
            told.send_bytes(case.id.encode())
            if place == 8:
                told.send_bytes(b"")
                threading.Event().wait()
            yield right(case)

    runs.run(version_id, FIRST, ask, by=people.console())


@pytest.mark.parametrize(("step", "kept"), [(3, 6), (100, 0)])  # the control: what is not committed in steps is lost with the process
def test_a_killed_process_asks_at_most_one_step_again(staff: Staff, version: str, step: int, kept: int) -> None:
    child, told = begin(hang_in_the_third_step, version, step)
    asked = []
    while said := told.recv_bytes().decode():
        asked.append(said)
    kill(child)
    told.close()
    assert len(asked) == 9 and counted(Result) == counted(Score) == kept

    again = Asked()
    made = runs.run(version, FIRST, again.ask, by=staff.rep)
    assert len(again.ids) == 10 - kept and set(again.ids).isdisjoint(asked[:kept])
    assert (made.state, made.passed, made.cases, counted(Run), counted(Result)) == ("done", 10, 10, 1, 10)


def test_what_a_slow_target_said_is_kept_every_half_second(staff: Staff, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "STEP", 100)
    assert runs.SECONDS == 0.5
    monkeypatch.setattr(runs, "SECONDS", 0.02)
    seen = []

    def ask(cases: Sequence[Case]) -> Iterator[Answer | None]:
        for case in cases:
            yield right(case)
            time.sleep(0.03)
            yield None  # still at work
            seen.append(counted(Result))

    runs.run(version, FIRST, ask, by=staff.rep)
    assert seen == list(range(1, 11))


def test_the_same_run_again_is_the_run_we_have(staff: Staff, version: str) -> None:
    made = runs.run(version, FIRST, Asked().ask, by=staff.rep)
    never = Asked(cut_after=0)
    assert runs.run(version, FIRST, never.ask, by=staff.engineer).id == made.id
    assert never.ids == [] and counted(Result) == 10
    other = Asked()  # the control: another number is another run
    assert runs.run(version, Target("classifier", "intent", 2), other.ask, by=staff.rep).id != made.id
    assert len(other.ids) == 10
    again = Asked()  # and so is one that is asked for again, or asked more often
    assert runs.run(version, FIRST, again.ask, by=staff.rep, again=True).id != made.id and len(again.ids) == 10
    assert runs.run(version, FIRST, again.ask, by=staff.rep, repeats=2).repeats == 2 and counted(Run) == 4


def both_at_once(staff: Staff, version: str) -> tuple[list[Run], list[Exception]]:
    """Two that begin the same run, both before the other has kept anything."""
    together, made, broke = threading.Barrier(2, timeout=20), list[Run](), list[Exception]()

    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        together.wait()
        yield from map(right, cases)

    def work(by: Person) -> None:
        try:
            made.append(runs.run(version, FIRST, ask, by=by))
        except Exception as error:
            broke.append(error)

    threads = [threading.Thread(target=work, args=(person,)) for person in (staff.rep, staff.lead)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made, broke


def test_two_who_begin_the_same_run_at_once_share_it(staff: Staff, version: str) -> None:
    made, broke = both_at_once(staff, version)
    assert broke == [] and {run.id for run in made} == {made[0].id} and [run.state for run in made] == ["done"] * 2
    assert (counted(Run), counted(Result), counted(Score)) == (1, 10, 10)
    assert [(run.passed, run.cases) for run in made] == [(10, 10)] * 2


def test_who_does_not_look_what_the_other_kept_breaks(staff: Staff, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs._Keeper, "_answered", lambda *_: set())
    _, broke = both_at_once(staff, version)
    assert [type(error) for error in broke] == [IntegrityError]


def test_a_cancelled_run_goes_on_later(staff: Staff, version: str) -> None:
    def cancelled(share: float, _doing: str) -> None:
        if share > 0.5:
            raise tasks.Cancelled

    first, second = Asked(), Asked()
    with pytest.raises(tasks.Cancelled):
        runs.run(version, FIRST, first.ask, by=staff.rep, progress=cancelled)
    with store.reading() as db:
        assert db.exec(select(Run.state)).one() == "running"
    assert len(first.ids) == counted(Result) == 6  # what was kept when it was told stays
    made = runs.run(version, FIRST, second.ask, by=staff.rep, again=True)
    assert len(second.ids) == 4 and (made.state, made.passed, counted(Run)) == ("done", 10, 1)


def test_cancelling_is_heard_while_nothing_comes(staff: Staff, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SECONDS", 0.0)

    def ask(_cases: Sequence[Case]) -> Iterator[None]:
        while True:
            yield None

    def cancelled(_share: float, _doing: str) -> None:
        raise tasks.Cancelled

    with pytest.raises(tasks.Cancelled):
        runs.run(version, FIRST, ask, by=staff.rep, progress=cancelled)


def test_a_run_that_was_stopped_is_not_gone_on_with(staff: Staff, version: str) -> None:
    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        for place, case in enumerate(cases):
            if place == 4:
                with store.reading() as db:
                    (only,) = db.exec(select(Run)).all()
                runs.stop(only.id, why="Wrong set, says 4111 1111 1111 1111\0.", by=staff.lead)
            yield right(case)

    with pytest.raises(Refused, match=r"^The run was stopped: Wrong set, says .*\. What was answered until then is kept\.$"):
        runs.run(version, FIRST, ask, by=staff.rep)
    (told,) = runs.newest(by=staff.rep)
    assert (told.run.state, counted(Result)) == ("stopped", 3) and "4111" not in told.run.error
    with pytest.raises(Refused, match="that run is over already"):
        runs.stop(told.run.id, why="Again.", by=staff.lead)
    assert runs.of_version(version, by=staff.rep) == []
    whole = Asked()  # the next one begins from nothing
    assert runs.run(version, FIRST, whole.ask, by=staff.rep).id != told.run.id and len(whole.ids) == 10


def test_progress_grows_to_the_whole_and_names_the_answers(staff: Staff, version: str) -> None:
    told: list[tuple[float, str]] = []
    runs.run(version, FIRST, Asked().ask, by=staff.rep, progress=lambda share, doing: told.append((share, doing)))
    assert [doing for _, doing in told] == [f"intent 1: {done} of 10 answers" for done in (3, 6, 9, 10)]
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


# -- what came of it ----------------------------------------------------------------------------------------------------------------------


def test_every_answer_is_graded_and_the_share_is_of_all(staff: Staff, version: str) -> None:
    made = runs.run(version, FIRST, Asked(wrong=3).ask, by=staff.rep)
    by_case = scores.by_case(made.id)
    assert len(by_case) == 10
    assert sum(score.passed is True for score in by_case.values()) == 7
    assert {score.why.split("'")[0] for score in by_case.values()} == {"said "}
    assert sum("said 'no intent of ours' instead of" in score.why for score in by_case.values()) == 3
    assert (made.passed, made.cases) == (scores.passed(made.id).k, scores.passed(made.id).n) == (7, 10)


def test_missing_and_silent_answers_are_graded_as_fails(staff: Staff, version: str) -> None:
    def say(cases: Sequence[Case]) -> list[Any]:
        return [None if place == 0 else {"label": None, "label_id": None} for place, _ in enumerate(cases)]

    made = runs.run(version, FIRST, told_at_once(say), by=staff.rep)
    share = scores.passed(made.id)
    assert (share.k, share.n) == (0, 10)
    assert {score.why.split(" instead")[0] for score in scores.by_case(made.id).values()} == {"there was no output", "kept silent"}
    assert errors_of(made) == ["the target said nothing"]


def test_a_set_of_three_cases_and_one_of_none(staff: Staff) -> None:
    small = typed_set(staff, *map(intent_case, range(3)))
    made = runs.run(small.id, FIRST, Asked(wrong=1).ask, by=staff.rep)
    assert (made.passed, made.cases) == (2, 3)
    with store.writing() as db:
        empty = SetVersion(eval_set_id=small.eval_set_id, number=2, sha="", changelog="")
        db.add(empty)
    with pytest.raises(Refused, match=r"^Not run: the set has no case\. Flag some on Review and freeze it, or add cases from a file\.$"):
        runs.run(empty.id, FIRST, Asked().ask, by=staff.rep)
    assert counted(Run) == 1  # no run that passes because it asks nothing


def test_who_may_not_run_does_not(staff: Staff, version: str) -> None:
    never = Asked()
    with pytest.raises(Denied):
        runs.run(version, FIRST, never.ask, by=staff.admin)
    assert (never.ids, counted(Run)) == ([], 0)
    assert runs.run(version, FIRST, never.ask, by=people.console()).by_person_id is None


def of_list(answer: Any) -> runs.Ask:
    return told_at_once(lambda cases: answer(list(cases)))


def broken(_cases: Any) -> Any:
    raise ConnectionError("the target went away\0 and \ud800")


MISBEHAVES: dict[str, tuple[runs.Ask, str]] = {
    "raises": (of_list(broken), "ConnectionError: the target went away and ?"),
    "answers too few": (of_list(lambda cases: [dict(case.expected) for case in cases[1:]]), "the target gave 2 answers to 3 cases"),
    "answers too many": (of_list(lambda cases: [{}, *(dict(case.expected) for case in cases)]), "the target gave 4 answers to 3 cases"),
    "answers nothing": (of_list(lambda _cases: None), "the target gave 0 answers to 3 cases"),
    "says None": (of_list(lambda cases: [None] * len(cases)), "the target said nothing"),
    "says a text": (of_list(lambda cases: [case.expected["label"] for case in cases]), "the target said no output, but a str"),
    "says a NUL": (of_list(lambda cases: [{**case.expected, "reply": "a\0"} for case in cases]), "cannot be kept: a text holds a NUL"),
    "says NaN": (of_list(lambda cases: [{**case.expected, "confidence": float("nan")} for case in cases]), "a number is not finite"),
    "says an object": (of_list(lambda cases: [{**case.expected, "reply": object()} for case in cases]), "it holds a object"),
    "breaks off at once": (lambda cases: broken(cases), "the target broke off: ConnectionError"),
    "passes over all": (lambda _cases: iter(()), "the target passed over this case"),
    "gives nothing at all": (lambda _cases: None, "the target broke off: TypeError"),  # type: ignore[arg-type,return-value]
    "gives what is no answer": (lambda cases: [dict(case.expected) for case in cases], "the target broke off: AttributeError"),  # type: ignore[misc]
    "says both": (lambda cases: (right(case, error="the endpoint timed out") for case in cases), "the endpoint timed out"),
}


@pytest.mark.parametrize("how", MISBEHAVES)
def test_a_target_that_misbehaves_is_a_result_with_its_sentence_and_never_a_pass(staff: Staff, how: str) -> None:
    ask, sentence = MISBEHAVES[how]
    made = runs.run(typed_set(staff, *map(intent_case, range(3))).id, FIRST, ask, by=staff.rep)
    assert (made.state, made.passed, made.cases, counted(Result), counted(Score)) == ("done", 0, 3, 3, 3)
    (told,) = errors_of(made)
    assert sentence in told
    with store.reading() as db:
        assert {score.error for score in db.exec(select(Score))} == {told}
        assert {result.output for result in db.exec(select(Result))} == {None}


def test_a_target_that_dies_half_way_gives_its_fault_for_the_rest(staff: Staff, version: str) -> None:
    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        yield from map(right, cases[:4])
        raise ConnectionError("the target went away")

    made = runs.run(version, FIRST, ask, by=staff.rep)
    assert (made.state, made.passed, made.cases) == ("done", 4, 10)
    assert errors_of(made) == ["the target broke off: ConnectionError: the target went away"]


def test_of_two_answers_the_first_counts_and_what_was_not_asked_counts_for_nothing(staff: Staff, version: str) -> None:
    (stranger,) = sets.cases(typed_set(staff, intent_case(1)).id)

    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        yield Answer(cases[0], {"label": "wrong"})
        yield right(stranger)
        for case in cases[:5]:
            yield right(case)

    made = runs.run(version, FIRST, ask, by=staff.rep)
    assert (made.passed, made.cases, counted(Result)) == (4, 10, 10)
    assert made.error == "2 answers came to no case that was asked, or to one a second time; that counted for nothing"
    assert runs.run(version, Target("classifier", "intent", 2), Asked().ask, by=staff.rep).error == ""


def test_an_answer_is_judged_by_our_case_not_by_one_that_comes_with_it(staff: Staff, version: str) -> None:
    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        for case in cases:
            mild = Case(**(case.model_dump() | {"expected": {"label": "anything"}}))
            yield Answer(mild, {"label": "anything"})

    assert runs.run(version, FIRST, ask, by=staff.rep).passed == 0


def test_what_a_target_says_of_its_time_and_cost_is_kept_where_it_is_an_amount(staff: Staff) -> None:
    odd = iter([(12.5, 0.25), (float("nan"), float("inf")), (-1.0, -5.0)])

    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        for case, (ms, cost) in zip(cases, odd, strict=True):
            yield right(case, ms=ms, cost=cost)

    made = runs.run(typed_set(staff, *map(intent_case, range(3))).id, FIRST, ask, by=staff.rep)
    with store.reading() as db:
        assert sorted((result.ms, result.cost) for result in db.exec(select(Result))) == [(0.0, 0.0), (0.0, 0.0), (12.5, 0.25)]
    assert made.cost == 0.25


# -- graders ------------------------------------------------------------------------------------------------------------------------------


def grader(grade: Callable[[Judged, Output | None], Grade]) -> Any:
    return SimpleNamespace(NAME="exact label", NUMBER=1, PERSON_WROTE=True, LIVE=False, NEEDS=(), grade=grade)


def raises(_case: Judged, _output: Output | None) -> Grade:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("known", "error"),
    [
        ({}, "unknown grader 'exact label'"),
        ({"exact label": grader(raises)}, "ZeroDivisionError: division by zero"),
        ({"exact label": grader(lambda _case, _output: Grade(float("nan"), True, "nan"))}, "its score is nan, which is not from 0 to 1"),
        ({"exact label": grader(lambda _case, _output: Grade(None, True, "no score"))}, "it passed without a score"),
    ],
)
def test_what_no_grader_judged_is_no_pass(staff: Staff, version: str, known: dict[str, Any], error: str) -> None:
    made = runs.run(version, FIRST, Asked().ask, by=staff.rep, known=known)
    assert (made.state, made.passed, made.cases) == ("done", 0, 10)
    with store.reading() as db:
        assert set(db.exec(select(Score.error, Score.passed))) == {(error, None)}
        told = scores.unjudged(db, made.id)
    assert all(one.unjudged for one in scores.by_case(made.id).values())
    assert told.cases == 10 and made.error == str(told) and made.error.startswith("10 not judged: the grader 'exact label' ")


def test_a_target_that_failed_passes_with_no_grader_whatever_that_makes_of_silence(staff: Staff, version: str) -> None:
    mild = {"exact label": grader(lambda _case, _output: Grade(1.0, True, "says\0 nothing wrong"))}
    failed = runs.run(version, FIRST, of_list(broken), by=staff.rep, known=mild)
    assert (failed.passed, failed.cases, failed.error) == (0, 10, "")  # no answer is judged: as no pass
    assert runs.run(version, Target("classifier", "intent", 2), Asked().ask, by=staff.rep, known=mild).passed == 10  # the control


def test_a_case_passes_when_all_its_graders_pass_it(staff: Staff) -> None:
    both = NewCase(
        ({"role": "customer", "text": "Is it on its way?"},), {"facts": {"must": ["Monday"]}, "length": {"most_words": 3}},
        ("contains", "length"),
    )  # fmt: skip
    version = typed_set(staff, both)

    def passed(number: int, reply: str) -> int:
        ask = told_at_once(lambda cases: [{"reply": reply} for _ in cases])
        return runs.run(version.id, Target("model", "m", number), ask, by=staff.rep).passed

    assert [passed(1, "On Monday."), passed(2, "Soon."), passed(3, "It comes on Monday, I think.")] == [1, 0, 0]


def test_what_people_say_of_an_output_does_not_change_the_figures_of_a_run(staff: Staff, version: str) -> None:
    made = runs.run(version, FIRST, Asked(wrong=3).ask, by=staff.rep)
    before = scores.passed(made.id), scores.by_case(made.id)
    with store.reading() as db:
        results = list(db.exec(select(Result).where(Result.run_id == made.id)))
    for result in results:
        checks.say(result.id, result.output == {"label": "no intent of ours"}, by=staff.lead)  # the opposite of the grader, each time
    assert counted(Score) == 20
    assert (scores.passed(made.id), scores.by_case(made.id)) == before
    with store.reading() as db:
        assert all(score.grader_name != scores.PEOPLE for found in scores.of_results(db, [results[0].id]).values() for score in found)
    with store.writing() as db:  # the control: what a grader says does
        bulk.insert(db, Score, [
            {"id": new_id(), "at": now(), "result_id": result.id, "grader_name": "another", "grader_number": 1, "mode": RUN, "value": 0.0,
             "passed": False, "why": "", "error": "", "weight": 1.0, **FIRST.columns()} for result in results
        ])  # fmt: skip
    assert scores.passed(made.id).k == 0


# -- repeats ------------------------------------------------------------------------------------------------------------------------------


def test_asked_several_times_a_case_passes_when_it_passed_each_time(staff: Staff, version: str) -> None:
    asked: list[str] = []

    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        for place, case in enumerate(cases):
            asked.append(case.id)
            varies = place == 0 and asked.count(case.id) == 2  # wrong the second time only
            yield Answer(case, {"label": "wrong"}, cost=0.25, ms=2.0) if varies else right(case, cost=0.25, ms=2.0)

    told: list[str] = []
    made = runs.run(version, FIRST, ask, by=staff.rep, repeats=3, progress=lambda _share, doing: told.append(doing))
    assert (made.passed, made.cases, made.repeats, made.cost) == (9, 10, 3, 7.5)
    assert len(asked) == counted(Result) == counted(Score) == 30 and told[-1] == "intent 1: 30 of 30 answers"
    by_case = scores.by_case(made.id)
    (failed,) = [told for told in by_case.values() if not told.passed]
    assert failed.why.startswith("said 'wrong' instead of") and failed.value == pytest.approx(2 / 3)
    with store.reading() as db:
        first = runs.results(db, made.id, [asked[0]])[asked[0]]
        assert [(result.repeat, result.output == {"label": "wrong"}) for result in first] == [(0, False), (1, True), (2, False)]


def test_repeats_go_on_where_they_were_cut(staff: Staff, version: str) -> None:
    first = Asked(cut_after=16)  # the first time all ten, of the second time six
    with pytest.raises(Cut):
        runs.run(version, FIRST, first.ask, by=staff.rep, repeats=2)
    second = Asked()
    made = runs.run(version, FIRST, second.ask, by=staff.rep, repeats=2)
    assert len(second.ids) == 4 and (made.passed, counted(Result)) == (10, 20)


@pytest.mark.parametrize("repeats", [0, -1, 21])
def test_a_case_is_asked_one_to_twenty_times(staff: Staff, version: str, repeats: int) -> None:
    with pytest.raises(Refused, match=f"each case is asked 1 to 20 times, not {repeats}"):
        runs.run(version, FIRST, Asked().ask, by=staff.rep, repeats=repeats)
