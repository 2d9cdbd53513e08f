"""What the statement says of running it: settings, limits, failures, security."""

from __future__ import annotations

from conformance.claims.claim import claim as _
from conformance.claims.proofs import ASSOCIATION, C_STORE, FORWARDED, RULES, STATED, TLS
from dicomweb.web.requests import PREFIX

CONFIGURATION = (
    _(
        f"The base URI of the web services is `http://host:port{PREFIX}`, that of WADO-URI "
        "`http://host:port/wado`, unless `public_url` or a trusted proxy says otherwise.",
        STATED + "test_every_resource_that_is_stated_is_there",
        STATED + "test_the_public_url_is_the_base_of_every_url",
        FORWARDED + "test_behind_a_proxy_every_url_is_the_clients",
    ),
)

LIMITS = (
    _(
        "What an association may take:",
        ASSOCIATION + "test_associations_have_a_limit_in_total_and_for_a_peer",
        ASSOCIATION + "test_a_silent_connection_is_closed",
        ASSOCIATION + "test_an_idle_association_is_aborted",
    ),
)

REASONS = (
    _(
        "Failure Reason (0008,1197) and Warning Reason (0008,1196) of Store, and the status of the "
        "whole request when nothing was stored.",
        RULES + "test_the_codes_of_the_answer_are_in_the_statement",
        C_STORE + "test_a_fault_has_the_same_code_through_both_doors",
    ),
)

SECURITY = (
    _(
        "DICOMweb and DIMSE listen on ports of their own, DIMSE over TLS on one more (PS3.15 B.9).",
        "test_settings.py::test_what_is_wrong_is_named",
        "dimse_bridge/test_commands.py::test_serve_opens_both_doors",
        TLS + "test_who_speaks_in_the_clear_is_not_heard",
    ),
    _(
        "TLS of associations is that of BCP 195: version 1.2 and newer, forward secrecy, "
        "authenticated encryption.",
        TLS + "test_the_profile_is_that_of_bcp_195",
        TLS + "test_dcmtk_echoes_over_tls",
    ),
    _(
        "With `tls_authorities` a peer has to show a certificate of them, and so does a "
        "destination.",
        TLS + "test_who_has_no_certificate_of_the_authority_is_sent_away",
        TLS + "test_we_do_not_talk_to_a_peer_whose_authority_we_do_not_know",
    ),
    _(
        "What is tampered with on the way ends the connection.",
        TLS + "test_bytes_that_were_tampered_with_end_the_connection",
    ),
    _(
        "The web services are plain HTTP without authentication: TLS and users are a proxy's, and "
        "the server listens on loopback unless `open_to_network` is set.",
        "test_settings.py::test_what_is_wrong_is_named",
        FORWARDED + "test_what_a_trusted_proxy_says_counts",
    ),
    _(
        "No patient data are written to the log at its default level.",
        "test_cli.py::test_nothing_of_a_patient_is_in_the_log",
    ),
    _(
        "No audit trail, de-identification or digital signature profile is claimed; signatures "
        "that objects have are kept as they are.",
        "web/test_wado_uri.py::test_it_will_not_pretend_to_de_identify",
        STATED + "test_a_signature_is_kept_as_it_is",
    ),
)

ANNEXES = (
    _(
        "No private attributes, SOP classes or transfer syntaxes are defined by this server.",
        STATED + "test_what_the_server_makes_has_nothing_private",
    ),
)

CHOICES = (
    _(
        "Clauses are of PS3.18 unless they say otherwise; by default every leniency is on that "
        "clients are known to need, and the setting `strict` turns all of them off.",
        RULES + "test_what_hospitals_have_is_stored_as_it_was_sent",
        RULES + "test_the_letter_refuses_what_it_has_to",
    ),
)
