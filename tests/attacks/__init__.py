"""Attacks of SAFETY.md, each with a control that fails without the defence."""
