"""kill -9 under load, twenty times: nothing acknowledged is lost, nothing half stored is left."""

from __future__ import annotations

import random
import sqlite3
import threading
from pathlib import Path

import httpx
from pydicom.uid import generate_uid

from tests.make import instance, related, related_type
from tests.process import Running, serving

KILLS = 20
CLIENTS = 3
LARGE_BYTES = 3 * 1024 * 1024
"""Above what ingest keeps in memory, so that some instances are spooled to disk as they come."""


class Client(threading.Thread):
    """Stores instances until the server is gone; remembers each that was acknowledged."""

    def __init__(self, server: Running, seed: int) -> None:
        super().__init__()
        self.server = server
        self.random = random.Random(seed)
        self.acknowledged: dict[str, bytes] = {}
        self.begun = threading.Event()

    def run(self) -> None:
        with httpx.Client(timeout=30) as http:
            while True:
                sent = dict(self.object() for _ in range(self.random.randint(1, 3)))
                try:
                    answer = http.post(
                        self.server.url + "/studies",
                        content=related(sent.values()),
                        headers=related_type(),
                    )
                except httpx.HTTPError:
                    return
                if answer.status_code == 200:
                    self.acknowledged |= sent
                    self.begun.set()

    def object(self) -> tuple[str, bytes]:
        uid = generate_uid()
        if self.random.random() < 0.2:
            pixels = {"Rows": 1024, "Columns": LARGE_BYTES // 2048}
            noise = self.random.randbytes(1024) * (LARGE_BYTES // 1024)
        else:
            pixels, noise = {}, self.random.randbytes(32)
        study = f"1.2.{self.random.randint(1, 5)}"
        ids = {"SOPInstanceUID": uid, "StudyInstanceUID": study, "SeriesInstanceUID": study + ".1"}
        return uid, instance(**ids, **pixels, PixelData=noise)


def test_kill_nine_loses_nothing_and_leaves_nothing_behind(tmp_path):
    """STOW-60."""
    random_moment = random.Random(20)
    acknowledged: dict[str, bytes] = {}
    for kill in range(KILLS):
        with serving(tmp_path) as server:
            clients = [Client(server, seed=100 * kill + number) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            assert clients[0].begun.wait(30)
            threading.Event().wait(random_moment.random() * 0.5)
            server.kill()
            for client in clients:
                client.join()
                acknowledged |= client.acknowledged
    with serving(tmp_path) as server:
        assert_whole(server, acknowledged)
    assert_nothing_half_stored(tmp_path, acknowledged)


def assert_whole(server: Running, acknowledged: dict[str, bytes]) -> None:
    """Every acknowledged instance is found and comes back as it was sent."""
    accept = {"Accept": "application/dicom; transfer-syntax=*"}
    with httpx.Client(timeout=30) as http:
        for uid, sent in acknowledged.items():
            (found,) = http.get(f"{server.url}/instances?SOPInstanceUID={uid}").json()
            assert http.get(found["00081190"]["Value"][0], headers=accept).content == sent


def assert_nothing_half_stored(data: Path, acknowledged: dict[str, bytes]) -> None:
    """Rows and blobs are the same set; counts are those of the rows."""
    index = sqlite3.connect(data / "index.sqlite")
    rows = {blob for (blob,) in index.execute("SELECT blob FROM instance")}
    files = {
        path.stem for path in (data / "objects").rglob("*.dcm") if ".staging" not in path.parts
    }
    assert rows == files
    assert len(rows) >= len(acknowledged)
    counted = index.execute(
        'SELECT "NumberOfStudyRelatedInstances", (SELECT count(*) FROM instance JOIN series '
        "ON instance.series_id = series.id WHERE series.study_id = study.id) FROM study"
    ).fetchall()
    assert all(maintained == there for maintained, there in counted)
    index.close()
