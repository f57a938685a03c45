"""What an output says, whatever came back in it."""

from evals.graders.face import Grade, Output, yes_or_no


def reply(output: Output | None) -> str:
    """Its reply without white space around it; empty where there is none or it is no text."""
    told = output.get("reply") if isinstance(output, dict) else None
    if isinstance(told, int | float) and not isinstance(told, bool):
        told = str(told)
    # half a character cannot be written in any file
    return told.strip().encode("utf-8", "replace").decode() if isinstance(told, str) else ""


def nothing() -> Grade:
    """The grade of an output without a reply."""
    return yes_or_no(False, "there was no reply")
