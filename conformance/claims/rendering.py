"""What the statement says of rendered resources and thumbnails."""

from __future__ import annotations

from conformance.claims.claim import claim as _
from conformance.claims.proofs import (
    DOCUMENTS,
    FILMS,
    PRESENTATION,
    RENDERED,
    SLIDES,
    UNDERLAY,
    URI,
    VIDEOS,
)
from dicomweb.pixels.films import FILM

RENDERING = (
    (
        _(
            "One picture is a JPEG unless something else is asked for.",
            RENDERED + "test_the_default_is_jpeg",
        ),
        _(
            "Several frames are a part each, or one GIF that moves.",
            RENDERED + "test_an_instance_of_many_frames_is_many_parts",
            RENDERED + "test_a_moving_picture_is_a_gif",
        ),
        _(
            "An instance of several frames asked for as one still picture gives its middle frame; "
            "in strict mode that is 406.",
            RENDERED + "test_the_middle_frame_stands_for_all_unless_strict",
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
            RENDERED + "test_a_window_of_floating_point_pixels_is_exact",
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
            RENDERED + "test_a_thumbnail_names_nobody",
            PRESENTATION + "test_an_overlay_in_the_cells_is_drawn",
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
            RENDERED + "test_a_picture_too_large_is_refused",
            "viewport-bad-huge",
        ),
    ),
    (
        _(
            "`iccprofile` also takes `displayp3`; without it there is no profile.",
            RENDERED + "test_a_profile_is_put_in_where_there_is_room",
            "pixels/test_encode.py::test_a_profile_is_in_the_file_and_none_where_none_is_asked",
        ),
        _(
            "Colours without a profile of their own are taken for sRGB.",
            RENDERED + "test_the_profile_of_the_object_comes_before_the_codestreams",
            "pixels/test_encode.py::test_grey_and_colours_without_a_profile_are_srgb",
        ),
    ),
    (
        _(
            "A whole slide image is one picture, of its total pixel matrix: `viewport` counts in "
            "that matrix, and only the tiles in view are read.",
            SLIDES + "test_a_slide_is_one_picture_of_its_matrix",
            SLIDES + "test_a_viewport_counts_in_the_matrix",
            SLIDES + "test_only_the_tiles_in_view_are_read",
        ),
    ),
    (
        _(
            "In a study or series what cannot be rendered is left out, and the answer is 206.",
            RENDERED + "test_what_cannot_be_rendered_is_left_out_and_said",
        ),
    ),
    (
        _(
            "The thumbnail of a study or series is the middle frame of the instance in the middle, "
            "by Instance Number, of the first series that holds images; what has no picture is "
            "shown as a placard with its modality.",
            RENDERED + "test_all_levels_have_a_thumbnail",
            RENDERED + "test_a_series_of_pictures_is_shown_before_one_of_texts",
        ),
    ),
    (
        _(
            "A presentation state (Grayscale, Color, Pseudo-Color, XA/XRF) is a picture of each "
            "frame it is for.",
            PRESENTATION + "test_all_images_are_given_in_the_order_of_their_positions",
            PRESENTATION + "test_a_colour_state_leaves_colours_alone",
            PRESENTATION + "test_a_pseudo_colour_state_colours_grey_levels",
            PRESENTATION + "test_real_states_are_shown_as_dcmtk_shows_them",
        ),
        _(
            "Without a window of its own it shows the whole range of the modality LUT.",
            PRESENTATION + "test_without_a_window_the_whole_range_is_shown",
        ),
        _(
            "Its masks are subtracted (AVG_SUB, TID and REV_TID, with shifts by regions); a "
            "positive shift moves the mask down and to the right.",
            PRESENTATION + "test_a_mask_is_taken_away",
            PRESENTATION + "test_a_mask_is_moved_before_it_is_taken_away",
        ),
        _(
            "A compound graphic is shown by the simple ones that are to come with it.",
            PRESENTATION + "test_a_compound_graphic_is_shown_by_its_simple_ones",
        ),
    ),
    (
        _(
            "Structured reports, key object selections, encapsulated PDF, CDA and models, RT "
            "structure sets and waveforms are HTML, plain text, XML, PDF and pictures: the last "
            "two, and all of structure sets and waveforms, are our addition.",
            DOCUMENTS + "test_a_report_says_all_that_is_in_it",
            DOCUMENTS + "test_a_report_is_also_pages",
            DOCUMENTS + "test_a_key_object_selection_is_a_text",
            DOCUMENTS + "test_a_pdf_is_given_as_it_is",
            DOCUMENTS + "test_a_cda_is_read_and_given_as_it_is",
            DOCUMENTS + "test_a_model_is_a_text_with_a_link",
            DOCUMENTS + "test_a_structure_set_is_a_list_and_a_drawing",
            DOCUMENTS + "test_a_waveform_is_plotted",
        ),
        _(
            "Text is UTF-8, or in the character set asked for where it can be.",
            DOCUMENTS + "test_the_character_set_is_the_one_asked_for",
        ),
        _(
            "What is in it may refer to nothing and run nothing in a browser.",
            DOCUMENTS + "test_nothing_in_a_report_becomes_markup",
        ),
    ),
    (
        _(
            "A segmentation or dose is shown as it is; with `underlay=yes`, which is our addition, "
            "over the image it was made of: the one it names, or the nearest parallel one of its "
            "frame of reference.",
            UNDERLAY + "test_a_segmentation_alone_is_its_mask",
            UNDERLAY + "test_a_segmentation_is_laid_over_its_image",
            UNDERLAY + "test_a_dose_is_laid_over_the_nearest_slice",
        ),
    ),
    (
        _(
            "WADO-URI gives one picture or text: of an instance of several frames the middle one.",
            URI + "test_several_frames_are_one_picture",
        ),
        _(
            "`anonymize` is refused with 501.",
            "web/test_wado_uri.py::test_it_will_not_pretend_to_de_identify",
        ),
    ),
    (
        _(
            "A stored video is given as it is, MPEG-4 where it is an MP4 file.",
            VIDEOS + "test_a_video_is_given_as_it_is_stored",
            VIDEOS + "test_a_transport_stream_is_no_mp4",
        ),
        _(
            "It is not encoded anew.",
            VIDEOS + "test_what_only_an_encoder_could_do_is_not_acceptable",
        ),
    ),
    (
        _(
            "The program ffmpeg, where it is installed (setting `ffmpeg`), makes MP4 of frames of "
            f"images, up to {FILM.frames_max} of them, and pictures of frames of stored videos.",
            FILMS + "test_cine_is_an_mp4",
            FILMS + "test_frames_of_a_video_are_pictures",
        ),
        _(
            "A video asked for as one still picture, or as a thumbnail, is what is seen after a "
            "second; in strict mode only thumbnails and frames are.",
            FILMS + "test_a_video_is_one_picture_unless_strict",
        ),
        _(
            "Without the program films of images are 406, and so are pictures of videos, whose "
            "thumbnail is a placard.",
            FILMS + "test_without_ffmpeg_there_is_no_film",
            VIDEOS + "test_the_thumbnail_of_a_video_is_a_placard",
        ),
    ),
    (
        _(
            "Volume rendering is not offered.",
            RENDERED + "test_volume_rendering_is_not_offered",
        ),
    ),
)
"""What PS3.18 10.4.5 has us document."""
