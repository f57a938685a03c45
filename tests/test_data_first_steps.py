"""What somebody did since they first came: from the record and from their rows, and nothing of another's or of before."""

from data import audit, first_steps, people, reviews, rubric, sessions, settings, store, tasks, tokens, undo
from data.tables import Person, Task
from data.values import Target, now
from evals import compare, freezing, runs
from knowledge import answering
from tests.conftest import Staff
from tests.test_data_reviews import arrive
from tests.test_evals_runs import Asked
from tests.test_evals_sets import flagged_set


def did(person: Person) -> dict[str, int]:
    """Without the sign-ins, which are not asked for."""
    return {name: count for name, count in first_steps.done(by=person).items() if name != "signed in person"}


def test_nothing_counts_before_the_first_sign_in_and_nothing_of_another_s(staff: Staff) -> None:
    reviews.record(arrive(1), "strong", by=staff.rep)
    assert first_steps.done(by=staff.rep) == {}
    sessions.start(staff.rep)
    sessions.start(staff.lead)
    reviews.record(arrive(2), "strong", by=staff.lead)
    assert did(staff.rep) == {}
    reviews.record(arrive(3), "weak", by=staff.rep)
    reviews.record(arrive(4), "none", by=staff.rep)
    assert did(staff.rep) == {"reviewed review": 2}
    sessions.start(staff.rep)  # a later one begins nothing anew
    assert did(staff.rep) == {"reviewed review": 2}


def test_what_was_taken_back_was_done_all_the_same(staff: Staff) -> None:
    sessions.start(staff.rep)
    reviews.record(arrive(), "strong", by=staff.rep)
    undo.last(by=staff.rep)
    told = did(staff.rep)
    assert told["reviewed review"] == 1 and told["took back review"] == 1


def test_an_example_becomes_a_case_once_whoever_freezes_its_set(staff: Staff) -> None:
    for person in (staff.rep, staff.lead):
        sessions.start(person)
    eval_set, _ = flagged_set(staff, range(1, 4))
    assert did(staff.rep) == {"flagged example": 3}
    freezing.freeze(eval_set.id, by=staff.lead)
    assert did(staff.rep) == {"flagged example": 3, "became case": 3}
    assert did(staff.lead)["froze eval_set"] == 1 and "became case" not in did(staff.lead)
    flagged_set(staff, range(4, 5), into=eval_set, by=staff.lead)
    freezing.freeze(eval_set.id, by=staff.lead)
    assert did(staff.rep)["became case"] == 3  # in the second version they stand again


def test_a_question_and_the_word_on_its_answer_are_each_counted(staff: Staff) -> None:
    for person in (staff.rep, staff.lead):
        sessions.start(person)
    asked = answering.ask("How long does a parcel take?", by=staff.rep)
    assert did(staff.rep) == {"asked question": 1}
    answering.decide(asked.id, "missing", by=staff.rep)
    assert did(staff.rep) == {"asked question": 1, "judged answer": 1}
    assert did(staff.lead) == {}


def test_runs_and_comparisons_are_whoever_s_made_or_asked_for_them(staff: Staff) -> None:
    for person in (staff.rep, staff.engineer):
        sessions.start(person)
    eval_set, _ = flagged_set(staff, range(1, 5), by=staff.lead)
    version = freezing.freeze(eval_set.id, by=staff.lead)
    live, candidate = (
        runs.run(version.id, Target("classifier", "intent", number), Asked().ask, by=staff.engineer) for number in (1, 2)
    )  # fmt: skip
    assert did(staff.engineer) == {"ran set": 2}
    compare.compare(candidate, live, by=staff.engineer)
    assert did(staff.engineer) == {"ran set": 2, "compared runs": 1}  # and not its parts beside it
    with store.writing() as db:
        task = tasks.later(db, "run_eval", {}, title="Run it", by=staff.rep)
    assert did(staff.rep) == {}
    end(task.id)
    assert did(staff.rep) == {"had set run": 1}  # somebody else had run it before: it is taken as it is


def end(task_id: str) -> None:
    with store.writing() as db:
        task = db.get_one(Task, task_id)
        task.state, task.ended_at = "done", now()
        db.add(task)


def test_questions_of_reviews_and_tokens_are_told_by_what_they_are_about(staff: Staff) -> None:
    for person in (staff.lead, staff.engineer):
        sessions.start(person)
    rubric.change([("Kind", "Was it kind?")], share=0.1, double=0, reviewers=2, by=staff.lead)
    assert did(staff.lead)["set rubric"] == 1
    tokens.propose("Nightly", ["read"], why="For the night.", by=staff.engineer)
    with store.writing() as db:
        settings.put(db, "continuous", {}, by=staff.engineer)
    assert did(staff.engineer)["proposed issue_token"] == 1 and "set rubric" not in did(staff.engineer)


def test_a_look_is_noted_once_in_the_record(staff: Staff) -> None:
    sessions.start(staff.rep)
    for _ in range(3):
        first_steps.look("my_work", by=staff.rep)
    first_steps.look("quality", by=staff.rep)
    first_steps.look("my_work", by=staff.lead)
    assert did(staff.rep) == {"looked at my_work": 1, "looked at quality": 1}
    noted = audit.newest(by=staff.admin, noun="page")
    assert [entry.sentence for entry in noted if entry.noun_id == "my_work"] == [
        "Leo looked at the page My work for the first time.", "Rita looked at the page My work for the first time.",
    ]  # fmt: skip
    assert audit.broken() is None


def test_it_is_put_away_and_taken_up_again_and_what_was_done_stays(staff: Staff) -> None:
    sessions.start(staff.rep)
    reviews.record(arrive(), "strong", by=staff.rep)
    first_steps.put_away(by=staff.rep)
    assert (kept := people.get(staff.rep.id)) and kept.tour_dismissed_at is not None
    assert (other := people.get(staff.lead.id)) and other.tour_dismissed_at is None
    assert did(staff.rep) == {"reviewed review": 1}
    first_steps.take_up(by=staff.rep)
    assert (kept := people.get(staff.rep.id)) and kept.tour_dismissed_at is None
