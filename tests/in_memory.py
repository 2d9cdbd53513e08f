"""Folders in memory: of what tests in process take, half would be waiting for a disk.

What has to be durable is tested on a disk, with processes of its own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")
BYTES_MIN = 2 * 1024**3
"""Free, for what is in memory to be in nobody's way."""


def above() -> str | None:
    """Where to make a temporary folder; None, anywhere, where there is no room in memory."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= BYTES_MIN
    return str(_MEMORY) if roomy else None
