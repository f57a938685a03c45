"""Commands that are there before their code is: a group's module is imported when one of its commands is asked for."""

from functools import cached_property
from importlib import import_module
from typing import Any

from typer.core import TyperGroup
from typer.main import get_group

Groups = dict[str, tuple[str, str]]  # name -> module:app, and what `--help` says of it


class Later(TyperGroup):
    """One group. `portal --help` needs its name and its words alone."""

    def __init__(self, *, name: str, where: str, words: str) -> None:
        super().__init__(name=name, help=words, no_args_is_help=True)
        self.where = where

    @cached_property
    def made(self) -> TyperGroup:
        module, _, app = self.where.partition(":")
        return get_group(getattr(import_module(module), app))

    def list_commands(self, ctx: Any) -> list[str]:
        return self.made.list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return self.made.get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        return self.made.resolve_command(ctx, args)  # it knows what somebody meant who mistyped


def holding(groups: Groups) -> type[TyperGroup]:
    """What a Typer app takes as its `cls`: its own commands, then these."""

    class Holding(TyperGroup):
        def __init__(self, **told: Any) -> None:
            super().__init__(**told)
            self.commands.update({name: Later(name=name, where=where, words=words) for name, (where, words) in groups.items()})

    return Holding
