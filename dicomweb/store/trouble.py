"""What an index raises: loaded at once, so that who only mistypes a flag waits for no database."""

from __future__ import annotations


class UnusableIndex(Exception):  # noqa: N818 - it says what is the case
    """The database cannot be reached, or is not ours, or is newer than this program."""


class TookTooLong(Exception):  # noqa: N818 - it says what is the case
    """A query was given up after the time that it was allowed."""
