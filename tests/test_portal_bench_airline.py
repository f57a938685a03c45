"""What `portal bench airline` prints: each rule stops what it is for, by what was known until then; the figures are those of the file."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from automations.guardrails import policy
from data.errors import Refused
from portal import bench
from portal.bench import airline
from portal.bench.airline import POLICY, Flown, developed_on, figures

RULES = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
PAY = ("credit_card_1", "credit_card_2", "certificate_1", "certificate_2", "gift_card_1", "gift_card_2", "gift_card_3", "gift_card_4")
PROFILE = {"membership": "regular", "payment_methods": {one: {"source": one[:-2], "id": one} for one in PAY}}
FLIGHT = {"flight_number": "HAT001", "date": "2024-05-20"}
OTHER = {"flight_number": "HAT002", "date": "2024-05-20"}
RESERVATION = {
    "reservation_id": "AAA111", "user_id": "kim_9", "origin": "JFK", "destination": "SEA", "flight_type": "one_way", "cabin": "economy",
    "flights": [{**FLIGHT, "origin": "JFK", "destination": "SEA", "price": 100}], "passengers": [{"first_name": "Kim"}],
    "payment_history": [{"payment_id": "credit_card_1", "amount": 100}], "created_at": "2024-05-01T10:00:00", "total_baggages": 1,
    "nonfree_baggages": 0, "insurance": "no",
}  # fmt: skip
BOOK = {
    "user_id": "kim_9", "cabin": "economy", "flight_type": "one_way", "flights": [FLIGHT], "passengers": [{"first_name": "Kim"}],
    "payment_methods": [{"payment_id": "credit_card_1", "amount": 100}], "total_baggages": 1, "nonfree_baggages": 0, "insurance": "no",
}  # fmt: skip
CHANGE = {"reservation_id": "AAA111", "cabin": "economy", "flights": [OTHER], "payment_id": "credit_card_1"}
BAGS = {"reservation_id": "AAA111", "total_baggages": 2, "nonfree_baggages": 1, "payment_id": "credit_card_1"}
PEOPLE = {"reservation_id": "AAA111", "passengers": [{"first_name": "Sam"}]}
CANCEL = {"reservation_id": "AAA111"}
GIVE = {"user_id": "kim_9", "amount": 100}
BUSINESS, INSURED, BASIC = {"cabin": "business"}, {"insurance": "yes"}, {"cabin": "basic_economy"}
YES = "Yes, go ahead."

Message = dict[str, Any]


def customer(text: str) -> Message:
    return {"role": "customer", "text": text}


def call(name: str, asked: dict[str, Any], gave: Any = "Error: no") -> list[Message]:
    told = gave if isinstance(gave, str) else json.dumps(gave)
    return [{"role": "tool_call", "name": name, "text": json.dumps(asked)}, {"role": "tool", "name": name, "text": told}]


def looked_up(profile: dict[str, Any] | None = None, reservation: dict[str, Any] | None = None) -> list[Message]:
    """Who it is, their reservation, and the flights of the day."""
    found = [
        {"flight_number": "HAT001", "origin": "JFK", "destination": "SEA", "status": "available"},
        {"flight_number": "HAT002", "origin": "JFK", "destination": "SEA", "status": "available"},
        {"flight_number": "HAT003", "origin": "JFK", "destination": "SEA", "status": "delayed"},
        {"flight_number": "HAT004", "origin": "JFK", "destination": "LAX", "status": "available"},
    ]
    return [
        customer("I am kim_9, and it is about AAA111."),
        *call("get_user_details", {"user_id": "kim_9"}, PROFILE | (profile or {})),
        *call("get_reservation_details", {"reservation_id": "AAA111"}, RESERVATION | (reservation or {})),
        *call("search_direct_flight", {"origin": "JFK", "destination": "SEA", "date": "2024-05-20"}, found),
    ]


def talk(number: int, messages: list[Message], *, resolved: bool = False, task: int = 0) -> dict[str, Any]:
    return {"id": f"talk-{number}", "channel": "chat", "messages": messages, "labels": {"resolved": resolved, "task_id": task}}


def broken(messages: list[Message]) -> dict[str, str]:
    return airline._flown(talk(1, messages), RULES).broken


def with_flight(asked: dict[str, Any], number: str) -> dict[str, Any]:
    return {**asked, "flights": [{"flight_number": number, "date": "2024-05-20"}]}


def paid(*by: str) -> dict[str, Any]:
    return {**BOOK, "payment_methods": [{"payment_id": one, "amount": 1} for one in by]}


# -- each rule ----------------------------------------------------------------------------------------------------------------------------

ALLOWED = {
    "a booking": ("book_reservation", BOOK, {}, {}, YES),
    "a booking by one of each": ("book_reservation", paid("certificate_1", "credit_card_2", *PAY[4:7]), {}, {}, YES),
    "three free bags of a gold member": ("book_reservation", {**BOOK, "total_baggages": 3}, {"membership": "gold"}, {}, YES),
    "another flight": ("update_reservation_flights", CHANGE, {}, {}, YES),
    "another cabin in basic economy": ("update_reservation_flights", {**CHANGE, "flights": [FLIGHT]}, {}, BASIC, YES),
    "a bag more": ("update_reservation_baggages", BAGS, {}, {}, YES),
    "another name": ("update_reservation_passengers", PEOPLE, {}, {}, YES),
    "a cancellation in business": ("cancel_reservation", CANCEL, {}, BUSINESS, YES),
    "a cancellation on the same day": ("cancel_reservation", CANCEL, {}, {"created_at": "2024-05-14T16:00:00"}, YES),
    "a cancellation for illness": ("cancel_reservation", CANCEL, {}, INSURED, "Yes, I am sick."),
    "a cancellation of what was cancelled": ("cancel_reservation", CANCEL, {}, {}, "Yes. The airline cancelled my flight."),
    "a certificate": ("send_certificate", GIVE, {}, INSURED, "Yes, I want compensation."),
    "a certificate of a silver member": ("send_certificate", GIVE, {"membership": "silver"}, {}, "Yes, I want compensation."),
}
FORBIDDEN = {
    "no yes": ("book_reservation", BOOK, {}, {}, "Which seats are left?", "say yes to it first"),
    "another customer": ("book_reservation", {**BOOK, "user_id": "sam_1"}, {}, {}, YES, "nobody else"),
    "six people": ("book_reservation", {**BOOK, "passengers": [{}] * 6}, {}, {}, YES, "at most five people"),
    "two certificates": ("book_reservation", paid("certificate_1", "certificate_2"), {}, {}, YES, "At most one certificate"),
    "two cards": ("book_reservation", paid("credit_card_1", "credit_card_2"), {}, {}, YES, "At most one credit card"),
    "four gift cards": ("book_reservation", paid(*PAY[4:]), {}, {}, YES, "At most three gift cards"),
    "a strange card": ("book_reservation", paid("credit_card_9"), {}, {}, YES, "in the customer's profile pays"),
    "an unseen flight": ("book_reservation", with_flight(BOOK, "HAT777"), {}, {}, YES, "looked up before"),
    "a late flight": ("book_reservation", with_flight(BOOK, "HAT003"), {}, {}, YES, "not available"),
    "a free bag paid": ("book_reservation", {**BOOK, "nonfree_baggages": 1}, {}, {}, YES, "no more and no fewer"),
    "a bag unpaid": ("update_reservation_baggages", {**BAGS, "nonfree_baggages": 0}, {}, {}, YES, "no more and no fewer"),
    "basic economy": ("update_reservation_flights", CHANGE, {}, BASIC, YES, "basic economy are not changed"),
    "elsewhere": ("update_reservation_flights", with_flight(CHANGE, "HAT004"), {}, {}, YES, "Origin, destination"),
    "by certificate": ("update_reservation_flights", {**CHANGE, "payment_id": "certificate_1"}, {}, {}, YES, "by a gift card or a credit"),
    "refund to a stranger": ("update_reservation_flights", {**CHANGE, "payment_id": "credit_card_9"}, {}, {}, YES, "or paid before"),
    "a bag less": ("update_reservation_baggages", {**BAGS, "total_baggages": 0, "nonfree_baggages": 0}, {}, {}, YES, "none is taken away"),
    "a person more": ("update_reservation_passengers", {**PEOPLE, "passengers": [{}, {}]}, {}, {}, YES, "How many people"),
    "begun": ("cancel_reservation", CANCEL, {}, BUSINESS | {"flights": [{"flight_number": "H", "date": "2024-05-10"}]}, YES, "has begun"),
    "no insurance": ("cancel_reservation", CANCEL, {}, {}, "Yes, I am sick.", "without insurance is not cancelled"),
    "no reason": ("cancel_reservation", CANCEL, {}, INSURED, "Yes, I changed my mind.", "covers health and weather"),
    "a regular member": ("send_certificate", GIVE, {}, {}, "Yes, I want compensation.", "gets no certificate"),
    "too much": ("send_certificate", {**GIVE, "amount": 300}, {}, INSURED, "Yes, I want compensation.", "100 for each person"),
    "nothing changed": ("send_certificate", {**GIVE, "amount": 50}, {}, INSURED, "Yes, I want compensation.", "only with a change"),
    "nobody asked": ("send_certificate", GIVE, {}, INSURED, "Yes.", "who asks for one"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_policy_allows_no_rule_stops(name: str) -> None:
    tool, asked, profile, reservation, said = ALLOWED[name]
    assert broken([*looked_up(profile, reservation), customer(said), *call(tool, asked)]) == {}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_the_policy_forbids_one_rule_stops(name: str) -> None:
    tool, asked, profile, reservation, said, why = FORBIDDEN[name]
    (told,) = broken([*looked_up(profile, reservation), customer(said), *call(tool, asked)])
    assert why in told


def test_every_rule_is_one_of_these_or_tested_below() -> None:
    below = ("did not work", "user id that the reservation belongs to")
    whys = [why for *_, why in FORBIDDEN.values()] + list(below)
    assert policy.faults(RULES) == []
    assert [rule["why"] for rule in RULES["rules"] if not any(why in rule["why"] for why in whys)] == []
    assert len({rule["why"] for rule in RULES["rules"]}) == len(RULES["rules"]) > 20


def test_another_try_needs_another_yes() -> None:
    dearer = {**BOOK, "payment_methods": [{"payment_id": "credit_card_2", "amount": 150}]}
    first = [*looked_up(), customer(YES), *call("book_reservation", BOOK, "Error: payment amount does not add up")]
    (told,) = broken([*first, *call("book_reservation", dearer)])
    assert "did not work" in told
    assert broken([*first, customer("Yes, with the other card."), *call("book_reservation", dearer)]) == {}
    assert broken([*first, *call("book_reservation", BOOK)]) == {}  # the same again


def test_who_it_belongs_to_is_said_by_the_customer() -> None:
    messages = [*looked_up()[1:], customer(YES), *call("update_reservation_flights", CHANGE)]
    (told,) = broken(messages)
    assert "user id that the reservation belongs to" in told
    assert broken([customer("kim_9"), *messages]) == {}


# -- what was known ------------------------------------------------------------------------------------------------------------------------


def test_what_is_looked_up_afterwards_was_not_known() -> None:
    """The control is the same call behind the same look-ups."""
    late = [customer(f"kim_9. {YES}"), *call("cancel_reservation", CANCEL, RESERVATION | BUSINESS), *looked_up(reservation=BUSINESS)]
    assert all("look up reservation first" in said for said in broken(late).values()) and len(broken(late)) == 3
    assert broken([*looked_up(reservation=BUSINESS), customer(YES), *call("cancel_reservation", CANCEL)]) == {}


def test_bags_are_counted_only_where_the_membership_is_known() -> None:
    without = [message for message in looked_up() if message.get("name") != "get_user_details"]
    told = broken([*without, customer(YES), *call("update_reservation_baggages", BAGS)])
    assert ["look up profile first" in said for said in told.values()] == [True]


def test_a_changed_cabin_counts_from_then_on() -> None:
    """Though the tool gives back the one from before."""
    change = call("update_reservation_flights", {**CHANGE, "cabin": "business", "flights": [FLIGHT]}, RESERVATION)
    again = call("get_reservation_details", {"reservation_id": "AAA111"}, RESERVATION)
    assert broken([*looked_up(), customer(YES), *change, *again, *call("cancel_reservation", CANCEL)]) == {}
    assert broken([*looked_up(), customer(YES), *call("cancel_reservation", CANCEL)]) != {}


# -- figures ------------------------------------------------------------------------------------------------------------------------------


def flown(number: int, *, failed: bool, flagged: bool, changes: int = 1, task: str = "") -> Flown:
    return Flown(f"talk-{number}", task or str(number), failed, changes, {"a rule": "stopped"} if flagged else {})


def test_figures_are_those_of_the_flags() -> None:
    some = [flown(n, failed=True, flagged=n < 6) for n in range(10)] + [flown(n, failed=False, flagged=n < 12) for n in range(10, 20)]
    some += [flown(20, failed=True, flagged=False, changes=0)]
    told = figures(some)
    assert (told["conversations"], told["failed"], told["flagged"], told["flagged_and_failed"]) == (21, 11, 8, 6)
    assert (told["precision"], told["recall"], told["precision_of_flagging_all"]) == (0.75, round(6 / 11, 3), round(11 / 21, 3))
    assert told["precision_low"] < 0.75 < told["precision_high"]
    assert (told["missed_where_nothing_was_changed"], told["missed_where_all_was_allowed"]) == (1, 4)
    assert told["flagged_though_resolved"] == "talk-10, talk-11"


def test_tries_at_one_task_tell_less_than_as_many_tasks() -> None:
    apart = figures([flown(n, failed=True, flagged=n % 8 < 4) for n in range(24)])
    alike = figures([flown(n, failed=True, flagged=n % 8 < 4, task=str(n // 4)) for n in range(24)])
    assert apart["recall"] == alike["recall"] == 0.5 and alike["recall_low"] < apart["recall_low"]


def test_where_nothing_is_flagged_there_is_no_precision() -> None:
    assert figures([flown(1, failed=True, flagged=False)])["precision"] is None


def test_tries_at_one_task_stay_in_one_half() -> None:
    tasks = [str(number) for number in range(25)]
    ours = developed_on(tasks * 4)
    assert len(ours) == 12 and ours == developed_on(reversed(tasks)) and ours < set(tasks)
    assert developed_on("abcdef") == {"b", "d", "e"}  # in every process


def test_the_command_measures_a_file(tmp_path: Path) -> None:
    good = [*looked_up(), customer(YES), *call("book_reservation", BOOK)]
    bad = [*looked_up(), customer(YES), *call("cancel_reservation", CANCEL)]
    talks = [talk(n, bad if n % 2 else good, resolved=not n % 2, task=n // 4) for n in range(16)]
    talks += [talk(n, [customer("Hello.")], task=4) for n in range(16, 20)]
    (tmp_path / airline.CONVERSATIONS).write_text("\n".join(map(json.dumps, talks)), encoding="utf-8")
    done = CliRunner().invoke(bench.app, ["airline", "--data", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["all"]["conversations"], told["all"]["precision"], told["all"]["recall"]) == (20, 1.0, round(8 / 12, 3))
    assert told["all"]["missed_where_nothing_was_changed"] == 4
    assert told["developed_on"]["conversations"] + told["held_out"]["conversations"] == 20
    fired = {why: halves for why, halves in told["rules"].items() if any(any(half.values()) for half in halves.values())}
    assert list(fired) == ["After a day, (basic) economy without insurance is not cancelled."]
    assert [sum(half[how] for (halves,) in [fired.values()] for half in halves.values()) for how in ("failed", "resolved")] == [8, 0]
    assert told["right_every_time"]["1_tries"]["share"] == 0.4 and told["right_every_time"]["4_tries"]["share"] == 0.0
    plain = CliRunner().invoke(bench.app, ["airline", "--data", str(tmp_path)])
    assert "nothing is forbidden where nothing is done" in plain.stdout and "Not flagged though failed: 4 in which" in plain.stdout
    (both,) = [line for line in plain.stdout.splitlines() if line.startswith("both")]
    assert both.split()[1:5] == ["20", "5", "12", "8"] and "67 % (" in both
    assert "0 % (0–43) in 4." in plain.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no conversations.jsonl"), ("not JSON", "is not one conversation a line"),
        (json.dumps({"id": "a", "messages": [customer("Hello.")], "labels": {"resolved": None}}), "Each one has to"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_said(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / airline.CONVERSATIONS).write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=told):
        airline.run(tmp_path)
