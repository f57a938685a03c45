"""A cell of a CSV file: quoted, and never the start of a formula in a spreadsheet."""

import re

STARTS_FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")
# where some spreadsheet begins a cell: one that is set to German parts a file at semicolons, others at tabs, also inside our quotes
BEGINS = re.compile(r'(^|[;\t\r\n])(?=[\s"]*[=+\-@＝＋－＠])')


def cell(text: str) -> str:
    text = BEGINS.sub(r"\1'", text.replace("\0", ""))
    if text.startswith(STARTS_FORMULA):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"'
