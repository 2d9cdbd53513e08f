// Frames on their way: what is looked at first, what comes next after that, a bounded number kept.

import { words } from "./pixels.js";
import { Problem, get, resource } from "./service.js";

const AT_ONCE = 6;
const KEPT_BYTES_MAX = 384 * 1024 * 1024;
const NATIVE = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";
const RENDERED = "image/jpeg";

/** Kept pictures, the latest used last. */
const kept = new Map();
let keptBytes = 0;

/** Instances whose frames the server does not give as numbers; it is not asked again. */
const drawn = new Set();

const waiting = [];
const running = new Map();

function keep(key, data) {
  kept.set(key, data);
  keptBytes += data.bytes;
  for (const [old, { bytes, bitmap }] of kept) {
    if (keptBytes <= KEPT_BYTES_MAX || old === key) break;
    bitmap?.close();
    kept.delete(old);
    keptBytes -= bytes;
  }
}

/** What is there of a picture already. */
export function at(picture) {
  const data = kept.get(picture.key);
  if (data) {
    kept.delete(picture.key);
    kept.set(picture.key, data);
  }
  return data ?? null;
}

/** The pixels of a picture: `{frame}` for grey ones, `{bitmap}` for what the server has drawn. */
export function fetchPicture(picture) {
  const there = at(picture);
  if (there) return Promise.resolve(there);
  const on = running.get(picture.key);
  if (on) return on.promise;
  const queued = waiting.findIndex((one) => one.picture.key === picture.key);
  if (queued >= 0) waiting.splice(queued, 1);
  return start(picture, true);
}

function start(picture, wanted) {
  const control = new AbortController();
  const promise = read(picture, control.signal, wanted).finally(() => {
    running.delete(picture.key);
    next();
  });
  running.set(picture.key, { promise, control, wanted });
  return promise;
}

function next() {
  while (running.size < AT_ONCE && waiting.length) {
    const { picture } = waiting.shift();
    if (!kept.has(picture.key) && !running.has(picture.key)) start(picture, false).catch(() => {});
  }
}

/** Has pictures fetched when there is room; what was asked for before and is not in the list is forgotten. */
export function prefetch(pictures) {
  waiting.length = 0;
  for (const picture of pictures) if (picture.kind === "image" && !kept.has(picture.key) && !running.has(picture.key)) waiting.push({ picture });
  next();
}

async function read(picture, signal, wanted) {
  const options = { signal, quiet: !wanted, priority: wanted ? "high" : "low" };
  const data = (await native(picture, options)) ?? (await rendered(picture, options));
  keep(picture.key, data);
  return data;
}

async function native(picture, options) {
  const { told } = picture;
  if (!told.grey || told.samples !== 1 || drawn.has(picture.target.instance)) return null;
  const target = { ...picture.target, frame: picture.frame };
  let response;
  try {
    response = await get(resource(target), { ...options, accept: NATIVE });
  } catch (error) {
    if (error instanceof Problem && [406, 415, 500, 501].includes(error.status)) {
      drawn.add(picture.target.instance);
      return null;
    }
    throw error;
  }
  const frame = words(new Uint8Array(await response.arrayBuffer()), told);
  return frame && { frame, bytes: frame.byteLength };
}

/** As the server draws it (PS3.18 10.4.1.1.3): colour, and what cannot be had as numbers. */
async function rendered(picture, options) {
  const target = { ...picture.target, frame: picture.frame };
  const response = await get(resource(target, "/rendered"), { ...options, accept: RENDERED });
  const bitmap = await createImageBitmap(await response.blob());
  return { bitmap, bytes: bitmap.width * bitmap.height * 4 };
}
