// Small pictures, asked for when they come into sight and let go of when they leave it unseen.

import { h, svg } from "./dom.js";
import { resource } from "./service.js";

const WAIT_MILLISECONDS = 120;

const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      clearTimeout(target.waiting);
      // What only flies past while somebody scrolls is not worth a request.
      if (isIntersecting) target.waiting = setTimeout(load, WAIT_MILLISECONDS, target);
    }
  },
  { rootMargin: "100px" },
);

function load(place) {
  seen.unobserve(place);
  const image = h("img", { alt: "", width: place.dataset.size, height: place.dataset.size, decoding: "async" });
  image.addEventListener("load", () => place.replaceChildren(image));
  image.src = place.dataset.source;
}

/** A square with the thumbnail of a study, series or instance (PS3.18 10.4.1.1.4), in time. */
export function thumbnail(target, size, label = "") {
  const pixels = Math.min(2, Math.ceil(devicePixelRatio)) * size;
  const place = h(
    "span",
    { class: "thumb", "aria-hidden": "true", data: { size, source: resource(target, `/thumbnail?viewport=${pixels},${pixels}`) } },
    label ? h("span", null, label) : svg("svg", { viewBox: "0 0 24 24", width: 18, height: 18 }, svg("path", { d: "M4 8.5 12 4l8 4.5-8 4.5zM4 13l8 4.5 8-4.5", fill: "none", stroke: "currentColor", "stroke-width": 1.5 })),
  );
  place.style.setProperty("--size", `${size}px`);
  seen.observe(place);
  return place;
}
