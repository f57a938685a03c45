"""The chat widget: one script for any page of the company's own, put together from the files beside this one."""

import hashlib
import json
from functools import lru_cache
from html import escape
from pathlib import Path

from data import config

HERE = Path(__file__).parent
PLACE = "'%CSS%'"


@lru_cache(maxsize=1)
def script() -> str:
    """The whole of it, its style inside: a page loads one file."""
    return (HERE / "widget.js").read_text("utf-8").replace(PLACE, json.dumps(style()), 1)


def style() -> str:
    return (HERE / "widget.css").read_text("utf-8")


@lru_cache(maxsize=1)
def version() -> str:
    """Of exactly these bytes."""
    return hashlib.sha256(script().encode()).hexdigest()[:16]


def snippet(token: str, *, address: str) -> str:
    """What is pasted into a page."""
    return f'<script src="{escape(address.rstrip("/"))}/widget.js" data-surface="{escape(token)}" async></script>'


def address() -> str:
    """By which browsers reach the portal."""
    here = config.settings()
    return here.public_url.rstrip("/") or f"http://{here.host}:{here.port}"


def policy(address: str) -> str:
    """What a page's Content-Security-Policy has to allow."""
    return f"script-src {address}; connect-src {address}"
