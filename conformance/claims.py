"""What the conformance statement says in sentences, each with what proves it of a running server.

A proof is a test, as `web/test_search.py::test_pages_make_up_the_whole_without_overlap` below
`tests/`, or the id of a case of the suite, which our own server passes.  A sentence or table that
has none, or one that is not there, fails `tests/conformance/test_claims.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.charset import python_encoding

from dicomweb.pixels.films import FILM
from dicomweb.web.requests import PREFIX
from schemas.attributes import PAIRS


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence, or two that say nothing apart."""

    says: str
    proofs: tuple[str, ...]


def _(says: str, *proofs: str) -> Claim:
    return Claim(says, proofs)


Bullet = tuple[Claim, ...]
Claims = tuple[Claim, ...] | tuple[Bullet, ...]
"""A paragraph, or a list."""

_DOCS = "test_docs.py::"
_DOORS = "test_doors.py::"
_STATED = "conformance/test_statement.py::"
_CLASSES = _STATED + "test_every_sop_class_that_is_stated_is_accepted"
_TAKEN = _STATED + "test_every_transfer_syntax_that_is_stated_is_accepted_for_storing"

_ASSOCIATION = "dimse_bridge/test_association.py::"
_COMMITTING = "dimse_bridge/test_committing.py::"
_FINDING = "dimse_bridge/test_finding.py::"
_MOVING = "dimse_bridge/test_retrieving.py::"
_STORING = "dimse_bridge/test_storing.py::"
_TLS = "dimse_bridge/test_tls.py::"

_CAPABILITIES = "web/test_capabilities.py::"
_COLLECTIONS = "web/test_collections.py::"
_DELETION = "web/test_deletion.py::"
_DOCUMENTS = "web/test_documents.py::"
_FILMS = "web/test_films.py::"
_FORWARDED = "web/test_forwarded.py::"
_PRESENTATION = "web/test_presentation.py::"
_QIDO = "web/test_qido.py::"
_RENDERED = "web/test_rendered.py::"
_SEARCH = "web/test_search.py::"
_SLIDES = "web/test_slides.py::"
_STORE = "web/test_store.py::"
_METADATA = "web/test_store_metadata.py::"
_PROVOKED = "conformance/test_reasons.py::"
_RULES = "web/test_store_rules.py::"
_TRANSCODING = "web/test_transcoding.py::"
_UNDERLAY = "web/test_underlay.py::"
_URI = "web/test_uri_rendering.py::"
_VIDEOS = "web/test_rendered_videos.py::"

INTRODUCTION = (
    _(
        "Written by `python -m conformance.statement` from the tables that the code runs on, in "
        "the order of PS3.2 Annex N; the server gives it as a page at `/conformance`.",
        _DOCS + "test_the_statement_is_what_the_tables_say",
        _DOCS + "test_the_statement_has_the_sections_of_the_template",
        _DOCS + "test_the_server_gives_the_statement_as_a_page",
    ),
    _(
        "Each sentence and each table of it names, in `conformance/claims.py`, the tests that "
        "hold it true of the running server.",
        "conformance/test_claims.py::test_nothing_is_said_that_no_claim_says",
        "conformance/test_claims.py::test_what_proves_a_claim_is_there",
    ),
    _(
        "A section of the template that is missing here claims nothing.",
        "conformance/test_claims.py::test_nothing_is_said_that_no_claim_says",
    ),
)

OVERVIEW = (
    _(
        "An archive: it keeps composite instances, finds them and gives them back, over the web "
        "and over associations alike.",
        _DOORS + "test_objects_are_the_same_byte_for_byte_through_both_doors",
    ),
    _(
        "Both doors have one index, one matching and one retrieval behind them.",
        _DOORS + "test_two_hundred_questions_have_the_same_answers_through_both_doors",
        "parity-same-values",
    ),
)

STORAGE_ROLES = (
    _(
        "And storage, as SCP, and as SCU of C-MOVE and C-GET, of the SOP classes of N.5.2.2.",
        _STORING + "test_an_object_of_every_storage_sop_class_is_taken",
        _MOVING + "test_a_study_is_moved_to_a_third_device",
        _MOVING + "test_a_study_comes_back_over_the_same_association",
    ),
)

MEDIA = (
    _(
        "No media application profile is claimed.",
        "conformance/test_claims.py::test_nothing_is_said_that_no_claim_says",
    ),
    _(
        "`dicomweb store` reads file-sets by their DICOMDIR.",
        "test_cli.py::test_a_file_set_is_stored_by_its_dicomdir",
    ),
    _(
        "A zip archive of a study can be a file-set with a DICOMDIR.",
        _COLLECTIONS + "test_a_zip_archive_can_be_a_file_set",
        _COLLECTIONS + "test_dcmtk_reads_the_directory",
    ),
)

MODEL = (
    _(
        "One application entity, with the AE title of the setting `ae_title`, and one origin "
        "server of the web services.",
        "dimse_bridge/test_commands.py::test_serve_opens_both_doors",
        "dimse_bridge/test_commands.py::test_an_archive_calls_itself_by_its_title",
        _ASSOCIATION + "test_who_calls_another_is_rejected",
    ),
    _(
        "What either takes in is durable, and found by both, before it is acknowledged.",
        "test_durability.py::test_kill_nine_loses_nothing_and_leaves_nothing_behind",
        _STORING + "test_an_object_can_be_found_when_success_is_said",
        _FINDING + "test_stow_and_c_store_are_found_through_both_doors",
    ),
)

KEPT = (
    _(
        "Every object is kept byte for byte as it was sent.",
        _RULES + "test_the_file_on_disk_is_the_file_that_was_sent",
        _STORING + "test_an_object_in_every_transfer_syntax_is_taken_as_it_is",
    ),
    _(
        "A private transfer syntax is stored and given as it is.",
        _RULES + "test_what_hospitals_have_is_stored_as_it_was_sent",
    ),
)

TRANSCODING = (
    _(
        "What is decoded can be had in whatever is encoded, if its pixels fit it: an instance, a "
        "frame, a study with each instance in the best of what is acceptable; where they do not "
        "fit, 406 says why.",
        _STATED + "test_what_is_stated_as_decoded_is_and_nothing_else",
        _STATED + "test_what_is_stated_as_encoded_is_and_nothing_else",
        _TRANSCODING + "test_the_better_of_two_syntaxes",
        _TRANSCODING + "test_what_cannot_be_had_is_refused_with_the_reason",
        _COLLECTIONS + "test_each_part_is_negotiated_by_itself",
    ),
    _(
        "Without a transfer syntax in the request that is Explicit VR Little Endian, except of "
        "what cannot be decoded or is too long for it (PS3.18 8.7.3.4).",
        _TRANSCODING + "test_who_asks_for_no_syntax_gets_explicit_little_endian",
        _TRANSCODING + "test_pixels_that_cannot_be_decoded_can_be_had_as_they_are",
        _TRANSCODING + "test_pixels_too_long_for_explicit_little_endian_stay_compressed",
    ),
    _(
        "What is stored comes first where any syntax will do (`transfer-syntax=*`).",
        _TRANSCODING + "test_any_syntax_is_the_stored_one",
    ),
    _(
        "That is so of Implicit VR Little Endian and Explicit VR Big Endian too, which PS3.18 "
        "8.7.3.1 has never travel over the web: clients that ask for anything want no work done, "
        "and the bytes that were stored.",
        _STATED + "test_implicit_vr_goes_out_as_it_is_where_anything_will_do",
        "conformance/test_suite.py::test_our_server_fails_nothing_but_what_is_known",
    ),
    _(
        "In strict mode they are given in Explicit VR Little Endian.",
        "web/test_retrieve.py::test_by_the_letter_implicit_vr_never_travels",
        "syntax-by-dimse-any",
    ),
    _(
        "What loses something has to be named, is never made of what has lost something already, "
        "and is a derived object: a SOP Instance UID of its own (the same every time), Image Type "
        "DERIVED, Lossy Image Compression with ratio and method, the source and the derivation.",
        _TRANSCODING + "test_nothing_is_lost_unless_it_is_asked_for_by_name",
        _TRANSCODING + "test_what_loses_something_is_another_object",
        _TRANSCODING + "test_a_history_of_loss_grows",
        "pixels/test_encoding.py::test_nothing_is_lost_twice",
    ),
    _(
        "Colours of JPEG become RGB, those of JPEG 2000 and HTJ2K go through its transform and "
        "back; all else keeps its Photometric Interpretation, and unused bits of pixel cells are "
        "kept.",
        "pixels/test_encoding.py::test_photometric_interpretation_follows_the_codestream",
        "pixels/test_encoding.py::test_lossless_means_every_bit",
        "pixels/test_decoding.py::test_overlays_in_unused_bits_are_kept_and_can_be_taken_away",
    ),
    _(
        "Lossy JPEG 2000 and HTJ2K are made for 50 dB of the range of values, JPEG has quality 90.",
        "pixels/test_encoding.py::test_lossy_means_close",
    ),
)

MISSPELT = {"ISO 2022 58", "ISO 2022 GBK"}
"""Known to pydicom, and read as what they mean, but no defined terms (PS3.3 C.12.1.1.2)."""
TERMS = sorted(filter(None, python_encoding.keys() - MISSPELT))
_TERMS = ", ".join(f"`{term}`" for term in TERMS)

CHARACTER_SETS = (
    _(
        f"Read, and converted to UTF-8 for the web: {_TERMS}, with code extensions where the term "
        "says so.",
        _STATED + "test_every_character_set_that_is_stated_is_read",
        _QIDO + "test_names_in_every_character_set_come_back_and_are_found",
    ),
    _(
        "What a character set does not have becomes U+FFFD in answers, and stays as it is in what "
        "is stored.",
        "schemas/test_dicom_json.py::test_what_cannot_be_decoded_is_replaced",
        _RULES + "test_the_file_on_disk_is_the_file_that_was_sent",
    ),
)


ASSOCIATIONS = (
    (
        _(
            "Up to 128 presentation contexts; of the transfer syntaxes of a storage context the "
            "first is chosen that is known, Explicit VR Big Endian and Implicit VR Little Endian "
            "last; of the others Explicit VR Little Endian before Implicit.",
            _ASSOCIATION + "test_128_contexts_are_answered",
            _ASSOCIATION + "test_the_sender_chooses_the_syntax_but_explicit_goes_before_implicit",
            _ASSOCIATION + "test_implicit_little_endian_alone_is_enough",
        ),
        _(
            "A private SOP class, and one of the standard's range that is newer than this table, "
            "is taken for storage; in strict mode only with SOP Class Common Extended Negotiation.",
            _ASSOCIATION + "test_a_private_sop_class_is_storage_when_it_says_so",
            _STATED + "test_a_storage_class_newer_than_the_table_is_taken",
        ),
    ),
    (
        _(
            "Roles are granted as proposed: that of SCP for storage SOP classes, which C-GET "
            "needs.",
            _ASSOCIATION + "test_roles_are_granted_as_proposed_and_never_more",
        ),
    ),
    (
        _(
            "The asynchronous operations window is answered with 1/1.",
            _ASSOCIATION + "test_one_operation_at_a_time_is_what_is_negotiated",
        ),
        _(
            "Maximum Length is that of `data_bytes_max` in N.7.1.",
            _ASSOCIATION + "test_the_maximum_length_is_told_and_kept_to",
        ),
    ),
    (
        _(
            "User identity: user name and passcode, where credentials are set.",
            _ASSOCIATION + "test_a_user_with_the_right_password_may_come",
            _ASSOCIATION + "test_no_other_user_may",
        ),
        _(
            "Without credentials nobody is checked.",
            _ASSOCIATION + "test_without_credentials_nobody_is_checked",
        ),
    ),
    (
        _(
            "Extended negotiation: of C-FIND relational queries, combined date-time matching, "
            "fuzzy matching of names, timezone adjustment, empty and multiple value matching; of "
            "C-MOVE and C-GET relational retrieval; of storage level 2, no coercion, signatures "
            "kept bit for bit.",
            _ASSOCIATION + "test_extended_negotiation_says_what_both_can_do",
            _FINDING + "test_a_relational_query_has_keys_of_any_level",
            _FINDING + "test_date_and_time_are_one_range_only_when_negotiated",
            _FINDING + "test_names_are_found_by_their_sound_only_when_negotiated",
            _FINDING + "test_the_zone_of_the_question_counts_only_when_negotiated",
            _FINDING + "test_empty_and_several_values_are_matched_only_when_negotiated",
            _MOVING + "test_relational_retrieval_needs_no_keys_above",
        ),
    ),
    (
        _(
            "C-STORE coerces nothing and gives B000 never.",
            _STORING + "test_nothing_is_coerced_and_none_is_said_to_be",
        ),
        _(
            "Lossy Image Compression stays as it was sent.",
            _STORING + "test_lossy_flags_stay_as_they_were_sent",
        ),
    ),
    (
        _(
            "C-FIND without a level that the SOP class has, without a unique key above, or with a "
            "value that a VR does not allow is A900.",
            _FINDING + "test_what_the_sop_class_does_not_allow_is_refused",
            _FINDING + "test_a_value_that_its_vr_has_not_is_refused",
        ),
        _(
            "A key that is not supported makes the pending status FF01.",
            _FINDING + "test_a_key_that_is_not_supported_is_told",
        ),
        _(
            "Answers are in ASCII where they can be, else in the character set of the question, "
            "ISO_IR 100 or ISO_IR 192.",
            _FINDING + "test_an_answer_is_in_the_smallest_set_that_has_it",
        ),
    ),
    (
        _(
            "C-MOVE and C-GET send a pending response after the first sub-operation, then ten a "
            "second at most while there is progress, and the list of what failed with the last.",
            _MOVING + "test_a_requester_hears_of_a_long_move_again_and_again",
            "c-move-pending",
            "c-get-pending",
            "c-move-failed-list",
            _MOVING + "test_what_has_no_context_fails_and_the_rest_comes",
        ),
        _(
            "All failed is A702; an unknown destination A801.",
            _MOVING + "test_a_destination_that_does_not_listen_has_all_failed",
            _MOVING + "test_an_unknown_destination_is_refused",
        ),
    ),
    (
        _(
            "Storage commitment is reported on the association of the request while that is open, "
            "else on a new one, on which we propose the role of SCP.",
            _COMMITTING + "test_what_is_stored_is_committed",
            _COMMITTING + "test_a_requester_that_releases_at_once_is_called",
        ),
        _(
            "A report that does not arrive is sent again, and given up in the end.",
            _COMMITTING + "test_a_report_that_does_not_arrive_is_tried_again_by_the_next_process",
            _COMMITTING + "test_a_report_that_is_refused_is_tried_again",
            _COMMITTING + "test_a_report_is_given_up_in_the_end",
        ),
    ),
)
"""What PS3.2 has us document of associations and services."""

ONE_MATCHING = (
    _(
        "C-FIND matches what the search of N.5.3.3 matches, by the same index.",
        _DOORS + "test_two_hundred_questions_have_the_same_answers_through_both_doors",
        _FINDING + "test_every_key_of_a_study_is_matched_and_returned",
    ),
)

RESOURCES = (
    _(
        f"All below `{PREFIX}`; HEAD wherever there is GET, OPTIONS everywhere.",
        _STATED + "test_every_resource_that_is_stated_is_there",
        _STATED + "test_head_is_there_wherever_get_is_and_options_everywhere",
    ),
    _(
        "`DELETE` is there with the setting `allow_delete`.",
        _DELETION + "test_without_leave_there_is_no_such_method",
        _DELETION + "test_what_is_deleted_is_gone",
    ),
)

BESIDE = (
    _(
        "Beside it:",
        _STATED + "test_every_resource_that_is_stated_is_there",
    ),
)

STORING = (
    (
        _(
            "Taken are `application/dicom`, one or several in `multipart/related`, and metadata in "
            "`application/dicom+json` or `application/dicom+xml` with bulk data and images, "
            "videos and documents as parts of their own media type.",
            _STORE + "test_a_single_instance_may_be_the_whole_body",
            _STORE + "test_instances_of_several_studies_are_stored_in_one_request",
            _METADATA + "test_metadata_of_two_instances_with_their_pixels",
            _METADATA + "test_metadata_as_xml_one_part_an_instance",
            _METADATA + "test_a_compressed_image_is_stored_unchanged_and_described",
            _METADATA + "test_a_video_is_one_part",
            _METADATA + "test_a_document_travels_as_its_own_media_type",
        ),
    ),
    (
        _(
            "Every SOP class is taken, but for a DICOMDIR; in strict mode those of N.5.2.2, newer "
            "ones of their range and private ones, and any other is refused with 0122.",
            _RULES + "test_what_hospitals_have_is_stored_as_it_was_sent",
            _RULES + "test_what_is_no_composite_instance_is_refused_as_its_class_is",
            _RULES + "test_the_letter_refuses_what_it_has_to",
            "store-no-storage-class",
            "store-private-class",
        ),
    ),
    (
        _(
            "Each instance is stored or refused by itself.",
            _METADATA + "test_one_bad_data_set_does_not_harm_the_others",
            "store-good-bad-good",
        ),
        _(
            "The same bytes again are a success and change nothing; other content under a known "
            "SOP Instance UID is refused with 0111, or replaces it with PUT, or where the setting "
            "`duplicates` says so.",
            _STORE + "test_the_same_bytes_again_change_nothing",
            _STORE + "test_other_content_under_a_known_uid_is_refused",
            _RULES + "test_put_creates_and_replaces",
            "web/test_races.py::test_other_content_replaces_what_was_there",
        ),
    ),
    (
        _(
            "What came as Part 10 files is never coerced.",
            _RULES + "test_the_file_on_disk_is_the_file_that_was_sent",
        ),
        _(
            "What is composed of metadata is, where its image contradicts it: a warning B000, and "
            "Original Attributes Sequence tells what was there.",
            _METADATA + "test_what_is_coerced_is_told_in_the_object_and_in_the_answer",
        ),
        _(
            "Text in metadata is stored in ISO_IR 192.",
            "schemas/test_data_set.py::test_another_character_set_becomes_utf_8",
            "schemas/test_data_set.py::test_text_beyond_ascii_is_utf_8_and_says_so",
        ),
    ),
    (
        _(
            "The codes of N.7.3.1 that PS3.18 Annex I does not name are our own.",
            _RULES + "test_the_codes_of_the_answer_are_in_the_statement",
            _RULES + "test_every_reason_comes_with_a_sentence",
        ),
    ),
)
"""What PS3.18 10.5.5 has us document."""

PATIENTS = (
    _(
        "Patient attributes are matching keys at every level; a study's answer describes its "
        "patient too.",
        _QIDO + "test_what_is_asked_is_found",
        _SEARCH + "test_an_answer_holds_what_the_tables_require",
    ),
)

_PAIRS = ", ".join(f"{date} and {time}" for date, time in PAIRS)

SEARCHING = (
    (
        _(
            "The server is native: hierarchical and relational searches are answered from its own "
            "index, and by both doors alike.",
            _SEARCH + "test_each_search_resource_finds_what_is_below_it",
            _DOORS + "test_two_hundred_questions_have_the_same_answers_through_both_doors",
        ),
        _(
            "One answer holds `search_limit` results at most, the rest by `offset`.",
            _STATED + "test_an_answer_holds_as_many_results_as_the_setting_says",
            _SEARCH + "test_pages_make_up_the_whole_without_overlap",
        ),
    ),
    (
        _(
            "Any other attribute can be a key or be included, private ones with their creator.",
            _QIDO + "test_what_is_asked_is_found",
            _QIDO + "test_fields_that_are_asked_for",
        ),
        _(
            "One that no row above declares is matched in the stored metadata of the first "
            "instance of each patient, study or series, of at most `search_scan` of them, and a "
            "Warning says so; custom attributes are declared with `dicomweb index add`.",
            _QIDO + "test_an_attribute_that_is_not_indexed_is_looked_up_and_that_is_said",
            "engine/test_customs.py::test_the_command_adds_lists_and_removes",
            "engine/test_customs.py::test_a_custom_attribute_is_found_by_index_old_and_new",
        ),
    ),
    (
        _(
            "`fuzzymatching`: a person name is matched literally, or if each word asked for begins "
            "a word of the name or has its key in the Cologne phonetics.",
            _QIDO + "test_what_is_asked_is_found",
            "schemas/test_query.py::test_keys_of_the_table_of_postel",
        ),
        _(
            'Without it, case, width and accents are not told apart, and a name without "=" may '
            "be any component group.",
            "schemas/test_values.py::test_names_are_folded_by_case_width_and_accent",
            "search-name-other-group",
            "search-name-without-accents",
        ),
    ),
    (
        _(
            "`emptyvaluematching` and `multiplevaluematching` are supported.",
            _QIDO + "test_what_is_asked_is_found",
            "search-emptyvaluematching",
            "search-multiplevaluematching",
        ),
        _(
            f"Ranges of a date and its time ({_PAIRS}) are combined.",
            _QIDO + "test_what_is_asked_is_found",
            "search-date-time",
        ),
    ),
    (
        _(
            "`TimezoneOffsetFromUTC` says the zone of dates and date-times of a query, for objects "
            "that tell theirs; a time alone is not shifted, a date-time without any offset is "
            "taken for UTC.",
            _QIDO + "test_the_zone_of_a_query_shifts_what_tells_its_own",
            "schemas/test_query.py::test_a_date_time_covers_what_its_precision_says_in_utc",
            _STATED + "test_a_time_alone_is_not_shifted",
        ),
    ),
    (
        _(
            "An entity without a value for a required key is not matched by one, but in strict "
            "mode.",
            _QIDO + "test_an_empty_required_key_matches_anything_by_the_letter",
        ),
    ),
    (
        _(
            "A key of a level that a resource is not searched by is 400.",
            _QIDO + "test_what_is_asked_is_found",
            _SEARCH + "test_a_malformed_query_is_refused_with_a_sentence",
        ),
        _(
            "A list by backslash means any of its values, with `multiplevaluematching` all; in "
            "attributes of VR CS a comma parts values, too.",
            _QIDO + "test_what_is_asked_is_found",
            _STATED + "test_lists_mean_any_of_their_values",
        ),
    ),
    (
        _(
            'The paging Warning counts up to a bound, and says "at least" beyond it.',
            "engine/test_matching.py::test_a_search_finds_what_the_standard_says",
            _SEARCH + "test_a_page_says_how_many_are_left",
        ),
        _(
            "A search that takes longer than `search_seconds` is 413.",
            "store/test_index.py::test_a_query_that_takes_too_long_is_given_up",
            _SEARCH + "test_a_search_that_takes_too_long_is_413",
        ),
    ),
    (
        _(
            "Additions: `orderby=[-]Attribute,...`, `text/csv`, `/patients`, "
            "`/patients/{PatientID}/studies`.",
            _QIDO + "test_answers_come_in_the_order_asked_for",
            _QIDO + "test_csv_has_a_line_a_result",
            _QIDO + "test_a_patient_has_studies",
        ),
    ),
)
"""What PS3.18 10.6.5 has us document."""

RENDERING = (
    (
        _(
            "One picture is a JPEG unless something else is asked for.",
            _RENDERED + "test_the_default_is_jpeg",
        ),
        _(
            "Several frames are a part each, or one GIF that moves.",
            _RENDERED + "test_an_instance_of_many_frames_is_many_parts",
            _RENDERED + "test_a_moving_picture_is_a_gif",
        ),
        _(
            "An instance of several frames asked for as one still picture gives its middle frame; "
            "in strict mode that is 406.",
            _RENDERED + "test_the_middle_frame_stands_for_all_unless_strict",
        ),
    ),
    (
        _(
            "Without a window in the request, the first of the object is used (of the frame's "
            "functional groups before the top level), else its first VOI LUT; without either, "
            "values of up to eight bits are shown as they are, others from the least to the "
            "largest of the frame.",
            "pixels/test_grayscale.py::test_the_first_window_that_is_one_is_taken",
            "pixels/test_grayscale.py::test_functional_groups_come_before_the_top_level",
            "pixels/test_grayscale.py::test_eight_bits_are_shown_as_they_are",
            "pixels/test_grayscale.py::test_without_a_window_the_frame_decides",
            "pixels/test_grayscale.py::test_a_lut_maps_its_range_and_holds_its_ends",
            "pixels-object-window",
            "pixels-default-window",
        ),
        _(
            "Pixel padding is left out of that and drawn black.",
            "pixels/test_grayscale.py::test_padding_is_background_and_does_not_count",
        ),
    ),
    (
        _(
            "Windows of objects with floating-point pixels are taken for LINEAR_EXACT where they "
            "say LINEAR.",
            _RENDERED + "test_a_window_of_floating_point_pixels_is_exact",
        ),
    ),
    (
        _(
            "What is burned in is written in the fonts that Pillow and the system have, names in "
            "their alphabetic and ideographic groups.",
            "pixels/test_lettering.py::test_letters_of_other_scripts_are_no_boxes",
            "pixels/test_lettering.py::test_a_name_is_written_in_letters_and_in_ideographs",
        ),
    ),
    (
        _(
            "Overlays of the object are drawn in white, those in unused bits of the pixel cells "
            "too; in thumbnails they are not.",
            _RENDERED + "test_a_thumbnail_names_nobody",
            _PRESENTATION + "test_an_overlay_in_the_cells_is_drawn",
            "pixels/test_colour.py::test_an_overlay_lies_where_its_origin_is",
        ),
    ),
    (
        _(
            "`viewport` may have a region that lies partly outside of the image, which is clipped; "
            "one that lies outside altogether is 400.",
            "pixels/test_encode.py::test_what_lies_outside_is_cut_and_nothing_left_is_refused",
            "viewport-outside",
        ),
        _(
            "A side has at most 16384 pixels.",
            _RENDERED + "test_a_picture_too_large_is_refused",
            "viewport-bad-huge",
        ),
    ),
    (
        _(
            "`iccprofile` also takes `displayp3`; without it there is no profile.",
            _RENDERED + "test_a_profile_is_put_in_where_there_is_room",
            "pixels/test_encode.py::test_a_profile_is_in_the_file_and_none_where_none_is_asked",
        ),
        _(
            "Colours without a profile of their own are taken for sRGB.",
            _RENDERED + "test_the_profile_of_the_object_comes_before_the_codestreams",
            "pixels/test_encode.py::test_grey_and_colours_without_a_profile_are_srgb",
        ),
    ),
    (
        _(
            "A whole slide image is one picture, of its total pixel matrix: `viewport` counts in "
            "that matrix, and only the tiles in view are read.",
            _SLIDES + "test_a_slide_is_one_picture_of_its_matrix",
            _SLIDES + "test_a_viewport_counts_in_the_matrix",
            _SLIDES + "test_only_the_tiles_in_view_are_read",
        ),
    ),
    (
        _(
            "In a study or series what cannot be rendered is left out, and the answer is 206.",
            _RENDERED + "test_what_cannot_be_rendered_is_left_out_and_said",
        ),
    ),
    (
        _(
            "The thumbnail of a study or series is the middle frame of the instance in the middle, "
            "by Instance Number, of the first series that holds images; what has no picture is "
            "shown as a placard with its modality.",
            _RENDERED + "test_all_levels_have_a_thumbnail",
            _RENDERED + "test_a_series_of_pictures_is_shown_before_one_of_texts",
        ),
    ),
    (
        _(
            "A presentation state (Grayscale, Color, Pseudo-Color, XA/XRF) is a picture of each "
            "frame it is for.",
            _PRESENTATION + "test_all_images_are_given_in_the_order_of_their_positions",
            _PRESENTATION + "test_a_colour_state_leaves_colours_alone",
            _PRESENTATION + "test_a_pseudo_colour_state_colours_grey_levels",
            _PRESENTATION + "test_real_states_are_shown_as_dcmtk_shows_them",
        ),
        _(
            "Without a window of its own it shows the whole range of the modality LUT.",
            _PRESENTATION + "test_without_a_window_the_whole_range_is_shown",
        ),
        _(
            "Its masks are subtracted (AVG_SUB, TID and REV_TID, with shifts by regions); a "
            "positive shift moves the mask down and to the right.",
            _PRESENTATION + "test_a_mask_is_taken_away",
            _PRESENTATION + "test_a_mask_is_moved_before_it_is_taken_away",
        ),
        _(
            "A compound graphic is shown by the simple ones that are to come with it.",
            _PRESENTATION + "test_a_compound_graphic_is_shown_by_its_simple_ones",
        ),
    ),
    (
        _(
            "Structured reports, key object selections, encapsulated PDF, CDA and models, RT "
            "structure sets and waveforms are HTML, plain text, XML, PDF and pictures: the last "
            "two, and all of structure sets and waveforms, are our addition.",
            _DOCUMENTS + "test_a_report_says_all_that_is_in_it",
            _DOCUMENTS + "test_a_report_is_also_pages",
            _DOCUMENTS + "test_a_key_object_selection_is_a_text",
            _DOCUMENTS + "test_a_pdf_is_given_as_it_is",
            _DOCUMENTS + "test_a_cda_is_read_and_given_as_it_is",
            _DOCUMENTS + "test_a_model_is_a_text_with_a_link",
            _DOCUMENTS + "test_a_structure_set_is_a_list_and_a_drawing",
            _DOCUMENTS + "test_a_waveform_is_plotted",
        ),
        _(
            "Text is UTF-8, or in the character set asked for where it can be.",
            _DOCUMENTS + "test_the_character_set_is_the_one_asked_for",
        ),
        _(
            "What is in it may refer to nothing and run nothing in a browser.",
            _DOCUMENTS + "test_nothing_in_a_report_becomes_markup",
        ),
    ),
    (
        _(
            "A segmentation or dose is shown as it is; with `underlay=yes`, which is our addition, "
            "over the image it was made of: the one it names, or the nearest parallel one of its "
            "frame of reference.",
            _UNDERLAY + "test_a_segmentation_alone_is_its_mask",
            _UNDERLAY + "test_a_segmentation_is_laid_over_its_image",
            _UNDERLAY + "test_a_dose_is_laid_over_the_nearest_slice",
        ),
    ),
    (
        _(
            "WADO-URI gives one picture or text: of an instance of several frames the middle one.",
            _URI + "test_several_frames_are_one_picture",
        ),
        _(
            "`anonymize` is refused with 501.",
            "web/test_wado_uri.py::test_it_will_not_pretend_to_de_identify",
        ),
    ),
    (
        _(
            "A stored video is given as it is, MPEG-4 where it is an MP4 file.",
            _VIDEOS + "test_a_video_is_given_as_it_is_stored",
            _VIDEOS + "test_a_transport_stream_is_no_mp4",
        ),
        _(
            "It is not encoded anew.",
            _VIDEOS + "test_what_only_an_encoder_could_do_is_not_acceptable",
        ),
    ),
    (
        _(
            "The program ffmpeg, where it is installed (setting `ffmpeg`), makes MP4 of frames of "
            f"images, up to {FILM.frames_max} of them, and pictures of frames of stored videos.",
            _FILMS + "test_cine_is_an_mp4",
            _FILMS + "test_frames_of_a_video_are_pictures",
        ),
        _(
            "A video asked for as one still picture, or as a thumbnail, is what is seen after a "
            "second; in strict mode only thumbnails and frames are.",
            _FILMS + "test_a_video_is_one_picture_unless_strict",
        ),
        _(
            "Without the program films of images are 406, and so are pictures of videos, whose "
            "thumbnail is a placard.",
            _FILMS + "test_without_ffmpeg_there_is_no_film",
            _VIDEOS + "test_the_thumbnail_of_a_video_is_a_placard",
        ),
    ),
    (
        _(
            "Volume rendering is not offered.",
            _RENDERED + "test_volume_rendering_is_not_offered",
        ),
    ),
)
"""What PS3.18 10.4.5 has us document."""

CONFIGURATION = (
    _(
        f"The base URI of the web services is `http://host:port{PREFIX}`, that of WADO-URI "
        "`http://host:port/wado`, unless `public_url` or a trusted proxy says otherwise.",
        _STATED + "test_every_resource_that_is_stated_is_there",
        _STATED + "test_the_public_url_is_the_base_of_every_url",
        _FORWARDED + "test_behind_a_proxy_every_url_is_the_clients",
    ),
)

LIMITS = (
    _(
        "What an association may take:",
        _ASSOCIATION + "test_associations_have_a_limit_in_total_and_for_a_peer",
        _ASSOCIATION + "test_a_silent_connection_is_closed",
        _ASSOCIATION + "test_an_idle_association_is_aborted",
    ),
)

REASONS = (
    _(
        "Failure Reason (0008,1197) and Warning Reason (0008,1196) of Store, and the status of the "
        "whole request when nothing was stored.",
        _RULES + "test_the_codes_of_the_answer_are_in_the_statement",
        _STORING + "test_a_fault_has_the_same_code_through_both_doors",
    ),
)

SECURITY = (
    _(
        "DICOMweb and DIMSE listen on ports of their own, DIMSE over TLS on one more (PS3.15 B.9).",
        "test_settings.py::test_what_is_wrong_is_named",
        "dimse_bridge/test_commands.py::test_serve_opens_both_doors",
        _TLS + "test_who_speaks_in_the_clear_is_not_heard",
    ),
    _(
        "TLS of associations is that of BCP 195: version 1.2 and newer, forward secrecy, "
        "authenticated encryption.",
        _TLS + "test_the_profile_is_that_of_bcp_195",
        _TLS + "test_dcmtk_echoes_over_tls",
    ),
    _(
        "With `tls_authorities` a peer has to show a certificate of them, and so does a "
        "destination.",
        _TLS + "test_who_has_no_certificate_of_the_authority_is_sent_away",
        _TLS + "test_we_do_not_talk_to_a_peer_whose_authority_we_do_not_know",
    ),
    _(
        "What is tampered with on the way ends the connection.",
        _TLS + "test_bytes_that_were_tampered_with_end_the_connection",
    ),
    _(
        "The web services are plain HTTP without authentication: TLS and users are a proxy's, and "
        "the server listens on loopback unless `open_to_network` is set.",
        "test_settings.py::test_what_is_wrong_is_named",
        _FORWARDED + "test_what_a_trusted_proxy_says_counts",
    ),
    _(
        "No patient data are written to the log at its default level.",
        "test_cli.py::test_nothing_of_a_patient_is_in_the_log",
    ),
    _(
        "No audit trail, de-identification or digital signature profile is claimed; signatures "
        "that objects have are kept as they are.",
        "web/test_wado_uri.py::test_it_will_not_pretend_to_de_identify",
        _STATED + "test_a_signature_is_kept_as_it_is",
    ),
)

ANNEXES = (
    _(
        "No private attributes, SOP classes or transfer syntaxes are defined by this server.",
        _STATED + "test_what_the_server_makes_has_nothing_private",
    ),
)

CHOICES = (
    _(
        "Clauses are of PS3.18 unless they say otherwise; by default every leniency is on that "
        "clients are known to need, and the setting `strict` turns all of them off.",
        _RULES + "test_what_hospitals_have_is_stored_as_it_was_sent",
        _RULES + "test_the_letter_refuses_what_it_has_to",
    ),
)

PROSE: dict[str, Claims] = {
    "introduction": INTRODUCTION,
    "overview": OVERVIEW,
    "storage roles": STORAGE_ROLES,
    "media": MEDIA,
    "model": MODEL,
    "kept": KEPT,
    "transcoding": TRANSCODING,
    "character sets": CHARACTER_SETS,
    "associations": ASSOCIATIONS,
    "one matching": ONE_MATCHING,
    "resources": RESOURCES,
    "beside": BESIDE,
    "storing": STORING,
    "patients": PATIENTS,
    "searching": SEARCHING,
    "rendering": RENDERING,
    "configuration": CONFIGURATION,
    "limits": LIMITS,
    "reasons": REASONS,
    "security": SECURITY,
    "annexes": ANNEXES,
    "rulings": CHOICES,
}

TABLES: dict[str, tuple[str, ...]] = {
    "rulings": ("conformance/test_claims.py::test_every_choice_is_proven_and_stated",),
    "services": (_CLASSES, "dimse_bridge/test_commands.py::test_peers_are_listed_and_tried"),
    "storage": (_CLASSES, _STORING + "test_an_object_of_every_storage_sop_class_is_taken"),
    "web services": (
        _CAPABILITIES + "test_every_transaction_is_of_a_kind_whose_statuses_have_a_meaning",
        _CAPABILITIES + "test_the_service_root_describes_every_transaction_in_wadl",
    ),
    "syntaxes": (
        _TAKEN,
        _STATED + "test_what_is_stated_as_decoded_is_and_nothing_else",
        _STATED + "test_what_is_stated_as_encoded_is_and_nothing_else",
    ),
    "routes": (_STATED + "test_every_resource_that_is_stated_is_there",),
    "beside": (_STATED + "test_every_resource_that_is_stated_is_there",),
    "parameters": (_STATED + "test_every_parameter_that_is_stated_is_heeded",),
    "attributes": (
        _QIDO + "test_each_declared_key_finds_and_does_not_find",
        _STATED + "test_every_attribute_is_in_the_answers_that_are_stated",
    ),
    "formats": (
        _STATED + "test_a_format_is_as_it_is_stated",
        "pixels/test_encode.py::test_a_side_longer_than_the_format_takes_is_refused",
    ),
    "settings": (
        _DOCS + "test_every_setting_has_help_and_is_documented",
        "test_settings.py::test_the_table_has_every_setting_with_its_value_origin_and_help",
    ),
    "association limits": (
        _ASSOCIATION + "test_associations_have_a_limit_in_total_and_for_a_peer",
        _ASSOCIATION + "test_the_maximum_length_is_told_and_kept_to",
    ),
    "reasons": (
        _PROVOKED + "test_a_store_fails_or_warns_for_the_reason",
        _PROVOKED + "test_a_request_fails_for_the_reason",
        _PROVOKED + "test_every_reason_that_is_stated_is_provoked_here",
    ),
    "statuses": (
        _PROVOKED + "test_a_message_is_answered_with_the_status",
        _PROVOKED + "test_every_reason_that_is_stated_is_provoked_here",
    ),
    "web statuses": (
        _CAPABILITIES + "test_no_request_finds_an_error_or_a_status_that_is_not_described",
        "conformance/test_claims.py::test_every_status_that_is_stated_is_given_in_a_test",
    ),
    "security": (
        _ASSOCIATION + "test_a_user_with_the_right_password_may_come",
        _ASSOCIATION + "test_only_peers_may_call_when_that_is_set",
        "web/test_cors.py::test_only_the_origins_named_are_let_in",
        _FORWARDED + "test_nobody_else_is_believed",
        _TLS + "test_without_authorities_anybody_may_come_over_tls",
    ),
}
"""What proves each table, row by row."""

STATUSES: dict[int, str] = {
    200: _SEARCH + "test_search_for_studies",
    202: "store-good-bad-good",
    204: _SEARCH + "test_no_more_is_a_204_without_a_body",
    206: _RENDERED + "test_what_cannot_be_rendered_is_left_out_and_said",
    304: _CAPABILITIES + "test_a_description_that_is_known_is_not_sent_again",
    400: _SEARCH + "test_a_malformed_query_is_refused_with_a_sentence",
    404: "web/test_wado_uri.py::test_what_is_not_there_is_404_and_what_was_is_410",
    405: "method-not-allowed",
    406: _RENDERED + "test_what_there_is_not_is_not_acceptable",
    408: "test_store_limits.py::test_a_client_that_stops_sending_is_given_up",
    409: "store-in-other-study",
    410: "web/test_wado_uri.py::test_what_is_not_there_is_404_and_what_was_is_410",
    412: _DELETION + "test_a_client_may_delete_only_what_it_has_seen",
    413: _RENDERED + "test_a_picture_too_large_is_refused",
    415: _RULES + "test_another_encoding_is_refused",
    416: "web/test_conditions.py::test_a_single_value_can_be_had_in_ranges",
    500: _RENDERED + "test_broken_pixels_are_an_error_and_never_a_blank_picture",
    501: "web/test_wado_uri.py::test_it_will_not_pretend_to_de_identify",
    503: "engine/test_picture_cache.py::test_too_much_that_waits_is_refused",
    507: "test_store_limits.py::test_a_full_disk_is_told_and_nothing_half_stored_is_left",
}
"""What shows each status of HTTP."""
