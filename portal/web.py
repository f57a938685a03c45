"""The web process: one ASGI app with the screens, the API and the sign-in pages, behind the guard."""

import contextlib
import logging
import os
import socket
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

from data import config
from data.errors import Misuse
from data.values import new_id

logger = logging.getLogger("portal.web")


def listening_socket(host: str, port: int) -> socket.socket:
    """Bound before anything else starts, so that a taken port costs nothing and says so in a sentence."""
    # the protocol is named, or asyncio would leave Nagle's algorithm on: 40 ms for each answer on a connection that is kept
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        number = error.errno if isinstance(error, OSError) else None
        why = os.strerror(number).lower() if number else str(error).removeprefix("bind(): ").rstrip(".")
        raise Misuse(f"Port {port} on {host} cannot be used: {why}. Choose another with --port.") from error
    made.listen(2048)
    made.setblocking(False)
    return made


def build(on_ready: Callable[[], None] = lambda: None) -> Any:
    """The whole app. Streamlit's options are set after its App is made: before, it would read them without our theme."""
    import streamlit as st
    from starlette.routing import Mount, Route
    from streamlit import config as streamlit_config

    from portal import api_widget, auth, guard
    from portal.api import api

    os.chdir(config.ROOT)  # where .streamlit/config.toml, the theme, is looked for

    @contextlib.asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
        threading.Thread(target=_warm, daemon=True).start()
        on_ready()
        yield {}

    app = st.App(
        config.ROOT / "portal" / "app.py",
        routes=[
            Mount("/api", app=api),
            Mount("/auth", routes=auth.routes()),
            Mount("/widget", routes=api_widget.routes()),
            Route("/widget.js", api_widget.script, methods=["GET"]),
        ],
        lifespan=lifespan,
        on_script_error=show_script_error,
    )
    for name, value in OPTIONS.items():
        streamlit_config.set_option(name, value)
    return guard.Guard(app, app_csp=guard.app_csp())


OPTIONS: dict[str, Any] = {
    "server.headless": True,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.trustedUserHeaders": {"X-Portal-Session": "session_id", "X-Portal-Person": "person_id"},
    "server.fileWatcherType": "none",
    "server.enableStaticServing": False,
    "server.maxUploadSize": 200,
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "logger.enableRich": False,
}


def _warm() -> None:
    """What every screen needs is imported before the first person comes."""
    import altair  # noqa: F401
    import pandas  # noqa: F401

    from language import redact, tongue
    from portal import charts, widgets  # noqa: F401

    redact.masked("Dear Jo Doe, where is it?")  # the first one reads the lists of names
    tongue.of("Where is the parcel that I ordered?")


def show_script_error(error: Exception) -> bool:
    """Anything that is not a Refused is our fault: logged with a reference, and the person sees the reference."""
    import streamlit as st

    from data.errors import Refused

    if isinstance(error, Refused):
        st.error(str(error), icon=":material/block:")
        return True
    from portal import metrics

    reference = new_id()[-12:]
    metrics.errors.labels("screen").inc()
    logger.error("screen failed, reference %s\n%s", reference, "".join(traceback.format_exception(error)))
    st.error(
        f"Something went wrong on our side, and nothing of this step was saved. Tell an engineer this reference: {reference}",
        icon=":material/error:",
    )
    return True


def serve(sock: socket.socket, on_ready: Callable[[], None] = lambda: None) -> None:
    """Answer until SIGTERM; requests in flight get three seconds to end."""
    import uvicorn

    app = build(on_ready)
    server = uvicorn.Server(
        uvicorn.Config(
            app, ws="websockets-sansio", ws_ping_interval=30, ws_ping_timeout=30, ws_max_size=32 * 2**20, server_header=False,
            access_log=False, proxy_headers=False, timeout_graceful_shutdown=3, lifespan="on", log_level="warning",
        )
    )  # fmt: skip
    server.run(sockets=[sock])
