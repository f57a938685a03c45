"""A link to a file is of no use to anybody but the person who asked, once, for five minutes (SAFETY 4)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.staticfiles import StaticFiles
from streamlit.runtime.memory_media_file_storage import _calculate_file_id

from data import config, downloads, people, sessions, store, tickets
from data.tables import Person
from data.values import now
from tests.conftest import SOAK, Staff, hire
from tests.server import Server, in_a_loop, inside, serving

FILES = 100 if SOAK else 10
PAIRS = 200 if SOAK else 10


@dataclass
class Portal:
    server: Server
    staff: Staff
    rep: httpx.Client
    lead: httpx.Client
    cookie: str

    def offered(self, content: bytes, *, by: Person | None = None, name: str = "export.csv", right: str = "") -> str:
        with self.server.inside():
            return "/api/v1/downloads/" + downloads.offer(downloads.keep(content, "csv"), name, by=by or self.staff.rep, right=right)

    def expired(self, content: bytes) -> str:
        with self.server.inside(), store.writing() as db:
            names, long_ago = {"key": downloads.keep(content, "csv"), "name": "export.csv"}, now() - timedelta(minutes=5, seconds=1)
            return "/api/v1/downloads/" + tickets.issue(db, "download", self.staff.rep.id, names, by=self.staff.rep, at=long_ago)


@pytest.fixture(scope="module")
def portal(module_home: tuple[Path, str]) -> Iterator[Portal]:
    home, url = module_home
    if url and not SOAK:
        pytest.skip("over HTTP one engine shows it; what the store does with a ticket is tested on both")
    with inside(home, url):
        staff = hire()
        cookies = [sessions.start(person) for person in (staff.rep, staff.lead)]
    with serving(home, url) as server:
        rep, lead = (server.browser(cookie=cookie) for cookie in cookies)
        yield Portal(server, staff, rep, lead, cookies[0])


def content(number: int) -> bytes:
    return f"customer,said\nNumber {number},secret {number}\n".encode()


def test_nobody_else_gets_a_file_nor_anybody_twice_or_late(portal: Portal) -> None:
    stranger, wrong, first = portal.server.browser(), [], 0
    for number in range(FILES):
        address = portal.offered(content(number))
        refused = [stranger.get(address), portal.lead.get(address), portal.rep.get(portal.expired(content(number)))]
        answer = portal.rep.get(address)  # the control, after all who should not have it tried
        first += answer.status_code == 200 and answer.content == content(number)
        assert answer.headers["cache-control"] == "no-store" and answer.headers["content-disposition"].startswith("attachment")
        refused.append(portal.rep.get(address))
        wrong += [found for found in refused if found.status_code == 200 or content(number) in found.content]
        assert [found.status_code for found in refused] == [401, 410, 410, 410]
    print(f"GETs that should fail: {4 * FILES}, answered 200: {len(wrong)}; control: {first} of {FILES}")
    assert wrong == [] and first == FILES


def test_a_link_that_is_only_hard_to_guess_is_good_for_everybody(portal: Portal) -> None:
    """The control: files under random names, served as they are. Whoever has the address has the file, any number of times."""
    with portal.server.inside():
        keys = [downloads.keep(content(number), "csv") for number in range(FILES)]
        served = StaticFiles(directory=config.folder("exports"))

    async def anonymous() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://here") as client:
            return [(await client.get(f"/{key}")).status_code for key in keys * 2]

    assert in_a_loop(anonymous) == [200] * 2 * FILES


def test_a_ticket_is_good_only_while_its_person_has_the_right(portal: Portal) -> None:
    with portal.server.inside():
        demoted = people.add("Demi", "demi@example.com", "engineer", by=people.console())
        gone = people.add("Gus", "gus@example.com", "engineer", by=people.console())
        browsers = [portal.server.browser(cookie=sessions.start(person)) for person in (demoted, gone)]
    addresses = [[portal.offered(b"x", by=person, right="dataset.download") for _ in range(2)] for person in (demoted, gone)]
    assert [browser.get(two[0]).status_code for browser, two in zip(browsers, addresses, strict=True)] == [200, 200]  # the control
    with portal.server.inside(), store.writing() as db:
        found = db.get_one(Person, demoted.id)
        found.role = "admin"  # who may read lists of datasets, and fetch none
        db.add(found)
        people.disable(gone.id, by=people.console())
    assert [browser.get(two[1]).status_code for browser, two in zip(browsers, addresses, strict=True)] == [403, 401]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_no_other_method_uses_a_ticket_up_or_gets_the_file(portal: Portal, method: str) -> None:
    address = portal.offered(b"the file")
    answer = portal.rep.request(method, address)
    assert answer.status_code == 405 and b"the file" not in answer.content
    assert portal.rep.get(address).content == b"the file"


def large(middle: bytes) -> bytes:
    """Alike at both ends and in the middle, and of the same length."""
    part = b"x" * 600_000
    return part + middle + part + b"y" * 64 + part + b"z" * 16 + part


def test_two_large_files_of_one_name_and_length_are_never_mixed_up(portal: Portal) -> None:
    mixed = 0
    for number in range(PAIRS):
        masked, raw = large(b"################"), large(f"4111111111{number:06}".encode())
        assert len(masked) == len(raw) and hashlib.sha256(masked).digest() != hashlib.sha256(raw).digest()
        addresses = [portal.offered(one) for one in (masked, raw)]
        mixed += sum(portal.rep.get(address).content != one for address, one in zip(addresses, (masked, raw), strict=True))
    print(f"equal-length pairs: {PAIRS}, mixed up: {mixed}")
    assert mixed == 0


def test_streamlits_own_name_for_a_file_mixes_them_up() -> None:
    """The control: why no export goes through st.download_button."""
    masked, raw = large(b"################"), large(b"4111111111111111")
    assert masked != raw and _calculate_file_id(masked, "text/csv", "export.csv") == _calculate_file_id(raw, "text/csv", "export.csv")


def test_no_other_site_opens_a_websocket_with_the_persons_cookie(portal: Portal) -> None:
    port = portal.server.port
    foreign = [
        None, "null", "http://evil.example", "https://evil.example", f"http://evil.example:{port}", f"http://127.0.0.1:{port + 1}",
        "http://127.0.0.1", f"http://localhost:{port}", f"http://127.0.0.1.evil.example:{port}", f"http://evil.example/127.0.0.1:{port}",
        f"http://127.0.0.1:{port}@evil.example", f"http://evil.example@127.0.0.1:{port}", f"http://127.0.0.1:{port}.evil.example",
        f"http://127.1:{port}", f"http://2130706433:{port}", f"http://0.0.0.0:{port}", "file://", "chrome-extension://abcdef",
        f"http://[::ffff:127.0.0.1]:{port}", f"http://evil.example#127.0.0.1:{port}", f"http://evil.example?127.0.0.1:{port}",
    ]  # fmt: skip
    accepted = [origin for origin in foreign if portal.server.websocket_status(portal.cookie, origin=origin) == 101]
    print(f"websockets from {len(foreign)} foreign origins: {len(accepted)} accepted")
    assert accepted == [] and len(foreign) >= 20
    assert portal.server.websocket_status(portal.cookie) == 101  # the control: the same cookie from our own page
