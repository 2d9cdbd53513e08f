// Sending files with STOW-RS (PS3.18 10.5): a few at a time, each answered for, again after a lost connection.

import { SERVICE, search, sentence } from "./service.js";
import { look } from "./sources.js";
import { all, first, text } from "./values.js";

const AT_ONCE = 4;
const KNOWN_AT_ONCE = 50;
const COMMENT_LETTERS_MAX = 64;
const ASK_AGAIN_MILLISECONDS = [1000, 2000, 4000, 8000];

/** What becomes of a file, from "waiting" on; `detail` says why. */
export const STATES = { waiting: "waiting", sending: "sending", stored: "stored", there: "there already", refused: "refused", passed: "passed over" };

export class Sending {
  /** `changed` is called with a file whose state changed, and with nothing when the whole did. */
  constructor(changed) {
    this.changed = changed;
    this.files = [];
    this.queue = [];
    this.running = new Set();
    this.lost = false;
    this.paused = false;
    this.reading = 0;
    this.again = false;
  }

  get counts() {
    const counts = Object.fromEntries(Object.keys(STATES).map((state) => [state, 0]));
    for (const file of this.files) counts[file.state] += 1;
    return counts;
  }

  get bytes() {
    return { all: this.files.reduce((sum, file) => sum + file.size, 0), sent: this.files.reduce((sum, file) => sum + (["waiting", "sending"].includes(file.state) ? file.sent : file.size), 0) };
  }

  get done() {
    return !this.reading && this.files.every((file) => !["waiting", "sending"].includes(file.state));
  }

  /** Takes what `sources` gives; what the archive holds already is not sent again, unless `again`. */
  async add(sources) {
    this.reading += 1;
    this.changed();
    let batch = [];
    try {
      for await (const source of sources) {
        const file = { ...source, state: "waiting", sent: 0, detail: "" };
        this.files.push(file);
        this.changed(file);
        if (source.broken) this.set(file, "refused", source.broken);
        else batch.push(file);
        if (batch.length === KNOWN_AT_ONCE) {
          await this.admit(batch);
          batch = [];
        }
      }
      await this.admit(batch);
    } finally {
      this.reading -= 1;
      this.changed();
    }
  }

  /** Looks at files, passes over what is no DICOM, skips what is known, and has the rest sent. */
  async admit(files) {
    const ready = [];
    for (const file of files) {
      try {
        file.blob = await file.open();
        const { dicom, uid } = await look(file.blob);
        file.uid = uid;
        // Blobs unpacked from an archive are let go of until their turn comes.
        if (file.name.includes(".zip/")) file.blob = null;
        if (!dicom && !file.explicit) this.set(file, "passed", "It is no DICOM.");
        else ready.push(file);
      } catch (error) {
        this.set(file, "refused", `It cannot be read: ${error.message}`);
      }
    }
    const known = this.again ? new Set() : await this.known(ready);
    for (const file of ready) {
      if (known.has(file.uid)) this.set(file, "there", "");
      else this.queue.push(file);
    }
    this.next();
  }

  async known(files) {
    const uids = files.map((file) => file.uid).filter(Boolean);
    if (!uids.length) return new Set();
    try {
      const { objects } = await search("instances", { SOPInstanceUID: uids.join(","), limit: KNOWN_AT_ONCE }, { quiet: true });
      return new Set(objects.map((object) => text(object, "SOPInstanceUID")));
    } catch {
      return new Set();
    }
  }

  set(file, state, detail) {
    Object.assign(file, { state, detail, blob: ["waiting", "sending"].includes(state) ? file.blob : null });
    this.changed(file);
    this.changed();
  }

  next() {
    while (!this.paused && !this.lost && this.running.size < AT_ONCE && this.queue.length) this.send(this.queue.shift());
  }

  async send(file) {
    this.running.add(file);
    this.set(file, "sending", "");
    try {
      const blob = file.blob ?? (await file.open());
      const answer = await post(blob, (sent) => {
        file.sent = sent;
        this.changed(file);
        this.changed();
      });
      if (answer === null) this.lose(file);
      else this.set(file, ...judged(answer, file));
    } catch (error) {
      this.set(file, "refused", `It cannot be read: ${error.message}`);
    } finally {
      this.running.delete(file);
      this.next();
    }
  }

  /** Nobody answered: whether it was stored is unknown, so it is asked for and, if it is missing, sent again. */
  lose(file) {
    file.sent = 0;
    this.queue.unshift(file);
    this.set(file, "waiting", "the connection was lost");
    if (this.lost) return;
    this.lost = true;
    this.changed();
    this.wait(0);
  }

  async wait(attempt) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MILLISECONDS[Math.min(attempt, ASK_AGAIN_MILLISECONDS.length - 1)]));
    try {
      if (!(await fetch(new URL("../healthz", SERVICE))).ok) throw new Error("unwell");
    } catch {
      return this.wait(attempt + 1);
    }
    this.lost = false;
    const unsure = this.queue.filter((file) => file.detail).slice(0, KNOWN_AT_ONCE);
    const known = await this.known(unsure);
    this.queue = this.queue.filter((file) => !(file.detail && known.has(file.uid)));
    for (const file of unsure) this.set(file, known.has(file.uid) ? "stored" : "waiting", "");
    this.changed();
    this.next();
  }

  pause(paused) {
    this.paused = paused;
    this.changed();
    this.next();
  }
}

/** One file as the whole body; the answer, or null when there was none. */
function post(blob, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${SERVICE}studies`);
    request.setRequestHeader("Content-Type", "application/dicom");
    request.setRequestHeader("Accept", "application/dicom+json");
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => resolve({ status: request.status, body: request.responseText, headers: { get: (name) => request.getResponseHeader(name) } });
    request.onerror = request.onabort = request.ontimeout = () => resolve(null);
    request.send(blob);
  });
}

/** A comment ends where its 64 letters end, in the middle of a word if need be (PS3.5 6.2, LO). */
function whole(comment) {
  return comment.length < COMMENT_LETTERS_MAX ? comment : comment.replace(/\W+\w*$/, " …");
}

/** [state, why] of an answer (PS3.18 10.5.3). */
function judged(answer, file) {
  const { status, body, headers } = answer;
  if (!headers.get("Content-Type")?.includes("dicom+json")) return ["refused", sentence(body, answer)];
  const module = JSON.parse(body);
  const failed = first(module, "FailedSOPSequence") ?? first(module, "OtherFailuresSequence");
  if (failed) return ["refused", whole(text(failed, "ErrorComment")) || `Failure reason ${(first(failed, "FailureReason") ?? 0).toString(16).toUpperCase().padStart(4, "0")}`];
  const stored = first(module, "ReferencedSOPSequence");
  file.url = stored?.["00081190"]?.Value?.[0] ?? "";
  const warned = all(stored, "WarningReason").length > 0;
  return status < 300 ? ["stored", warned ? "with a warning: it does not match its SOP class or encoding" : ""] : ["refused", `The server answered ${status}.`];
}
