"""One file a help desk. A connector pulls what is new or changed, page by page, from where it was."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol

from data.intake.connectors import chatwoot as chatwoot
from data.intake.connectors import intercom as intercom
from data.intake.connectors import zendesk as zendesk
from data.intake.connectors.asking import Account, Page, TryLater

__all__ = ["CONNECTORS", "Account", "Connector", "Page", "TryLater"]


class Connector(Protocol):
    """The face of a module in connectors/."""

    NAME: str  # Zendesk
    URL: str  # its address, or what it looks like
    ACCOUNT: str  # what the account field holds here; empty: nothing
    SECRET: str  # where the key is found

    def check(self, account: Account, *, wait: Callable[[float], None] = ..., clock: Callable[[], float] = ...) -> str:
        """One cheap question: "Connected to …, as …", or Refused in words."""

    def pages(
        self,
        account: Account,
        position: dict[str, Any],
        *,
        since: datetime,
        wait: Callable[[float], None] = ...,
        clock: Callable[[], float] = ...,
    ) -> Iterator[Page]:
        """All that is new or changed behind the position; behind `since` when there is none yet. Changes nothing in the position given."""


CONNECTORS: dict[str, Connector] = {"zendesk": zendesk, "intercom": intercom, "chatwoot": chatwoot}
