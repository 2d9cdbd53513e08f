// Find: one box and a few fields, results as they are typed, at four levels. The address holds it all.

import { LEVELS, compares, csv } from "./columns.js";
import { debounced, h, icon, say } from "./dom.js";
import { Paging } from "./paging.js";
import { advice } from "./service.js";
import { thumbnail } from "./thumbnails.js";
import { counted, text } from "./values.js";

const PAUSE_MILLISECONDS = 180;
const EXPORT_MAX = 10_000;
/** Rows that are there again when somebody comes back to a list. */
const BACK_MAX = 500;

const OWN = new Set(["q", "level", "sort", "exact"]);

export async function show(main, given, { signal, go, title, rows: before = 0, at: left = -1 }) {
  const state = read(given);
  const level = LEVELS[state.level];
  title(state.q ? `${state.q} – ${level.label}` : level.label);

  const box = h("input", { id: "q", type: "search", value: state.q, placeholder: "Name, ID, accession, date …", "aria-label": "Search", "aria-describedby": "understood", onfocus: () => import("./interpret.js"), autocomplete: "off", spellcheck: "false", enterkeyhint: "search" });
  const count = h("p", { class: "tally", role: "status" }, "Searching …");
  const understood = h("p", { id: "understood", class: "understood" });
  const notices = h("div", { class: "notices" });
  const results = h("div", { class: "results", "aria-busy": "true" });
  const more = h("div", { class: "more" });
  const used = Object.keys(state.keys).length;
  const fields = h("section", { id: "filters", class: "filters", "aria-label": "Filters", hidden: !used || innerWidth <= 700 });
  const open = h("button", { type: "button", class: "quiet", "aria-expanded": String(!fields.hidden), "aria-controls": "filters", onclick: toggle }, icon("filter"), h("span", null, "Filters"), used ? h("span", { class: "badge" }, used) : null);
  let form = null;
  if (used) await fill();
  if (signal.aborted) return;
  const save = h("button", { type: "button", class: "quiet", onclick: exportCsv }, icon("download", 16), h("span", null, "CSV"));

  main.append(
    h("h1", { class: "hidden" }, level.label),
    h("form", { role: "search", class: "finder", onsubmit: (event) => { event.preventDefault(); changed(); } }, h("div", { class: "box" }, icon("search", 20), box, h("kbd", { "aria-hidden": "true" }, "/")), levels(state, (keyword, to) => form.offered(keyword, to)), open),
    fields,
    h("div", { class: "bar" }, count, understood, h("div", { class: "actions" }, save)),
    notices,
    results,
    more,
  );

  const pictured = state.level !== "patients";
  let running = new AbortController();
  let paging = null;
  signal.addEventListener("abort", () => running.abort());

  /** The fields come when they are opened, or when something is in them. */
  async function fill() {
    if (form) return;
    const { filters, offered } = await import("./fields.js");
    form ??= { ...filters(fields, state), offered };
  }

  async function toggle() {
    await fill();
    fields.hidden = !fields.hidden;
    open.setAttribute("aria-expanded", String(!fields.hidden));
    if (!fields.hidden) fields.querySelector("input").focus();
  }

  function typed() {
    const parameters = new URLSearchParams();
    const q = box.value.trim();
    if (q) parameters.set("q", q);
    if (state.level !== "studies") parameters.set("level", state.level);
    if (state.sort !== level.sort) parameters.set("sort", state.sort);
    for (const [keyword, value] of form?.values() ?? []) parameters.set(keyword, value);
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
  fields.addEventListener("input", () => {
    state.exact = false;
    soon();
  });

  async function run() {
    running.abort();
    running = new AbortController();
    const mine = running.signal;
    const current = read(new URLSearchParams(location.search));
    results.setAttribute("aria-busy", "true");
    const meant = await means(current);
    if (mine.aborted) return;
    understood.textContent = current.q && meant.said.length ? `as ${meant.said.join(", ")}` : "";
    const { keys } = meant;
    const order = current.sort && current.sort !== level.served ? { orderby: current.sort } : {};
    const searches = meant.alternatives.map((one) => ({ ...keys, ...one, ...order }));
    paging = new Paging(state.level, searches, level.identity, compares(current.sort));
    try {
      let page = await paging.next({ signal: mine });
      if (!page.length && meant.alike && !mine.aborted) {
        paging = new Paging(state.level, [{ ...keys, ...meant.alike, ...order }], level.identity, compares(current.sort));
        page = await paging.next({ signal: mine });
        if (page.length) paging.warnings.add("Nothing matches as it is typed. These names are like it.");
      }
      while (page.length < Math.min(before, BACK_MAX) && !paging.done) page.push(...(await paging.next({ signal: mine, quiet: true })));
      before = 0;
      if (mine.aborted) return;
      draw(page, current);
    } catch (error) {
      if (error.name !== "AbortError") fail(error);
    } finally {
      if (!mine.aborted) results.setAttribute("aria-busy", "false");
    }
  }

  function tell() {
    const { count: sum, least, exact } = paging.total;
    count.textContent = sum ? `${least ? "more than " : exact ? "" : "about "}${counted(sum, level.one)}` : `No ${level.label.toLowerCase()}`;
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
    const sorting = document.activeElement.closest?.("thead th")?.cellIndex;
    const within = results.contains(document.activeElement);
    results.replaceChildren(h("table", { role: "table", class: `rows list-${state.level}` }, h("caption", { class: "hidden" }, level.label), h("thead", null, h("tr", { role: "row" }, pictured ? h("th", { role: "columnheader", class: "picture" }, h("span", { class: "hidden" }, "Picture")) : null, level.columns.map((column) => heading(column, current)))), body));
    further(body);
    // Who was in the list with the keyboard stays in it, and who comes back is where they left.
    if (sorting >= 0) results.querySelectorAll("thead th")[sorting]?.querySelector("button")?.focus();
    else if (within || left >= 0) results.querySelectorAll("tbody a")[Math.max(0, left)]?.focus({ preventScroll: true });
    left = -1;
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
    count.textContent = "No answer";
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

/** What the box and the fields ask for; without anything in them there is nothing to understand. */
async function means({ q, keys: typed, exact, level }) {
  if (!q && !Object.keys(typed).length) return { keys: {}, alternatives: [{}], said: [] };
  const { fieldValue, interpret } = await import("./interpret.js");
  const meant = interpret(q, level);
  const keys = Object.entries(typed).map(([keyword, value]) => [keyword, exact ? value : fieldValue(keyword, value)]);
  return { ...meant, keys: { ...meant.keys, ...Object.fromEntries(keys) } };
}

/** The four levels, as links that keep what was typed. */
function levels(state, offered) {
  const to = (level) => {
    const parameters = new URLSearchParams(location.search);
    for (const name of ["level", "sort"]) parameters.delete(name);
    for (const name of [...parameters.keys()]) if (!OWN.has(name) && !offered(name, level)) parameters.delete(name);
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
