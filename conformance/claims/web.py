"""What the statement says of the web services but for rendering: resources, storing, searching."""

from __future__ import annotations

from conformance.claims.claim import claim as _
from conformance.claims.proofs import DELETION, DOORS, METADATA, QIDO, RULES, SEARCH, STATED, STORE
from dicomweb.web.requests import PREFIX
from schemas.attributes import PAIRS

RESOURCES = (
    _(
        f"All below `{PREFIX}`; HEAD wherever there is GET, OPTIONS everywhere.",
        STATED + "test_every_resource_that_is_stated_is_there",
        STATED + "test_head_is_there_wherever_get_is_and_options_everywhere",
    ),
    _(
        "`DELETE` is there with the setting `allow_delete`.",
        DELETION + "test_without_leave_there_is_no_such_method",
        DELETION + "test_what_is_deleted_is_gone",
    ),
)

BESIDE = (
    _(
        "Beside it:",
        STATED + "test_every_resource_that_is_stated_is_there",
    ),
)

STORING = (
    (
        _(
            "Taken are `application/dicom`, one or several in `multipart/related`, and metadata in "
            "`application/dicom+json` or `application/dicom+xml` with bulk data and images, "
            "videos and documents as parts of their own media type.",
            STORE + "test_a_single_instance_may_be_the_whole_body",
            STORE + "test_instances_of_several_studies_are_stored_in_one_request",
            METADATA + "test_metadata_of_two_instances_with_their_pixels",
            METADATA + "test_metadata_as_xml_one_part_an_instance",
            METADATA + "test_a_compressed_image_is_stored_unchanged_and_described",
            METADATA + "test_a_video_is_one_part",
            METADATA + "test_a_document_travels_as_its_own_media_type",
        ),
    ),
    (
        _(
            "Every SOP class is taken, but for a DICOMDIR; in strict mode those of N.5.2.2, newer "
            "ones of their range and private ones, and any other is refused with 0122.",
            RULES + "test_what_hospitals_have_is_stored_as_it_was_sent",
            RULES + "test_what_is_no_composite_instance_is_refused_as_its_class_is",
            RULES + "test_the_letter_refuses_what_it_has_to",
            "store-no-storage-class",
            "store-private-class",
        ),
    ),
    (
        _(
            "Each instance is stored or refused by itself.",
            METADATA + "test_one_bad_data_set_does_not_harm_the_others",
            "store-good-bad-good",
        ),
        _(
            "The same bytes again are a success and change nothing; other content under a known "
            "SOP Instance UID is refused with 0111, or replaces it with PUT, or where the setting "
            "`duplicates` says so.",
            STORE + "test_the_same_bytes_again_change_nothing",
            STORE + "test_other_content_under_a_known_uid_is_refused",
            RULES + "test_put_creates_and_replaces",
            "web/test_races.py::test_other_content_replaces_what_was_there",
        ),
    ),
    (
        _(
            "What came as Part 10 files is never coerced.",
            RULES + "test_the_file_on_disk_is_the_file_that_was_sent",
        ),
        _(
            "What is composed of metadata is, where its image contradicts it: a warning B000, and "
            "Original Attributes Sequence tells what was there.",
            METADATA + "test_what_is_coerced_is_told_in_the_object_and_in_the_answer",
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
            RULES + "test_the_codes_of_the_answer_are_in_the_statement",
            RULES + "test_every_reason_comes_with_a_sentence",
        ),
    ),
)
"""What PS3.18 10.5.5 has us document."""

PATIENTS = (
    _(
        "Patient attributes are matching keys at every level; a study's answer describes its "
        "patient too.",
        QIDO + "test_what_is_asked_is_found",
        SEARCH + "test_an_answer_holds_what_the_tables_require",
    ),
)

_PAIRS = ", ".join(f"{date} and {time}" for date, time in PAIRS)

SEARCHING = (
    (
        _(
            "The server is native: hierarchical and relational searches are answered from its own "
            "index, and by both doors alike.",
            SEARCH + "test_each_search_resource_finds_what_is_below_it",
            DOORS + "test_two_hundred_questions_have_the_same_answers_through_both_doors",
        ),
        _(
            "One answer holds `search_limit` results at most, the rest by `offset`.",
            STATED + "test_an_answer_holds_as_many_results_as_the_setting_says",
            SEARCH + "test_pages_make_up_the_whole_without_overlap",
        ),
    ),
    (
        _(
            "Any other attribute can be a key or be included, private ones with their creator.",
            QIDO + "test_what_is_asked_is_found",
            QIDO + "test_fields_that_are_asked_for",
        ),
        _(
            "One that no row above declares is matched in the stored metadata of the first "
            "instance of each patient, study or series, of at most `search_scan` of them, and a "
            "Warning says so; custom attributes are declared with `dicomweb index add`.",
            QIDO + "test_an_attribute_that_is_not_indexed_is_looked_up_and_that_is_said",
            "engine/test_customs.py::test_the_command_adds_lists_and_removes",
            "engine/test_customs.py::test_a_custom_attribute_is_found_by_index_old_and_new",
        ),
    ),
    (
        _(
            "`fuzzymatching`: a person name is matched literally, or if each word asked for begins "
            "a word of the name or has its key in the Cologne phonetics.",
            QIDO + "test_what_is_asked_is_found",
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
            QIDO + "test_what_is_asked_is_found",
            "search-emptyvaluematching",
            "search-multiplevaluematching",
        ),
        _(
            f"Ranges of a date and its time ({_PAIRS}) are combined.",
            QIDO + "test_what_is_asked_is_found",
            "search-date-time",
        ),
    ),
    (
        _(
            "`TimezoneOffsetFromUTC` says the zone of dates and date-times of a query, for objects "
            "that tell theirs; a time alone is not shifted, a date-time without any offset is "
            "taken for UTC.",
            QIDO + "test_the_zone_of_a_query_shifts_what_tells_its_own",
            "schemas/test_query.py::test_a_date_time_covers_what_its_precision_says_in_utc",
            STATED + "test_a_time_alone_is_not_shifted",
        ),
    ),
    (
        _(
            "An entity without a value for a required key is not matched by one, but in strict "
            "mode.",
            QIDO + "test_an_empty_required_key_matches_anything_by_the_letter",
        ),
    ),
    (
        _(
            "A key of a level that a resource is not searched by is 400.",
            QIDO + "test_what_is_asked_is_found",
            SEARCH + "test_a_malformed_query_is_refused_with_a_sentence",
        ),
        _(
            "A list by backslash means any of its values, with `multiplevaluematching` all; in "
            "attributes of VR CS a comma parts values, too.",
            QIDO + "test_what_is_asked_is_found",
            STATED + "test_lists_mean_any_of_their_values",
        ),
    ),
    (
        _(
            'The paging Warning counts up to a bound, and says "at least" beyond it.',
            "engine/test_matching.py::test_a_search_finds_what_the_standard_says",
            SEARCH + "test_a_page_says_how_many_are_left",
        ),
        _(
            "A search that takes longer than `search_seconds` is 413.",
            "store/test_index.py::test_a_query_that_takes_too_long_is_given_up",
            SEARCH + "test_a_search_that_takes_too_long_is_413",
        ),
    ),
    (
        _(
            "Additions: `orderby=[-]Attribute,...`, `text/csv`, `/patients`, "
            "`/patients/{PatientID}/studies`.",
            QIDO + "test_answers_come_in_the_order_asked_for",
            QIDO + "test_csv_has_a_line_a_result",
            QIDO + "test_a_patient_has_studies",
        ),
    ),
)
"""What PS3.18 10.6.5 has us document."""
