"""The life of a conversation, from its arrival to the release that it changed: the map of this code for whoever is new to it."""

from datetime import timedelta
from pathlib import Path

import pytest

from classifiers import labels, shipping, training
from data import approvals, conversations, datasets, examples, measures, predictions, queue, releases, reviews, tasks
from data.conversations import Filter
from data.errors import Denied, Refused
from data.intake import files
from data.values import Target, now
from evals import freezing, sets
from portal import jobs
from tests.conftest import Staff
from tests.conversations import WANTS, write_file


def test_the_life_of_a_conversation(staff: Staff, tmp_path: Path) -> None:
    rep, lead, engineer = staff.rep, staff.lead, staff.engineer

    # An engineer imports the help desk's export. What is personal is gone before it is stored; a second import changes nothing.
    export = write_file(tmp_path / "export.jsonl", count=240, team="Oak", opened_at=now() - timedelta(days=20))
    report = files.import_file(export, by=engineer)
    assert (report["new"], report["redactions"], report["refused"]) == (240, 2, [])
    assert files.import_file(export, by=engineer)["unchanged"] == 240

    # A lead names what customers want, and makes a set for tests of it.
    intents = {name: labels.add(name, by=lead) for name in WANTS}
    everyday = sets.create("Everyday intents", by=lead, bar=0.6)

    # A rep opens the queue and reads. Somebody of the other team does not see the conversation at all.
    first = queue.team(by=rep)[0].listed
    _, messages = conversations.get(first.id, by=rep)  # type: ignore[misc]
    assert [message.role for message in messages] == ["customer", "rep"]
    assert conversations.get(first.id, by=staff.other) is None

    # The rep reviews every conversation, and holds up every sixth as a strong or weak example.
    for place, item in enumerate(conversations.listed(Filter(), by=rep, size=240)):
        intent = intents[item.opening.split(":")[0]]
        review = reviews.record(item.id, "strong" if place % 2 else "weak", label_id=intent.id, by=rep)
        if place % 6 == 0:
            kind = "strong" if place % 2 else "weak"
            examples.flag(item.id, kind, why="A clear case.", eval_set_id=everyday.id, label_id=intent.id, review_id=review.id, by=rep)
    assert queue.team(by=rep) == []

    # The lead freezes the set: forty cases that never change, and that nothing is trained on from now on.
    frozen = freezing.freeze(everyday.id, by=lead)
    assert (frozen.number, sets.case_count(frozen.id)) == (1, 40)
    assert len(examples.for_training(by=rep)) == 200

    # The rep trains a candidate, has it answer the frozen cases, and proposes it. Nobody says yes to their own work.
    candidate = training.train(by=rep)
    target = Target("classifier", "intent", candidate.target_number)
    evidence = shipping.evaluate(target, by=rep)
    assert evidence.passed.n == 40 and evidence.passed.value > 0.8
    proposal = shipping.propose(target, why="The first one.", by=rep)
    with pytest.raises(Denied, match="a rep may not approve"):
        approvals.approve(proposal.id, by=rep)

    # The lead reads the evidence and approves; a background job makes it live.
    approvals.approve(proposal.id, by=lead)
    assert jobs.run_waiting() == 1
    live = releases.live("classifier", "intent")
    assert live is not None and releases.target_of(live) == target

    # The next conversation that arrives is classified by it.
    files.import_file(write_file(tmp_path / "new.jsonl", count=30, team="Oak", first_number=1000, opened_at=now()), by=engineer)
    assert [task.name for task in tasks.waiting()] == ["classify"]
    jobs.run_waiting()
    arrived = conversations.listed(Filter(reviewed=False), by=rep, size=30)
    assert len(arrived) == 30
    said = [predictions.of_conversation(item.id) for item in arrived]
    assert all(prediction is not None and prediction.target_number == 1 for prediction in said)

    # The rep reviews these too, and the trend shows how often the machine and people agree.
    for item in arrived:
        reviews.record(item.id, "strong", label_id=intents[item.opening.split(":")[0]].id, by=rep)
    week = measures.weekly(by=lead)[-1]
    assert week.agreement.n > 0 and week.agreement.value > 0.8

    # The next candidate learns from more. On the same cases it is compared with what is live, and a verdict says what that shows.
    second = training.train(by=rep)
    better = shipping.evaluate(Target("classifier", "intent", second.target_number), by=rep)
    assert better.comparison is not None and better.comparison.verdict in ("better", "no_worse", "cannot_tell")

    # An engineer takes the reviewed conversations away for training, with lineage, and without a single eval case.
    built = datasets.build(datasets.Definition(name="Strong"), format_name="sft", out=tmp_path / "out", by=engineer)
    assert built.version.counts["rows"] > 0
    assert built.files["lineage"].read_text().count("\n") == built.version.counts["rows"]
    with pytest.raises(Refused, match="no reviewed conversation fits"):
        datasets.build(datasets.Definition(name="None", intents=["no such intent"]), format_name="csv", out=tmp_path / "out", by=engineer)
