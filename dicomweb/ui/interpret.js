// What somebody types into one box -> matching keys. QIDO-RS knows no "or", so a text can come to
// several searches, whose results are shown together.

const MODALITIES = new Set("AR AU BDUS BI BMD CR CT CTPROTOCOL DG DOC DX ECG EPS ES FID GM HC HD IO IVOCT IVUS KER KO LEN LS MG MR NM OAM OCT OP OPM OPT OPV OSS OT PLAN PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTPLAN RTRECORD RTSTRUCT RWV SEG SM SMR SR SRF STAIN TG US VA XA XC".split(" "));
/** Those that are meant in small letters too; of the others some are names. */
const COMMON = new Set(["CR", "CT", "DX", "MG", "MR", "NM", "PT", "RF", "SEG", "SR", "US", "XA"]);

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const two = (number) => String(number).padStart(2, "0");
const day = (date) => `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;

function ago(now, days) {
  const date = new Date(now);
  date.setDate(date.getDate() - days);
  return day(date);
}

const WORDS = {
  today: (now) => day(now),
  yesterday: (now) => ago(now, 1),
  week: (now) => `${ago(now, 7)}-${day(now)}`,
  month: (now) => `${ago(now, 30)}-${day(now)}`,
  year: (now) => `${ago(now, 365)}-${day(now)}`,
};

function valid(year, month, date) {
  const made = new Date(Date.UTC(year, month - 1, date));
  return made.getUTCMonth() === month - 1 && year > 1800 && year < 2200;
}

/** The range of days that a word stands for; null if it is no date. */
function oneDate(word, now) {
  if (WORDS[word]) return WORDS[word](now);
  let parts = /^(\d{4})[-./]?(\d{2})[-./]?(\d{2})$/.exec(word);
  if (parts && valid(+parts[1], +parts[2], +parts[3])) return parts.slice(1).join("");
  parts = /^(\d{1,2})[./](\d{1,2})[./](\d{4})$/.exec(word);
  if (parts && valid(+parts[3], +parts[2], +parts[1])) return parts[3] + two(parts[2]) + two(parts[1]);
  parts = /^(\d{4})-(\d{2})$/.exec(word);
  if (parts && valid(+parts[1], +parts[2], 1)) return `${parts[1]}${parts[2]}01-${parts[1]}${parts[2]}31`;
  parts = /^(19|20)\d\d$/.exec(word);
  if (parts) return `${word}0101-${word}1231`;
  return null;
}

/** A range for StudyDate, from a word like 2024, 2024-01-02, 2.1.2024, 2023..2024, >2024-01-02, today. */
export function dates(word, now = new Date()) {
  const [from, to, more] = word.split("..");
  if (to !== undefined && more === undefined && (from || to)) {
    const begin = from && oneDate(from, now);
    const end = to && oneDate(to, now);
    if ((from && !begin) || (to && !end)) return null;
    return `${begin ? begin.split("-")[0] : ""}-${end ? end.split("-").at(-1) : ""}`;
  }
  const open = /^([<>])=?(.+)$/.exec(word);
  if (open) {
    const bound = oneDate(open[2], now);
    if (!bound) return null;
    return open[1] === ">" ? `${bound.split("-")[0]}-` : `-${bound.split("-").at(-1)}`;
  }
  return oneDate(word, now);
}

const FIELD = /^([A-Za-z][A-Za-z0-9]*|[0-9A-Fa-f]{8}):(.+)$/;
const SHORT = { name: "PatientName", id: "PatientID", date: "StudyDate", modality: "ModalitiesInStudy", description: "StudyDescription", accession: "AccessionNumber", referring: "ReferringPhysicianName", sex: "PatientSex", born: "PatientBirthDate" };

/** Quoted words stay together. */
function words(text) {
  return [...text.matchAll(/(\S*?)"([^"]*)"?|\S+/g)].map(([whole, before, quoted]) => (quoted === undefined ? whole : before + quoted)).filter(Boolean);
}

/**
 * What a text asks: `keys` hold in every search, `alternatives` are the searches, `alike` is one for when
 * those find nothing; `said` tells it in words.
 * Two words with a month, "Mar 2024", are one date.
 */
export function interpret(input, level = "studies", now = new Date()) {
  const keys = {};
  const rest = [];
  const said = [];
  const listed = words(input.trim());
  for (let at = 0; at < listed.length; at += 1) {
    const word = listed[at];
    const field = FIELD.exec(word);
    const month = MONTHS.indexOf(word.toLowerCase().slice(0, 3));
    const year = listed[at + 1];
    if (word === "last" && WORDS[year]) continue;
    if (field) {
      const keyword = SHORT[field[1].toLowerCase()] ?? field[1];
      keys[keyword] = keyword === "StudyDate" ? dates(field[2], now) ?? field[2] : field[2];
      said.push(`${keyword} ${field[2]}`);
    } else if (month >= 0 && word.length <= 9 && /^(19|20)\d\d$/.test(year ?? "")) {
      keys.StudyDate = `${year}${two(month + 1)}01-${year}${two(month + 1)}31`;
      said.push(`date ${word} ${year}`);
      at += 1;
    } else if ((MODALITIES.has(word) || COMMON.has(word.toUpperCase())) && level !== "patients") {
      const key = level === "studies" ? "ModalitiesInStudy" : "Modality";
      const modality = word.toUpperCase();
      keys[key] = keys[key] ? `${keys[key]}\\${modality}` : modality;
      said.push(`modality ${modality}`);
    } else if (level !== "patients" && dates(word.toLowerCase(), now)) {
      keys.StudyDate = dates(word.toLowerCase(), now);
      said.push(`date ${word}`);
    } else if (/^[0-9]+(\.[0-9]+){4,}$/.test(word) && level !== "patients") {
      keys.StudyInstanceUID = word;
      said.push("study UID");
    } else rest.push(word);
  }
  return { keys, ...searches(rest, level, said) };
}

function searches(rest, level, said) {
  if (!rest.length) return { alternatives: [{}], said };
  const typed = rest.join(" ");
  const wild = /[*?]/.test(typed);
  const part = (text) => (wild ? text : `*${text}*`);
  const start = (text) => (wild ? text : `${text}*`);
  const alternatives = [];
  const kinds = [];
  if (!/^\d+$/.test(typed)) {
    const ordered = rest.length === 2 ? [rest, rest.toReversed()] : [rest];
    for (const order of ordered) alternatives.push({ PatientName: part(order.map((word) => word.replace(/,$/, "")).join("*")) });
    kinds.push("name");
  }
  if (rest.length === 1) {
    alternatives.push({ PatientID: start(typed) });
    kinds.push("patient ID");
    if (level !== "patients" && typed.length <= 16) {
      alternatives.push({ AccessionNumber: start(typed) });
      kinds.push("accession number");
    }
  }
  const alike = !wild && kinds.includes("name") ? { PatientName: rest.join(" ").replace(",", ""), fuzzymatching: "true" } : null;
  said.push(`${kinds.join(", ").replace(/, ([^,]*)$/, " or $1")} ${typed}`);
  return { alternatives, alike, said };
}

/** What a field's text asks of its attribute: a part is enough where people type parts. */
export function fieldValue(keyword, typed) {
  const value = typed.trim();
  if (!value || /[*?\\]/.test(value)) return value;
  if (["PatientName", "ReferringPhysicianName", "StudyDescription", "SeriesDescription"].includes(keyword)) return `*${value.replace(/,?\s+/g, "*")}*`;
  if (["PatientID", "AccessionNumber"].includes(keyword)) return `${value}*`;
  if (keyword === "StudyDate") return dates(value.toLowerCase()) ?? value;
  return value;
}
