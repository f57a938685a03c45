"""A page of ours with the chat on it, under a strict Content-Security-Policy: to try the widget, and for its tests.

python -m portal.widget.demo --portal http://127.0.0.1:8501 --token surface_… --port 8600
"""

import argparse
import sys
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from portal import widget


@dataclass(frozen=True)
class Page:
    portal: str  # where the script comes from
    token: str
    language: str = "en"
    customer: str = ""
    signature: str = ""

    @property
    def policy(self) -> str:
        return f"default-src 'self'; script-src {self.portal}; connect-src {self.portal}; style-src {self.portal}"

    @property
    def html(self) -> str:
        who = f' data-customer="{escape(self.customer)}" data-signature="{escape(self.signature)}"' if self.customer else ""
        script = widget.snippet(self.token, address=self.portal).replace(" async>", f"{who} async>")
        return f"""<!doctype html>
<html lang="{escape(self.language)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Fern &amp; Grove</title>{script}</head>
<body><h1>Fern &amp; Grove</h1><p>House plants that arrive alive.</p><p><label>Search <input name="search"></label></p></body></html>"""


class Shop(ThreadingHTTPServer):
    """Serves one page, which may be put in the place of another."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.page: Page | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        page = self.server.page
        found = page is not None and self.path.partition("?")[0] == "/"
        body = page.html.encode() if page is not None and found else b""
        self.send_response(200 if found else 404 if page is None or self.path != "/favicon.ico" else 204)
        if page is not None and found:
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", page.policy)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who tries it looks at the browser."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    asked.add_argument("--portal", default="http://127.0.0.1:8501")
    asked.add_argument("--token", required=True)
    asked.add_argument("--port", type=int, default=8600)
    asked.add_argument("--language", default="en")
    given = asked.parse_args()
    with Shop(given.port) as shop:
        shop.page = Page(given.portal.rstrip("/"), given.token, given.language)
        sys.stdout.write(f"The page is at {shop.origin}, and the token has to be for that origin. Ctrl+C stops it.\n")
        sys.stdout.flush()
        shop.serve_forever()


if __name__ == "__main__":
    main()
