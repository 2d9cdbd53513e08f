// The frame around every view: addresses to views, the header's tools, the keys that work everywhere.

import { debounced, dialog, h, say } from "./dom.js";
import { show as search } from "./search.js";

const VIEWS = {
  "": { title: "Studies", styles: [], load: async () => search },
  study: { title: "Study", styles: ["study"], load: async () => (await import("./study.js")).show },
  view: { title: "Viewer", styles: ["study", "viewer"], load: async () => (await import("./viewer.js")).show },
  add: { title: "Add", styles: ["study", "add"], load: async () => (await import("./add.js")).show },
  status: { title: "Status", styles: ["study", "status"], load: async () => (await import("./status.js")).show },
};

const PAUSE_MILLISECONDS = 200;

const loaded = new Map();

/** A style sheet, there once it is awaited; none is asked for before its view is. */
function style(name) {
  if (!loaded.has(name)) {
    const link = document.createElement("link");
    const there = new Promise((resolve) => (link.onload = link.onerror = resolve));
    Object.assign(link, { rel: "stylesheet", href: new URL(`style/${name}.css`, import.meta.url) });
    document.head.append(link);
    loaded.set(name, there);
  }
  return loaded.get(name);
}

const main = document.getElementById("main");
const ROOT = new URL(".", document.baseURI).pathname;

let leaving = new AbortController();

function pageOf(url) {
  return url.pathname.startsWith(ROOT) ? url.pathname.slice(ROOT.length) : null;
}

/** Goes to a view; the one that is left can be come back to as it was. */
export function go(address) {
  remember();
  history.pushState(null, "", new URL(address, document.baseURI));
  return draw();
}

/** Where on the page somebody is: how far down, among how many rows, at which. */
function remember() {
  const links = [...main.querySelectorAll("tbody th a")];
  history.replaceState({ scroll: scrollY, rows: links.length, at: links.indexOf(document.activeElement) }, "");
}

async function draw({ scroll = 0, rows = 0, at = -1, focus = true } = {}) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const page = pageOf(new URL(location.href));
  const view = VIEWS[page] ?? VIEWS[""];
  document.documentElement.dataset.page = page || "search";
  for (const link of document.querySelectorAll("header nav a")) {
    const here = link.dataset.page === `/${page}` || (link.dataset.page === "/" && ["study", "view"].includes(page));
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const [show] = await Promise.all([view.load(), ...view.styles.map(style)]);
  if (signal.aborted) return;
  document.title = view.title;
  main.replaceChildren();
  main.className = page || "search";
  await show(main, new URLSearchParams(location.search), { signal, go, title, rows, at });
  if (signal.aborted) return;
  scrollTo(0, scroll);
  if (focus && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
}

function title(text) {
  document.title = text;
  say(text);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target || link.hasAttribute("download") || link.getAttribute("href").startsWith("#")) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !(pageOf(url) in VIEWS)) return;
  event.preventDefault();
  go(url);
});

history.scrollRestoration = "manual";
addEventListener("popstate", () => draw(history.state ?? {}));
// Leaving by the browser's own buttons is told only after it has happened.
addEventListener("scroll", debounced(PAUSE_MILLISECONDS, remember), { passive: true });
addEventListener("pagehide", remember);

// The header's tools ---------------------------------------------------------------

document.getElementById("theme").addEventListener("click", () => {
  const dark = (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
  say(dark ? "Light" : "Dark");
});

document.getElementById("requests").addEventListener("click", async () => (await import("./requests.js")).open());
document.getElementById("help").addEventListener("click", help);

const KEYS = [
  ["Everywhere", [["?", "These keys"], ["/", "To the search box"], ["g s", "Studies"], ["g a", "Add"], ["g t", "Status"], ["Esc", "Close, or one level up"]]],
  ["Lists", [["↑ ↓", "From one row to the next"], ["Enter", "Open"], ["v", "Open in the viewer"]]],
  [
    "Viewer",
    [
      ["↑ ↓ wheel", "Image by image"],
      ["Page ↑ ↓", "Ten images"],
      ["Home End", "First, last"],
      ["← →", "Series before, after"],
      ["w s z p l", "Drag to window, scroll, zoom, pan, measure"],
      ["1 – 9", "Window presets; 0 as stored"],
      ["i h f r", "Invert, flip across, flip down, rotate"],
      ["Space", "Play and pause"],
      ["+ − a", "Zoom in, out, one to one"],
      ["Backspace", "Everything as it was"],
      ["g 1 2 4", "One pane, two, four"],
      ["t m", "Text on the image, metadata"],
    ],
  ],
];

function help() {
  if (document.querySelector("dialog[open]")) return;
  dialog(
    "Keys",
    h(
      "div",
      { class: "keys" },
      KEYS.map(([heading, keys]) =>
        h("section", null, h("h3", null, heading), h("dl", null, keys.map(([key, does]) => h("div", null, h("dt", null, key.split(" ").map((one) => [h("kbd", null, one), " "])), h("dd", null, does)))))),
    ),
  );
}

let prefix = "";
const PLACES = { s: ".", a: "add", t: "status" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest?.("input, textarea, select")) return;
  if (event.key === "?") help();
  else if (event.key === "/") {
    event.preventDefault();
    const box = document.getElementById("q");
    if (box) box.focus();
    else go(".");
  } else if (prefix === "g" && PLACES[event.key]) go(PLACES[event.key]);
  prefix = event.key;
});

draw({ ...history.state, focus: false });
