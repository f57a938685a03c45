"""What an airline's agent knew at each of its calls: what tools had given until then, what it is about to do, and the customer's words."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

YES = re.compile(
    r"\b(yes|yeah|yep|sure|ok|okay|confirm(ed|ing)?|proceed|go ahead|do it|sounds good|that works|agreed?|correct"
    r"|please (book|cancel|change|update|upgrade|downgrade|add|make|process))\b",
    re.IGNORECASE,
)
HEALTH_OR_WEATHER = re.compile(
    r"\b(sick|ill|illness|unwell|health|medical|doctor|hospital|surgery|injur\w+|weather|storm\w*|snow\w*|hurricane|flood\w*)\b",
    re.IGNORECASE,
)
AIRLINE_CANCELLED = re.compile(
    r"\b(airline|you)\b[^.?!]{0,40}\bcancell?ed\b|\b(flights?|it) (was|were|got|has been|had been) cancell?ed\b", re.IGNORECASE
)
COMPENSATION = re.compile(r"\b(compensat\w+|certificates?|vouchers?|make (it )?up for|reimburse\w*|refund\w*)\b", re.IGNORECASE)
CHANGES = ("book_", "update_", "cancel_", "send_")
FLIGHTS_DAY = "%Y-%m-%d"

Flight = tuple[str, str]  # its number, and the day


@dataclass
class Known:
    """It grows with each message; what a call gives is known after it, never before."""

    as_of: datetime
    free_bags: Mapping[str, Mapping[str, int]]
    profile: dict[str, Any] | None = None
    payments: dict[str, str] = field(default_factory=dict)  # of the profile: id -> its source
    reservations: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: str = ""  # the reservation that was looked at last
    flights: dict[Flight, dict[str, Any]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)  # the customer's
    failed: list[dict[str, Any]] = field(default_factory=list)  # calls that did not work since the customer last spoke
    changed: set[str] = field(default_factory=set)

    # -- what comes in --------------------------------------------------------------------------------------------------------------------

    def hear(self, words: str) -> None:
        self.words.append(words)
        self.failed = []

    def take(self, name: str, asked: Mapping[str, Any], gave: str) -> None:
        """What a call gave."""
        try:
            told = json.loads(gave)
        except ValueError:  # an error, or a sentence
            if gave.startswith("Error") and name.startswith(CHANGES):
                self.failed.append({"name": name, **asked})
            return
        if name == "get_user_details":
            self.profile = {"user_id": asked.get("user_id"), "membership": told.get("membership")}
            self.payments = {one: str(details.get("source")) for one, details in told.get("payment_methods", {}).items()}
        elif name.startswith("search_"):
            self._see(told, asked)
        elif isinstance(told, dict) and "reservation_id" in told:
            self._keep(name, asked, told)

    def _see(self, told: Any, asked: Mapping[str, Any]) -> None:
        """One list of flights, or one list of flights for each way."""
        for one in told if isinstance(told, list) else []:
            if isinstance(one, list):
                self._see(one, asked)
            elif "flight_number" in one:
                self.flights[one["flight_number"], one.get("date") or str(asked.get("date"))] = one

    def _keep(self, name: str, asked: Mapping[str, Any], told: dict[str, Any]) -> None:
        number = told["reservation_id"]
        cabin = asked.get("cabin") if name == "update_reservation_flights" else None
        if number in self.changed:
            cabin = cabin or self.reservations[number]["cabin"]
        told = {**told, "cabin": cabin} if cabin else told  # a change gives back the cabin from before it
        if name.startswith(("update_", "cancel_")):
            self.changed.add(number)
        self.reservations[number], self.last = told, number
        for one in told.get("flights", []):
            if "origin" in one:
                self.flights.setdefault((one["flight_number"], one["date"]), {"status": "available", **one})

    # -- what is known at a call ----------------------------------------------------------------------------------------------------------

    def at(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """By name, as rules ask for it. What was not looked up is not there."""
        number = self.last if name == "send_certificate" else str(asked.get("reservation_id"))  # a certificate names none
        reservation = self.reservations.get(number)
        facts: dict[str, Any] = {"call": self._call(asked, reservation), "said": self._said(name, asked, reservation)}
        if self.profile is not None:
            facts["profile"] = self.profile
        if reservation is not None:
            facts["reservation"] = self._reservation(reservation)
        return facts

    def _reservation(self, one: Mapping[str, Any]) -> dict[str, Any]:
        people = len(one["passengers"])
        return {
            "user_id": one["user_id"], "cabin": one["cabin"], "insurance": one["insurance"], "people": people,
            "bags": one["total_baggages"], "hours_old": (self.as_of - datetime.fromisoformat(one["created_at"])).total_seconds() / 3600,
            "begun": any(datetime.strptime(flight["date"], FLIGHTS_DAY).date() < self.as_of.date() for flight in one["flights"]),
            "changed": one["reservation_id"] in self.changed, "if_cancelled": 100 * people, "if_delayed": 50 * people,
        }  # fmt: skip

    def _call(self, asked: Mapping[str, Any], reservation: Mapping[str, Any] | None) -> dict[str, Any]:
        """Its arguments, counted."""
        before = [_flight(one) for one in reservation["flights"]] if reservation else []
        flights = [_flight(one) for one in _tables(asked.get("flights"))]
        new = [one for one in flights if one not in before or not reservation]
        paying = [str(one.get("payment_id")) for one in _tables(asked.get("payment_methods"))]
        paying += [str(asked["payment_id"])] if asked.get("payment_id") else []
        kinds = [self.payments.get(one) or one.rstrip("0123456789_") for one in paying]
        paid_before = {str(one.get("payment_id")) for one in reservation["payment_history"]} if reservation else set()
        people = len(_tables(asked.get("passengers")))
        return {
            "user_id": asked.get("user_id"), "amount": asked.get("amount"), "people": people, "bags": asked.get("total_baggages"),
            "bags_to_pay": asked.get("nonfree_baggages"), "bags_owed": self._bags_owed(asked, reservation),
            "certificates": kinds.count("certificate"), "credit_cards": kinds.count("credit_card"), "gift_cards": kinds.count("gift_card"),
            "strange_payments": sum(one not in self.payments and one not in paid_before for one in paying),
            "flights_not_seen": sum(one not in self.flights for one in new),
            "flights_not_open": sum(self.flights[one].get("status") != "available" for one in new if one in self.flights),
            "other_flights": bool(new) or len(flights) != len(before), "other_route": self._other_route(flights, reservation),
        }  # fmt: skip

    def _bags_owed(self, asked: Mapping[str, Any], reservation: Mapping[str, Any] | None) -> int | None:
        """None where it cannot be told."""
        of = reservation if asked.get("reservation_id") else asked
        free = self.free_bags.get(str((self.profile or {}).get("membership")), {})
        if not of or of.get("cabin") not in free or not isinstance(asked.get("total_baggages"), int):
            return None
        return max(0, int(asked["total_baggages"]) - free[of["cabin"]] * len(_tables(of.get("passengers"))))

    def _other_route(self, flights: Sequence[Flight], reservation: Mapping[str, Any] | None) -> bool:
        """Whether it would begin or end elsewhere. A flight that nobody looked up is another rule's."""
        if not flights or reservation is None or any(one not in self.flights for one in flights):
            return False
        ways = [self.flights[one] for one in flights]
        there_and_back = reservation["flight_type"] == "round_trip"
        last = reservation["origin"] if there_and_back else reservation["destination"]
        missed = there_and_back and reservation["destination"] not in [one["destination"] for one in ways]
        return bool(ways[0]["origin"] != reservation["origin"] or ways[-1]["destination"] != last or missed)

    def _said(self, name: str, asked: Mapping[str, Any], reservation: Mapping[str, Any] | None) -> dict[str, Any]:
        every = " ".join(self.words)
        return {
            "yes": bool(self.words and YES.search(self.words[-1])),
            "yes_to_another": any(one["name"] == name and one != {"name": name, **asked} for one in self.failed),
            "whose": reservation is None or str(reservation["user_id"]) in every,
            "airline_cancelled": bool(AIRLINE_CANCELLED.search(every)), "health_or_weather": bool(HEALTH_OR_WEATHER.search(every)),
            "compensation": bool(COMPENSATION.search(every)),
        }  # fmt: skip


def _flight(one: Mapping[str, Any]) -> Flight:
    return str(one.get("flight_number")), str(one.get("date"))


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
