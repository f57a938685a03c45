"""The search language: what is found is what a reader with the rule in hand would find, on both engines, and no typing breaks it."""

import random
import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from classifiers import labels
from data import conversations, examples, people, reviews, search, store
from data.conversations import Filter
from data.errors import Refused
from data.intake import door
from data.intake.canonical import CanonicalConversation
from data.tables import Score
from data.values import LIVE, new_id, now
from evals import sets
from language import words
from tests.conftest import SOAK, Staff
from tests.conversations import canonical
from tests.test_data_conversations import arrive, hide, ids, predicted

SPOKEN = [
    "100% sure", "Refund, please", "Welche GröSSe? Größe 7", "日本から来ました", "at 5 o'clock", "The credit card was charged twice",
    "card of credit", "e-mail me at once", "refunded already", 'she said "never"', "Straße 5, naïve café", "x_y under_score",
]  # fmt: skip
FOUND = {
    "100": {0}, "100%": {0}, "refund": {1}, "REFUND please": {1}, "please refund": {1}, "refund thanks": set(), "größe": {2}, "GROSSE": {2},
    "日本": {3}, "本日": set(), '"来ました"': {3}, "o'clock": {4}, "'": None, '"credit card"': {5}, "credit card": {5, 6},
    '"card credit"': set(),
    "e-mail": {7}, "mail-e": set(), "refun*": {1, 8}, "refun": set(), "refund -please": set(),
    "-refund -card": {0, 2, 3, 4, 7, 8, 9, 10, 11},
    '-"credit card" card': {6}, "never": {9}, "strasse": {10}, "naive cafe": {10}, "under score": {11}, "  ": set(range(12)), "!?": None,
    "look": set(range(12)), '"sure i look"': set(),  # a phrase does not run from one message into the next
}  # fmt: skip


@pytest.fixture
def spoken(staff: Staff) -> list[str]:
    return arrive(*SPOKEN)


def test_words_phrases_and_what_is_not_wanted(staff: Staff, spoken: list[str]) -> None:
    wrong = {}
    for asked, places in FOUND.items():
        if places is None:
            with pytest.raises(Refused, match=r"^Not searched: .* holds no word"):
                ids(Filter(words=asked), staff.rep)
            continue
        found = {spoken.index(made) for made in ids(Filter(words=asked), staff.rep)}
        if found != places:
            wrong[asked] = found
        assert conversations.counted(Filter(words=asked), by=staff.rep) == len(found)
    assert wrong == {}


def oracle(asked: list[search.Term], said: str) -> bool:
    """The rule itself, written down once more: each term's words stand side by side in what was said, or do not."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", said.casefold()) if not unicodedata.combining(letter))
    parts = [re.findall(r"\w+", part) for part in plain.split("|")]

    def holds(term: search.Term) -> bool:
        wanted, size = list(term.words), len(term.words)
        runs = (part[place : place + size] for part in parts for place in range(len(part) - size + 1))
        return any(run[:-1] == wanted[:-1] and (run[-1].startswith(wanted[-1]) if term.begins else run[-1] == wanted[-1]) for run in runs)

    return all(holds(term) != term.negated for term in asked)


def test_a_thousand_random_searches_find_what_the_rule_finds(staff: Staff) -> None:
    rng = random.Random(7)
    vocabulary = ["order", "orders", "refund", "late", "parcel", "card", "42", "größe", "o", "ord"]
    said = [" ".join(rng.choices(vocabulary, k=rng.randint(1, 6))) for _ in range(60)]
    made = arrive(*said)

    def term() -> str:
        some = rng.choices(vocabulary, k=rng.randint(1, 3))
        return rng.choice(["", "", "-"]) + rng.choice([some[0], f"{some[0]}*", f'"{" ".join(some)}"'])

    for _ in range(1000 if SOAK else 150):
        asked = " ".join(term() for _ in range(rng.randint(1, 4)))
        rule = [made[place] for place, text_ in enumerate(said) if oracle(search.parse(asked), f"{text_}|I look at it.")]
        assert ids(Filter(words=asked), staff.rep, size=100) == rule, asked


def test_newest_first_also_when_they_came_in_another_order(staff: Staff) -> None:
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    days = [5, 1, 9, 3, 3, 3, 7]
    for number, day in enumerate(days):
        door.receive([canonical(number, opened_at=begun + timedelta(days=day))], by=people.console())
    listed = conversations.listed(Filter(words="look"), by=staff.engineer)
    assert [row.opened_at for row in listed] == sorted((begun + timedelta(days=day) for day in days), reverse=True)
    pages = [row.id for page in range(4) for row in conversations.listed(Filter(words="look"), by=staff.engineer, page=page, size=2)]
    assert pages == [row.id for row in listed]


def test_ten_thousand_of_the_same_second_each_have_a_place_of_their_own(staff: Staff) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    some = 2000 if SOAK else 300
    for _ in range(2):  # also those whose number would be the same
        door.receive([canonical(number, opened_at=at) for number in range(some)], by=people.console())
    assert conversations.counted(Filter(), by=staff.engineer) == min(some, conversations.MOST_COUNTED + 1)


def test_what_changed_is_found_by_its_new_words_alone(staff: Staff) -> None:
    for said in ("the old word", "the new word"):
        door.receive([canonical(1, messages=[{"role": "customer", "text": said}])], by=people.console())
    assert len(ids(Filter(words="new"), staff.engineer)) == 1
    assert ids(Filter(words="old"), staff.engineer) == []
    early = canonical(1, messages=[{"role": "customer", "text": "the new word"}], opened_at=now() - timedelta(days=400))
    door.receive([early, canonical(2)], by=people.console())  # it moves in the list, and the index with it
    assert len(ids(Filter(words='"new word"'), staff.engineer)) == 1
    assert conversations.listed(Filter(), by=staff.engineer)[-1].opening == "the new word"


def test_the_index_holds_no_more_than_the_conversations(staff: Staff, spoken: list[str]) -> None:
    if store.is_sqlite():
        with store.writing() as db:
            db.execute(text("INSERT INTO conversation_search(conversation_search, rank) VALUES ('integrity-check', 1)"))
    hide(spoken[1])
    assert ids(Filter(words="refund"), staff.rep) == []


def test_another_teams_words_find_nothing(staff: Staff) -> None:
    arrive("the secret word", team="Fern")
    for asked in ("secret", "-nothing", "person:rita", "before:2200-01-01"):
        assert ids(Filter(words=asked), staff.rep) == []
    assert len(ids(Filter(words="secret"), staff.other)) == 1


# Fields.


def test_by_intent_that_a_review_gave_before_the_machine(staff: Staff) -> None:
    refund, login = labels.add("Refund", by=staff.lead), labels.add("Order status", by=staff.lead)
    first, second, third = arrive("a", "b", "c")
    predicted(first, login)
    predicted(second, login)
    reviews.record(second, "none", label_id=refund.id, by=staff.rep)
    assert ids(Filter(words="intent:refund"), staff.rep) == [second]
    assert ids(Filter(words='intent:"order status"'), staff.rep) == ids(Filter(words="intent:order-status"), staff.rep) == [first]
    assert ids(Filter(words="intent:none"), staff.rep) == [third]
    assert ids(Filter(words="-intent:refund"), staff.rep) == [first, third]
    reviews.record(second, "none", label_id=login.id, by=staff.rep)  # the last review counts
    assert ids(Filter(words="intent:refund"), staff.rep) == []


def test_what_lists_know_of_a_conversation_is_what_reviews_and_predictions_say(staff: Staff) -> None:
    """The first confident live prediction, also where one before it kept silent; the first one's certainty."""
    refund = labels.add("Refund", by=staff.lead)
    (made,) = arrive("a")
    predicted(made, None, 0.2, number=1, at=now() - timedelta(hours=2))
    predicted(made, refund, 0.8, number=2, at=now() - timedelta(hours=1))
    predicted(made, refund, 0.9, number=3, mode="shadow", at=now() - timedelta(hours=3))
    kept = conversations.get(made, by=staff.rep)
    assert kept is not None
    assert (kept[0].intent_id, kept[0].certainty, kept[0].reviewed) == (refund.id, 0.2, False)
    reviews.record(made, "none", by=staff.rep)
    kept = conversations.get(made, by=staff.rep)
    assert kept is not None
    assert (kept[0].intent_id, kept[0].reviewed) == (None, True)


def test_by_channel_person_tag_status_language_source_and_number(staff: Staff) -> None:
    said = [{"role": "customer", "text": "Where is my parcel?"}, {"role": "rep", "text": "Here.", "author": "Birgit Lund"}]
    chat = canonical(1, channel="chat", messages=said, tags=["Gold customer"], status="open", language="de")
    mail = canonical(2, channel="email", assignee="Birgit Lund", source="other", opened_at=now() - timedelta(days=2))
    first, second = door.receive([chat, mail], by=people.console()).ids
    for asked, wanted in {
        "channel:chat": [first], "channel:mail": [second], "-channel:chat": [second], "person:birgit": [first, second],
        'person:"birgit lund"': [first, second], "person:lund parcel": [first], "-person:birgit": [], "birgit": [],
        'tag:"gold customer"': [first], "tag:goldcustomer": [first], "tag:gold": [], "gold": [], "status:OPEN": [first, second],
        "language:de": [first], "source:other": [second], "id:2": [second], "reviewed:no": [first, second], "reviewed:yes": [],
    }.items():  # fmt: skip
        assert ids(Filter(words=asked), staff.engineer) == wanted, asked


def test_by_flag_rating_score_signal_customer_and_day(staff: Staff) -> None:
    refund = labels.add("Refund", by=staff.lead)
    kept = sets.create("Kept", by=staff.lead)
    low, high = arrive("a", "b", opened_at=datetime(2026, 3, 5, 12, tzinfo=UTC), csat=2)
    (third,) = arrive("c", first=9, csat=5, opened_at=datetime(2026, 3, 6, 12, tzinfo=UTC))
    examples.flag(low, "weak", why="Wrong.", eval_set_id=kept.id, label_id=refund.id, by=staff.rep)
    predicted(low, refund)
    with store.writing() as db:
        prediction_id = db.execute(text("SELECT id FROM prediction")).scalar_one()
        db.add(Score(target_kind="classifier", target_name="intent", target_number=1, grader_name="polite", conversation_id=low,
                     prediction_id=prediction_id, mode=LIVE, value=0.4))  # fmt: skip
    again = canonical(9, csat=4, team="Oak", opened_at=datetime(2026, 3, 6, 12, tzinfo=UTC), messages=[{"role": "customer", "text": "c"}])
    door.receive([again], by=people.console())
    pseudonym = conversations.listed(Filter(words="csat:4"), by=staff.rep)[0].customer
    for asked, wanted in {
        "flag:weak": {low}, "flag:strong": set(), "flag:any": {low}, "flag:none": {high, third}, "csat<3": {low, high}, "csat>=4": {third},
        "csat:2": {low, high}, "score<0.5": {low}, "score<40%": set(), "score<=40%": {low}, "-score<0.5": {high, third},
        "signal:rated": {third}, "after:2026-03-05": {third}, "before:2026-03-06": {low, high},
        "after:2026-03-04 before:2026-03-06": {low, high},
        f'customer:"{pseudonym}"': {third}, f"customer:{pseudonym[-4:]}": {third},
    }.items():  # fmt: skip
        assert set(ids(Filter(words=asked), staff.rep)) == wanted, asked


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("chanel:chat", "there is no 'chanel:'. Did you mean channel?"),
        ("colour:red", "there is no 'colour:'"),
        ("channel:fax", "there is no channel 'fax'. There are chat, email and voice."),
        ("intent:refnd", "there is no intent 'refnd'. Did you mean Refund?"),
        ("intent:", "nothing stands behind intent:"),
        ("flag:good", "flag is strong, weak, any or none, not 'good'"),
        ("score<low", "behind score< stands a number, not 'low'"),
        ("score<nan", "nan is no number that score can have"),
        ("channel<chat", "channel is not compared. Write channel:chat"),
        ("before:soon", "'soon' is no date. Write before:2026-03-31"),
        ("before:0001-01-01", "is not between 1970 and 2200"),
        ("reviewed:maybe", "reviewed is yes or no"),
        ("tag:!!", "nothing stands behind tag:"),
        ("x" * 501, "may have 500 characters, this one has 501"),
        ("a " * 31, "may name 30 things, this one names 31"),
    ],
)
def test_what_cannot_be_understood_is_said_in_words(staff: Staff, asked: str, told: str) -> None:
    labels.add("Refund", by=staff.lead)
    with pytest.raises(Refused, match=r"^Not searched: ") as refused:
        ids(Filter(words=asked), staff.rep)
    assert told in str(refused.value)


def test_an_address_and_a_time_are_words() -> None:
    assert search.parse("https://example.org/a") == [search.Term(False, ("https", "example", "org", "a"))]
    assert search.parse("10:30") == [search.Term(False, ("10", "30"))]
    assert search.parse('"channel:chat"') == [search.Term(False, ("channel", "chat"))]
    assert search.parse('"not closed') == [search.Term(False, ("not", "closed"))]


SIGNS = ["'", '"', ";", "--", "/*", "*/", "\\", "%", "_", "(", ")", "*", "^", "{", "}", ":", "<", ">", "=", "&", "|", "!", "\0", "\ud800",
         "\ue000", "\ue001", "\U0010ffff", "$1", "?", ":x", "NEAR", "AND", "OR", "NOT", "rowid", "words:", "person.password_hash",
         "password_hash:", "1=1", "UNION SELECT", "' OR '1'='1", "x' & !'y", "\u202e", "\u200b", "\n", "\t", "0x41", "1e309"]  # fmt: skip


def test_no_typing_is_a_fault_of_ours_nor_shows_another_teams(staff: Staff, spoken: list[str]) -> None:
    """Threat 9: whatever stands in the box, it is words or a refusal in words, and the same on both engines."""
    arrive("password_hash rowid UNION SELECT", team="Fern", first=90)
    rng = random.Random(3)
    fields = [f"{field}{sign}" for field in search.FIELDS for sign in (":", "<")]
    refused, many = 0, 500 if SOAK else 200
    for number in range(many):
        asked = "".join(rng.choices([*SIGNS, *fields, " ", "refund", "card"], k=rng.randint(1, 6))) if number else "' OR 1=1 --"
        try:
            assert set(ids(Filter(words=asked), staff.rep)) <= set(spoken), asked
        except Refused as told:
            assert str(told).startswith("Not searched: ")
            refused += 1
    assert 0 < refused < many


def test_words_are_written_in_one_way_for_both_engines() -> None:
    assert words.of("Größe GRÖSSE ﬁne Ｆｕｌｌ naïve") == ["grosse", "grosse", "fine", "full", "naive"]
    assert words.of("退款吗 ok") == ["退", "款", "吗", "ok"]
    assert words.of("a" * 500) == ["a" * words.LONGEST_WORD]
    assert words.of("snake_case it's 3.14") == ["snake", "case", "it", "s", "3", "14"]
    assert words.PERSON not in "".join(words.of(f"{words.PERSON}x {words.TAG} {words.BREAK}"))


def test_a_conversation_of_endless_words_is_kept_and_found_by_its_first(staff: Staff) -> None:
    long = CanonicalConversation.model_validate(
        {"id": new_id(), "source": "test", "channel": "chat",
         "messages": [{"role": "customer", "text": "begin " + " ".join(f"{number}w" for number in range(15_000))} for _ in range(12)]}
    )  # fmt: skip
    door.receive([long], by=people.console())
    assert len(ids(Filter(words='"begin 0w 1w"'), staff.engineer)) == 1
