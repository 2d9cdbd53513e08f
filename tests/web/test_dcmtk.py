"""What we hand out is read by readers that nobody here wrote: dcmtk's dcmdump."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from pydicom.data import get_testdata_file

from tests.make import related, related_type

pytestmark = pytest.mark.skipif(
    shutil.which("dcmdump") is None,
    reason="dcmdump is not installed; it comes with Debian's package dcmtk.",
)

FILES = {
    "implicit": "rtdose.dcm",
    "implicit with sequences": "rtplan.dcm",
    "big endian": "ExplVR_BigEnd.dcm",
    "big endian with sequences": "MR_small_bigendian.dcm",
    "deflated": "image_dfl.dcm",
    "explicit": "CT_small.dcm",
    "without file meta": "ExplVR_LitEndNoMeta.dcm",
}


@pytest.mark.parametrize("name", FILES.values(), ids=FILES)
async def test_an_instance_in_explicit_little_endian_is_read_by_dcmtk(server, name, tmp_path):
    """NEG-26, WADO-07, ENC-10, ENC-21: every element of it, without a warning or an error."""
    path = get_testdata_file(name, download=False)
    with open(path, "rb") as file:
        sent = file.read()
    answer = await server.post("/studies", content=related([sent]), headers=related_type())
    assert answer.status_code in (200, 202), answer.text
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    given = tmp_path / "given.dcm"
    given.write_bytes((await server.get(url, headers={"Accept": "application/dicom"})).content)
    dumped = subprocess.run(
        ["dcmdump", "--load-all", str(given)], capture_output=True, text=True, check=False
    )
    assert (dumped.returncode, dumped.stderr) == (0, "")
    assert "=LittleEndianExplicit" in dumped.stdout
