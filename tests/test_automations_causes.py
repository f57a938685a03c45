"""Why a run failed, by rule: a table of runs as they happen, each with the cause that a person would give, and how often the rule agrees.

Some are in the table because the rules get them wrong: what people write has more forms than rules know.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from automations import causes
from automations.causes import (
    ARTICLE_MISSING,
    CAUSES,
    FALSE_ALARM,
    POLICY,
    RETRIEVAL_MISSED,
    SLOW,
    UNSUPPORTED,
    WRONG_ARGUMENT,
    WRONG_INTENT,
    Around,
)
from data.tables import Action, Span, Trace

SHELF = (
    ("Delivery times", "A parcel takes three working days within the country. Abroad it takes seven working days."),
    ("Returns of plants", "You have 30 days to send a plant back. The return label lies in the parcel."),
    ("Damaged plants", "A plant that arrives damaged is replaced free of charge. Send us a photo within 48 hours."),
    ("Payment", "You can pay by card, by invoice or by bank transfer. An invoice is due within 14 days."),
    ("Vouchers", "A voucher is valid for three years. It cannot be paid out in cash."),
)


@dataclass(frozen=True)
class Run:
    """As somebody tells it: what it did, and what people did then."""

    told: str
    steps: tuple[tuple[Any, ...], ...] = ()  # step, state, what it gave, why
    state: str = "handed_over"
    why: str = ""
    outcome: str = ""
    draft: str = ""
    refused: str = ""  # of an act
    around: Around = causes.NOTHING

    def proposed(self) -> tuple[str, str] | None:
        said = {"reply": self.draft} if self.draft else None
        kept = {"why": self.why} if self.why else None
        trace = Trace(
            target_kind="recipe", target_name="late parcel", target_number=1, mode="live", state=self.state, state_json=kept, said=said,
            outcome=self.outcome, better=self.around.wrote if self.outcome == "edited" else "",
        )  # fmt: skip
        return causes.propose_cause(trace, self._spans(), self._actions(), replace(self.around, articles=SHELF))

    def _spans(self) -> list[Span]:
        return [
            Span(trace_id="t", seq=place, kind="step", name=step, input={"step": step, "given": {}},
                 output={"state": state, "gave": dict(gave), "why": why}, ms=more[0] if more else 12.0)
            for place, (step, state, gave, why, *more) in enumerate(self.steps, start=1)
        ]  # fmt: skip

    def _actions(self) -> list[Action]:
        return [self._action()] if self.refused else []

    def _action(self) -> Action:
        return Action(
            target_kind="recipe", target_name="late parcel", target_number=1, trace_id="t", act="refund", step="refund", kind="refund",
            payload={"told": "Refund 20.00 EUR of order 1041"}, payload_sha="", idempotency_key="k", state="refused", why=self.refused,
        )  # fmt: skip


ORDER = ("look up order", "done", {"number": "1041", "days_late": 4, "refundable": "80.60"}, "")


def failed(step: str, why: str, *before: tuple[Any, ...], ms: float = 12.0) -> Any:
    return {"steps": (*before, (step, "failed", {}, why, ms)), "why": why}


def decided(state: str, reason: str, **more: Any) -> Any:
    asked = "refund 20.00 EUR of order 1041"
    return {
        "steps": (ORDER, ("refund", "waiting", {}, "Refund 20.00 EUR of order 1041. Above 10.00 EUR in a run a person decides.")),
        "why": f"'{asked}' was {state}: {reason}.", "around": Around(asked=asked, decided=state, reason=reason, **more),
    }  # fmt: skip


def answered(reply: str, sources: str, *, draft: str = "", wrote: str = "", outcome: str = "edited") -> Any:
    gave = {"reply": reply, "answered": bool(reply), "confidence": 0.7, "sources": sources}
    draft = draft or reply
    return {
        "steps": (("answer from knowledge", "done", gave, ""), ("draft reply", "done", {"text": draft}, "")), "state": "done",
        "draft": draft, "outcome": outcome, "around": Around(wrote=wrote),
    }  # fmt: skip


def own_text(draft: str, wrote: str, outcome: str = "edited") -> Any:
    steps = (ORDER, ("draft reply", "done", {"text": draft}, ""))
    return {"steps": steps, "state": "done", "draft": draft, "outcome": outcome, "around": Around(wrote=wrote)}


def limit(why: str, wrote: str = "") -> Any:
    return failed("refund", why, ORDER) | {"around": Around(wrote=wrote)}


HOME, ABROAD = "A parcel takes three working days within the country.", "Abroad it takes seven working days."
PER_RUN = "Not done: Refund 60.00 EUR of order 1041. 60.00 EUR would be moved in one run, and 50.00 are the limit."
PER_DAY = "Not done: Refund 5.00 EUR of order 1041. 155.00 EUR would be moved in a day, and 150.00 are the limit."
RUNS = "Not done: the recipe changed something 30 times today, and its limit is that."
LACKS = "Not done: 'Draft reply': the text is missing. Fill it in in the recipe, or ask the customer for it first."
SILENT = ("answer from knowledge", "done", {"reply": "", "answered": False, "confidence": 0.1, "sources": ""}, "")

TABLE: list[tuple[str, Run]] = [
    # wrong intent
    (WRONG_INTENT, Run("done, and Review says otherwise", (ORDER,), "done", around=Around("Late delivery", "Wrong item"))),
    (WRONG_INTENT, Run("handed over, and Review says otherwise", **failed("refund",
        "Not refunded: 5.00 EUR were asked for, and 0.00 EUR of "
                       "order 1041 can be refunded. Lower the amount, or hand over to a person.", ORDER)
                       | {"around": Around("Late delivery", "Cancel an order")})),
    (WRONG_INTENT, Run("its reply was edited, and Review says otherwise", **own_text("Your parcel is late.",
        "You can change the address until it "
                       "leaves.") | {"around": Around("Late delivery", "Change of address", wrote="You can change it until it leaves.")})),
    (WRONG_INTENT, Run("a person says what it is about", **decided("refused",
        "The customer asks something else: where to leave the parcel"))),
    (WRONG_INTENT, Run("a person says it otherwise", **decided("refused", "That is not what they want, they want the plant"))),
    (WRONG_INTENT, Run("a person says it in words that no rule knows", **decided("refused", "She only wanted to say thank you"))),
    # retrieval missed
    (RETRIEVAL_MISSED, Run("another article says it", **answered(ABROAD, "Delivery times",
                           wrote="A plant that arrives damaged is replaced free of charge. Please send a photo within 48 hours."))),
    (RETRIEVAL_MISSED, Run("in the person's words", **answered("You have 30 days to send a plant back.", "Returns of plants",
                           wrote="We replace damaged plants free of charge; just send us a photo within 48 hours."))),
    (RETRIEVAL_MISSED, Run("silent, though an article says it", **(answered("", "", draft="A colleague looks at it.",
                           wrote="You can pay by card, by invoice or by bank transfer.")))),
    (RETRIEVAL_MISSED, Run("refused, with nothing in its place", **answered("A voucher is valid for three years.", "Vouchers",
                           outcome="refused"))),
    (RETRIEVAL_MISSED, Run("silent, a step lacked the words, the person quoted an article", **failed("draft reply", LACKS, SILENT)
                           | {"around": Around(wrote="Hello Jo, an invoice is due within 14 days.")})),
    (RETRIEVAL_MISSED, Run("the person says it with quite other words", **answered(HOME, "Delivery times",
                           wrote="No problem, you may return it for about a month, the sticker is inside the box."))),
    # article missing
    (ARTICLE_MISSING, Run("no article is published", **failed("answer from knowledge",
                          "Nothing was answered: no articles are published yet. Publish some on Knowledge first."))),
    (ARTICLE_MISSING, Run("silent, and no article says what the person wrote", **(answered("", "", draft="A colleague looks at it.",
                          wrote="Bonsai trees are watered by dipping the pot for ten minutes twice a week.")))),
    (ARTICLE_MISSING, Run("silent, a step lacked the words", **failed("draft reply", LACKS, SILENT)
                          | {"around": Around(wrote="Our loyalty points lapse at the end of the second year.")})),
    (ARTICLE_MISSING, Run("silent, a step lacked the words, nobody wrote", **failed("draft reply", LACKS, SILENT))),
    (ARTICLE_MISSING, Run("it quoted something near, no article says it", **answered(HOME, "Delivery times",
                          wrote="Pallets come with a forwarder who telephones one day before."))),
    (ARTICLE_MISSING, Run("it quoted something true beside the question", **answered("You can pay by card, by invoice or by bank transfer.",
                          "Payment", wrote="Instalments are offered from 200 euros on, over six months."))),
    # unsupported claim
    (UNSUPPORTED, Run("it promised a number", **answered("Your refund arrives within 5 minutes.", "Returns of plants",
                      wrote="You have 30 days to send a plant back."))),
    (UNSUPPORTED, Run("it added a sentence that was taken out", **answered(f"{HOME} We ship to every island free of charge.",
        "Delivery times",
                      wrote=HOME))),
    (UNSUPPORTED, Run("it turned a sentence round", **answered("A voucher can be paid out in cash.", "Vouchers",
                      wrote="A voucher cannot be paid out in cash."))),
    (UNSUPPORTED, Run("it made up a name", **answered(f"{ABROAD} DHL Express brings it to Norway overnight.", "Delivery times",
                      wrote="Abroad it takes seven working days."))),
    (UNSUPPORTED, Run("refused, and it said what no article says", **answered("Every plant lives for ten years or we pay twice its price.",
                      "Returns of plants", outcome="refused"))),
    (UNSUPPORTED, Run("the wrong number of days", **answered("You have 60 days to send a plant back.", "Returns of plants",
                      wrote="You have 30 days to send a plant back."))),
    # wrong argument
    (WRONG_ARGUMENT, Run("a value was not there", **failed("refund",
        "Not filled in: 'order.number' is not known. Ask for it first, or do this "
                         "only if it is known."))),
    (WRONG_ARGUMENT, Run("an input was empty", **failed("refund",
        "Not done: 'Refund': the order number is missing. Fill it in in the recipe, "
                         "or ask the customer for it first."))),
    (WRONG_ARGUMENT, Run("an order of nobody", **failed("look up order",
        "This customer has no order 9999. Ask them for the number again, or "
                         "hand over to a person."))),
    (WRONG_ARGUMENT, Run("more than can be refunded", **failed("refund",
        "Not refunded: 60.00 EUR were asked for, and 20.00 EUR of order 1041 "
                         "can be refunded. Lower the amount, or hand over to a person.", ORDER))),
    (WRONG_ARGUMENT, Run("for another customer", **failed("refund",
        "Not done: Refund 20.00 EUR of order 7. It is for another customer than the "
                         "one of this conversation.", ORDER))),
    (WRONG_ARGUMENT, Run("a model read nothing", **failed("model step",
        "Nothing was read by a model: the text does not say 'order number'. Ask "
                         "the customer for it, or hand over to a person."))),
    (WRONG_ARGUMENT, Run("an address that is none", **failed("http call", "Not called: 'example' is no plain address such as "
                         "https://example.com/orders/7. Check what was filled in."))),
    (WRONG_ARGUMENT, Run("its own text, another amount", **own_text("We pay 5.00 EUR back.", "We pay 8.00 EUR back."))),
    (WRONG_ARGUMENT, Run("its own text, another tone", **own_text("I am sorry that order 1041 comes late.",
        "Sorry, Jo. It comes on Friday."))),
    (WRONG_ARGUMENT, Run("its own sentence beside an answer", **answered(HOME, "Delivery times", draft=f"{HOME} Order 7 comes on Monday.",
                         wrote=f"{HOME} Order 1041 comes on Friday."))),
    (WRONG_ARGUMENT, Run("a person says which value", **decided("refused", "Wrong order number, it is 1042"))),
    (WRONG_ARGUMENT, Run("it went back before", **decided("refused", "It was refunded already on Monday"))),
    (WRONG_ARGUMENT, Run("the shop said no", refused="Not done: Refund 20.00 EUR of order 1041. The shop says: order 1041 was cancelled.")),
    # false alarm
    (FALSE_ALARM, Run("so many runs that day", **limit(RUNS))),
    (FALSE_ALARM, Run("so much money that day", **limit(PER_DAY))),
    (FALSE_ALARM, Run("a person did the same", **limit(PER_RUN, "I have refunded 60.00 EUR to your card."))),
    (FALSE_ALARM, Run("a person did it in other words", **limit(PER_RUN, "All of it is on its way back to you."))),
    (FALSE_ALARM, Run("the recipe's limit of runs at a second act", **failed("tag", RUNS, ORDER))),
    # slow
    (SLOW, Run("the shop is gone", **failed("look up order",
        "The shop did not tell order 1041: it is not running, or not reachable. Try again in "
               "a minute."))),
    (SLOW, Run("no answer in time", **failed("http call",
        "Nothing was learned from example.com: it gave no whole answer within 10 seconds. Try "
               "again in a minute."))),
    (SLOW, Run("it did not take it for a day",
        why="Not done: Refund 20.00 EUR of order 1041. The shop has not made it, and did not take it for a "
               "day.", refused="Not done: Refund 20.00 EUR of order 1041. The shop has not made it, and did not take it for a day.")),
    (SLOW, Run("nobody decided", **decided("lapsed", "nobody decided within 14 days"))),
    (SLOW, Run("a fault of the portal", state="failed", why="A fault of the portal stopped the run. A person has it from here.")),
    (SLOW, Run("no shop is connected", **failed("look up order", "Nothing was looked up: no shop is connected. An admin connects one on "
               "Installation."))),
    (SLOW, Run("a step took a minute", **failed("model step", "Nothing was read by a model: it gave no usable answer.", ms=61_000))),
    # policy
    (POLICY, Run("above the limit, and nobody paid more", **limit(PER_RUN))),
    (POLICY, Run("above the limit, and a person says no", **limit(PER_RUN, "We cannot refund 60.00 EUR for this order."))),
    (POLICY, Run("a person names the policy", **decided("refused", "Our policy gives money back only after 7 days"))),
    (POLICY, Run("a person names no rule", **decided("refused", "We do not pay for this"))),
    (POLICY, Run("a rule with an amount in it", **decided("refused", "Too much, goodwill is 10 EUR at most"))),
    (POLICY, Run("in German", **decided("refused", "Laut Richtlinie nicht erlaubt"))),
    (POLICY, Run("an address that nobody allowed", **failed("http call",
        "Not called: https://example.com is none of the addresses that recipes "
                 "may call. An admin allows it on Installation."))),
    (POLICY, Run("another currency", **limit("Not done: Refund 60.00 USD of order 1041. The recipe's limits are in EUR."))),
    (POLICY, Run("a person thinks it is a fraud", **decided("refused", "Third time this month, looks like somebody plays with us"))),
]  # fmt: skip

# what people wrote, in words that were not looked at when the rules were made; the rules were not changed after it
UNSEEN: list[tuple[str, Run]] = [
    (POLICY, Run("u1", **decided("refused", "customer has not sent the item back yet"))),
    (POLICY, Run("u2", **decided("refused", "wait for the carrier's investigation first"))),
    (POLICY, Run("u3", **decided("refused", "please leave this one to me, she is a VIP"))),
    (POLICY, Run("u4", **decided("refused", "exceeds what a rep can give"))),
    (POLICY, Run("u5", **decided("refused", "no entitlement once it was delivered"))),
    (WRONG_ARGUMENT, Run("u6", **decided("refused", "this is the same parcel we credited last week"))),
    (WRONG_ARGUMENT, Run("u7", **decided("refused", "30, not 20"))),
    (WRONG_ARGUMENT, Run("u8", **decided("refused", "wrong customer"))),
    (WRONG_ARGUMENT, Run("u9", **decided("refused", "the parcel arrived yesterday, see tracking"))),
    (WRONG_ARGUMENT, Run("u10", **decided("refused", "that is the shipping cost, not the price of the product"))),
    (WRONG_ARGUMENT, Run("u11", **decided("refused", "Kundin meint die andere Bestellung"))),
    (WRONG_INTENT, Run("u12", **decided("refused", "She wants a replacement, not money"))),
    (WRONG_INTENT, Run("u13", **decided("refused", "He is asking how to cancel"))),
    (RETRIEVAL_MISSED, Run("u14", **answered("You can pay by card, by invoice or by bank transfer.", "Payment",
                           wrote="Your voucher stays valid for three years, but we cannot pay it out in cash."))),
    (RETRIEVAL_MISSED, Run("u15", **answered(HOME, "Delivery times",
                           wrote="Bad luck! We send you a new one at no cost if you mail us a picture within two days."))),
    (UNSUPPORTED, Run("u16", **answered("You have 30 days to send a plant back. Sending it back costs nothing.", "Returns of plants",
                      wrote="You have 30 days to send a plant back. The postage is yours."))),
    (ARTICLE_MISSING, Run("u17", **answered("You have 30 days to send a plant back.", "Returns of plants",
                          wrote="Since May you have 14 days to send a plant back."))),
    (ARTICLE_MISSING, Run("u18", **answered("", "", draft="A colleague looks at it.",
        wrote="We do not deliver to Iceland at the moment."))),
    (WRONG_ARGUMENT, Run("u19", **own_text("Dear customer, order 1041 is late.", "Liebe Frau Kern, Ihre Bestellung kommt am Freitag."))),
    (FALSE_ALARM, Run("u20", **limit(PER_RUN, "I have just sent the money back by hand."))),
    (FALSE_ALARM, Run("u21", **limit(PER_RUN, "60 EUR are on their way; my lead agreed."))),
    (POLICY, Run("u22", **limit(PER_RUN, "Sorry, 60 EUR is more than we pay for a late parcel."))),
    (SLOW, Run("u23", **failed("look up order",
        "The shop did not tell order 1041: it asks to be left alone for 30 seconds (429). Try again in "
               "a minute."))),
    (SLOW, Run("u24", **failed("http call",
        "Nothing was learned from example.com: it answered with an error (500). Try again in a minute."))),
]  # fmt: skip


def test_the_table_holds_runs_of_every_cause_each_once() -> None:
    assert len(TABLE) >= 40 and len({run.told for _, run in TABLE}) == len(TABLE)
    assert min(Counter(cause for cause, _ in TABLE).values()) >= 5 and {cause for cause, _ in TABLE} == set(CAUSES)


def agreement(table: list[tuple[str, Run]], named: str) -> tuple[float, dict[str, float]]:
    """How often the rule says what a person says, and of its proposals of each cause how many are right; printed (pytest -s)."""
    said = [(cause, run.told, run.proposed() or ("", "")) for cause, run in table]
    right, proposed = Counter(cause for cause, _, found in said if found[0] == cause), Counter(found[0] for _, _, found in said)
    print(f"\n{named}: {sum(right.values())} of {len(said)} as a person says")
    for name in CAUSES:
        print(f"  {name}: precision {right[name]}/{proposed[name]}, recall {right[name]}/{sum(cause == name for cause, *_ in said)}")
    for cause, told, found in said:
        if found[0] != cause:
            print(f"    {told}: {found[0]}, not {cause}: {found[1]}")
    return sum(right.values()) / len(said), {name: right[name] / proposed[name] for name in proposed}


def test_rules_agree_with_people_on_most_runs() -> None:
    """The bars are below what is printed, so that this fails when a rule breaks, not when a hard run is added."""
    whole, of_each = agreement(TABLE, "causes by rule")
    assert whole >= 0.85 and min(of_each.values()) >= 0.7, of_each


def test_what_people_write_in_other_words_is_told_apart_less_often() -> None:
    """Why a person confirms each: sentences that nobody made the rules for are often read otherwise than they are meant."""
    whole, _ = agreement(UNSEEN, "causes by rule, of unseen words")
    assert whole >= 0.5


@pytest.mark.parametrize(("cause", "run"), TABLE, ids=lambda one: getattr(one, "told", str(one)))
def test_what_speaks_for_a_cause_is_a_sentence(cause: str, run: Run) -> None:
    found = run.proposed()
    assert found is not None
    assert found[1].strip() and len(found[1]) < 600 and "{" not in found[1] and "None" not in found[1]


# -- what is no failure -------------------------------------------------------------------------------------------------------------------

NO_FAILURE = [
    Run("done", (ORDER,), "done"),
    Run("waits", (ORDER, ("refund", "waiting", {}, "A person decides.")), "waiting"),
    Run("runs", (ORDER,), "running"),
    Run("handed over by its own step", (ORDER, ("hand over", "done", {"summary": "A hard one", "ends": True}, "")), why="A hard one"),
    Run("handed over after somebody said yes to it", (ORDER, ("hand over", "waiting", {}, "It does nothing of the kind alone.")),
        around=Around(asked="hand over to a person", decided="done")),
    Run("somebody stopped it", (ORDER,), why="'late parcel' was stopped: too many complaints"),
    Run("somebody stopped it before an act left", (ORDER,), why="'late parcel' was stopped: enough",
        refused="Before it left, a person has it."),
    Run("a step failed and it went on", (("tag", "failed", {}, "Not done: no such tag."), ORDER), "done"),
    Run("the conversation is gone", (ORDER,), why=causes.GONE),
    Run("its proposal was withdrawn", (ORDER, ("refund", "waiting", {}, "")), around=Around(asked="refund", decided="withdrawn")),
    Run("the intent is the same on Review", (ORDER,), "done", around=Around("Late delivery", "Late delivery")),
    Run("its draft was taken", (ORDER,), "done", outcome="accepted", draft="It comes on Friday."),
]  # fmt: skip


@pytest.mark.parametrize("run", NO_FAILURE, ids=lambda run: run.told)
def test_a_run_that_did_as_it_was_meant_to_has_no_cause(run: Run) -> None:
    assert run.proposed() is None


def test_what_a_person_said_of_the_intent_speaks_before_everything_else() -> None:
    run = Run("both", **limit(PER_RUN))
    assert (run.proposed() or ("",))[0] == POLICY
    named = replace(run, around=Around("Late delivery", "Complaint")).proposed()
    assert named == (WRONG_INTENT, "It began because it looked like 'Late delivery', and on Review a person said 'Complaint'.")


def test_evidence_names_the_article_that_says_it() -> None:
    found = {run.told: run.proposed() for _, run in TABLE}["another article says it"]
    assert found is not None and "'Damaged plants' says what the person wrote" in found[1]
