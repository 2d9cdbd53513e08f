"""Progress on a terminal: a bar with rate and time left; nothing where nobody watches."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def progress(total_bytes: int) -> tqdm[Any]:
    """A bar to be updated with bytes, and written above of; silent when stderr is no terminal."""
    return tqdm(
        total=total_bytes,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        file=sys.stderr,
        disable=None,
        dynamic_ncols=True,
        smoothing=0.1,
    )
