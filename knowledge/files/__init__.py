"""Articles as files: a folder, a Markdown, an HTML, a CSV or a JSONL file in; a folder of Markdown, or a CSV, out.

What is read is only told: nothing is stored here. Each file or row that is no article is one sentence, and never stops the rest.
"""

from knowledge.files.article import FIELDS, KINDS, MOST_TEXT, NewArticle, slug_of
from knowledge.files.folder import MOST_FILES, Read, read
from knowledge.files.table import as_csv
from knowledge.files.writing import write

__all__ = ["FIELDS", "KINDS", "MOST_FILES", "MOST_TEXT", "NewArticle", "Read", "as_csv", "read", "slug_of", "write"]
