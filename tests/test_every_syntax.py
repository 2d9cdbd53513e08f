"""Every real file in every transfer syntax we encode, read by other decoders: `make test-corpus`.

It takes half an hour and says at its end how close lossy frames came.  A representative part is in
tests/web/test_transcoding.py.
"""

from __future__ import annotations

from collections import defaultdict

import httpx
import pytest

from tests.every_syntax import every_syntax
from tests.make import related, related_type
from tests.process import serving
from tests.real_files import real_files, shown

NOT_READ_BY_OTHERS = {
    "MultiframeWindowing.dcm": "pydicom wants Samples per Pixel, which is missing",
    "SC_rgb_rle_16bit_2frame.dcm": "GDCM writes no colours of 16 bits",
    "UnknownSopClassUid.dcm": "GDCM reads no images of SOP classes it does not know",
    "badVR.dcm": "pydicom stops at a value that is not of its kind",
    "liver_rle.dcm": "dcmtk's RLE has no cells of one bit",
    "mlut_18.dcm": "GDCM cuts values to Bits Stored, which these exceed",
    "sparse-labelmap-ppv5.dcm": "GDCM reads no images of SOP classes it does not know",
}
"""What is at fault there is not what we give; the codecs' own tests have such pixels too."""

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    data = tmp_path_factory.mktemp("archive")
    with (
        serving(data, "--duplicates", "replace") as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def decibels():
    """Of each lossy answer, by the name of the syntax."""
    found: dict[str, list[float]] = defaultdict(list)
    yield found
    for name, each in sorted(found.items()):
        print(f"\n{name}: {len(each)} files, the worst at {min(each):.1f} dB", end="")


@pytest.mark.parametrize("path", real_files(), ids=shown)
def test_a_real_file_in_every_syntax(http, decibels, path, tmp_path):
    """NEG-24, 26, 39; WADO-07, 08; ENC-02, 03, 05, 08..13, 21, 28, 29."""
    if path.name in NOT_READ_BY_OTHERS:
        pytest.skip(NOT_READ_BY_OTHERS[path.name])
    answer = http.post("/studies", content=related([path.read_bytes()]), headers=related_type())
    stored = answer.json().get("00081199")
    if stored is None:
        pytest.skip("It is refused; tests/test_corpus.py says why.")
    url = stored["Value"][0]["00081190"]["Value"][0]
    if http.get(f"{url}/frames/1", headers={"Accept": "*/*"}).status_code == 404:
        pytest.skip("It has no frames.")

    def get(accept: str) -> tuple[int, bytes]:
        given = http.get(url, headers={"Accept": accept})
        return given.status_code, given.content

    for told in every_syntax(get, tmp_path):
        if told.decibels is not None and not told.syntax.lossless:
            decibels[told.syntax.name].append(told.decibels)
