// What DICOM JSON objects hold, read by keyword and written as people read it.

import { TAGS } from "./tags.js";

/** The values of an attribute; an empty list where there are none. */
export function all(object, keyword) {
  return object?.[TAGS[keyword]]?.Value ?? [];
}

/** The first value; null where there is none. */
export function first(object, keyword) {
  return all(object, keyword)[0] ?? null;
}

/** The values as one text. */
export function text(object, keyword) {
  return all(object, keyword).filter((value) => value !== null).map(String).join(", ");
}

export function number(object, keyword, otherwise = null) {
  const value = first(object, keyword);
  return value === null || Number.isNaN(Number(value)) ? otherwise : Number(value);
}

export function numbers(object, keyword) {
  return all(object, keyword).map(Number).filter((value) => !Number.isNaN(value));
}

/** "Doe, Jane" of Doe^Jane; other scripts follow in brackets. */
export function name(object, keyword = "PatientName") {
  const value = first(object, keyword);
  if (value === null) return "";
  const [main, ...others] = ["Alphabetic", "Ideographic", "Phonetic"].map((group) => person(value[group])).filter(Boolean);
  return main ? main + (others.length ? ` (${others.join(", ")})` : "") : "";
}

function person(components) {
  const [family = "", given = "", middle = "", prefix = "", suffix = ""] = (components ?? "").split("^").map((part) => part.trim());
  const rest = [prefix, given, middle].filter(Boolean).join(" ");
  return [family, rest, suffix].filter(Boolean).join(", ");
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "2 Jan 2024", which no country reads the wrong way; anything that is no date stays as it is. */
export function date(object, keyword = "StudyDate") {
  return written(text(object, keyword));
}

export function written(value) {
  const parts = /^(\d{4})[.-]?(\d{2})[.-]?(\d{2})$/.exec(value);
  const month = parts && MONTHS[Number(parts[2]) - 1];
  return month ? `${Number(parts[3])} ${month} ${parts[1]}` : value;
}

export function time(object, keyword = "StudyTime") {
  const parts = /^(\d{2}):?(\d{2})/.exec(text(object, keyword));
  return parts ? `${parts[1]}:${parts[2]}` : "";
}

/** "1 Jan 1970 (54)": with the age at the time of the study where that is known. */
export function born(object) {
  const birth = text(object, "PatientBirthDate");
  if (!/^\d{8}$/.test(birth)) return birth;
  const at = text(object, "StudyDate");
  if (!/^\d{8}$/.test(at)) return written(birth);
  const years = Math.floor((Number(at) - Number(birth)) / 10000);
  return years >= 0 && years < 130 ? `${written(birth)} (${years})` : written(birth);
}

const SEX = { F: "female", M: "male", O: "other" };

export function sex(object) {
  const value = text(object, "PatientSex");
  return SEX[value] ?? value;
}

/** "1,234 studies". */
export function counted(count, one, many = one.endsWith("y") ? `${one.slice(0, -1)}ies` : one === "series" ? "series" : `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

const SIZES = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/** "59.1 MB". */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < SIZES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 99.95 ? value.toFixed(1) : Math.round(value)} ${SIZES[unit]}`;
}
