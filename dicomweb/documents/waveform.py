"""Waveforms: channels as arrays in their units, and a list of them (PS3.3 C.10.9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicomweb.documents.document import Document, Entry
from dicomweb.documents.facts import facts
from schemas.keywords import DataSet
from schemas.reasons import UNRENDERABLE, Refused

CHANNELS_MAX = 256
_TYPES = {"SB": "i1", "UB": "u1", "SS": "<i2", "US": "<u2", "SL": "<i4", "UL": "<u4"}
_PACKED = {"MB": "u1", "AB": "u1"}
"""Mu-law and A-law: shown by their codes, which are in the order of loudness but for the sign."""


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    name: str
    unit: str
    samples: NDArray[np.float64]
    frequency_hertz: float


def channels(ds: DataSet) -> Iterator[Channel]:
    """The channels of all multiplex groups; Refused where samples are missing or of no kind."""
    for group in ds.items("WaveformSequence"):
        yield from _group(group)


def _group(group: DataSet) -> Iterator[Channel]:
    count, samples = group.whole("NumberOfWaveformChannels"), group.whole("NumberOfWaveformSamples")
    kind = group.text("WaveformSampleInterpretation")
    dtype = (_TYPES | _PACKED).get(kind)
    if dtype is None or not 0 < count <= CHANNELS_MAX or samples <= 0:
        raise Refused(UNRENDERABLE, f"The waveform has {count} channels of {kind or 'no'} samples.")
    data = group.octets("WaveformData")
    needed = count * samples * np.dtype(dtype).itemsize
    if len(data) < needed:
        raise Refused(
            UNRENDERABLE, f"The waveform has {len(data)} bytes, its samples are {needed}."
        )
    values = np.frombuffer(data[:needed], dtype).reshape(samples, count)
    frequency = group.number("SamplingFrequency") or 1.0
    definitions = list(group.items("ChannelDefinitionSequence"))
    for number in range(count):
        definition = definitions[number] if number < len(definitions) else DataSet()
        yield _channel(definition, number, values[:, number].astype(np.float64), frequency)


def _channel(
    definition: DataSet, number: int, samples: NDArray[np.float64], frequency: float
) -> Channel:
    source = definition.item("ChannelSourceSequence")
    name = definition.text("ChannelLabel") or (source.text("CodeMeaning") if source else "")
    sensitivity = definition.number("ChannelSensitivity")
    unit = ""
    if sensitivity:
        correction = definition.number("ChannelSensitivityCorrectionFactor") or 1.0
        samples = samples * sensitivity * correction + (definition.number("ChannelBaseline") or 0.0)
        units = definition.item("ChannelSensitivityUnitsSequence")
        unit = units.text("CodeValue") if units else ""
    return Channel(name or f"Channel {number + 1}", unit, samples, frequency)


def waveform(ds: DataSet) -> Document:
    """The channels with their ranges, and what was noted."""
    entries = []
    for channel in channels(ds):
        low, high = channel.samples.min(), channel.samples.max()
        seconds = len(channel.samples) / channel.frequency_hertz
        said = (
            f"{low:g} to {high:g} {channel.unit}, {seconds:g} s at {channel.frequency_hertz:g} Hz"
        )
        entries.append(Entry(channel.name, said))
    for note in ds.items("WaveformAnnotationSequence"):
        concept, modifier = note.item("ConceptNameCodeSequence"), note.text("UnformattedTextValue")
        name = concept.text("CodeMeaning") if concept else "Note"
        value = " ".join(str(v) for v in note.values("NumericValue"))
        entries.append(Entry(name, modifier or value))
    return Document(ds.text("SeriesDescription") or "Waveform", facts(ds), tuple(entries))
