"""One file a format. A reader turns a file into numbered rows: canonical conversations, or what is wrong with them."""

from collections import Counter
from contextlib import suppress
from itertools import islice
from pathlib import Path

from data.errors import Refused
from data.intake.readers import chatwoot, csv_file, eml, intercom, jsonl, mbox, vtt, zendesk
from data.intake.reading import Reader, head, shown

READERS: dict[str, Reader] = {
    "jsonl": jsonl, "csv": csv_file, "zendesk": zendesk, "intercom": intercom, "chatwoot": chatwoot, "mbox": mbox, "eml": eml, "vtt": vtt,
}  # fmt: skip
ASKED = ("vtt", "mbox", "eml", "chatwoot", "intercom", "zendesk", "jsonl", "csv")  # the most particular first

SIGNS: tuple[tuple[int, bytes, str], ...] = (  # where, which bytes, what it is and what to do
    (0, b"\xd0\xcf\x11\xe0", "is an old Excel, Word or Outlook file. Save it as CSV (or mails as .eml) and import that"),
    (0, b"!BDN", "is an Outlook archive (PST). Export its mails as mbox or .eml and import those"),
    (0, b"\x1f\x8b", "is packed with gzip. Unpack it and import what is inside"),
    (0, b"BZh", "is packed with bzip2. Unpack it and import what is inside"),
    (0, b"\xfd7zXZ", "is packed with xz. Unpack it and import what is inside"),
    (0, b"\x28\xb5\x2f\xfd", "is packed with zstd. Unpack it and import what is inside"),
    (0, b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive. Unpack it and import what is inside"),
    (0, b"Rar!", "is a RAR archive. Unpack it and import what is inside"),
    (257, b"ustar", "is a tar archive. Unpack it and import what is inside"),
    (0, b"%PDF-", "is a PDF. Export the conversations as CSV or JSON and import those"),
    (0, b"{\\rtf", "is a rich-text document. Export the conversations as CSV or JSON and import those"),
    (0, b"\x89PNG", "is a picture (PNG)"),
    (0, b"\xff\xd8\xff", "is a picture (JPEG)"),
    (0, b"GIF8", "is a picture (GIF)"),
    (8, b"WEBP", "is a picture (WebP)"),
    (8, b"WAVE", "is a sound recording (WAV). Import its transcript as WebVTT"),
    (0, b"ID3", "is a sound recording (MP3). Import its transcript as WebVTT"),
    (0, b"OggS", "is a sound recording (Ogg). Import its transcript as WebVTT"),
    (0, b"fLaC", "is a sound recording (FLAC). Import its transcript as WebVTT"),
    (4, b"ftyp", "is a film or a sound recording (MP4). Import its transcript as WebVTT"),
    (0, b"MZ", "is a Windows program"),
    (0, b"\x7fELF", "is a Linux program"),
    (0, b"\xca\xfe\xba\xbe", "is a Java or macOS program"),
    (0, b"\xcf\xfa\xed\xfe", "is a macOS program"),
    (0, b"#!", "is a script"),
    (0, b"SQLite format 3\0", "is a SQLite database. Export the conversations as CSV or JSON and import those"),
    (0, b"PAR1", "is a Parquet file. Save it as CSV or JSONL and import that"),
    (0, b"ARROW1", "is an Arrow file. Save it as CSV or JSONL and import that"),
    (0, b"bplist00", "is an Apple property list"),
    (0, b"-----BEGIN ", "is a key, a certificate or an encrypted message"),
    (0, b"\x80\x02", "is a Python pickle, which is never opened here"),
    (0, b"\x80\x04", "is a Python pickle, which is never opened here"),
    (0, b"\x80\x05", "is a Python pickle, which is never opened here"),
)  # fmt: skip


def detect(path: Path) -> Reader:
    """Which reader a file or folder is for. What no reader knows is refused by what it looks like."""
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        is_file = is_folder = False
    if is_folder:
        return _of_folder(path)
    if not is_file:
        raise Refused(f"Nothing was imported: {shown(path)} is not a file.")
    start = head(path)
    refuse_foreign(path, start)
    for name in ASKED:
        if name == "csv" and path.suffix.lower() in READERS["jsonl"].ENDINGS:
            return READERS["jsonl"]  # its name says what it is: what is wrong with it is then said as of that kind
        reader = READERS.get(name)
        if reader and reader.looks_like(path, start):
            return reader
    raise Refused(f"Nothing was imported: {shown(path)} {_told(start)}")


def _of_folder(folder: Path) -> Reader:
    """A folder's files are one export when they are of one kind; a licence or a note beside them is no hindrance."""
    for name in ("zendesk", "intercom", "chatwoot"):  # what belongs together in several files is known by them together
        reader = READERS.get(name)
        if reader and reader.looks_like(folder, b""):
            return reader
    kinds: Counter[str] = Counter()
    for path in islice(sorted(folder.iterdir()), 200):
        if path.is_file() and not path.name.startswith("."):
            with suppress(Refused):
                kinds[detect(path).NAME] += 1
    if len(kinds) > 1:
        kinds.pop("csv", None)  # a text with commas beside the conversations
    if len(kinds) == 1:
        return READERS[next(iter(kinds))]
    if not kinds:
        raise Refused(f"Nothing was imported: in the folder {shown(folder)} is no file with conversations. {SUITED}")
    told = ", ".join(f"{many} {name}" for name, many in sorted(kinds.items()))
    raise Refused(f"Nothing was imported: the files in {shown(folder)} are of several kinds ({told}). Import each kind by itself.")


SUITED = "What can be imported: JSONL, CSV, exports of Zendesk, Intercom and Chatwoot, mails (mbox, eml) and WebVTT."


def refuse_foreign(path: Path, start: bytes) -> None:
    """A file of another kind, by its first bytes."""
    what = _foreign(start)
    if what:
        raise Refused(f"Nothing was imported: {shown(path)} {what}.")


def _foreign(start: bytes) -> str:
    if not start.strip(b"\xef\xbb\xbf \r\n\t"):
        return "is empty"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip(start)
    for place, sign, what in SIGNS:
        if start.startswith(sign, place):
            return what
    utf_16 = start.startswith((b"\xff\xfe", b"\xfe\xff")) and start[:200].decode("utf-16", errors="replace").lstrip()
    if utf_16 and utf_16.startswith(("{", "[", "WEBVTT", "From ", "From:")):
        return "is written in UTF-16. Save it as UTF-8 and import that"
    text = start[:2000].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "is a web page (HTML). Export the conversations as CSV or JSON and import those"
    if text.startswith((b"<?xml", b"<svg", b"<!doctype", b"<!--")):
        return "is an XML file. Export the conversations as CSV or JSON and import those"
    if not start.startswith((b"\xff\xfe", b"\xfe\xff")) and start.count(0) > len(start) // 10:
        return "is not a text file: it is full of zeros"
    return ""


def _zip(start: bytes) -> str:
    if b"xl/" in start or b"opendocument.spreadsheet" in start[:200]:
        return "is an Excel workbook. Save it as CSV and import that"
    if b"word/" in start or b"opendocument.text" in start[:200]:
        return "is a Word document. Export the conversations as CSV or JSON and import those"
    return "is a ZIP archive. Unpack it and import what is inside"


def _told(start: bytes) -> str:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"[", b"{")):
        return "is JSON, but of no help desk that is known and not one conversation a line. Save it as JSONL: each line one conversation."
    return f"is of no kind that is known. {SUITED}"
