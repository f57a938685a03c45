"""What is sent to a described program and what is taken from its answer: filled in, encoded and looked at here, carried by steps/calling.

The credential stands in the connection alone. It joins a request when that leaves, and what comes back is rid of it: it is in no step's
result, no proposal and no sentence, even where the other side repeats it.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlsplit

from automations import filling
from automations.checking import near
from automations.conditions import shown
from automations.connectors import shapes
from automations.connectors.described import GAP, Operation, Parameter
from automations.connectors.shapes import Named, Shape
from automations.door import Wanted
from automations.steps import calling
from automations.steps.calling import CHECK, Called, CallFault
from data.errors import Refused

LONGEST_ADDRESS, LARGEST_ANSWER, MOST_ODD = 2_000, 100_000, 5
LEAST_SECRET = 8  # a shorter one could not be told from an answer's words
SEALED = "(sealed)"
UNCLEAR = (408, 409)  # whether the change was made before, nobody can say
STATUS = {
    400: "it does not take what was sent", 401: "it does not take the credential", 403: "it does not allow this with the credential",
    404: "it has nothing of the kind", 409: "it says that this conflicts with something", 422: "it does not take what was sent",
    429: "it asks to be left alone for a while",
}  # fmt: skip
Send = Callable[..., Called]  # as exchanged


@dataclass(frozen=True)
class Service:
    """A program as two people approved it."""

    name: str
    url: str  # without a slash at its end
    operations: tuple[Operation, ...] = field(repr=False)

    @property
    def host(self) -> str:
        return calling.place(self.url, [named(self.url)]).named


@dataclass(frozen=True)
class Connection:
    """A service and what it knows us by. Address and credential are one: neither is used with another."""

    service: Service
    header: str = ""  # empty where it asks for no credential
    secret: str = field(default="", repr=False)
    seconds: float = calling.SECONDS
    carry: Callable[..., Called] = field(default=calling.called, repr=False)  # the line itself
    send: Send = field(default_factory=lambda: exchanged, repr=False)  # what is listened to, and played again: nothing in it is secret

    @property
    def credential(self) -> dict[str, str]:
        return {self.header: self.secret} if self.header else {}

    @property
    def _parts(self) -> list[str]:
        """The credential, what stands behind the word before it, and a password that is packed in it; the longest first."""
        words = {self.secret, *self.secret.split()}
        for word in self.secret.split() if self.secret.lower().startswith("basic ") else []:
            with suppress(ValueError):
                name, _, password = b64decode(word, validate=True).decode().partition(":")
                words |= {f"{name}:{password}", password}
        return sorted({one for one in words if len(one) >= LEAST_SECRET}, key=len, reverse=True)

    def without_secret(self, value: Any) -> Any:
        """The same where the other side repeated the credential."""
        if isinstance(value, str):
            return re.sub("|".join(map(re.escape, self._parts)), SEALED, value, flags=re.IGNORECASE) if self._parts else value
        if isinstance(value, list):
            return [self.without_secret(one) for one in value]
        if isinstance(value, dict):
            return {self.without_secret(name): self.without_secret(one) for name, one in value.items()}
        return value

    def sentence(self, told: str) -> str:
        """... also where a sentence shows no more than the beginning of what came."""
        for part in self._parts:
            for length in range(min(len(part), len(told)), LEAST_SECRET - 1, -1):
                told = re.sub(re.escape(part[:length]), SEALED, told, flags=re.IGNORECASE)
        return told


Connections = Mapping[str, Connection]  # by name


def connection(services: Connections, name: str) -> Connection:
    if name in services:
        return services[name]
    if not services:
        raise Refused("Not called: no service is connected. An engineer or an admin proposes one on Installation.")
    raise Refused(f"Not called: no service '{shown(name)}' is connected. {near(name, services)}")


def operation(service: Service, name: str) -> Operation:
    known = {one.name: one for one in service.operations}
    if name not in known:
        raise Refused(f"Not called: {service.name} offers no '{shown(name)}'. {near(name, known)}")
    return known[name]


def faults(services: Connections, given: Mapping[str, Any], *, changes: bool) -> Iterator[str]:
    """What is wrong with a step before it ever runs. What is filled in from a conversation is looked at when that is known."""
    name, asks, values = str(given.get("service", "")), str(given.get("operation", "")), given.get("parameters") or {}
    try:
        one = operation(connection(services, name).service, asks)
    except Refused as refused:
        if name and asks:
            yield str(refused).removeprefix("Not called: ")
        return
    if one.changes != changes:
        yield f"'{one.name}' {'only asks for something' if changes else 'changes something over there'}: take the other step for it."
    if isinstance(values, Mapping):
        yield from (f"the parameters: {told}." for told in dict.fromkeys(_odd_values(one, values)))


def _odd_values(one: Operation, values: Mapping[str, Any]) -> Iterator[str]:
    names = [parameter.name for parameter in one.parameters]
    yield from (f"there is no '{shown(name)}'. It takes {', '.join(dict.fromkeys(names))}" for name in values if name not in names)
    for parameter in one.parameters:
        in_body = parameter.where in ("body", "whole body")
        if parameter.name in values:
            if not filling.names_in(values[parameter.name]):
                odd: list[str] = []
                shapes.sent(values[parameter.name], parameter.shape, parameter.name, odd)
                yield from odd
        elif parameter.required and (one.needs_body or not in_body):
            yield f"'{parameter.name}' is missing"


# What is sent


def what(service: Service, one: Operation, values: Mapping[str, Any]) -> dict[str, Any]:
    """Exactly what leaves, but for the credential. Refused with all that is missing, unknown or of another kind."""
    odd = [f"there is no '{shown(name)}'" for name in values if name not in {parameter.name for parameter in one.parameters}]
    filled = {where: _filled(one, where, values, odd) for where in ("path", "query", "header")}
    body = _body(one, values, odd)
    if not odd:
        odd += [f"'{name}' is missing" for name in re.findall(GAP, one.path) if name not in filled["path"]]
    if odd:
        raise Refused(f"Not called: '{one.name}' of {service.name} does not take what was filled in: {_listed(odd)}.{_takes(one, odd)}")
    address = service.url + _path(one, filled["path"]) + _query(filled["query"])
    if len(address) > LONGEST_ADDRESS:
        raise Refused(f"Not called: the address would have {len(address):,} characters, {LONGEST_ADDRESS:,} at most. Fill in less.")
    calling.place(address, [service.host])
    if (size := len(json.dumps(body))) > calling.LARGEST_SENT:
        raise Refused(f"Not called: the body has {size:,} characters, and {calling.LARGEST_SENT:,} are sent at most. Send less.")
    headers = {name: _header(name, text) for name, text in filled["header"].items()}
    return {
        "service": service.name, "operation": one.name, "method": one.method, "address": address, "headers": headers, "body": body,
    }  # fmt: skip


def _filled(one: Operation, where: str, values: Mapping[str, Any], odd: list[str]) -> dict[str, Any]:
    parameters = [parameter for parameter in one.parameters if parameter.where == where]
    made = shapes.sent(_given(parameters, values), _table(parameters), "", odd)
    return {name: value for name, value in made.items() if value is not None}


def _body(one: Operation, values: Mapping[str, Any], odd: list[str]) -> Any:
    """None where none is sent."""
    whole = next((parameter for parameter in one.parameters if parameter.where == "whole body"), None)
    if whole is not None:
        made = shapes.sent(_given([whole], values), _table([whole]), "", odd)
        return made.get(whole.name)
    parameters = [parameter for parameter in one.parameters if parameter.where == "body"]
    given = _given(parameters, values)
    return shapes.sent(given, _table(parameters), "", odd) if given or one.needs_body else None


def _given(parameters: list[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: values[one.name] for one in parameters if one.name in values}


def _table(parameters: list[Parameter]) -> Shape:
    return Shape("table", tuple(Named(one.name, one.shape, one.required) for one in parameters))


def _path(one: Operation, values: Mapping[str, Any]) -> str:
    return re.sub(GAP, lambda gap: _segment(gap[1], _text(values[gap[1]])), one.path)


def _segment(name: str, text: str) -> str:
    """One piece of a path and no more: nothing that leads up, down or out of it."""
    if text.strip(".") == "" or any(sign in "/\\" or not sign.isprintable() for sign in text):
        raise Refused(
            f"Not called: '{shown(name)}' stands in an address, and '{shown(text)}' would change where that leads. "
            "Fill in a plain number or name."
        )
    return quote(text, safe="")


def _query(values: Mapping[str, Any]) -> str:
    pairs = [(name, one) for name, value in values.items() for one in (value if isinstance(value, list) else [value])]
    return "?" + "&".join(f"{quote(name, safe='')}={quote(_text(one), safe='')}" for name, one in pairs) if pairs else ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _header(name: str, value: Any) -> str:
    text = _text(value)
    if not text.isascii() or not text.isprintable():
        raise Refused(f"Not called: '{name}' stands in a header, and '{shown(text)}' holds signs that none may have. Write it in a to z.")
    return text


def _listed(odd: list[str]) -> str:
    """Once each: a value may be missing in the address and in the body."""
    told = list(dict.fromkeys(odd))
    return "; ".join(told[:MOST_ODD]) + (f", and {len(told) - MOST_ODD:,} more" if len(told) > MOST_ODD else "")


def _takes(one: Operation, odd: list[str]) -> str:
    """Where a name was wrong: those that there are."""
    names = list(dict.fromkeys(parameter.name for parameter in one.parameters))
    return f" It takes {', '.join(names[:20]) or 'nothing'}." if any(told.startswith("there is no") for told in odd) else ""


# What comes back


def asked(through: Connection, sent: Mapping[str, Any]) -> Called:
    """A question: it changes nothing, so it needs no door."""
    return called(Wanted("", "ask service", "call", sent, ""), {through.service.name: through})


def called(wanted: Wanted, services: Connections, *, key: str = "") -> Called:
    """What the door does of a wanted call; only where the program still is what it was when that was written down."""
    through = connection(services, str(wanted.what["service"]))
    service, sent = through.service, wanted.what
    one = operation(service, str(sent["operation"]))
    if sent["method"] != one.method or not str(sent["address"]).startswith(f"{service.url}/"):
        raise Refused(f"Not called: {service.name} is connected otherwise since this was asked for. Ask for it again.")
    return through.send(wanted, through, key=key)


def exchanged(wanted: Wanted, through: Connection, *, key: str) -> Called:
    """What left and came back: of the answer what is described of it, and of the credential nothing."""
    service, headers = through.service, {**wanted.what["headers"], **through.credential}
    one = operation(service, str(wanted.what["operation"]))
    try:
        came = through.carry(wanted, [service.host], key=key, seconds=through.seconds, headers=headers)
        return replace(came, body=_answer(one, came.status, through.without_secret(came.body), service.name))
    except CallFault as fault:
        raise CallFault(through.sentence(str(fault)), outcome_unknown=fault.outcome_unknown) from None


def _answer(one: Operation, status: int, body: Any, name: str) -> Any:
    """What its description says of it, and nothing else."""
    if not 200 <= status < 300:
        raise _failed(one, status, name)
    shape = _shape_of(one, status)
    if shape is None:
        return {}
    odd: list[str] = []
    made = shapes.came(body, shape, "", odd)
    if odd:
        raise _odd(one, name, f"its answer has another shape than its description says: {_listed(odd)}")
    if (size := len(json.dumps(made))) > LARGEST_ANSWER:
        raise _odd(one, name, f"its answer has {size:,} characters, and {LARGEST_ANSWER:,} are kept at most")
    return made if isinstance(made, dict) else {"items" if isinstance(made, list) else "value": made}


def _shape_of(one: Operation, status: int) -> Shape | None:
    """Where the description does not name the status: what it names first, for a question; nothing is expected of what was done."""
    known = dict(one.answers)
    return known.get(str(status), known.get("2XX", None if one.changes else one.answers[0][1]))


def _failed(one: Operation, status: int, name: str) -> CallFault:
    why = STATUS.get(status) or ("it answered with an error of its own" if status >= 500 else "it does not do what was asked")
    if not one.changes:
        next_ = "Try again in a minute" if status >= 500 or status == 429 else "Check what was filled in"
        return CallFault(f"Nothing was learned from {name}: {why} ({status}). {next_}, or hand over to a person.")
    if status >= 500 or status in UNCLEAR:
        return CallFault(f"Whether {name} did '{one.name}' is not known: {why} ({status}). {CHECK}", outcome_unknown=True)
    return CallFault(f"Not done: {name} did not do '{one.name}': {why} ({status}). Mend what is filled in, or hand over to a person.")


def _odd(one: Operation, name: str, why: str) -> CallFault:
    if not one.changes:
        return CallFault(f"Nothing was learned from {name}: {why}. Tell an engineer.")
    return CallFault(f"Whether {name} did '{one.name}' is not known: {why}. {CHECK}", outcome_unknown=True)


def named(url: str) -> str:
    """Host and port, as they are allowed."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.hostname}" if port == 443 else f"{parts.hostname}:{port}"
