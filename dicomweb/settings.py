"""Settings: every one declared once, read from flags, environment, a TOML file and defaults.

A flag wins over the environment (`DICOMWEB_LIKE_THIS`), that over the file (`like_this`, named
by `--config` or `DICOMWEB_CONFIG`), that over the default.  What is not known is an error.
"""

from __future__ import annotations

import argparse
import difflib
import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import unquote, urlsplit

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

PREFIX = "DICOMWEB_"
CONFIG = "DICOMWEB_CONFIG"
TEST_PREFIX = "DICOMWEB_TEST_"
"""Left to the tests, which read the environment of the process they run servers in."""


class SettingsError(Exception):
    """A setting that is not known or a value that is not allowed, in sentences that name them."""


AE_TITLE_LENGTH_MAX = 16


def _ae_title(title: str) -> str:
    """PS3.5 6.2: printable ASCII without a backslash, not only spaces."""
    stripped = title.strip(" ")
    if not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]{1,16}", stripped):
        raise ValueError(f"an AE title has 1 to {AE_TITLE_LENGTH_MAX} ASCII characters")
    return stripped


AeTitle = Annotated[str, AfterValidator(_ae_title)]


class Peer(BaseModel):
    """A device that associations are opened to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: int = Field(ge=1, le=65535)
    tls: bool = False
    associations: int = Field(default=1, ge=1, le=32)
    """At the same time, for one C-MOVE."""


class Settings(BaseModel):
    """What a user can choose; `data`, `host` and `port` are most of what anybody does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Field(default=Path("data"), description="Folder of the index and of the objects.")
    index: str = Field(
        default="",
        description="Database of the index: `postgresql://user:password@host/name` or "
        "`sqlite:///path`; empty: SQLite in `data`.",
    )
    objects: str = Field(
        default="", description="Folder of the objects, as a path or file:// URL; empty: in `data`."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="Port to listen on; 0: any free one."
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes that serve.")
    open_to_network: bool = Field(
        default=False, description="Allows to listen where others than this machine can connect."
    )
    public_url: str = Field(
        default="",
        description="URL of the service root as clients see it, for a server behind a proxy; "
        "empty: as the request says.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses and networks of proxies whose Forwarded and X-Forwarded-* headers "
        "are believed, with commas between; `*`: anybody's.",
    )
    cors_origins: str = Field(
        default="",
        description="Origins of web pages, such as viewers, that may use this server from a "
        "browser, with commas between: `https://viewer.example.org`; `*`: any page.",
    )
    strict: bool = Field(
        default=False,
        description="By the letter of the standard, without leniency for real clients.",
    )
    duplicates: Literal["refuse", "replace"] = Field(
        default="refuse", description="What other content under a known SOP Instance UID does."
    )
    allow_delete: bool = Field(
        default=False, description="Allows DELETE of studies, series and instances."
    )
    search_limit: int = Field(
        default=1000, ge=1, le=100_000, description="Results that one search returns at most."
    )
    search_seconds: int = Field(
        default=10, ge=1, le=3600, description="Time after which a search is given up as too broad."
    )
    search_scan: int = Field(
        default=10_000,
        ge=0,
        le=10_000_000,
        description="Objects whose stored metadata one search reads at most, for attributes that "
        "are not indexed.",
    )
    max_request_bytes: int = Field(
        default=0, ge=0, description="Size of a request that is refused beyond it; 0: none is."
    )
    max_metadata_bytes: int = Field(
        default=64 * 1024**2,
        ge=1,
        description="Size of the metadata of a request, in JSON or XML, that is refused beyond it.",
    )
    max_parts: int = Field(
        default=100_000, ge=1, description="Parts of a multipart request; one with more is refused."
    )
    max_part_headers_bytes: int = Field(
        default=16 * 1024,
        ge=64,
        description="Size of the headers of a part that is refused beyond it.",
    )
    idle_timeout_seconds: int = Field(
        default=60,
        ge=0,
        description="Seconds without a byte of a request, after which it is given up; 0: never.",
    )
    max_instance_bytes: int = Field(
        default=64 * 1024**3, ge=1, description="Size of one instance that is refused beyond it."
    )
    dimse_port: int = Field(
        default=11112, ge=0, le=65535, description="Port of the DIMSE door; 0: there is none."
    )
    ae_title: AeTitle = Field(default="DICOMWEB", description="AE title of this archive.")
    peers: dict[AeTitle, Peer] = Field(
        default_factory=dict,
        description="Devices that objects are sent to, by AE title: tables `[peers.TITLE]` in the "
        "settings file.",
    )
    accept_unknown_peers: bool = Field(
        default=True, description="Takes associations from AE titles that are not in `peers` too."
    )
    credentials: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Passwords by user name, for associations that say who their user is.",
    )
    dimse_user_required: bool = Field(
        default=False, description="Refuses associations that do not say who their user is."
    )
    dimse_tls_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of the DIMSE door over TLS (2762 is usual); 0: none.",
    )
    tls_certificate: str = Field(
        default="", description="Certificate (PEM, with its chain) that DIMSE over TLS shows."
    )
    tls_key: str = Field(default="", description="Private key (PEM) of that certificate.")
    tls_authorities: str = Field(
        default="",
        description="Certificates (PEM) of the authorities that peers have theirs from; with it, "
        "associations over TLS need a certificate.",
    )
    dimse_associations_max: int = Field(
        default=100, ge=1, le=10_000, description="Associations at the same time."
    )
    dimse_associations_per_peer_max: int = Field(
        default=32, ge=1, le=10_000, description="Associations of one peer at the same time."
    )
    dimse_idle_seconds: int = Field(
        default=600,
        ge=1,
        description="Silence after which an association that is waited for is aborted.",
    )
    dimse_linger_seconds: float = Field(
        default=2.0,
        ge=0,
        le=600,
        description="How long an association with the destination of a C-MOVE stays open for the "
        "next one; 0: not at all.",
    )
    max_cache_bytes: int = Field(
        default=1024**3,
        ge=0,
        description="Disk space in `data` for what was dear to compute, as transcoded frames; 0: "
        "nothing is kept.",
    )
    ffmpeg: str = Field(
        default="ffmpeg",
        description="Program that makes MP4 of cine and pictures of stored videos, by its name or "
        "path; where it is not installed, or this is empty, they are not offered.",
    )
    ohif: str = Field(
        default="",
        description="Folder of a built OHIF viewer, served at `/ohif/`; `make ohif` fetches one "
        "into `ohif/dist`.",
    )
    log: Literal["human", "json"] = Field(default="human", description="Form of the log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is logged: this and what is worse."
    )

    @field_validator("data", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if value == "":  # To the library that is the working folder.
            raise ValueError("it has to be a folder")
        return value

    @field_validator("peers", "credentials", mode="before")
    @classmethod
    def _written_out(cls, value: object) -> object:
        """A flag or variable has a table as JSON."""
        if not isinstance(value, str):
            return value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ValueError("it has to be a JSON object") from None

    @field_validator("index")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("it has to begin with sqlite:/// or postgresql://")
        return value

    @field_validator("objects")
    @classmethod
    def _known_blob_store(cls, value: str) -> str:
        scheme, _, location = value.partition("://")
        if location and scheme.lower() != "file":
            raise ValueError(f"object stores ({scheme}://) are not supported yet, folders are")
        if "://" in value and not re.fullmatch(r"file:///[^?#]+", value):
            raise ValueError("a file URL has to be file:/// and the path of a folder")
        return value

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s?#]+", value):
            raise ValueError("it has to be an http:// or https:// URL without query")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for name in _listed(value):
            if name != "*":
                try:
                    ipaddress.ip_network(name, strict=False)
                except ValueError:
                    raise ValueError(f"{name} is no address and no network") from None
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for name in _listed(value):
            if name != "*" and not re.fullmatch(r"https?://[^\s/?#@]+", name):
                raise ValueError(f"{name} is no origin: scheme, host and port, and no more")
        return value

    @model_validator(mode="after")
    def _safe(self) -> Settings:
        if self.dimse_tls_port and not (self.tls_certificate and self.tls_key):
            raise ValueError("dimse_tls_port needs tls_certificate and tls_key")
        ports = [port for port in (self.port, self.dimse_port, self.dimse_tls_port) if port]
        if len(ports) > len(set(ports)):
            raise ValueError("port, dimse_port and dimse_tls_port have to differ")
        if self.dimse_user_required and not self.credentials:
            raise ValueError("dimse_user_required needs credentials to check users against")
        if not self.open_to_network and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached from the network, and nobody is asked who they "
                "are; say --open-to-network if that is meant"
            )
        return self

    @property
    def origins_allowed(self) -> tuple[str, ...]:
        """The members of `cors_origins`."""
        return _listed(self.cors_origins)

    @property
    def index_url(self) -> str:
        """Where the index is; in `data` unless said otherwise."""
        return self.index or f"sqlite:///{self.data / 'index.sqlite'}"

    @property
    def objects_folder(self) -> Path:
        """Where the objects are; in `data` unless said otherwise."""
        if self.objects.startswith("file://"):
            return Path(unquote(urlsplit(self.objects).path))
        return Path(self.objects) if self.objects else self.data / "objects"


@dataclass(frozen=True, slots=True)
class Loaded:
    settings: Settings
    origins: Mapping[str, str]
    """By name: where the value came from."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# Loading -------------------------------------------------------------------------


def load(flags: Mapping[str, str], environment: Mapping[str, str]) -> Loaded:
    """The settings of all layers; SettingsError for what is not known or not allowed.

    `flags` are by setting name, with "config" for the file.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    layers = (
        _file_layer(flags.get("config") or environment.get(CONFIG, "")),
        _environment_layer(environment),
        {name: (value, f"flag {_flag(name)}") for name, value in flags.items() if name != "config"},
    )
    for layer in layers:
        for name, (value, origin) in layer.items():
            values[name], origins[name] = value, origin
    try:
        return Loaded(Settings.model_validate(values), origins)
    except ValidationError as error:
        raise SettingsError(_sentences(error, origins)) from None


Layer = dict[str, tuple[Any, str]]


def _file_layer(path: str) -> Layer:
    if not path:
        return {}
    try:
        told = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}.") from None
    for name in told:
        _known(name, f"{path} sets {name}", Settings.model_fields)
    return {name: (value, path) for name, value in told.items()}


def _environment_layer(environment: Mapping[str, str]) -> Layer:
    layer: Layer = {}
    names = {_variable(name): name for name in Settings.model_fields}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable.startswith(TEST_PREFIX):
            continue
        if variable == CONFIG:
            continue
        _known(variable, f"The environment has {variable}", names)
        layer[names[variable]] = (value, f"environment {variable}")
    return layer


def _known(name: str, said: str, names: Mapping[str, object]) -> None:
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"; is {close[0]} meant?" if close else "."
        raise SettingsError(f"{said}, which is no setting{hint}")


def _sentences(error: ValidationError, origins: Mapping[str, str]) -> str:
    return "  ".join(_sentence(dict(problem), origins) for problem in error.errors())


def _sentence(problem: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    reason = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return f"The setting {reason}."
    name = problem["loc"][0]
    reason = reason[0].lower() + reason[1:]
    if name == "credentials":
        return f"credentials ({origins[name]}): {reason}."
    shown = _shown(problem["input"])
    value = shown if shown == '""' else repr(shown)
    path = ".".join(str(step) for step in problem["loc"])
    return f"{path} is {value} ({origins[name]}): {reason}."


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


# Flags ---------------------------------------------------------------------------


def add_flags(parser: argparse.ArgumentParser) -> None:
    """A flag for each setting, and --config; one that is not given leaves no trace."""
    group = parser.add_argument_group("settings")
    group.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="TOML file")
    for name, field in Settings.model_fields.items():
        described = (field.description or "").replace("%", "%%")
        if field.annotation is bool:
            group.add_argument(
                _flag(name),
                action=argparse.BooleanOptionalAction,
                default=argparse.SUPPRESS,
                help=described,
            )
        else:
            group.add_argument(
                _flag(name), metavar=_kind(name), default=argparse.SUPPRESS, help=described
            )


def given_flags(namespace: argparse.Namespace) -> dict[str, str]:
    """The settings that a command line gave, by name."""
    names = {"config", *Settings.model_fields}
    return {name: str(value) for name, value in vars(namespace).items() if name in names}


def _kind(name: str) -> str:
    annotation = Settings.model_fields[name].annotation
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    kinds: dict[object, str] = {Path: "FOLDER", int: "NUMBER"}
    return kinds.get(annotation, "TEXT")


# Tables --------------------------------------------------------------------------


def table(loaded: Loaded) -> str:
    """Every setting, its value, where it came from, its help: what `dicomweb settings` prints."""
    rows = [
        (
            name,
            _shown(getattr(loaded.settings, name)),
            loaded.origins[name],
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
        for row in rows
    )


_PASSWORD = re.compile(r"^((?:[\w+.-]+:/+)?[^:/@]*:).*(?=@)|([?&]\w*password=)[^&]*", re.I | re.S)
"""Up to the last @: a password with one is wrong in a URL, and still a password."""


def _shown(value: object) -> str:
    """A value as one would write it; the password of a database is nobody's business."""
    if isinstance(value, dict):
        return " ".join(value) or '""'
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return _PASSWORD.sub(r"\1\2***", text) or '""'


def markdown_table() -> str:
    """The settings for the README."""
    lines = ["| setting | default | flag | environment | |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | `{_shown(field.get_default(call_default_factory=True))}` | `{_flag(name)}` "
        f"| `{_variable(name)}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(lines)
