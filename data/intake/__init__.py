"""The one door through which conversations come in: read, checked, redacted, stored once."""
