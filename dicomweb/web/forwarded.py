"""Forwarded and X-Forwarded-*: how a client reached the proxies in front of us (RFC 7239).

Only what trusted proxies say counts: anybody can send such headers.  Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

HOPS_MAX = 32

_PAIR = re.compile(r'\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?:;|\Z)')
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_PREFIX = re.compile(r"/[\w.~/%-]*", re.ASCII)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose word counts."""

    networks: tuple[Network, ...] = ()
    everybody: bool = False

    @classmethod
    def parse(cls, text: str) -> Trusted:
        """From addresses and networks with commas between, or "*".  Raises ValueError."""
        names = [name.strip() for name in text.split(",") if name.strip()]
        if "*" in names:
            return cls(everybody=True)
        return cls(tuple(ipaddress.ip_network(name, strict=False) for name in names))

    def __contains__(self, host: str) -> bool:
        if self.everybody:
            return True
        try:
            address = ipaddress.ip_address(_bare(host))
        except ValueError:
            return False
        return any(address in network for network in self.networks)


def _bare(host: str) -> str:
    """An address without its port; an IPv4 one that came over IPv6 as what it is."""
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    return host.removeprefix("::ffff:")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the client believes the server is, as far as was said; "" where it was not."""

    scheme: str = ""
    authority: str = ""
    prefix: str = ""


def origin(headers: Mapping[str, str], peer: str | None, trusted: Trusted) -> Origin:
    """What the outermost of the trusted proxies says, beginning with the peer itself."""
    if not trusted.everybody and (peer is None or peer not in trusted):
        return Origin()
    if "forwarded" in headers:
        return _checked(_by_rfc(headers["forwarded"], trusted))
    hops = _trusted_hops(_list(headers.get("x-forwarded-for", "")), trusted)
    scheme, host, port, prefix = (
        _nth_from_the_end(_list(headers.get(f"x-forwarded-{name}", "")), hops)
        for name in ("proto", "host", "port", "prefix")
    )
    if host and port and not re.search(r":[0-9]+\Z", host):
        host += "" if port == {"http": "80", "https": "443"}.get(scheme) else f":{port}"
    return _checked(Origin(scheme.lower(), host, prefix))


def _by_rfc(text: str, trusted: Trusted) -> Origin:
    elements = [_pairs(element) for element in _ELEMENT.findall(text)[-HOPS_MAX:]]
    hops = _trusted_hops([element.get("for", "") for element in elements], trusted)
    if not elements:
        return Origin()
    chosen = elements[-min(hops, len(elements))]
    return Origin(chosen.get("proto", "").lower(), chosen.get("host", ""))


def _pairs(element: str) -> dict[str, str]:
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain
        for name, quoted, plain in _PAIR.findall(element)
    }


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()][-HOPS_MAX:]


def _trusted_hops(clients: list[str], trusted: Trusted) -> int:
    """How many proxies are to be believed: the peer, and each whose client is trusted in turn."""
    hops = 1
    for client in reversed(clients):
        if client not in trusted:
            break
        hops += 1
    return min(hops, max(1, len(clients)))


def _nth_from_the_end(values: list[str], number: int) -> str:
    """A proxy that has nothing to add leaves its turn out: then the outermost that did."""
    return values[-min(number, len(values))] if values else ""


def _checked(said: Origin) -> Origin:
    """Without what could not be part of a URL."""
    return Origin(
        said.scheme if said.scheme in ("http", "https") else "",
        said.authority if _HOST.fullmatch(said.authority) else "",
        said.prefix.rstrip("/") if _PREFIX.fullmatch(said.prefix) else "",
    )
