// What is no picture: reports, documents, waveforms, videos, each in its own way.

import { h, svg } from "./dom.js";
import { panel } from "./metadata.js";
import { get, reached, resource } from "./service.js";
import { all, first, name, number, text, written } from "./values.js";

const WAYS = { report, pdf, video, waveform };

/** An element that shows the object, and what lets go of it. */
export async function open(picture) {
  const way = WAYS[picture.kind];
  if (way) return way(picture);
  return { element: h("div", { class: "document plain" }, h("p", { class: "lead" }, "This object has no picture: its attributes are all there is of it."), panel(picture.target, { object: picture.object })) };
}

async function bulk(object, tag, accept) {
  const element = object[tag];
  if (element?.InlineBinary !== undefined) return Uint8Array.from(atob(element.InlineBinary), (char) => char.charCodeAt(0));
  if (!element?.BulkDataURI) return new Uint8Array(0);
  return new Uint8Array(await (await get(reached(element.BulkDataURI), { accept })).arrayBuffer());
}

function blob(bytes, type) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  return { url, release: () => URL.revokeObjectURL(url) };
}

async function pdf({ object }) {
  const bytes = await bulk(object, "00420011", "application/octet-stream");
  const { url, release } = blob(bytes, "application/pdf");
  const label = text(object, "SeriesDescription") || "Document";
  const element = h("div", { class: "document" }, navigator.pdfViewerEnabled ? h("iframe", { src: url, title: label }) : h("p", { class: "lead" }, "This browser shows no PDF."), h("p", { class: "acts" }, h("a", { class: "button line", href: url, download: "document.pdf" }, "Save the PDF")));
  return { element, release };
}

async function video({ target, object }) {
  const response = await get(resource({ ...target, frame: 1 }), { accept: "video/mp4, video/mpeg, video/*;q=0.5, */*;q=0.1" });
  const type = response.headers.get("Content-Type")?.split(";")[0] ?? "";
  const whole = await response.blob();
  const { url, release } = blob(await whole.arrayBuffer(), type);
  const said = h("p", { class: "lead", hidden: true }, `This browser does not play ${type}.`);
  const player = h("video", { src: url, controls: true, loop: true, playsinline: true, "aria-label": text(object, "SeriesDescription") || "Video", onerror: () => (said.hidden = false) });
  return { element: h("div", { class: "document" }, player, said, h("p", { class: "acts" }, h("a", { class: "button line", href: url, download: type.includes("mp4") ? "video.mp4" : "video.mpg" }, "Save the video"))), release };
}

// Structured reports (PS3.3 C.17.3) ----------------------------------------------------

async function report({ object }) {
  const heading = meaning(first(object, "ConceptNameCodeSequence")) || "Report";
  return { element: h("article", { class: "document report", tabindex: "0" }, h("h2", null, heading), h("p", { class: "soft" }, [name(object), text(object, "PatientID"), written(text(object, "StudyDate"))].filter(Boolean).join(" · ")), items(object)) };
}

const meaning = (code) => text(code, "CodeMeaning");

function items(object) {
  const list = all(object, "ContentSequence");
  return list.length ? h("ul", null, list.filter(Boolean).map((item) => h("li", null, entry(item), items(item)))) : null;
}

function entry(item) {
  const label = meaning(first(item, "ConceptNameCodeSequence"));
  const content = contentOf(item);
  if (content === null) return h("h3", null, label || "Part");
  return h("p", null, label ? h("span", { class: "soft" }, `${label}: `) : null, content);
}

/** The value of a content item by its type; null for a container. */
function contentOf(item) {
  const value = (tag) => item[tag]?.Value?.[0] ?? null;
  const measured = item["0040A300"]?.Value?.[0];
  const types = {
    CONTAINER: () => null,
    TEXT: () => value("0040A160"),
    CODE: () => meaning(value("0040A168")),
    NUM: () => (measured ? `${measured["0040A30A"]?.Value?.[0] ?? ""} ${meaning(measured["004008EA"]?.Value?.[0])}` : "no value"),
    PNAME: () => Object.values(value("0040A123") ?? {}).join(" = ").replaceAll("^", " "),
    DATE: () => written(value("0040A121") ?? ""),
    TIME: () => value("0040A122"),
    DATETIME: () => value("0040A120"),
    UIDREF: () => value("0040A124"),
  };
  const type = value("0040A040")?.trim();
  if (types[type]) return types[type]() ?? (type === "CONTAINER" ? null : "");
  const referenced = item["00081199"]?.Value?.[0]?.["00081155"]?.Value?.[0];
  return referenced ? `${type === "IMAGE" ? "image" : "object"} ${referenced}` : (type ?? "").toLowerCase();
}

// Waveforms (PS3.3 C.10.9) -------------------------------------------------------------

const SECONDS_MAX = 10;
const PIXELS_A_SECOND = 200;
const ROW_PIXELS = 90;

const READERS = { SB: ["getInt8", 1], UB: ["getUint8", 1], SS: ["getInt16", 2], US: ["getUint16", 2], SL: ["getInt32", 4], UL: ["getUint32", 4] };

async function waveform({ object }) {
  const groups = all(object, "WaveformSequence").filter(Boolean);
  const drawn = [];
  for (const group of groups) drawn.push(plot(group, await bulk(group, "54001010", "application/octet-stream")));
  return { element: h("div", { class: "document wave", tabindex: "0", role: "region", "aria-label": "Waveforms" }, drawn.filter(Boolean)) };
}

function plot(group, bytes) {
  const channels = number(group, "NumberOfWaveformChannels", 0);
  const rate = number(group, "SamplingFrequency", 0);
  const [read, width] = READERS[text(group, "WaveformSampleInterpretation")] ?? [];
  if (!channels || !rate || !read) return null;
  const samples = Math.min(Math.floor(bytes.byteLength / width / channels), Math.ceil(rate * SECONDS_MAX));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const definitions = all(group, "ChannelDefinitionSequence");
  const size = [Math.ceil((samples / rate) * PIXELS_A_SECOND), channels * ROW_PIXELS];
  const step = Math.max(1, Math.floor(rate / PIXELS_A_SECOND / 2));
  const rows = Array.from({ length: channels }, (_, channel) => {
    const definition = definitions[channel];
    const gain = number(definition, "ChannelSensitivity", 1);
    const values = [];
    for (let at = 0; at < samples; at += step) values.push(view[read]((at * channels + channel) * width, true) * gain);
    const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
    return { label: text(definition, "ChannelLabel") || meaning(first(definition, "ChannelSourceSequence")) || `Channel ${channel + 1}`, values: values.map((value) => value - middle) };
  });
  const peak = Math.max(1e-9, ...rows.map(({ values }) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));
  const lines = rows.map(({ label, values }, channel) => {
    const middle = (channel + 0.5) * ROW_PIXELS;
    const path = values.map((value, at) => `${at ? "L" : "M"}${(((at * step) / rate) * PIXELS_A_SECOND).toFixed(1)} ${(middle - (value / peak) * ROW_PIXELS * 0.62).toFixed(1)}`).join("");
    return [svg("path", { d: path, class: "signal" }), svg("text", { x: 6, y: middle - ROW_PIXELS * 0.28 }, label)];
  });
  const seconds = Array.from({ length: Math.ceil(samples / rate) + 1 }, (_, at) => svg("path", { d: `M${at * PIXELS_A_SECOND} 0V${size[1]}`, class: "second" }));
  const fine = Array.from({ length: Math.ceil((samples / rate) * 5) }, (_, at) => svg("path", { d: `M${(at * PIXELS_A_SECOND) / 5} 0V${size[1]}`, class: "fine" }));
  return h("figure", null, svg("svg", { width: size[0], height: size[1], viewBox: `0 0 ${size.join(" ")}`, role: "img", "aria-label": `${channels} channels, ${(samples / rate).toFixed(1)} seconds` }, fine, seconds, lines), h("figcaption", null, `${channels} channels at ${rate} Hz; a line is 0.2 s, a strong one a second`));
}

