"""The bench beside Orthanc: ratios, goals, what is kept of a run, and what is said of it."""

from __future__ import annotations

import random
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from benchmarks.peers import chart, figures, measured, report, searching, stages, watch
from benchmarks.peers.figures import BARE, ORTHANC, OURS, OURS_TWO, Figure, Goal, Measure, Sample
from benchmarks.peers.ledger import Entry, Ledger, digest
from benchmarks.peers.measured import Circumstances, Measured
from benchmarks.peers.soak import Soaked
from benchmarks.peers.watch import Seen
from tests.make import dataset, part10

MEBIBYTE = 2**20
IDLE = Circumstances("2026-11-26 12:00 UTC", "abc1234", "2 cores", 9.0, 0.01, {}, {OURS: 7})


def samples(*seconds: float, cpu: float = 1.0) -> list[Sample]:
    return [Sample(one, cpu, 3 * MEBIBYTE) for one in seconds]


FAST = Figure(
    "stow",
    "STOW <of one>",
    (Goal(ORTHANC, 3), Goal(BARE, 0.4, (Measure.THROUGHPUT,))),
    {
        OURS: samples(1.0, 1.0, 2.0),
        OURS_TWO: samples(0.5, 0.5, 0.5, cpu=2.0),
        ORTHANC: samples(4.0, 5.0, 4.0, cpu=3.5),
        BARE: samples(0.1, 0.1, 0.1),
    },
)
CANNOT = Figure(
    "qido", "by sound", (Goal(ORTHANC, 50),), {OURS: samples(1.0)}, {ORTHANC: "gives 0"}
)
GROWN = Figure(
    stages.GROWTH,
    "a search",
    (stages.GROWTH_GOAL,),
    {figures.SMALL: samples(1.0, 1.0, 1.0), figures.LARGE: samples(1.25, 1.25, 1.25)},
)
SEEN = [Seen(float(second), 100 * MEBIBYTE, 30) for second in range(40)]
SOAKED = Soaked(40.0, {"STOW": 3}, 5, 4, 1, 10**9, [], [], [], 0, SEEN)
RUN = [
    Measured("stow", IDLE, (FAST,)),
    Measured("qido", IDLE, (CANNOT,)),
    Measured("growth", IDLE, (GROWN,)),
    Measured("soak", IDLE, soaked=SOAKED),
]


def test_a_ratio_is_the_median_of_the_rounds_not_the_ratio_of_medians():
    ratio = FAST.ratio(OURS, ORTHANC, Measure.THROUGHPUT)
    assert ratio == figures.Ratio(median=4.0, least=2.0, most=5.0)


def test_there_is_no_ratio_to_a_side_that_cannot():
    assert CANNOT.ratio(OURS, ORTHANC, Measure.CPU) is None
    assert figures.verdict(CANNOT.met(OURS, CANNOT.goals[0])) == "-"


def test_a_goal_is_met_by_each_of_its_measures_or_it_is_not():
    of_orthanc, of_bare = FAST.goals
    assert figures.verdict(FAST.met(OURS, of_orthanc)) == "met"
    assert figures.verdict(FAST.met(OURS_TWO, of_orthanc)) == "**not met** by CPU"
    assert figures.verdict(FAST.met(OURS, of_bare)) == "**not met**"


def test_a_run_is_read_back_as_it_was_written(tmp_path):
    measured.write(tmp_path / "RESULTS.json", RUN)
    read = measured.read(tmp_path / "RESULTS.json")
    assert list(read) == sorted(one.part for one in RUN)
    assert read["stow"].figures[0].ratio(OURS, ORTHANC, Measure.CPU) == FAST.ratio(
        OURS, ORTHANC, Measure.CPU
    )
    assert report.markdown([read[one.part] for one in RUN], stages.PARTS) == report.markdown(
        RUN, stages.PARTS
    )


def test_nothing_is_read_where_nothing_was_measured(tmp_path):
    assert measured.read(tmp_path / "RESULTS.json") == {}


def test_the_report_says_how_many_goals_are_met_and_which_are_not():
    told = report.markdown(RUN, stages.PARTS)
    assert f"- **{OURS}** meets 1 of 1 against Orthanc, 0 of 1 against bare write goals." in told
    assert f"- **{figures.LARGE}** meets 0 of 1 against {figures.SMALL} goals." in told
    (row,) = (line for line in told.splitlines() if line.startswith("| STOW <of one> | Orthanc"))
    assert row.endswith(
        "| 4 (2-5) | 3.5 (3.5-3.5) | met | 8 (8-10) | 1.8 (1.8-1.8) | **not met** by CPU |"
    )
    assert "Orthanc cannot: gives 0" in told


def test_the_report_says_what_falls_by_how_much_with_many_studies():
    (row,) = (
        line for line in report.markdown(RUN, ["growth"]).splitlines() if "a search |" in line
    )
    assert row.endswith("| 20% | 0% | **not met** by throughput |")


def test_the_report_names_the_parts_that_are_not_measured():
    assert "Not measured yet: frames.\n" in report.markdown(RUN, ["stow", "frames"])


def test_the_report_says_when_the_machine_was_not_idle():
    busy = replace(RUN[0], circumstances=replace(IDLE, others_share=0.4))
    assert "The machine had nothing else to do." in report.markdown(RUN, [])
    assert "**The machine was not idle**" in report.markdown([busy], [])
    assert "stow (40%)" in report.markdown([busy], [])


def test_what_is_lost_is_said_loudly():
    lost = replace(SOAKED, lost=["/studies/1"])
    told = "\n".join(report.soak_lines(lost))
    assert "**1 LOST**" in told
    assert "/studies/1" in told
    assert "none lost" in "\n".join(report.soak_lines(SOAKED))


def test_the_charts_are_svg_with_a_text_for_each_operation():
    drawn = ElementTree.fromstring(chart.ratios([FAST]))
    assert "STOW <of one>" in [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert ElementTree.fromstring(chart.memory(SEEN)).tag.endswith("svg")


@pytest.mark.parametrize(
    ("gained", "flat"), [(0, True), (1, True), (10, False)], ids=["none", "little", "much"]
)
def test_memory_is_flat_when_it_rises_by_a_tenth_at_most(gained, flat):
    seen = [Seen(s * 1.0, (100 * 60 + gained * s) * MEBIBYTE // 60, 30) for s in range(240)]
    assert watch.slope_bytes(seen) == pytest.approx(gained * MEBIBYTE, abs=1)
    assert watch.is_flat(seen) is flat


def test_an_instance_stored_over_an_association_may_have_other_file_meta_information():
    ds = dataset()
    file, other = part10(ds), part10(ds, "1.2.840.10008.1.2.1").replace(b"PYDICOM", b"OTHERDCM"[:7])
    assert file != other
    of_data_set = digest(file, of_data_set=True)
    assert Entry("1", "2", "3", 9, b"", of_data_set, True).is_held_by(other)
    assert not Entry("1", "2", "3", 9, b"", digest(file, of_data_set=False), False).is_held_by(
        other
    )
    assert digest(file[:-1] + b"x", of_data_set=True) != of_data_set


def test_a_ledger_forgets_a_series_before_it_is_deleted():
    ledger, chance = Ledger(), random.Random(1)
    for series in "23":
        uids = (f"{series}.4", f"{series}.5")
        ledger.add([Entry("1", series, uid, 10, b"", b"", False) for uid in uids])
    taken = ledger.take_series(chance)
    assert len(taken) == 2
    assert not any(ledger.holds(entry) for entry in taken)
    assert (ledger.size_bytes, ledger.gone()) == (20, [])
    ledger.deleted(taken)
    assert ledger.gone() == taken
    assert {entry.series for entry in ledger.held()} == set("23") - {taken[0].series}


def test_every_search_is_one_of_the_twelve_and_has_a_right_answer():
    assert [question.name for question in searching.TWELVE] == list(searching.RIGHT)


@pytest.mark.parametrize(
    ("uids", "fault"),
    [([77], ""), ([], "gives 0 of 1 answers"), ([78], "gives 1 wrong answers")],
    ids=["the right one", "none", "another"],
)
def test_an_answer_to_a_search_is_held_against_the_studies(uids, fault):
    question = next(one for one in searching.TWELVE if one.name == "accession number")
    answers = [{"00080050": {"vr": "SH", "Value": [f"ACC{uid:09}"]}} for uid in uids]
    assert searching._fault(question, "AccessionNumber=ACC000000077", 100, answers) == fault


def test_every_operation_belongs_to_a_part_and_every_part_has_one():
    parts = {operation.part for operation in stages.operations()}
    assert parts == set(stages.PARTS) - {stages.START, stages.GROWTH, stages.SOAK}
