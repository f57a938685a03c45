"""Conversations whose first turn names a product and whose last one asks; articles of many products, alike but for the name."""

import random
from dataclasses import dataclass
from typing import Any

PRODUCTS = (
    "Willow Plan", "Cedar Plan", "Maple Plan", "Birch Plan", "Juniper Plan", "Alder Plan", "Harbor Card", "Lagoon Card", "Summit Card",
    "Canyon Card", "Meadow Card", "Glacier Card", "Comet Account", "Nova Account", "Orbit Account", "Quasar Account", "Pulsar Account",
    "Meteor Account", "Sparrow Router", "Falcon Router", "Heron Router", "Osprey Router", "Cedar Plan Plus", "Comet Business Account",
)  # fmt: skip


@dataclass(frozen=True)
class Topic:
    title: str
    text: str  # {name}, {number}
    questions: tuple[str, ...]  # as customers ask, and not as the title says it


TOPICS = (
    Topic(
        "Fees and how to avoid them",
        "The {name} costs {number} euros a month. The fee is waived in every month in which you spend more than {number} hundred euros.",
        ("How much will I pay for it every month?", "Is there any charge for keeping it?", "What does this cost me?"),
    ),
    Topic(
        "Cancelling",
        "You can end the {name} at any time with {number} days' notice. Open Settings, choose End, and confirm by e-mail.",
        ("I want to get rid of it, what do I have to do?", "How do I stop it?", "How long in advance must I tell you that I leave?"),
    ),
    Topic(
        "Using it abroad",
        "Outside of the country the {name} works in {number} states. Elsewhere it is blocked until you allow travel in Settings.",
        ("I am going on holiday to Spain, will it work there?", "Does it run in other countries?", "Can I take it along on my trip?"),
    ),
    Topic(
        "Lost or broken",
        "If the {name} was lost, stolen or damaged, block it at once. A replacement arrives within {number} working days.",
        ("I cannot find it any more, somebody may have taken it!", "Mine fell down and does not work now.", "How fast do I get a new one?"),
    ),
    Topic(
        "Adding another person",
        "Up to {number} people may use the {name} together with you. Each gets an invitation by e-mail that lasts a week.",
        ("My wife wants to use it too, how do we do that?", "Can my daughter join?", "How many of us can share it?"),
    ),
    Topic(
        "Limits",
        "The {name} has a limit of {number} thousand a day. A higher one is granted for a week after a call with an adviser.",
        (
            "What is the most that I can do with it in a day?",
            "It says I am over the maximum, how do I raise that?",
            "Can I get more for a week?",
        ),
    ),
    Topic(
        "Rewards",
        "With the {name} you collect {number} points for every euro. Points never lapse and are paid out in December.",
        ("Do I get anything back when I use it?", "When do I receive my bonus?", "How does collecting points work with it?"),
    ),
    Topic(
        "Opening hours of its hotline",
        "Questions about the {name} are answered by phone from {number} o'clock in the morning until eight in the evening.",
        ("When can I call somebody about it?", "Is anyone there on the phone right now?", "From when on do you pick up?"),
    ),
)
FIRSTS = [name.split()[0] for name in PRODUCTS]
UNIQUE = {first for first in FIRSTS if FIRSTS.count(first) == 1}  # which a customer may say for the whole
OPENINGS = (
    "Hi, I have the {name} since last year.", "Hello, it is about my {name}.", "Good morning! I use the {short} and have a question.",
    "Hey, I am a customer of yours with the {name}.",
)  # fmt: skip
BETWEEN = (
    ("rep", "Thank you for writing to us. Could you tell me your customer number?"), ("customer", "Sure, it is {number}48213."),
    ("rep", "Thank you, I found you. How can I help?"), ("customer", "By the way, your new web page looks good."),
    ("rep", "That is nice to hear."), ("customer", "Sorry, I had to get the door."), ("rep", "No problem, take your time."),
)  # fmt: skip
ASIDE = "My brother has the {other} and is happy with it."  # another name, before the own one


def made(*, seed: int = 0, conversations: int = 200) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Articles and conversations as the bench reads them. One in four also names what somebody else has."""
    rng = random.Random(seed)
    articles = [
        {"id": f"{name}/{topic.title}", "title": f"{name}: {topic.title}", "body": topic.text.format(name=name, number=rng.randint(2, 9))}
        for name in PRODUCTS for topic in TOPICS
    ]  # fmt: skip
    return articles, [_conversation(number, rng) for number in range(conversations)]


def _conversation(number: int, rng: random.Random) -> dict[str, Any]:
    name, topic = rng.choice(PRODUCTS), rng.choice(TOPICS)
    opening = rng.choice(OPENINGS).format(name=name, short=name.split()[0] if name.split()[0] in UNIQUE else name)
    if rng.random() < 0.25:
        opening = ASIDE.format(other=rng.choice([one for one in PRODUCTS if one != name])) + " " + opening
    between = [(role, text.format(number=number)) for role, text in BETWEEN[: rng.choice((1, 3, 5, 7))]]
    told = [("customer", opening), *between, ("customer", rng.choice(topic.questions))]
    return {"id": str(number), "messages": [{"role": role, "text": text} for role, text in told], "relevant": [f"{name}/{topic.title}"]}
