"""Text in, redacted text out. Imports nothing of ours."""
