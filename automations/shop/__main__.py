"""`python -m automations.shop --file PATH`: the shop as a process of its own. It prints its address when it is ready."""

import argparse
import os
import secrets
import sys
import threading
import time
from pathlib import Path

import uvicorn

from automations.shop import server
from automations.shop.ledger import Ledger
from data.errors import Misuse, Refused

TOKEN = "SHOP_TOKEN"  # noqa: S105  the name of the variable


def main() -> int:
    told = _arguments()
    try:
        token = os.environ.get(TOKEN, "") or token_in(told.token_file or told.file.with_suffix(".token"))
        app = server.build(Ledger(told.file), token)
        sock = server.listening(told.port)
    except (Misuse, Refused) as error:
        print(error, file=sys.stderr)  # noqa: T201  it talks to the terminal
        return 2
    serving = server.server(app)
    if told.parent:
        threading.Thread(target=end_with, args=(serving, told.parent), daemon=True).start()
    print(f"The shop is ready: {server.address(sock)}", flush=True)  # noqa: T201
    serving.run(sockets=[sock])
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m automations.shop", description="The embedded shop, on this machine alone.")
    parser.add_argument("--file", type=Path, required=True, help="its ledger; made when it is not there")
    parser.add_argument("--port", type=int, default=0, help="0 takes one that is free")
    parser.add_argument("--token-file", type=Path, help="made when it is not there; else beside the ledger")
    parser.add_argument("--parent", type=int, help="end when this process, which started it, is gone")
    return parser.parse_args()


def token_in(file: Path) -> str:
    """The token that the file holds. Whoever else could read it could refund."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    except OSError as error:
        raise Misuse(
            f"The shop was not started: its token cannot be written to {file} ({os.strerror(error.errno or 0).lower()})."
        ) from error
    if file.stat().st_mode & 0o077:
        raise Misuse(f"The shop was not started: others can read its token. Run: chmod 600 {file}")
    return file.read_text().strip()


def end_with(serving: uvicorn.Server, parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    serving.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
