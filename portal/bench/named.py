"""Conversations whose first turn names a product and whose last one asks; articles of many products, alike but for the name."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

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


def _topics() -> tuple[Topic, ...]:
    told = yaml.safe_load(Path(__file__).with_name("named.yaml").read_text(encoding="utf-8"))
    return tuple(Topic(one["title"], one["text"], tuple(one["questions"])) for one in told)


TOPICS = _topics()
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
