"""Turns names into what runs and what judges: what one folder needs of another that stands above it is passed in from here."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data import asking, connections, labels, models, releases, routing, vectors, versions
from data.errors import Refused
from data.tables import EvalSet, Person
from data.values import Subject, Target
from evals import graders, sets, targets
from evals.graders.face import Graders
from evals.graders.judge import Ask
from evals.models import Asking, Use
from evals.runs import Ask as Answers
from evals.targets import Asked
from knowledge.manner import Writer
from language.call import JOBS, Call, Line
from language.encoder import Vectors
from portal import shopkeeping

if TYPE_CHECKING:
    from automations.arriving import Means
    from automations.conversing import Connected
    from automations.settling import Ways
    from automations.shop.client import Shop
    from automations.world import Talk

WRITES = "conversation"  # the job of the model that writes answers
HOW = "classifier:NAME, classifier:NAME@3, people, model:NAME, file:outputs.jsonl or https://…"


def graders_for(by: Person) -> Graders:
    """All graders that this installation can use: those that ask a model are there where an endpoint is, vectors where an encoder is."""
    endpoint, encode = connections.endpoint(), _encode if vectors.described() else None
    if endpoint is None:
        return graders.with_help(classify=_classify, encode=encode)
    return graders.with_help(ask=_asking(endpoint, "accuracy", by), classify=_classify, encode=encode)


def writer_for(by: Person) -> Writer | None:
    """Writes answers from passages; None where no endpoint is set, and then they are quoted. Another job than the graders': no model
    judges by itself what it wrote."""
    endpoint = connections.endpoint()
    if endpoint is None:
        return None

    def of(subject: Subject) -> Ask:
        return _asking(endpoint, WRITES, by, subject)

    return Writer(_asking(endpoint, WRITES, by), at_once=endpoint.at_once, timeout=endpoint.timeout, of=of)


def connected_for(by: Person, *, shop: "Shop | None" = None) -> "Connected":
    """What recipes look things up in: the shop beside us, published articles, the live classifier, the endpoint's models."""
    from automations.connectors import connecting
    from automations.conversing import Connected
    from automations.outside import sources
    from knowledge import in_force

    endpoint = connections.endpoint()
    return Connected(
        shop=shop or shopkeeping.found(), answer=_answer if in_force.anything_published() else None,
        classify=_intent if releases.live("classifier", labels.INTENT) else None,
        ask=_asking(endpoint, WRITES, by) if endpoint else None, talk=_talking(endpoint, by) if endpoint else None,
        services=connecting.in_force(), tools=sources.in_force(),
    )  # fmt: skip


def ways(*, shop: "Shop | None" = None) -> "Ways":
    """By which acts of recipes leave. Replies go out by a help desk that the portal may write to."""
    from automations.connectors import connecting
    from automations.desks import origin, replying
    from automations.outside import sources
    from automations.settling import Ways

    deliver, look = (replying.deliver, replying.look) if origin.anywhere() else (None, None)
    return Ways(shop=shop or shopkeeping.found(), deliver=deliver, look=look, services=connecting.in_force(), tools=sources.in_force())


def ways_of(trace_id: str) -> "Ways":
    """... of a run that waited: what it says is there for the program that asked for it."""
    from automations import responding

    return responding.kept_for_program(ways()) if responding.asked_by_program(trace_id) else ways()


def means(by: Person, *, shop: "Shop | None" = None) -> "Means":
    """All that a run in force works with."""
    from automations.arriving import Means
    from automations.steps.all import STEPS

    return Means(ways(shop=shop), connected_for(by, shop=shop), STEPS)


def _answer(messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """As the version in force quotes."""
    from knowledge import answerers

    return answerers.answer(answerers.target_in_force(), messages)[0]


def _intent(text: str) -> tuple[str, float]:
    """What the live classifier says, and how sure it is; "" where it keeps silent."""
    from classifiers import serving

    live = releases.live("classifier", labels.INTENT)
    if live is None:
        raise Refused("no intent classifier is live")
    (said,) = serving.guess(releases.target_of(live), [text])
    return labels.names().get(said.label_id or "", ""), said.confidence


def model_uses(job: str) -> list[Use]:
    """What a job's model is used for beside replying and judging: the answers from articles, where the live version writes them."""
    from knowledge import answerers, in_force

    endpoint = connections.endpoint()
    if job != WRITES or endpoint is None or not in_force.anything_published() or not answerers.in_force().writes:
        return []

    def written(ask: Asking) -> Answers:
        return answerers.ask(answerers.target_in_force(), writer=Writer(ask, at_once=endpoint.at_once, timeout=endpoint.timeout))

    return [Use(sets.measured_on(answerers.MEASURED), written)]


def _asking(endpoint: connections.Endpoint, job: str, by: Person, subject: Subject | None = None) -> Ask:
    """Within the budgets, on the record, and with no tools."""

    def ask(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> Call:
        line, budget = endpoint.line(), endpoint.budget()
        return asking.ask(job, messages, by=by, line=line, budget=budget, schema=schema, temperature=0.0, subject=subject)

    return ask


def _talking(endpoint: connections.Endpoint, by: Person) -> "Talk":
    """For agents: with the tools of the one that speaks, by the model of its job."""

    def talk(job: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Call:
        return asking.ask(job, messages, by=by, line=endpoint.line(), budget=endpoint.budget(), tools=tools, temperature=0.0)

    return talk


def _classify(name: str, text: str) -> str | None:
    """What the live version of a classifier says of a reply; None where it keeps silent."""
    from classifiers import KIND, serving

    live = releases.live(KIND, name)
    if live is None:
        raise Refused(f"no version of the classifier '{name}' is live")
    (said,) = serving.guess(releases.target_of(live), [text])
    return labels.names().get(said.label_id) if said.label_id else None


def _encode(texts: Sequence[str]) -> Vectors:
    """With the encoder that is installed; what it has seen before is read."""
    encoder = vectors.installed()
    if encoder is None:
        raise Refused("the encoder is missing; install it: portal encoder install")
    return vectors.of(list(texts), encoder)


def target(told: str, *, by: Person) -> Asked:
    """What the name means. A file and an address are read and asked as whoever works at the console."""
    kind, _, name = told.partition(":")
    if told == "people":
        return targets.people()
    if kind in ("http", "https"):
        return targets.of_address(told)
    if kind == "classifier" and name:
        return classifier(name)
    if kind == "model" and name:
        return _model(name, by)
    if kind == "file" and name:
        path = Path(name)
        if not path.is_file():
            raise Refused(f"Not run: there is no file {name}.")
        with path.open("rb") as file:
            return targets.of_file(path.name, file.read(targets.LARGEST + 1), by=by)
    raise Refused(f"Not run: '{told}' names no target. There are {HOW}.")


def known_targets(eval_set: EvalSet, *, by: Person) -> dict[str, str]:
    """What a person may choose to run on the set, and how it is called."""
    from classifiers import KIND

    known: dict[str, str] = {}
    if eval_set.purpose == "classifier":
        name, live = eval_set.about, releases.live(KIND, eval_set.about)
        for version in versions.all_of(KIND, name)[:20]:
            number = version.target_number
            known[f"classifier:{name}@{number}"] = f"{name} {number}{', live' if live and live.target_number == number else ''}"
    else:
        known["people"] = "What people replied"
        endpoint = connections.endpoint()
        lines = _lines(endpoint.line()) if endpoint else {}
        for model in sorted({line.model(job) for job, line in lines.items()}):
            known[f"model:{model}"] = f"The model {model}"
    for name in versions.names(targets.OUTPUTS):
        for version in versions.all_of(targets.OUTPUTS, name)[:5]:
            known[f"outputs:{name}@{version.target_number}"] = f"The file {name}, {version.target_number}"
    return known


def on_a_screen(told: str, *, by: Person) -> Asked:
    """What people choose in the browser: nothing that reads this machine's files or calls an address of their own."""
    kind, _, name = told.partition(":")
    if kind == "outputs":
        return targets.of_kept_file(name)
    if kind in ("file", "http", "https"):
        raise Refused("Not run: files and addresses of one's own are run with `portal eval run` at the console.")
    return target(told, by=by)


def classifier(told: str) -> Asked:
    """`intent`: the one that is live; `intent@3`: that number."""
    from classifiers import KIND, serving

    name, _, number = told.partition("@")
    if number and (not number.isdecimal() or len(number) > 9):
        raise Refused(f"Not run: '{number}' is no number of a version.")
    live = None if number else releases.live(KIND, name)
    if not number and live is None:
        raise Refused(f"Not run: no version of '{name}' is live. Name one, such as classifier:{name}@1.")
    found = Target(KIND, name, int(number)) if number else releases.target_of(live) if live else Target(KIND, name, 0)
    versions.get(found)
    return Asked(found, serving.ask(found))


def live_beside(candidate: Target) -> str:
    """What a candidate is compared with: what is live of its kind; empty where nothing is."""
    live = releases.live(candidate.kind, candidate.name)
    found = releases.target_of(live) if live else None
    return f"{found.kind}:{found.name}@{found.number}" if found and found != candidate else ""


def _model(name: str, by: Person) -> Asked:
    endpoint = connections.endpoint()
    if endpoint is None:
        raise Refused("Not run: no model endpoint is set. An engineer or an admin can propose one under Installation.")
    lines = _lines(endpoint.line())
    job = next((job for job, line in lines.items() if name in (job, line.model(job))), None)
    if job is None:
        there = sorted({line.model(job) for job, line in lines.items()})
        raise Refused(f"Not run: the endpoint has no model '{name}'. It has {', '.join(there)}.")
    line, model = lines[job], lines[job].model(job)

    def converse(messages: Sequence[Mapping[str, Any]]) -> Call:
        exactly = Target(models.KIND, model, 0)  # the one that was named, also while another is on its way for some
        return asking.ask(job, messages, by=by, line=line, budget=endpoint.budget(), exactly=exactly)

    return targets.of_model(model, converse)


def _lines(line: Line) -> dict[str, Line]:
    """By job, with what is in force there; a job whose model cannot be asked any more has none."""
    found = {}
    for job in JOBS:
        with suppress(Refused):
            found[job] = routing.standing(job, line)
    return found
