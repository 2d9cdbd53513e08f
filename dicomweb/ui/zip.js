// Entries of a zip archive, read piece by piece from the file: nothing of it is unpacked but what is sent.
// APPNOTE 6.3: end record, zip64, central directory; stored and deflated entries.

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES_MAX = 65_557;
const DIRECTORY_BYTES_MAX = 256 * 1024 * 1024;
const WHOLE = 0xffffffff;

async function view(file, from, to) {
  return new DataView(await file.slice(from, to).arrayBuffer());
}

async function directory(file) {
  const from = Math.max(0, file.size - END_BYTES_MAX);
  const tail = await view(file, from, file.size);
  let at = tail.byteLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== END) at -= 1;
  if (at < 0) throw new Error("It is no zip archive, or its end is missing.");
  let [size, offset] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  if (at >= 20 && tail.getUint32(at - 20, true) === LOCATOR_64) {
    const end = await view(file, Number(tail.getBigUint64(at - 12, true)), Number(tail.getBigUint64(at - 12, true)) + 56);
    if (end.byteLength === 56 && end.getUint32(0, true) === END_64) [size, offset] = [Number(end.getBigUint64(40, true)), Number(end.getBigUint64(48, true))];
  }
  if (size > DIRECTORY_BYTES_MAX || offset + size > file.size) throw new Error("Its directory lies outside of it.");
  return view(file, offset, offset + size);
}

/** The files in a zip archive: name, size, and a function that gives the bytes as a Blob. */
export async function* entries(file) {
  const listed = await directory(file);
  for (let at = 0; at + 46 <= listed.byteLength && listed.getUint32(at, true) === CENTRAL; ) {
    const [flags, method] = [listed.getUint16(at + 8, true), listed.getUint16(at + 10, true)];
    let [packed, size, offset] = [listed.getUint32(at + 20, true), listed.getUint32(at + 24, true), listed.getUint32(at + 42, true)];
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((place) => listed.getUint16(at + place, true));
    const bytes = new Uint8Array(listed.buffer, listed.byteOffset + at + 46, nameBytes);
    const name = new TextDecoder(flags & 0x800 ? "utf-8" : "latin1").decode(bytes);
    for (let extra = at + 46 + nameBytes, end = extra + extraBytes; extra + 4 <= end; extra += 4 + listed.getUint16(extra + 2, true)) {
      if (listed.getUint16(extra, true) !== 1) continue;
      let place = extra + 4;
      const wide = () => Number(listed.getBigUint64((place += 8) - 8, true));
      if (size === WHOLE) size = wide();
      if (packed === WHOLE) packed = wide();
      if (offset === WHOLE) offset = wide();
    }
    at += 46 + nameBytes + extraBytes + commentBytes;
    if (name.endsWith("/")) continue;
    yield { name, size, open: () => unpack(file, { flags, method, packed, size, offset }) };
  }
}

async function unpack(file, { flags, method, packed, size, offset }) {
  if (flags & 1) throw new Error("It is encrypted.");
  const head = await view(file, offset, offset + 30);
  if (head.byteLength < 30 || head.getUint32(0, true) !== LOCAL) throw new Error("It is damaged.");
  const from = offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const data = file.slice(from, from + packed);
  if (method === 0) return data;
  if (method !== 8) throw new Error("It is packed in a way that browsers do not know.");
  let left = size;
  // What unpacks to more than it says is no archive of images.
  const bounded = new TransformStream({
    transform(chunk, controller) {
      left -= chunk.byteLength;
      if (left < 0) controller.error(new Error("It is larger than it says."));
      else controller.enqueue(chunk);
    },
  });
  return new Response(data.stream().pipeThrough(new DecompressionStream("deflate-raw")).pipeThrough(bounded)).blob();
}
