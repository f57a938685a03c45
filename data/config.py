"""The settings that come from the environment (PORTAL_*), and where the portal keeps its files."""

from functools import lru_cache
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PORTAL_", extra="ignore")

    home: Path = ROOT / "var"
    database_url: str = ""  # empty: SQLite in the home
    host: str = "127.0.0.1"
    port: int = 8501
    allowed_hosts: list[str] = []  # names beside the loopback ones that a browser may use to reach us
    time_zone: str = "Europe/Berlin"

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{(self.home / 'portal.db').absolute()}"

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")


@lru_cache(maxsize=1)
def settings() -> Settings:
    return Settings()


def reset() -> None:
    """Read the environment again (tests point it at another home)."""
    settings.cache_clear()


def folder(name: str) -> Path:
    """A folder of the home, made at first use and closed to other users of the machine."""
    path = settings().home.absolute() / name
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
