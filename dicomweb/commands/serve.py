"""`dicomweb serve`: the archive over HTTP and DIMSE, until told to stop."""

from __future__ import annotations

import argparse

from dicomweb.settings import Loaded
from dicomweb.store.trouble import UnusableIndex

FAILURES = (UnusableIndex,)


def add_arguments(_: argparse.ArgumentParser) -> None:
    """None but the settings."""


def run(_: argparse.Namespace, loaded: Loaded) -> int:
    """Serves; the exit status."""
    from dicomweb import serving  # takes a second and more, which help and a wrong flag need not

    return serving.serve(loaded.settings)
