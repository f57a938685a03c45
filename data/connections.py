"""Where the portal reaches out to: the help desks it follows and the model endpoint it asks. An address and its key are one value."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from cryptography.exceptions import InvalidTag
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import col, select

from data import access, config, sealing, settings, store
from data import models as released
from data.budgets import Budget
from data.errors import Refused
from data.intake.connectors import CONNECTORS, Account
from data.intake.connectors.asking import address
from data.tables import Person, Proposal, Setting
from data.values import now
from language.call import JOBS, Line

ENDPOINT = "model_endpoint"
HELP_DESK = "help_desk_"  # and the product
SERVICE = "service_"  # and the name that recipes call it by
ADDRESS = "model_address "  # and the address itself
MOST_DAYS = 3650  # of history that a help desk is asked for


def _sealed(key: str, url: str) -> str:
    """The address is part of the seal: a key that was carried over to another address does not open there."""
    return sealing.seal(key, f"connection {url}")


def _unsealed(sealed: str, url: str) -> str:
    try:
        return sealing.unseal(sealed, f"connection {url}")
    except (InvalidTag, ValueError):
        raise Refused(
            "Nothing was asked: the key that is kept is not of this address. Propose the connection again, with its key."
        ) from None


class HelpDesk(BaseModel):
    model_config = ConfigDict(extra="forbid")

    product: str
    url: Annotated[str, Field(min_length=1, max_length=500)]
    account: Annotated[str, Field(max_length=200)] = ""
    sealed_secret: str
    source: Annotated[str, Field(min_length=1, max_length=100)]  # what its conversations are said to come from
    since: datetime  # what is older is left where it is
    writes: bool = False  # recipes may tag, assign, note and reply there

    def opened(self) -> Account:
        return Account(self.url, self.account, _unsealed(self.sealed_secret, _bound(self.url, self.writes)), self.source)


def _bound(url: str, writes: bool) -> str:
    """That the portal may write there is part of the seal as the address is: turned on behind two people's backs, the key does not open."""
    return f"{url} to write" if writes else url


class Endpoint(BaseModel):
    """Any server of chat completions. Another model for each kind of job; prices and budgets in one currency."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=500)]
    sealed_key: str = ""
    models: dict[str, Annotated[str, Field(min_length=1, max_length=200)]]
    prices: dict[str, tuple[float, float]] = {}  # model -> per million tokens, in and out
    timeout: Annotated[float, Field(gt=0, le=600)] = 60.0
    at_once: Annotated[int, Field(ge=1, le=64)] = 4
    tokens_per_day: Annotated[int, Field(ge=0)] | None = 2_000_000
    money_per_day: Annotated[float, Field(ge=0)] | None = 20.0
    tokens_per_person: Annotated[int, Field(ge=0)] | None = 500_000
    money_per_person: Annotated[float, Field(ge=0)] | None = 5.0

    def line(self) -> Line:
        key = _unsealed(self.sealed_key, self.url) if self.sealed_key else ""
        try:
            return Line(self.url, key, self.models, prices=self.prices, timeout=self.timeout, at_once=self.at_once)
        except ValueError as wrong:
            raise Refused(f"Nothing was asked: {wrong}") from None

    def budget(self) -> Budget:
        return Budget(self.tokens_per_day, self.money_per_day, self.tokens_per_person, self.money_per_person)


# -- the model endpoint -----------------------------------------------------------------------------------------------------------------


def fixed_by_environment() -> bool:
    return bool(config.settings().openai_base_url or config.settings().openai_api_key)


def endpoint() -> Endpoint | None:
    """From the environment where it says so, else what was approved here. A key of one is never used with an address of the other."""
    here = config.settings()
    if fixed_by_environment():
        url = here.openai_base_url or "https://api.openai.com/v1"
        return Endpoint(
            url=url,
            sealed_key=_sealed(here.openai_api_key, url) if here.openai_api_key else "",
            models=dict.fromkeys(JOBS, here.model or "gpt-5-mini"),
        )
    found = settings.current(ENDPOINT)
    return Endpoint.model_validate(found) if found else None


def propose_endpoint(
    url: str, key: str, models: dict[str, str], *, why: str, by: Person, prices: dict[str, tuple[float, float]] | None = None, **limits: Any
) -> Proposal:
    """The key is typed anew with each proposal: one that is kept never goes to another address. Models that have answered stay."""
    access.require(by, "connection.propose")
    if fixed_by_environment():
        raise Refused("Not proposed: the environment sets the model endpoint (OPENAI_BASE_URL, OPENAI_API_KEY), and what it says wins.")
    named = _named({job: models[job].strip() for job in JOBS if models.get(job, "").strip()}, url.strip())
    try:
        line = Line(url.strip(), key.strip(), named)
        sealed = _sealed(line.key, line.url) if line.key else ""
        value = Endpoint(url=line.url, sealed_key=sealed, models=named, prices=prices or {}, **limits)
    except ValidationError as error:
        raise _unusable(error) from None
    except ValueError as error:
        raise Refused(f"Not proposed: {error}") from None
    if not settings.is_private_line(value.url):
        raise Refused("Not proposed: the address must begin with https://. The key would go readable over the network.")
    told = f"Redacted conversations could be sent to the models of {line.host}, {_budget_in_words(value)}."
    return settings.propose_connection(ENDPOINT, value.model_dump(mode="json"), f"ask the models of {line.host}", told, why, by)


def _named(told: dict[str, str], url: str) -> dict[str, str]:
    """A model for each job. One that has answered is changed by a release alone, and so is where it is asked."""
    standing = {job: found for job in JOBS if (found := released.live(job))}
    for job, one in standing.items():
        if told.get(job, one.name) != one.name:
            raise Refused(
                f"Not proposed: the model of '{job}' changes from '{one.name}' to '{told[job]}'. A new model is tried first: "
                "'Try a new model' on Installation, or portal model try."
            )
    now_is = endpoint()
    moved = [job for job, one in standing.items() if now_is and one.is_at(now_is.url) and not one.is_at(url)]
    if moved:
        raise Refused(
            f"Not proposed: the models of {_listed(moved)} would be asked at another address than {standing[moved[0]].url}. "
            "Propose it as another address for models, and try them there first."
        )
    kept = now_is.models if now_is and not told else {}
    named = {job: standing[job].name if job in standing else told.get(job) or kept.get(job, "") for job in JOBS}
    first = next((name for name in (*told.values(), *named.values()) if name), None)
    if first is None:
        raise Refused("Not proposed: name at least one model.")
    return {job: name or first for job, name in named.items()}


def _listed(jobs: list[str]) -> str:
    quoted = [f"'{job}'" for job in jobs]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


# -- other addresses that a model may be tried and released at ----------------------------------------------------------------------------


class Address(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=500)]
    sealed_key: str = ""


def addresses() -> list[str]:
    """Those that two people approved beside the endpoint."""
    with store.reading() as db:
        names = db.exec(select(Setting.name).where(col(Setting.name).startswith(ADDRESS, autoescape=True)).distinct()).all()
    return sorted(name.removeprefix(ADDRESS) for name in names)


def key_at(url: str) -> str:
    """The key that was approved together with this address; an address that nobody approved is not asked."""
    found = settings.current(f"{ADDRESS}{url}")
    value = Address.model_validate(found) if found else None
    if value is None or value.url != url:
        raise Refused(f"Nothing was asked: no connection to models at {url} is approved. An engineer or an admin proposes it.")
    return _unsealed(value.sealed_key, url) if value.sealed_key else ""


def propose_address(url: str, key: str, *, why: str, by: Person) -> Proposal:
    """Another place to ask models at. It changes no job: what is tried there goes live by a release."""
    access.require(by, "connection.propose")
    try:
        line = Line(url.strip(), key.strip(), {})
        value = Address(url=line.url, sealed_key=_sealed(line.key, line.url) if line.key else "")
    except ValidationError as error:
        raise _unusable(error) from None
    except ValueError as error:
        raise Refused(f"Not proposed: {error}") from None
    if not settings.is_private_line(value.url):
        raise Refused("Not proposed: the address must begin with https://. The key would go readable over the network.")
    told = f"Models could be tried at {line.host}: redacted cases would go there. No job's model changes by that."
    return settings.propose_connection(f"{ADDRESS}{value.url}", value.model_dump(mode="json"), f"try models at {line.host}", told, why, by)


def _budget_in_words(value: Endpoint) -> str:
    most = [f"{value.tokens_per_day:,} tokens"] if value.tokens_per_day is not None else []
    most += [f"a cost of {value.money_per_day:,.2f}"] if value.money_per_day is not None else []
    return f"at most {' and '.join(most)} a day" if most else "without a limit a day"


def _unusable(error: ValidationError) -> Refused:
    wrong = error.errors()[0]
    return Refused(f"Not proposed: {wrong['loc'][0]} cannot be used: {wrong['msg'].lower()}.")


# -- help desks -------------------------------------------------------------------------------------------------------------------------


def help_desks() -> dict[str, HelpDesk]:
    """Those in force, by product."""
    found = {product: settings.current(f"{HELP_DESK}{product}") for product in CONNECTORS}
    return {product: HelpDesk.model_validate(value) for product, value in found.items() if value}


def who_connected(product: str) -> str | None:
    """Who proposed it: what it brings in, it brings in on their right."""
    with store.reading() as db:
        query = select(Proposal.proposer_id).join(Setting, col(Setting.proposal_id) == col(Proposal.id))
        last = query.where(Setting.name == f"{HELP_DESK}{product}").order_by(col(Setting.number).desc())
        return db.exec(last).first()


def propose_help_desk(
    product: str, url: str, account: str, secret: str, *, why: str, by: Person, source: str = "", days: int = 90, writes: bool = False,
    at: datetime | None = None,
) -> Proposal:  # fmt: skip
    access.require(by, "connection.propose")
    if product not in CONNECTORS:
        raise Refused(f"Not proposed: there is no connector for '{product}'. There are {', '.join(CONNECTORS)}.")
    name, secret = CONNECTORS[product].NAME, secret.strip()
    if not secret:
        raise Refused("Not proposed: the key is empty. Address and key are one value and change together.")
    if not secret.isascii() or not secret.isprintable():
        raise Refused("Not proposed: the key holds signs that no key has. Copy it again.")
    if not 0 <= days <= MOST_DAYS:
        raise Refused(f"Not proposed: from 0 to {MOST_DAYS:,} days of history can be asked for, not {days:,}.")
    if not settings.is_private_line(url.strip()):
        raise Refused("Not proposed: the address must begin with https://. The key would go readable over the network.")
    where = address(url, name)  # without a path, so that who approves reads the host and nothing that looks like one
    if not where.isascii():
        raise Refused("Not proposed: the address holds letters that look like others. Write it in a to z, as your browser shows it.")
    try:
        value = HelpDesk(
            product=product, url=where, account=account.strip(), sealed_secret=_sealed(secret, _bound(where, writes)),
            source=source.strip() or product, since=((at or now()) - timedelta(days=days)).astimezone(UTC), writes=writes,
        )  # fmt: skip
    except ValidationError as error:
        raise _unusable(error) from None
    host = where.split("/")[2]
    told = f"Conversations of the last {days} days would come in from {host}, and new ones every few minutes, redacted at the door."
    told += " Recipes could tag, assign, note and reply there." if writes else ""
    title = f"follow {name} at {host}{' and write there' if writes else ''}"
    return settings.propose_connection(
        f"{HELP_DESK}{product}", value.model_dump(mode="json"), title, told, why, by, at=at
    )  # fmt: skip


# -- services: other programs that recipes ask, each with the document that describes it -------------------------------------------------


class Service(BaseModel):
    """All of it is one sealed value: of the document, the address and the credential none is used with another."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    url: Annotated[str, Field(min_length=1, max_length=500)]
    sealed_service: str

    def opened(self) -> "OpenService":
        told = json.loads(_unsealed(self.sealed_service, f"service {self.name} {self.url}"))
        return OpenService(self.name, self.url, told["header"], told["secret"], told["document"])


@dataclass(frozen=True)
class OpenService:
    name: str
    url: str
    header: str = field(repr=False)  # what the credential is sent under; empty where it asks for none
    secret: str = field(repr=False)
    document: str = field(repr=False)


def services() -> dict[str, Service]:
    """Those in force, by name."""
    with store.reading() as db:
        names = db.exec(select(Setting.name).where(col(Setting.name).startswith(SERVICE, autoescape=True)).distinct()).all()
    found = {name.removeprefix(SERVICE): settings.current(name) for name in sorted(names)}
    return {name: Service.model_validate(value) for name, value in found.items() if value and value.get("name") == name}


def propose_service(service: OpenService, told: str, *, why: str, by: Person) -> Proposal:
    """Called by connectors/connecting.py, which reads the document and knows what can be called."""
    access.require(by, "connection.propose")
    if not settings.is_private_line(service.url):
        raise Refused("Not proposed: the address must begin with https://. The credential would go readable over the network.")
    if bool(service.header) != bool(service.secret):
        raise Refused("Not proposed: a credential is a header and its secret. Give both, or neither.")
    kept = json.dumps({"header": service.header, "secret": service.secret, "document": service.document}, ensure_ascii=False)
    sealed = _sealed(kept, f"service {service.name} {service.url}")
    try:
        value = Service(name=service.name, url=service.url, sealed_service=sealed)
    except ValidationError as error:
        raise _unusable(error) from None
    host = service.url.split("/")[2]
    return settings.propose_connection(
        f"{SERVICE}{value.name}", value.model_dump(mode="json"), f"let recipes call {value.name} at {host}", told, why, by
    )
