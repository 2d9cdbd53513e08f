"""What the statement says of the archive as a whole: its doors, and what it keeps."""

from __future__ import annotations

from pydicom.charset import python_encoding

from conformance.claims.claim import claim as _
from conformance.claims.proofs import (
    ASSOCIATION,
    C_STORE,
    COLLECTIONS,
    DOCS,
    DOORS,
    FINDING,
    MOVING,
    QIDO,
    RULES,
    STATED,
    TRANSCODED,
)

INTRODUCTION = (
    _(
        "Written by `python -m conformance.statement` from the tables that the code runs on, in "
        "the order of PS3.2 Annex N; the server gives it as a page at `/conformance`.",
        DOCS + "test_the_statement_is_what_the_tables_say",
        DOCS + "test_the_statement_has_the_sections_of_the_template",
        DOCS + "test_the_server_gives_the_statement_as_a_page",
    ),
    _(
        "Each sentence and each table of it names, in `conformance/claims/`, the tests that "
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
        DOORS + "test_objects_are_the_same_byte_for_byte_through_both_doors",
    ),
    _(
        "Both doors have one index, one matching and one retrieval behind them.",
        DOORS + "test_two_hundred_questions_have_the_same_answers_through_both_doors",
        "parity-same-values",
    ),
)

STORAGE_ROLES = (
    _(
        "And storage, as SCP, and as SCU of C-MOVE and C-GET, of the SOP classes of N.5.2.2.",
        C_STORE + "test_an_object_of_every_storage_sop_class_is_taken",
        MOVING + "test_a_study_is_moved_to_a_third_device",
        MOVING + "test_a_study_comes_back_over_the_same_association",
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
        COLLECTIONS + "test_a_zip_archive_can_be_a_file_set",
        COLLECTIONS + "test_dcmtk_reads_the_directory",
    ),
)

MODEL = (
    _(
        "One application entity, with the AE title of the setting `ae_title`, and one origin "
        "server of the web services.",
        "dimse_bridge/test_commands.py::test_serve_opens_both_doors",
        "dimse_bridge/test_commands.py::test_an_archive_calls_itself_by_its_title",
        ASSOCIATION + "test_who_calls_another_is_rejected",
    ),
    _(
        "What either takes in is durable, and found by both, before it is acknowledged.",
        "test_durability.py::test_kill_nine_loses_nothing_and_leaves_nothing_behind",
        C_STORE + "test_an_object_can_be_found_when_success_is_said",
        FINDING + "test_stow_and_c_store_are_found_through_both_doors",
    ),
)

KEPT = (
    _(
        "Every object is kept byte for byte as it was sent.",
        RULES + "test_the_file_on_disk_is_the_file_that_was_sent",
        C_STORE + "test_an_object_in_every_transfer_syntax_is_taken_as_it_is",
    ),
    _(
        "A private transfer syntax is stored and given as it is.",
        RULES + "test_what_hospitals_have_is_stored_as_it_was_sent",
    ),
)

TRANSCODING = (
    _(
        "What is decoded can be had in whatever is encoded, if its pixels fit it: an instance, a "
        "frame, a study with each instance in the best of what is acceptable; where they do not "
        "fit, 406 says why.",
        STATED + "test_what_is_stated_as_decoded_is_and_nothing_else",
        STATED + "test_what_is_stated_as_encoded_is_and_nothing_else",
        TRANSCODED + "test_the_better_of_two_syntaxes",
        TRANSCODED + "test_what_cannot_be_had_is_refused_with_the_reason",
        COLLECTIONS + "test_each_part_is_negotiated_by_itself",
    ),
    _(
        "Without a transfer syntax in the request that is Explicit VR Little Endian, except of "
        "what cannot be decoded or is too long for it (PS3.18 8.7.3.4).",
        TRANSCODED + "test_who_asks_for_no_syntax_gets_explicit_little_endian",
        TRANSCODED + "test_pixels_that_cannot_be_decoded_can_be_had_as_they_are",
        TRANSCODED + "test_pixels_too_long_for_explicit_little_endian_stay_compressed",
    ),
    _(
        "What is stored comes first where any syntax will do (`transfer-syntax=*`).",
        TRANSCODED + "test_any_syntax_is_the_stored_one",
    ),
    _(
        "That is so of Implicit VR Little Endian and Explicit VR Big Endian too, which PS3.18 "
        "8.7.3.1 has never travel over the web: clients that ask for anything want no work done, "
        "and the bytes that were stored.",
        STATED + "test_implicit_vr_goes_out_as_it_is_where_anything_will_do",
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
        TRANSCODED + "test_nothing_is_lost_unless_it_is_asked_for_by_name",
        TRANSCODED + "test_what_loses_something_is_another_object",
        TRANSCODED + "test_a_history_of_loss_grows",
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
        STATED + "test_every_character_set_that_is_stated_is_read",
        QIDO + "test_names_in_every_character_set_come_back_and_are_found",
    ),
    _(
        "What a character set does not have becomes U+FFFD in answers, and stays as it is in what "
        "is stored.",
        "schemas/test_dicom_json.py::test_what_cannot_be_decoded_is_replaced",
        RULES + "test_the_file_on_disk_is_the_file_that_was_sent",
    ),
)
