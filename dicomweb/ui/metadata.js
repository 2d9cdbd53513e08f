// All attributes of an instance, as a tree with a search inside it.

import { debounced, h, icon, say } from "./dom.js";
import { advice, metadata, names, reached } from "./service.js";

const SHOWN_CHARACTERS_MAX = 400;

/** A panel with the metadata of `target`, filled once it is there. */
export function panel(target, { signal, object = null } = {}) {
  const tree = h("div", { class: "tree", "aria-busy": "true" }, h("p", { class: "wait" }, "Reading …"));
  const find = h("input", { type: "search", placeholder: "Find in the metadata", "aria-label": "Find in the metadata", autocomplete: "off", spellcheck: "false" });
  const found = h("span", { class: "found", role: "status" });
  const element = h("div", { class: "metadata" }, h("div", { class: "finding" }, h("div", { class: "box" }, icon("search", 16), find), found), tree);
  find.addEventListener("input", debounced(80, () => filter(tree, find.value, found)));
  load();

  async function load() {
    try {
      const [[whole], dictionary] = await Promise.all([object ? [object] : metadata(target, { signal }), names().catch(() => ({}))]);
      tree.replaceChildren(rows(whole, dictionary, 0));
      if (find.value) filter(tree, find.value, found);
    } catch (error) {
      if (error.name === "AbortError") return;
      tree.replaceChildren(h("p", { class: "notice bad" }, advice(error)));
    } finally {
      tree.setAttribute("aria-busy", "false");
    }
  }
  return element;
}

function rows(object, dictionary, depth) {
  return h("ul", depth ? null : { "aria-label": "Metadata" }, Object.entries(object).map(([tag, element]) => row(tag, element, dictionary, depth)));
}

function row(tag, element, dictionary, depth) {
  const [, keyword = "", name = ""] = dictionary[tag] ?? [];
  const label = name || (parseInt(tag.slice(0, 4), 16) % 2 ? "Private" : "Unknown");
  const head = [h("code", { class: "tag" }, `${tag.slice(0, 4)},${tag.slice(4)}`), h("span", { class: "vr" }, element.vr), h("span", { class: "name", title: keyword }, label)];
  if (element.vr === "SQ") {
    const items = element.Value ?? [];
    const list = h("ul", null, items.map((item, at) => h("li", null, h("div", { class: "item" }, `Item ${at + 1}`), rows(item ?? {}, dictionary, depth + 1))));
    const button = h("button", { type: "button", class: "quiet fold", "aria-expanded": String(items.length < 4), onclick: () => { list.hidden = !list.hidden; button.setAttribute("aria-expanded", String(!list.hidden)); } }, head, h("span", { class: "value soft" }, items.length === 1 ? "1 item" : `${items.length} items`));
    list.hidden = items.length >= 4;
    return h("li", { data: { text: `${tag} ${keyword} ${name}`.toLowerCase() } }, button, list);
  }
  const value = valueOf(element);
  return h("li", { data: { text: `${tag.slice(0, 4)},${tag.slice(4)} ${tag} ${keyword} ${name} ${value}`.toLowerCase() } }, h("div", { class: "line" }, head, shown(element, value)));
}

function shown(element, value) {
  const uri = element.BulkDataURI;
  if (uri) return h("span", { class: "value" }, h("a", { href: reached(uri), download: "value.bin", target: "_blank" }, "bulk data"));
  return h("span", { class: "value" }, value.length > SHOWN_CHARACTERS_MAX ? `${value.slice(0, SHOWN_CHARACTERS_MAX)} …` : value);
}

function valueOf(element) {
  if (element.InlineBinary !== undefined) return `${Math.floor((element.InlineBinary.length * 3) / 4)} bytes: ${element.InlineBinary}`;
  return (element.Value ?? [])
    .map((value) => (value === null ? "" : typeof value === "object" ? Object.values(value).join(" = ") : String(value)))
    .join(" \\ ");
}

function filter(tree, typed, found) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  let matches = 0;
  const visit = (item) => {
    const own = item.dataset.text !== undefined && words.every((word) => item.dataset.text.includes(word));
    let below = false;
    for (const list of item.querySelectorAll(":scope > ul")) {
      for (const child of list.children) below = visit(child) || below;
      if (below && words.length) list.hidden = false;
    }
    if (own && words.length) matches += 1;
    item.classList.toggle("match", own && words.length > 0);
    item.hidden = words.length > 0 && !own && !below;
    return own || below;
  };
  for (const item of tree.querySelectorAll(":scope > ul > li")) visit(item);
  found.textContent = words.length ? `${matches} found` : "";
  if (words.length) say(found.textContent);
}

