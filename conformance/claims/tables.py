"""What proves the tables of the statement, which are made of those that the code runs on."""

from __future__ import annotations

from conformance.claims.proofs import (
    ASSOCIATION,
    C_STORE,
    CAPABILITIES,
    CLASSES,
    DELETION,
    DOCS,
    FORWARDED,
    PROVOKED,
    QIDO,
    RENDERED,
    RULES,
    SEARCH,
    STATED,
    TAKEN,
    TLS,
)

TABLES: dict[str, tuple[str, ...]] = {
    "rulings": ("conformance/test_claims.py::test_every_choice_is_proven_and_stated",),
    "services": (CLASSES, "dimse_bridge/test_commands.py::test_peers_are_listed_and_tried"),
    "storage": (CLASSES, C_STORE + "test_an_object_of_every_storage_sop_class_is_taken"),
    "web services": (
        CAPABILITIES + "test_every_transaction_is_of_a_kind_whose_statuses_have_a_meaning",
        CAPABILITIES + "test_the_service_root_describes_every_transaction_in_wadl",
    ),
    "syntaxes": (
        TAKEN,
        STATED + "test_what_is_stated_as_decoded_is_and_nothing_else",
        STATED + "test_what_is_stated_as_encoded_is_and_nothing_else",
    ),
    "routes": (STATED + "test_every_resource_that_is_stated_is_there",),
    "beside": (STATED + "test_every_resource_that_is_stated_is_there",),
    "parameters": (STATED + "test_every_parameter_that_is_stated_is_heeded",),
    "attributes": (
        QIDO + "test_each_declared_key_finds_and_does_not_find",
        STATED + "test_every_attribute_is_in_the_answers_that_are_stated",
    ),
    "formats": (
        STATED + "test_a_format_is_as_it_is_stated",
        "pixels/test_encode.py::test_a_side_longer_than_the_format_takes_is_refused",
    ),
    "settings": (
        DOCS + "test_every_setting_has_help_and_is_documented",
        "test_settings.py::test_the_table_has_every_setting_with_its_value_origin_and_help",
    ),
    "association limits": (
        ASSOCIATION + "test_associations_have_a_limit_in_total_and_for_a_peer",
        ASSOCIATION + "test_the_maximum_length_is_told_and_kept_to",
    ),
    "reasons": (
        PROVOKED + "test_a_store_fails_or_warns_for_the_reason",
        PROVOKED + "test_a_request_fails_for_the_reason",
        PROVOKED + "test_every_reason_that_is_stated_is_provoked_here",
    ),
    "statuses": (
        PROVOKED + "test_a_message_is_answered_with_the_status",
        PROVOKED + "test_every_reason_that_is_stated_is_provoked_here",
    ),
    "web statuses": (
        CAPABILITIES + "test_no_request_finds_an_error_or_a_status_that_is_not_described",
        "conformance/test_claims.py::test_every_status_that_is_stated_is_given_in_a_test",
    ),
    "security": (
        ASSOCIATION + "test_a_user_with_the_right_password_may_come",
        ASSOCIATION + "test_only_peers_may_call_when_that_is_set",
        "web/test_cors.py::test_only_the_origins_named_are_let_in",
        FORWARDED + "test_nobody_else_is_believed",
        TLS + "test_without_authorities_anybody_may_come_over_tls",
    ),
}
"""What proves each table, row by row."""

STATUSES: dict[int, str] = {
    200: SEARCH + "test_search_for_studies",
    202: "store-good-bad-good",
    204: SEARCH + "test_no_more_is_a_204_without_a_body",
    206: RENDERED + "test_what_cannot_be_rendered_is_left_out_and_said",
    304: CAPABILITIES + "test_a_description_that_is_known_is_not_sent_again",
    400: SEARCH + "test_a_malformed_query_is_refused_with_a_sentence",
    404: "web/test_wado_uri.py::test_what_is_not_there_is_404_and_what_was_is_410",
    405: "method-not-allowed",
    406: RENDERED + "test_what_there_is_not_is_not_acceptable",
    408: "test_store_limits.py::test_a_client_that_stops_sending_is_given_up",
    409: "store-in-other-study",
    410: "web/test_wado_uri.py::test_what_is_not_there_is_404_and_what_was_is_410",
    412: DELETION + "test_a_client_may_delete_only_what_it_has_seen",
    413: RENDERED + "test_a_picture_too_large_is_refused",
    415: RULES + "test_another_encoding_is_refused",
    416: "web/test_conditions.py::test_a_single_value_can_be_had_in_ranges",
    500: RENDERED + "test_broken_pixels_are_an_error_and_never_a_blank_picture",
    501: "web/test_wado_uri.py::test_it_will_not_pretend_to_de_identify",
    503: "engine/test_picture_cache.py::test_too_much_that_waits_is_refused",
    507: "test_store_limits.py::test_a_full_disk_is_told_and_nothing_half_stored_is_left",
}
"""What shows each status of HTTP."""
