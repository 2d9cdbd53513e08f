"""The one setting of the C library's memory, seen from outside: in the page faults of a process."""

import platform
import subprocess
import sys

import pytest

COPIES = """
import resource, sys
from dicomweb.allocator import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
data = bytes(1024 * 1024)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    eight = [data + b"another copy" for _ in range(8)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(setting):
    ended = subprocess.run([sys.executable, "-c", COPIES, setting], check=True, capture_output=True)
    return int(ended.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is a setting of glibc")
def test_freed_memory_is_not_mapped_again():
    assert page_faults("kept") * 2 < page_faults("as it is")
