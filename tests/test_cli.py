"""The console command, run as a user runs it."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pydicom.data
import pytest

from dicomweb.__main__ import COMMANDS
from tests.make import dataset, instance, part10, related, related_type
from tests.process import Running, free_port, serving

ROOT = Path(__file__).parents[1]
FILE_SET = Path(pydicom.data.get_testdata_file("DICOMDIR", download=False)).parent


def dicomweb(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "dicomweb", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
        **options,
    )


def store(data, *arguments):
    return dicomweb("store", "--data", data, *arguments)


def summary(done) -> str:
    return done.stderr.splitlines()[-1]


@pytest.fixture
def folder(tmp_path):
    """Two instances, one of them in a zip, and a text."""
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "one").write_bytes(instance())
    (folder / "notes.txt").write_text("not DICOM")
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.writestr("inside/two.dcm", instance())
    return folder


def test_a_folder_is_stored_in_place_and_what_is_not_dicom_passed_over(tmp_path, folder):
    done = store(tmp_path / "data", folder)
    assert done.returncode == 0, done.stderr
    assert summary(done).startswith("2 stored, 0 refused, 1 passed over;")
    assert f"passed over: {folder / 'notes.txt'}: " in done.stderr


def test_again_it_is_there_already(tmp_path, folder):
    store(tmp_path / "data", folder)
    assert summary(store(tmp_path / "data", folder)).startswith("0 stored, 0 refused, 2 there")


def test_what_is_refused_is_named_with_its_reason(tmp_path, folder):
    done = store(tmp_path / "data", folder / "notes.txt", folder / "deep", folder / "missing")
    assert done.returncode == 1
    assert f"refused: {folder / 'notes.txt'}: The object is not DICOM" in done.stderr
    assert f"refused: {folder / 'missing'}: No such file or directory." in done.stderr
    assert summary(done).startswith("1 stored, 2 refused;")


def test_a_file_set_is_stored_by_its_dicomdir(tmp_path):
    """Its 31 files, and not the DICOMDIR."""
    done = store(tmp_path / "data", FILE_SET / "DICOMDIR")
    assert done.returncode == 0, done.stderr
    assert summary(done).startswith("31 stored, 0 refused;")


def test_a_file_that_is_named_twice_is_stored_once(tmp_path):
    done = store(tmp_path / "data", FILE_SET / "DICOMDIR", FILE_SET / "77654033")
    assert done.returncode == 0, done.stderr
    assert summary(done).startswith("31 stored, 0 refused;")


def test_a_file_that_a_dicomdir_misses_is_named(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "DICOMDIR").write_bytes((FILE_SET / "DICOMDIR").read_bytes())
    done = store(tmp_path / "data", tmp_path / "set")
    assert done.returncode == 1
    assert "77654033/CR1/6154: The DICOMDIR names it; it is not there." in done.stderr


def test_a_broken_archive_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("one.dcm", instance())
    whole = (tmp_path / "some.zip").read_bytes()
    (tmp_path / "some.zip").write_bytes(whole.replace(b"Doe^Jane", b"Doe^John"))
    done = store(tmp_path / "data", tmp_path / "some.zip")
    assert done.returncode == 1
    assert f"refused: {tmp_path / 'some.zip'}" in done.stderr


def test_a_link_that_leads_round_in_a_circle_is_not_followed(tmp_path, folder):
    (folder / "deep" / "round").symlink_to(folder)
    assert summary(store(tmp_path / "data", folder)).startswith("2 stored, 0 refused")


def test_a_bar_is_drawn_where_somebody_watches(tmp_path, folder):
    watched, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (25, 80))
    command = [sys.executable, "-m", "dicomweb", "store", "--data", tmp_path / "data", folder]
    subprocess.run(command, stderr=terminal, cwd=ROOT, check=True, timeout=120)
    os.close(terminal)
    seen = b""
    try:
        while piece := os.read(watched, 65536):
            seen += piece
    except OSError:  # Linux says so at the end of a terminal that nobody holds.
        pass
    os.close(watched)
    assert b"100%" in seen
    assert b"B/s" in seen


def test_files_are_stored_over_the_web(tmp_path, folder):
    with serving(tmp_path / "data") as server:
        done = dicomweb("store", "--url", server.url, folder / "deep", folder / "two.zip")
        assert done.returncode == 0, done.stderr
        assert summary(done).startswith("2 stored, 0 refused;")
        assert len(httpx.get(server.url + "/instances").json()) == 2


def test_what_a_server_refuses_is_named_with_its_reason(tmp_path):
    ds = dataset()
    (tmp_path / "first.dcm").write_bytes(part10(ds))
    ds.PatientName = "Other^Name"
    (tmp_path / "second.dcm").write_bytes(part10(ds))
    (tmp_path / "text").write_text("not DICOM")
    with serving(tmp_path / "data") as server:
        assert dicomweb("store", "--url", server.url, tmp_path / "first.dcm").returncode == 0
        done = dicomweb("store", "--url", server.url, tmp_path / "second.dcm", tmp_path / "text")
    assert done.returncode == 1
    assert "second.dcm: Another object is already stored" in done.stderr
    assert "(0111)" in done.stderr
    assert "text: The object is not DICOM" in done.stderr


def test_no_server_is_one_sentence(tmp_path):
    (tmp_path / "one.dcm").write_bytes(instance())
    done = dicomweb("store", "--url", "http://127.0.0.1:1/dicom-web", tmp_path / "one.dcm")
    assert done.returncode == 2
    assert "http://127.0.0.1:1/dicom-web cannot be reached" in summary(done)
    assert "0 stored, 0 refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_are_shown(tmp_path):
    environment = os.environ | {"DICOMWEB_SEARCH_LIMIT": "7"}
    done = dicomweb("settings", "--port", "8090", env=environment)
    assert done.returncode == 0
    assert "8090" in done.stdout
    assert "environment DICOMWEB_SEARCH_LIMIT" in done.stdout


def test_flags_are_not_abbreviated(tmp_path):
    """What opens the server to the network has to be said in full."""
    done = dicomweb("serve", "--data", tmp_path, "--open", "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "--open" in summary(done)


UNUSABLE = {
    "unknown variable": ({"DICOMWEB_PROT": "1"}, "DICOMWEB_PROT"),
    "bad value": ({"DICOMWEB_PORT": "x"}, "port is 'x'"),
    "open to the network": ({"DICOMWEB_HOST": "0.0.0.0"}, "--open-to-network"),
    "no database": ({"DICOMWEB_INDEX": "postgresql://a:pw@127.0.0.1:1/x"}, "127.0.0.1"),
    "a folder for a database": ({"DICOMWEB_INDEX": "sqlite:////"}, "it is a folder"),
}


@pytest.mark.parametrize("environment, said", UNUSABLE.values(), ids=UNUSABLE)
def test_a_server_that_cannot_start_says_why_in_a_sentence(tmp_path, environment, said):
    flags = [
        "--data",
        tmp_path,
        "--dimse-port",
        "0",
        *([] if "DICOMWEB_PORT" in environment else ["--port", "0"]),
    ]
    done = dicomweb("serve", *flags, env=os.environ | environment)
    assert done.returncode == 2
    assert said in summary(done)
    assert "Traceback" not in done.stderr
    assert ":pw@" not in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_how_it_is_used(name):
    done = dicomweb(name, "--help")
    assert done.returncode == 0
    assert COMMANDS[name] in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["settings"],
        ["peers", "list"],
        ["nonsense"],
        ["serve", "--help"],
        ["serve", "--port", "x"],
    ],
)
def test_what_needs_no_archive_does_not_wait_for_it_to_be_loaded(words):
    """A fifth of a second instead of one and more."""
    told = f"import sys; sys.argv[1:] = {words}; from dicomweb.__main__ import main\n"
    told += "try:\n    main()\nexcept SystemExit:\n    pass\n"
    told += "sys.exit('loaded' if 'dicomweb.engine.archive' in sys.modules else 0)"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True)
    assert "loaded" not in done.stderr


LOOKED_THROUGH = """
import gc
from dicomweb import serving
from dicomweb.settings import Settings

async def looked_through():
    return len(gc.get_objects())

print(serving._run(Settings(), looked_through()), gc.get_freeze_count())
"""


def test_the_collector_does_not_look_through_what_is_loaded_again_and_again():
    """A tenth of a second each time, in which nobody is answered."""
    command = [sys.executable, "-c", LOOKED_THROUGH]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    left, loaded = map(int, ended.stdout.split())
    assert left < loaded // 10


@pytest.mark.parametrize("flags", [["--workers", "2"], []], ids=["workers", "two doors"])
def test_processes_that_cannot_start_say_why_in_a_sentence(tmp_path, flags):
    (tmp_path / "index.sqlite").write_text("This is no database." * 100)
    port = "0" if flags else str(free_port())
    flags = [*flags, "--dimse-port", port]
    done = dicomweb("serve", "--data", tmp_path, "--port", "0", *flags)
    assert done.returncode == 2
    assert done.stderr.count("cannot be opened") == 1
    assert "cannot be opened: file is not a database." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def taken():
    """A port that somebody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("folder_mode", "file_mode"), [(0o755, 0o644), (0o755, 0o640), (0o750, 0o644)]
)
def test_a_port_in_use_is_said_in_a_sentence(taken, folder_mode, file_mode):
    """And before it, SEC-09, that everybody may read an index that was there, where that is so."""
    with tempfile.TemporaryDirectory() as data:
        if not all(above.stat().st_mode & 0o001 for above in Path(data).parents):
            pytest.skip("Others cannot look into the folder for temporary files: set TMPDIR=/tmp.")
        os.chmod(data, folder_mode)
        index = Path(data, "index.sqlite")
        index.touch()
        index.chmod(file_mode)
        done = dicomweb("serve", "--data", data, "--port", taken, "--dimse-port", "0")
    assert done.returncode == 2
    assert "in use" in summary(done)
    assert "Traceback" not in done.stderr
    told = f"{index} can be read by every user" in done.stderr
    assert told is ((folder_mode, file_mode) == (0o755, 0o644))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_stops_when_it_is_told_to(tmp_path, workers, number):
    with serving(tmp_path, "--workers", str(workers)) as server:
        answer = httpx.post(
            server.url + "/studies", content=related([instance()]), headers=related_type()
        )
        assert answer.status_code == 200
        server.process.send_signal(number)
        assert server.process.wait(30) == 0
    assert "Traceback" not in "".join(server.said)
    assert list((tmp_path / "objects" / ".staging").iterdir()) == []


@contextmanager
def processes_of(server: Running) -> Iterator[list[int]]:
    """The ids of those it has started; in the end all have ended, or it fails."""
    pid = server.process.pid
    started = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    files = [os.pidfd_open(one) for one in started]
    try:
        yield started
        for file in files:
            assert select.select([file], [], [], 30)[0], "A process goes on alone."
    finally:
        for file in files:
            os.close(file)


def test_no_process_outlives_the_one_that_has_started_it(tmp_path):
    with serving(tmp_path, "--workers", "3") as server, processes_of(server) as started:
        assert len(started) == 3
        server.kill()


@pytest.mark.parametrize("which", [0, 1, 2], ids=["first worker", "second worker", "DIMSE door"])
def test_when_one_process_dies_all_stop(tmp_path, which):
    """Half a server is hard to notice."""
    flags = ["--workers", "2", "--dimse-port", str(free_port())]
    with serving(tmp_path, *flags) as server, processes_of(server) as started:
        assert len(started) == 3
        os.kill(started[which], signal.SIGKILL)
        assert server.process.wait(30) == signal.SIGKILL


def test_nothing_of_a_patient_is_in_the_log(tmp_path):
    """SEC-09: names and IDs travel in queries and objects; neither is logged by default."""
    sent = instance(PatientName="Secret^Person", PatientID="SECRET7")
    with serving(tmp_path) as server:
        httpx.post(server.url + "/studies", content=related([sent]), headers=related_type())
        httpx.post(server.url + "/studies", content=related([sent[:-9]]), headers=related_type())
        httpx.get(server.url + "/studies?PatientName=Secret*&PatientID=SECRET7")
        httpx.get(server.url + "/studies?PatientName=Secret*&StudyDate=SECRET7")
        httpx.get(server.url + "/patients/SECRET7/studies")
        httpx.get(server.url + "/patients/SECRET7/none")
        # An answer can be read before its line is written; a server that stops writes all.
        server.process.terminate()
        server.process.wait(30)
    lines = [json.loads(line) for line in server.said]
    assert len([line for line in lines if line.get("status")]) == 6
    assert "secret" not in "".join(server.said).lower()
