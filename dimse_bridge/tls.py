"""TLS: contexts by the profile of BCP 195 (PS3.15 B.9): 1.2 or newer, forward secrecy, AEAD."""

from __future__ import annotations

import ssl

from dicomweb.settings import Settings

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!PSK"
"""Of TLS 1.2; those of 1.3 are all good."""


def accepting(settings: Settings) -> ssl.SSLContext:
    """For those who come.  With authorities configured, they have to show a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    if settings.tls_authorities:
        context.load_verify_locations(settings.tls_authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def connecting(settings: Settings) -> ssl.SSLContext:
    """For those we go to, known by the configured authorities or else by the system's.

    Devices are addressed in ways their certificates do not name, so hosts are not compared.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    context.check_hostname = False
    if settings.tls_authorities:
        context.load_verify_locations(settings.tls_authorities)
    else:
        context.load_default_certs()
    if settings.tls_certificate and settings.tls_key:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
