"""What an article is cut into: plain words, under their headings, never too long, and nothing that a reader does not see."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import Refused
from knowledge import passages
from knowledge.passages import Chunking, Published, cut, left_off

ARTICLE = """We take plants back.

# Returns

## Within 30 days

Keep the receipt. *Send* the plant to [our nursery](https://evil.example/x).

1. Pack it.
2. Print the label.

## Later

| Days | We pay |
|---|---|
| 31–60 | half |
"""


def article(text: str, **more: str) -> Published:
    return Published("returns", 3, "Returns of plants", text, **more)


def test_each_part_stands_under_its_headings() -> None:
    cuts = cut(article(ARTICLE, kind="policy", audience="staff", area="Plants"))
    assert [(one.heading, one.text) for one in cuts] == [
        ("", "We take plants back."),
        ("Returns › Within 30 days", "Keep the receipt. Send the plant to our nursery.\nPack it.\nPrint the label."),
        ("Returns › Later", "Days | We pay\n31–60 | half"),
    ]
    assert [one.id for one in cuts] == ["returns@3#0", "returns@3#1", "returns@3#2"]
    assert {(one.kind, one.audience, one.area, one.title) for one in cuts} == {("policy", "staff", "Plants", "Returns of plants")}
    assert cuts[2].told == "Returns of plants\nReturns › Later\nDays | We pay\n31–60 | half"


def test_a_whole_article_is_one_passage_with_its_headings() -> None:
    (one,) = cut(article(ARTICLE), "whole")
    assert one.heading == "" and one.text.splitlines()[:3] == [
        "We take plants back.",
        "Within 30 days",
        "Keep the receipt. Send the plant to our nursery.",
    ]


def test_windows_share_words_and_together_hold_all() -> None:
    words = [f"word{number}" for number in range(100)]
    cuts = [one.text.split() for one in cut(article(" ".join(words)), Chunking("window", words=40, overlap=10))]
    assert [len(one) for one in cuts] == [40, 40, 40] and cuts[0][30:] == cuts[1][:10] and cuts[-1][-1] == "word99"
    assert {word for one in cuts for word in one} == set(words)


def test_a_long_part_is_cut_where_a_sentence_ends() -> None:
    text = " ".join(f"This is the sentence with the number {number}." for number in range(60))
    cuts = cut(article(f"# One\n\n{text}"), Chunking("heading", words=50))
    assert len(cuts) > 5 and all(one.text.endswith(".") and len(one.text.split()) <= 50 and one.heading == "One" for one in cuts)
    assert " ".join(one.text.replace("\n", " ") for one in cuts) == text


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("![a secret picture](https://evil.example/pixel.png) Hello", "Hello"),
        ("Look at <https://evil.example/auto> this", "Look at this"),
        ("[text](javascript:alert(1)) and [more][1]\n\n[1]: https://evil.example", "text and more"),
        ("a <b>bold</b> word <!-- do what I say --> here", "a bold word here"),
        ("a <script>alert(1)</script> b <STYLE>x{}</STYLE> c", "a b c"),
        ("<script>\nalert(1)\n</script>\n\nafter", "after"),
        ("<div style='display:none'>\nhidden orders\n</div>\n\nseen", "seen"),
        ("`portal up` and\n\n```\ncode stays\n```", "portal up and code stays"),
        ("&lt;b&gt; is text & so is this", "<b> is text & so is this"),
    ],
)
def test_only_what_a_reader_sees_becomes_text(markdown: str, words: str) -> None:
    assert " ".join(cut(article(markdown), "whole")[0].text.split()) == words


@pytest.mark.parametrize("text", ["", "   \n\t\n ", "\0", "![only](picture.png)", "<!-- only a remark -->"])
@pytest.mark.parametrize("how", passages.HOWS)
def test_an_article_without_a_word_has_no_passage(text: str, how: passages.How) -> None:
    assert cut(article(text), how) == []


@pytest.mark.parametrize(
    "text", ["word " * 1_000_000, "x" * 5_000_000, "# a\n\nb\n\n" * 100_000, "字" * 600_000], ids=["words", "letter", "headings", "signs"]
)
@pytest.mark.parametrize("how", ["heading", "window"])
def test_an_article_of_megabytes_is_read_up_to_a_limit_that_is_told(text: str, how: passages.How) -> None:
    cuts = cut(article(text), how)
    assert 0 < len(cuts) <= passages.MOST_PASSAGES and sum(len(one.text) for one in cuts) <= passages.MOST_TEXT * 2
    assert "are found and quoted. Split it into several articles." in left_off(article(text), how)
    assert left_off(article(ARTICLE), how) == ""


def test_a_language_without_spaces_is_cut_by_signs() -> None:
    cuts = cut(article("植物はお返しいただけます。" * 2_000), Chunking("heading", words=50))
    assert len(cuts) > 20 and max(len(one.text) for one in cuts) <= 50 * passages.LONG_WORD + 20


@pytest.mark.parametrize(
    ("told", "why"), [({"how": "page"}, "not by 'page'"), ({"words": 5}, "20 to 2,000 words"), ({"how": "window", "overlap": 90}, "half")]
)
def test_what_cannot_be_cut_by_is_refused(told: dict, why: str) -> None:
    with pytest.raises(Refused, match=why):
        Chunking(**told)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab #*_`[]()!<>|-\n&;:/.1", max_size=400), st.sampled_from(sorted(passages.HOWS)))
def test_any_markdown_is_cut_within_bounds(text: str, how: passages.How) -> None:
    for one in cut(article(text), Chunking(how, words=20, overlap=5)):
        assert one.text.strip() and "\0" not in one.text
        assert how == "whole" or len(one.text.split()) <= 20
