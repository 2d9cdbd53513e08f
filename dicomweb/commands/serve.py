"""`dicomweb serve`: the archive over HTTP and DIMSE, until told to stop."""

from __future__ import annotations

import argparse

from dicomweb import serving
from dicomweb.settings import Loaded
from dicomweb.store.index import UnusableIndex

FAILURES = (UnusableIndex,)


def add_arguments(_: argparse.ArgumentParser) -> None:
    """None but the settings."""


def run(_: argparse.Namespace, loaded: Loaded) -> int:
    """Serves; the exit status."""
    return serving.serve(loaded.settings)
