"""Certificates for a test: an authority, and what it has signed; made by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from dicomweb.settings import Settings


@dataclass(frozen=True, slots=True)
class Certified:
    authority: Path
    certificate: Path
    key: Path

    def settings(self, data: Path, *, authority: bool = True, **more: object) -> Settings:
        return Settings(
            data=data,
            tls_certificate=str(self.certificate),
            tls_key=str(self.key),
            tls_authorities=str(self.authority) if authority else "",
            **more,  # type: ignore[arg-type]
        )


def _openssl(*arguments: object) -> None:
    command = ["openssl", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def certified(folder: Path) -> Certified:
    """An authority and one certificate of it, for servers and clients."""
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    _openssl("req", "-x509", *_NEW_KEY, "-days", 2, "-subj", "/CN=Authority",
             "-keyout", authority_key, "-out", authority)  # fmt: skip
    made = Certified(authority, folder / "device.pem", folder / "device.key")
    request = folder / "device.csr"
    _openssl("req", *_NEW_KEY, "-subj", "/CN=Device", "-keyout", made.key, "-out", request)
    _openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key,
             "-CAcreateserial", "-days", 2, "-out", made.certificate)  # fmt: skip
    return made
