"""`python -m portal`: the command line."""

import gc

# Nearly all that a start makes stays: looking for garbage after every 700 objects is a fifth of the start and of many requests.
gc.set_threshold(50_000, 20, 50)

from portal.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
