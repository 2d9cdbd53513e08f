// What a list shows at each level: one column, one row here.

import { h } from "./dom.js";
import { all, born, counted, date, first, name, number, sex, text, time } from "./values.js";

const chips = (values) => h("span", { class: "chips" }, values.map((value) => h("span", { class: "chip" }, value)));
const two = (above, below, otherwise) => [h("span", { class: above ? "main" : "main none" }, above || otherwise), h("span", { class: "sub" }, below)];
const dot = (...parts) => parts.filter(Boolean).join(" · ");

const patient = {
  heading: "Patient",
  sort: "PatientName",
  class: "who",
  cell: (object) => two(name(object), dot(text(object, "PatientID"), sex(object), born(object)), "No name"),
  values: ["PatientName", "PatientID", "PatientBirthDate", "PatientSex"],
};
const when = {
  heading: "Date",
  sort: "StudyDate",
  class: "when",
  cell: (object) => two(date(object), time(object), "No date"),
  values: ["StudyDate", "StudyTime"],
};
const count = (heading, keyword, one) => ({
  heading,
  class: "count",
  cell: (object) => {
    const value = number(object, keyword);
    return value !== null && [h("span", { class: "figure" }, value.toLocaleString("en")), h("span", { class: "unit" }, ` ${counted(value, one).split(" ").at(-1)}`)];
  },
  values: [keyword],
});

const address = (page, parameters) => `${page}?${new URLSearchParams(Object.entries(parameters).filter(([, value]) => value))}`;

/** By level: what it is called, where it is searched, what tells two apart, how it is sorted here and by a server that is not told, its columns. */
export const LEVELS = {
  patients: {
    label: "Patients",
    one: "patient",
    identity: ["PatientID", "IssuerOfPatientID", "PatientName"],
    sort: "PatientName",
    served: "",
    columns: [patient, count("Studies", "NumberOfPatientRelatedStudies", "study"), count("Series", "NumberOfPatientRelatedSeries", "series"), count("Images", "NumberOfPatientRelatedInstances", "object")],
    open: (object) =>
      first(object, "PatientID") ? address("", { PatientID: text(object, "PatientID"), exact: "1" }) : address("", { PatientName: first(object, "PatientName")?.Alphabetic ?? "", exact: "1" }),
    target: () => null,
  },
  studies: {
    label: "Studies",
    one: "study",
    identity: ["StudyInstanceUID"],
    sort: "-StudyDate",
    served: "-StudyDate",
    columns: [
      patient,
      when,
      { heading: "Study", sort: "StudyDescription", class: "what", cell: (object) => two(text(object, "StudyDescription"), dot(text(object, "AccessionNumber"), name(object, "ReferringPhysicianName")), "No description"), values: ["StudyDescription", "AccessionNumber", "ReferringPhysicianName"] },
      { heading: "Modality", class: "kind", cell: (object) => chips(all(object, "ModalitiesInStudy")), values: ["ModalitiesInStudy"] },
      count("Series", "NumberOfStudyRelatedSeries", "series"),
      count("Images", "NumberOfStudyRelatedInstances", "object"),
    ],
    open: (object) => address("study", { uid: text(object, "StudyInstanceUID") }),
    target: (object) => ({ study: first(object, "StudyInstanceUID") }),
  },
  series: {
    label: "Series",
    one: "series",
    identity: ["StudyInstanceUID", "SeriesInstanceUID"],
    sort: "",
    columns: [
      patient,
      when,
      { heading: "Series", sort: "SeriesDescription", class: "what", cell: (object) => two(text(object, "SeriesDescription"), dot(text(object, "BodyPartExamined"), text(object, "SeriesNumber") && `number ${text(object, "SeriesNumber")}`), "No description"), values: ["SeriesDescription", "BodyPartExamined", "SeriesNumber"] },
      { heading: "Modality", sort: "Modality", class: "kind", cell: (object) => chips(all(object, "Modality")), values: ["Modality"] },
      count("Images", "NumberOfSeriesRelatedInstances", "object"),
    ],
    open: (object) => address("study", { uid: text(object, "StudyInstanceUID"), series: text(object, "SeriesInstanceUID") }),
    target: (object) => ({ study: first(object, "StudyInstanceUID"), series: first(object, "SeriesInstanceUID") }),
  },
  instances: {
    label: "Images",
    one: "object",
    identity: ["SOPInstanceUID"],
    sort: "",
    columns: [
      patient,
      when,
      { heading: "Series", class: "what", cell: (object) => two(text(object, "SeriesDescription") || text(object, "StudyDescription"), dot(text(object, "InstanceNumber") && `image ${text(object, "InstanceNumber")}`, text(object, "SOPInstanceUID")), "No description"), values: ["SeriesDescription", "InstanceNumber", "SOPInstanceUID"] },
      { heading: "Modality", class: "kind", cell: (object) => chips(all(object, "Modality")), values: ["Modality"] },
      { heading: "Size", class: "count", cell: (object) => (number(object, "Rows") ? h("span", { class: "figure" }, `${number(object, "Columns")} × ${number(object, "Rows")}`) : null), values: ["Columns", "Rows"] },
      count("Frames", "NumberOfFrames", "frame"),
    ],
    open: (object) => address("view", { study: text(object, "StudyInstanceUID"), series: text(object, "SeriesInstanceUID"), instance: text(object, "SOPInstanceUID") }),
    target: (object) => ({ study: first(object, "StudyInstanceUID"), series: first(object, "SeriesInstanceUID"), instance: first(object, "SOPInstanceUID") }),
  },
};

/** Compares two objects as `sort` ("-StudyDate") has the server sort them. */
export function compares(sort) {
  const down = sort.startsWith("-");
  const keywords = sort.replace(/^-/, "") === "StudyDate" ? ["StudyDate", "StudyTime"] : [sort.replace(/^-/, "")];
  const key = (object) => keywords.map((keyword) => (keyword.endsWith("Name") ? (first(object, keyword)?.Alphabetic ?? "") : text(object, keyword))).join("\\");
  return (a, b) => {
    if (!sort) return 0;
    const [one, other] = [key(a), key(b)];
    return (one < other ? -1 : one > other ? 1 : 0) * (down ? -1 : 1);
  };
}

/** Objects as CSV: what the columns hold, unformatted; a cell that a spreadsheet would run is made text. */
export function csv(level, objects) {
  const keywords = [...new Set(LEVELS[level].columns.flatMap((column) => column.values)), ...LEVELS[level].identity].filter((keyword, at, list) => list.indexOf(keyword) === at);
  const cell = (value) => {
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const value = (object, keyword) => (keyword.endsWith("Name") ? (first(object, keyword)?.Alphabetic ?? "") : all(object, keyword).join("\\"));
  return [keywords, ...objects.map((object) => keywords.map((keyword) => value(object, keyword)))].map((row) => row.map((one) => cell(String(one))).join(",")).join("\r\n");
}
