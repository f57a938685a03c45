"""A cell of a CSV file: quoted, and never the start of a formula in a spreadsheet."""

STARTS_FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")


def cell(text: str) -> str:
    if text.lstrip().startswith(STARTS_FORMULA) or text.startswith(STARTS_FORMULA):
        text = "'" + text
    return '"' + text.replace('"', '""').replace("\0", "") + '"'
