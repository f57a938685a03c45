"""The errors a person can mend. Screens show them word for word, the API answers 422 (403 when denied), the CLI exits 1."""


class Refused(Exception):
    """What did not happen, why with the numbers, and what to do next."""


class Denied(Refused):
    """The person may not do this."""


class Busy(Refused):
    """The database takes nothing now: somebody else holds it for longer than we wait, or its disk is full."""


class Misuse(Exception):
    """The command or its settings are wrong: one sentence, exit 2, nothing changed."""
