// The requests behind the page, each as a line for the shell.

import { copyButton, dialog, h } from "./dom.js";
import { asked } from "./service.js";

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A curl line that does what the page did. */
export function curl(url, accept, file = "") {
  return ["curl -s", accept ? `-H ${quoted(`Accept: ${accept}`)}` : "", file ? `-o ${quoted(file)}` : "", quoted(url)].filter(Boolean).join(" ");
}

export function open() {
  const lines = asked.toReversed().map(({ url, accept }) => curl(url, accept));
  dialog(
    "Requests behind this page",
    h("p", null, "The browser has no other way to the archive than DICOMweb: what it shows, these lines give, the latest first."),
    h("ul", { class: "requests" }, lines.map((line) => h("li", null, h("code", null, line), copyButton(line)))),
  );
}
