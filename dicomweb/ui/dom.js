// Elements made of tag, properties and children; text is always text.

/** An element. `properties` are attributes, `on…` listeners, or `data`; null and false are left out. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element, likewise. */
export function svg(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  add: "M12 5v14M5 12h14",
  back: "m14 6-6 6 6 6",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v10H9zM5 15V5h10",
  download: "M12 4v11m-5-5 5 5 5-5M5 20h14",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6",
  filter: "M4 6h16M7 12h10M10 18h4",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  flip: "M12 3v18M8 7 3 17h5zM16 7l5 10h-5z",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  info: "M12 11v6M12 7.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  invert: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17",
  measure: "M4 15 15 4l5 5L9 20zM8 11l2 2M11 8l2 2M14 5",
  pan: "M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5",
  play: "M8 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  rotate: "M19 12a7 7 0 1 1-2-5M19 3v5h-5",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 21 21",
  stack: "M4 8.5 12 4l8 4.5-8 4.5zM4 13l8 4.5 8-4.5",
  text: "M5 6h14M12 6v13",
  window: "M12 3v3M12 18v3M3 12h3M18 12h3M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8",
  zoom: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 21 21M10.5 7.5v6M7.5 10.5h6",
};

/** A line drawing by name; it says nothing, what it stands beside does. */
export function icon(name, size = 18) {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", class: "icon" },
    svg("path", { d: PATHS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round" }),
  );
}

/** Has it read aloud by a screen reader. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** A button that copies a text, and says that it did. */
export function copyButton(text, label = "Copy") {
  const button = h("button", { type: "button", class: "quiet", onclick: copy }, icon("copy", 16), h("span", null, label));
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.lastChild.textContent = "Copied";
    } catch {
      button.lastChild.textContent = "Not allowed";
    }
    say(button.lastChild.textContent);
    setTimeout(() => (button.lastChild.textContent = label), 2000);
  }
  return button;
}

/** A dialog with a heading, open; gone once it is closed. */
export function dialog(heading, ...children) {
  const close = h("button", { type: "button", class: "quiet", onclick: () => box.close() }, icon("close"), h("span", { class: "hidden" }, "Close"));
  const box = h("dialog", { "aria-label": heading, onclose: () => box.remove() }, h("div", { class: "heading" }, h("h2", null, heading), close), ...children);
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.body.append(box);
  box.showModal();
  return box;
}

/** Waits for a pause in calls: the last one of a burst is carried out. */
export function debounced(milliseconds, work) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds, ...given);
  };
}
