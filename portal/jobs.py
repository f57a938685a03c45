"""What each background task does: a name, the domain verb behind it, and whose right it needs. No DBOS here."""

import logging
import re
import sys
from collections.abc import Callable
from typing import Any

from data import access, approvals, nightly, people, store, tasks
from data.errors import Busy, Denied, Refused
from data.tables import Person, Task
from data.values import Target, new_id
from language.call import JOBS as MODEL_JOBS
from portal import carrying_out

logger = logging.getLogger("portal.jobs")

OPTION = re.compile(r": --(?:column|role) (?:'[^']*'|\S)+[^\s.,;…]*…?")

Progress = Callable[[float, str], None]
Job = Callable[[dict[str, Any], Person, Progress], str]  # arguments, whose, progress -> what came of it, in words


def _import(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from data.intake import files, offers

    if arguments.get("here"):
        raise Refused("It was cut off. Run the same command again: it goes on where it stopped.")
    return on_a_screen(files.in_words(offers.take(arguments["batch_id"], by=by, progress=progress)))


def on_a_screen(told: str) -> str:
    """What the command line has options for is said in the form beside it."""
    return OPTION.sub(" in the form below", told)


def _look(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from data.intake import offers

    try:
        report = offers.look(arguments["batch_id"], by=by, progress=progress)
    except Refused as refused:
        raise Refused(on_a_screen(str(refused))) from refused
    return f"{report.counts['conversations']:,} conversations read; nothing is stored yet."


def _pull(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from data.intake import following

    return following.pull_all(progress=progress)


def _encode(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from portal import encoders

    return encoders.fill(progress=progress)


def _try_endpoint(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from data import asking, connections

    endpoint = connections.endpoint()
    question = [{"role": "user", "content": "Answer with the one word: ready"}]
    line = endpoint.line() if endpoint else None
    calls = [asking.ask(job, question, by=by, line=line, budget=_budget(endpoint), max_tokens=200) for job in MODEL_JOBS]
    if faults := dict.fromkeys(call.why for call in calls if not call.ok):
        raise Refused(" ".join(faults))
    told = {call.model: f"{call.model} answered in {call.ms / 1000:.1f} seconds: {call.text[:80]}" for call in calls}
    return " ".join(told.values())


def _budget(endpoint: Any) -> Any:
    from data import asking

    return endpoint.budget() if endpoint else asking.Budget()


def _train(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import gathering, shipping, training
    from data import encoding

    gathering.freeze_kept(arguments["name"], by=by)
    version = training.train(arguments["name"], by=by, encoder=encoding.in_force(), progress=progress)
    with store.writing() as db:
        tasks.later(db, "order_queue", {"name": arguments["name"]}, title="Order what waits for a review", by=None)
    return f"{version.target_name} {version.target_number} is right in {shipping.accuracy_of(version)} of conversations that are new to it."


def _target(arguments: dict[str, Any]) -> Target:
    return Target("classifier", arguments["name"], arguments["number"])


def _preview(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import impact

    return impact.study(_target(arguments), by=by, sample=arguments.get("sample", impact.SAMPLE), progress=progress).sentence


def _curve(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import curve
    from data import encoding

    return curve.study(_target(arguments), by=by, encoder=encoding.in_force(), progress=progress)


def _evaluate(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import shipping

    return shipping.evaluate(_target(arguments), by=by, progress=progress).sentence


def _run_eval(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    """Runs on a frozen version, of one target or of two that are then compared: the older one first, so that the newer stands above it."""
    from evals import compare, runs
    from portal import catalog

    known, repeats = catalog.graders_for(by), arguments.get("repeats", 1)
    targets = [catalog.on_a_screen(told, by=by) for told in reversed(arguments["targets"])]
    made = []
    for number, asked in enumerate(targets):

        def told(share: float, doing: str, number: int = number) -> None:
            progress((number + share) / len(targets), doing)

        made.append(
            runs.run(
                arguments["set_version_id"], asked.target, asked.ask, by=by, known=known, again=asked.varies, repeats=repeats, progress=told
            )
        )  # fmt: skip
    if len(made) == 2:
        return compare.compare(made[1], made[0], by=by).sentence
    return f"{targets[0].target} passes {made[0].passed:,} of {made[0].cases:,} cases."


def _grade_live(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from evals import continuous
    from portal import catalog

    return continuous.look(known=catalog.graders_for(by), by=by, progress=progress).sentence


def _find_patterns(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import noticing
    from data import encoding

    return noticing.look(encoding.in_force(), progress=progress).sentence


def _try_articles(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from knowledge import trying
    from portal import catalog

    targets = [Target("article", name, number) for name, number in arguments["articles"]]
    return trying.tried(trying.try_out(targets, known=catalog.graders_for(by), by=by, progress=progress)).sentence


def _evaluate_answerer(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from knowledge import answerers
    from portal import catalog

    target = Target("answerer", answerers.NAME, arguments["number"])
    return answerers.evaluate(target, known=catalog.graders_for(by), by=by, writer=catalog.writer_for(by), progress=progress).sentence


def _climb(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from knowledge import answerers, ladder
    from portal import catalog

    target = Target("answerer", answerers.NAME, arguments["number"])
    study = ladder.climb(
        target, arguments["set_version_id"], by=by, writer=catalog.writer_for(by), rephrases=arguments.get("rephrases", False),
        progress=progress,
    )  # fmt: skip
    return str(study.told["sentence"])


def _learn_order(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from knowledge import answerers, learning

    target = Target("answerer", answerers.NAME, arguments["number"])
    rungs, precision = arguments["rungs"], arguments["precision"]
    return str(learning.learn(target, rungs, arguments["set_version_id"], precision=precision, by=by, progress=progress).told["sentence"])


def _find_gaps(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from data import encoding
    from knowledge import gaps

    return gaps.look(encoding.in_force(), progress=progress).sentence


def _watch_drift(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import watching
    from data import encoding

    return watching.look(encoding.in_force(), progress=progress).sentence


def _order_queue(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from classifiers import ordering

    return ordering.order_queue(arguments.get("name", "intent"), by=by, progress=progress).sentence


def _watch_releases(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import release as of_recipes
    from automations import tripping
    from automations.steps.all import STEPS
    from classifiers import release
    from evals import model_release as of_models
    from knowledge import release as of_answers
    from portal import catalog

    known = catalog.graders_for(by)
    uses = {job: catalog.model_uses(job) for job in MODEL_JOBS}
    told = (
        release.look(by=by), of_answers.look(known=known, by=by), of_models.look(known=known, by=by, uses=uses),
        of_recipes.look(steps=STEPS, known=known, by=by), tripping.look(steps=STEPS, known=known, by=by),
    )  # fmt: skip
    return " ".join(filter(None, told))


def _try_model(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from evals import models
    from portal import catalog

    job = arguments["name"]
    target, known = Target("model", job, arguments["number"]), catalog.graders_for(by)
    return models.try_out(target, known=known, by=by, uses=catalog.model_uses(job), progress=progress).sentence


def _classify(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import arriving
    from classifiers import arrivals
    from knowledge import in_force

    done = arrivals.by_all(arguments["conversation_ids"])
    if in_force.anything_published():  # a reply is suggested after that: the intent narrows what is looked for
        with store.writing() as db:
            tasks.later(db, "suggest", arguments, title="Suggest replies", by=None if by.role == access.CONSOLE else by)
    if arguments.get("recipes", True) and arriving.anything_in_force():  # the portal's own doing, whoever brought the conversation
        with store.writing() as db:
            tasks.later(db, arriving.RUN, arguments, title="Run recipes", by=None)
    return f"{done:,} conversations classified."


def _suggest(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import speaking
    from knowledge import answering
    from portal import catalog

    made = answering.arrived(arguments["conversation_ids"], writer=catalog.writer_for(by), keeps=speaking.kept_out)
    return f"{made:,} replies suggested."


def _write_answer(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import speaking
    from knowledge import answering
    from portal import catalog

    stands = answering.write(arguments["trace_id"], writer=_writer(catalog.writer_for(by)), by=by, keeps=speaking.kept_out)
    return str((stands.said or {}).get("note") or "It stays as it was quoted: it was decided on, or there was nothing to write.")


def _try_instructions(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from knowledge import answerers, instructing
    from portal import catalog

    study = instructing.try_out(
        Target("answerer", answerers.NAME, arguments["number"]), arguments["set_version_id"], arguments["instructions"],
        examples=arguments["examples"], writes=arguments.get("writes", True), rephrases=arguments.get("rephrases", False),
        writer=_writer(catalog.writer_for(by)), known=catalog.graders_for(by), by=by, progress=progress,
    )  # fmt: skip
    return str(study.told["sentence"])


def _writer(found: Any) -> Any:
    if found is None:
        raise Refused("Not written: no model endpoint is set. An engineer or an admin can propose one under Installation.")
    return found


def _carry_out(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    return carrying_out.carry_out(arguments["proposal_id"], by=by, progress=progress)


def _lapse(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    return f"{approvals.lapse_old()} proposals lapsed, {approvals.remind()} wait and their approvers were reminded."


def _mail(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from portal import mail

    return mail.send_daily()


def _back_up(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from data import backups

    return backups.make(by=by).sentence


def _check_record(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    return nightly.look()


def _tidy(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    return nightly.tidy()


def _backtest(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import RECIPE, backtest
    from automations.steps.all import STEPS
    from portal import catalog

    study = backtest.run(
        Target(RECIPE, arguments["name"], arguments["number"]), connected=catalog.connected_for(by), steps=STEPS, by=by,
        known=catalog.graders_for(by), progress=progress,
    )  # fmt: skip
    return str(study.told["sentence"])


def _compare_agents(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import RECIPE, growing
    from automations.steps.all import STEPS
    from portal import catalog

    study = growing.compare(
        Target(RECIPE, arguments["name"], arguments["number"]), connected=catalog.connected_for(by), steps=STEPS, by=by,
        known=catalog.graders_for(by), progress=progress,
    )  # fmt: skip
    return str(study.told["sentence"])


def _evaluate_recipe(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import RECIPE, gate, measuring
    from automations.steps.all import STEPS
    from portal import catalog

    target, ask = Target(RECIPE, arguments["name"], arguments["number"]), measuring.asking(catalog.connected_for(by), STEPS)
    return gate.evaluate(target, ask, known=catalog.graders_for(by), by=by, progress=progress).sentence


def _run_recipes(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import arriving
    from portal import catalog

    return arriving.arrived(arguments["conversation_ids"], means=catalog.means(by)).sentence


def _find_causes(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import failures

    return failures.look().sentence


def _settle_actions(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import settling
    from portal import catalog

    return settling.settle(ways=catalog.ways())


def _tell_help_desk(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations.desks import telling

    return telling.tell(arguments["action_id"]) if "action_id" in arguments else telling.tell_due()


def _send_traces(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from portal import otlp_sending

    return otlp_sending.send()


def _go_on(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import going_on
    from automations.steps.all import STEPS
    from portal import catalog

    ways = catalog.ways_of(arguments["trace_id"])
    trace = going_on.go_on(arguments["trace_id"], ways=ways, connected=catalog.connected_for(by), steps=STEPS)
    return f"The run is {trace.state.replace('_', ' ')}."


def _count_days(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from data import daily

    return daily.bring_up_to_date(progress=progress).sentence


def _compute_brief(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from evals import brief

    return brief.compute(progress=progress)


def _write_digests(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from evals import digest

    return digest.write_due(progress=progress)


def _check_tools(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations.outside import sources

    return sources.look_at_all(by=by)


def _find_opportunities(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from automations import opportunities
    from data import encoding

    return opportunities.look(encoding.in_force(), progress=progress)


def _look_at_monitors(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from evals import alerts

    return alerts.look(by=by)


def _tell_alerts(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from portal import alerting

    return alerting.tell_due()


def _tell_product_teams(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from portal import feedback_sending

    return feedback_sending.tell_due()


def _act_on_alert(arguments: dict[str, Any], by: Person, progress: Progress) -> str:
    from portal import arming

    return arming.act(arguments["alert_id"], by=by)


JOBS: dict[str, Job] = {
    "import": _import, "train": _train, "evaluate": _evaluate, "classify": _classify, "carry_out": _carry_out, "lapse": _lapse,
    "mail": _mail, "back_up": _back_up, "check_record": _check_record, "tidy": _tidy,
    "find_patterns": _find_patterns, "watch_drift": _watch_drift, "order_queue": _order_queue, "watch_releases": _watch_releases,
    "preview": _preview, "curve": _curve, "find_gaps": _find_gaps,
    "suggest": _suggest, "write_answer": _write_answer, "try_instructions": _try_instructions, "try_articles": _try_articles,
    "evaluate_answerer": _evaluate_answerer, "climb": _climb, "learn_order": _learn_order,
    "run_eval": _run_eval, "grade_live": _grade_live, "look": _look, "pull": _pull, "encode": _encode, "try_endpoint": _try_endpoint,
    "try_model": _try_model, "backtest": _backtest, "settle_actions": _settle_actions, "tell_help_desk": _tell_help_desk,
    "run_recipes": _run_recipes, "go_on": _go_on, "find_causes": _find_causes,
    "count_days": _count_days, "check_tools": _check_tools, "send_traces": _send_traces,
    "evaluate_recipe": _evaluate_recipe, "compare_agents": _compare_agents,
    "compute_brief": _compute_brief, "write_digests": _write_digests,
    "find_opportunities": _find_opportunities,
    "look_at_monitors": _look_at_monitors, "tell_alerts": _tell_alerts, "act_on_alert": _act_on_alert,
    "tell_product_teams": _tell_product_teams,
}  # fmt: skip

# what a customer, or somebody at a screen, waits for: the worker keeps a hand free for these
PROMPT = frozenset({"classify", "suggest", "write_answer", "run_recipes", "go_on", "carry_out", "act_on_alert"})

RIGHTS = {  # of what a person can start
    "import": "conversation.import",
    "look": "conversation.import",
    "pull": "connection.propose",
    "try_endpoint": "connection.propose",
    "encode": "connection.propose",
    "train": "classifier.train",
    "evaluate": "eval.run",
    "preview": "classifier.read",
    "curve": "classifier.train",
    "run_eval": "eval.run",
    "grade_live": "eval.run",
    "find_patterns": "pattern.decide",
    "find_gaps": "pattern.decide",
    "find_opportunities": "opportunity.read",
    "try_articles": "article.draft",
    "evaluate_answerer": "eval.run",
    "climb": "answerer.make",
    "learn_order": "answerer.make",
    "write_answer": "knowledge.ask",
    "try_instructions": "answerer.make",
    "try_model": "model.make",
    "back_up": "backup.make",
    "check_tools": "tool_source.read",
    "backtest": "automation.draft",
    "evaluate_recipe": "automation.draft",
    "compare_agents": "automation.draft",
}
# what an act of a person brings with it, and that act's right
FOLLOWS = {
    "classify": "conversation.import",
    "suggest": "conversation.import",
    "carry_out": "proposal.read",
    "act_on_alert": "monitor.arm",
}


def start(name: str, arguments: dict[str, Any], *, title: str, by: Person) -> Task:
    """Have a job done in the background. The right is checked now, and again when it runs."""
    if name not in RIGHTS:
        raise Denied("Not started: this is nothing that a person starts.")
    access.require(by, RIGHTS[name])
    with store.writing() as db:
        return tasks.later(db, name, arguments, title=title, by=by)


def run(task: Task) -> None:
    """Do a task that was taken. What a person can mend fails at once; anything else is tried again, and logged."""
    try:
        by = _person(task)
        _require_right(task, by)
        result = JOBS[task.name](task.arguments, by, lambda share, doing: tasks.progress(task, share, doing))
    except tasks.Cancelled:
        tasks.stop(task)
    except Busy:  # nobody can mend that, and the next try may be lucky
        fault(task)
    except Refused as refused:
        with store.writing():
            if tasks.fail(task, str(refused)):
                _not_carried_out(task, str(refused))
    except Exception:
        fault(task)
    else:
        tasks.finish(task, result)


def fault(task: Task) -> None:
    """Logged with what is being handled, told by its reference, and tried again."""
    reference = new_id()[-12:]
    logger.error("task %s (%s) failed, reference %s", task.id, task.name, reference, exc_info=sys.exc_info()[0] is not None)
    with store.writing():
        if tasks.fault(task, reference):
            _not_carried_out(task, f"It failed again and again (reference {reference}).")


def _not_carried_out(task: Task, why: str) -> None:
    """What was approved does not stay so for ever."""
    if task.name == "carry_out":
        approvals.fail(task.arguments["proposal_id"], why)


def _person(task: Task) -> Person:
    """Whose task it is, as they are now: somebody who left or lost a right since does not act through a task."""
    if task.person_id is None:
        return people.console()
    person = people.get(task.person_id)
    if person is None or person.disabled_at is not None:
        raise Refused("Not done: the person who asked for it is no longer active.")
    return person


def _require_right(task: Task, by: Person) -> None:
    """Asked again for each run, whoever wrote the row: what no person may start is done only where it is nobody's."""
    if task.person_id is None:
        return
    if task.name not in {**RIGHTS, **FOLLOWS}:
        raise Denied("Not done: the portal alone does this, at its hours.")
    access.require(by, {**RIGHTS, **FOLLOWS}[task.name])


def run_waiting(runner_id: str = "here") -> int:
    """Do everything that waits, in this process: for tests and for commands that cannot wait for a worker."""
    done = 0
    while waiting := tasks.waiting():
        for task in waiting:
            if taken := tasks.take(task.id, runner_id):
                run(taken)
                done += 1
    return done
