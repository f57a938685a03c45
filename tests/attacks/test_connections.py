"""Somebody points a connection at a host of their own: the key that is stored stays where it belongs (SAFETY 7)."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from data import access, approvals, config, connections, settings
from data.errors import Refused
from data.intake import following
from data.tables import Proposal
from language.call import Line, NoAnswer
from language.embeddings import EndpointEncoder
from portal import jobs
from tests import model_server
from tests.conftest import Staff
from tests.model_server import Model, body, redirect

MODELS = {"triage": "small"}


@dataclass
class World:
    """A server whose key is stored, and another one that somebody in the house listens on."""

    staff: Staff
    patch: pytest.MonkeyPatch
    house: Model
    thief: Model
    key: str

    @property
    def port(self) -> str:
        return self.thief.url.removesuffix("/v1").rpartition(":")[2]

    @property
    def home(self) -> str:
        return self.house.url.removesuffix("/v1")

    @property
    def away(self) -> str:
        return self.thief.url.removesuffix("/v1")

    def endpoint(self, url: str, key: str, **more: Any) -> None:
        self.carry_out(connections.propose_endpoint(url, key, MODELS, why="Cheaper.", by=self.staff.engineer, **more))

    def desk(self, url: str, key: str, product: str = "zendesk", **more: Any) -> None:
        told = {"account": "ada@example.com", "why": "It moved.", "by": self.staff.engineer}
        self.carry_out(connections.propose_help_desk(product, url, secret=key, **told, **more))

    def put(self, name: str, value: dict[str, Any]) -> None:
        """Past the form: an insider who calls the verb below it, with a value they put together."""
        self.carry_out(settings.propose_connection(name, value, "ask", "A better one.", "Cheaper.", self.staff.engineer))

    def carry_out(self, proposal: Proposal) -> None:
        approvals.approve(proposal.id, by=self.staff.admin)
        settings.carry_out(proposal.id, "change_connection")

    def stored(self, name: str = connections.ENDPOINT) -> dict[str, Any]:
        found = settings.current(name)
        assert found is not None
        return found

    def environment(self, **values: str) -> None:
        for name, value in values.items():
            self.patch.setenv(name, value)
        config.reset()


def seen(model: Model, key: str) -> bool:
    """Whether the key came to it, in whatever form it travels."""
    told = " ".join(f"{asked.path} {asked.headers} {asked.raw}" for asked in model.asked)
    packed = re.findall(r"Basic ([A-Za-z0-9+/=]+)", told)
    return any(key in one for one in (told, *(base64.b64decode(one).decode("latin-1") for one in packed)))


def use() -> None:
    """Everything that asks a server: the try from the Installation page, the encoder, the help desks."""
    with suppress(Refused, NoAnswer):
        jobs.JOBS["try_endpoint"]({}, USER[0], lambda _share, _doing: None)
    with suppress(Refused, NoAnswer):
        if found := connections.endpoint():
            EndpointEncoder(found.line(), "embedder").encode(["Where is my order?"])
    with suppress(Refused):
        following.pull_all()


USER: list[Any] = []  # who tries it


# -- the key is stored for the house, and each of these means to have it sent elsewhere ---------------------------------------------------


def changed_ciphertext(w: World) -> None:
    w.put(connections.ENDPOINT, w.stored() | {"url": w.thief.url})


def as_a_limit(w: World) -> None:
    with pytest.raises(TypeError, match="sealed_key"):
        w.endpoint(w.thief.url, "", sealed_key=w.stored()["sealed_key"])


def under_another_name(w: World) -> None:
    told = {"product": "zendesk", "url": w.away, "account": "", "source": "zendesk", "since": "2026-01-01T00:00:00Z"}
    w.put("help_desk_zendesk", told | {"sealed_secret": w.stored()["sealed_key"]})


def redirected(status: int, place: str) -> Callable[[World], None]:
    def trick(w: World) -> None:
        where = place.format(away=w.away, port=w.port)
        w.house.says(lambda handler: handler.send(status, b"", Location=where, Refresh=f"0;url={where}"))

    return trick


def proposed_before(w: World) -> None:
    """Both wait; the one with the address is approved last."""
    both = [
        connections.propose_endpoint(w.house.url, w.key, MODELS, why="x", by=w.staff.engineer),
        connections.propose_endpoint(w.thief.url, "", MODELS, why="x", by=w.staff.engineer),
    ]
    for proposal in both:
        with suppress(Refused):
            w.carry_out(proposal)


ENDPOINT_TRICKS: dict[str, Callable[[World], None]] = {
    "the address alone": lambda w: w.endpoint(w.thief.url, ""),
    "a key of spaces": lambda w: w.endpoint(w.thief.url, "   "),
    "the word that stands for the key": lambda w: w.endpoint(w.thief.url, "(sealed)"),
    "the sealed key as the key": lambda w: w.endpoint(w.thief.url, w.stored()["sealed_key"]),
    "the sealed key as a limit": as_a_limit,
    "a name before the host": lambda w: w.endpoint(f"http://127.0.0.1@127.0.0.1:{w.port}/v1", ""),
    "the house as a name": lambda w: w.endpoint(f"{w.home}@127.0.0.1:{w.port}/v1", ""),
    "a dot behind the host": lambda w: w.endpoint(f"http://localhost.:{w.port}/v1", ""),
    "other digits": lambda w: w.endpoint(f"http://①②⑦.⓪.⓪.①:{w.port}/v1", ""),
    "one number": lambda w: w.endpoint(f"http://2130706433:{w.port}/v1", ""),
    "a backslash": lambda w: w.endpoint(f"http://127.0.0.1:{w.port}\\@{w.home}/v1", ""),
    "a line's end": lambda w: w.endpoint(f"{w.thief.url}\r\nHost: {w.home}", ""),
    "capitals": lambda w: w.endpoint(w.thief.url.replace("http", "HTTP"), ""),
    "another name of this machine": lambda w: w.endpoint(f"http://localhost:{w.port}/v1", ""),
    "another path and a walk up": lambda w: w.endpoint(f"{w.away}/v1/../..//v1", ""),
    "the ciphertext moved": changed_ciphertext,
    "the ciphertext under another name": under_another_name,
    "both at once": proposed_before,
    "sent on, 302": redirected(302, "{away}/v1/chat/completions"),
    "sent on, 307": redirected(307, "{away}/v1/chat/completions"),
    "sent on, 308": redirected(308, "//127.0.0.1:{port}/v1/chat/completions"),
    "the environment has an address": lambda w: w.environment(OPENAI_BASE_URL=w.thief.url),
    "the environment has an address and an empty key": lambda w: w.environment(OPENAI_BASE_URL=w.thief.url, OPENAI_API_KEY=""),
    "the environment has a proxy": lambda w: w.environment(HTTP_PROXY=w.away, http_proxy=w.away, ALL_PROXY=w.away),
}  # fmt: skip

DESK_TRICKS: dict[str, Callable[[World], None]] = {
    "the address alone": lambda w: w.desk(w.away, ""),
    "a key of spaces": lambda w: w.desk(w.away, " \t "),
    "the sealed key as the key": lambda w: w.desk(w.away, w.stored("help_desk_zendesk")["sealed_secret"]),
    "the house as a name": lambda w: w.desk(f"{w.home}@127.0.0.1:{w.port}", ""),
    "the ciphertext moved": lambda w: w.put("help_desk_zendesk", w.stored("help_desk_zendesk") | {"url": w.away}),
    "the ciphertext for another product": lambda w: w.put(
        "help_desk_intercom", w.stored("help_desk_zendesk") | {"url": w.away, "product": "intercom"}),
    "the ciphertext for models": lambda w: w.put(
        connections.ENDPOINT, {"url": w.thief.url, "models": MODELS, "sealed_key": w.stored("help_desk_zendesk")["sealed_secret"]}),
    "sent on, 307": lambda w: w.house.says(redirect(f"{w.away}/api/v2/incremental/tickets/cursor.json")),
    "its next page is elsewhere": lambda w: w.house.says(
        body({"tickets": [], "users": [], "after_cursor": "c", "after_url": f"{w.away}/next", "next_page": f"{w.away}/next",
              "end_of_stream": False}),
        body({"tickets": [], "users": [], "after_cursor": "d", "after_url": f"{w.away}/next", "end_of_stream": True})),
    "a path that is an address": lambda w: w.desk(f"{w.home}/@127.0.0.1:{w.port}", ""),
}  # fmt: skip


@pytest.fixture
def world(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], World]]:
    """A world of its own for each trick: two servers, and an environment without a word."""
    USER[:] = [staff.engineer]
    with ExitStack() as over:

        def make(key: str) -> World:
            patch = over.enter_context(pytest.MonkeyPatch.context())
            for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                patch.delenv(name, raising=False)
            config.reset()
            house, thief = over.enter_context(model_server.running()), over.enter_context(model_server.running())
            return World(staff, patch, house, thief, key)

        yield make
    config.reset()


def tried(make: Callable[[str], World], number: int, trick: Callable[[World], None], *, desk: bool = False) -> tuple[bool, bool, bool]:
    """Whether the house was asked with its key before; whether the thief saw it after the trick; whether the thief sees what is theirs."""
    w = make(f"key-of-the-house-{number:03}")
    set_up = w.desk if desk else w.endpoint
    quiet = body({"tickets": [], "users": [], "after_cursor": "a", "after_url": None, "end_of_stream": True, "choices": []})
    w.house.says(quiet)
    w.thief.says(quiet)  # a model that answered would stay where it is: here the address is what is tried
    set_up(w.home if desk else w.house.url, w.key)
    use()
    house = seen(w.house, w.key)
    with suppress(Refused):
        trick(w)
    use()
    stolen = seen(w.thief, w.key)
    w.patch.undo()
    config.reset()
    set_up(w.away if desk else w.thief.url, "a-key-that-was-typed-anew")
    use()
    return house, stolen, seen(w.thief, "a-key-that-was-typed-anew")


def test_the_stored_key_never_follows_an_address(
    world: Callable[[str], World], record_property: Callable[[str, object], None]
) -> None:  # fmt: skip
    came = {what: tried(world, number, trick) for number, (what, trick) in enumerate(ENDPOINT_TRICKS.items())}
    came |= {f"help desk: {what}": tried(world, 100 + n, trick, desk=True) for n, (what, trick) in enumerate(DESK_TRICKS.items())}
    stolen = [what for what, (_, was, _) in came.items() if was]
    record_property("tricks", len(came))
    print(f"{len(came)} tricks, the stored key seen by another listener: {len(stolen)}")
    assert stolen == [] and len(came) >= 25
    assert [what for what, (house, _, typed) in came.items() if not (house and typed)] == []  # the control: both listened all the time


def test_a_portal_that_keeps_the_key_when_the_address_changes_gives_it_away(world: Callable[[str], World]) -> None:
    """The control: what "leave the key empty to keep it" comes to."""
    w = world("key-of-the-house")
    w.endpoint(w.house.url, w.key)
    found = connections.endpoint()
    assert found is not None
    with suppress(NoAnswer):
        EndpointEncoder(Line(w.thief.url, found.line().key, MODELS), "embedder").encode(["Where is my order?"])
    assert seen(w.thief, w.key)


def test_a_seal_that_did_not_name_its_address_would_open_anywhere(world: Callable[[str], World]) -> None:
    """The control with the defence off: the same ciphertext, moved to another address."""
    w = world("key-of-the-house")
    w.patch.setattr(connections, "_sealed", lambda key, _url: connections.sealing.seal(key, "anywhere"))
    w.patch.setattr(connections, "_unsealed", lambda sealed, _url: connections.sealing.unseal(sealed, "anywhere"))
    w.endpoint(w.house.url, w.key)
    changed_ciphertext(w)
    use()
    assert seen(w.thief, w.key)


def test_a_client_that_goes_where_it_is_sent_takes_the_question_along(world: Callable[[str], World]) -> None:
    """Why none is followed: with 307 the whole body goes on, whatever becomes of the key."""
    w = world("key-of-the-house")
    w.house.says(redirect(w.thief.url))
    httpx.post(w.house.url, json={"messages": "private"}, follow_redirects=True, trust_env=False)
    assert "private" in w.thief.asked[0].raw
    w.endpoint(w.house.url, w.key)
    w.house.says(redirect(w.thief.url))
    w.thief.asked.clear()
    use()
    assert w.house.asked and w.thief.asked == []


def test_who_approves_reads_the_host_that_is_really_asked(world: Callable[[str], World]) -> None:
    w = world("key-of-the-house")
    w.house.says(body({}))  # no answer, so that the address may still be changed
    for url in (w.house.url, f"http://localhost:{w.port}/v1"):
        proposal = connections.propose_endpoint(url, w.key, MODELS, why="x", by=w.staff.engineer)
        host = str(proposal.evidence["sentence"]).partition("models of ")[2].partition(",")[0]
        w.carry_out(proposal)
        use()
        assert {asked.headers["host"] for asked in (w.house if url == w.house.url else w.thief).asked} == {host}


def test_nobody_proposes_and_puts_in_force_alone(world: Callable[[str], World]) -> None:
    w = world("key-of-the-house")
    w.endpoint(w.house.url, w.key)
    for person in (w.staff.engineer, w.staff.admin):
        proposal = connections.propose_endpoint(w.thief.url, "", MODELS, why="x", by=person)
        with pytest.raises(Refused):
            approvals.approve(proposal.id, by=person)
        with pytest.raises(Refused):
            settings.carry_out(proposal.id, "change_connection")
    assert json.dumps(w.stored()).count(w.house.url) == 1 and access.may(w.staff.admin, "connection.approve")
