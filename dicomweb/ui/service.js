// The DICOMweb service, and everything that is asked of it: what this page shows has no other source.

/** The service root, with a slash at its end; relative, so that a proxy's prefix does not matter. */
export const SERVICE = new URL(`${document.documentElement.dataset.service}/`, document.baseURI).href;

export const OHIF = document.documentElement.dataset.ohif;

const FILES = new URL(".", import.meta.url).href;

/** The server could not do what was asked; the message is its own sentence. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Nobody answered. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
  }
}

/** What the page asked for, for who wants to see or repeat it; the latest last. */
export const asked = [];
const ASKED_MAX = 40;

function note(url, accept) {
  const same = asked.findIndex((one) => one.url === url);
  if (same >= 0) asked.splice(same, 1);
  asked.push({ url, accept });
  if (asked.length > ASKED_MAX) asked.shift();
}

/** What first.js has asked for already; nobody gets it twice. */
function early(url) {
  const { early: begun } = globalThis;
  if (begun?.url !== url) return null;
  delete globalThis.early;
  return begun.response;
}

/** The response; throws Problem, Unreachable or what an aborted signal throws. */
export async function get(url, { accept, signal, quiet = false, priority } = {}) {
  if (!quiet) note(url, accept);
  let response;
  try {
    response = await (early(url) ?? fetch(url, { headers: accept ? { Accept: accept } : {}, signal, priority }));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
  signal?.throwIfAborted();
  if (!response.ok) throw new Problem(response.status, sentence(await response.text(), response));
  return response;
}

const SIGNS = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&amp;": "&" };

/** What the server says is wrong, in whatever form it says it. */
export function sentence(body, { status, headers }) {
  const type = headers.get("Content-Type") ?? "";
  let said = body.trim().split("\n")[0];
  if (type.includes("json")) said = JSON.parse(body).detail ?? "";
  else if (type.startsWith("text/html")) said = (/<p>([^<]*)/.exec(body)?.[1] ?? "").replace(/&\w+;|&#x27;/g, (sign) => SIGNS[sign] ?? sign);
  return said || `The server answered ${status}.`;
}

export const JSON_TYPE = "application/dicom+json";

async function json(url, options) {
  const response = await get(url, { accept: JSON_TYPE, ...options });
  return { objects: response.status === 204 ? [] : await response.json(), warnings: warnings(response) };
}

/** The sentences of Warning headers (PS3.18 8.3.4). */
function warnings(response) {
  const header = response.headers.get("Warning") ?? "";
  return header.split(/,?\s*299 \S+: /).map((text) => text.trim()).filter(Boolean);
}

/** The address of a resource below the service root. */
export function resource({ study, series, instance, frame }, below = "") {
  let path = "";
  if (study) path += `studies/${study}`;
  if (series) path += `/series/${series}`;
  if (instance) path += `/instances/${instance}`;
  if (frame) path += `/frames/${frame}`;
  return SERVICE + path + below;
}

/** An address that metadata gives, as this page reaches it: by the way it came itself. */
export function reached(uri) {
  return uri.replace(/^.*?(?=studies\/)/, SERVICE);
}

/** The address of a search. Values are encoded so that the server reads what was typed. */
export function searchUrl(path, parameters) {
  const pairs = Object.entries(parameters).flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map((one) => [key, one]));
  const query = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined).map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  return `${SERVICE}${path}${query.length ? `?${query.join("&")}` : ""}`;
}

/** One page of a search: its objects, how many more there are, whether that is the least, what the server warns of. */
export async function search(path, parameters, options) {
  const { objects, warnings: told } = await json(searchUrl(path, parameters), options);
  let remaining = 0;
  let least = false;
  const others = [];
  for (const text of told) {
    const more = /There are (more than |at least )?(\d+) additional results/.exec(text);
    if (more) [least, remaining] = [Boolean(more[1]), Number(more[2])];
    else others.push(text);
  }
  return { objects, remaining, least, warnings: others };
}

/** The metadata of all instances of a study or series, or of one instance. */
export async function metadata(target, options) {
  return (await json(resource(target, "/metadata"), options)).objects;
}

/** The JSON of one of our own resources. */
export async function own(path, options) {
  return (await get(SERVICE + path, { accept: "application/json", ...options })).json();
}

let dictionary = null;

/** By tag: [VR, keyword, name] of every attribute of the standard; asked for once. */
export function names() {
  dictionary ??= get(`${FILES}dictionary.json`, { quiet: true }).then((response) => response.json());
  return dictionary;
}

/** What to tell a person, and what to do about it. */
export function advice(error) {
  if (error instanceof Unreachable) return "The server does not answer. Is it running, and is the network there?";
  if (error instanceof Problem && error.status === 404) return `${error.message} It may have been deleted, or the address is incomplete.`;
  if (error instanceof Problem) return error.message;
  return `Something went wrong in this page: ${error.message}`;
}
