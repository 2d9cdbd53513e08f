"""Metadata that nobody here wrote: dcmtk makes it of real files, we store it."""

from __future__ import annotations

import json
import shutil
import subprocess

import pydicom
import pytest

from schemas.native_xml import read
from tests.make import message, related, related_type
from tests.real_files import SHIPPED

pytestmark = pytest.mark.skipif(
    shutil.which("dcm2xml") is None,
    reason="dcm2xml is not installed; it comes with Debian's package dcmtk.",
)
FILES = ["CT_small.dcm", "rtplan.dcm", "waveform_ecg.dcm", "MR_small_implicit.dcm", "test-SR.dcm"]
XML = ["dcm2xml", "--native-format", "--encode-base64"]
TOOLS = {
    "JSON": ("application/dicom+json", ["dcm2json"]),
    "XML": ("application/dicom+xml", XML),
}
LOST = {"00080005"}


def said(tool: list[str], name: str) -> bytes:
    command = [*tool, str(SHIPPED / "test_files" / name)]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("media_type, tool", TOOLS.values(), ids=TOOLS)
@pytest.mark.parametrize("name", FILES)
async def test_what_dcmtk_says_of_a_file_is_stored_as_the_file(
    sqlite_server, name, media_type, tool
):
    """STOW-03, STOW-04, STOW-29, XML-02..09: its metadata is then that of the file itself."""
    answer = await sqlite_server.post(
        "/studies",
        content=message([({"Content-Type": media_type}, said(tool, name))]),
        headers=related_type(media_type),
    )
    assert answer.status_code in (200, 202), answer.text
    ours = await metadata_of(sqlite_server, answer)
    file = (SHIPPED / "test_files" / name).read_bytes()
    answer = await sqlite_server.put("/studies", content=related([file]), headers=related_type())
    theirs = await metadata_of(sqlite_server, answer)
    standard = {tag for tag in theirs if int(tag[:4], 16) % 2 == 0} - LOST
    assert {tag for tag in standard if ours.get(tag) != theirs[tag]} == set()


async def metadata_of(server, answer):
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    (told,) = json.loads((await server.get(url + "/metadata")).content)
    return told


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_the_xml_of_dcmtk_is_read_as_what_it_says(name):
    """XML-02..09."""
    found = read(said(XML, name))
    ds = pydicom.dcmread(SHIPPED / "test_files" / name)
    assert {tag for tag in found if int(tag[:4], 16) % 2 == 0} >= {
        f"{int(element.tag):08X}" for element in ds if element.tag.group % 2 == 0
    }
