"""Turns names into what runs and what judges: what one folder needs of another that stands above it is passed in from here."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data import asking, connections, labels, releases, vectors, versions
from data.errors import Refused
from data.tables import EvalSet, Person
from data.values import Target
from evals import graders, targets
from evals.graders.face import Graders
from evals.targets import Asked
from language.call import Call
from language.encoder import Vectors

HOW = "classifier:NAME, classifier:NAME@3, people, model:NAME, file:outputs.jsonl or https://…"


def graders_for(by: Person) -> Graders:
    """All graders that this installation can use: those that ask a model are there where an endpoint is, vectors where an encoder is."""
    endpoint, encode = connections.endpoint(), _encode if vectors.described() else None
    if endpoint is None:
        return graders.with_help(classify=_classify, encode=encode)

    def ask(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> Call:
        line, budget = endpoint.line(), endpoint.budget()
        return asking.ask("accuracy", messages, by=by, line=line, budget=budget, schema=schema, temperature=0.0)

    return graders.with_help(ask=ask, classify=_classify, encode=encode)


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
        for model in sorted(set(endpoint.line().models.values())) if endpoint else ():
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
    line = endpoint.line()
    job = next((job for job, model in line.models.items() if name in (job, model)), None)
    if job is None:
        raise Refused(f"Not run: the endpoint has no model '{name}'. It has {', '.join(sorted(set(line.models.values())))}.")

    def converse(messages: Sequence[Mapping[str, Any]]) -> Call:
        return asking.ask(job, messages, by=by, line=line, budget=endpoint.budget())

    return targets.of_model(line.model(job), converse)
