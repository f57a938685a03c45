"""Help desks are asked politely, and nothing of theirs is lost or doubled, whatever happens between two questions."""

import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from data.errors import Refused
from data.intake.canonical import CanonicalConversation
from data.intake.connectors import CONNECTORS, Account, Page, TryLater, asking
from tests import helpdesk
from tests.conftest import SOAK
from tests.helpdesk import SECRET, START, Helpdesk

PRODUCTS = list(CONNECTORS)
SINCE = datetime.fromtimestamp(START, UTC)


@dataclass
class Kept:
    """What a caller keeps: a page and its position together, the position as JSON."""

    position: str = "{}"
    conversations: dict[str, CanonicalConversation] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    came: int = 0

    def keep(self, page: Page) -> None:
        self.position = json.dumps(page.position)
        self.told += [one for one in page.conversations if isinstance(one, str)]
        whole = [one for one in page.conversations if isinstance(one, CanonicalConversation)]
        self.conversations |= {one.id: one for one in whole}
        self.came += len(whole)

    def texts(self) -> dict[int, list[str]]:
        return {int(key): [message.text for message in one.messages if message.text != "Hello"] for key, one in self.conversations.items()}


@pytest.fixture(params=PRODUCTS)
def desk(request: pytest.FixtureRequest) -> Iterator[Helpdesk]:
    with helpdesk.running(request.param) as running:
        yield running


@pytest.fixture
def zendesk() -> Iterator[Helpdesk]:
    with helpdesk.running("zendesk") as running:
        yield running


@pytest.fixture
def intercom() -> Iterator[Helpdesk]:
    with helpdesk.running("intercom") as running:
        yield running


@pytest.fixture
def chatwoot() -> Iterator[Helpdesk]:
    with helpdesk.running("chatwoot") as running:
        yield running


def pages(desk: Helpdesk, position: str = "{}", **account: str) -> Iterator[Page]:
    return CONNECTORS[desk.product].pages(
        desk.account(**account), json.loads(position), since=SINCE, wait=desk.clock.wait, clock=desk.clock
    )  # fmt: skip


def pull(desk: Helpdesk, kept: Kept | None = None, most: int | None = None) -> Kept:
    kept = kept or Kept()
    for page in islice(pages(desk, kept.position), most):
        kept.keep(page)
    return kept


def holds(desk: Helpdesk) -> dict[int, list[str]]:
    """What the help desk itself would show."""
    words = {"zendesk": "plain_body", "intercom": "body", "chatwoot": "content"}[desk.product]
    return {key: [str(one[words]).removeprefix("<p>").removesuffix("</p>") for one in held["said"]] for key, held in desk.held.items()}


def asked(desk: Helpdesk, **how: Any) -> AbstractContextManager[asking.Desk]:
    key = {"Authorization": f"Bearer {SECRET}"}
    return asking.desk(desk.product, desk.account(), key, wait=desk.clock.wait, clock=desk.clock, **how)


def whole_questions(desk: Helpdesk) -> int:
    """How many questions were about one conversation."""
    return sum(part in asked for asked in desk.asked for part in ("comments.json", "GET /conversations/", "/messages"))


def fill(desk: Helpdesk, many: int, *, apart: float = 1.0) -> None:
    for key in range(1, many + 1):
        desk.add(key, START + key * apart)


# Everything, once.


def test_everything_comes_and_a_second_pull_fetches_none_of_it_again(desk: Helpdesk) -> None:
    fill(desk, 120)
    kept = pull(desk)
    assert (kept.texts(), kept.came, kept.told) == (holds(desk), 120, [])
    assert whole_questions(desk) == 120
    assert pull(desk, kept).came == 120
    assert whole_questions(desk) == 120


def test_pages_are_small_and_only_the_last_says_that_there_is_no_more(desk: Helpdesk) -> None:
    fill(desk, 120)
    pulled = list(pages(desk))
    assert max(len(page.conversations) for page in pulled) <= 100
    assert [page.more for page in pulled] == [True] * (len(pulled) - 1) + [False]


def test_nothing_from_before_the_beginning_is_fetched(desk: Helpdesk) -> None:
    desk.add(1, START - 5000)
    desk.add(2, START + 5000)
    assert set(pull(desk).texts()) == {2}


def test_what_is_new_and_what_went_on_between_two_pulls_comes_with_the_second(desk: Helpdesk) -> None:
    fill(desk, 30)
    kept = pull(desk)
    desk.clock.now += 1000
    desk.add(7, desk.clock.now - 500, "It came, thank you.")
    desk.add(31, desk.clock.now - 400)
    assert pull(desk, kept).texts() == holds(desk)
    assert kept.came == 32
    assert kept.texts()[7][-1] == "It came, thank you."


def test_an_empty_help_desk_is_no_error(desk: Helpdesk) -> None:
    kept = pull(desk)
    assert (kept.came, kept.told) == (0, [])
    desk.add(1, START + 10)
    assert pull(desk, kept).came == 1


def test_forty_that_changed_in_one_second_come_over_every_border_of_a_page(desk: Helpdesk) -> None:
    desk.page = 7
    for key in range(1, 41):
        desk.add(key, START + 1000 + (key == 40))
    assert pull(desk).texts() == holds(desk)
    assert whole_questions(desk) == 40


@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_a_pull_killed_between_two_pages_goes_on_without_loss_or_doubles(desk: Helpdesk, stop: int) -> None:
    desk.page = 30
    fill(desk, 110)
    kept = Kept()
    for _ in range(14):
        pull(desk, kept, most=stop)
        desk.clock.now += 90  # it takes a while until it is started again
    assert kept.texts() == holds(desk)
    assert kept.came == 110


def test_a_page_that_was_not_kept_comes_again(desk: Helpdesk) -> None:
    fill(desk, 60)
    lost = next(iter(pages(desk)))
    assert lost.conversations
    assert pull(desk).texts() == holds(desk)


@pytest.mark.parametrize("seed", range(40 if SOAK else 6))
def test_whatever_changes_while_it_is_pulled_stands_there_in_the_end(desk: Helpdesk, seed: int) -> None:
    chance = random.Random(seed)
    desk.page = chance.choice([5, 10, 25])
    desk.clock.now = START + 200.0
    fill(desk, 40)

    def meanwhile(path: str) -> None:
        desk.clock.now += chance.choice([0, 0, 1, 3])
        if chance.random() < 0.3:
            desk.add(chance.randint(1, 40 + len(desk.held) // 4), desk.clock.now, f"More at {desk.clock.now:.0f}")

    desk.before = meanwhile
    kept = Kept()
    for _ in range(3):
        pull(desk, kept, most=chance.randint(1, 9))
    desk.before = lambda path: None
    desk.clock.now += 500
    pull(desk, kept)
    assert pull(desk, kept).texts() == holds(desk)


def test_what_is_deleted_between_the_list_and_the_question_is_passed_over(desk: Helpdesk) -> None:
    fill(desk, 12)
    desk.gone = {5, 6}
    kept = pull(desk)
    assert set(kept.texts()) == set(range(1, 13)) - {5, 6}
    assert kept.told == []


def test_one_that_is_built_wrong_is_told_by_its_id_and_the_rest_comes(desk: Helpdesk) -> None:
    fill(desk, 12)
    desk.held[5]["said"] = []
    desk.held[5] |= {"created_at": {"no": "time"}} if desk.product != "intercom" else {"source": {"type": "conversation"}}
    kept = pull(desk)
    assert set(kept.texts()) == set(range(1, 13)) - {5}
    [told] = kept.told
    assert told.startswith(("ticket 5: ", "conversation 5: "))


# What each product has of its own.


def test_a_ticket_that_zendesk_says_is_deleted_is_not_even_asked_for(zendesk: Helpdesk) -> None:
    fill(zendesk, 3)
    zendesk.held[2]["status"] = "deleted"
    assert set(pull(zendesk).texts()) == {1, 3}
    assert "GET /api/v2/tickets/2/comments.json" not in zendesk.asked


def test_zendesks_ten_exports_a_minute_are_kept(zendesk: Helpdesk) -> None:
    zendesk.page = 4
    fill(zendesk, 100)
    assert pull(zendesk).came == 100
    assert sum("cursor.json" in asked for asked in zendesk.asked) == 25  # none of them was answered with 429
    with asking.desk(
        "Zendesk", zendesk.account(), {"Authorization": f"Bearer {SECRET}"}, wait=zendesk.clock.wait, clock=zendesk.clock
    ) as hasty:
        zendesk.clock.now += 60
        with pytest.raises(TryLater):  # who does not keep it is told to wait
            for _ in range(11):
                hasty.get("/api/v2/incremental/tickets/cursor.json", {"start_time": START, "per_page": 1})


def test_a_ticket_of_many_comments_is_asked_for_until_it_is_whole(zendesk: Helpdesk) -> None:
    zendesk.add(1, START + 10, *(f"Comment {number}" for number in range(250)))
    assert len(pull(zendesk).texts()[1]) == 250


def test_what_people_did_with_a_ticket_comes_as_signals(zendesk: Helpdesk) -> None:
    zendesk.add(1, START + 10)
    change = {"type": "Change", "field_name": "360", "previous_value": "order_status", "value": "refund"}
    zendesk.held[1]["audits"] = [{"id": 1, "author_id": 2, "created_at": helpdesk.iso(START + 20), "events": [{"id": 11} | change]}]
    [signal] = pull(zendesk).conversations["1"].signals
    assert (signal.kind, signal.value, signal.id) == ("intent_changed", "refund", "11")


def test_names_in_a_ticket_do_not_depend_on_what_else_was_pulled(zendesk: Helpdesk) -> None:
    zendesk.add(1, START + 10)
    zendesk.add(2, START + 20)
    together = pull(zendesk).conversations["2"]
    del zendesk.held[1]
    assert pull(zendesk).conversations["2"] == together


def test_what_intercoms_search_learns_late_still_comes(intercom: Helpdesk) -> None:
    fill(intercom, 20)
    intercom.held[15]["late"] = True
    kept = pull(intercom)
    assert 15 not in kept.texts()
    intercom.held[15]["late"] = False
    assert pull(intercom, kept).texts() == holds(intercom)
    assert kept.came == 20


def test_what_chatwoot_deletes_during_a_pull_takes_no_other_one_with_it(chatwoot: Helpdesk) -> None:
    def lost(*, counted: bool) -> set[int]:
        chatwoot.held.clear()
        chatwoot.asked.clear()
        chatwoot.page = 10
        fill(chatwoot, 50)
        answer = Helpdesk._chatwoot

        def delete_three(path: str) -> None:
            if path.endswith("/conversations") and len(chatwoot.asked) > 15 and 50 in chatwoot.held:
                for key in (50, 49, 48):
                    del chatwoot.held[key]

        chatwoot.before = delete_three
        if not counted:

            def without_count(path: str, query: dict[str, str], body: Any) -> helpdesk.Answer:
                status, headers, content = answer(chatwoot, path, query, body)
                return status, headers, content.replace(b'"all_count"', b'"other_count"')

            chatwoot._chatwoot = without_count  # type: ignore[method-assign]
        return set(chatwoot.held) - set(pull(chatwoot).texts())

    assert lost(counted=True) == set()
    assert lost(counted=False)  # without the count it would lose some


def test_a_chatwoot_conversation_of_many_messages_is_asked_for_until_it_is_whole(chatwoot: Helpdesk) -> None:
    chatwoot.add(1, START + 10, *(f"Message {number}" for number in range(230)))
    assert len(pull(chatwoot).texts()[1]) == 230


# When it is slow, busy, broken or somebody else.


def first_list(desk: Helpdesk) -> str:
    return {"zendesk": "cursor.json", "intercom": "search", "chatwoot": "conversations$"}[desk.product]


def one_of(desk: Helpdesk) -> str:
    return {"zendesk": r"/5/comments", "intercom": r"/conversations/5$", "chatwoot": r"/5/messages"}[desk.product]


@pytest.mark.parametrize("told", ["7", "date"])
def test_it_waits_as_long_as_it_is_told_to(desk: Helpdesk, told: str) -> None:
    fill(desk, 8)
    after = "7" if told == "7" else datetime.fromtimestamp(desk.clock.now + 7, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    desk.fails(first_list(desk), 429, Retry_After=after)
    desk.fails(one_of(desk), 503, Retry_After="3")
    assert pull(desk).came == 8
    assert desk.clock.waits == [7.0, 3.0]


def test_without_being_told_it_waits_longer_each_time(desk: Helpdesk) -> None:
    fill(desk, 8)
    for _ in range(3):
        desk.fails(first_list(desk), 429)
    assert pull(desk).came == 8
    one, two, three = desk.clock.waits
    assert 1 <= one <= 2 <= two <= 4 <= three <= 8


@pytest.mark.parametrize("told", ["120", "99999999999999999999", "-5", "soon", "1e9"])
def test_a_long_wait_is_left_to_the_caller_and_a_senseless_one_to_nobody(desk: Helpdesk, told: str) -> None:
    fill(desk, 8)
    desk.fails(first_list(desk), 429, Retry_After=told)
    if told in ("120", "99999999999999999999"):
        with pytest.raises(TryLater, match="asks us to wait") as error:
            pull(desk)
        assert error.value.seconds == (120 if told == "120" else 86_400)
        assert desk.clock.waits == []
    assert pull(desk).came == 8


def test_being_told_to_wait_in_the_middle_keeps_what_was_fetched(desk: Helpdesk) -> None:
    fill(desk, 20)
    desk.fails(one_of(desk), 429, Retry_After="600")
    kept = Kept()
    with pytest.raises(TryLater):
        pull(desk, kept)
    assert 0 < kept.came < 20
    assert pull(desk, kept).came == 20


@pytest.mark.parametrize(
    "limit",
    [
        {"ratelimit-limit": "100", "ratelimit-remaining": "4", "ratelimit-reset": "11"},
        {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "4", "X-RateLimit-Reset": str(START + 100_011)},
    ],
)
def test_a_limit_that_is_nearly_used_up_is_waited_for(intercom: Helpdesk, limit: dict[str, str]) -> None:
    fill(intercom, 2)
    intercom.headers = limit
    assert pull(intercom).came == 2
    assert intercom.clock.waits[0] == 11.0
    intercom.clock.waits.clear()
    intercom.headers = limit | {"ratelimit-remaining": "90", "X-RateLimit-Remaining": "90"}
    pull(intercom)
    assert intercom.clock.waits == []


@pytest.mark.parametrize("wrong", [(500, b"{}"), (502, b"<html>"), (200, b'{"tickets": [{"id": 1')])
def test_what_fails_once_is_asked_again(desk: Helpdesk, wrong: tuple[int, bytes]) -> None:
    fill(desk, 8)
    desk.fails(first_list(desk), *wrong)
    desk.fails(one_of(desk), *wrong)
    kept = pull(desk)
    assert (kept.came, kept.told, len(desk.clock.waits)) == (8, [], 2)


def test_a_help_desk_that_is_down_is_asked_four_times_and_left_for_later(desk: Helpdesk) -> None:
    fill(desk, 8)
    for _ in range(4):
        desk.fails(first_list(desk))
    with pytest.raises(TryLater, match=r"answered with an error of its own \(500\), 4 times in a row\. Nothing is lost") as error:
        pull(desk)
    assert error.value.seconds >= 60
    assert not desk.wrong
    assert pull(desk).came == 8


def test_one_that_can_never_be_fetched_holds_the_rest_up_for_three_pulls_only(desk: Helpdesk) -> None:
    fill(desk, 12)
    kept = Kept()
    for _ in range(12):
        desk.fails(one_of(desk))
    for _ in range(2):
        with pytest.raises(TryLater):
            pull(desk, kept)
        assert kept.told == []
    pull(desk, kept)
    assert set(kept.texts()) == set(range(1, 13)) - {5}
    assert len(kept.told) == 1
    assert "5: left out, since it could not be fetched in 3 pulls: " in kept.told[0]
    assert "Nothing is lost" not in kept.told[0]
    assert kept.came == 11


def test_an_outage_tells_nobody_off(desk: Helpdesk) -> None:
    """While nothing at all is answered, no conversation is to blame, however long it takes."""
    fill(desk, 12)
    kept = Kept()
    for _ in range(10):
        for _ in range(4):
            desk.fails(".")
        with pytest.raises(TryLater):
            pull(desk, kept)
    assert pull(desk, kept).texts() == holds(desk)


def test_a_key_withdrawn_in_the_middle_stops_it_and_what_was_fetched_is_kept(desk: Helpdesk) -> None:
    fill(desk, 20)
    desk.fails(one_of(desk), 401)
    kept = Kept()
    with pytest.raises(Refused, match=r"does not accept the key \(401\)"):
        pull(desk, kept)
    assert 0 < kept.came < 20
    assert pull(desk, kept).texts() == holds(desk)
    assert kept.came == 20


def test_a_page_instead_of_data_is_refused(desk: Helpdesk) -> None:
    desk.fails(first_list(desk), 200, b"<html>Sign in</html>", Content_Type="text/html")
    with pytest.raises(Refused, match="answered with a page, not with data"):
        pull(desk)


def test_another_programs_data_is_refused(desk: Helpdesk) -> None:
    for body in (b'{"hello": "world"}', b"[]", b'"yes"'):
        desk.fails(first_list(desk), 200, body)
        with pytest.raises(Refused, match="does not answer as"):
            pull(desk)


def test_a_redirect_is_not_followed(desk: Helpdesk) -> None:
    with helpdesk.running(desk.product) as other:
        desk.fails(first_list(desk), 302, Location=f"{other.url}/elsewhere")
        with pytest.raises(Refused, match=r"sends us on to 127\.0\.0\.1"):
            pull(desk)
        assert other.asked == []


def test_an_answer_without_end_is_cut_off(zendesk: Helpdesk, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(zendesk, 8)
    monkeypatch.setattr(asking, "LARGEST", 20_000)
    zendesk.fails(first_list(zendesk), 200, json.dumps({"tickets": ["x" * 30_000]}).encode())
    with pytest.raises(Refused, match="more than 0 MB"):
        pull(zendesk)
    zendesk.add(5, START + 500, "y" * 30_000)
    kept = pull(zendesk)
    assert (kept.came, len(kept.told)) == (7, 1)  # one that is too large is told


def ask(desk: Helpdesk, **how: Any) -> dict[str, Any]:
    with asking.desk(
        desk.product, desk.account(), {"Authorization": f"Bearer {SECRET}"}, wait=desk.clock.wait, clock=desk.clock, **how
    ) as line:
        return line.get("/me")


def test_a_help_desk_that_does_not_answer_in_time_is_left_for_later(intercom: Helpdesk) -> None:
    done = threading.Event()
    for _ in range(2):
        intercom.wrong.append(("me", lambda: bool(done.wait(5)) and None))
    with pytest.raises(TryLater, match="did not answer in time, 2 times in a row"):
        ask(intercom, timeout=0.2, tries=2)
    done.set()
    assert ask(intercom, timeout=5)["name"] == "Ada"


def test_a_help_desk_that_is_not_there_is_told(desk: Helpdesk) -> None:
    with socket.socket() as taken:  # a port that nobody answers at
        taken.bind(("127.0.0.1", 0))
        account = desk.account(url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Refused, match=r"could not be reached at 127\.0\.0\.1 \(ConnectError\)"):
            CONNECTORS[desk.product].check(account, wait=desk.clock.wait, clock=desk.clock)
    assert desk.clock.waits == []  # a check tells at once


# Connecting.


def connected(desk: Helpdesk, **other: str) -> str:
    return CONNECTORS[desk.product].check(desk.account(**other), wait=desk.clock.wait, clock=desk.clock)


def test_a_check_says_as_whom_one_is_connected(desk: Helpdesk) -> None:
    assert connected(desk) in ("Connected to 127.0.0.1, as Ada.", "Connected to Ferngrove, as Ada.")
    assert len(desk.asked) == 1


def test_a_wrong_key_is_told(desk: Helpdesk) -> None:
    with pytest.raises(Refused, match=r"does not accept the key \(401\)\. Check the key"):
        connected(desk, secret="another")


def test_a_wrong_address_is_told(desk: Helpdesk) -> None:
    desk.fails(".", 404)
    with pytest.raises(Refused, match=r"has no such page \(404\)"):
        connected(desk)


def test_zendesk_is_asked_as_an_administrator(zendesk: Helpdesk) -> None:
    zendesk.fails("me", 200, b'{"user": {"id": null, "name": "Anonymous user"}}')
    with pytest.raises(Refused, match="does not know this e-mail address"):
        connected(zendesk)
    zendesk.fails("me", 200, b'{"user": {"id": 2, "name": "Rita", "role": "agent"}}')
    with pytest.raises(Refused, match=r"Rita is agent in Zendesk\. Its export needs an administrator's key"):
        connected(zendesk)
    assert connected(zendesk, account="") == "Connected to 127.0.0.1, as Ada."  # an OAuth token


def test_chatwoots_account_is_a_number_that_the_key_belongs_to(chatwoot: Helpdesk) -> None:
    with pytest.raises(Refused, match="not in account 4, but in: 3"):
        connected(chatwoot, account="4")
    for wrong in ("", "mine", "3/../4"):
        with pytest.raises(Refused, match="the account must be its number"):
            connected(chatwoot, account=wrong)


@pytest.mark.parametrize(
    "url",
    [
        "http://desk.example.com", "http://169.254.169.254/", "ftp://desk.example.com", "https://", "https://user:pass@desk.example.com",
        "https://desk.example.com?key=1", "https://desk.example.com#x", "file:///etc/passwd", "https://[broken", "https://desk.example.com:99999",
        "http://127.0.0.1.example.com", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_an_address_that_is_none_or_not_encrypted_is_never_asked(url: str) -> None:
    with pytest.raises(Refused, match="Zendesk was not asked"):
        asking.address(url, "Zendesk")


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("ferngrove.zendesk.com", "https://ferngrove.zendesk.com"),
        (" https://ferngrove.zendesk.com/agent/tickets/1 ", "https://ferngrove.zendesk.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000/app", "http://[::1]:3000"),
    ],
)
def test_an_address_is_taken_as_people_copy_it(url: str, made: str) -> None:
    assert asking.address(url, "Zendesk") == made


@pytest.mark.parametrize("secret", ["", "two\nlines", "schlüssel"])
def test_what_is_no_key_is_not_sent(desk: Helpdesk, secret: str) -> None:
    with pytest.raises(Refused, match="its key is missing, or is no key"):
        connected(desk, secret=secret)
    assert desk.asked == []


def test_no_error_holds_the_key_or_what_a_customer_wrote(desk: Helpdesk) -> None:
    fill(desk, 8)
    told = [repr(desk.account()), str(desk.account())]
    for status in (300, 302, 400, 401, 403, 404, 418, 422, 429, 500, 503, 200):
        for _ in range(4):
            desk.fails(".", status, b'{"error": "jo.doe@example.org 4111 1111 1111 1111"', Location=f"https://x.example/?k={SECRET}")
        with pytest.raises(Refused) as error:
            pull(desk)
        desk.wrong.clear()
        told += [str(error.value), repr(error.value), repr(error.value.__cause__), repr(error.value.__context__)]
    everything = "\n".join(told)
    assert "jo.doe" not in everything
    assert "4111" not in everything
    assert SECRET not in everything
    assert pull(desk).came == 8  # with the same key it is let in
    assert SECRET in repr(vars(Account("", "", SECRET, "")))
