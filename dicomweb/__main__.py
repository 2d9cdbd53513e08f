"""The console command: serve, store, send and the rest; each a module of `dicomweb.commands`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from dicomweb import logs, settings
from dicomweb.settings import Loaded, SettingsError

UNUSABLE, INTERRUPTED = 2, 130
"""Exit statuses: the command cannot be carried out; Ctrl-C."""

COMMANDS = {
    "serve": "serve the archive over HTTP until told to stop",
    "store": "store files, folders, DICOMDIR file-sets and zip archives",
    "index": "declare, list and remove custom attributes to be searched by",
    "peers": "list the configured peers, or try whether one answers",
    "send": "send a study, a series or an instance to a peer over DIMSE",
    "settings": "show every setting, its value and where it came from",
}


class Command(Protocol):
    """What a module of `dicomweb.commands` has."""

    FAILURES: tuple[type[Exception], ...]
    """What it may raise besides, in a sentence."""

    def add_arguments(self, command: argparse.ArgumentParser, /) -> None:
        """Those of its own."""

    def run(self, given: argparse.Namespace, loaded: Loaded, /) -> int:
        """Carries it out; the exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out a command; the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    command = _command(words[0]) if words and words[0] in COMMANDS else None
    given = _parser(words[0] if words else "", command).parse_args(words)
    assert command is not None, "the parser lets nothing else pass"
    told: tuple[type[Exception], ...] = (SettingsError, OSError, *command.FAILURES)
    try:
        loaded = settings.load(settings.given_flags(given), os.environ)
        logs.configure(loaded.settings.log, loaded.settings.log_level)
        return command.run(given, loaded)
    except told as error:
        print(f"dicomweb: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _command(name: str) -> Command:
    """The module of a command: only that one, since to load the engine takes a second."""
    return cast(Command, import_module(f"dicomweb.commands.{name}"))


def _parser(chosen: str, command: Command | None) -> argparse.ArgumentParser:
    """Of all commands by name, and of the chosen one in full."""
    parser = argparse.ArgumentParser(
        prog="dicomweb",
        description="A DICOMweb archive: stores, finds and serves medical images.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, described in COMMANDS.items():
        # A flag that opens the server to the network has to be said in full.
        one = commands.add_parser(name, help=described, description=described, allow_abbrev=False)
        if name == chosen and command is not None:
            command.add_arguments(one)
            settings.add_flags(one)
    return parser


if __name__ == "__main__":
    sys.exit(main())
