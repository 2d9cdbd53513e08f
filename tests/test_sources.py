"""What `dicomweb store PATH...` reads: files, folders, DICOMDIR file-sets, zip archives."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import warnings
import zipfile
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset

from dicomweb import sources
from dicomweb.sources import READ_ERRORS, Source, Unreadable, find
from tests.make import instance, part10
from tests.real_files import CORPUS

FILE_SET = Path(pydicom.data.get_testdata_file("DICOMDIR", download=False)).parent


def names(*paths) -> list[str]:
    return [Path(one.name).name for one in find(paths)]


def content(source: Source) -> bytes:
    with source.open() as file:
        return file.read()


def refused(*paths) -> dict[str, str]:
    return {Path(one.name).name: one.detail for one in find(paths) if isinstance(one, Unreadable)}


def tree(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(file)
    return root


def zipped(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def directory(*references, in_use: int = 0xFFFF) -> bytes:
    """A DICOMDIR of image records."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3"
    ds.DirectoryRecordSequence = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some names are not what a Code String may be
        for reference in references:
            record = Dataset()
            record.RecordInUseFlag = in_use
            record.ReferencedFileID = reference
            ds.DirectoryRecordSequence.append(record)
        return part10(ds)


# Files and folders ---------------------------------------------------------------


def test_a_file_is_named_by_the_user_and_one_in_a_folder_is_not(tmp_path):
    folder = tree(tmp_path, "a")
    assert [one.explicit for one in find([folder / "a"])] == [True]
    assert [one.explicit for one in find([folder])] == [False]


def test_a_folder_is_read_at_every_depth_in_the_order_of_names(tmp_path):
    found = list(find([tree(tmp_path, "z", "b/2", "b/1", ".hidden", "a/c/3")]))
    assert [content(one).decode() for one in found] == [".hidden", "z", "a/c/3", "b/1", "b/2"]
    assert [one.size_bytes for one in found] == [7, 1, 5, 3, 3]


def test_each_file_comes_once_however_often_it_is_named(tmp_path):
    folder = tree(tmp_path, "a", "b")
    assert names(folder / "b", folder, folder / "a") == ["b", "a"]


def test_a_link_that_leads_round_in_a_circle_is_not_followed(tmp_path):
    tree(tmp_path, "deep/a")
    (tmp_path / "deep" / "round").symlink_to(tmp_path)
    assert names(tmp_path) == ["a"]


def test_what_is_not_there_is_named(tmp_path):
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    expected = {"dangling": "No such file or directory.", "no": "No such file or directory."}
    assert refused(tmp_path, tmp_path / "no") == expected


def test_a_folder_that_cannot_be_listed_is_named(tmp_path):
    """It is taken away while its parent is read: the one way that holds for root as well."""
    tree(tmp_path, "a", "sub/b", "t/c")
    found = find([tmp_path])
    assert Path(next(found).name).name == "a"
    shutil.rmtree(tmp_path / "sub")
    later = list(found)
    assert [Path(one.name).name for one in later] == ["c", "sub"]
    assert later[1] == Unreadable(str(tmp_path / "sub"), "No such file or directory.")


@pytest.mark.parametrize("name", ["pipe", "pipe.zip", "DICOMDIR"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    assert refused(tmp_path) == {name: "It is neither a file nor a folder."}


# DICOMDIR ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, count", [("DICOMDIR", 31), ("TINY_ALPHA/DICOMDIR", 50), ("TINY_ALPHA", 50)]
)
def test_a_file_set_is_what_its_dicomdir_names(path, count):
    found = list(find([FILE_SET / path]))
    assert len([one for one in found if isinstance(one, Source) and one.explicit]) == count
    assert "DICOMDIR" not in [Path(one.name).name for one in found]


def test_what_a_dicomdir_does_not_name_is_taken_with_the_folder_only(tmp_path):
    tree(tmp_path, "A", "B")
    (tmp_path / "DICOMDIR").write_bytes(directory("B"))
    assert names(tmp_path / "DICOMDIR") == ["B"]
    assert [(Path(one.name).name, one.explicit) for one in find([tmp_path])] == [
        ("B", True),
        ("A", False),
    ]


@pytest.mark.parametrize(
    "here",
    ["DICOM/IM1", "dicom/im1", "Dicom/IM1.", "DICOM/IM1.;1", "DICOM/IM1;1"],
    ids=["as it is", "lower case", "a dot added", "dot and version", "version"],
)
def test_a_file_id_is_found_as_disks_and_copies_have_it(tmp_path, here):
    tree(tmp_path, here)
    (tmp_path / "dicomdir").write_bytes(directory(["DICOM", "IM1"]))
    assert names(tmp_path / "dicomdir") == [Path(here).name]


def test_a_file_id_in_lower_case_and_of_any_length_is_found_without_a_warning(tmp_path):
    tree(tmp_path, "images/a_name_longer_than_sixteen")
    (tmp_path / "DICOMDIR").write_bytes(directory(["images", "a_name_longer_than_sixteen"]))
    assert names(tmp_path / "DICOMDIR") == ["a_name_longer_than_sixteen"]


@pytest.mark.parametrize(
    "reference",
    [["GONE"], ["..", "SECRET"], ["/etc", "passwd"], ["A" * 300], ["FOLDER"]],
    ids=["missing", "above", "absolute", "overlong", "a folder"],
)
def test_a_file_id_of_no_file_in_the_set_is_refused(tmp_path, reference):
    tree(tmp_path, "SECRET", "set/FOLDER/x")
    (tmp_path / "set" / "DICOMDIR").write_bytes(directory(reference))
    (found,) = find([tmp_path / "set" / "DICOMDIR"])
    assert isinstance(found, Unreadable)
    assert found.detail == "The DICOMDIR names it; it is not there."
    assert found.name.endswith(reference[-1])


@pytest.mark.parametrize(
    "dicomdir",
    [directory(None, ""), directory("GONE", in_use=0), directory()],
    ids=["no file", "not in use", "no record"],
)
def test_a_record_without_a_file_asks_for_none(tmp_path, dicomdir):
    (tmp_path / "DICOMDIR").write_bytes(dicomdir)
    assert list(find([tmp_path])) == []


def test_a_dicomdir_of_any_broken_form_is_refused_or_read(tmp_path):
    whole = (FILE_SET / "DICOMDIR").read_bytes()
    path = tmp_path / "DICOMDIR"
    chance = random.Random(20)
    outcomes = set()
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 20)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken[: chance.choice([len(broken), chance.randrange(len(broken))])])
        outcomes |= {found.detail for found in find([path]) if isinstance(found, Unreadable)}
    assert any(detail.startswith("The DICOMDIR cannot be read: ") for detail in outcomes)


def test_a_dicomdir_beyond_the_limit_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "DICOMDIR_BYTES_MAX", 100)
    (tmp_path / "DICOMDIR").write_bytes(directory("A"))
    assert "more than 100 bytes" in refused(tmp_path)["DICOMDIR"]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="The corpus is not beside the checkout.")
def test_every_file_set_of_the_corpus_is_whole():
    dicomdirs = sorted((CORPUS / "fileset-dicomdir").rglob("DICOMDIR"))
    assert dicomdirs
    for dicomdir in dicomdirs:
        found = list(find([dicomdir]))
        assert found
        assert [one for one in found if isinstance(one, Unreadable)] == []


# Zip archives --------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"]
)
def test_entries_of_an_archive_are_read_where_they_lie(tmp_path, method):
    sent = {"b/2": instance(), "a/1": b"text", "DICOMDIR": b"", "b/": b"", "x/dicomdir": b""}
    path = zipped(tmp_path / "some.zip", sent, method)
    found = list(find([path]))
    assert [one.name for one in found] == [f"{path}/a/1", f"{path}/b/2"]
    assert [content(one) for one in found] == [sent["a/1"], sent["b/2"]]
    assert [(one.size_bytes, one.explicit) for one in found] == [
        (4, False),
        (len(sent["b/2"]), False),
    ]


def test_archives_in_a_folder_are_read_and_archives_in_archives_are_not(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"one": b"1"}).read_bytes()
    zipped(tmp_path / "outer.ZIP", {"inner.zip": inner})
    assert names(tmp_path) == ["one", "inner.zip"]


def test_entries_can_be_read_in_any_order_and_at_the_same_time(tmp_path):
    """From more archives than are held open."""
    count = sources.ARCHIVES_OPEN_MAX + 3
    for number in range(count):
        zipped(tmp_path / f"{number:02}.zip", {"a": b"a%d" % number, "b": b"b%d" % number})
    found = list(find([tmp_path]))
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(one.open()) for one in reversed(found)]
        read = [file.read() for file in files]
    assert read == [b"%s%d" % (c, n) for n in reversed(range(count)) for c in (b"b", b"a")]


def test_the_directory_of_an_archive_is_not_read_for_each_entry(tmp_path, monkeypatch):
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *arguments):
            opened.append(arguments)
            super().__init__(*arguments)

    monkeypatch.setattr(sources.zipfile, "ZipFile", Counted)
    path = tmp_path / "many.zip"
    with zipfile.ZipFile.__base__(path, "w") as archive:
        for number in range(50):
            archive.writestr(str(number), b"x")
    assert b"".join(content(one) for one in find([path])) == b"x" * 50
    assert len(opened) == 1


def test_an_instance_with_an_archive_inside_is_an_instance(tmp_path):
    inner = zipped(tmp_path / "inner", {"model.obj": b"1"}).read_bytes()
    (tmp_path / "model.dcm").write_bytes(instance() + inner)
    assert names(tmp_path / "model.dcm") == ["model.dcm"]


@pytest.mark.parametrize("given", ["cut.zip", "."], ids=["by name", "by folder"])
def test_an_archive_that_is_cut_is_refused(tmp_path, given):
    whole = zipped(tmp_path / "whole", {"a": instance()}).read_bytes()
    (tmp_path / "whole").unlink()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    assert refused(tmp_path / given)["cut.zip"].startswith("The archive cannot be read: ")


def test_an_entry_that_is_encrypted_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"secret": b"1", "open": b"2"})
    data = path.read_bytes()
    at = data.rindex(b"PK\x01\x02") - len("secret") - 46  # the first entry of the directory
    path.write_bytes(data[: at + 8] + b"\x01" + data[at + 9 :])
    assert refused(path) == {"secret": "It is encrypted."}


def test_an_archive_of_too_many_entries_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ENTRIES_MAX", 2)
    path = zipped(tmp_path / "a.zip", dict.fromkeys("abc", b""))
    assert refused(path) == {"a.zip": "The archive has over 2 entries."}


def test_a_name_in_an_archive_cannot_steer_a_terminal(tmp_path):
    path = zipped(tmp_path / "a.zip", {"\x1b[2J\nstored: 9": b"1"})
    assert [one.name for one in find([path])] == [f"{path}/\\x1b[2J\\x0astored: 9"]


def test_a_name_in_an_archive_is_never_a_path(tmp_path):
    path = zipped(tmp_path / "a.zip", {"../../etc/passwd": b"inside", "/etc/passwd": b"inside"})
    assert [content(one) for one in find([path])] == [b"inside", b"inside"]


def test_an_archive_of_any_broken_form_raises_read_errors_only(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            archive.writestr(f"é{method}", os.urandom(60), compress_type=method)
    whole = path.read_bytes()
    chance = random.Random(5)
    failed = 0
    for _ in range(600):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(broken)
        for one in find([path]):
            try:
                assert isinstance(one, Unreadable) or content(one) is not None
            except READ_ERRORS:
                failed += 1
    assert failed
