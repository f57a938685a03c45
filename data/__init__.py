"""Every noun that is kept: tables, store, intake, people and rights, audit, datasets, export."""
