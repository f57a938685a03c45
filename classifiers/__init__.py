"""Reviewed rows in, a shipped classifier out."""
