"""Renders one picture in each format, and says which modules that has loaded.

To be run in a process of its own: `python -m tests.pixels.first_picture`.
"""

import sys

import numpy as np

import dicomweb.app  # noqa: F401 - what a server has loaded when it begins to serve
from dicomweb.pixels import annotation, geometry, grayscale, pages, profiles
from dicomweb.pixels.encode import FORMATS, encoded
from dicomweb.pixels.image import Image
from schemas.view import Profile, Size, Window


def main() -> None:
    before = set(sys.modules)
    spec = grayscale.Grayscale(12, False, voi=Window(2048, 4096))
    image = Image(grayscale.to_grey(spec, np.zeros((64, 64), np.uint16)))
    image = geometry.viewed(image, Size(32, 32), None)
    image = annotation.annotated(image, ["patient"], ["technique"])
    for format in FORMATS:
        encoded(image, format, 90)
    profiles.profiled(image, Profile.DISPLAY_P3)
    pages.pdf(list(pages.written("text")))
    print(*sorted(set(sys.modules) - before))


if __name__ == "__main__":
    main()
