// Files, folders and zip archives -> what is to be sent, one by one; what plainly is no DICOM is passed over.

import { entries } from "./zip.js";

const HEAD_BYTES = 4096;
const PREAMBLE_BYTES = 128;

/** Everything that was dropped or chosen, as `{name, size, open(), explicit}`; folders are walked. */
export async function* dropped(transfer) {
  // The list empties once the event is over: all entries are taken before anything is waited for.
  const items = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  for (const item of items.filter(Boolean)) yield* item instanceof File ? whole(item, item.name, true) : walk(item, item.isFile);
}

export async function* chosen(files) {
  for (const file of files) yield* whole(file, file.webkitRelativePath || file.name, !file.webkitRelativePath);
}

async function* walk(entry, explicit) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    yield* whole(file, entry.fullPath.replace(/^\//, ""), explicit);
    return;
  }
  const reader = entry.createReader();
  const read = () => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  for (let some = await read(); some.length; some = await read()) for (const child of some) yield* walk(child, false);
}

async function* whole(file, name, explicit) {
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  const zip = start[0] === 0x50 && start[1] === 0x4b && (start[2] === 3 || start[2] === 5);
  if (!zip) {
    yield { name, size: file.size, open: async () => file, explicit };
    return;
  }
  try {
    for await (const entry of entries(file)) yield { ...entry, name: `${name}/${entry.name}`, explicit: false };
  } catch (error) {
    yield { name, size: file.size, broken: error.message, explicit: true };
  }
}

/** Whether bytes are a DICOM file by their looks, and the SOP Instance UID that its head names. */
export async function look(blob) {
  const bytes = new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer());
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (text(PREAMBLE_BYTES, PREAMBLE_BYTES + 4) !== "DICM") {
    // Files from before Part 10 begin with group 0008 (or 0002), little endian or big.
    const group = bytes[0] | (bytes[1] << 8);
    return { dicom: bytes.length > 8 && [0x0008, 0x0002, 0x0800].includes(group), uid: null };
  }
  const view = new DataView(bytes.buffer);
  for (let at = PREAMBLE_BYTES + 4; at + 12 <= bytes.length && view.getUint16(at, true) === 2; ) {
    const long = ["OB", "OW", "UN", "SQ", "UT", "OF"].includes(text(at + 4, at + 6));
    const length = long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
    const from = at + (long ? 12 : 8);
    if (view.getUint16(at + 2, true) === 3) return { dicom: true, uid: text(from, from + length).replace(/[\0 ]+$/, "") };
    at = from + length;
  }
  return { dicom: true, uid: null };
}
