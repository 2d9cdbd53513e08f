// One pane of the viewer: a stack, the picture of it that is shown, and how: window, place, size, turn.

import * as frames from "./frames.js";
import { h, icon } from "./dom.js";
import { PRESETS, automatic, paint, value } from "./pixels.js";
import { advice } from "./service.js";
import { counted, date, name, number, text } from "./values.js";

const AHEAD = 12;
const BEHIND = 3;
const ZOOM_MAX = 32;
const ZOOM_MIN = 0.05;

const upright = () => ({ zoom: 0, x: 0, y: 0, turn: 0, across: false, down: false, invert: false, window: null });

export class Pane {
  /** `told` is called with what changed: "picture", "look" or "active". */
  constructor(told) {
    this.told = told;
    this.look = upright();
    this.index = 0;
    this.direction = 1;
    this.stack = null;
    this.tool = "window";
    this.measures = new Map();
    this.canvas = h("canvas", { class: "picture" });
    this.corners = Object.fromEntries(["nw", "ne", "sw", "se"].map((corner) => [corner, h("div", { class: `corner ${corner}` })]));
    this.slider = h("input", { type: "range", class: "slider", hidden: true, min: 1, max: 1, value: 1, "aria-label": "Image", oninput: () => this.show(this.slider.value - 1) });
    this.note = h("div", { class: "note", role: "status" });
    this.element = h("section", { class: "pane", tabindex: "0", "aria-label": "Pane" }, this.canvas, Object.values(this.corners), this.note, this.slider);
    this.image = document.createElement("canvas");
    new ResizeObserver(() => this.resize()).observe(this.element);
    this.listen();
  }

  // What is shown ------------------------------------------------------------------

  /** Shows a stack from the picture at `index`. */
  open(stack, index = 0) {
    this.stop();
    this.stack = stack;
    this.index = -1;
    this.look = upright();
    this.data = null;
    this.document?.remove();
    this.document = null;
    this.slider.max = stack.length;
    this.slider.hidden = stack.length < 2;
    this.element.setAttribute("aria-label", `${text(stack.pictures[0]?.object, "SeriesDescription") || "Series"}, ${counted(stack.length, "image")}`);
    return this.show(index);
  }

  /** Empties the pane, with a word on why. */
  say(word, bad = false) {
    this.note.replaceChildren(bad ? icon("info", 28) : "", h("p", null, word));
    this.note.hidden = !word;
    this.note.classList.toggle("bad", bad);
  }

  get picture() {
    return this.stack?.pictures[this.index] ?? null;
  }

  async show(index) {
    if (!this.stack?.length) return;
    const to = Math.min(this.stack.length - 1, Math.max(0, Number(index)));
    if (to === this.index) return;
    this.direction = to >= this.index ? 1 : -1;
    this.index = to;
    this.slider.value = to + 1;
    const picture = this.picture;
    this.slider.setAttribute("aria-valuetext", `Image ${to + 1} of ${this.stack.length}`);
    this.told("picture", this);
    if (picture.kind !== "image") return this.showDocument(picture);
    try {
      if (!frames.at(picture) && !this.data) this.say("Reading …");
      const data = await frames.fetchPicture(picture);
      this.ahead();
      if (this.picture !== picture) return;
      this.data = data;
      this.say("");
      this.render();
      this.told("look", this);
    } catch (error) {
      if (error.name === "AbortError" || this.picture !== picture) return;
      this.data = null;
      this.clear();
      this.say(advice(error), true);
    }
    this.write();
  }

  async showDocument(picture) {
    this.data = null;
    this.clear();
    this.write();
    this.document?.remove();
    this.say("Reading …");
    try {
      const { element, release } = await (picture.kind === "slide" ? import("./slide.js") : import("./documents.js")).then((module) => module.open(picture, this.stack));
      if (this.picture !== picture) return release?.();
      this.document = element;
      this.element.append(element);
      this.say("");
    } catch (error) {
      if (this.picture === picture) this.say(advice(error), true);
    }
  }

  /** What is likely to be looked at next, in the direction of travel first. */
  ahead() {
    if (this.stack.slides) return;
    const around = (step, count) => Array.from({ length: count }, (_, at) => this.stack.pictures[this.index + step * (at + 1)]).filter(Boolean);
    frames.prefetch([...around(this.direction, AHEAD), ...around(-this.direction, BEHIND)]);
  }

  step(by) {
    return this.show(this.index + by);
  }

  // Play ---------------------------------------------------------------------------

  get playing() {
    return Boolean(this.timer);
  }

  play(rate) {
    this.stop();
    if (this.stack?.length < 2) return;
    let due = performance.now();
    const tick = (now) => {
      this.timer = requestAnimationFrame(tick);
      if (now < due || this.waits) return;
      due = Math.max(now, due + 1000 / rate) + (now > due + 500 ? 1000 / rate : 0);
      this.waits = true;
      this.show((this.index + 1) % this.stack.length).finally(() => (this.waits = false));
    };
    this.timer = requestAnimationFrame(tick);
    this.told("look", this);
  }

  stop() {
    if (!this.timer) return;
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.told("look", this);
  }

  // Drawing ------------------------------------------------------------------------

  get window() {
    const { told } = this.picture;
    return this.look.window ?? told.windows[0] ?? (told.stored === 1 ? { center: 0.5, width: 2 } : (this.data.automatic ??= automatic(this.data.frame, told)));
  }

  /** Windows to choose from: those of the header, the frame's own range, those of the modality. */
  get presets() {
    if (!this.data?.frame) return [];
    const { told, object } = this.picture;
    return [...told.windows, { name: "Full range", ...automatic(this.data.frame, told, 0) }, { name: "Without extremes", ...automatic(this.data.frame, told, 0.02) }, ...(PRESETS[text(object, "Modality")] ?? [])];
  }

  /** Pixels of the picture as they are to be seen, before they are placed. */
  render() {
    const { data, image } = this;
    if (!data) return;
    const { told } = this.picture;
    const [width, height] = data.bitmap ? [data.bitmap.width, data.bitmap.height] : [told.columns, told.rows];
    if (image.width !== width || image.height !== height) Object.assign(image, { width, height });
    const context = image.getContext("2d");
    if (data.bitmap) {
      const { window, invert } = this.look;
      context.filter = window ? `contrast(${Math.round((256 / window.width) * 100)}%) brightness(${Math.round((128 / Math.max(1, window.center)) * 100)}%) invert(${invert ? 1 : 0})` : `invert(${invert ? 1 : 0})`;
      context.drawImage(data.bitmap, 0, 0);
    } else {
      this.pixels = this.pixels?.width === width && this.pixels.height === height ? this.pixels : context.createImageData(width, height);
      paint(data.frame, told, this.window, this.look.invert, new Uint32Array(this.pixels.data.buffer));
      context.putImageData(this.pixels, 0, 0);
    }
    this.draw();
  }

  clear() {
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  resize() {
    const { width, height } = this.element.getBoundingClientRect();
    this.ratio = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: Math.round(width * this.ratio), height: Math.round(height * this.ratio) });
    if (this.data) this.draw();
  }

  /** Screen pixels for one pixel of the image: as large as fits, unless somebody chose. */
  get scale() {
    const { image, look } = this;
    if (look.zoom) return look.zoom;
    const { aspect } = this.picture.told;
    const [width, height] = look.turn % 2 ? [image.height * aspect, image.width] : [image.width, image.height * aspect];
    return Math.min(this.canvas.width / this.ratio / width, this.canvas.height / this.ratio / height);
  }

  /** From pixels of the image to pixels of the canvas. */
  get matrix() {
    const { look, image, ratio, canvas } = this;
    const scale = this.scale * ratio;
    return new DOMMatrix()
      .translate(canvas.width / 2 + look.x * ratio, canvas.height / 2 + look.y * ratio)
      .rotate(look.turn * 90)
      .scale(look.across ? -scale : scale, (look.down ? -scale : scale) * this.picture.told.aspect)
      .translate(-image.width / 2, -image.height / 2);
  }

  draw() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      if (!this.data || !this.picture) return;
      const context = this.canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      const matrix = this.matrix;
      context.setTransform(matrix);
      context.imageSmoothingEnabled = this.scale < 6;
      context.imageSmoothingQuality = "high";
      context.drawImage(this.image, 0, 0);
      this.drawMeasures(context, matrix);
      this.write();
      this.element.dataset.shown = this.picture.key;
    });
  }

  drawMeasures(context, matrix) {
    const lines = this.measures.get(this.picture.key) ?? [];
    context.setTransform(1, 0, 0, 1, 0, 0);
    const size = this.ratio;
    // Also for whoever cannot see the canvas.
    this.element.dataset.measured = lines.map(({ from, to }) => this.length(from, to)).join(", ");
    context.font = `600 ${13 * size}px system-ui, sans-serif`;
    for (const { from, to } of lines) {
      const [a, b] = [from, to].map((point) => matrix.transformPoint(point));
      context.lineCap = "round";
      for (const [style, width] of [["#000a", 4], ["#ffd84d", 1.6]]) {
        context.strokeStyle = style;
        context.lineWidth = width * size;
        context.beginPath();
        context.moveTo(a.x, a.y);
        context.lineTo(b.x, b.y);
        context.stroke();
      }
      context.fillStyle = "#ffd84d";
      for (const end of [a, b]) {
        context.beginPath();
        context.arc(end.x, end.y, 3 * size, 0, 7);
        context.fill();
      }
      const label = this.length(from, to);
      const place = a.x > b.x ? a : b;
      context.lineWidth = 3 * size;
      context.strokeStyle = "#000c";
      context.strokeText(label, place.x + 8 * size, place.y + 5 * size);
      context.fillText(label, place.x + 8 * size, place.y + 5 * size);
    }
  }

  /** The length of a line in millimetres where the image tells the size of its pixels. */
  length(from, to) {
    const { spacing, measured } = this.picture.told;
    const across = to.x - from.x;
    const down = to.y - from.y;
    if (!spacing) return `${Math.hypot(across, down).toFixed(1)} px`;
    return `${Math.hypot(across * spacing[1], down * spacing[0]).toFixed(1)} mm${measured ? ` ${measured}` : ""}`;
  }

  // Text on the image -----------------------------------------------------------------

  write() {
    const { picture, corners } = this;
    if (!picture) return;
    const { object } = picture;
    const lines = (corner, ...parts) => corners[corner].replaceChildren(...parts.filter(Boolean).map((part) => h("div", null, part)));
    lines("nw", name(object), text(object, "PatientID"));
    lines("ne", text(object, "StudyDescription"), text(object, "SeriesDescription"), date(object), text(object, "InstitutionName"));
    const location = number(object, "SliceLocation");
    const thickness = number(object, "SliceThickness");
    lines("sw", this.under, this.stack.length > 1 ? `${this.index + 1} / ${this.stack.length}` : null, location !== null ? `at ${location.toFixed(1)} mm` : null, thickness !== null ? `${Number(thickness.toFixed(2))} mm thick` : null);
    const shown = this.data && picture.kind === "image";
    const window = shown && this.data.frame ? this.window : null;
    lines("se", window ? `W ${Math.round(window.width)}  C ${Math.round(window.center)}` : null, shown ? `${Math.round(this.scale * 100)} %` : null, shown ? `${picture.told.columns} × ${picture.told.rows}` : null);
  }

  /** The value under the pointer. */
  point(event) {
    this.under = null;
    if (this.data?.frame && event) {
      const { x, y } = this.at(event);
      const { told } = this.picture;
      const [column, row] = [Math.floor(x), Math.floor(y)];
      if (column >= 0 && row >= 0 && column < told.columns && row < told.rows) {
        const found = value(this.data.frame[row * told.columns + column], told);
        this.under = `${Number.isInteger(found) ? found : found.toPrecision(6)} ${told.unit} at ${column}, ${row}`.replace("  ", " ");
      }
    }
    this.write();
  }

  /** Where on the image an event is. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.matrix.inverse().transformPoint({ x: (event.clientX - box.left) * this.ratio, y: (event.clientY - box.top) * this.ratio });
  }

  // What hands do ---------------------------------------------------------------------

  change(look) {
    Object.assign(this.look, look);
    if ("window" in look || "invert" in look) this.render();
    else if (this.data) this.draw();
    this.told("look", this);
  }

  reset() {
    this.look = upright();
    this.measures.delete(this.picture?.key);
    this.render();
    this.told("look", this);
  }

  /** Zooms about a point of the pane, its middle unless told. */
  zoom(factor, event = null) {
    if (!this.data) return;
    const before = this.scale;
    const after = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, before * factor));
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = event ? [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2] : [0, 0];
    const grown = after / before;
    this.change({ zoom: after, x: x - (x - this.look.x) * grown, y: y - (y - this.look.y) * grown });
  }

  listen() {
    const { element } = this;
    const fingers = new Map();
    let drag = null;
    let wheeled = 0;

    element.addEventListener("pointerdown", (event) => {
      this.told("active", this);
      if (event.target.closest("input, iframe, video, .document")) return;
      if (!this.data) return;
      element.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event);
      const tool = { 1: "pan", 2: "zoom" }[event.button] ?? (event.shiftKey ? "pan" : this.tool);
      drag = { tool, last: event, moved: 0, left: 0 };
      if (tool === "measure") {
        const from = this.at(event);
        drag.line = { from, to: from };
      }
    });
    element.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return this.point(event);
      const before = fingers.get(event.pointerId);
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) return this.pinch([...fingers.values()], event, before);
      if (drag) this.drag(drag, event);
    });
    const end = (event) => {
      fingers.delete(event.pointerId);
      drag = null;
    };
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
    element.addEventListener("pointerleave", () => this.point(null));
    element.addEventListener("contextmenu", (event) => this.data && event.preventDefault());
    element.addEventListener("dblclick", (event) => this.data && !event.target.closest("input") && this.change({ zoom: this.look.zoom ? 0 : 1, x: 0, y: 0 }));
    element.addEventListener(
      "wheel",
      (event) => {
        if (!this.stack || this.document) return;
        event.preventDefault();
        if (event.ctrlKey || this.stack.length < 2) return this.zoom(Math.exp(-event.deltaY / (event.deltaMode ? 10 : 400)), event);
        wheeled += event.deltaMode ? event.deltaY * 40 : event.deltaY;
        const steps = Math.trunc(wheeled / 40);
        if (steps) {
          wheeled -= steps * 40;
          this.step(Math.sign(steps) * Math.min(Math.abs(steps), 3));
        }
      },
      { passive: false },
    );
  }

  drag(drag, event) {
    const across = event.clientX - drag.last.clientX;
    const down = event.clientY - drag.last.clientY;
    drag.last = event;
    if (drag.tool === "pan") this.change({ x: this.look.x + across, y: this.look.y + down });
    else if (drag.tool === "zoom") this.zoom(Math.exp(-down / 150));
    else if (drag.tool === "scroll") {
      drag.left += down;
      const step = Math.max(6, this.element.clientHeight / Math.max(20, this.stack.length));
      const steps = Math.trunc(drag.left / step);
      if (steps) {
        drag.left -= steps * step;
        this.step(steps);
      }
    } else if (drag.tool === "measure") {
      drag.line.to = this.at(event);
      const lines = this.measures.get(this.picture.key) ?? [];
      if (!lines.includes(drag.line)) this.measures.set(this.picture.key, [...lines, drag.line]);
      this.draw();
    } else {
      const window = this.data.frame ? this.window : (this.look.window ?? { center: 128, width: 256 });
      const pace = Math.max(0.2, window.width / 300);
      this.change({ window: { center: window.center + down * pace, width: Math.max(1, window.width + across * pace) } });
    }
  }

  pinch([one, other], event, before) {
    const fixed = event.pointerId === one.pointerId ? other : one;
    const distance = (point) => Math.hypot(point.clientX - fixed.clientX, point.clientY - fixed.clientY);
    const middle = { clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 };
    this.zoom(distance(event) / Math.max(1, distance(before)), middle);
    this.change({ x: this.look.x + (event.clientX - before.clientX) / 2, y: this.look.y + (event.clientY - before.clientY) / 2 });
  }
}
