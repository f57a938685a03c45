"""An agent's next turn without any model: patterns say what the customer wants, steps what a tool can do, tools what is said.

It is deterministic and asks nobody. In this order: what the matter is, another agent where that one's description fits better, look-ups,
an effect that what was looked up allows, the words for the customer. Where something does not fit, it is another agent's turn, and a
person's when each has had its own. A tool is never used twice with the same arguments, and an amount is never its choice: a tool that
leaves one open is not used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from automations.agents import filled_in, hearing, sentences
from automations.agents.face import Offered, Seen, Used
from automations.agents.hearing import CHARGED, INVOICE, KINDNESS, LATE, MONEY, ORDER, OUTAGE, Heard
from automations.comparisons import number
from language.call import Call, ToolCall

JOB, MODEL = "planner", "embedded planner"
TURNS = 8
MOST_USED = TURNS - 1  # behind so many there are only words left
TOO_LATE = 7  # days: then a person looks for the parcel
MOST_HANDOFFS = 2
LONGEST_QUESTION = 2_000

LOOKS_FOR = {  # the step that finds out about a matter
    ORDER: "look up order", LATE: "look up order", CHARGED: "look up order", MONEY: "look up order", KINDNESS: "look up order",
    INVOICE: "look up invoice", OUTAGE: "look up incident",
}  # fmt: skip
MENDS = {MONEY: "refund", KINDNESS: "credit"}  # the step that a matter asks for
ARTICLES, PERSON, ASKS, CLASSIFIES = "answer from knowledge", "hand over", "ask for a missing detail", "classify"
MARKS = ("tag", "route")
BACK = ("returned", "cancelled")  # orders of which the shop itself says that the customer does not have them
REASONS = {
    "refund": "The customer asks for their money back",
    "credit": "The order came late, and the customer asks for something in return",
}
KNOWN_STEPS = {*LOOKS_FOR.values(), ARTICLES, CLASSIFIES, "model step", "look up customer"}


@dataclass(frozen=True)
class Plan:
    """Everything that one turn is decided by."""

    seen: Seen
    heard: Heard
    language: str  # in which it can say something; empty: only what articles say
    done: tuple[Used, ...] = field(default=())  # what went well

    def offered(self, step: str) -> list[Offered]:
        return [one for one in self.seen.offered if one.step == step]

    def gave(self, step: str) -> list[Mapping[str, Any]]:
        return [one.gave for one in self.done if one.step == step]

    @property
    def tried(self) -> Sequence[Used]:
        """What went well, and what this agent tried: what another one may not do, this one perhaps may."""
        since = max((place for place, one in enumerate(self.seen.used) if not one.step), default=-1)
        return [one for place, one in enumerate(self.seen.used) if not one.why or place > since]

    def was_used(self, step: str) -> bool:
        return any(one.step == step for one in self.tried)

    @property
    def others(self) -> list[Offered]:
        """Agents that have not had it."""
        before = {one.name for one in self.seen.used if not one.step}
        room = len(before) < MOST_HANDOFFS
        return [one for one in self.seen.offered if one.hands_over and one.name not in before and room]


def planned(seen: Seen) -> Call:
    """The next turn: tools with their arguments, or the last words."""
    plan = _plan(seen)
    if plan.gave(PERSON):
        return _words(plan, "person", "a person has it")
    if len(seen.used) >= MOST_USED:
        return _last_words(plan, f"{MOST_USED} tools were used")
    if why := _refused(plan):
        return _effect(plan) or _passed_on(plan, why)
    for decide in (_classified, _handed, _looked_up, _effect, _marked):
        if call := decide(plan):
            return call
    return _answered(plan)


def _plan(seen: Seen) -> Plan:
    done = tuple(one for one in seen.used if not one.why and isinstance(one.gave, Mapping))
    told = next((one.gave.get("intent") for one in reversed(done) if one.step == CLASSIFIES), "")
    heard = hearing.heard(seen, seen.intent or (told if isinstance(told, str) else ""))
    code = seen.language.lower()[:2]
    language = code if code in sentences.SAID else "" if code else sentences.GERMAN if heard.german else sentences.ENGLISH
    return Plan(seen, heard, language, done)


def _refused(plan: Plan) -> str:
    """Without an intent one can go on, and without an agent that was handed to; without anything else somebody else has to."""
    away = (one for one in plan.tried if one.why and one.step not in (CLASSIFIES, "") and not _was_tried_only(plan, one))
    return next((f"{one.name} was refused" for one in away), "")


def _was_tried_only(plan: Plan, one: Used) -> bool:
    """Whether money went back another way, or an order was looked for that came back, of which the customer does not speak."""
    guessed = one.step == LOOKS_FOR[MONEY] and "status" in one.arguments and not plan.heard.back
    return guessed or (one.step in MENDS.values() and bool(plan.gave(one.step)))


# -- what the matter is, and whose it is --------------------------------------------------------------------------------------------------


def _classified(plan: Plan) -> Call | None:
    if plan.seen.intent or plan.heard.topics or plan.was_used(CLASSIFIES):
        return None
    return _first(plan, _uses(plan, CLASSIFIES, {}), "asks what it is about")


def _handed(plan: Plan) -> Call | None:
    """Where another agent's description says more of the customer's matter than the own tools do."""
    best = max(plan.others, key=lambda one: _fitness(plan, one), default=None)
    if best is None or not _fits_better(plan, best, only=len(plan.others) == 1):
        return None
    return _hands(plan, best, f"hands to {best.name}")


def _hands(plan: Plan, other: Offered, why: str) -> Call | None:
    return _first(plan, _calls([other], {"why": "Its matter", "reason": "Its matter", "summary": "Its matter"}, plan), why)


def _passed_on(plan: Plan, why: str) -> Call:
    """What this agent cannot do is another one's turn before it is a person's."""
    best = max(plan.others, key=lambda one: _fitness(plan, one), default=None)
    handed = _hands(plan, best, f"hands to {best.name}, since {why}") if best else None
    return handed or _to_a_person(plan, why)


def _fits_better(plan: Plan, other: Offered, *, only: bool) -> bool:
    wanted, own = plan.heard.topics, _own(plan)
    mends, matters, words = _fitness(plan, other)
    if matters or own:
        return matters > len(own) or (mends and MONEY not in own)
    able = any(not one.hands_over and one.step not in (PERSON, CLASSIFIES) for one in plan.seen.offered)
    return (not able and (only or words > 0)) or (words > 0 and not wanted and not plan.offered(ARTICLES))


def _fitness(plan: Plan, other: Offered) -> tuple[bool, int, int]:
    """Whether it pays where money is wanted, how many of the matters are its, and how many words it shares with the customer."""
    description = _described(other)
    matters = hearing.topics(description, loosely=True) & plan.heard.topics
    shared = hearing.stems(description) & (plan.heard.stems | plan.heard.of_intent)
    return plan.heard.wants_money and MONEY in matters, len(matters), len(shared)


def _described(one: Offered) -> str:
    return f"{one.name.replace('_', ' ').replace('-', ' ')}. {one.what}"


def _own(plan: Plan) -> set[str]:
    """The matters that this agent's own tools serve."""
    steps = {one.step for one in plan.seen.offered}
    return {one for one in plan.heard.topics if (MENDS.get(one) or LOOKS_FOR[one]) in steps}


# -- look-ups -----------------------------------------------------------------------------------------------------------------------------


def _looked_up(plan: Plan) -> Call | None:
    if calls := [call for call in _look_ups(plan) if not _is_done(plan, call)]:
        room = max(1, MOST_USED - len(plan.seen.used) - 2)  # for an effect and a person
        return _call(plan, calls[:room], "looks up what the words name")
    if any(plan.gave(step) for step in LOOKS_FOR.values()):
        return None
    if plan.was_used(ARTICLES):
        return None
    return _first(plan, _uses(plan, ARTICLES, {"question": plan.seen.words.strip()[:LONGEST_QUESTION]}), "asks the articles")


def _look_ups(plan: Plan) -> Iterator[ToolCall]:
    steps = dict.fromkeys(LOOKS_FOR[one] for one in sorted(plan.heard.topics))
    for step in steps:
        match step:
            case "look up order":
                yield from _by_number(plan, step, plan.heard.orders, ("number", "order", "order_number"))
            case "look up invoice" if plan.heard.invoices or not plan.heard.orders:
                yield from _by_number(plan, step, plan.heard.invoices, ("number", "invoice", "invoice_number"))
            case "look up incident":
                yield from _uses(plan, step, {"kind": "outage"})
    if LATE in plan.heard.topics:
        yield from _uses(plan, "look up incident", {"kind": "delay"})
    if plan.heard.topics and not any(plan.offered(step) for step in steps):
        yield from _others(plan)


def _by_number(plan: Plan, step: str, numbers: Sequence[str], names: Sequence[str]) -> Iterator[ToolCall]:
    for one in numbers:
        yield from _uses(plan, step, dict.fromkeys(names, one))
    if not numbers:
        yield from _newest(plan, step)


def _newest(plan: Plan, step: str) -> list[ToolCall]:
    """Of whoever names none; where they want money, of which theirs may go back, or has."""
    if not plan.gave(step):
        return _uses(plan, step, {"status": plan.heard.back} if plan.heard.wants_money and plan.heard.back else {})
    if step == LOOKS_FOR[MONEY] and plan.heard.wants_money and not any(one.get("status") in BACK for one in plan.gave(step)):
        return _uses(plan, step, {"status": BACK[0]})
    return []


def _others(plan: Plan) -> Iterator[ToolCall]:
    """Tools of companies' own, by the words that they share with the customer."""
    of_customer = plan.heard.stems | plan.heard.of_intent
    for one in plan.seen.offered:
        if one.hands_over or one.changes or one.talks or one.step in KNOWN_STEPS:
            continue
        if hearing.stems(_described(one)) & of_customer:
            order = plan.heard.orders[0] if plan.heard.orders else ""
            yield from _calls([one], {"order": order, "order_number": order, "question": plan.seen.words[:LONGEST_QUESTION]}, plan)


# -- effects ------------------------------------------------------------------------------------------------------------------------------


def _effect(plan: Plan) -> Call | None:
    """Only what was asked for and what the look-up allows."""
    step = _mending(plan)
    if not step or plan.gave(step):
        return None
    found = str(_orders(plan)[0]["number"])
    known = {"order": found, "number": found, "order_number": found, "reason": REASONS[step], "why": REASONS[step]}
    ways = [call for call in _calls(plan.offered(step), known, plan) if not _is_done(plan, call)]
    return _first(plan, ways, f"what was looked up allows a {step}")


def _mending(plan: Plan) -> str:
    orders = _orders(plan)
    if len(orders) != 1 or CHARGED in plan.heard.topics:
        return ""
    (order,) = orders
    if plan.heard.wants_money and not plan.heard.beside and _may_go_back(plan.heard, order):
        return MENDS[MONEY]
    days = number(order.get("days_late"))
    return MENDS[KINDNESS] if KINDNESS in plan.heard.topics and MONEY not in plan.heard.topics and days and days > 0 else ""


def _may_go_back(heard: Heard, order: Mapping[str, Any]) -> bool:
    """All of it, once, for an order that they name or that came back: parts, other amounts and what went back before are a person's."""
    refundable, refunded = sentences.money(order, "refundable"), sentences.money(order, "refunded")
    if not refundable or refunded or heard.in_part or not (heard.orders or order.get("status") in BACK):
        return False
    return all(one in (refundable, sentences.money(order, "goods")) for one in heard.amounts)


def _orders(plan: Plan) -> list[Mapping[str, Any]]:
    """What was looked up, each order once and as it was last seen; where they name some, only those."""
    found = {str(gave["number"]): gave for gave in plan.gave("look up order") if isinstance(gave.get("number"), str) and gave["number"]}
    named = set(plan.heard.orders)
    back = {key for key, gave in found.items() if plan.heard.wants_money and not named and gave.get("status") in BACK}
    return [gave for key, gave in found.items() if (key in back if back else not named or key.upper() in named or key in named)]


def _marked(plan: Plan) -> Call | None:
    """A tag or a team that shares a word with the intent, and that leaves nothing to choose."""
    if not any(not one.why and one.step in KNOWN_STEPS for one in plan.seen.used):
        return None
    for one in plan.seen.offered:
        fits = one.step in MARKS and hearing.stems(_described(one)) & plan.heard.of_intent
        if fits and (calls := [call for call in _calls([one], {}, plan) if not _is_done(plan, call)]):
            return _call(plan, calls, f"marks it by {one.name}")
    return None


# -- words, and people --------------------------------------------------------------------------------------------------------------------


def _answered(plan: Plan) -> Call:
    if why := _needs_a_person(plan):
        return _passed_on(plan, why)
    if said := _reply(plan):
        return _say(said, "says what was found")
    return _missing(plan) or _passed_on(plan, "nothing that was found answers it")


def _needs_a_person(plan: Plan) -> str:
    """What is no matter of words."""
    wanted, orders = plan.heard.topics, _orders(plan)
    if CHARGED in wanted and plan.offered(PERSON):
        return "charges are looked at by a person"
    if plan.heard.wants_money and orders and not plan.gave("refund") and not any(sentences.money(one, "refunded") for one in orders):
        return "money is asked for that no tool may give here"
    if plan.heard.wants_money and not plan.gave("refund") and plan.heard.amounts and any(_is_more(plan.heard, one) for one in orders):
        return "another amount is asked for than went back"
    if KINDNESS in wanted and not plan.gave("credit"):
        return "something in return is asked for"
    late = [days for one in orders if one.get("status") != "delivered" and (days := number(one.get("days_late"))) is not None]
    if wanted & {ORDER, LATE} and any(days >= TOO_LATE for days in late) and not plan.gave("refund"):
        return f"the parcel is {TOO_LATE} days late or more"
    return ""


def _is_more(heard: Heard, order: Mapping[str, Any]) -> bool:
    back = sentences.money(order, "refunded")
    return back is None or any(one > back for one in heard.amounts)


def _reply(plan: Plan) -> str:
    if plan.language:
        meant = [gave.get("number") for gave in _orders(plan)]
        told = [one for one in plan.seen.used if one.step != LOOKS_FOR[ORDER] or not meant or one.gave.get("number") in meant]
        return sentences.reply(told, plan.language)
    return "\n".join(text for gave in plan.gave(ARTICLES) if (text := sentences.article(gave)))


def _missing(plan: Plan) -> Call | None:
    """A number without which nothing can be looked up is asked for, once."""
    what = "invoice" if INVOICE in plan.heard.topics else "order"
    step, named = f"look up {what}", plan.heard.invoices if what == "invoice" else plan.heard.orders
    wanted = any(LOOKS_FOR[one] == step for one in plan.heard.topics)
    if not plan.language or not wanted or named or not plan.offered(step) or plan.was_used(step) or plan.was_used(ASKS):
        return None
    question = sentences.SAID[plan.language][f"which {what}"]
    asked = _first(plan, _uses(plan, ASKS, {"question": question, "detail": f"{what} number"}), f"asks for the {what} number")
    return asked or _say(question, f"asks for the {what} number")


def _to_a_person(plan: Plan, why: str) -> Call:
    summary = f"No model was asked. For a person, since {why}."
    if not plan.was_used(PERSON):
        for call in _uses(plan, PERSON, {"summary": summary}):
            return _call(plan, [call], f"to a person: {why}")
    return _words(plan, "nothing", why)


def _last_words(plan: Plan, why: str) -> Call:
    said = "" if _refused(plan) or _needs_a_person(plan) else _reply(plan)
    return _say(said, why) if said else _words(plan, "nothing", why)


def _words(plan: Plan, which: str, why: str) -> Call:
    return _say(sentences.SAID[plan.language or sentences.ENGLISH][which], why)


# -- the shape of a turn ------------------------------------------------------------------------------------------------------------------


def _uses(plan: Plan, step: str, known: Mapping[str, str]) -> list[ToolCall]:
    """Of all tools with this step the first that can be used so, unless it was."""
    return [call for call in _calls(plan.offered(step), known, plan)[:1] if not _is_done(plan, call)]


def _calls(tools: Sequence[Offered], known: Mapping[str, str], plan: Plan) -> list[ToolCall]:
    made = [(tool, filled_in.arguments(tool.parameters, known, days=plan.heard.days)) for tool in tools]
    return [ToolCall("", tool.name, given) for tool, given in made if given is not None]


def _is_done(plan: Plan, call: ToolCall) -> bool:
    return any(one.name == call.name and dict(one.arguments) == call.arguments for one in plan.tried)


def _first(plan: Plan, calls: Sequence[ToolCall], why: str) -> Call | None:
    left = [call for call in calls[:1] if not _is_done(plan, call)]
    return _call(plan, left, why) if left else None


def _call(plan: Plan, calls: Sequence[ToolCall], why: str) -> Call:
    once = list({(one.name, repr(sorted(one.arguments.items()))): one for one in calls}.values())
    numbered = enumerate(once, start=len(plan.seen.used) + 1)
    return _turn(tools=tuple(ToolCall(f"planned_{place}", one.name, one.arguments) for place, one in numbered), why=why)


def _say(text: str, why: str) -> Call:
    return _turn(text=text, why=why)


def _turn(*, text: str = "", tools: tuple[ToolCall, ...] = (), why: str) -> Call:
    return Call(JOB, MODEL, (), text=text, tools=tools, why=f"Planned without a model: {why}.")
