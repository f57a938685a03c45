"""Answers that a model writes, the whole way: over HTTP, within the budgets, to a version's instructions; quoted wherever that fails."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlmodel import col, select

from data import approvals, config, connections, examples, people, reviews, settings, store, tasks, undo, vectors
from data.asking import Budget
from data.errors import Denied, Refused
from data.tables import Conversation, Person, Result, Span, Trace
from data.values import LIVE, RUN, SHADOW, Target
from evals import changes, freezing, graders, runs, sets
from evals.cases import NewCase
from evals.graders import cites_article
from knowledge import answerers, answering, manner, surety
from knowledge.answerers import Setup
from knowledge.written import Example
from language import patience
from portal import catalog, jobs
from tests import model_server as server
from tests.conftest import Staff
from tests.model_server import KEY, MODELS, Handler, Model
from tests.test_data_vectors import tiny
from tests.test_knowledge_answerers import case, frozen
from tests.test_knowledge_answering import DELIVERY, PERU, QUESTION, comes, made, publish, speak, under_way
from tests.test_portal_cli import refused, run

__all__ = ["run", "tiny"]  # fixtures
SAID = "Abroad a parcel takes seven working days."
BREEZY = "Begin with the answer and leave out what nobody asked."


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "PORTAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    config.reset()
    yield
    config.reset()


@pytest.fixture
def model() -> Iterator[Model]:
    patience.forget()
    with server.running(written(SAID)) as running:
        yield running


def connect(model: Model, staff: Staff, **limits: Any) -> None:
    """The model server, as two people put it in force."""
    told = {"timeout": 20, "at_once": 1, "prices": {"large": (2.0, 10.0)}} | limits
    proposal = connections.propose_endpoint(model.url, KEY, MODELS, why="To answer.", by=staff.engineer, **told)
    approvals.approve(proposal.id, by=staff.admin)
    settings.carry_out(proposal.id, "change_connection")


def writing(staff: Staff, **more: Any) -> Target:
    """A version that has a model write is in force."""
    return speak(staff, writes=True, **more)


def shown(handler: Handler) -> dict[str, Any]:
    """The data that the model was given, behind their fence."""
    content = handler.model.asked[-1].body["messages"][1]["content"]
    return json.loads(content.split("\n", 1)[1].rsplit("\n", 1)[0])


def written(*sentences: str, covered: bool = True) -> server.Answer:
    """Each of the sentences, from the passage that shares the most words with it."""
    return from_passages(lambda _told: list(sentences), covered=covered)


def from_passages(say: Callable[[dict[str, Any]], list[str]], *, covered: bool = True) -> server.Answer:
    def answer(handler: Handler) -> None:
        told = shown(handler)

        def source(text: str) -> int:
            shared = {one["passage"]: len(set(text.lower().split()) & set(one["text"].lower().split())) for one in told["passages"]}
            return max(shared, key=lambda number: (shared[number], -number))

        sentences = [{"text": text, "passage": source(text)} for text in say(told)]
        server.text(json.dumps({"covered": covered, "sentences": sentences}))(handler)

    return answer


def system_of(model: Model) -> str:
    return str(model.asked[-1].body["messages"][0]["content"])


def data_of(model: Model) -> dict[str, Any]:
    return json.loads(model.asked[-1].body["messages"][1]["content"].split("\n", 1)[1].rsplit("\n", 1)[0])


def desk(staff: Staff, model: Model, **more: Any) -> Target:
    """An article, a version that speaks and has a model write, and an endpoint."""
    publish(staff)
    connect(model, staff)
    return writing(staff, **more)


def said_of(trace: Trace) -> dict[str, Any]:
    assert trace.said is not None
    return trace.said


def steps_of(trace: Trace) -> list[Span]:
    with store.reading() as db:
        return list(db.exec(select(Span).where(Span.trace_id == trace.id).order_by(col(Span.seq))))


def asked_for(by: Person, question: str = QUESTION) -> Trace:
    """As the screen does it: quoted at once, and the job begins."""
    trace = answering.ask(question, by=by)
    jobs.start("write_answer", {"trace_id": trace.id}, title="Write the answer", by=by)
    return trace


def stands(trace: Trace, by: Person) -> Trace:
    found = answering.standing(trace.id, by=by)
    assert found is not None
    return found


# -- what a colleague asks ----------------------------------------------------------------------------------------------------------------


def test_the_quoted_answer_is_there_at_once_and_the_written_one_takes_its_place(staff: Staff, model: Model) -> None:
    live = desk(staff, model)
    quoted = asked_for(staff.rep)
    assert said_of(quoted)["reply"] == DELIVERY and "written" not in said_of(quoted) and not model.asked
    jobs.run_waiting()
    now_there = stands(quoted, staff.rep)
    said = said_of(now_there)
    assert said["reply"] == SAID and said["model"] == "large" and said["note"] == "Written from 'Delivery times'."
    assert (now_there.mode, now_there.by_person_id, now_there.target_number) == (RUN, staff.rep.id, live.number)
    assert said["written"] | {"ms": 0} == {
        "by_model": True, "why": "Written from 'Delivery times'.", "cost": pytest.approx(70e-6), "instructions": live.number, "examples": 0,
        "removed": [], "passages": said["written"]["passages"], "model": "large", "quoted": DELIVERY, "fault": False, "ms": 0,
    }  # fmt: skip
    assert [one.id for one in answering.mine(by=staff.rep)] == [now_there.id]
    assert said_of(stands(now_there, staff.rep))["reply"] == SAID  # of the written one it is the one itself


def test_each_step_stands_in_the_trace_and_no_tool_is_offered(staff: Staff, model: Model) -> None:
    desk(staff, model)
    model.says(written(SAID, "We give you a plant of gold."))
    quoted = asked_for(staff.rep)
    jobs.run_waiting()
    steps = steps_of(stands(quoted, staff.rep))
    assert [(one.seq, one.kind, one.name) for one in steps] == [
        (1, "retrieval", "articles"), (2, "model", "writes: large"), (3, "guardrail", "each sentence has its source"),
    ]  # fmt: skip
    assert steps[1].input["tools"] == 0 and steps[1].tokens == 0  # what it used stands once, in the model's own trace
    assert steps[2].output is not None and [one["text"] for one in steps[2].output["removed"]] == ["We give you a plant of gold."]
    assert all("tools" not in one.body for one in model.asked) and len(model.asked) == 1
    with store.reading() as db:
        (call,) = db.exec(select(Trace).where(Trace.target_kind == "model"))
    assert call.by_person_id == staff.rep.id and call.cost == pytest.approx(70e-6)


def test_what_is_decided_counts_for_the_answer_that_was_shown(staff: Staff, model: Model) -> None:
    desk(staff, model)
    quoted = asked_for(staff.rep)
    answering.decide(quoted.id, "refused", by=staff.rep)
    jobs.run_waiting()
    assert not model.asked and stands(quoted, staff.rep).id == quoted.id  # decided before it was written: that stays
    other = asked_for(staff.rep)
    jobs.run_waiting()
    answering.decide(stands(other, staff.rep).id, "helped", by=staff.rep)
    assert [one.outcome for one in answering.mine(by=staff.rep)] == ["helped", "refused"]
    with store.reading() as db:
        assert db.get_one(Trace, other.id).outcome == ""


def test_twice_written_is_written_once_and_nobody_writes_anothers(staff: Staff, model: Model) -> None:
    desk(staff, model)
    quoted, writer = answering.ask(QUESTION, by=staff.rep), catalog.writer_for(staff.rep)
    assert writer is not None
    with pytest.raises(Refused, match="Not written: that answer is not here"):
        answering.write(quoted.id, writer=writer, by=staff.lead)
    first = answering.write(quoted.id, writer=writer, by=staff.rep)
    again = [answering.write(one.id, writer=writer, by=staff.rep).id for one in (quoted, first)]
    assert again == [first.id] * 2 and first.id != quoted.id


def test_where_it_keeps_silent_no_model_is_asked(staff: Staff, model: Model) -> None:
    desk(staff, model)
    quoted = asked_for(staff.rep, PERU)
    jobs.run_waiting()
    assert said_of(stands(quoted, staff.rep))["declined"] and not model.asked
    assert said_of(answering.ask(PERU, by=staff.rep, writer=catalog.writer_for(staff.rep)))["declined"] and not model.asked


def test_a_ready_reply_stays_as_two_people_approved_it(staff: Staff, model: Model) -> None:
    publish(staff, kind="macro")
    connect(model, staff)
    writing(staff)
    said = said_of(answering.ask(QUESTION, by=staff.rep, writer=catalog.writer_for(staff.rep)))
    assert said["reply"] == DELIVERY and "written" not in said and not model.asked


def test_without_an_endpoint_everything_is_as_it_was(staff: Staff) -> None:
    publish(staff)
    writing(staff, instructions=BREEZY, examples=3)
    assert catalog.writer_for(staff.rep) is None
    quoted = asked_for(staff.rep)
    assert not {"written", "note", "model"} & set(said_of(quoted))
    jobs.run_waiting()
    assert stands(quoted, staff.rep).said == quoted.said and len(steps_of(quoted)) == 1


# -- where the endpoint fails -------------------------------------------------------------------------------------------------------------


def check_quoted(quoted: Trace, by: Person, why: str) -> None:
    """The same answer under the same id, with a sentence, and it can be decided on."""
    found = stands(quoted, by)
    said = said_of(found)
    assert found.id == quoted.id and said["reply"] == said_of(quoted)["reply"] == DELIVERY and "model" not in said
    assert said["note"].startswith("Quoted instead of written: ") and why in said["note"], said["note"]
    assert [one.kind for one in steps_of(found)] == ["retrieval", "model", "guardrail"]
    assert answering.decide(found.id, "helped", by=by).outcome == "helped"


@pytest.mark.parametrize(
    ("script", "limits", "why"),
    [
        (server.status(401), {}, "refuses the key"),
        (server.hang_up, {}, "The model endpoint"),
        (server.text("no json"), {}, "The model's answer cannot be used"),
        (server.hang, {"timeout": 0.5}, "The model took too long"),
        (written(SAID), {"tokens_per_person": 10}, "today's budget for models"),
        (written(SAID), {"money_per_day": 0.0}, "the portal has used"),
        (written("The moon is made of cheese."), {}, "nothing that the model wrote stands in its source"),
        (written(covered=False), {}, "the model found no answer in the passages"),
    ],
    ids=["key", "down", "nonsense", "slow", "person's budget", "day's budget", "unsupported", "not covered"],
)  # fmt: skip
def test_whatever_fails_the_quoted_answer_stays_with_a_sentence(
    staff: Staff, model: Model, script: server.Answer, limits: dict[str, Any], why: str
) -> None:
    publish(staff)
    connect(model, staff, **limits)
    writing(staff)
    model.says(script)
    quoted = asked_for(staff.rep)
    jobs.run_waiting()
    check_quoted(quoted, staff.rep, why)


def test_an_endpoint_that_is_gone_since_ends_the_job_in_words(staff: Staff) -> None:
    publish(staff)
    writing(staff)
    quoted = answering.ask(QUESTION, by=staff.rep)
    task = jobs.start("write_answer", {"trace_id": quoted.id}, title="Write the answer", by=staff.rep)
    jobs.run_waiting()
    with store.reading() as db:
        kept = db.get_one(type(task), task.id)
    assert kept.state == "failed" and kept.error.startswith("Not written: no model endpoint is set.")


# -- suggested replies --------------------------------------------------------------------------------------------------------------------


def test_what_comes_in_is_written_before_anybody_opens_it(staff: Staff, model: Model) -> None:
    desk(staff, model)
    conversation_id = comes(staff, QUESTION)
    with store.writing() as db:
        tasks.later(db, "suggest", {"conversation_ids": [conversation_id]}, title="Suggest replies", by=None)
    jobs.run_waiting()
    trace = answering.suggested(conversation_id, by=staff.rep)
    assert trace is not None and said_of(trace)["reply"] == SAID and said_of(trace)["model"] == "large" and trace.by_person_id is None
    with store.reading() as db:
        (call,) = db.exec(select(Trace).where(Trace.target_kind == "model"))
        first = db.exec(select(Trace).where(Trace.target_kind == "answerer").order_by(col(Trace.at))).first()
    assert first is not None and said_of(first)["reply"] == DELIVERY  # quoted before the model was asked
    assert call.conversation_id == conversation_id  # on the record of whom it is about


def test_a_suggested_reply_is_written_after_it_was_quoted_and_is_the_one_that_is_shown(staff: Staff, model: Model) -> None:
    desk(staff, model)
    quoted = answering.suggest(comes(staff, QUESTION), by=staff.rep)
    assert quoted is not None and quoted.conversation_id is not None and not model.asked
    jobs.start("write_answer", {"trace_id": quoted.id}, title="Write the answer", by=staff.rep)
    jobs.run_waiting()
    shown_now = answering.suggested(quoted.conversation_id, by=staff.lead)
    assert shown_now is not None and shown_now.id != quoted.id and said_of(shown_now)["reply"] == SAID and shown_now.mode == LIVE
    assert answering.suggest(quoted.conversation_id, by=staff.lead).id == shown_now.id  # type: ignore[union-attr]
    assert answering.decide(shown_now.id, "accepted", by=staff.rep).outcome == "accepted"


def test_a_version_beside_the_live_one_writes_beside_it_and_nobody_decides_on_that(staff: Staff, model: Model) -> None:
    live = desk(staff, model)
    under_way(staff, made(staff, Setup(threshold=0.2, instructions=BREEZY, writes=True)))
    conversation_id = comes(staff, QUESTION)
    assert answering.arrived([conversation_id], writer=catalog.writer_for(staff.rep)) == 1
    trace = answering.suggested(conversation_id, by=staff.rep)
    assert trace is not None and trace.target_number == live.number and said_of(trace)["model"] == "large"
    with store.reading() as db:
        quoted, beside = db.exec(select(Trace).where(Trace.mode == SHADOW, Trace.target_kind == "answerer").order_by(col(Trace.at)))
    assert said_of(beside)["in_place_of"] == quoted.id and "model" not in said_of(quoted)
    assert said_of(beside)["model"] == "large" and beside.target_number != live.number
    assert answering.get(beside.id, by=staff.rep) is None and answering.standing(beside.id, by=staff.rep) is None
    for outcome in ("accepted", "refused"):
        with pytest.raises(Refused, match="that answer is not here"):
            answering.decide(beside.id, outcome, by=staff.rep)
    with store.reading() as db:
        assert db.get_one(Trace, beside.id).outcome == ""
    assert answering.decide(trace.id, "accepted", by=staff.rep).outcome == "accepted"  # the control: what they were shown


# -- to a version's instructions ----------------------------------------------------------------------------------------------------------


def test_a_versions_instructions_reach_the_model_and_change_nothing_of_what_is_checked(staff: Staff, model: Model) -> None:
    live = desk(staff, model, instructions=f"{BREEZY} Say that everything is free.")
    model.says(written(SAID, "Everything is free."))
    said = said_of(answering.ask(QUESTION, by=staff.rep, writer=catalog.writer_for(staff.rep)))
    assert BREEZY in system_of(model) and said["written"]["instructions"] == live.number
    assert said["reply"] == SAID and [one["text"] for one in said["written"]["removed"]] == ["Everything is free."]
    writing(staff)
    answering.ask(QUESTION, by=staff.rep, writer=catalog.writer_for(staff.rep))
    assert BREEZY not in system_of(model)  # the control


def test_instructions_and_examples_are_part_of_a_version_and_older_ones_are_read(staff: Staff) -> None:
    target = made(staff, Setup(instructions=BREEZY, examples=3))
    assert (answerers.setup_of(target).instructions, answerers.setup_of(target).examples) == (BREEZY, 3)
    before = {name: told for name, told in Setup().as_body().items() if name not in ("examples", "writes")}  # as they were kept once
    assert Setup.of(before) == Setup()
    for examples_wanted in (-1, 13):
        with pytest.raises(Refused, match="0 to 12 worked examples"):
            answerers.make(Setup(examples=examples_wanted), why="Try.", by=staff.rep)


# -- on cases -----------------------------------------------------------------------------------------------------------------------------


def outputs(run_id: str) -> list[Result]:
    with store.reading() as db:
        return list(db.exec(select(Result).where(Result.run_id == run_id).order_by(col(Result.id))))


def copied(told: dict[str, Any]) -> list[str]:
    return [told["passages"][0]["text"].split(". ")[0].rstrip(".") + "."]


def test_cases_are_answered_as_customers_are_each_time_anew(staff: Staff, model: Model) -> None:
    publish(staff)
    frozen(staff, [case(QUESTION, "delivery-times"), case(PERU)], bar=0.4)
    connect(model, staff)
    quotes, writes = (made(staff, Setup(threshold=0.1, writes=which)) for which in (False, True))
    found = [
        answerers.evaluate(one, known=graders.BY_NAME, by=staff.rep, writer=catalog.writer_for(staff.rep))
        for one in (quotes, writes, writes)
    ]  # fmt: skip
    told = [{one.output["reply"] for one in outputs(each.run.id) if one.output} for each in found]
    assert DELIVERY in told[0] and SAID not in told[0] and SAID in told[1] & told[2] and not {DELIVERY} & (told[1] | told[2])
    assert len({one.run.id for one in found}) == 3 and len(model.asked) == 2
    assert found[0].run.cost == 0 and found[1].run.cost == pytest.approx(70e-6) and [one.passed.k for one in found] == [2, 2, 2]


def test_where_the_endpoint_fails_a_case_is_not_taken_for_written(staff: Staff, model: Model) -> None:
    publish(staff)
    frozen(staff, [case(QUESTION, "delivery-times"), case(PERU)], bar=0.4)
    connect(model, staff)
    model.says(server.status(401))
    target = made(staff, Setup(threshold=0.1, writes=True))
    found = answerers.evaluate(target, known=graders.BY_NAME, by=staff.rep, writer=catalog.writer_for(staff.rep))
    assert found.passed.k == 1  # silence needs no model
    assert any("refuses the key" in one.error for one in outputs(found.run.id))
    model.says(server.text("no json"))  # that is how the model writes, and customers would be quoted to
    again = answerers.evaluate(target, known=graders.BY_NAME, by=staff.rep, writer=catalog.writer_for(staff.rep))
    assert again.passed.k == 2 and not any(one.error for one in outputs(again.run.id))


def test_the_job_that_compares_writes_where_an_endpoint_is(staff: Staff, model: Model) -> None:
    desk(staff, model)
    frozen(staff, [case(QUESTION, "delivery-times")], bar=0.4)
    target = made(staff, Setup(threshold=0.1, writes=True))
    jobs.start("evaluate_answerer", {"number": target.number}, title="Compare", by=staff.rep)
    jobs.run_waiting()
    run = runs.of_target(target, by=staff.rep)[0]
    assert [one.output["reply"] for one in outputs(run.id) if one.output] == [SAID]


# -- worked examples ----------------------------------------------------------------------------------------------------------------------

ABROAD, BACK, OPEN = "How long does a parcel abroad take?", "May I send back a plant that flowers?", "When does the shop open on Monday?"
REPLIES = {ABROAD: "Seven working days, I am afraid.", BACK: "Of course, within 30 days.", OPEN: "We open at nine."}


def strong(staff: Staff, question: str, *, number: int, customer: str = "", verdict: str = "strong", reply: str = "") -> str:
    """A conversation that a person answered, and what another found of that."""
    made_id = comes(staff, question, REPLIES.get(question, "I look at it today."), number=number, customer=customer or f"customer {number}")
    reviews.record(made_id, verdict, reply=reply, by=staff.rep)
    return made_id


def shown_for(question: str = ABROAD, most: int = 5) -> list[str]:
    return [one.question for one in manner.nearest(question, most)]


def answers_set(staff: Staff, name: str = "Everyday answers") -> str:
    return sets.create(name, purpose="answer", by=staff.lead).id


def flag(staff: Staff, conversation_id: str, eval_set_id: str) -> examples.Example:
    expected = {"grader": "reply words", "expected": {"reply": "Seven days."}}
    return examples.flag(conversation_id, "strong", why="Clear.", eval_set_id=eval_set_id, by=staff.rep, **expected)  # type: ignore[arg-type]


def test_the_nearest_strong_replies_are_shown_and_as_many_as_the_version_says(staff: Staff, model: Model) -> None:
    for number, question in enumerate(REPLIES, start=1):
        strong(staff, question, number=number)
    assert manner.nearest(QUESTION, 1) == (Example(ABROAD, REPLIES[ABROAD]),)
    assert shown_for("Is a flowering plant to send back?", 5)[0] == BACK and manner.nearest(QUESTION, 0) == ()
    desk(staff, model, examples=2)
    answering.ask(QUESTION, by=staff.rep, writer=catalog.writer_for(staff.rep))
    assert data_of(model)["examples"][0] == {"question": ABROAD, "answer": REPLIES[ABROAD]}
    assert REPLIES[ABROAD] not in system_of(model)  # it is data, as everything but the task
    writing(staff, examples=0)
    answering.ask(QUESTION, by=staff.rep, writer=catalog.writer_for(staff.rep))
    assert "examples" not in data_of(model)  # the control


def test_a_fact_of_an_example_is_none_of_the_answer(staff: Staff, model: Model) -> None:
    strong(staff, ABROAD, number=1, reply="Nine hundred days, and a parcel costs 70 euros.")
    desk(staff, model, examples=3)
    model.says(from_passages(lambda told: [SAID, told["examples"][0]["answer"]]))
    said = said_of(answering.ask(QUESTION, by=staff.rep, writer=catalog.writer_for(staff.rep)))
    assert said["reply"] == SAID and "70 euros" in said["written"]["removed"][0]["text"] and said["written"]["examples"] == 1


def test_only_what_was_found_strong_and_by_nobody_weak_is_one(staff: Staff) -> None:
    first = strong(staff, ABROAD, number=1)
    assert shown_for() == [ABROAD]
    reviews.record(first, "weak", by=staff.lead)
    assert shown_for() == []
    reviews.record(first, "strong", by=staff.lead)
    assert shown_for() == [ABROAD]
    undo.last(by=staff.lead)
    assert shown_for() == []
    for place, verdict in enumerate(("weak", "none"), start=2):
        strong(staff, BACK, number=place, verdict=verdict)
    assert shown_for(BACK) == []


def test_a_better_reply_is_the_one_to_follow_and_is_masked(staff: Staff) -> None:
    strong(staff, ABROAD, number=1, reply="Seven days; write to jo.doe@example.org.")
    (one,) = manner.nearest(ABROAD, 3)
    assert one.answer.startswith("Seven days; write to") and "jo.doe" not in one.answer


def test_nothing_that_an_eval_set_tests_with_is_an_example(staff: Staff) -> None:
    tested = strong(staff, ABROAD, number=1)
    assert shown_for() == [ABROAD]  # the control: until it is flagged, it is one
    example = flag(staff, tested, set_id := answers_set(staff))
    assert example.use == "loose" and shown_for() == []  # it waits for the set
    undo.last(by=staff.rep)
    assert shown_for() == [ABROAD]
    flag(staff, tested, set_id)
    freezing.freeze(set_id, by=staff.lead)
    assert shown_for() == []
    with store.writing() as db:  # a flag that is taken back later leaves the case where it was frozen
        for one in db.exec(select(examples.Example)):
            one.use, one.eval_set_id = "retired", None
            db.add(one)
    assert shown_for() == []


def test_no_customer_of_a_test_and_no_wording_of_a_case_is_one_either(staff: Staff) -> None:
    tested = strong(staff, BACK, number=1, customer="Anna")
    strong(staff, ABROAD, number=2, customer="Anna")
    strong(staff, OPEN, number=3, customer="Berta")
    assert sorted(shown_for("parcel plant shop", 9)) == sorted([ABROAD, BACK, OPEN])
    flag(staff, tested, answers_set(staff))
    assert shown_for("parcel plant shop", 9) == [OPEN]
    eval_set = sets.create("Typed questions", purpose="knowledge", by=staff.lead)
    new = NewCase(({"role": "customer", "text": OPEN.lower()},), {"articles": ["opening-hours"]}, (cites_article.NAME,))
    changes.add(eval_set.id, [new], known=graders.BY_NAME, why="Asked lately.", by=staff.lead)
    freezing.freeze(eval_set.id, by=staff.lead)
    assert shown_for("parcel plant shop", 9) == []


def test_what_is_hidden_is_no_example(staff: Staff) -> None:
    made_id = strong(staff, ABROAD, number=1)
    with store.writing() as db:
        found = db.get_one(Conversation, made_id)
        found.hidden_at = found.opened_at
        db.add(found)
    assert shown_for() == []


def test_with_an_encoder_meaning_decides_and_in_another_language_words(staff: Staff, tiny: Any) -> None:
    vectors.install(tiny, languages=("en",))
    for number, question in enumerate(REPLIES, start=1):
        strong(staff, question, number=number)
    assert len(shown_for("zebra", 9)) > 0  # no word is shared: only vectors find something like it
    assert shown_for("Cuánto tiempo tarda un paquete al extranjero, por favor?", 9) == []
    assert shown_for("Wie lange dauert ein Paket ins Ausland, bitte, parcel abroad?", 9)[0] == ABROAD


# -- in another language than the encoder's -----------------------------------------------------------------------------------------------


SPANISH = "¿Cuántos días laborables tarda el paquete Wunderbox al extranjero?"
GERMAN = "Wie viele Werktage braucht das Paket Wunderbox ins Ausland?"


def found_for(staff: Staff, question: str) -> Any:
    publish(staff, "Wunderbox", "El paquete Wunderbox tarda siete días laborables. Das Paket Wunderbox braucht sieben Werktage.")
    return answerers.answer(made(staff, Setup(threshold=0.0)), [{"role": "customer", "text": question}])[1]


@pytest.mark.parametrize("question", [SPANISH, GERMAN], ids=["Spanish", "German"])
def test_a_question_that_the_encoder_cannot_read_is_decided_by_words(staff: Staff, tiny: Any, question: str) -> None:
    found, english = found_for(staff, question), "How many working days does the Wunderbox parcel take abroad?"
    before = [answerers.said_to(one, found, Setup()) for one in (question, english)]
    vectors.install(tiny, languages=("en",))
    by_words, read = (answerers.said_to(one, found, Setup()) for one in (question, english))
    assert by_words == before[0] and by_words.confidence > 0
    assert read.confidence != before[1].confidence  # the control: what it reads it weighs


def test_a_version_that_speaks_late_or_never_does_so_in_every_language(staff: Staff, tiny: Any) -> None:
    found = found_for(staff, GERMAN)
    vectors.install(tiny, languages=("en",))
    assert answerers.said_to(GERMAN, found, Setup(threshold=1.0)).declined
    needed = surety.shipped(vectors=False).threshold
    for threshold in (0.0, None):  # one that speaks early is as cautious as what ships where its encoder cannot read
        told = answerers.said_to(GERMAN, found, Setup(threshold=threshold))
        assert told.declined == (told.confidence < needed)


def test_a_sureness_that_was_learned_with_vectors_says_nothing_there(staff: Staff, tiny: Any) -> None:
    publish(staff)
    german = "Wie viele Werktage braucht ein Paket ins Ausland, bitte?"
    _, found = answerers.answer(made(staff, Setup()), [{"role": "customer", "text": QUESTION}])
    vectors.install(tiny, languages=("en",))
    always = Setup(threshold=0.0, surety=surety.shipped(vectors=True).as_json())
    by_words = answerers.said_to(german, found, Setup())
    assert answerers.said_to(german, found, always).confidence == by_words.confidence and by_words.declined


def test_budgets_are_the_installations_own(staff: Staff, model: Model) -> None:
    """The control of the faults above: with room in them, it is written."""
    publish(staff)
    connect(model, staff, tokens_per_person=50_000, money_per_day=1.0)
    writing(staff)
    endpoint = connections.endpoint()
    assert endpoint is not None and endpoint.budget() == Budget(2_000_000, 1.0, 50_000, 5.0)
    assert said_of(answering.ask(QUESTION, by=staff.rep, writer=catalog.writer_for(staff.rep)))["reply"] == SAID


def test_people_without_the_right_write_nothing(staff: Staff, model: Model) -> None:
    desk(staff, model)
    writer = catalog.writer_for(staff.admin)
    assert writer is not None
    with pytest.raises(Denied):
        answering.write("none", writer=writer, by=staff.admin)
    with pytest.raises(Denied):
        jobs.start("write_answer", {"trace_id": "none"}, title="Write", by=staff.admin)
    with pytest.raises(Refused, match="that answer is not here"):
        answering.write("none", writer=writer, by=people.console())
    assert not model.asked


def test_at_the_console_it_is_written_where_that_is_asked_for(run: Any, staff: Staff, model: Model) -> None:
    publish(staff)
    writing(staff)
    refused(run("knowledge", "answer", QUESTION, "--write"), 1, "Not written: no model endpoint is set")
    connect(model, staff)
    plain = run("knowledge", "answer", QUESTION, "--json").told
    assert plain["reply"] == DELIVERY and "written" not in plain and not model.asked
    told = run("knowledge", "answer", QUESTION, "--write", "--json").told
    assert (told["written"], told["reply"], told["note"]) == (True, SAID, "Written from 'Delivery times'.")
    assert run("knowledge", "answer", QUESTION, "--write").out.endswith("Written from 'Delivery times'.\n")
