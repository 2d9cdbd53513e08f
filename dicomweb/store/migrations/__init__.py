"""Versions of the index's schema (Alembic): applied at start, under a lock, to the newest."""

HEAD = "0006"
"""The newest version; a database that has it is opened without even loading Alembic."""
