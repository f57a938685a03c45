"""No text makes the redaction slow: twice the text takes about twice the time, whatever stands in it."""

import json
import subprocess
import sys

# each piece is repeated until the text is long enough; what follows '|' closes it
PIECES = [
    "a",
    "A",
    "1",
    "1 ",
    "1-",
    "1.",
    "a.",
    "a@",
    "a@a.",
    "@",
    "+",
    "+1",
    "(1",
    "1)(",
    "()",
    "( ",
    "a1",
    "1a ",
    "A1",
    "::",
    "1:",
    "a:",
    "1:1:",
    "f:",
    "://",
    "http://",
    "www.a",
    "?a=",
    "/a/",
    "a-",
    "-",
    "--",
    "_",
    "a_",
    "a'",
    "A'",
    "A-",
    "Aa ",
    "Aa, ",
    "Aa\n",
    "\n",
    " ",
    "\t",
    "\n\n",
    "1 Aa ",
    "1 a ",
    "12 Aa Bb ",
    "12 oak ",
    "road ",
    "Oak Road ",
    "rue ",
    "rue de la ",
    "de la ",
    "12a-",
    "address: ",
    "address is ",
    "zip ",
    "my name is ",
    "My name is Anna ",
    "Dr. ",
    "Dr. Dr. ",
    "Mr ",
    "Hi Anna ",
    "Hi ",
    "thanks\n",
    "regards, ",
    "Anna ",
    "Anna Schmidt ",
    "de ",
    "password ",
    "password is ",
    "password: ",
    "token ",
    "pin ",
    "pin is ",
    "sk-",
    "eyJ",
    "eyJa.",
    f"-----BEGIN {'PRIVATE'} KEY-----",
    "AKIA",
    "0x",
    "0xaf",
    "DE89",
    "DE89 ",
    "DE89 3704 ",
    "AB12",
    "ssn ",
    "account number is ",
    "account ",
    "passport no. ",
    "+49 30 ",
    "030/",
    "call 1 ",
    "x1",
    "1x",
    "\u202f1",
    "ü",
    "straße ",
    "Aaastraße",
    "aaaaaaaaweg ",
    "sson",
    "Aasson ",
    "O'",
    "Mc",
    "McA",
    "‹",
    "‹CARD 1›",
    "‹CARD ",
    "›",
    "\ue000",
    "\u00ad",
    "🎉",
    "é",
    "e\u0301",
    "said Aa ",
    "Aa said ",
    "Aa's ",
    "Aa is ",
    "Aa, can ",
    "he ",
    "J. ",
    "p.o. box ",
    "corner of ",
    "(a) ",
    "4111 1111 1111 1111 ",
    "anna@example.org ",
    "1.2.3.4 ",
    "+1 (415) 555-0100, ",
    "12 Oak Road, ",
    "Anna Schmidt, ",
]
TIMES = """
import json, sys, time
from language import redact
redact.find('My name is Anna, call +49 30 1234567')
pieces = json.load(sys.stdin)
def took(text):
    began = time.process_time()
    redact.find(text, known=['Zora Amsel', '5 Nowhere, Upper Thing'])
    return time.process_time() - began
for piece in pieces:
    short, long = ((piece * (size // len(piece) + 1))[:size] for size in (25_000, 50_000))
    print(json.dumps([piece, took(short), took(long)]), flush=True)
"""
SMALL = 0.02  # seconds of processor time: below it the clock says more about the machine than about the text
LIMIT = 240  # seconds for all of them, on whatever machine


def slow(program: str, pieces: list[str]) -> list[tuple[str, float, float]]:
    """The pieces with which twice the length takes three times the time or more."""
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(pieces), capture_output=True, text=True, timeout=LIMIT, check=True
    )
    times = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(times) == len(pieces)
    return [(piece, short, long) for piece, short, long in times if long > SMALL and long >= 3 * max(short, SMALL / 3)]


def test_no_pattern_makes_the_time_grow_faster_than_the_text() -> None:
    assert len(PIECES) >= 50
    suspects = slow(TIMES, PIECES)
    if suspects:  # a busy machine can make one measurement wrong, not the same one three times
        suspects = slow(TIMES, [piece for piece, _, _ in suspects])
    if suspects:
        suspects = slow(TIMES, [piece for piece, _, _ in suspects])
    assert suspects == []


def test_a_pattern_that_backtracks_is_caught() -> None:
    """The control: with a quadratic search in its place the same measurement complains; a busy machine may hide it once, as above."""
    worse = "import re\nclass redact:\n    find = staticmethod(lambda text, known=(): re.search('a*b', text[: len(text) // 2]))"
    program = TIMES.replace("from language import redact", worse)
    assert any([piece for piece, _, _ in slow(program, ["a"])] == ["a"] for _ in range(3))
