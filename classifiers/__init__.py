"""Reviewed rows in, a shipped classifier out."""

KIND = "classifier"  # the kind of target that this folder makes
