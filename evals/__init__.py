"""Shared definitions of quality: sets of cases, graders, runs, verdicts."""
