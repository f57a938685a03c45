"""The trigger that keeps what must not change, for the migrations that make such a table."""

from alembic import op


def make_immutable(table: str) -> None:
    """Insert only, whoever asks: also a programme that forgets the rules, or a person at the database's own prompt."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} rows never change'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_never_changes() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} rows never change'; END $$"
    )
    op.execute(f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_never_changes()")
    op.execute(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_never_changes()")


def keep_columns(table: str, columns: tuple[str, ...]) -> None:
    """Of a row that lives on, these columns stay as they were written."""
    told, only = f"what was kept in {table} never changes", ", ".join(columns)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER {table}_keeps BEFORE UPDATE OF {only} ON {table} BEGIN SELECT RAISE(ABORT, '{told}'); END")
        return
    op.execute(f"CREATE FUNCTION {table}_keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{told}'; END $$")
    op.execute(f"CREATE TRIGGER {table}_keeps BEFORE UPDATE OF {only} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_keeps()")
