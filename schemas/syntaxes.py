"""Every transfer syntax we know, one row each (PS3.6 Table A-1, PS3.18 Table 8.7.3-5)."""

from __future__ import annotations

from dataclasses import dataclass

NATIVE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    uid: str
    name: str
    media_type: str
    """Of one frame, or of a whole video, without the element around it."""
    lossless: bool = True
    encapsulated: bool = True
    implicit: bool = False
    big_endian: bool = False
    deflated: bool = False
    """The whole data set is a deflate stream (PS3.5 A.5)."""
    video: bool = False
    """All frames are one stream; a single one cannot be cut out."""
    referenced: bool = False
    """The pixels are somewhere else, where a URL says (PS3.5 8.4)."""


_P = "1.2.840.10008.1.2"

# fmt: off
IMPLICIT_VR_LE = TransferSyntax(_P,          "Implicit VR Little Endian",          NATIVE, encapsulated=False, implicit=True)
EXPLICIT_VR_LE = TransferSyntax(_P + ".1",   "Explicit VR Little Endian",          NATIVE, encapsulated=False)
EXPLICIT_VR_BE = TransferSyntax(_P + ".2",   "Explicit VR Big Endian (retired)",   NATIVE, encapsulated=False, big_endian=True)
DEFLATED       = TransferSyntax(_P + ".1.99", "Deflated Explicit VR Little Endian", NATIVE, encapsulated=False, deflated=True)

SYNTAXES = (
    IMPLICIT_VR_LE,
    EXPLICIT_VR_LE,
    DEFLATED,
    EXPLICIT_VR_BE,
    TransferSyntax(_P + ".1.98",    "Encapsulated Uncompressed Explicit VR Little Endian", NATIVE),
    TransferSyntax(_P + ".4.50",    "JPEG Baseline (Process 1)",                  "image/jpeg", lossless=False),
    TransferSyntax(_P + ".4.51",    "JPEG Extended (Process 2 and 4)",            "image/jpeg", lossless=False),
    TransferSyntax(_P + ".4.53",    "JPEG Spectral Selection (retired)",          "image/jpeg", lossless=False),
    TransferSyntax(_P + ".4.55",    "JPEG Full Progression (retired)",            "image/jpeg", lossless=False),
    TransferSyntax(_P + ".4.57",    "JPEG Lossless (Process 14)",                 "image/jpeg"),
    TransferSyntax(_P + ".4.70",    "JPEG Lossless, First-Order Prediction",      "image/jpeg"),
    TransferSyntax(_P + ".4.80",    "JPEG-LS Lossless",                           "image/jls"),
    TransferSyntax(_P + ".4.81",    "JPEG-LS Near-Lossless",                      "image/jls", lossless=False),
    TransferSyntax(_P + ".4.90",    "JPEG 2000 Lossless Only",                    "image/jp2"),
    TransferSyntax(_P + ".4.91",    "JPEG 2000",                                  "image/jp2", lossless=False),
    TransferSyntax(_P + ".4.92",    "JPEG 2000 Part 2 Lossless Only",             "image/jpx"),
    TransferSyntax(_P + ".4.93",    "JPEG 2000 Part 2",                           "image/jpx", lossless=False),
    TransferSyntax(_P + ".4.94",    "JPIP Referenced",                            NATIVE, encapsulated=False, referenced=True),
    TransferSyntax(_P + ".4.95",    "JPIP Referenced Deflate",                    NATIVE, encapsulated=False, deflated=True, referenced=True),
    TransferSyntax(_P + ".4.100",   "MPEG2 Main Level",                           "video/mpeg", lossless=False, video=True),
    TransferSyntax(_P + ".4.100.1", "Fragmentable MPEG2 Main Level",              "video/mpeg", lossless=False, video=True),
    TransferSyntax(_P + ".4.101",   "MPEG2 High Level",                           "video/mpeg", lossless=False, video=True),
    TransferSyntax(_P + ".4.101.1", "Fragmentable MPEG2 High Level",              "video/mpeg", lossless=False, video=True),
    TransferSyntax(_P + ".4.102",   "MPEG-4 AVC High Profile",                    "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.102.1", "Fragmentable MPEG-4 AVC High Profile",       "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.103",   "MPEG-4 AVC BD-compatible",                   "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.103.1", "Fragmentable MPEG-4 AVC BD-compatible",      "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.104",   "MPEG-4 AVC High Profile for 2D Video",       "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.104.1", "Fragmentable MPEG-4 AVC for 2D Video",       "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.105",   "MPEG-4 AVC High Profile for 3D Video",       "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.105.1", "Fragmentable MPEG-4 AVC for 3D Video",       "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.106",   "MPEG-4 AVC Stereo High Profile",             "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.106.1", "Fragmentable MPEG-4 AVC Stereo",             "video/mp4", lossless=False, video=True),
    TransferSyntax(_P + ".4.107",   "HEVC Main Profile",                          "video/H265", lossless=False, video=True),
    TransferSyntax(_P + ".4.108",   "HEVC Main 10 Profile",                       "video/H265", lossless=False, video=True),
    TransferSyntax(_P + ".4.110",   "JPEG XL Lossless",                           "image/jxl"),
    TransferSyntax(_P + ".4.111",   "JPEG XL JPEG Recompression",                 "image/jxl", lossless=False),
    TransferSyntax(_P + ".4.112",   "JPEG XL",                                    "image/jxl", lossless=False),
    TransferSyntax(_P + ".4.201",   "High-Throughput JPEG 2000 Lossless Only",    "image/jphc"),
    TransferSyntax(_P + ".4.202",   "High-Throughput JPEG 2000 RPCL Lossless Only", "image/jphc"),
    TransferSyntax(_P + ".4.203",   "High-Throughput JPEG 2000",                  "image/jphc", lossless=False),
    TransferSyntax(_P + ".4.204",   "JPIP HTJ2K Referenced",                      NATIVE, encapsulated=False, referenced=True),
    TransferSyntax(_P + ".4.205",   "JPIP HTJ2K Referenced Deflate",              NATIVE, encapsulated=False, deflated=True, referenced=True),
    TransferSyntax(_P + ".5",       "RLE Lossless",                               "image/dicom-rle"),
    TransferSyntax(_P + ".8.1",     "Deflated Image Frame Compression",           "application/x-deflate"),
)
# fmt: on

BY_UID = {syntax.uid: syntax for syntax in SYNTAXES}


def syntax_of(uid: str) -> TransferSyntax:
    """The row of `uid`; an unknown or private syntax is taken for encapsulated explicit little endian.

    That is what PS3.5 10.1 leaves a reader to expect, and it is all one needs to pass bytes through.
    """
    return BY_UID.get(uid) or TransferSyntax(uid, uid, NATIVE)
