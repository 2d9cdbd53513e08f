// What can be taken out, as links: the browser saves what the server answers.

import { copyButton, h, icon } from "./dom.js";
import { curl } from "./requests.js";
import { resource } from "./service.js";

const STORED = "application/dicom; transfer-syntax=*";

function link(target, below, accept, label, file) {
  const url = `${resource(target, below)}?accept=${encodeURIComponent(accept)}`;
  return { url, accept, label, file, element: h("a", { class: "button line", href: url, download: file }, icon("download", 16), label) };
}

const short = (uid) => uid.split(".").slice(-2).join(".");

/** The ways to take a study, a series or an instance out of the archive. */
export function ways(target, { image = false } = {}) {
  if (!target.instance) {
    const name = target.series ? `series-${short(target.series)}` : `study-${short(target.study)}`;
    return [link(target, "", "application/zip", "Download zip", `${name}.zip`)];
  }
  const name = `image-${short(target.instance)}`;
  const listed = [link({ ...target, frame: null }, "", STORED, "DICOM", `${name}.dcm`)];
  if (image) {
    listed.push(link(target, "/rendered", "image/png", "PNG", `${name}.png`), link(target, "/rendered", "image/jpeg", "JPEG", `${name}.jpg`));
  }
  return listed;
}

/** The links, and a line for the shell that does what the first of them does. */
export function links(target, options) {
  const listed = ways(target, options);
  const [{ url, accept, file }] = listed;
  return [listed.map((one) => one.element), copyButton(curl(url.split("?")[0], accept, file), "Copy curl")];
}
