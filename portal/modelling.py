"""`portal model`: which models are in force, another one tried on the cases, proposed, stopped, gone back from."""

from typing import Annotated, Any

import typer

from data import approvals, models, releases, versions
from data.errors import Misuse
from data.models import KIND
from data.tables import Person, Version
from data.values import Target
from language.call import JOBS
from portal.command import AsPerson, Json, acting, as_job, on_terminal, ready, tell

app = typer.Typer(no_args_is_help=True, help="Models: in force, tried, proposed, gone back from.")
OfJob = Annotated[str, typer.Argument(help=f"The job: {', '.join(JOBS)}.")]
OfNumber = Annotated[int, typer.Argument(help="The candidate's number.")]
Why = Annotated[str, typer.Option("--why", help="A sentence; whoever decides reads it first.")]


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """For each job the model in force, what it cost lately, and every candidate."""
    from evals import models as trying

    ready()
    person = acting(by)
    told: list[dict[str, Any]] = []
    lines: list[str] = []
    for job in JOBS:
        live, lately = trying.in_force(job, by=person), trying.lately(job, by=person)
        made = [(one, models.Model.of(one.body), _stage(one)) for one in trying.candidates_of(job, by=person)]
        lines.append(f"{job:13} {live or 'no model has answered yet'}; last 28 days: {lately}")
        lines += [f"  {one.target_number:>3}  {model}, {stage}" for one, model, stage in made]
        rows = [{"number": one.target_number, "model": model.name, "url": model.url, "stage": stage} for one, model, stage in made]
        standing = {"model": live.name if live else None, "url": live.url if live else None}
        told.append({"job": job, **standing, "last_28_days": lately.as_told(), "versions": rows})
    tell({"jobs": told}, "\n".join(lines), as_json)


def _stage(version: Version) -> str:
    under_way = releases.under_way(KIND, version.target_name)
    if under_way and under_way.target_number == version.target_number:
        return "beside the one in force" if under_way.stage == "shadow" else f"for {under_way.percent} % of customers"
    live = releases.live(KIND, version.target_name)
    return "in force" if live and live.target_number == version.target_number else "candidate"


@app.command("try")
def try_(
    job: OfJob,
    name: Annotated[str, typer.Argument(help="The new model, as its endpoint knows it; or the number of a candidate, to try it again.")],
    why: Why = "",
    url: Annotated[str, typer.Option(help="Another address that two people approved; otherwise where the model in force is asked.")] = "",
    price: Annotated[tuple[float, float] | None, typer.Option(help="Money per million tokens, in and out.")] = None,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Run another model on every eval set that uses the one in force: quality, cost, latency. Exit 1 where nothing tests the job."""
    from evals import models as trying
    from portal import catalog

    ready()
    person = acting(by)
    _known(job)
    again = name.isdecimal()
    target = (
        Target(KIND, job, int(name)) if again else versions.target_of(trying.make(job, name, why=why, url=url, prices=price, by=person))
    )

    def work(progress: Any) -> str:
        def told(share: float, doing: str) -> None:
            progress(share, doing)
            on_terminal(share, doing)

        return trying.try_out(target, known=catalog.graders_for(person), by=person, uses=catalog.model_uses(job), progress=told).sentence

    again_so = f"Run it again with its number: portal model try {job} {target.number}"
    sentence = as_job("try_model", {"name": job, "number": target.number}, f"Try a model for '{job}'", person, work, again=again_so)
    found = trying.evidence(target, known=catalog.graders_for(person), by=person, uses=catalog.model_uses(job))
    told = {
        "job": job, "number": target.number, "sentence": sentence, "open": found.decision.is_open, "rules": found.decision.as_evidence(),
        "figures": found.figures.as_told(), "in_force": found.figures_before.as_told(), "judging": found.judging,
        "sets": [
            {"set": one.eval_set.name, "number": one.version.number, "passed": one.run.passed, "before": one.before.passed,
             "cases": one.run.cases, "verdict": one.comparison.verdict} for one in found.on_sets
        ],
    }  # fmt: skip
    gate = "The gate is open." if found.decision.is_open else f"The gate is closed: {found.decision.sentence}"
    tell(told, f"Candidate {target.number} for '{job}'. {sentence}\n{gate}", as_json)


@app.command("propose")
def propose(job: OfJob, number: OfNumber, why: Why = "", by: AsPerson = "", as_json: Json = False) -> None:
    """Ask a second person to release a candidate that was tried."""
    from evals import models as trying
    from portal import catalog

    ready()
    person = acting(by)
    _known(job)
    made = trying.propose(
        Target(KIND, job, number), why=why, known=catalog.graders_for(person), by=person, uses=catalog.model_uses(job)
    )  # fmt: skip
    nobody = approvals.nobody_can(made)
    tell({"proposal": made.id}, f"Proposed: {made.title}. Another person decides on Approvals.{f' {nobody}' if nobody else ''}", as_json)


@app.command("back")
def back(
    job: OfJob,
    number: Annotated[int | None, typer.Argument(help="One that did the job before; without it, what is on its way is stopped.")] = None,
    why: Why = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Go back to a model that did the job before, at once; or stop the one on its way."""
    from evals import model_release
    from evals import models as trying

    ready()
    person = acting(by)
    _known(job)
    if number is not None:
        trying.roll_back(Target(KIND, job, number), why=why, by=person)
        sentence = f"{_asked_now(job, person)} does '{job}' again."
    else:
        under_way = releases.under_way(KIND, job)
        model_release.stop(under_way.id if under_way else "", why=why, by=person)
        sentence = f"Stopped: {_asked_now(job, person)} does '{job}' alone."
    tell({"job": job, "sentence": sentence}, sentence, as_json)


def _asked_now(job: str, person: Person) -> str:
    from evals import models as trying

    return str(trying.in_force(job, by=person))


def _known(job: str) -> None:
    if job not in JOBS:
        raise Misuse(f"There is no job '{job}'. There are {', '.join(JOBS)}.")
