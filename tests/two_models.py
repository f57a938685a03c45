"""An endpoint that plays several models over real HTTP, each with answers of its own, and a set that tells them apart."""

import json
import re
from collections.abc import Callable
from typing import Any

from data import approvals, asking, connections, settings
from data.tables import Proposal, SetVersion
from data.values import Target
from evals import changes, freezing, graders, runs, sets
from evals.cases import NewCase
from language.call import Call
from portal import catalog
from tests import model_server as server
from tests.conftest import Staff
from tests.model_server import KEY, Answer, Handler, Model

OLD, NEW, BAD = "old-model", "new-model", "bad-model"
MODELS = {"triage": "small-model", "conversation": OLD, "accuracy": "judge-model"}
KNOWN = graders.BY_NAME
COUNT = 24
RIGHT = {OLD: 20, NEW: 24, BAD: 4}  # of the cases
Play = Callable[[str, dict[str, Any]], str | None]  # what is asked of a model and how -> what it says; None: a fault


def says(model: str, asked: str) -> str:
    """The word of the case where this model knows it."""
    numbers = re.findall(r"parcel (\d+)", asked)
    return f"It is at place{numbers[-1]}." if numbers and int(numbers[-1]) < RIGHT.get(model, COUNT) else "I am not sure."


def playing(play: Play | None = None) -> Answer:
    def answer(handler: Handler) -> None:
        body = handler.question.body
        asked = "\n".join(str(message["content"]) for message in body["messages"])
        said = play(asked, body) if play else says(body["model"], asked)
        (server.status(500) if said is None else server.text(said))(handler)

    return answer


def in_force(staff: Staff, proposal: Proposal, kind: str = "change_connection") -> None:
    approvals.approve(proposal.id, by=staff.admin)
    settings.carry_out(proposal.id, kind)


def connect(model: Model, staff: Staff, **more: Any) -> None:
    """Two people put it in force, and each of its models answers once."""
    prices = {OLD: (1.0, 2.0), MODELS["accuracy"]: (5.0, 10.0)}
    in_force(staff, connections.propose_endpoint(model.url, KEY, MODELS, why="To draft.", by=staff.engineer, prices=prices, **more))
    for job in MODELS:
        assert ask(job, staff).ok


def ask(job: str, staff: Staff, text: str = "Where is parcel 1?", **more: Any) -> Call:
    """A real call, as any part of the portal makes it."""
    endpoint = connections.endpoint()
    assert endpoint is not None
    told = {"by": staff.rep, "line": endpoint.line(), "budget": endpoint.budget(), **more}
    return asking.ask(job, [{"role": "user", "content": text}], **told)


def parcels(staff: Staff, *, count: int = COUNT, name: str = "Parcels", bar: float = 0.5) -> SetVersion:
    """Questions whose answer a person wrote down."""
    eval_set = sets.create(name, purpose="answer", by=staff.lead, bar=bar)
    cases = [
        NewCase(({"role": "customer", "text": f"Where is parcel {number}?"},), {"facts": {"must": [f"place{number}"]}}, ("contains",))
        for number in range(count)
    ]
    changes.add(eval_set.id, cases, known=KNOWN, why="Asked lately.", by=staff.lead)
    return freezing.freeze(eval_set.id, by=staff.lead)


def run_old(staff: Staff, version: SetVersion, name: str = OLD) -> None:
    asked = catalog.target(f"model:{name}", by=staff.engineer)
    runs.run(version.id, asked.target, asked.ask, by=staff.engineer, known=KNOWN)


def asked_of(model: Model) -> list[str]:
    """The models that were asked, in order."""
    return [json.loads(one.raw)["model"] for one in model.asked]


def first(job: str) -> Target:
    return Target("model", job, 1)
