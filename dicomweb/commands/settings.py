"""`dicomweb settings`: every setting, its value and where it came from."""

from __future__ import annotations

import argparse

from dicomweb import settings
from dicomweb.settings import Loaded

FAILURES: tuple[type[Exception], ...] = ()


def add_arguments(_: argparse.ArgumentParser) -> None:
    """None but the settings."""


def run(_: argparse.Namespace, loaded: Loaded) -> int:
    """Prints the table; the exit status."""
    print(settings.table(loaded))
    return 0
