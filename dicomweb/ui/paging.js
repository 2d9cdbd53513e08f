// Pages of one or several searches, shown as one list: merged in their order, each object once.

import { search } from "./service.js";
import { first } from "./values.js";

export const PAGE = 50;

class Stream {
  constructor(path, parameters) {
    this.path = path;
    this.parameters = parameters;
    this.waiting = [];
    this.offset = 0;
    this.remaining = null;
  }

  async fill(options) {
    if (this.waiting.length || this.remaining === 0) return [];
    const page = await search(this.path, { ...this.parameters, limit: PAGE, offset: this.offset }, options);
    this.waiting.push(...page.objects);
    this.offset += page.objects.length;
    this.remaining = page.objects.length ? page.remaining : 0;
    this.least = page.least;
    return page.warnings;
  }
}

export class Paging {
  /** `order` compares two objects as the server has sorted them; `identity` is the keyword of what tells them apart. */
  constructor(path, searches, identity, order) {
    this.streams = searches.map((parameters) => new Stream(path, parameters));
    this.identity = identity;
    this.order = order;
    this.seen = new Set();
    this.warnings = new Set();
  }

  /** Up to a page of objects; fewer at the end. Reads no page that is not shown. */
  async next(options) {
    const page = [];
    while (page.length < PAGE) {
      const told = await Promise.all(this.streams.map((stream) => stream.fill(options)));
      for (const warning of told.flat()) this.warnings.add(warning);
      const ready = this.streams.filter((stream) => stream.waiting.length);
      if (!ready.length) break;
      const [from] = ready.toSorted((a, b) => this.order(a.waiting[0], b.waiting[0]));
      const object = from.waiting.shift();
      const key = this.identity.map((keyword) => first(object, keyword)).join("\\");
      if (this.seen.has(key)) continue;
      this.seen.add(key);
      page.push(object);
    }
    return page;
  }

  get done() {
    return this.streams.every((stream) => stream.remaining === 0 && !stream.waiting.length);
  }

  /** How many there are in all, as far as is known: with several searches some may be counted twice. */
  get total() {
    const more = this.streams.reduce((sum, stream) => sum + (stream.remaining ?? 0) + stream.waiting.length, 0);
    return { count: this.seen.size + more, least: this.streams.some((stream) => stream.least), exact: this.streams.length === 1 || this.done };
  }
}
