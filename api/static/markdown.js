// Markdown as elements: headings, lists, quotations, tables, code. HTML in it is shown as the text it is.

import { make } from "./dom.js";
import { inline } from "./inline.js";
import { joined, plain } from "./lit.js";

const DEEPEST = 12;
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+|$)(.*?)(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4}|\t|$)(?=(.*))/;
const TABLE = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const INDENTED = /^(?: {4}|\t)/;

// Append `text`, `ranges` of it marked; front matter is looked for where it is a document's beginning.
export function markdown(parent, text, { ranges = [], marker, beginning = false } = {}) {
  let place = 0;
  const lines = text.split("\n").map((line) => {
    const found = { text: line, at: place };
    place += line.length + 1;
    return found;
  });
  const start = beginning ? frontMatter(parent, lines, ranges) : 0;
  blocks(parent, lines.slice(start), { ranges, marker, depth: 0 });
}

function frontMatter(parent, lines, ranges) {
  if (lines[0]?.text !== "---") return 0;
  const end = lines.findIndex((line, number) => number > 0 && /^(---|\.\.\.)\s*$/.test(line.text));
  if (end < 2) return 0;
  preformatted(parent, lines.slice(1, end), ranges, "front");
  return end + 1;
}

function blocks(parent, lines, how) {
  for (let at = 0; at < lines.length; ) {
    const taken = how.depth < DEEPEST ? block(parent, lines, at, how) : 0;
    at = taken || paragraph(parent, lines, at, how);
  }
}

// Append the block that begins at a line; returns the line after it, 0 where none of these begins.
function block(parent, lines, at, how) {
  const { text } = lines[at];
  if (!text.trim()) return at + 1;
  const fence = FENCE.exec(text);
  if (fence && !(fence[1][0] === "`" && fence[2].includes("`"))) return fenced(parent, lines, at, fence[1], how);
  const heading = HEADING.exec(text);
  if (heading) {
    const from = text.indexOf(heading[2], text.indexOf(heading[1]) + heading[1].length);
    line(parent, `h${Math.min(heading[1].length + 2, 6)}`, lines[at], from, heading[2].length, how);
    return at + 1;
  }
  if (RULE.test(text)) {
    parent.append(make("hr"));
    return at + 1;
  }
  if (QUOTE.test(text)) return quotation(parent, lines, at, how);
  if (ITEM.test(text)) return list(parent, lines, at, how);
  if (text.includes("|") && TABLE.test(lines[at + 1]?.text ?? "") && lines[at + 1].text.includes("-")) {
    return table(parent, lines, at, how);
  }
  if (INDENTED.test(text)) return indented(parent, lines, at, how);
  return 0;
}

function line(parent, tag, source, from, size, how) {
  const element = make(tag, { dir: "auto" });
  inline(element, plain(source.text.slice(from, from + size), source.at + from, how.ranges), how.marker);
  parent.append(element);
}

function preformatted(parent, lines, ranges, kind) {
  const code = make("code");
  const stretch = joined(lines, ranges);
  stretch.show(code, 0, stretch.text.length);
  parent.append(make("pre", { class: kind, tabindex: "0" }, code));
}

function fenced(parent, lines, at, mark, how) {
  const closes = new RegExp(`^ {0,3}${mark[0] === "`" ? "`" : "~"}{${mark.length},}\\s*$`);
  let stop = at + 1;
  while (stop < lines.length && !closes.test(lines[stop].text)) stop += 1;
  preformatted(parent, lines.slice(at + 1, stop), how.ranges, "fenced");
  return stop + 1;
}

function indented(parent, lines, at, how) {
  let stop = at;
  while (stop < lines.length && (INDENTED.test(lines[stop].text) || !lines[stop].text.trim())) stop += 1;
  while (!lines[stop - 1].text.trim()) stop -= 1;
  const own = lines.slice(at, stop).map((each) => cut(each, Math.min(4, /^\s*/.exec(each.text)[0].length)));
  preformatted(parent, own, how.ranges, "fenced");
  return stop;
}

function cut(source, count) {
  return { text: source.text.slice(count), at: source.at + count };
}

function quotation(parent, lines, at, how) {
  let stop = at;
  while (stop < lines.length && QUOTE.test(lines[stop].text)) stop += 1;
  const own = lines.slice(at, stop).map((each) => cut(each, QUOTE.exec(each.text)[0].length));
  const element = make("blockquote");
  blocks(element, own, { ...how, depth: how.depth + 1 });
  parent.append(element);
  return stop;
}

function list(parent, lines, at, how) {
  const [, , sign] = ITEM.exec(lines[at].text);
  const ordered = /\d/.test(sign);
  const element = make(ordered ? "ol" : "ul", ordered ? { start: parseInt(sign, 10) } : {});
  const another = (text) => ITEM.test(text) && !RULE.test(text) && /\d/.test(ITEM.exec(text)[2]) === ordered;
  while (at < lines.length && another(lines[at].text)) {
    const [whole, indent, mark, gap, rest] = ITEM.exec(lines[at].text);
    const inner = rest.trim() ? whole.length : indent.length + mark.length + (gap ? 1 : 0);
    const own = [cut(lines[at], Math.min(inner, lines[at].text.length))];
    at += 1;
    while (at < lines.length && belongs(lines, at, inner)) {
      own.push(cut(lines[at], Math.min(inner, /^\s*/.exec(lines[at].text)[0].length)));
      at += 1;
    }
    const item = make("li", { dir: "auto" });
    blocks(item, own, { ...how, depth: how.depth + 1 });
    element.append(item);
  }
  parent.append(element);
  return at;
}

// Whether a line is still the item's: indented under it, blank before such a one, or its paragraph going on.
function belongs(lines, at, inner) {
  const indent = (text) => /^ */.exec(text)[0].length;
  const { text } = lines[at];
  if (!text.trim()) {
    const next = lines.slice(at, at + 4).find((each) => each.text.trim());
    return next !== undefined && (indent(next.text) >= Math.min(inner, 2) || ITEM.test(next.text));
  }
  if (indent(text) >= inner) return true;
  if (!lines[at - 1].text.trim()) return false;
  return !(ITEM.test(text) || HEADING.test(text) || FENCE.test(text) || QUOTE.test(text) || RULE.test(text));
}

function table(parent, lines, at, how) {
  let stop = at + 2;
  while (stop < lines.length && lines[stop].text.includes("|") && lines[stop].text.trim()) stop += 1;
  const row = (source, tag) => make("tr", {}, ...cells(source).map((cell) => {
    const element = make(tag, { dir: "auto" });
    inline(element, plain(cell.text, cell.at, how.ranges), how.marker);
    return element;
  }));
  const body = lines.slice(at + 2, stop).map((source) => row(source, "td"));
  const element = make("table", {}, make("thead", {}, row(lines[at], "th")), make("tbody", {}, ...body));
  parent.append(make("div", { class: "wide", tabindex: "0" }, element));
  return stop;
}

function cells(source) {
  const found = [];
  let start = 0;
  const { text } = source;
  for (let at = 0; at <= text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (at === text.length || text[at] === "|") {
      const raw = text.slice(start, at);
      const lead = /^\s*/.exec(raw)[0].length;
      found.push({ text: raw.trim(), at: source.at + start + lead });
      start = at + 1;
    }
  }
  if (/^\s*\|/.test(text)) found.shift();
  if (/\|\s*$/.test(text)) found.pop();
  return found;
}

function paragraph(parent, lines, at, how) {
  let stop = at + 1;
  while (stop < lines.length && how.depth < DEEPEST && continues(lines, stop)) stop += 1;
  const own = lines.slice(at, stop).map((each) => cut(each, /^\s*/.exec(each.text)[0].length));
  const below = /^ {0,3}(=+|-+)\s*$/.exec(lines[stop]?.text ?? "");
  const element = make(below ? (below[1][0] === "=" ? "h3" : "h4") : "p", { dir: "auto" });
  inline(element, joined(own, how.ranges), how.marker);
  parent.append(element);
  return below ? stop + 1 : stop;
}

function continues(lines, at) {
  const { text } = lines[at];
  if (!text.trim() || /^ {0,3}(=+|-+)\s*$/.test(text)) return false;
  if (HEADING.test(text) || FENCE.test(text) || QUOTE.test(text) || RULE.test(text)) return false;
  const item = ITEM.exec(text);
  return !(item && item[4].trim() && (!/\d/.test(item[2]) || parseInt(item[2], 10) === 1));
}
