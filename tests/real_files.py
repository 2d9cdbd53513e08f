"""Real DICOM files for tests: those that pydicom ships, and ../shared/corpus where it is."""

from __future__ import annotations

from pathlib import Path

import pydicom

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
SHIPPED = Path(pydicom.__file__).parent / "data"
"""What lies in the package; pydicom's own look-up would fetch more from the network."""

_TEXTS = {"README", "LICENSE"}
_ENDINGS = {".dump", ".gz", ".icc", ".json", ".md", ".py", ".pyc", ".tsv", ".txt"}
"""Of what is no DICOM; in some names of DICOM files a UID follows the last dot."""


def real_files() -> list[Path]:
    """The corpus, which holds what pydicom ships too; without it, what pydicom ships."""
    return files_in(CORPUS if CORPUS.is_dir() else SHIPPED)


def files_in(folder: Path) -> list[Path]:
    """The DICOM files under `folder`, some broken on purpose; none if it is not there."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_dicom(path)]


def shown(path: Path) -> str:
    """A short name, for the id of a test."""
    return str(path.relative_to(CORPUS if CORPUS in path.parents else SHIPPED))


def _is_dicom(path: Path) -> bool:
    return path.suffix not in _ENDINGS and path.name not in _TEXTS
