"""What happened at Ferngrove: which customers came, with what, when, and how well they were answered."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from data import measures
from portal.ferngrove import text
from portal.ferngrove.phrases import INTENTS, NEW_PATTERN, IntentText

CUSTOMERS = 900
WEEKS = 13  # the last of them is not over
CHANNELS = {"chat": 0.5, "email": 0.35, "voice": 0.15}
SECOND_ASK, GERMAN = 0.09, 0.06
DIP_WEEK = 7  # a faulty form joined two matters into one message, and an article promised refunds that did not come
LOCKER_WEEK, LOCKER_SHARE = 9, 0.14  # a courier opened parcel lockers: a matter that no intent covers
POOR_ANSWERS, POOR_IN_DIP = 0.14, 0.2
PROMISED, PROMISED_SHARE, POOR_PROMISED = ("refund_not_received", "chat"), 0.24, 0.9  # whom the article's promise brought, in that week


@dataclass(frozen=True)
class Told:
    """One conversation as it really was: also what no screen knows, such as what it truly is about."""

    external_id: str
    intent: str
    channel: str
    language: str
    customer: str
    team: str
    subject: str | None
    opened_at: datetime
    closed_at: datetime
    messages: list[tuple[str, str, datetime]]  # role, text, when
    good: bool
    resolved: bool
    csat: int | None
    handle_seconds: int


def quarter(rng: random.Random, *, start: datetime, until: datetime, count: int) -> list[Told]:
    """Thirteen weeks, so many conversations in twelve of them, as far as they have been. What came is the same on whatever day of the last
    week one looks, only that there is more of it."""
    told = conversations(rng, start=start, until=start + timedelta(weeks=WEEKS), count=round(count * WEEKS / (WEEKS - 1)))
    return [one for one in told if one.opened_at < until]


def conversations(rng: random.Random, *, start: datetime, until: datetime, count: int) -> list[Told]:
    """In the order in which they came in."""
    customers = [text.customer_name(rng) for _ in range(CUSTOMERS)]
    moments = sorted(_moment(rng, start, until) for _ in range(count))
    return [_conversation(rng, number, moment, start, customers) for number, moment in enumerate(moments, start=1)]


def _moment(rng: random.Random, start: datetime, until: datetime) -> datetime:
    """Office hours mostly, fewer on weekends."""
    while True:
        moment = start + (until - start) * rng.random()
        busy = (1.0 if 7 <= moment.hour < 18 else 0.18) * (0.45 if moment.weekday() >= 5 else 1.0)
        if rng.random() < busy:
            return moment


def _conversation(rng: random.Random, number: int, moment: datetime, start: datetime, customers: list[str]) -> Told:
    week = round((measures.week_of(moment) - start) / timedelta(weeks=1)) + 1  # a week in which clocks change is an hour off
    dip = week == DIP_WEEK
    intent = NEW_PATTERN.key if week >= LOCKER_WEEK and rng.random() < LOCKER_SHARE else text.draw_intent(rng)
    channel = rng.choices(list(CHANNELS), list(CHANNELS.values()))[0]
    if dip and rng.random() < PROMISED_SHARE:
        intent, channel = PROMISED
    promised = dip and (intent, channel) == PROMISED
    language = "de" if rng.random() < GERMAN else "en"
    second = _other_intent(rng, intent) if rng.random() < (0.62 if dip and not promised else SECOND_ASK) else None
    customer_number = int(rng.random() ** 1.6 * CUSTOMERS)  # some write often
    good = rng.random() >= (POOR_PROMISED if promised else POOR_IN_DIP if dip else POOR_ANSWERS)
    asks = (intent, second) if not (dip and second and rng.random() < 0.4) else (second, intent)  # the form put the older matter first
    messages = _messages(rng, intent, channel, language, asks, good, moment, customers[customer_number])
    closed_at = messages[-1][2] + timedelta(minutes=1)
    return Told(
        external_id=f"FG{number:06d}",
        intent=intent,
        channel=channel,
        language=language,
        good=good,
        messages=messages,
        customer=f"{customers[customer_number]} {customer_number}",
        team="Team Fern" if channel != "chat" and rng.random() < 0.85 else "Team Oak",
        subject=text.email_subject(intent, rng, language) if channel == "email" else None,
        opened_at=moment,
        closed_at=closed_at,
        resolved=good or rng.random() < 0.25,
        csat=_csat(rng, good),
        handle_seconds=int(_text_of(intent).minutes * 60 * rng.lognormvariate(0, 0.45)),
    )


def _text_of(intent: str) -> IntentText:
    return NEW_PATTERN if intent == NEW_PATTERN.key else INTENTS[intent]


def _other_intent(rng: random.Random, intent: str) -> str:
    while True:
        other = text.draw_intent(rng)
        if other != intent and other != "praise":
            return other


def _messages(
    rng: random.Random, intent: str, channel: str, language: str, asks: tuple[str, str | None], good: bool, at: datetime, customer: str
) -> list[tuple[str, str, datetime]]:
    """Question and answer, perhaps once more, and a last word."""
    pause = timedelta(minutes=90) if channel == "email" else timedelta(seconds=50)
    told = [("customer", text.customer_opening(asks[0], channel, rng, second=asks[1], language=language, customer=customer), at)]

    def add(role: str, said: str) -> None:
        told.append((role, said, told[-1][2] + pause * rng.uniform(0.4, 1.8)))

    if rng.random() < 0.4:
        add("rep", text.rep_reply(intent, rng, good=False, language=language) if not good else _asks_back(rng, language))
        add("customer", text.customer_follow_up(intent, channel, rng, language=language))
    add("rep", text.rep_reply(intent, rng, good=good, language=language))
    if rng.random() < 0.55:
        add("customer", text.customer_thanks(rng, satisfied=good, language=language))
    return told


def _asks_back(rng: random.Random, language: str) -> str:
    if language == "de":
        return rng.choice(("Danke für Ihre Nachricht. Ich sehe gleich nach.", "Guten Tag, einen Moment bitte, ich prüfe das."))
    return rng.choice(
        ("Thanks for writing. Let me look into that for you.", "Hello, one moment please, I'm checking this.", "I'm on it, just a minute.")
    )


def _csat(rng: random.Random, good: bool) -> int | None:
    if rng.random() > 0.38:
        return None
    return rng.choices((1, 2, 3, 4, 5), (1, 2, 6, 38, 53) if good else (30, 32, 22, 12, 4))[0]


def better_reply(told: Told, rng: random.Random) -> str:
    """What a reviewer would have answered instead."""
    return text.rep_reply(told.intent, rng, good=True, language=told.language)


HARD = (  # words of customers that say one thing and mean another: what they wrote, and what they want
    ("Still waiting on my little jungle. Tracking says nothing new since Monday?", "where_is_my_order"),
    ("You promised Friday. It is Tuesday. I am not amused.", "late_delivery"),
    ("Opened the box: two ferns, no pot, and I paid for three things.", "missing_item"),
    ("The monstera looks as if somebody sat on it", "damaged_item"),
    ("I like cacti, but I did order an orchid", "wrong_item"),
    ("It is lovely but my cat eats it, so it has to go back to you", "return_item"),
    ("Same thing one size larger, can we swap?", "exchange"),
    ("Sent the pot back three weeks ago and my bank still knows nothing of it", "refund_not_received"),
    ("My statement shows you twice on the 3rd", "charged_twice"),
    ("The till says no, yet my card works everywhere else", "payment_declined"),
    ("SPRING10 does nothing at all", "discount_code"),
    ("My aunt gave me one of your vouchers, where do I type it in", "gift_card"),
    ("For my taxes I need that paper once more", "invoice_copy"),
    ("No more monthly plants please, we are running out of window sills", "cancel_subscription"),
    ("We are away all of August, please hold the plants back", "pause_subscription"),
    ("We moved last week and the new order still has the old street", "change_address"),
    ("Could you add a second pot before it leaves", "change_order"),
    ("Brown tips on everything since the heating is on", "plant_care"),
    ("When will the blue pots be back", "stock"),
    ("It closes itself whenever I tap on my plants", "app_problem"),
    ("The link in your mail says that it is too old", "sign_in"),
    ("Please forget that I ever existed", "delete_account"),
    ("Third time I explain this, does anybody read it?", "complaint"),
    ("Ben was wonderful yesterday, just saying", "praise"),
)  # fmt: skip
