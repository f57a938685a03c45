"""Text from elsewhere in Markdown: it is read word for word, and no sign of it is drawn as another."""

import pytest

from portal.widgets import DRAWN_AS_ANOTHER, JOINER, plain


def read(text: str) -> str:
    """As a page shows it: without escapes, and without what is not seen."""
    return plain(text).replace("\\", "").replace(JOINER, "")


@pytest.mark.parametrize(
    "text",
    [
        "www.example.com", "WWW.Example.com/a", "https://example.com/a?b=c", "http://example.com", "write to ada@example.com, please",
        ":smile:", ":+1:", ":-1:", ":material_check:", ":material/check:", ":streamlit:", "a :heart: in the middle:", "-> <- <-> => ~=",
    ],
)  # fmt: skip
def test_no_address_no_name_of_a_picture_and_no_arrow_stands_in_one_piece(text: str) -> None:
    """Streamlit looks for them in what is left once the escapes were read."""
    told = plain(text).replace("\\", "")
    assert JOINER in told or ":material/" in text  # the last is escaped, and looked for before escapes are read
    assert not DRAWN_AS_ANOTHER.search(told) and read(text) == text
    assert DRAWN_AS_ANOTHER.search(text) or ":material/" in text  # the control


@pytest.mark.parametrize("text", ["at 12:30:15", "Why: because", "a - b", "version 1.2", "me @ home", "wwwhat", "3 < 4 > 2", "1:1"])
def test_what_is_none_of_these_is_left_as_it_is(text: str) -> None:
    assert JOINER not in plain(text) and read(text) == text


def test_signs_of_markdown_stand_for_themselves() -> None:
    assert plain("**a** [b](c) `d` <e> $f$ ~g~ #h | i") == r"\*\*a\*\* \[b\]\(c\) \`d\` \<e\> \$f\$ \~g\~ \#h \| i"
