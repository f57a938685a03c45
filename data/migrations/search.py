"""The index over conversation_words, for the migrations that make it: full text on SQLite, a vector of words on PostgreSQL.

Both are kept by the database itself, so that whatever writes the table, a restore too, is found.
"""

from typing import Any

from alembic import op

SQLITE = (
    # every sign beyond ASCII belongs to a word, and spaces alone part words: language/words.py has decided what a word is
    "CREATE VIRTUAL TABLE conversation_search USING fts5(words, content='conversation_words', content_rowid='place', tokenize='ascii')",
    "CREATE TRIGGER conversation_words_in AFTER INSERT ON conversation_words BEGIN "
    "INSERT INTO conversation_search(rowid, words) VALUES (new.place, new.words); END",
    "CREATE TRIGGER conversation_words_out AFTER DELETE ON conversation_words BEGIN "
    "INSERT INTO conversation_search(conversation_search, rowid, words) VALUES ('delete', old.place, old.words); END",
    "CREATE TRIGGER conversation_words_new AFTER UPDATE ON conversation_words BEGIN "
    "INSERT INTO conversation_search(conversation_search, rowid, words) VALUES ('delete', old.place, old.words); "
    "INSERT INTO conversation_search(rowid, words) VALUES (new.place, new.words); END",
)
POSTGRES = (
    # PostgreSQL's own parser would cut words in another way than SQLite's: the vector is written from the words as they stand
    """CREATE FUNCTION conversation_tokens(words text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT COALESCE(string_agg('''' || word || ''':' || LEAST(number, 16383), ' '), '')::tsvector
    FROM unnest(string_to_array(words, ' ')) WITH ORDINALITY AS every(word, number) WHERE word <> '' $$""",
    "ALTER TABLE conversation_words ADD COLUMN tokens tsvector GENERATED ALWAYS AS (conversation_tokens(words)) STORED",
    "CREATE INDEX conversation_words_tokens ON conversation_words USING gin (tokens) WITH (fastupdate = off)",
)


def make_index() -> None:
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRES:
        op.execute(statement)


def is_declared(_thing: Any, name: str | None, kind: str, _reflected: bool, _against: Any) -> bool:
    """Whether the tables say it; the index is made here alone."""
    ours = (kind == "table" and str(name).startswith("conversation_search")) or (kind == "column" and name == "tokens")
    return not ours and not (kind == "index" and name == "conversation_words_tokens")
