"""Health figures in Prometheus's text form. Numbers only: no name, no address, no text of anybody."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector

from data import access, approvals, audit, config, people, store, tasks
from portal.beat import worker_age

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

registry = CollectorRegistry(auto_describe=True)
ProcessCollector(namespace="portal", registry=registry)
requests = Counter("portal_requests", "Answers over HTTP.", ["place", "status"], registry=registry)
seconds = Histogram("portal_request_seconds", "How long an answer took to begin.", ["place"], buckets=BUCKETS, registry=registry)
errors = Counter("portal_errors", "Faults of ours that a person saw a reference for.", ["where"], registry=registry)


def answered(path: str, status: int, took: float) -> None:
    place = place_of(path)
    requests.labels(place, str(status // 100) + "xx").inc()
    seconds.labels(place).observe(took)


def place_of(path: str) -> str:
    """A handful of places, so that no id and no address becomes a label."""
    first = path.split("/")[1:2]
    known = {"api": "api", "auth": "sign-in", "_stcore": "screens", "static": "static", "widget": "widget", "widget.js": "widget"}
    return known.get(first[0] if first else "", "pages")


class Store:
    """What the database says now, asked when somebody looks."""

    def describe(self) -> list[Metric]:
        """Nothing beforehand: there may be no database yet when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        told = GaugeMetricFamily("portal_tasks", "Background tasks by state.", labels=["state"])
        counts = tasks.counts()
        for state in ("waiting", "running", *tasks.ENDED):
            told.add_metric([state], counts.get(state, 0))
        yield told
        yield GaugeMetricFamily("portal_runners", "Workers that beat.", len(tasks.living_runners()))
        yield GaugeMetricFamily("portal_proposals_waiting", "Proposals that wait for a second person.", approvals.waiting_count())
        yield GaugeMetricFamily("portal_people_active", "Accounts that are not disabled.", people.active_count())
        yield GaugeMetricFamily("portal_record_entries", "Entries of the audit record.", audit.head()[0])
        age = worker_age()
        yield GaugeMetricFamily("portal_worker_seen_seconds", "Since a worker of this machine was last seen.", -1 if age is None else age)
        denied = CounterMetricFamily("portal_denied", "Tries that a right was missing for.", labels=["verb"])
        for verb, count in access.denials.items():
            denied.add_metric([verb], count)
        yield denied
        if store.is_sqlite():
            path = config.settings().home / "portal.db"
            sizes = GaugeMetricFamily("portal_database_bytes", "The database's files.", labels=["file"])
            for name, file in (("database", path), ("log", path.with_name("portal.db-wal"))):
                sizes.add_metric([name], file.stat().st_size if file.exists() else 0)
            yield sizes


registry.register(Store())


def written() -> str:
    began = time.perf_counter()
    text: str = generate_latest(registry).decode()
    return f"{text}# this took {time.perf_counter() - began:.3f} seconds\n"
