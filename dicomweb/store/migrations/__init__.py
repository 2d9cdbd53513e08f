"""Versions of the index's schema (Alembic): applied at start, under a lock, to the newest."""

HEAD = "0007"
"""The newest version; a database that has it is opened without even loading Alembic."""
