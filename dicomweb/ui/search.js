// Find: one box and a few fields, results as they are typed, at four levels. The address holds it all.

import { LEVELS, compares, csv } from "./columns.js";
import { debounced, h, icon, say } from "./dom.js";
import { fieldValue, interpret } from "./interpret.js";
import { Paging } from "./paging.js";
import { advice, names } from "./service.js";
import { thumbnail } from "./thumbnails.js";
import { counted, text } from "./values.js";

const PAUSE_MILLISECONDS = 180;
const EXPORT_MAX = 10_000;

const FIELDS = [
  { keyword: "PatientName", label: "Patient name", levels: ["patients", "studies", "series", "instances"] },
  { keyword: "PatientID", label: "Patient ID", levels: ["patients", "studies", "series", "instances"] },
  { keyword: "StudyDate", label: "Study date", levels: ["studies", "series", "instances"], range: true },
  { keyword: "ModalitiesInStudy", label: "Modality", levels: ["studies"], suggestions: ["CR", "CT", "DX", "MG", "MR", "NM", "PT", "SM", "SR", "US", "XA"] },
  { keyword: "Modality", label: "Modality", levels: ["series", "instances"], suggestions: ["CR", "CT", "DX", "MG", "MR", "NM", "PT", "SM", "SR", "US", "XA"] },
  { keyword: "StudyDescription", label: "Description", levels: ["studies", "series", "instances"] },
  { keyword: "SeriesDescription", label: "Series description", levels: ["series", "instances"] },
  { keyword: "ReferringPhysicianName", label: "Referring physician", levels: ["studies", "series", "instances"] },
  { keyword: "AccessionNumber", label: "Accession number", levels: ["studies", "series", "instances"] },
];

const OWN = new Set(["q", "level", "sort", "exact"]);

export async function show(main, given, { signal, go, title }) {
  const state = read(given);
  const level = LEVELS[state.level];
  title(state.q ? `${state.q} – ${level.label}` : level.label);

  const box = h("input", { id: "q", type: "search", value: state.q, placeholder: "Name, ID, accession number, date, CT …", "aria-label": "Search", "aria-describedby": "understood", autocomplete: "off", spellcheck: "false", enterkeyhint: "search" });
  const count = h("p", { class: "tally", role: "status" }, "Searching …");
  const understood = h("p", { id: "understood", class: "understood" });
  const notices = h("div", { class: "notices" });
  const results = h("div", { class: "results", "aria-busy": "true" });
  const more = h("div", { class: "more" });
  const fields = filters(state);
  const open = h("button", { type: "button", class: "quiet", "aria-expanded": String(fields.used > 0 && innerWidth > 700), "aria-controls": "filters", onclick: toggle }, icon("filter"), h("span", null, "Filters"), fields.used ? h("span", { class: "badge" }, fields.used) : null);
  fields.element.hidden = open.getAttribute("aria-expanded") === "false";
  const save = h("button", { type: "button", class: "quiet", onclick: exportCsv }, icon("download", 16), h("span", null, "CSV"));

  main.append(
    h("h1", { class: "hidden" }, level.label),
    h("form", { role: "search", class: "finder", onsubmit: (event) => { event.preventDefault(); changed(); } }, h("div", { class: "box" }, icon("search", 20), box, h("kbd", { "aria-hidden": "true" }, "/")), levels(state), open),
    fields.element,
    h("div", { class: "bar" }, count, understood, h("div", { class: "actions" }, save)),
    notices,
    results,
    more,
  );

  const pictured = state.level !== "patients";
  let running = new AbortController();
  let paging = null;
  signal.addEventListener("abort", () => running.abort());

  function toggle() {
    fields.element.hidden = !fields.element.hidden;
    open.setAttribute("aria-expanded", String(!fields.element.hidden));
    if (!fields.element.hidden) fields.element.querySelector("input")?.focus();
  }

  function typed() {
    const parameters = new URLSearchParams();
    const q = box.value.trim();
    if (q) parameters.set("q", q);
    if (state.level !== "studies") parameters.set("level", state.level);
    if (state.sort !== level.sort) parameters.set("sort", state.sort);
    for (const [keyword, value] of fields.values()) parameters.set(keyword, value);
    if (state.exact && parameters.has("PatientID")) parameters.set("exact", "1");
    return parameters;
  }

  /** Something was typed: the address follows, and the results; the fields keep what is in them. */
  function changed() {
    const parameters = typed();
    state.exact = parameters.has("exact");
    history.replaceState(null, "", parameters.size ? `?${parameters}` : location.pathname);
    run();
  }
  const soon = debounced(PAUSE_MILLISECONDS, () => signal.aborted || changed());
  box.addEventListener("input", soon);
  fields.element.addEventListener("input", () => {
    state.exact = false;
    soon();
  });

  async function run() {
    running.abort();
    running = new AbortController();
    const mine = running.signal;
    const current = read(new URLSearchParams(location.search));
    const meant = interpret(current.q, state.level);
    understood.textContent = current.q && meant.said.length ? `as ${meant.said.join(", ")}` : "";
    const keys = { ...meant.keys };
    for (const [keyword, value] of Object.entries(current.keys)) keys[keyword] = current.exact ? value : fieldValue(keyword, value);
    const order = current.sort && current.sort !== level.sort ? { orderby: current.sort } : {};
    const searches = meant.alternatives.map((one) => ({ ...keys, ...one, ...order }));
    paging = new Paging(state.level, searches, level.identity, compares(current.sort));
    results.setAttribute("aria-busy", "true");
    try {
      let page = await paging.next({ signal: mine });
      if (!page.length && meant.alike && !mine.aborted) {
        paging = new Paging(state.level, [{ ...keys, ...meant.alike, ...order }], level.identity, compares(current.sort));
        page = await paging.next({ signal: mine });
        if (page.length) paging.warnings.add("Nothing matches as it is typed. These names are like it.");
      }
      if (mine.aborted) return;
      draw(page, current);
    } catch (error) {
      if (error.name !== "AbortError") fail(error);
    } finally {
      if (!mine.aborted) results.setAttribute("aria-busy", "false");
    }
  }

  function tell() {
    const { count: sum, exact } = paging.total;
    count.textContent = sum ? `${exact ? "" : "about "}${counted(sum, level.one)}` : `No ${level.label.toLowerCase()}`;
    notices.replaceChildren(...[...paging.warnings].map((warning) => h("p", { class: "notice" }, icon("info", 16), warning)));
  }

  function draw(page, current) {
    tell();
    save.disabled = !page.length;
    if (!page.length) {
      more.replaceChildren();
      results.replaceChildren(nothing(current));
      return;
    }
    const body = h("tbody", null, page.map(row));
    results.replaceChildren(h("table", { role: "table", class: `list-${state.level}` }, h("caption", { class: "hidden" }, level.label), h("thead", null, h("tr", { role: "row" }, pictured ? h("th", { role: "columnheader", class: "picture" }, h("span", { class: "hidden" }, "Picture")) : null, level.columns.map((column) => heading(column, current)))), body));
    further(body);
  }

  function heading(column, current) {
    const name = column.sort;
    const direction = name && current.sort.replace(/^-/, "") === name ? (current.sort.startsWith("-") ? "descending" : "ascending") : null;
    const content = name ? h("button", { type: "button", onclick: () => sort(name) }, column.heading, h("span", { class: "arrow", "aria-hidden": "true" }, direction === "descending" ? "↓" : direction ? "↑" : "")) : column.heading;
    return h("th", { role: "columnheader", scope: "col", class: column.class, "aria-sort": direction }, content);
  }

  function sort(name) {
    const first = name === "StudyDate" ? `-${name}` : name;
    state.sort = state.sort === first ? (first.startsWith("-") ? name : `-${name}`) : first;
    changed();
  }

  function row(object) {
    const target = level.target(object);
    const cells = level.columns.map((column, at) => {
      const content = column.cell(object);
      return at ? h("td", { role: "cell", class: column.class }, content) : h("th", { role: "rowheader", scope: "row", class: column.class }, h("a", { href: level.open(object) || "." }, content));
    });
    const line = h("tr", { role: "row" }, target ? h("td", { role: "cell", class: "picture" }, thumbnail(target, 40, text(object, "Modality") || text(object, "ModalitiesInStudy").split(", ")[0])) : null, cells);
    if (target) line.dataset.viewer = `view?${new URLSearchParams(Object.entries(target))}`;
    return line;
  }

  function further(body) {
    if (paging.done) {
      more.replaceChildren(paging.seen.size > 20 ? h("p", null, "That is all.") : "");
      return;
    }
    const button = h("button", { type: "button", onclick: load }, "Show more");
    more.replaceChildren(button);
    const watch = new IntersectionObserver(([entry]) => entry.isIntersecting && load(), { rootMargin: "600px" });
    const mine = running.signal;
    watch.observe(button);
    let loading = false;
    async function load() {
      if (loading) return;
      loading = true;
      watch.disconnect();
      button.disabled = true;
      try {
        const page = await paging.next({ signal: mine, quiet: true });
        if (mine.aborted) return;
        const focused = document.activeElement === button;
        const rows = page.map(row);
        body.append(...rows);
        tell();
        further(body);
        if (focused) rows[0]?.querySelector("a").focus();
      } catch (error) {
        if (error.name === "AbortError") return;
        more.replaceChildren(h("p", { class: "notice bad" }, advice(error)), h("button", { type: "button", onclick: () => further(body) }, "Try again"));
      }
    }
  }

  function nothing(current) {
    const asking = current.q || Object.keys(current.keys).length;
    if (!asking) return h("div", { class: "empty" }, icon("stack", 44), h("h2", null, "The archive is empty"), h("p", null, "Put files, folders or zip archives into it, or have a modality or another archive send to it."), h("a", { class: "button", href: "add" }, icon("add"), "Add files"));
    return h(
      "div",
      { class: "empty" },
      icon("search", 40),
      h("h2", null, `No ${level.label.toLowerCase()} match`),
      h("p", null, "Try fewer letters: a part of a name is enough. * stands for any letters, ? for one; a date can be 2024, 2024-01 or 2023..2024."),
      h("button", { type: "button", onclick: () => go(state.level === "studies" ? "." : `.?level=${state.level}`) }, "Clear the search"),
    );
  }

  function fail(error) {
    count.textContent = "Not found out";
    more.replaceChildren();
    results.replaceChildren(h("div", { class: "empty bad", role: "alert" }, icon("info", 40), h("h2", null, error.status === 400 ? "That search cannot be done" : "The search failed"), h("p", null, advice(error)), h("button", { type: "button", onclick: run }, "Try again")));
  }

  async function exportCsv() {
    save.disabled = true;
    const whole = new Paging(state.level, paging.streams.map((stream) => stream.parameters), level.identity, paging.order);
    const rows = [];
    try {
      while (!whole.done && rows.length < EXPORT_MAX) {
        rows.push(...(await whole.next({ signal: running.signal, quiet: true })));
        save.lastChild.textContent = `${rows.length} …`;
      }
      const link = h("a", { href: URL.createObjectURL(new Blob(["\ufeff", csv(state.level, rows)], { type: "text/csv;charset=utf-8" })), download: `${state.level}.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      say(`${counted(rows.length, level.one)} saved as CSV${whole.done ? "" : `; ${EXPORT_MAX} are the most`}`);
    } catch (error) {
      if (error.name !== "AbortError") notices.replaceChildren(h("p", { class: "notice bad" }, advice(error)));
    }
    save.lastChild.textContent = "CSV";
    save.disabled = false;
  }

  results.addEventListener("keydown", (event) => {
    const rows = [...results.querySelectorAll("tbody tr")];
    const at = rows.indexOf(event.target.closest("tr"));
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      if (to < 0) box.focus();
      else rows[to]?.querySelector("a").focus();
    } else if (event.key === "v" && rows[at].dataset.viewer) go(rows[at].dataset.viewer);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    results.querySelector("tbody a")?.focus();
  });

  await run();
}

function read(parameters) {
  const level = parameters.get("level") in LEVELS ? parameters.get("level") : "studies";
  const keys = Object.fromEntries([...parameters].filter(([name, value]) => !OWN.has(name) && value));
  return { q: parameters.get("q") ?? "", level, sort: parameters.get("sort") ?? LEVELS[level].sort, exact: parameters.has("exact"), keys };
}

/** The four levels, as links that keep what was typed. */
function levels(state) {
  const to = (level) => {
    const parameters = new URLSearchParams(location.search);
    for (const name of ["level", "sort"]) parameters.delete(name);
    const allowed = new Set(FIELDS.filter((field) => field.levels.includes(level)).map((field) => field.keyword));
    for (const name of [...parameters.keys()]) if (!OWN.has(name) && !allowed.has(name)) parameters.delete(name);
    if (level !== "studies") parameters.set("level", level);
    return parameters.size ? `.?${parameters}` : ".";
  };
  return h(
    "nav",
    { class: "segments", "aria-label": "Level" },
    Object.entries(LEVELS).map(([level, { label }]) =>
      h("a", { href: to(level), "aria-current": state.level === level ? "true" : null, onclick: (event) => (event.currentTarget.href = to(level)) }, label),
    ),
  );
}

function filters(state) {
  const inputs = new Map();
  const known = FIELDS.filter((field) => field.levels.includes(state.level));
  const one = (field) => {
    const id = `field-${field.keyword}`;
    if (field.range) return range(field, id, state.keys[field.keyword] ?? "", inputs);
    const input = h("input", { id, type: "text", value: state.keys[field.keyword] ?? "", autocomplete: "off", list: field.suggestions ? `${id}-list` : null });
    inputs.set(field.keyword, () => input.value);
    const list = field.suggestions ? h("datalist", { id: `${id}-list` }, field.suggestions.map((value) => h("option", { value }))) : null;
    return h("div", { class: "field" }, h("label", { for: id }, field.label), input, list);
  };
  const others = h("div", { class: "others" });
  const list = h("datalist", { id: "keywords" });
  const add = h("button", { type: "button", class: "quiet", onclick: () => another("", "").focus() }, icon("add", 16), h("span", null, "Any other attribute"));
  const element = h("section", { id: "filters", class: "filters", "aria-label": "Filters" }, h("div", { class: "fields" }, known.map(one)), others, add, list);

  let other = 0;
  function another(keyword, value) {
    other += 1;
    const key = h("input", { type: "text", value: keyword, list: "keywords", placeholder: "Keyword or tag", "aria-label": "Attribute", autocomplete: "off", spellcheck: "false", onfocus: suggest });
    const content = h("input", { type: "text", value, placeholder: "Value", "aria-label": "Value of the attribute", autocomplete: "off" });
    const id = `other-${other}`;
    inputs.set(id, () => [key.value.trim().replace(/[(),\s]/g, ""), content.value]);
    const line = h("div", { class: "other" }, key, content, h("button", { type: "button", class: "quiet", onclick: () => { inputs.delete(id); line.remove(); element.dispatchEvent(new Event("input")); } }, icon("close", 16), h("span", { class: "hidden" }, "Remove")));
    others.append(line);
    return key;
  }

  async function suggest() {
    if (list.children.length) return;
    const dictionary = await names().catch(() => ({}));
    if (!list.children.length) list.append(...Object.values(dictionary).map(([, keyword, name]) => h("option", { value: keyword }, name)));
  }

  const listed = new Set(known.map((field) => field.keyword));
  for (const [keyword, value] of Object.entries(state.keys)) if (!listed.has(keyword)) another(keyword, value);

  function values() {
    const found = [];
    for (const [name, value] of inputs) {
      const [keyword, text] = typeof value() === "string" ? [name, value()] : value();
      if (keyword && text.trim()) found.push([keyword, text.trim()]);
    }
    return found;
  }
  return { element, values, used: Object.keys(state.keys).length };
}

const dashed = (value) => (/^\d{8}$/.test(value) ? `${value.slice(0, 4)}-${value.slice(4, 6)}-${value.slice(6)}` : "");

function range(field, id, value, inputs) {
  const [from, to = value.includes("-") ? "" : from] = value.split("-");
  const begin = h("input", { id, type: "date", value: dashed(from), "aria-label": `${field.label}, from` });
  const end = h("input", { id: `${id}-to`, type: "date", value: dashed(to), "aria-label": `${field.label}, to` });
  inputs.set(field.keyword, () => {
    const [low, high] = [begin.value, end.value].map((typed) => typed.replaceAll("-", ""));
    return low || high ? (low === high ? low : `${low}-${high}`) : "";
  });
  return h("div", { class: "field range" }, h("label", { for: id }, field.label), h("div", null, begin, h("span", { "aria-hidden": "true" }, "–"), end));
}
