"""The ladder's rungs in the order in which a team climbs them, each in a rep's words."""

from dataclasses import dataclass

KEYWORD, VECTORS, SENTENCES, TITLES, ENTITIES, EXPANSION, CLASSIFICATION, PICKS, TUNED, RERANKER, HYBRID, CHUNKING = (
    "keyword", "vectors", "sentences", "titles", "entities", "expansion", "classification", "picks", "tuned", "reranker", "hybrid",
    "chunking",
)  # fmt: skip


@dataclass(frozen=True)
class Rung:
    name: str
    title: str
    explanation: str


RUNGS = (
    Rung(KEYWORD, "Same words", "Finds articles that use the customer's own words; rare words count more."),
    Rung(VECTORS, "Same meaning", "Finds articles that mean the same in other words."),
    Rung(HYBRID, "Both together", "An article that both find comes before one that only one finds."),
    Rung(CHUNKING, "Smaller passages", "Looks into the parts of an article, so that a long one does not hide its answer."),
    Rung(SENTENCES, "Each sentence", "A long message asks for several things: each sentence is looked for by itself."),
    Rung(TITLES, "Titles", "An article whose title the customer nearly says comes first."),
    Rung(
        ENTITIES,
        "Product names",
        "Remembers which product the conversation is about, from its first message on, and reads the last question with it.",
    ),
    Rung(EXPANSION, "Other words for it", "Also looks for what your articles call the thing that the customer calls something else."),
    Rung(CLASSIFICATION, "The intent", "Articles that fit what the customer wants come first."),
    Rung(PICKS, "Earlier choices", "Articles that people chose when somebody asked alike come first."),
    Rung(TUNED, "Learned meaning", "Learns from the choices what your customers mean by their words."),
    Rung(RERANKER, "Learned order", "Learns from the choices how much each of the others should count."),
)

# asked of a model: where there is one, and somebody wants to know
REPHRASED = Rung("rephrased", "A model's words", "A model says the question as a help page would, and that is looked for too.")

# what a rung measures of each article, and the share that each of its measures has in the rung's weight
PARTS: dict[str, dict[str, float]] = {
    KEYWORD: {"words": 1.0},
    VECTORS: {"meaning": 1.0},
    SENTENCES: {"sentence words": 0.5, "sentence meaning": 0.5},
    TITLES: {"title words": 0.5, "title share": 0.5},
    ENTITIES: {"names": 0.02, "question words": 0.49, "question meaning": 0.49},
    EXPANSION: {"other words": 1.0},
    CLASSIFICATION: {"area": 0.3, "chosen for intent": 0.7},
    PICKS: {"chosen alike": 0.98, "chosen often": 0.02},
    TUNED: {"learned meaning": 1.0},
}
FEATURES = tuple(part for parts in PARTS.values() for part in parts)
RUNG_OF = {part: rung for rung, parts in PARTS.items() for part in parts}
