// Look: the series of a study, up to four panes, tools, keys. The address names what is shown.

import { h, icon } from "./dom.js";
import { ways } from "./downloads.js";
import { panel } from "./metadata.js";
import { Pane } from "./pane.js";
import { OHIF, advice, search } from "./service.js";
import { load } from "./stack.js";
import { thumbnail } from "./thumbnails.js";
import { all, date, first, name, number, text } from "./values.js";

const LAYOUTS = [1, 2, 4];
const TOOLS = [
  { id: "window", key: "w", icon: "window", label: "Window" },
  { id: "scroll", key: "s", icon: "stack", label: "Scroll" },
  { id: "zoom", key: "z", icon: "zoom", label: "Zoom" },
  { id: "pan", key: "p", icon: "pan", label: "Pan" },
  { id: "measure", key: "l", icon: "measure", label: "Measure" },
];

export async function show(main, given, { signal, title, go }) {
  const viewer = new Viewer(main, given, signal, go);
  try {
    await viewer.start(title);
  } catch (error) {
    if (error.name !== "AbortError") viewer.fail(error);
  }
}

class Viewer {
  constructor(main, given, signal, go) {
    Object.assign(this, { given, signal, go });
    this.panes = [];
    this.active = null;
    this.tool = matchMedia("(pointer: coarse)").matches ? "scroll" : "window";
    this.linked = true;
    this.stacks = new Map();
    this.rail = h("nav", { class: "rail", "aria-label": "Series" });
    this.grid = h("div", { class: "grid" });
    this.drawer = h("aside", { class: "drawer", "aria-label": "Metadata", hidden: true });
    this.bar = this.toolbar();
    main.append(h("h1", { class: "hidden" }, "Viewer"), this.bar, h("div", { class: "stage" }, this.rail, this.grid, this.drawer));
    this.arrange(Number(given.get("panes")) || 1);
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    signal.addEventListener("abort", () => this.leave());
  }

  leave() {
    document.removeEventListener("keydown", this.onKey);
    for (const pane of this.panes) pane.stop();
  }

  fail(error) {
    this.grid.replaceChildren(h("div", { class: "empty bad", role: "alert" }, icon("info", 40), h("h2", null, "This cannot be shown"), h("p", null, advice(error)), h("a", { class: "button", href: "." }, "To all studies")));
  }

  async start(title) {
    const study = this.given.get("study");
    const prior = this.given.get("prior");
    const chosen = this.given.get("series");
    // The picture comes first: what is named is fetched beside the list of the others.
    const opening = chosen ? this.open(this.panes[0], { study, series: chosen }, this.given.get("instance"), Number(this.given.get("frame")) || 1) : null;
    const lists = await Promise.all([study, prior].filter(Boolean).map((uid) => this.list(uid)));
    title(`${name(lists[0]?.study) || "Study"} – ${text(lists[0]?.study, "StudyDescription") || "Viewer"}`);
    this.series = lists.flatMap(({ series }) => series);
    this.fillRail(lists);
    const [one, other] = lists;
    if (!chosen && one?.series[0]) await this.open(this.panes[0], one.series[0].target);
    if (prior && other?.series[0] && this.panes[1]) await this.open(this.panes[1], this.like(one, other));
    else if (!prior) await Promise.all(this.panes.slice(1).map((pane, at) => this.series[at + 1] && this.open(pane, this.series[at + 1].target)));
    await opening;
    this.mark();
  }

  /** The series of the prior that is most like the one shown. */
  like(one, other) {
    const shown = one.series.find(({ target }) => target.series === this.panes[0].stack?.target.series)?.object;
    const score = ({ object }) => (text(object, "Modality") === text(shown, "Modality") ? 2 : 0) + (text(object, "SeriesDescription") === text(shown, "SeriesDescription") ? 1 : 0);
    return other.series.toSorted((a, b) => score(b) - score(a))[0].target;
  }

  async list(uid) {
    const options = { signal: this.signal };
    const [{ objects: [study] }, { objects }] = await Promise.all([search("studies", { StudyInstanceUID: uid }, options), search(`studies/${encodeURIComponent(uid)}/series`, {}, options)]);
    objects.sort((a, b) => number(a, "SeriesNumber", 1e9) - number(b, "SeriesNumber", 1e9));
    return { study, series: objects.map((object) => ({ object, target: { study: uid, series: text(object, "SeriesInstanceUID") } })) };
  }

  fillRail(lists) {
    const item = ({ object, target }) => {
      const label = text(object, "SeriesDescription") || `Series ${text(object, "SeriesNumber")}`;
      return h(
        "li",
        null,
        h(
          "button",
          { type: "button", class: "tile", draggable: "true", data: { series: target.series }, title: label, onclick: () => this.open(this.active, target).then(() => this.mark()), ondragstart: (event) => event.dataTransfer.setData("text/plain", JSON.stringify(target)) },
          thumbnail(target, 88, text(object, "Modality")),
          h("span", { class: "label" }, label),
          h("span", { class: "sub" }, `${text(object, "Modality")} · ${first(object, "NumberOfSeriesRelatedInstances") ?? ""}`),
        ),
      );
    };
    this.rail.replaceChildren(
      ...lists.map(({ study, series }) => h("section", null, h("h2", null, h("a", { href: `study?uid=${text(study, "StudyInstanceUID")}` }, date(study) || "No date"), h("span", { class: "sub" }, text(study, "StudyDescription") || all(study, "ModalitiesInStudy").join(", "))), h("ul", null, series.map(item)))),
    );
  }

  // Panes ------------------------------------------------------------------------

  arrange(count) {
    const wanted = LAYOUTS.includes(count) ? count : 1;
    while (this.panes.length < wanted) {
      const pane = new Pane((what, from) => this.told(what, from));
      pane.tool = this.tool;
      pane.element.addEventListener("dragover", (event) => event.preventDefault());
      pane.element.addEventListener("drop", (event) => {
        event.preventDefault();
        const dropped = event.dataTransfer.getData("text/plain");
        if (dropped.startsWith("{")) this.open(pane, JSON.parse(dropped)).then(() => this.mark());
      });
      pane.element.addEventListener("focus", () => this.activate(pane));
      pane.say("Choose a series");
      this.panes.push(pane);
    }
    for (const pane of this.panes.splice(wanted)) pane.stop();
    this.grid.dataset.panes = wanted;
    this.grid.replaceChildren(...this.panes.map((pane) => pane.element));
    if (!this.panes.includes(this.active)) this.activate(this.panes[0]);
    for (const button of this.bar.querySelectorAll("[data-panes]")) button.setAttribute("aria-pressed", String(Number(button.dataset.panes) === wanted));
    this.bar.querySelector("#link").hidden = wanted < 2;
  }

  async layout(count) {
    this.arrange(count);
    const shown = new Set(this.panes.map((pane) => pane.stack?.target.series));
    for (const pane of this.panes) {
      if (pane.stack) continue;
      const next = this.series?.find(({ target }) => !shown.has(target.series));
      if (!next) break;
      shown.add(next.target.series);
      this.open(pane, next.target).then(() => this.mark());
    }
    this.address();
  }

  activate(pane) {
    if (this.active === pane) return;
    this.active = pane;
    for (const one of this.panes) one.element.classList.toggle("active", one === pane && this.panes.length > 1);
    this.mark();
    this.sync();
    if (!this.drawer.hidden) this.fillDrawer();
  }

  async open(pane, target, instance = null, frame = 1) {
    pane.say("Reading …");
    const key = target.series;
    if (!this.stacks.has(key)) this.stacks.set(key, load(target, { signal: this.signal }));
    try {
      const stack = await this.stacks.get(key);
      const at = instance ? Math.max(0, stack.indexOf(instance, frame)) : 0;
      await pane.open(stack, at);
    } catch (error) {
      this.stacks.delete(key);
      if (error.name !== "AbortError") pane.say(advice(error), true);
    }
  }

  mark() {
    const shown = new Set(this.panes.map((pane) => pane.stack?.target.series));
    for (const button of this.rail.querySelectorAll(".tile")) {
      button.setAttribute("aria-pressed", String(shown.has(button.dataset.series)));
      button.classList.toggle("current", this.active?.stack?.target.series === button.dataset.series);
    }
  }

  told(what, pane) {
    if (what === "active") this.activate(pane);
    else if (what === "picture") this.moved(pane);
    else if (pane === this.active) this.sync();
  }

  /** A pane shows another picture: linked ones follow, by place where both have one, else by step. */
  moved(pane) {
    if (pane === this.active) {
      this.address();
      if (!this.drawer.hidden) this.fillDrawer();
      this.sync();
    }
    const before = pane.before ?? pane.index;
    pane.before = pane.index;
    if (!this.linked || pane !== this.active || this.following) return;
    this.following = true;
    for (const other of this.panes) {
      if (other === pane || !other.stack || other.stack.slides) continue;
      const { place, object } = pane.picture;
      // Places are comparable within one frame of reference only (PS3.3 C.7.4.1.1.1).
      const space = text(object, "FrameOfReferenceUID");
      const shared = place && space && space === text(other.picture?.object, "FrameOfReferenceUID");
      const same = shared ? other.stack.nearest(place) : null;
      other.show(same ?? other.index + pane.index - before);
    }
    this.following = false;
  }

  address() {
    const picture = this.active?.picture;
    if (!picture || this.signal.aborted) return;
    clearTimeout(this.addressing);
    // Browsers count how often an address changes.
    this.addressing = setTimeout(() => {
      if (this.signal.aborted) return;
      const parameters = new URLSearchParams();
      const study = this.given.get("study");
      const prior = this.given.get("prior");
      parameters.set("study", study);
      if (prior) parameters.set("prior", prior);
      const main = this.panes[0].picture;
      if (main) {
        parameters.set("series", main.target.series);
        parameters.set("instance", main.target.instance);
        if (main.frame > 1) parameters.set("frame", main.frame);
      }
      if (this.panes.length > 1) parameters.set("panes", this.panes.length);
      history.replaceState(null, "", `?${parameters}`);
    }, 200);
  }

  // Tools -------------------------------------------------------------------------

  toolbar() {
    const button = (id, symbol, label, key, act, properties = {}) => h("button", { type: "button", id, class: "quiet", title: key ? `${label} (${key})` : label, onclick: act, ...properties }, icon(symbol), h("span", { class: "hidden" }, label));
    const tools = TOOLS.map((tool) => button(`tool-${tool.id}`, tool.icon, tool.label, tool.key, () => this.use(tool.id), { "aria-pressed": String(tool.id === this.tool), data: { tool: tool.id } }));
    this.presets = h("select", { "aria-label": "Window preset", onchange: () => this.preset(this.presets.selectedIndex - 1) }, h("option", null, "Window"));
    this.rate = h("input", { type: "number", min: 1, max: 60, value: 10, "aria-label": "Frames a second", title: "Frames a second", onchange: () => this.active.playing && this.active.play(Number(this.rate.value)) });
    const layouts = LAYOUTS.map((count) => h("button", { type: "button", class: "quiet layout", data: { panes: count }, title: `${count} ${count === 1 ? "pane" : "panes"} (g ${count})`, onclick: () => this.layout(count) }, h("span", { "aria-hidden": "true" }, { 1: "▢", 2: "▯▯", 4: "⊞" }[count]), h("span", { class: "hidden" }, `${count} ${count === 1 ? "pane" : "panes"}`)));
    const group = (label, ...children) => h("div", { class: "group", role: "group", "aria-label": label }, children);
    return h(
      "div",
      { class: "bar", role: "toolbar", "aria-label": "Tools" },
      group("What dragging does", tools),
      group("Window", this.presets, button("invert", "invert", "Invert", "i", () => this.active.change({ invert: !this.active.look.invert }))),
      group("Position", button("fit", "fit", "Fit", "a", () => this.fit()), button("rotate", "rotate", "Rotate", "r", () => this.active.change({ turn: (this.active.look.turn + 1) % 4 })), button("flip", "flip", "Flip", "h", () => this.active.change({ across: !this.active.look.across }))),
      group("Play", button("play", "play", "Play", "Space", () => this.play()), this.rate),
      group("Panes", layouts, button("link", "link", "Scroll together", "", () => this.link(), { "aria-pressed": "true", hidden: true })),
      group("Information", button("text", "text", "Text on the image", "t", () => this.text(), { "aria-pressed": "true" }), button("meta", "info", "Metadata", "m", () => this.metadata(), { "aria-pressed": "false" })),
      group("Take out", button("save", "download", "Save", "", (event) => this.save(event.currentTarget), { "aria-haspopup": "menu" }), OHIF ? h("a", { class: "button quiet", href: `${OHIF}?StudyInstanceUIDs=${this.given.get("study")}`, target: "_blank", rel: "noopener" }, "OHIF") : null),
    );
  }

  use(tool) {
    this.tool = tool;
    for (const pane of this.panes) pane.tool = tool;
    for (const button of this.bar.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    this.grid.dataset.tool = tool;
  }

  /** The bar says what the active pane does. */
  sync() {
    const pane = this.active;
    if (!pane) return;
    const options = pane.presets;
    const key = options.map((one) => `${one.name} ${one.center} ${one.width}`).join();
    if (this.presets.dataset.key !== key) {
      this.presets.dataset.key = key;
      this.presets.replaceChildren(h("option", null, "Window"), ...options.map((one, at) => h("option", null, `${at < 9 ? `${at + 1}  ` : ""}${one.name}`)));
    }
    this.presets.disabled = !options.length;
    this.bar.querySelector("#invert").setAttribute("aria-pressed", String(pane.look.invert));
    this.bar.querySelector("#flip").setAttribute("aria-pressed", String(pane.look.across));
    const play = this.bar.querySelector("#play");
    play.setAttribute("aria-pressed", String(pane.playing));
    play.disabled = !(pane.stack?.length > 1);
    if (pane.stack && this.rated !== pane.stack) {
      this.rated = pane.stack;
      this.rate.value = pane.stack.rate;
    }
  }

  preset(at) {
    const one = this.active.presets[at];
    this.active.change({ window: one ? { center: one.center, width: one.width } : null });
    this.presets.selectedIndex = one ? at + 1 : 0;
  }

  fit() {
    const { look } = this.active;
    this.active.change({ zoom: look.zoom ? 0 : 1, x: 0, y: 0 });
  }

  play() {
    if (this.active.playing) this.active.stop();
    else this.active.play(Math.min(60, Math.max(1, Number(this.rate.value) || 10)));
  }

  link() {
    this.linked = !this.linked;
    this.bar.querySelector("#link").setAttribute("aria-pressed", String(this.linked));
  }

  text() {
    const hidden = this.grid.classList.toggle("bare");
    this.bar.querySelector("#text").setAttribute("aria-pressed", String(!hidden));
  }

  metadata() {
    this.drawer.hidden = !this.drawer.hidden;
    this.bar.querySelector("#meta").setAttribute("aria-pressed", String(!this.drawer.hidden));
    if (!this.drawer.hidden) this.fillDrawer();
  }

  fillDrawer() {
    const picture = this.active?.picture;
    if (!picture || this.drawer.dataset.instance === picture.target.instance) return;
    this.drawer.dataset.instance = picture.target.instance;
    this.drawer.replaceChildren(panel(picture.target, { signal: this.signal, object: picture.object }));
  }

  save(button) {
    const { picture } = this.active;
    if (!picture) return;
    document.querySelector(".menu")?.remove();
    const target = { ...picture.target, frame: picture.frame };
    const shown = () => this.active.canvas.toBlob((blob) => {
      const link = h("a", { href: URL.createObjectURL(blob), download: "view.png" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
    const menu = h("div", { class: "menu", role: "group", "aria-label": "Save" }, ways(target, { image: picture.kind === "image" }).map((one) => one.element), this.active.data ? h("button", { type: "button", class: "line", onclick: shown }, icon("download", 16), "PNG as shown") : null);
    const box = button.getBoundingClientRect();
    menu.style.top = `${box.bottom + 4}px`;
    menu.style.right = `${Math.max(8, innerWidth - box.right)}px`;
    document.body.append(menu);
    menu.querySelector("a, button").focus();
    const close = (event) => {
      if (event.type === "keydown" ? event.key !== "Escape" : button.contains(event.target)) return;
      if (event.type === "keydown") event.stopPropagation();
      menu.remove();
      removeEventListener("click", close);
      menu.removeEventListener("keydown", close);
      if (event.type === "keydown") button.focus();
    };
    addEventListener("click", close);
    menu.addEventListener("keydown", close);
  }

  // Keys --------------------------------------------------------------------------

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=range]), select, textarea, dialog, .menu")) return;
    const pane = this.active;
    const after = this.after;
    this.after = event.key;
    if (after === "g" && ["1", "2", "4"].includes(event.key)) return this.done(event, () => this.layout(Number(event.key)));
    if (event.key === " " && event.target.closest("button, a")) return;
    const { look, stack } = pane;
    const acts = {
      ArrowUp: () => pane.step(-1),
      ArrowDown: () => pane.step(1),
      PageUp: () => pane.step(-10),
      PageDown: () => pane.step(10),
      Home: () => pane.show(0),
      End: () => pane.show(stack.length - 1),
      ArrowLeft: () => this.neighbour(-1),
      ArrowRight: () => this.neighbour(1),
      " ": () => this.play(),
      "+": () => pane.zoom(1.25),
      "=": () => pane.zoom(1.25),
      "-": () => pane.zoom(0.8),
      0: () => this.preset(-1),
      a: () => this.fit(),
      f: () => pane.change({ down: !look.down }),
      h: () => pane.change({ across: !look.across }),
      i: () => pane.change({ invert: !look.invert }),
      m: () => this.metadata(),
      r: () => pane.change({ turn: (look.turn + 1) % 4 }),
      t: () => this.text(),
      Backspace: () => pane.reset(),
      Escape: () => this.go(`study?uid=${this.given.get("study")}`),
      Tab: null,
    };
    const tool = TOOLS.find((one) => one.key === event.key);
    if (after === "g") return;
    if (tool) this.done(event, () => this.use(tool.id));
    else if (/^[1-9]$/.test(event.key)) this.done(event, () => this.preset(Number(event.key) - 1));
    else if (acts[event.key] && (stack || event.key === "Escape")) this.done(event, acts[event.key]);
  }

  done(event, act) {
    event.preventDefault();
    act();
  }

  neighbour(by) {
    const at = this.series?.findIndex(({ target }) => target.series === this.active.stack.target.series) ?? -1;
    const next = this.series?.[at + by];
    if (next) this.open(this.active, next.target).then(() => this.mark());
  }
}
