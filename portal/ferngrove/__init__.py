"""The demo's fictional company: what its customers write and its reps answer. Seeded, and written for this project."""
