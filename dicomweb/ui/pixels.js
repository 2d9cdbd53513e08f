// Bytes of a frame -> grey levels on the screen: stored value, modality transformation, window.
// Pure: no request and no element in here.

import { first, number, numbers, text } from "./values.js";

/** What of an object's header tells how its pixels are stored and meant; `groups` are those of the frame. */
export function description(object, groups = []) {
  const measures = groups.map((group) => first(group, "PixelMeasuresSequence")).find(Boolean);
  const transformation = groups.map((group) => first(group, "PixelValueTransformationSequence")).find(Boolean) ?? object;
  const voi = groups.map((group) => first(group, "FrameVOILUTSequence")).find(Boolean) ?? object;
  const photometric = text(object, "PhotometricInterpretation").trim();
  const allocated = number(object, "BitsAllocated", 8);
  const stored = number(object, "BitsStored", allocated);
  return {
    rows: number(object, "Rows", 0),
    columns: number(object, "Columns", 0),
    samples: number(object, "SamplesPerPixel", 1),
    photometric,
    grey: photometric.startsWith("MONOCHROME"),
    inverse: photometric === "MONOCHROME1",
    allocated,
    stored,
    shift: Math.max(0, number(object, "HighBit", stored - 1) + 1 - stored),
    signed: number(object, "PixelRepresentation", 0) === 1,
    slope: number(transformation, "RescaleSlope", 1) || 1,
    intercept: number(transformation, "RescaleIntercept", 0),
    unit: text(transformation, "RescaleType") || (text(object, "Modality") === "CT" ? "HU" : ""),
    padding: number(object, "PixelPaddingValue"),
    windows: windows(voi),
    exact: text(voi, "VOILUTFunction") || "LINEAR",
    ...spacing(object, measures),
  };
}

function windows(object) {
  const widths = numbers(object, "WindowWidth");
  const names = object?.["00281055"]?.Value ?? [];
  return numbers(object, "WindowCenter")
    .map((center, at) => ({ center, width: widths[at] ?? widths[0], name: names[at] || `Stored ${at + 1}` }))
    .filter(({ width }) => width > 0);
}

/** Millimetres from pixel to pixel, down and across, and what they are measured at. */
function spacing(object, measures) {
  for (const [keyword, where] of [["PixelSpacing", ""], ["ImagerPixelSpacing", "at the detector"], ["NominalScannedPixelSpacing", "as scanned"]]) {
    const pair = numbers(measures && keyword === "PixelSpacing" ? measures : object, keyword);
    if (pair.length === 2 && pair.every((value) => value > 0)) return { spacing: pair, measured: where, aspect: pair[0] / pair[1] };
  }
  const [down, across] = numbers(object, "PixelAspectRatio");
  return { spacing: null, measured: "", aspect: down > 0 && across > 0 ? down / across : 1 };
}

/** The stored words of a frame as they lie in its bytes; null where there are too few of them. */
export function words(bytes, told) {
  const count = told.rows * told.columns;
  const needed = Math.ceil((count * told.allocated) / 8);
  if (bytes.byteLength < needed) return null;
  if (told.allocated === 1) return Uint8Array.from({ length: count }, (_, at) => (bytes[at >> 3] >> (at & 7)) & 1);
  const from = bytes.byteOffset % 8 ? bytes.slice(0, needed).buffer : bytes.buffer;
  const offset = bytes.byteOffset % 8 ? 0 : bytes.byteOffset;
  if (told.allocated === 8) return new Uint8Array(from, offset, count);
  if (told.allocated === 16) return new Uint16Array(from, offset, count);
  if (told.allocated === 32) return told.float ? new Float32Array(from, offset, count) : told.signed ? new Int32Array(from, offset, count) : new Uint32Array(from, offset, count);
  return told.allocated === 64 ? new Float64Array(from, offset, count) : null;
}

/** The value that a stored word means, in the unit of the description. */
export function value(word, told) {
  return stored(word, told) * told.slope + told.intercept;
}

function stored(word, told) {
  if (told.allocated > 16 || told.allocated === 1) return word;
  const bits = told.stored;
  const whole = (word >> told.shift) & (2 ** bits - 1);
  return told.signed && whole >= 2 ** (bits - 1) ? whole - 2 ** bits : whole;
}

/** The window over what there is in a frame, but for the outermost thousandths: for images that bring none. */
export function automatic(frame, told, share = 0.001) {
  const step = Math.max(1, Math.floor(frame.length / 65536));
  const sample = [];
  for (let at = 0; at < frame.length; at += step) {
    const raw = stored(frame[at], told);
    if (raw !== told.padding && Number.isFinite(raw)) sample.push(raw);
  }
  sample.sort((a, b) => a - b);
  if (!sample.length) return { center: 0, width: 1 };
  const at = (part) => sample[Math.min(sample.length - 1, Math.floor(part * sample.length))];
  const bounds = [at(share), at(1 - share)].map((raw) => raw * told.slope + told.intercept);
  const [low, high] = bounds[0] <= bounds[1] ? bounds : bounds.toReversed();
  return { center: (low + high) / 2 + 0.5, width: Math.max(1, high - low + 1) };
}

/** A function from values to grey levels 0…255 (PS3.3 C.11.2.1.2). */
export function level({ center, width }, how) {
  if (how === "SIGMOID") return (x) => 255 / (1 + Math.exp((-4 * (x - center)) / width));
  const shift = how === "LINEAR_EXACT" ? 0 : 0.5;
  const span = Math.max(how === "LINEAR_EXACT" ? width : width - 1, 1e-9);
  return (x) => ((x - (center - shift)) / span + 0.5) * 255;
}

const LUTS = new WeakMap();

/** Writes the grey levels of a frame into RGBA words of the same size. */
export function paint(frame, told, window, inverted, into) {
  const dark = inverted !== told.inverse;
  const grey = level(window, told.exact);
  const pixel = (x) => {
    const y = Math.min(255, Math.max(0, Math.round(grey(x))));
    const z = dark ? 255 - y : y;
    return (0xff000000 | (z << 16) | (z << 8) | z) >>> 0;
  };
  if (told.allocated > 16) {
    for (let at = 0; at < frame.length; at += 1) into[at] = pixel(value(frame[at], told));
    return;
  }
  const key = `${window.center} ${window.width} ${dark}`;
  let table = LUTS.get(told);
  if (table?.key !== key) {
    const size = told.allocated === 1 ? 2 : 2 ** told.allocated;
    table = { key, words: new Uint32Array(size) };
    for (let word = 0; word < size; word += 1) table.words[word] = pixel(value(word, told));
    LUTS.set(told, table);
  }
  const look = table.words;
  for (let at = 0; at < frame.length; at += 1) into[at] = look[frame[at]];
}

/** Windows by modality, in its own unit, for who wants another than the stored one. */
export const PRESETS = {
  CT: [
    { name: "Soft tissue", center: 40, width: 400 },
    { name: "Lung", center: -600, width: 1500 },
    { name: "Bone", center: 400, width: 1800 },
    { name: "Brain", center: 40, width: 80 },
    { name: "Liver", center: 60, width: 160 },
    { name: "Mediastinum", center: 50, width: 350 },
  ],
};
