"""What becomes of a proposal once it is approved: a kind, and the domain verb that does it."""

from collections.abc import Callable

from data import approvals, calibration, people, relabelling, settings, store, surfaces, tasks, tokens
from data.errors import Refused
from data.tables import Person, Proposal

Progress = Callable[[float, str], None]


def carry_out(proposal_id: str, *, by: Person, progress: Progress) -> str:
    proposal = approvals.get(proposal_id, by=by)
    if proposal is None:
        raise Refused("Not carried out: there is no such proposal.")
    if proposal.kind == relabelling.KIND:  # in steps: it says how far it is, and goes on where a try was cut off
        return relabelling.carry_out(proposal_id, progress=progress)
    if proposal.kind in ("act_once", "act_twice"):  # what was let out and cut off is asked after; it is done once all the same
        return _act(proposal)
    if proposal.state == "done":  # by a try that was cut off before it could say so
        return f"Done: {proposal.title}."
    CARRIED_OUT_BY[proposal.kind](proposal_id)
    return f"Done: {proposal.title}."


def _act(proposal: Proposal) -> str:
    from automations import settling, waiting
    from portal import catalog

    action = waiting.continue_run(proposal.id, ways=catalog.ways_of(str(proposal.payload["trace"])))
    return f"{settling.told(action)}: {'done' if action.state == settling.DONE else 'sent, and asked after until it is known'}."


def _ship(proposal_id: str) -> None:
    from classifiers import shipping

    shipping.ship(proposal_id)


def _ship_answerer(proposal_id: str) -> None:
    from knowledge import answerers

    answerers.ship(proposal_id)


def _publish_recipe(proposal_id: str) -> None:
    from automations import release

    release.publish_approved(proposal_id)


def _ship_model(proposal_id: str) -> None:
    from evals import models

    models.ship(proposal_id)


def _publish_articles(proposal_id: str) -> None:
    """What is to be found is encoded before it is in force, so that nobody who asks waits for that."""
    from knowledge import answerers, articles, shelf

    shelf.prepare(articles.proposed(proposal_id), answerers.in_force().combination.chunking)
    articles.publish(proposal_id)


def _change_policy(proposal_id: str) -> None:
    from automations import mandates

    mandates.carry_out(proposal_id)


def _restore(proposal_id: str) -> None:
    from data import backups

    backups.restore_approved(proposal_id)


def _connect(proposal_id: str) -> None:
    """A help desk is asked at once: who connected it wants to see something come. So are models: those that answer are in force."""
    with store.writing() as db:
        put = settings.carry_out(proposal_id, "change_connection")
        if put.name.startswith("help_desk_"):
            tasks.later(db, "pull", {}, title="Ask the help desks", by=None)
        elif put.name == "model_endpoint":
            tasks.later(db, "try_endpoint", {}, title="Try the model endpoint", by=None)


def _connect_tools(proposal_id: str) -> None:
    """It is looked at what it offers: who connected it wants to propose its tools."""
    with store.writing() as db:
        settings.carry_out(proposal_id, db.get_one(Proposal, proposal_id).kind)
        tasks.later(db, "check_tools", {}, title="Look at what programs with tools offer", by=None)


CARRIED_OUT_BY: dict[str, Callable[[str], object]] = {
    "ship_classifier": _ship,
    "publish_articles": _publish_articles,
    "ship_answerer": _ship_answerer,
    "ship_model": _ship_model,
    "publish_small": _publish_recipe,
    "publish_recipe": _publish_recipe,
    "grant_role": people.grant_role,
    "issue_token": tokens.issue_approved,
    "issue_surface": surfaces.issue_approved,
    "change_gate": lambda proposal_id: settings.carry_out(proposal_id, "change_gate"),
    "change_connection": _connect,
    "change_gold": calibration.carry_out,
    "connect_tools": _connect_tools,
    "connect_command": _connect_tools,
    "approve_tools": lambda proposal_id: settings.carry_out(proposal_id, "approve_tools"),
    "change_limit": lambda proposal_id: settings.carry_out(proposal_id, "change_limit"),
    "change_policy": _change_policy,
    "emergency": lambda proposal_id: settings.carry_out(proposal_id, "emergency"),
    "restore": _restore,
}
