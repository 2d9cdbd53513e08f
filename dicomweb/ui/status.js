// The archive at a glance: how much, of what, since when; what came, what was refused.

import { h, svg } from "./dom.js";
import { advice, own, search } from "./service.js";
import { all, counted, name, size, text, written } from "./values.js";

const DAYS = 30;
const REFRESH_MILLISECONDS = 15_000;
const KINDS_MAX = 8;

export async function show(main, _, { signal, title }) {
  title("Status");
  const place = h("div", { class: "status", "aria-busy": "true" });
  main.append(h("h1", null, "Status"), place);
  await draw();
  const timer = setInterval(() => document.hidden || draw(), REFRESH_MILLISECONDS);
  signal.addEventListener("abort", () => clearInterval(timer));

  async function draw() {
    try {
      const told = await own("status", { signal });
      const [studies, associations] = await Promise.all([names(told.arrivals), dimse()]);
      if (signal.aborted) return;
      place.replaceChildren(figures(told, associations), h("div", { class: "charts" }, days(told), modalities(told)), h("div", { class: "charts" }, arrivals(told, studies), refusals(told)), foot(told));
    } catch (error) {
      if (error.name !== "AbortError" && !place.children.length) place.append(h("div", { class: "empty bad", role: "alert" }, h("h2", null, "The status is not known"), h("p", null, advice(error))));
    } finally {
      place.setAttribute("aria-busy", "false");
    }
  }

  async function names(list) {
    if (!list.length) return new Map();
    const { objects } = await search("studies", { StudyInstanceUID: list.map((one) => one.StudyInstanceUID).join(",") }, { signal, quiet: true });
    return new Map(objects.map((study) => [text(study, "StudyInstanceUID"), study]));
  }

  /** What the DIMSE door counts, by name; empty where it is off. */
  async function dimse() {
    const response = await fetch(new URL("metrics", document.baseURI), { signal });
    if (!response.ok) return {};
    return Object.fromEntries([...(await response.text()).matchAll(/^dicomweb_dimse_(\w+) (\d+)$/gm)].map(([, key, value]) => [key, Number(value)]));
  }
}

function figures(told, associations) {
  const one = (label, value, under = "") => h("div", { class: "card fact" }, h("dt", null, label), h("dd", null, value, h("span", { class: "sub" }, under)));
  const used = told.disk.total_bytes - told.disk.free_bytes;
  const meter = h("meter", { min: 0, max: told.disk.total_bytes, high: told.disk.total_bytes * 0.9, value: used, "aria-label": "Disk used" });
  return h(
    "dl",
    { class: "summary" },
    one("Studies", told.studies.toLocaleString("en"), counted(told.series, "series")),
    one("Objects", told.total.instances.toLocaleString("en"), size(told.total.size_bytes)),
    h("div", { class: "card fact" }, h("dt", null, "Disk"), h("dd", null, `${size(told.disk.free_bytes)} free`, h("span", { class: "sub" }, `of ${size(told.disk.total_bytes)}`), meter)),
    told.dimse_port ? one("Associations", (associations.associations_open ?? 0).toLocaleString("en"), `open of ${(associations.associations_total ?? 0).toLocaleString("en")} since the start; ${associations.associations_rejected_total ?? 0} rejected`) : one("Associations", "off", "dimse_port is 0"),
  );
}

/** A bar a day, for the last days; the figures are in the table that screen readers are given. */
function days(told) {
  const now = Date.now();
  const list = Array.from({ length: DAYS }, (_, at) => {
    const day = new Date(now - (DAYS - 1 - at) * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "");
    return { day, count: told.days[day]?.instances ?? 0 };
  });
  const most = Math.max(1, ...list.map(({ count }) => count));
  const [width, height, gap] = [600, 180, 3];
  const step = width / DAYS;
  const bars = list.map(({ day, count }, at) => {
    const tall = count ? Math.max(3, (count / most) * (height - 8)) : 1;
    return svg("g", null, svg("title", null, `${written(day)}: ${counted(count, "object")}`), svg("rect", { x: at * step, y: 0, width: step, height, class: "catch" }), svg("rect", { x: at * step + gap / 2, y: height - tall, width: step - gap, height: tall, rx: 2, class: count ? "day" : "day none" }));
  });
  return h(
    "section",
    { class: "card chart", "aria-label": "Objects that came, by day" },
    h("h2", null, "Came, by day"),
    h("p", { class: "sub" }, `${counted(list.reduce((sum, { count }) => sum + count, 0), "object")} in ${DAYS} days; ${most > 1 || list.some(({ count }) => count) ? `at most ${most.toLocaleString("en")} a day` : "none yet"}`),
    svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, bars),
    h("p", { class: "axis sub", "aria-hidden": "true" }, h("span", null, written(list[0].day)), h("span", null, "today")),
    // Firefox clips no table, only what holds it.
    h("div", { class: "hidden" }, h("table", null, h("caption", null, "Objects by day"), h("tbody", null, list.filter(({ count }) => count).map(({ day, count }) => h("tr", null, h("th", { scope: "row" }, written(day)), h("td", null, count)))))),
  );
}

function modalities(told) {
  const sorted = Object.entries(told.modalities).sort(([, a], [, b]) => b.instances - a.instances);
  const rest = sorted.slice(KINDS_MAX);
  const list = sorted.slice(0, KINDS_MAX).map(([label, amount]) => ({ label: label || "none", ...amount }));
  if (rest.length) list.push({ label: `${rest.length} others`, instances: rest.reduce((sum, [, { instances }]) => sum + instances, 0), size_bytes: rest.reduce((sum, [, amount]) => sum + amount.size_bytes, 0) });
  const most = Math.max(1, ...list.map(({ instances }) => instances));
  const row = ({ label, instances, size_bytes: bytes }) => {
    const bar = h("span", { class: "amount" });
    bar.style.width = `${(instances / most) * 100}%`;
    return h("tr", null, h("th", { scope: "row" }, label), h("td", { class: "wide" }, bar), h("td", { class: "figure" }, instances.toLocaleString("en")), h("td", { class: "figure sub" }, size(bytes)));
  };
  return h("section", { class: "card chart", "aria-label": "Objects by modality" }, h("h2", null, "By modality"), list.length ? h("table", { class: "bars" }, h("caption", { class: "hidden" }, "Objects by modality"), h("thead", { class: "hidden" }, h("tr", null, ["Modality", "Share", "Objects", "Size"].map((heading) => h("th", { scope: "col" }, heading)))), h("tbody", null, list.map(row))) : h("p", { class: "soft" }, "Nothing is stored yet."));
}

const moment = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const when = (microseconds) => (microseconds ? moment.format(microseconds / 1000) : "earlier");

function arrivals(told, studies) {
  const row = ({ StudyInstanceUID: uid, instances, stored_microseconds: stored }) => {
    const study = studies.get(uid);
    return h("li", null, h("span", { class: "when" }, when(stored)), h("a", { href: `study?uid=${uid}` }, name(study) || "No name"), h("span", { class: "soft what" }, text(study, "StudyDescription")), h("span", { class: "chips" }, all(study, "ModalitiesInStudy").map((modality) => h("span", { class: "chip" }, modality))), h("span", { class: "figure" }, counted(instances, "object")));
  };
  return h("section", { class: "card chart list", "aria-label": "Came last" }, h("h2", null, "Came last"), told.arrivals.length ? h("ul", null, told.arrivals.map(row)) : h("p", { class: "soft" }, "Nothing has come yet."));
}

function refusals(told) {
  const row = ({ refused_microseconds: at, code, detail, SOPInstanceUID: uid }) => h("li", null, h("span", { class: "when" }, when(at)), h("span", { class: "reason" }, detail, uid ? h("span", { class: "sub uid" }, uid) : null), h("code", { class: "soft", title: "Failure reason" }, code.toString(16).toUpperCase().padStart(4, "0")));
  return h("section", { class: "card chart list", "aria-label": "Refused last" }, h("h2", null, "Refused last"), told.refusals.length ? h("ul", { tabindex: "0", class: "scroll", "aria-label": "Refused objects" }, told.refusals.map(row)) : h("p", { class: "soft" }, "Nothing was refused."));
}

function foot(told) {
  const parts = [`Version ${told.version}`, `index in ${told.index === "sqlite" ? "SQLite" : "PostgreSQL"}`, told.dimse_port ? `AE title ${told.ae_title}, port ${told.dimse_port}` : null, `up since ${moment.format(told.started * 1000)}`];
  return h("p", { class: "soft" }, parts.filter(Boolean).join(" · "));
}
