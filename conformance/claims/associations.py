"""What the statement says of associations."""

from __future__ import annotations

from conformance.claims.claim import claim as _
from conformance.claims.proofs import (
    ASSOCIATION,
    C_STORE,
    COMMITTING,
    DOORS,
    FINDING,
    MOVING,
    STATED,
)

ASSOCIATIONS = (
    (
        _(
            "Up to 128 presentation contexts; of the transfer syntaxes of a storage context the "
            "first is chosen that is known, Explicit VR Big Endian and Implicit VR Little Endian "
            "last; of the others Explicit VR Little Endian before Implicit.",
            ASSOCIATION + "test_128_contexts_are_answered",
            ASSOCIATION + "test_the_sender_chooses_the_syntax_but_explicit_goes_before_implicit",
            ASSOCIATION + "test_implicit_little_endian_alone_is_enough",
        ),
        _(
            "A private SOP class, and one of the standard's range that is newer than this table, "
            "is taken for storage; in strict mode only with SOP Class Common Extended Negotiation.",
            ASSOCIATION + "test_a_private_sop_class_is_storage_when_it_says_so",
            STATED + "test_a_storage_class_newer_than_the_table_is_taken",
        ),
    ),
    (
        _(
            "Roles are granted as proposed: that of SCP for storage SOP classes, which C-GET "
            "needs.",
            ASSOCIATION + "test_roles_are_granted_as_proposed_and_never_more",
        ),
    ),
    (
        _(
            "The asynchronous operations window is answered with 1/1.",
            ASSOCIATION + "test_one_operation_at_a_time_is_what_is_negotiated",
        ),
        _(
            "Maximum Length is that of `data_bytes_max` in N.7.1.",
            ASSOCIATION + "test_the_maximum_length_is_told_and_kept_to",
        ),
    ),
    (
        _(
            "User identity: user name and passcode, where credentials are set.",
            ASSOCIATION + "test_a_user_with_the_right_password_may_come",
            ASSOCIATION + "test_no_other_user_may",
        ),
        _(
            "Without credentials nobody is checked.",
            ASSOCIATION + "test_without_credentials_nobody_is_checked",
        ),
    ),
    (
        _(
            "Extended negotiation: of C-FIND relational queries, combined date-time matching, "
            "fuzzy matching of names, timezone adjustment, empty and multiple value matching; of "
            "C-MOVE and C-GET relational retrieval; of storage level 2, no coercion, signatures "
            "kept bit for bit.",
            ASSOCIATION + "test_extended_negotiation_says_what_both_can_do",
            FINDING + "test_a_relational_query_has_keys_of_any_level",
            FINDING + "test_date_and_time_are_one_range_only_when_negotiated",
            FINDING + "test_names_are_found_by_their_sound_only_when_negotiated",
            FINDING + "test_the_zone_of_the_question_counts_only_when_negotiated",
            FINDING + "test_empty_and_several_values_are_matched_only_when_negotiated",
            MOVING + "test_relational_retrieval_needs_no_keys_above",
        ),
    ),
    (
        _(
            "C-STORE coerces nothing and gives B000 never.",
            C_STORE + "test_nothing_is_coerced_and_none_is_said_to_be",
        ),
        _(
            "Lossy Image Compression stays as it was sent.",
            C_STORE + "test_lossy_flags_stay_as_they_were_sent",
        ),
    ),
    (
        _(
            "C-FIND without a level that the SOP class has, without a unique key above, or with a "
            "value that a VR does not allow is A900.",
            FINDING + "test_what_the_sop_class_does_not_allow_is_refused",
            FINDING + "test_a_value_that_its_vr_has_not_is_refused",
        ),
        _(
            "A key that is not supported makes the pending status FF01.",
            FINDING + "test_a_key_that_is_not_supported_is_told",
        ),
        _(
            "Answers are in ASCII where they can be, else in the character set of the question, "
            "ISO_IR 100 or ISO_IR 192.",
            FINDING + "test_an_answer_is_in_the_smallest_set_that_has_it",
        ),
    ),
    (
        _(
            "C-MOVE and C-GET send a pending response after the first sub-operation, then ten a "
            "second at most while there is progress, and the list of what failed with the last.",
            MOVING + "test_a_requester_hears_of_a_long_move_again_and_again",
            "c-move-pending",
            "c-get-pending",
            "c-move-failed-list",
            MOVING + "test_what_has_no_context_fails_and_the_rest_comes",
        ),
        _(
            "All failed is A702; an unknown destination A801.",
            MOVING + "test_a_destination_that_does_not_listen_has_all_failed",
            MOVING + "test_an_unknown_destination_is_refused",
        ),
    ),
    (
        _(
            "Storage commitment is reported on the association of the request while that is open, "
            "else on a new one, on which we propose the role of SCP.",
            COMMITTING + "test_what_is_stored_is_committed",
            COMMITTING + "test_a_requester_that_releases_at_once_is_called",
        ),
        _(
            "A report that does not arrive is sent again, and given up in the end.",
            COMMITTING + "test_a_report_that_does_not_arrive_is_tried_again_by_the_next_process",
            COMMITTING + "test_a_report_that_is_refused_is_tried_again",
            COMMITTING + "test_a_report_is_given_up_in_the_end",
        ),
    ),
)
"""What PS3.2 has us document of associations and services."""

ONE_MATCHING = (
    _(
        "C-FIND matches what the search of N.5.3.3 matches, by the same index.",
        DOORS + "test_two_hundred_questions_have_the_same_answers_through_both_doors",
        FINDING + "test_every_key_of_a_study_is_matched_and_returned",
    ),
)
