"""The settings that come from the environment (PORTAL_*), and where the portal keeps its files."""

import os
from functools import lru_cache
from pathlib import Path
from typing import IO, Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from data.errors import Misuse

ROOT = Path(__file__).resolve().parent.parent


ISSUER = r"^$|^https://[^\s]+$|^http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s]*)?$"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PORTAL_", extra="ignore")

    home: Path = ROOT / "var"
    database_url: str = ""  # empty: SQLite in the home
    host: str = "127.0.0.1"
    port: int = 8501
    allowed_hosts: list[str] = []  # names beside the loopback ones that a browser may use to reach us
    time_zone: str = "Europe/Berlin"
    company_names: list[str] = []  # what customers call us: never taken for somebody's name
    public_url: str = ""  # how people reach us, such as https://portal.example.com; https makes cookies Secure
    trusted_proxies: list[str] = []  # addresses whose X-Forwarded-For is believed
    four_eyes: bool = True  # off only where one person works alone; then they approve their own proposals, marked as such
    oidc_issuer: Annotated[str, Field(pattern=ISSUER)] = ""  # the company sign-in; empty: what was approved in the portal
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_label: str = "your company account"
    smtp_url: str = ""  # where the daily mail goes out: smtp://user:password@host:25, or smtps://
    mail_from: str = "portal@localhost"
    audit_anchor: Path | None = None  # a second place for the record's head, on another disk or machine
    openai_base_url: Annotated[str, Field(validation_alias="OPENAI_BASE_URL")] = ""  # the model endpoint; empty: what was approved here
    openai_api_key: Annotated[str, Field(validation_alias="OPENAI_API_KEY", repr=False)] = ""
    model: str = ""  # the model that is asked there
    encoder: str = ""  # the sentence encoder: empty for what portal encoder install put here, or endpoint:MODEL
    log_format: str = "text"  # or json, a line a message

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{(self.home / 'portal.db').absolute()}"

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")


@lru_cache(maxsize=1)
def settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        raise Misuse(f"PORTAL_{str(wrong['loc'][0]).upper()} cannot be used: {wrong['msg'].lower()}.") from error
    except SettingsError as error:
        name = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "")
        raise Misuse(f'PORTAL_{name.upper()} cannot be used: it is a list, written like ["portal.example.com"].') from error


def reset() -> None:
    """Read the environment again (tests point it at another home)."""
    settings.cache_clear()


def folder(name: str) -> Path:
    """A folder of the home, made at first use and closed to other users of the machine."""
    path = settings().home.absolute() / name
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unwritable(error) from error
    return path


def lock_file(name: str) -> IO[str]:
    """A file of the home to hold a lock on."""
    try:
        return (folder("") / name).open("w")
    except OSError as error:
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> Misuse:
    home = settings().home.absolute()
    return Misuse(
        f"The home {home} cannot be written to: {os.strerror(error.errno or 0).lower()}. Set PORTAL_HOME to a folder of your own."
    )
