"""FILM: moving pictures as H.264 in MP4, and what another program, ffmpeg, is told to make them.

Pure: command lines out of facts.  No encoder of such video is both permissively licensed and kept
up as a package; ffmpeg stands outside, as a process of its own, where it is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.reasons import UNRENDERABLE, Refused
from schemas.syntaxes import TransferSyntax


@dataclass(frozen=True, slots=True)
class Film:
    media_type: str
    side_max: int
    """Of what common decoders take (ISO/IEC 14496-10 A.3.1, level 5.2)."""
    frames_max: int
    pixels_max: int
    """Of all frames together; so many take about half a minute."""


FILM = Film("video/mp4", side_max=4_096, frames_max=10_000, pixels_max=2 * 1024**3)

_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1")
_PROTOCOLS = ("-protocol_whitelist", "concat,file,subfile")
"""What an input may be read through: a stored stream names no other files, and no hosts."""


def film_command(
    columns: int, rows: int, *, colour: bool, milliseconds: float, quality: int, output: str
) -> Sequence[str]:
    """Raw frames on the standard input -> an MP4 file at `output`, its index before its frames.

    Sides are made even, as 4:2:0 needs it, with a black line.
    """
    factor = round(51 - 0.37 * quality)  # 14 at the best, 18 at the usual 90
    return (
        *("-hide_banner", "-loglevel", "error", "-f", "rawvideo"),
        *("-pixel_format", "rgb24" if colour else "gray", "-video_size", f"{columns}x{rows}"),
        *("-framerate", f"{1000 / milliseconds:.6f}", "-i", "pipe:0"),
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,pad=ceil(iw/2)*2:ceil(ih/2)*2"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", str(factor), "-threads", "2"),
        *("-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_range", "tv"),
        *("-movflags", "+faststart", "-f", "mp4", "-y", output),
    )


def still_command(demuxer: str, url: str, skipped: int) -> Sequence[str]:
    """One frame of a stream as a PPM picture on the standard output; `skipped` come before it."""
    chosen = f"select=gte(n\\,{skipped})"
    return (
        *_QUIET, *_PROTOCOLS, "-f", demuxer, "-i", url, "-map", "0:v:0", "-vf", chosen,
        "-frames:v", "1", "-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1",
    )  # fmt: skip


def demuxer_of(syntax: TransferSyntax, head: bytes) -> str:
    """How a stream that begins so is to be read (PS3.5 8.2.5 to 8.2.8); Refused for any other.

    It is told and not guessed: some of what ffmpeg would guess reads other files.
    """
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:1] == b"\x47":
        return "mpegts"
    if head.startswith(b"\0\0\1\xba"):
        return "mpeg"
    if head.startswith(b"\0\0\1\xb3"):
        return "mpegvideo"
    if head.startswith((b"\0\0\1", b"\0\0\0\1")) and syntax.media_type != "video/mpeg":
        return "hevc" if syntax.media_type == "video/H265" else "h264"
    raise Refused(UNRENDERABLE, f"The stream does not begin as {syntax.name} does.")


def url_of(path: str, ranges: Sequence[tuple[int, int]]) -> str:
    """Those bytes of a file, (offset, length) each, one after the other, as ffmpeg names them."""
    if "|" in path:
        raise Refused(UNRENDERABLE, "The folder of the objects has a | in its name.")
    pieces = [f"subfile,,start,{at},end,{at + length},,:{path}" for at, length in ranges]
    return pieces[0] if len(pieces) == 1 else "concat:" + "|".join(pieces)
