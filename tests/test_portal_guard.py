"""Nobody comes past the guard unnamed, from another site, or under a name they chose themselves."""

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from data import people, sessions, store
from data.tables import Person
from portal.api import api
from tests.conftest import fresh_sqlite, hire
from tests.server import Server, cookie_of, hidden, in_a_loop, inside, serving

FIXED_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


@dataclass
class Portal:
    server: Server
    rep: str  # cookies
    admin: str
    rep_person: Person
    admin_person: Person
    admin_session: str


@pytest.fixture(scope="module")
def portal(templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    home = tmp_path_factory.mktemp("guarded")
    fresh_sqlite(templates, tmp_path_factory, home)
    with inside(home):
        staff = hire()
        rep, admin = sessions.start(staff.rep), sessions.start(staff.admin)
        session = sessions.of_cookie(admin)
    assert session is not None
    with serving(home, PORTAL_ALLOWED_HOSTS='["portal.example"]') as server:
        yield Portal(server, rep, admin, staff.rep, staff.admin, session.id)


def raw(server: Server, target: str, *, method: str = "GET", host: str | None = None, **headers: str) -> tuple[int, bytes]:
    """A request whose target goes out as it is written here: httpx would tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.putrequest(method, target, skip_host=True)
        if host != "":
            connection.putheader("Host", host or server.netloc)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


# Who is not signed in


@pytest.mark.parametrize("path", ["/", "/review", "/conversations?id=7&x=a%26b", "/people", "/nothing/here", "//elsewhere.example/x"])
def test_a_stranger_is_sent_to_sign_in_and_then_back_to_the_page(portal: Portal, path: str) -> None:
    answer = portal.server.browser().get(portal.server.base + path)
    assert answer.status_code == 303
    where = urlsplit(answer.headers["location"])
    assert (where.netloc, where.path) == ("", "/auth/signin")
    assert parse_qs(where.query) == {"next": [path]}
    assert answer.content == b""


CLOSED = [
    "/api/v1/me", "/api/v1/conversations", "/api/v1/openapi.json", "/api/docs", "/api/v1/", "/_stcore/stream", "/_stcore/host-config",
    "/_stcore/upload_file/a/b", "/_stcore/allowed-message-origins", "/media/0123456789abcdef.csv", "/component/x/index.html",
    "/vendor/x.js",
]  # fmt: skip


@pytest.mark.parametrize("path", CLOSED)
def test_a_stranger_gets_nothing_that_is_not_a_page(portal: Portal, path: str) -> None:
    answer = portal.server.browser().get(path)
    assert (answer.status_code, answer.text) == (401, "Sign in first.")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_a_stranger_is_refused_whatever_the_method(portal: Portal, method: str) -> None:
    for path in ("/", "/api/v1/conversations", "/_stcore/upload_file/a/b"):
        assert portal.server.browser().request(method, path).status_code == 401


def test_what_must_be_open_is_open(portal: Portal) -> None:
    browser = portal.server.browser()
    for path in ("/auth/signin", "/auth/style.css", "/auth/mark.svg", "/api/v1/health", "/api/v1/ready", "/_stcore/health"):
        assert browser.get(path).status_code == 200, path


@pytest.mark.parametrize("cookie", ["", "x", "a" * 5000, "né", '"; x=', "\\", "0", "$Version=1", "../../etc/passwd", "' OR 1=1 --"])
def test_a_made_up_cookie_is_nobody(portal: Portal, cookie: str) -> None:
    answer = portal.server.browser().get("/api/v1/me", headers={b"Cookie": f"portal_session={cookie}".encode()})
    assert answer.status_code == 401


def test_a_right_cookie_opens_pages_and_api(portal: Portal) -> None:
    browser = portal.server.browser(cookie=portal.rep)
    assert browser.get("/api/v1/me").json() == {"name": "Rita", "role": "rep"}
    page = browser.get("/review")
    assert page.status_code == 200 and "<html" in page.text


SIDE_DOORS = [
    "/auth/../api/v1/me", "/auth/..%2fapi/v1/me", "/auth/%2e%2e/api/v1/me", "/static/../api/v1/me", "/static/..%2f..%2fportal.db",
    "/static/%2e%2e/%2e%2e/portal.db", "/static/....//....//portal.db", "/favicon/../api/v1/me", "/api/v1/health/../me",
    "/api/v1/ready/..%2fme", "/api/v1/health%2f..%2fme", "/auth/signin/../../media/x", "/static/..%5c..%5cportal.db", "/static//etc/passwd",
    "/auth/%00", "/static/%00", "/auth//api/v1/me", "/auth/api/v1/me", "/API/v1/me", "/%61pi/v1/me", "/api/%76%31/me", "/./api/v1/me",
    "//api/v1/me", "/api/v1/me%3f/auth/", "/api/v1/me#/auth/", "/_stcore/health/../stream", "/static/../../../../../../etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("target", SIDE_DOORS)
def test_no_odd_path_leads_a_stranger_in(portal: Portal, target: str) -> None:
    status, body = raw(portal.server, target)
    assert status in (303, 400, 401, 404, 405) or b"<title>Streamlit</title>" in body, (status, body[:200])  # the frame, without data
    assert b"SQLite format" not in body and b"root:" not in body and b'"role"' not in body
    assert raw(portal.server, "/api/v1/me", Cookie=f"portal_session={portal.rep}")[0] == 200  # the control: this way it is open


# Websockets


def test_a_stranger_gets_no_websocket(portal: Portal) -> None:
    assert portal.server.websocket_status() == 403
    assert portal.server.websocket_status("made up") == 403
    assert portal.server.websocket_status(portal.rep) == 101


def test_a_foreign_origin_gets_no_websocket(portal: Portal) -> None:
    port = portal.server.port
    foreign = [
        None, "null", "", "http://evil.example", "https://evil.example", f"http://evil.example:{port}", f"http://127.0.0.1:{port + 1}",
        f"http://127.0.0.1:{port - 1}", "http://127.0.0.1", "http://127.0.0.1:80", f"http://localhost:{port}", f"http://[::1]:{port}",
        f"http://127.0.0.1.evil.example:{port}", f"http://evil.example/127.0.0.1:{port}", f"http://evil.example#127.0.0.1:{port}",
        f"http://127.0.0.1:{port}@evil.example", f"http://evil.example@127.0.0.1:{port}", f"http://127.0.0.1:{port}.evil.example",
        f"http://127.1:{port}", f"http://2130706433:{port}", f"http://0.0.0.0:{port}", "file://", "chrome-extension://abcdef",
        f"127.0.0.1:{port}", f"http://portal.example:{port}",
    ]  # fmt: skip
    accepted = [origin for origin in foreign if portal.server.websocket_status(portal.rep, origin=origin or "x-empty") != 403]
    assert len(foreign) >= 20 and accepted == []
    assert portal.server.websocket_status(portal.rep, origin=None) == 403
    assert portal.server.websocket_status(portal.rep) == 101  # the control: the same cookie from our own page


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://]", "http://[x]"])
def test_an_origin_that_is_no_address_is_refused_like_any_other(portal: Portal, origin: str) -> None:
    assert portal.server.websocket_status(portal.rep, origin=origin) == 403
    answer = portal.server.browser(cookie=portal.rep).post("/api/v1/conversations", json=[], headers={"Origin": origin})
    assert answer.status_code == 403
    assert_headers(answer)


# Whom the client claims to be

CLAIMS = ["X-Portal-Session", "x-portal-session", "X_Portal_Session", "X-Portal_Session", "X_PORTAL-SESSION"]


def claims(portal: Portal) -> dict[str, str]:
    others = ("X-Portal-Person", "X_Portal_Person", "x_portal-person", "X-Portal-Other")
    return dict.fromkeys(CLAIMS, portal.admin_session) | dict.fromkeys(others, portal.admin_person.id)


def test_who_claims_to_be_an_admin_stays_who_they_are(portal: Portal) -> None:
    forged = claims(portal)
    assert portal.server.browser(**forged).get("/api/v1/me").status_code == 401
    assert portal.server.browser(cookie=portal.rep, **forged).get("/api/v1/me").json()["name"] == "Rita"
    assert portal.server.browser(cookie=portal.rep, **forged).get("/people").status_code == 200


def test_without_the_guard_the_claim_would_be_believed(portal: Portal) -> None:
    """The control of the test above."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://here") as client:
            return await client.get("/v1/me", headers={"X-Portal-Session": portal.admin_session})

    with portal.server.inside():
        assert in_a_loop(ask).json()["name"] == "Ada"


def screen(portal: Portal, cookie: str, **headers: str) -> bytes:
    """Everything that the first page sends a websocket that came this way."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    said = b""
    with portal.server.websocket(cookie, **headers) as socket:
        socket.send(message.SerializeToString())
        while True:
            received = socket.recv(timeout=90)
            assert isinstance(received, bytes)
            said += received
            if ForwardMsg.FromString(received).WhichOneof("type") == "script_finished":
                return said.replace(b"\\", b"").replace("\u2060".encode(), b"")  # as Markdown shows it, without unseen joiners


def test_a_screen_is_drawn_for_whom_the_cookie_names(portal: Portal) -> None:
    forged = {name: value for name, value in claims(portal).items() if name != "x-portal-session"}
    said = screen(portal, portal.rep, **forged)
    assert b"rita@example.com" in said and b"ada@" not in said
    assert b"ada@example.com" in screen(portal, portal.admin)  # the control


# The name in the address bar

STRANGE_HOSTS = [
    "evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "localhost.evil.example", "127.0.0.2:{port}", "0.0.0.0:{port}",
    "127.1:{port}", "[::ffff:127.0.0.1]:{port}", "evil.example:{port}@127.0.0.1", "127.0.0.1:{port}:1", "127.0.0.1 evil.example", ".",
    "x.portal.example", "portal.example.evil.example",
]  # fmt: skip


@pytest.mark.parametrize("host", STRANGE_HOSTS)
def test_an_unknown_host_is_refused(portal: Portal, host: str) -> None:
    host = host.format(port=portal.server.port)
    for path in ("/", "/auth/signin", "/api/v1/health", "/api/v1/me"):
        answer = portal.server.browser(cookie=portal.rep).get(path, headers={"Host": host})
        assert answer.status_code == 421 and "PORTAL_ALLOWED_HOSTS" in answer.text
    origin = f"http://{host}"
    assert raw(portal.server, "/_stcore/stream", host=host, Cookie=f"portal_session={portal.rep}", Origin=origin)[0] == 421


def test_a_websocket_to_an_unknown_host_is_refused(portal: Portal) -> None:
    def upgrade(host: str) -> int:
        asked = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
        }
        cookie = f"portal_session={portal.rep}"
        return raw(portal.server, "/_stcore/stream", host=host, Origin=f"http://{host}", Cookie=cookie, **asked)[0]

    assert [upgrade(host.format(port=portal.server.port)) for host in STRANGE_HOSTS[:5]] == [403] * 5
    assert upgrade(f"localhost:{portal.server.port}") == 101


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "LOCALHOST:{port}", "localhost", "[::1]:{port}", "portal.example", "portal.example:443"]
)
def test_a_known_host_is_answered(portal: Portal, host: str) -> None:
    assert portal.server.browser().get("/api/v1/health", headers={"Host": host.format(port=portal.server.port)}).status_code == 200


def test_a_request_that_names_no_host_is_refused(portal: Portal) -> None:
    assert raw(portal.server, "/api/v1/health", host="")[0] in (400, 421)


# What comes from another site


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_another_site_cannot_write(portal: Portal, method: str, origin: str) -> None:
    browser = portal.server.browser(cookie=portal.rep)
    for path in ("/api/v1/conversations", "/auth/signout", "/auth/signin", "/_stcore/upload_file/a/b"):
        answer = browser.request(method, path, headers={"Origin": origin}, content=b"[]")
        assert answer.status_code == 403 and "another site" in answer.text
    assert browser.get("/api/v1/me").status_code == 200  # nobody was signed out


def test_a_write_that_does_not_say_where_it_comes_from_is_refused(portal: Portal) -> None:
    browser = portal.server.browser(cookie=portal.rep)
    del browser.headers["Origin"]
    assert "came from another site" in browser.post("/api/v1/conversations", json=[]).text
    allowed = browser.post("/api/v1/conversations", json=[], headers={"Origin": portal.server.base})  # the control: now the right is asked
    assert allowed.status_code == 403 and "may not ingest" in allowed.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/api/docs", "/api/redoc", "/api/openapi.json", "/api", "/api/", "/_stcore/metrics", "/_stcore/metrics/", "/_stcore/agent"]
)
def test_there_is_no_such_door_even_for_an_admin(portal: Portal, path: str) -> None:
    assert portal.server.browser(cookie=portal.admin).get(path).status_code == 404


# What every answer carries


def assert_headers(answer: httpx.Response) -> None:
    for name, value in FIXED_HEADERS.items():
        assert answer.headers.get_list(name) == [value], (answer.status_code, name)
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1, (answer.status_code, policies)
    rules = {part.split()[0]: part.split()[1:] for part in policies[0].split(";")}
    assert rules["default-src"] == ["'none'"] and rules["frame-ancestors"] == ["'none'"] and rules["base-uri"] == ["'none'"]
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:"} & set(rules.get("script-src", []))
    assert "*" not in policies[0] and "server" not in answer.headers


def test_every_answer_carries_the_safety_headers(portal: Portal) -> None:
    stranger, rep = portal.server.browser(), portal.server.browser(cookie=portal.rep)
    stranger_asks = [
        "/", "/api/v1/me", "/media/x", "/auth/signin", "/auth/nothing", "/auth/style.css", "/auth/first?token=x", "/api/v1/health",
        "/api/v1/ready", "/_stcore/health", "/_stcore/metrics",
    ]  # fmt: skip
    rep_asks = ["/", "/api/v1/me", "/api/nothing", "/api/docs", "/media/nothing", "/static/nothing.js", "/nothing/here"]
    answers = [stranger.get(path) for path in stranger_asks] + [rep.get(path) for path in rep_asks]
    answers += [stranger.post("/auth/signin", data={}), stranger.post("/auth/demo", data={}), stranger.put("/auth/signin")]
    answers += [
        stranger.get("/", headers={"Host": "evil.example"}),
        stranger.post("/auth/signin", headers={"Origin": "http://evil.example"}),
    ]
    answers += [rep.head("/"), rep.delete("/api/v1/me"), rep.get("/api/v1/audit?page=-1")]
    assert {answer.status_code for answer in answers} >= {200, 303, 400, 401, 403, 404, 405, 421, 422}
    for answer in answers:
        assert_headers(answer)


def test_pages_of_the_sign_in_run_no_script_at_all(portal: Portal) -> None:
    policy = portal.server.browser().get("/auth/signin").headers["content-security-policy"]
    assert "script-src" not in policy and "form-action 'self'" in policy


def test_an_answer_about_our_own_fault_carries_them_too(portal: Portal) -> None:
    """The table of sign-ins is taken away under the running portal."""
    with portal.server.inside(), store.engine().begin() as db:
        db.exec_driver_sql("ALTER TABLE sign_in RENAME TO sign_in_gone")
    try:
        answers = [portal.server.browser(cookie=portal.rep).get(path) for path in ("/", "/api/v1/me")]
    finally:
        with portal.server.inside(), store.engine().begin() as db:
            db.exec_driver_sql("ALTER TABLE sign_in_gone RENAME TO sign_in")
    for answer in answers:
        assert answer.status_code in (500, 503) and "sign_in" not in answer.text
        assert_headers(answer)
    assert portal.server.browser(cookie=portal.rep).get("/api/v1/me").status_code == 200


# Where a sign-in leads

ELSEWHERE = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
    "/\n/evil.example", "/\r\nSet-Cookie: a=b", "\t//evil.example", " //evil.example", "http:evil.example", "javascript:alert(1)",
    "data:text/html,x", "evil.example", "@evil.example", "/\x00/evil.example", "//evil.example/%2e%2e", "////evil.example",
    "/\\/evil.example", "https:///evil.example", "http://127.0.0.1:1/", "/auth/signout", "",
]  # fmt: skip


@pytest.mark.parametrize("onward", ELSEWHERE)
def test_a_sign_in_never_leads_to_another_site(portal: Portal, onward: str) -> None:
    where = signed_in_towards(portal, onward)
    tidied = where.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "").strip()
    assert urlsplit(urljoin(portal.server.base + "/auth/signin", tidied)).netloc == portal.server.netloc
    assert where == "/"


def test_a_sign_in_leads_back_to_the_page_that_was_asked_for(portal: Portal) -> None:
    assert signed_in_towards(portal, "/review?id=7&view=a b") == "/review?id=7&view=a%20b"


def signed_in_towards(portal: Portal, onward: str) -> str:
    with portal.server.inside():
        demo = next(iter(people.demo_people()), None)
        person = demo or people.add("Dora", "dora@example.com", "rep", by=people.console(), demo=True)
    browser = portal.server.browser()
    page = browser.get("/auth/signin").text
    csrf = hidden(page, "csrf")
    answer = browser.post("/auth/demo", data={"person": person.id, "csrf": csrf, "next": onward})
    assert answer.status_code == 303 and cookie_of(browser)
    assert "set-cookie" in answer.headers and "a=b" not in answer.headers["set-cookie"]
    return answer.headers["location"]
