// Put in: files, folders and zip archives dropped on the page, and what became of each.

import { h, icon, say } from "./dom.js";
import { SERVICE } from "./service.js";
import { STATES, Sending } from "./sending.js";
import { chosen, dropped } from "./sources.js";
import { counted, size } from "./values.js";

const ROWS_MAX = 1000;

/** Goes on while other pages are looked at. */
let sending = null;
let draw = () => {};

export async function show(main, _, { signal, title }) {
  title("Add");
  sending ??= new Sending((file) => draw(file));
  addEventListener("beforeunload", (event) => sending && !sending.done && event.preventDefault(), { signal });

  const pick = (folder) => h("input", { type: "file", multiple: true, webkitdirectory: folder, class: "hidden", tabindex: "-1", "aria-hidden": "true", onchange: (event) => take(chosen([...event.target.files])) });
  const [files, folder] = [pick(false), pick(true)];
  const again = h("input", { type: "checkbox", id: "again", onchange: () => (sending.again = again.checked) });
  again.checked = sending.again;
  const drop = h(
    "section",
    { class: "drop card", "aria-label": "Choose what to add" },
    icon("add", 36),
    h("h2", null, "Drop files, folders or zip archives here"),
    h("p", { class: "soft" }, "They are kept byte for byte. What the archive holds already is not sent again, so an interrupted upload goes on where it stopped: drop the same things once more."),
    h("div", { class: "acts" }, h("button", { type: "button", onclick: () => files.click() }, "Choose files"), h("button", { type: "button", class: "line", onclick: () => folder.click() }, "Choose a folder")),
    h("label", { for: "again", class: "again" }, again, "Send also what is there already"),
    files,
    folder,
  );

  const bar = h("progress", { max: 1, value: 0, "aria-label": "All files" });
  const headline = h("p", { class: "headline-text", role: "status" });
  const figures = h("p", { class: "soft" });
  const pause = h("button", { type: "button", class: "line", onclick: () => sending.pause(!sending.paused) }, "Pause");
  const lost = h("p", { class: "notice", hidden: true }, icon("info", 16), "The connection is lost. It goes on by itself when the server answers; what is missing then is sent again.");
  const rows = h("tbody");
  const rest = h("p", { class: "soft rest" });
  const table = h("table", { role: "table" }, h("caption", { class: "hidden" }, "Files"), h("thead", null, h("tr", null, ["File", "Size", "What became of it"].map((heading) => h("th", { scope: "col" }, heading)))), rows);
  const kinds = h("div", { class: "segments", role: "group", "aria-label": "Which files to show" });
  const state = h("section", { class: "sent", "aria-label": "Progress", hidden: true }, h("div", { class: "whole card" }, h("div", { class: "headline" }, h("div", null, headline, figures), h("div", { class: "acts" }, pause, h("a", { class: "button line", href: "." }, "To the studies"))), bar), lost, h("div", { class: "bar" }, kinds), h("div", { class: "results" }, table), rest);
  main.append(h("h1", { class: "hidden" }, "Add to the archive"), drop, state, h("p", { class: "soft foot" }, "The same from a shell: ", h("code", null, `curl -s -H 'Content-Type: application/dicom' --data-binary @file.dcm ${SERVICE}studies`)));

  const lines = new Map();
  let only = null;
  let due = 0;

  function take(sources) {
    sending.add(sources);
  }

  const over = (event, on) => {
    event.preventDefault();
    drop.classList.toggle("over", on);
  };
  document.addEventListener("dragover", (event) => over(event, true), { signal });
  document.addEventListener("dragleave", (event) => event.relatedTarget || over(event, false), { signal });
  document.addEventListener("drop", (event) => { over(event, false); take(dropped(event.dataTransfer)); }, { signal });

  function line(file) {
    const told = h("td", { role: "cell" });
    const element = h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader" }, h("span", { class: "path" }, file.name)), h("td", { role: "cell", class: "count" }, size(file.size)), told);
    return { element, told, progress: null };
  }

  function update(file) {
    let one = lines.get(file);
    if (!one) {
      if (lines.size >= ROWS_MAX && !["refused", "passed"].includes(file.state)) return;
      one = line(file);
      lines.set(file, one);
      rows.append(one.element);
    }
    if (file.state === "sending" && one.progress) {
      one.progress.value = file.sent;
      return;
    }
    one.element.dataset.state = file.state;
    one.element.hidden = only !== null && only !== file.state;
    one.progress = file.state === "sending" ? h("progress", { max: Math.max(1, file.size), value: file.sent, "aria-label": file.name }) : null;
    one.told.replaceChildren(...[one.progress ?? h("span", { class: `state ${file.state}` }, file.state === "stored" ? icon("check", 16) : null, STATES[file.state]), file.detail ? h("span", { class: "detail" }, file.detail) : null].filter(Boolean));
  }

  function whole() {
    const { counts, bytes, files: all } = sending;
    state.hidden = !all.length && !sending.reading;
    bar.max = Math.max(1, bytes.all);
    bar.value = sending.done && all.length ? bar.max : bytes.sent;
    const over = all.length - counts.waiting - counts.sending;
    const words = sending.done ? `${counted(counts.stored, "file")} stored` : sending.lost ? "Waiting for the server" : sending.paused ? "Paused" : `Sending: ${over} of ${counted(all.length, "file")}`;
    if (headline.textContent !== words) headline.textContent = words;
    figures.textContent = [`${size(bytes.sent)} of ${size(bytes.all)}`, counts.there && `${counts.there} there already`, counts.refused && `${counts.refused} refused`, counts.passed && `${counts.passed} passed over`].filter(Boolean).join(" · ");
    pause.hidden = sending.done;
    pause.textContent = sending.paused ? "Go on" : "Pause";
    lost.hidden = !sending.lost;
    rest.textContent = all.length > lines.size ? `${counted(all.length - lines.size, "file")} more, not listed` : "";
    const there = [[null, "All", all.length], ...Object.entries(STATES).map(([key, label]) => [key, label, counts[key]])].filter(([key, , count]) => key === null || count);
    const key = JSON.stringify(there) + only;
    if (kinds.dataset.key === key) return;
    kinds.dataset.key = key;
    kinds.replaceChildren(...there.map(([one, label, count]) => h("button", { type: "button", class: "quiet", "aria-pressed": String(only === one), onclick: () => choose(one) }, `${label[0].toUpperCase()}${label.slice(1)} `, h("span", { class: "sub" }, count))));
    if (sending.done) say(words);
  }

  function choose(one) {
    only = one;
    for (const [file, { element }] of lines) element.hidden = only !== null && only !== file.state;
    whole();
  }

  draw = (file) => {
    if (signal.aborted) return;
    if (file) update(file);
    // Thousands of files change many times a second; people read a few.
    else due ||= requestAnimationFrame(() => { due = 0; whole(); });
  };
  signal.addEventListener("abort", () => (draw = () => {}));
  for (const file of sending.files) update(file);
  whole();
}
