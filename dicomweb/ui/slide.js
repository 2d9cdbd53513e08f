// A whole slide: levels of tiles, of which only those in sight are asked for (PS3.3 C.8.12.4).

import { h } from "./dom.js";
import { get, resource } from "./service.js";
import { all, first, number, text } from "./values.js";

const KEPT_TILES_MAX = 400;
const AT_ONCE = 6;

class Level {
  constructor(target, object) {
    this.target = { ...target, instance: text(object, "SOPInstanceUID") };
    this.width = number(object, "TotalPixelMatrixColumns");
    this.height = number(object, "TotalPixelMatrixRows");
    this.tile = [number(object, "Columns"), number(object, "Rows")];
    this.across = Math.ceil(this.width / this.tile[0]);
    this.frames = new Map();
    const sparse = all(object, "PerFrameFunctionalGroupsSequence").map((group) => first(group, "PlanePositionSlideSequence"));
    const placed = text(object, "DimensionOrganizationType") !== "TILED_FULL" && sparse.some(Boolean);
    const count = placed ? sparse.length : this.across * Math.ceil(this.height / this.tile[1]);
    for (let at = 0; at < count; at += 1) {
      const column = placed ? Math.round((number(sparse[at], "ColumnPositionInTotalImagePixelMatrix", 1) - 1) / this.tile[0]) : at % this.across;
      const row = placed ? Math.round((number(sparse[at], "RowPositionInTotalImagePixelMatrix", 1) - 1) / this.tile[1]) : Math.floor(at / this.across);
      const key = `${column} ${row}`;
      if (!this.frames.has(key)) this.frames.set(key, at + 1);
    }
  }
}

/** The slide of a stack, to be panned and zoomed. */
export async function open(picture, stack) {
  const whole = stack.slides.filter((object) => number(object, "TotalPixelMatrixColumns") && !/LABEL|OVERVIEW|THUMBNAIL/.test(text(object, "ImageType")));
  const levels = (whole.length ? whole : stack.slides).map((object) => new Level(stack.target, object)).sort((a, b) => a.width - b.width);
  const slide = new Slide(levels);
  return { element: slide.element, release: () => slide.close() };
}

class Slide {
  constructor(levels) {
    this.levels = levels;
    this.base = levels.at(-1);
    this.tiles = new Map();
    this.loading = 0;
    this.wanted = [];
    this.view = null;
    this.canvas = h("canvas", { class: "picture" });
    this.told = h("div", { class: "corner se" });
    this.element = h("div", { class: "document slide", tabindex: "0", role: "application", "aria-label": "Slide; arrows move it, plus and minus zoom" }, this.canvas, this.told);
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.element);
    this.listen();
  }

  close() {
    this.watch.disconnect();
    for (const tile of this.tiles.values()) tile.bitmap?.close();
  }

  resize() {
    const { width, height } = this.element.getBoundingClientRect();
    if (!width) return;
    this.ratio = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * this.ratio, height: height * this.ratio });
    const fit = Math.min(width / this.base.width, height / this.base.height);
    this.view ??= { scale: fit, x: this.base.width / 2, y: this.base.height / 2 };
    this.draw();
  }

  draw() {
    cancelAnimationFrame(this.due);
    this.due = requestAnimationFrame(() => this.paint());
  }

  /** The level whose pixels are nearest to those of the screen, not coarser than they where there is one. */
  get level() {
    const needed = this.base.width * this.view.scale * this.ratio;
    return this.levels.find((level) => level.width >= needed * 0.75) ?? this.base;
  }

  paint() {
    const { canvas, view, ratio } = this;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    this.wanted = [];
    const fine = this.level;
    for (const level of this.levels.slice(0, this.levels.indexOf(fine) + 1)) {
      const scale = (view.scale * ratio * this.base.width) / level.width;
      const left = canvas.width / 2 - view.x * view.scale * ratio;
      const top = canvas.height / 2 - view.y * view.scale * ratio;
      const [width, height] = level.tile.map((side) => side * scale);
      const from = [Math.max(0, Math.floor(-left / width)), Math.max(0, Math.floor(-top / height))];
      const to = [Math.min(level.across - 1, Math.floor((canvas.width - left) / width)), Math.min(Math.ceil(level.height / level.tile[1]) - 1, Math.floor((canvas.height - top) / height))];
      for (let row = from[1]; row <= to[1]; row += 1) {
        for (let column = from[0]; column <= to[0]; column += 1) {
          const frame = level.frames.get(`${column} ${row}`);
          if (!frame) continue;
          const key = `${level.target.instance}/${frame}`;
          const tile = this.tiles.get(key);
          if (tile?.bitmap) {
            // Half a pixel more, lest a seam shows between tiles.
            context.drawImage(tile.bitmap, left + column * width, top + row * height, width + 0.5, height + 0.5);
            this.tiles.delete(key);
            this.tiles.set(key, tile);
          } else if (!tile && level === fine) this.wanted.push({ key, target: { ...level.target, frame } });
        }
      }
    }
    this.told.textContent = `${Math.round(view.scale * 100)} % · ${this.base.width} × ${this.base.height}`;
    this.load();
  }

  load() {
    while (this.loading < AT_ONCE && this.wanted.length) {
      const { key, target } = this.wanted.shift();
      const tile = { bitmap: null };
      this.tiles.set(key, tile);
      this.loading += 1;
      get(resource(target, "/rendered"), { accept: "image/jpeg", quiet: this.tiles.size > 1 })
        .then(async (response) => {
          tile.bitmap = await createImageBitmap(await response.blob());
        })
        .catch(() => this.tiles.delete(key))
        .finally(() => {
          this.loading -= 1;
          for (const [old, { bitmap }] of this.tiles) {
            if (this.tiles.size <= KEPT_TILES_MAX) break;
            bitmap?.close();
            this.tiles.delete(old);
          }
          if (tile.bitmap) this.draw();
          else this.load();
        });
    }
  }

  zoom(factor, at = [0, 0]) {
    const { view } = this;
    const fit = Math.min(this.canvas.width / this.ratio / this.base.width, this.canvas.height / this.ratio / this.base.height);
    const scale = Math.min(Math.max(8, fit), Math.max(fit * 0.5, view.scale * factor));
    view.x += at[0] / view.scale - at[0] / scale;
    view.y += at[1] / view.scale - at[1] / scale;
    view.scale = scale;
    this.draw();
  }

  move(x, y) {
    this.view.x = Math.min(this.base.width, Math.max(0, this.view.x - x / this.view.scale));
    this.view.y = Math.min(this.base.height, Math.max(0, this.view.y - y / this.view.scale));
    this.draw();
  }

  listen() {
    const { element } = this;
    const fingers = new Map();
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event);
    });
    element.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) {
        const [other] = [...fingers.values()].filter((one) => one.pointerId !== event.pointerId);
        const away = (point) => Math.hypot(point.clientX - other.clientX, point.clientY - other.clientY);
        this.zoom(away(event) / Math.max(1, away(before)));
      }
      this.move((event.clientX - before.clientX) / fingers.size, (event.clientY - before.clientY) / fingers.size);
    });
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, (event) => fingers.delete(event.pointerId));
    element.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        event.stopPropagation();
        const box = element.getBoundingClientRect();
        this.zoom(Math.exp(-event.deltaY / (event.deltaMode ? 10 : 300)), [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2]);
      },
      { passive: false },
    );
    element.addEventListener("keydown", (event) => {
      const acts = { ArrowLeft: () => this.move(80, 0), ArrowRight: () => this.move(-80, 0), ArrowUp: () => this.move(0, 80), ArrowDown: () => this.move(0, -80), "+": () => this.zoom(1.4), "=": () => this.zoom(1.4), "-": () => this.zoom(1 / 1.4) };
      if (!acts[event.key]) return;
      event.preventDefault();
      event.stopPropagation();
      acts[event.key]();
    });
  }
}
