"""Articles as files: what is read of a folder, what is refused and why, and that what is written reads as the same."""

import csv
import io
import json
import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import Refused
from knowledge import files
from knowledge.files import KINDS, NewArticle, article, folder, page, slug_of

FULL = """---
title: Returns of plants
id: Returns_01
Kind: Policy
audience: shops
product area: Garden
owner: jo@example.com
review-by: 2026-03-01
lang: en
tags: [a, b]
---

# Within 30 days

You can return plants.
"""


def folder_of(tmp_path: Path, contents: Mapping[str, str | bytes]) -> Path:
    top = tmp_path / "articles"
    for name, content in contents.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return top


def why(read: files.Read) -> dict[str, str]:
    assert len(dict(read.refused)) == len(read.refused)
    return dict(read.refused)


# -- Markdown -----------------------------------------------------------------------------------------------------------------------------


def test_markdown_says_on_top_what_it_is(tmp_path: Path) -> None:
    read = files.read(folder_of(tmp_path, {"shop/returns.md": FULL}))
    assert read.articles == (
        NewArticle(
            "returns-01", "Returns of plants", "# Within 30 days\n\nYou can return plants.", "policy", "shops", "Garden", "jo@example.com",
            date(2026, 3, 1), "en",
        ),
    )  # fmt: skip
    assert read.articles[0].source == "shop/returns.md" and not read.refused and read.unknown == ("tags",)


@pytest.mark.parametrize(
    ("content", "title", "text"),
    [
        ("# Returns\n\nWithin 30 days.", "Returns", "Within 30 days."),
        ("Returns\n=======\nWithin 30 days.", "Returns", "Within 30 days."),
        ("\ufeff\r\n# Returns #\r\nWithin\r\n30 days.\r\n", "Returns", "Within\n30 days."),
        ("Within 30 days.\n\n## Plants\n\nYes.", "Plants", "Within 30 days.\n\n## Plants\n\nYes."),
        ("---\nkind: macro\n---\n# Hello\n\nHi.", "Hello", "Hi."),
        ("---\nSome words\n---\n\n# Returns\n\nYes.", "Returns", "---\nSome words\n---\n\n# Returns\n\nYes."),
        ("---\n\n# Returns\n\nA line above.", "Returns", "---\n\n# Returns\n\nA line above."),
        ("---\n---\n# Returns\n\nYes.", "Returns", "Yes."),
        ("---\ntitle: 404\n---\nNot found.", "404", "Not found."),
        ('---\ntitle: "Yes: no"\n...\nMaybe.', "Yes: no", "Maybe."),
    ],
)
def test_a_title_is_found(tmp_path: Path, content: str, title: str, text: str) -> None:
    read = files.read(folder_of(tmp_path, {"a.md": content}))
    assert [(one.title, one.text) for one in read.articles] == [(title, text)], read.refused


BOMB = "---\na: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it is empty"),
        ("   \n\n\t\n", "it is empty"),
        ("# Only a title\n", "it is empty. Write its words under the title"),
        ("---\ntitle: A\n---\n", "it is empty"),
        ("No title here.", "it has no title and no heading. Give it one"),
        ("# A\n\n" + "ab " * 1_666_667, "it holds 5.0 MB of text, 1 MB is the most. Split it"),
        ("# A\n\n" + "x" * 9_000_000, "it holds 9.0 MB of text, 1 MB is the most"),
        (b"# A\n\nGr\xfc\xdfe", "it is not UTF-8 (at byte 7). Save it as UTF-8"),
        ("# A\n\nb\0c", "a text holds a NUL character"),
        ("---\ntitle: A\nkind: rumour\n---\nx", "its kind 'rumour' is not known. There are help, macro, policy"),
        ("---\ntitle: A\nowner: Jo\n---\nx", "its owner 'Jo' is no e-mail address"),
        ("---\ntitle: A\nreview_by: soon\n---\nx", "its review_by 'soon' is no day. Write it like 2026-03-01"),
        ("---\ntitle: A\nreview_by: 2026-02-30\n---\nx", "its review_by '2026-02-30' is no day"),
        (f"---\ntitle: {'a' * 201}\n---\nx", "its title has 201 characters, 200 are the most"),
        ("---\ntitle: [a, b]\n---\nx", "its title is no text"),
        ("---\ntitle: 'A\n---\nx", "the part between '---' on top cannot be read: the file is not YAML"),
        ("---\ntitle: A\ntitle: B\n---\nx", "the field 'title' stands twice"),
        ("---\nowner: a@b.de\nowner_email: a@b.de\n---\nx", "owner stands twice"),
        ("---\ntitle: A\nNo end.", "the part that begins with '---' on top never ends"),
        (f"{BOMB}title: A\n---\nx", "with its references written out"),
        ("---\na: &a [*a]\ntitle: A\n---\nx", "a reference (*name) in the file leads to itself"),
        (f"---\n{'[' * 3000}\n---\nx", "nested more than"),
        ("---\n? [a]\n: b\ntitle: A\n---\nx", "a field whose name is no word"),
        (f"---\ntitle: A\nnote: {'x' * 200_000}\n---\nx", "has more than 100,000 characters"),
    ],
)  # fmt: skip
def test_what_is_no_article_is_a_sentence_and_the_rest_is_read(tmp_path: Path, content: str | bytes, told: str) -> None:
    read = files.read(folder_of(tmp_path, {"bad.md": content, "good.md": "# Good\n\nWords."}))
    assert [one.slug for one in read.articles] == ["good"]
    ((where, sentence),) = read.refused
    assert where == "bad.md" and told in sentence and sentence.startswith("It was left out: ") and sentence.endswith(".")


def test_a_python_object_in_yaml_is_a_word(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    read = files.read(folder_of(tmp_path, {"a.md": f"---\ntitle: A\nx: !!python/object/apply:os.mkdir ['{mark}']\n---\ny"}))
    assert not mark.exists() and read.unknown == ("x",) and read.articles[0].title == "A"


# -- twins and names ----------------------------------------------------------------------------------------------------------------------


def test_of_twins_the_first_stays_and_the_other_says_of_which_it_is_one(tmp_path: Path) -> None:
    read = files.read(folder_of(tmp_path, {
        "a.md": "# Returns\n\nWithin 30 days.", "b.md": "# Sending back\n\nWithin\n30   days.", "c.md": "# returns!\n\nOther words.",
    }))  # fmt: skip
    assert [one.source for one in read.articles] == ["a.md"]
    assert why(read) == {
        "b.md": "It was left out: it says word for word what a.md says. Keep one of them.",
        "c.md": "It was left out: it has the same name as a.md: 'returns'. Give it an id of its own, or keep one of them.",
    }


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        ("Returns & Refunds", "returns-refunds"), ("Größe ändern", "groesse-aendern"), ("Café", "cafe"), ("  doc_1.(x) ", "doc-1-x"),
        ("返品", "article-" + r"[0-9a-f]{10}"), ("返品 1", r"1-[0-9a-f]{10}"), ("a" * 80, "a" * 80), ("a" * 81, r"a{69}-[0-9a-f]{10}"),
        ("!?", r"article-[0-9a-f]{10}"),
    ],
)  # fmt: skip
def test_a_name_is_made_of_an_id_or_a_title(said: str, slug: str) -> None:
    assert re.fullmatch(slug, slug_of(said)), slug_of(said)
    assert slug_of(slug_of(said)) == slug_of(said)


@given(st.text(min_size=1))
def test_every_name_is_one(said: str) -> None:
    assert article.SLUG.fullmatch(slug_of(said)) and len(slug_of(said)) <= article.LONGEST_SLUG


def test_names_that_cannot_say_all_are_still_two() -> None:
    assert slug_of("返品 1") != slug_of("交換 1") and slug_of("a" * 90 + "b") != slug_of("a" * 90 + "c")


# -- folders ------------------------------------------------------------------------------------------------------------------------------


def test_a_folder_is_read_with_all_in_it_and_says_what_it_did_not_read(tmp_path: Path) -> None:
    top = folder_of(tmp_path, {
        "b/two.md": "# Two\n\n2", "a/one.html": "<h1>One</h1><p>1", "a/.hidden.md": "# H\n\nh", ".git/x.md": "# G\n\ng", "p.png": b"\x89",
        "q.PNG": b"",
        "table.csv": "title,body\nThree,3\n", "lines.jsonl": '{"title": "Four", "text": "4"}\n',
    })  # fmt: skip
    read = files.read(top)
    assert [(one.slug, one.source) for one in read.articles] == [
        ("one", "a/one.html"), ("two", "b/two.md"), ("four", "lines.jsonl, line 1"), ("three", "table.csv, line 2"),
    ]  # fmt: skip
    assert why(read) == {".png": "2 files were not read: articles end in .md, .html, .csv or .jsonl."}


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("# Secret\n\nSecret words.")
    top = folder_of(tmp_path, {"one.md": "# One\n\n1", "sub/two.md": "# Two\n\n2"})
    (top / "out.md").symlink_to(outside / "secret.md")
    (top / "out").symlink_to(outside)
    (top / "sub" / "up").symlink_to(top)
    (top / "nowhere.md").symlink_to(top / "gone.md")
    (top / "round.md").symlink_to(top / "round.md")
    os.mkfifo(top / "pipe.md")
    read = files.read(top)
    assert [one.slug for one in read.articles] == ["one", "two"]
    told = why(read)
    assert set(told) == {"out.md", "out", "nowhere.md", "round.md", "pipe.md"}
    assert "leads out of the folder" in told["out.md"] and "leads out" in told["out"] and "no ordinary file" in told["pipe.md"]


def test_more_files_than_anybody_has_are_refused_whole(tmp_path: Path) -> None:
    top = folder_of(tmp_path, {"a.md": "# A\n\na"})
    for number in range(files.MOST_FILES):
        os.link(top / "a.md", top / f"{number}.txt")
    read = files.read(top)
    assert not read.articles and why(read) == {
        "articles": "Nothing of it was read: it holds more than 50,000 files. Take it in several folders."
    }


def test_more_articles_than_are_read_at_once_say_so(tmp_path: Path) -> None:
    rows = "".join(f"Title {number},Text {number}\n" for number in range(files.MOST_FILES + 2))
    read = files.read(folder_of(tmp_path, {"a.csv": "title,body\n" + rows, "b.md": "# B\n\nb"}))
    assert len(read.articles) == files.MOST_FILES
    assert [where for where, _ in read.refused] == ["a.csv, line 50002", "b.md"] and "50,000 articles are as many" in read.refused[0][1]


def test_a_place_where_nothing_is_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=re.escape("gone.md is neither a file nor a folder")):
        files.read(tmp_path / "gone.md")
    (tmp_path / "a.docx").write_bytes(b"PK")
    assert "files that end in '.docx' are not read" in files.read(tmp_path / "a.docx").refused[0][1]


# -- HTML ---------------------------------------------------------------------------------------------------------------------------------

PAGE = """<!DOCTYPE html><html lang="de"><head><title>Returns - Example</title><meta name="kind" content="policy"><style>p{}</style></head>
<body><nav><a href=/>Home</a></nav><h1>Returns &amp; <b>refunds</b></h1><!-- secret -->
<p>You can <a href="http://evil.example">send it back</a> in&nbsp;30 days.<br>Really.</p>
<h2>How</h2><ul><li>Pack it<li>Send it <ol><li>at a shop</li><li>by post</li></ol></li></ul>
<table><thead><tr><th>Size<th>Price</tr></thead><tr><td>a|b<td>4&nbsp;&euro;</table>
<img src=x alt=picture onerror=x><pre>if a:
    `b`</pre><blockquote><p>We promise.</p></blockquote>
<form><label>Mail</label><input></form><div style="display: none">hidden words</div><p hidden>hidden too</p>
<script>alert("<p>x</p>")</script>
<p>1 &lt; 2 and tail</body></html>"""
PAGE_TEXT = """You can send it back in 30 days.\x20\x20
Really.

## How

- Pack it
- Send it
  1. at a shop
  2. by post

| Size | Price |
| --- | --- |
| a\\|b | 4 € |

```
if a:
    `b`
```

> We promise.

1 < 2 and tail"""


def test_a_page_becomes_its_words_in_their_form(tmp_path: Path) -> None:
    (one,) = files.read(folder_of(tmp_path, {"returns.html": PAGE})).articles
    assert one == NewArticle("returns-refunds", "Returns & refunds", PAGE_TEXT, "policy", language="de")


@pytest.mark.parametrize(
    ("html", "title", "text"),
    [
        ("<title>T</title><p>a</p><h2>b</h2><p>c", "T", "a\n\n## b\n\nc"),
        ("<title>T</title><h2>b</h2><p>c", "T", "## b\n\nc"),
        ("<h3>b</h3>c", "b", "c"),
        ("<title>T</title>a <form>what is never closed", "T", "a what is never closed"),
        ("<title>T</title>a <b", "T", "a <b"),
        ("<title>T</title>a &#99999999999; &#x26; b", "T", "a \ufffd & b"),
        ("<title>T</title><table><tr><td>a</td></tr><tr><td>b</td></tr></table>c", "T", "a\n\nb\n\nc"),
        ("<title>T</title><ol><li><p>a</p><p>b</p></li><li>c</ol>d", "T", "1. a\n\n   b\n\n2. c\n\nd"),
    ],
)
def test_odd_pages_are_read_too(tmp_path: Path, html: str, title: str, text: str) -> None:
    read = files.read(folder_of(tmp_path, {"a.html": html}))
    assert [(one.title, one.text) for one in read.articles] == [(title, text)], read.refused


@pytest.mark.parametrize("sign",
["<!--", "<a ", "</", "<![", "<a href='", "<form>", "<div hidden>", "<ul><li>", "<blockquote>", "<td>", "<table><tr><td>",
                                  "<pre>", "&#", "<h1>", "</ul>", "a<br>", "<svg>"])  # fmt: skip
def test_a_megabyte_of_one_sign_is_read(sign: str) -> None:
    """The standard library's parser took minutes for a tenth of some of these."""
    told = page.read(sign * (1_000_000 // len(sign)))
    assert isinstance(told["text"], str)


TAGS = [
    "<p>", "</p>", "<li>", "<ul>", "</ul>", "<ol>", "<table>", "<tr>", "<td>", "</table>", "<pre>", "</pre>", "<h2>", "</h2>", "<br>",
    "<blockquote>", "</blockquote>", "<a b='", "<form>", "</form>", "<script>", "&lt;", "word", " ", "\n", "<", ">",
]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(TAGS)))
def test_any_mixture_of_tags_is_read(parts: list[str]) -> None:
    html = "".join(parts)
    text = page.read(html)["text"]
    if "word" in text:
        assert text.count("word") <= html.count("word")
    if not {"<script>", "<form>", "<a b='", "<"} & set(parts):
        assert text.count("word") == html.count("word")


# -- CSV and JSONL ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "title,body,kind\nA,\"x, y\",policy\n", "TITLE;Content;Kind\r\nA;x, y;policy\r\n", "sep=;\nTitle;TEXT;kind\nA;x, y;Policy\n",
        "\ufeffTitle\ttext\tkind\nA\tx, y\tpolicy", "title,body,kind\rA,\"x, y\",policy\r",
    ],
)  # fmt: skip
def test_a_row_is_an_article_in_each_dialect(tmp_path: Path, content: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        read = files.read(folder_of(tmp_path / encoding, {"a.csv": content.encode(encoding)}))
        assert read.articles == (NewArticle("a", "A", "x, y", "policy"),), read.refused


def test_a_bad_row_costs_itself_and_says_its_line(tmp_path: Path) -> None:
    rows = [
        "id,title,body", 'a,A,"one\ntwo"', "b,B", "c,,no title", 'd,D,"say "hi" there"', "e,E,fine",
        f'f,F,"{"lorem, ipsum" + chr(10)}' + "x\n" * 2_600_000 + '"',
        "a,A2,other", 'g,G,"open', "h,H,last",
    ]  # fmt: skip
    read = files.read(folder_of(tmp_path, {"a.csv": "\n".join(rows)}))
    assert [(one.slug, one.text) for one in read.articles] == [("a", "one\ntwo"), ("e", "fine"), ("h", "last")]
    told = [(where.removeprefix("a.csv, line "), sentence) for where, sentence in read.refused]
    assert [where for where, _ in told] == ["4", "5", "6", "8", "2600010", "2600011"]
    words = [
        "it has 2 cells, the first line names 3",
        "no title",
        "stands alone. Write it twice",
        "5.2 MB of text",
        "the same name as a.csv, line 2",
        "never closed",
    ]
    assert all(word in sentence for word, (_, sentence) in zip(words, told, strict=True)), told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it is empty"), ("title,words\na,b\n", "it has the columns title, words. Name the one with the words 'content'"),
        ("title,body,title\na,b,c\n", "the column 'title' stands twice"), (b"title,body\nGr\xfc\xdfe,x\n", "it is not UTF-8 (at byte 13)"),
    ],
)  # fmt: skip
def test_a_table_that_holds_no_articles_is_refused_whole(tmp_path: Path, content: str | bytes, told: str) -> None:
    ((where, sentence),) = files.read(folder_of(tmp_path, {"a.csv": content})).refused
    assert where == "a.csv" and told in sentence


def test_a_line_is_an_article_and_a_bad_one_costs_itself(tmp_path: Path) -> None:
    lines = [
        {"id": 7, "title": "A", "content": "one", "owner": "jo@example.com", "review_by": "2026-03-01", "tags": ["x"]},
        {"body": "# B\n\ntwo"},
        {"title": "C", "text": ""}, {"title": "D", "text": ["x"]}, {"title": "E", "text": "half \ud800"}, {"title": "F", "text": "nul \0"},
        ["G"],
        {"title": "H", "text": "x" * 1_000_001}, {"title": True, "text": "x"}, {"title": "I", "text": "x" * 9_000_000},
    ]  # fmt: skip
    content = "\n".join(
        [*map(json.dumps, lines), '{"title": "J", "title": "K", "text": "x"}', "{", "", json.dumps({"title": "L", "text": "last"})]
    )
    read = files.read(folder_of(tmp_path, {"a.jsonl": content}))
    assert read.articles == (
        NewArticle("7", "A", "one", owner_email="jo@example.com", review_by=date(2026, 3, 1)), NewArticle("b", "B", "two"),
        NewArticle("l", "L", "last"),
    )  # fmt: skip
    assert read.unknown == ("tags",)
    told = [(int(where.split()[-1]), sentence) for where, sentence in read.refused]
    assert [line for line, _ in told] == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    words = ["it is empty", "its text is no text", "half a character", "NUL", "it is no article", "1.0 MB of text", "its title is no text",
    "9.0 MB of text",
             "a field stands in it twice", "it is not JSON"]  # fmt: skip
    assert all(word in sentence for word, (_, sentence) in zip(words, told, strict=True)), told


# -- writing ------------------------------------------------------------------------------------------------------------------------------

LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
WORDS = LINE.map(article.one_line)
TEXTS = st.lists(
    st.one_of(LINE, st.sampled_from(["---", "# x", "=1+1", "'=x", "- a", "\ufeff", "\r", "\u2028x", '"', "a,b;c", "...", "    code"])),
    max_size=8,
)


@st.composite
def articles(draw: st.DrawFn) -> list[NewArticle]:
    """Whatever reading may give."""
    slugs = draw(st.lists(st.text(min_size=1, max_size=90).map(slug_of), unique=True, min_size=1, max_size=5))
    made = [
        NewArticle(
            slug, draw(WORDS.filter(bool)), article.settled(f"{number} " + "\n".join(draw(TEXTS))), draw(st.sampled_from(KINDS)),
            draw(WORDS), draw(WORDS),
            draw(st.sampled_from(["", "jo@example.com"])), draw(st.none() | st.dates(min_value=date(1000, 1, 1))),
            draw(st.sampled_from(["", "de", "no"])),
        )
        for number, slug in enumerate(slugs)
    ]  # fmt: skip
    return sorted(made, key=lambda one: f"{one.slug}.md")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(articles())
def test_what_is_written_reads_as_the_same(tmp_path_factory: pytest.TempPathFactory, given_articles: list[NewArticle]) -> None:
    out = tmp_path_factory.mktemp("round") / "out"
    assert files.write(given_articles, out) == len(given_articles)
    read = files.read(out)
    assert list(read.articles) == given_articles and not read.refused and not read.unknown


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(articles())
def test_a_table_reads_as_the_same_and_starts_no_formula(
    tmp_path_factory: pytest.TempPathFactory, given_articles: list[NewArticle]
) -> None:
    path = tmp_path_factory.mktemp("round") / "a.csv"
    path.write_bytes(files.as_csv(given_articles).encode())
    read = files.read(path)
    guarded = [one for one in given_articles if any(text.startswith("'") for text in (one.title, one.audience, one.area))]
    assert guarded or (list(read.articles) == given_articles and not read.refused)
    cells = [cell for row in csv.reader(io.StringIO(files.as_csv(given_articles))) for cell in row]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "＝"))]


def test_a_formula_in_a_table_is_text_and_comes_back_as_it_was(tmp_path: Path) -> None:
    given_articles = (NewArticle("a", "=HYPERLINK(1)", "- a list\n- of two"), NewArticle("b", "@here", "=1+1"))
    told = files.as_csv(given_articles)
    assert '"\'=HYPERLINK(1)"' in told and '"\'- a list\n- of two"' in told
    assert files.read(folder_of(tmp_path, {"a.csv": told})).articles == given_articles


ONE = NewArticle("returns", "Returns", "Words.")


def test_only_a_new_folder_is_written_into(tmp_path: Path) -> None:
    top = folder_of(tmp_path, {"old.md": "# Old\n\nold"})
    with pytest.raises(Refused, match="articles is there and not an empty folder"):
        files.write([ONE], top)
    with pytest.raises(Refused, match="not an empty folder"):
        files.write([ONE], top / "old.md")
    (tmp_path / "empty").mkdir()
    assert files.write([ONE], tmp_path / "empty") == 1 and files.write([], tmp_path / "deep" / "none") == 0
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["returns.md"] and [path.name for path in top.iterdir()] == ["old.md"]


def test_a_writing_that_was_cut_off_can_be_seen(tmp_path: Path) -> None:
    (tmp_path / "out.partial").mkdir()
    with pytest.raises(Refused, match=re.escape("out.partial is there, of a writing that was cut off")):
        files.write([ONE], tmp_path / "out")
    (tmp_path / "out.partial").rmdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(Refused, match="Not all was written: not a directory"):
        files.write([ONE], tmp_path / "file" / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("slug", ["../a", "a/b", "", "A", "a.b", "-a", "a" * 81, "a\n"])
def test_an_article_cannot_name_a_file_elsewhere(tmp_path: Path, slug: str) -> None:
    with pytest.raises(Refused, match="is no name for an article's file"):
        files.write([NewArticle(slug, "A", "x")], tmp_path / "out")
    with pytest.raises(Refused, match="two articles are named 'returns'"):
        files.write([ONE, ONE], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_a_file_is_called_can_be_shown() -> None:
    assert folder.shown("a\u202eb\n.md") == "a?b?.md" and len(folder.shown("x" * 300)) == 200
