"""What the conformance statement says in sentences, each with what proves it of a running server.

A proof is a test, as `web/test_search.py::test_pages_make_up_the_whole_without_overlap` below
`tests/`, or the id of a case of the suite, which our own server passes.  A sentence or table that
has none, or one that is not there, fails `tests/conformance/test_claims.py`.
"""

from __future__ import annotations

from conformance.claims.archive import (
    CHARACTER_SETS,
    INTRODUCTION,
    KEPT,
    MEDIA,
    MODEL,
    OVERVIEW,
    STORAGE_ROLES,
    TRANSCODING,
)
from conformance.claims.associations import ASSOCIATIONS, ONE_MATCHING
from conformance.claims.claim import Claims
from conformance.claims.rendering import RENDERING
from conformance.claims.running import ANNEXES, CHOICES, CONFIGURATION, LIMITS, REASONS, SECURITY
from conformance.claims.web import BESIDE, PATIENTS, RESOURCES, SEARCHING, STORING

PROSE: dict[str, Claims] = {
    "introduction": INTRODUCTION,
    "overview": OVERVIEW,
    "storage roles": STORAGE_ROLES,
    "media": MEDIA,
    "model": MODEL,
    "kept": KEPT,
    "transcoding": TRANSCODING,
    "character sets": CHARACTER_SETS,
    "associations": ASSOCIATIONS,
    "one matching": ONE_MATCHING,
    "resources": RESOURCES,
    "beside": BESIDE,
    "storing": STORING,
    "patients": PATIENTS,
    "searching": SEARCHING,
    "rendering": RENDERING,
    "configuration": CONFIGURATION,
    "limits": LIMITS,
    "reasons": REASONS,
    "security": SECURITY,
    "annexes": ANNEXES,
    "rulings": CHOICES,
}
