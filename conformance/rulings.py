"""Where the standard leaves a choice, or says two things: what this server does, row by row.

The proofs are those of `conformance.claims`: tests, or cases of the suite.
"""

from __future__ import annotations

from dataclasses import dataclass

_RULES = "web/test_store_rules.py::"
_METADATA = "web/test_store_metadata.py::"
_NEGOTIATION = "web/test_negotiate.py::"
_RENDERED = "web/test_rendered.py::"
_SEARCH = "web/test_search.py::"
_QIDO = "web/test_qido.py::"
_URI = "web/test_uri_rendering.py::"


@dataclass(frozen=True, slots=True)
class Ruling:
    clause: str
    """Of PS3.18, unless it says otherwise."""
    question: str
    answer: str
    proofs: tuple[str, ...]
    strictly: str = ""
    """With `strict`, where that is something else."""


def _(clause: str, question: str, answer: str, *proofs: str, strictly: str = "") -> Ruling:
    return Ruling(clause, question, answer, proofs, strictly)


RULINGS = (
    _(
        "8.7.5, 9.4.1, 10.5.1",
        "No Accept header",
        "as `*/*`; WADO-URI and requests that change something need none",
        _NEGOTIATION + "test_a_lenient_server_understands_more",
        "web/test_wado_uri.py::test_no_accept_header_is_wanted_of_it",
        "web/test_store.py::test_the_answer_is_json_whatever_a_post_accepts",
        _RENDERED + "test_by_the_letter_an_accept_header_is_needed",
        strictly="406, but for WADO-URI and requests that change something",
    ),
    _(
        "8.3.3.1, 8.7.8.1",
        "No acceptable type can be given",
        "406, with what there is",
        _SEARCH + "test_a_search_that_accepts_no_json_is_not_acceptable",
        _RENDERED + "test_what_there_is_not_is_not_acceptable",
    ),
    _(
        "8.3.3.1",
        "`accept=` names what the Accept header does not cover",
        "it is given",
        _NEGOTIATION + "test_only_a_strict_server_minds_a_parameter_beyond_the_header",
        strictly="400",
    ),
    _(
        "8.7.1",
        "`multipart/related` without a type",
        "parts of the default type of the resource",
        _NEGOTIATION + "test_the_offer_that_is_wanted_is_given",
        "accept-multipart-without-type",
    ),
    _(
        "Table 8.6.1-1",
        "Content-Length of a part of a chunked answer",
        "where it is known",
        "parts-length",
    ),
    _(
        "8.2, 8.3",
        "A slash at the end, an empty query, a raw plus in a value",
        "let pass; a plus is a plus",
        "search-trailing-slash",
        _QIDO + "test_the_zone_of_a_query_shifts_what_tells_its_own",
    ),
    _(
        "8.5, 10.5.3",
        "An object that is no composite instance is stored",
        "409 with 0122",
        _RULES + "test_what_is_no_composite_instance_is_refused_as_its_class_is",
    ),
    _(
        "8.5, 10.4.3",
        "206 without a range",
        "for a retrieve of several things of which some cannot be given; never for a search",
        "web/test_collections.py::test_each_part_is_negotiated_by_itself",
        _RENDERED + "test_what_cannot_be_rendered_is_left_out_and_said",
        _SEARCH + "test_a_page_says_how_many_are_left",
    ),
    _(
        "8.3.4",
        "Form of the Warning header",
        "that of DICOM: `299 <service>: <text>`, one header a text",
        _SEARCH + "test_a_page_says_how_many_are_left",
        _QIDO + "test_the_paging_warning_names_the_service_and_no_status_report",
    ),
    _(
        "8.6.2.1",
        "Implicit VR or big endian in a store",
        "stored as it was sent",
        _RULES + "test_what_hospitals_have_is_stored_as_it_was_sent",
        _RULES + "test_the_letter_refuses_what_it_has_to",
        strictly="the instance is refused with C122",
    ),
    _(
        "Table 10.5.4-1",
        "Parts of octets in a store",
        "taken where metadata comes first, else 400",
        _METADATA + "test_parts_of_octets_are_taken_where_metadata_comes_first",
    ),
    _(
        "8.6.1.2, 10.5.1.4",
        "Compressed frames in several parts of one Content-Location",
        "frames in the order of the parts, or by `/frames/n` in any order; all have to be there",
        _METADATA + "test_frames_are_parts_in_their_order",
        _METADATA + "test_numbered_frames_may_come_in_any_order",
        _METADATA + "test_frames_that_are_not_all_there_are_refused",
    ),
    _(
        "10.5.3",
        "All stored, some with warnings",
        "202, with (0008,1196)",
        _RULES + "test_what_could_not_be_understood_is_a_warning",
    ),
    _(
        "10.5.2",
        "A SOP Instance UID that is on record",
        "the same content is a success and changes nothing, other content is refused with 0111, or "
        "takes its place, as the setting `duplicates` says",
        "web/test_store.py::test_the_same_bytes_again_change_nothing",
        "store-other-content",
        "web/test_races.py::test_other_content_replaces_what_was_there",
    ),
    _(
        "10.5.3",
        "The answer of a store in XML",
        "a single document or one part, as it was asked",
        _RULES + "test_the_answer_is_of_the_type_that_is_accepted",
        _RULES + "test_one_part_of_xml_holds_the_answer",
    ),
    _(
        "F.2.1",
        "JSON of one object",
        "the answer of a store is a bare object; what is sent may be one, or an array",
        _RULES + "test_the_answer_is_one_object",
        _METADATA + "test_an_object_may_stand_alone_and_the_array_be_left_out",
    ),
    _(
        "10.6.3.1",
        "A search below a study that is not there",
        "204",
        "search-below-unknown-study",
    ),
    _(
        "8.3, 10.6.3.1",
        "An attribute that is not matched, a name that is none",
        "the first is passed over with a Warning, the second without",
        _SEARCH + "test_what_is_not_matched_is_warned_of",
        "search-key-unknown",
    ),
    _(
        "10.6.1.2.1",
        "A key of a level below the resource",
        "400",
        _SEARCH + "test_a_malformed_query_is_refused_with_a_sentence",
        "search-key-of-lower-level",
    ),
    _(
        "8.7.4, 10.4.3",
        "A multi-frame image rendered as one JPEG; what cannot be rendered",
        "its middle frame; 406 if alone, left out with 206 among others",
        _RENDERED + "test_the_middle_frame_stands_for_all_unless_strict",
        _RENDERED + "test_what_cannot_be_rendered_is_left_out_and_said",
        strictly="406",
    ),
    _(
        "PS3.4 C.2.2.1.2",
        "A required key that is empty in the archive",
        "is matched by no value",
        _QIDO + "test_an_empty_required_key_matches_anything_by_the_letter",
        "dimse_bridge/test_finding.py::"
        "test_an_empty_required_key_is_matched_by_anything_by_the_letter",
        strictly="is matched by anything, through both doors",
    ),
    _(
        "10.4.4",
        "Metadata as parts of JSON",
        "a part an instance, each an array of one object",
        "web/test_metadata.py::test_json_in_parts_is_an_array_of_one_each",
    ),
    _(
        "10.1.1",
        "A list of frames that does not ascend; one of which some are not there",
        "answered in its order; 404",
        "web/test_retrieve.py::test_frames_that_are_not_there_are_refused",
        "web/test_clients.py::test_frames_out_of_order_are_answered_as_asked",
        "web/test_clients.py::test_by_the_letter_frames_are_asked_in_ascending_order",
        strictly="400; 404",
    ),
    _(
        "8.3.5.1.1",
        "An annotation that is a keyword, but none of ours; one that is no keyword",
        "passed over with a Warning; 400",
        "annotation-unknown",
        _RENDERED + "test_annotation_is_burned_in",
    ),
    _(
        "8.7.2, 9.3",
        "WADO-URI without a content type",
        "a JPEG, of several frames the middle one; of documents HTML",
        _URI + "test_without_a_content_type_it_is_a_jpeg",
        _URI + "test_several_frames_are_one_picture",
        "uri-report-default",
    ),
    _(
        "9.4.2.3",
        "`anonymize=yes`",
        "501: it is not passed over",
        "web/test_wado_uri.py::test_it_will_not_pretend_to_de_identify",
    ),
    _(
        "F.2.3",
        "Numbers that JSON does not have",
        "a BulkDataURI; strings such as `NaN` are taken",
        "schemas/test_dicom_json.py::test_a_number_that_is_none_in_json_is_bulk",
        "schemas/test_data_set.py::test_numbers_json_does_not_have_may_be_strings",
    ),
    _(
        "8.7.3.2",
        "`application/json`",
        "taken as `application/dicom+json`",
        _NEGOTIATION + "test_a_lenient_server_understands_more",
        "answer-json-type",
        strictly="406",
    ),
    _(
        "8.3.4.3, 10.6.3.3",
        "`includefield=all`",
        "all that is indexed at the levels of the answer, and no bulk data",
        _QIDO + "test_fields_that_are_asked_for",
        "include-all",
    ),
    _(
        "8.4.2, 8.6.1.2",
        "Content-Location",
        "absolute",
        "web/test_retrieve.py::test_an_instance_may_be_the_whole_payload",
    ),
    _(
        "8.5, 10.4.3",
        "413 on Retrieve",
        "only for a picture; all else is streamed, whatever its size",
        _RENDERED + "test_a_picture_too_large_is_refused",
        "test_memory.py::test_a_study_waits_for_a_slow_client",
    ),
    _(
        "",
        "Leniency",
        "all that clients are known to need, with one switch for it, `strict`",
        _RULES + "test_what_hospitals_have_is_stored_as_it_was_sent",
        _RULES + "test_the_letter_refuses_what_it_has_to",
        strictly="none",
    ),
)
