// A series as its images in order, from one request for its metadata.

import { description } from "./pixels.js";
import { metadata } from "./service.js";
import { all, first, number, numbers, text } from "./values.js";

const SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6";
const VIDEOS = new Set(["1.2.840.10008.5.1.4.1.1.77.1.1.1", "1.2.840.10008.5.1.4.1.1.77.1.2.1", "1.2.840.10008.5.1.4.1.1.77.1.4.1"]);

/** In what way an object is looked at. */
export function kindOf(object) {
  const sopClass = text(object, "SOPClassUID");
  if (sopClass === SLIDE && number(object, "TotalPixelMatrixColumns")) return "slide";
  if (VIDEOS.has(sopClass)) return "video";
  if (number(object, "Rows") && number(object, "Columns") && (object["7FE00010"] || object["7FE00008"] || object["7FE00009"])) return "image";
  if (object["00420011"]) return text(object, "MIMETypeOfEncapsulatedDocument").includes("pdf") ? "pdf" : "document";
  if (object["54000100"]) return "waveform";
  if (object["0040A730"]) return "report";
  return "other";
}

/** One picture: an instance, or a frame of one. */
export class Picture {
  constructor(target, object, frame, kind) {
    Object.assign(this, { target, object, frame, kind });
    this.key = `${target.instance}/${frame}`;
  }

  get groups() {
    return [all(this.object, "PerFrameFunctionalGroupsSequence")[this.frame - 1], first(this.object, "SharedFunctionalGroupsSequence")].filter(Boolean);
  }

  /** How its pixels are stored; worked out once. */
  get told() {
    this.described ??= Object.assign(description(this.object, this.groups), { float: Boolean(this.object["7FE00008"] || this.object["7FE00009"]) });
    if (this.object["7FE00009"]) this.described.allocated = 64;
    return this.described;
  }

  /** Millimetres along the normal of its plane, and that normal; null where it has no place in space. */
  get place() {
    if (this.placed !== undefined) return this.placed;
    const position = numbers(this.groups.map((group) => first(group, "PlanePositionSequence")).find(Boolean) ?? this.object, "ImagePositionPatient");
    const o = numbers(this.groups.map((group) => first(group, "PlaneOrientationSequence")).find(Boolean) ?? this.object, "ImageOrientationPatient");
    this.placed = null;
    if (position.length === 3 && o.length === 6) {
      const normal = [o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5], o[0] * o[4] - o[1] * o[3]];
      this.placed = { along: normal.reduce((sum, part, axis) => sum + part * position[axis], 0), normal, orientation: o };
    }
    return this.placed;
  }
}

function pictures(target, object) {
  const kind = kindOf(object);
  const at = { ...target, instance: text(object, "SOPInstanceUID") };
  const frames = kind === "image" ? Math.max(1, number(object, "NumberOfFrames", 1)) : 1;
  return Array.from({ length: frames }, (_, index) => new Picture(at, object, index + 1, kind));
}

function parallel(a, b) {
  return a.normal.every((part, axis) => Math.abs(part - b.normal[axis]) < 0.01);
}

/** In space where every image has its own place in one direction, else by number. */
function order(list) {
  const byNumber = (a, b) => number(a.object, "InstanceNumber", 1e9) - number(b.object, "InstanceNumber", 1e9) || a.frame - b.frame;
  const [one] = list;
  const singles = list.every((picture) => picture.kind === "image" && picture.place && number(picture.object, "NumberOfFrames", 1) === 1);
  const spatial = list.length > 1 && singles && list.every((picture) => parallel(picture.place, one.place)) && new Set(list.map((picture) => picture.place.along.toFixed(3))).size === list.length;
  if (!spatial) return list.sort(byNumber);
  const forward = [...list].sort(byNumber);
  const up = forward[0].place.along <= forward.at(-1).place.along;
  return list.sort((a, b) => (up ? 1 : -1) * (a.place.along - b.place.along));
}

export class Stack {
  constructor(target, objects) {
    this.target = target;
    this.pictures = order(objects.flatMap((object) => pictures(target, object)));
    if (this.pictures[0]?.kind === "slide") this.slides = objects;
  }

  get length() {
    return this.slides ? 1 : this.pictures.length;
  }

  indexOf(instance, frame = 1) {
    return this.pictures.findIndex((picture) => picture.target.instance === instance && (picture.frame === frame || picture.kind !== "image"));
  }

  /** Where the image nearest to a place is; null where that cannot be said. */
  nearest(place) {
    let best = null;
    let least = Infinity;
    this.pictures.forEach((picture, at) => {
      if (!picture.place || !parallel(picture.place, place)) return;
      const away = Math.abs(picture.place.along - place.along);
      if (away < least) [best, least] = [at, away];
    });
    return best;
  }

  /** Frames a second that the object asks for. */
  get rate() {
    const object = this.pictures[0]?.object;
    const time = number(object, "FrameTime");
    return Math.min(60, Math.max(1, number(object, "RecommendedDisplayFrameRate") || number(object, "CineRate") || (time ? Math.round(1000 / time) : 10)));
  }
}

/** The stack of a series; `target` names the study and it. */
export async function load(target, { signal } = {}) {
  return new Stack(target, await metadata(target, { signal }));
}
