"""`make contact-sheet`: every file of the corpus as it is rendered, side by side, to be looked at.

Writes `build/contact-sheet-1.png` and so on; what is not rendered is there as a word.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from pathlib import Path

import httpx
from PIL import Image, ImageDraw

from dicomweb.settings import Settings
from tests.make import related, related_type
from tests.real_files import real_files, shown
from tests.web.conftest import client_of

CELL = 148
LABEL = 26
ACROSS = 12
DOWN = 8


async def cells(paths: list[Path]) -> list[tuple[str, Image.Image | str]]:
    """Each file with its picture, or what the server said instead."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        async with client_of(Settings(data=Path(folder), duplicates="replace")) as client:
            for path in paths:
                if (said := await picture(client, path)) is not None:
                    found.append((shown(path), said))
    return found


async def picture(client: httpx.AsyncClient, path: Path) -> Image.Image | str | None:
    answer = await client.post(
        "/studies", content=related([path.read_bytes()]), headers=related_type()
    )
    stored = answer.json().get("00081199", {}).get("Value")
    if not stored:
        return None
    url = stored[0]["00081190"]["Value"][0]
    query = "?viewport=" + f"{CELL - 4},{CELL - LABEL - 4}"
    answer = await client.get(f"{url}/rendered{query}", headers={"Accept": "image/png"})
    if answer.status_code == 200:
        return Image.open(io.BytesIO(answer.content)).convert("RGB")
    return f"{answer.status_code} {answer.text.strip()}"


def sheet(some: list[tuple[str, Image.Image | str]]) -> Image.Image:
    page = Image.new("RGB", (ACROSS * CELL, DOWN * CELL), (40, 40, 60))
    draw = ImageDraw.Draw(page)
    for place, (name, said) in enumerate(some):
        left, top = place % ACROSS * CELL, place // ACROSS * CELL
        if isinstance(said, str):
            lines = [said[n : n + 22] for n in range(0, min(len(said), 110), 22)]
            draw.text((left + 4, top + 30), "\n".join(lines), fill=(255, 160, 120))
        else:
            page.paste(said, (left + 2, top + 2))
        label = name.rpartition("/")[2]
        draw.text((left + 2, top + CELL - LABEL), label[:24], fill=(220, 220, 120))
        draw.text((left + 2, top + CELL - LABEL + 12), label[24:48], fill=(220, 220, 120))
    return page


def main() -> None:
    folder = Path("build")
    folder.mkdir(exist_ok=True)
    some = [path for path in real_files() if not sys.argv[1:] or sys.argv[1] in str(path)]
    found = asyncio.run(cells(some))
    for number, begin in enumerate(range(0, len(found), ACROSS * DOWN), 1):
        written = folder / f"contact-sheet-{number}.png"
        sheet(found[begin : begin + ACROSS * DOWN]).save(written)
        print(written)


if __name__ == "__main__":
    main()
