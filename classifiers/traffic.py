"""What came in lately and nobody labelled: most of it is what the labels are for, and part of it is none of them.

It tells how strange a text is that is one of them, better than the labelled ones do: those were chosen, often for their likeness, and look
more usual than what comes in. How strangeness spreads is taken from them all the same, and laid upon the usual part of what came in.
"""

import heapq
from datetime import datetime, timedelta

import numpy as np
from sqlmodel import Session, col, select

from classifiers import model, outside
from data import access, conversations, examples, sealing, standing, store
from data.measures import percent
from data.tables import Conversation, Example, Label, Person, Review
from data.values import now

LOOKED_AT = timedelta(days=60)
MOST = 2_000  # conversations
FEWEST = 50  # of fewer nothing is told
STEP = 500  # conversations read at once
USUAL = (0.1, 0.2, 0.3, 0.4, 0.5)  # what is laid upon each other: parts that no foreign text is in, unless most are foreign
BARS = np.linspace(0.8, 0.998, 60)  # tried: above so many of those that are one of the labels
LEAST = 0.95  # so many of them stay below the bar, whatever comes in
CHANCE = 2.0  # standard errors: what is less is no sign of foreign ones


# -- the sample -------------------------------------------------------------------------------------------------------------------------


def unlabelled(name: str, *, by: Person, seed: int = 0, most: int = MOST, at: datetime | None = None) -> list[str]:
    """Texts of conversations that carry no label of the classifier, that no test is made of and whose words none asks. Which, depends on
    nothing but the conversations and the seed.
    """
    access.require(by, "classifier.train")
    with store.reading() as db:
        taken = _labelled(db, name) | examples.tested_conversations(db)
        came = [made for made in _came(db, at or now()) if made not in taken]
        drawn = heapq.nsmallest(2 * most, came, key=lambda made: sealing.sha(f"traffic {seed} {made}"))
        asked, found = examples.tested_texts(db), []
        for start in range(0, len(drawn), STEP):
            some = drawn[start : start + STEP]
            texts = conversations.texts(db, some)
            found += [texts[made][1] for made in some if texts[made][1].strip() and texts[made][1] not in asked]
            if len(found) >= most:
                break
    return found[:most]


def _labelled(db: Session, name: str) -> set[str]:
    """In a review, or by accepting it as an example, to learn from or to test with."""
    theirs = select(Label.id).where(Label.classifier_name == name)
    reviewed = select(Review.conversation_id).where(standing.stands(), col(Review.label_id).in_(theirs))
    taught = select(Example.conversation_id).where(Example.use != "retired", col(Example.label_id).in_(theirs))
    return {*db.exec(reviewed), *db.exec(taught)}


def _came(db: Session, at: datetime) -> list[str]:
    query = select(Conversation.id).where(
        Conversation.opened_at > at - LOOKED_AT, Conversation.opened_at <= at, col(Conversation.hidden_at).is_(None)
    )
    return list(db.exec(query))


# -- what it tells ----------------------------------------------------------------------------------------------------------------------


def look(labelled: model.Floats, came: model.Floats) -> outside.Lately | None:
    """From the signs of labelled texts, by models that had not seen them, and of those that came in. None: they are too few.

    The share is the greatest surplus of strange ones over what the labels explain, less what chance makes: on CLINC150 it is two or three
    points off. Learned from labelled against unlabelled ones as they are, it was 20 % where none was foreign.
    """
    if len(came) < FEWEST or not len(labelled):
        return None
    middle, counts = outside.of_one_size(labelled)
    known, seen, share = (labelled - middle) @ counts, (came - middle) @ counts, 0.0
    for _ in range(10):  # the share says which part of them is the usual one, and that says the share
        moved = float((np.quantile(seen, np.array(USUAL) * (1 - share)) - np.quantile(known, USUAL)).mean())
        usual = known + max(moved, 0.0)  # never less strange than what is labelled: a model fits its own time best
        bars = np.quantile(usual, BARS)
        # one more on either side: that none of a few is above does not say that none ever is
        above, explained = (((one[:, None] > bars).sum(axis=0) + 1) / (len(one) + 2) for one in (seen, usual))
        chance = np.sqrt(above * (1 - above) / len(seen) + explained * (1 - explained) / len(usual))
        before, share = share, max(0.0, float(((above - explained - CHANCE * chance) / (1 - explained)).max()))
        if abs(share - before) < 1e-3:
            break
    median, strange = (float(bar) for bar in np.quantile(usual, [0.5, outside.FOREIGN]))
    if share:  # of those above the bar most are foreign, and the fewest are on the wrong side of it
        gained = np.where(BARS >= LEAST, above - 2 * (1 - share) * explained, -1.0)
        strange = min(strange, float(bars[gained.argmax()]))
    return outside.Lately(len(came), share, median, strange)


def told(lately: outside.Lately | None) -> dict[str, object] | None:
    """For the manifest, and in a sentence."""
    if lately is None:
        return None
    of = f"the {lately.looked_at:,} conversations of the last {LOOKED_AT.days} days that were looked at and nobody labelled"
    about = "Less than 1\u00a0%" if lately.share < 0.01 else f"About {percent(lately.share)}"
    sentence = f"{about} of {of} are none of these." if lately.share else f"Of {of}, no more look foreign than chance makes."
    return {"looked_at": lately.looked_at, "foreign": round(lately.share, 4), "sentence": sentence}
