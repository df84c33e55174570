// Markdown within a paragraph: code, emphasis, links as their text. Nothing in it becomes active.

import { make } from "./dom.js";

const REACH = 2000; // how far an opening mark looks for its closing one
const DEEPEST = 12;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const WORD = /[\p{L}\p{N}]/u;

// Append characters `from` to `to` of a stretch. `marker(text)` may give an element for what stands in
// brackets: a citation's number.
export function inline(parent, stretch, marker = null, from = 0, to = stretch.text.length, depth = 0) {
  const { text } = stretch;
  let shown = from; // everything before is in the page
  const until = (at) => {
    stretch.show(parent, shown, at);
    shown = at;
  };
  const nested = (tag, properties, start, stop, next) => {
    const element = make(tag, properties);
    if (tag === "code") stretch.show(element, start, stop);
    else inline(element, stretch, marker, start, stop, depth + 1);
    parent.append(element);
    shown = next;
    return next;
  };
  for (let at = from; at < to; ) {
    const found = depth < DEEPEST ? special(text, at, to, marker) : null;
    if (!found) {
      at += 1;
      continue;
    }
    if (found.kind === "brackets") {
      const element = marker?.(text.slice(found.start, found.stop));
      if (!element) {
        at += 1;
        continue;
      }
      until(at - (text[at - 1] === " " && at - 1 >= shown ? 1 : 0)); // a marker stands close to its word
      parent.append(element);
      shown = at = found.next;
    } else if (found.kind === "escape") {
      until(at);
      shown = at + 1;
      at += 2;
    } else if (found.kind === "break") {
      until(at);
      parent.append(make("br"));
      shown = at = found.next;
    } else {
      until(at);
      at = nested(found.kind, found.properties ?? {}, found.start, found.stop, found.next);
    }
  }
  until(to);
}

// What begins at a character: {kind, start, stop, next}, or null for plain text.
function special(text, at, to, marker) {
  switch (text[at]) {
    case "\\":
      return at + 1 < to && PUNCTUATION.test(text[at + 1]) ? { kind: "escape" } : null;
    case "`":
      return code(text, at, to, marker);
    case "*":
    case "_":
    case "~":
      return emphasis(text, at, to);
    case "!":
      return text[at + 1] === "[" ? link(text, at + 1, to, "image") : null;
    case "[":
      return link(text, at, to, "link") ?? brackets(text, at, to);
    case " ":
      return /^ {2,}\n/.test(text.slice(at, at + 9)) ? { kind: "break", next: text.indexOf("\n", at) + 1 } : null;
    default:
      return null;
  }
}

function run(text, at) {
  let stop = at;
  while (text[stop] === text[at]) stop += 1;
  return stop - at;
}

function code(text, at, to, marker) {
  const size = run(text, at);
  const start = at + size;
  const limit = Math.min(to, start + REACH);
  for (let stop = text.indexOf("`", start); stop >= 0 && stop < limit; ) {
    const other = run(text, stop);
    if (other === size && stop + other <= to) {
      // A quotation may end within a code span, and the mark then seems to go on to the next one.
      const holdsMarker = marker && /\[\d{1,3}\]/.test(text.slice(start, stop));
      return holdsMarker ? null : { kind: "code", start, stop, next: stop + size };
    }
    stop = text.indexOf("`", stop + other);
  }
  return null;
}

function emphasis(text, at, to) {
  const sign = text[at];
  const size = Math.min(run(text, at), 2);
  if (sign === "~" && size < 2) return null;
  const start = at + size;
  if (start >= to || /\s/.test(text[start])) return null;
  if (sign === "_" && at > 0 && WORD.test(text[at - 1])) return null; // snake_case
  const closing = sign.repeat(size);
  const limit = Math.min(to, start + REACH);
  for (let stop = text.indexOf(closing, start + 1); stop >= 0 && stop + size <= limit; ) {
    const inWord = sign === "_" && WORD.test(text[stop + size] ?? " ");
    const longer = size === 1 && (text[stop + 1] === sign || text[stop - 1] === sign);
    if (!/\s/.test(text[stop - 1]) && !inWord && !longer) {
      const kind = sign === "~" ? "del" : size === 2 ? "strong" : "em";
      return { kind, start, stop, next: stop + size };
    }
    stop = text.indexOf(closing, stop + 1);
  }
  return null;
}

// [text](address): only its text is shown, the address on hovering over it.
function link(text, at, to, kind) {
  const stop = closing(text, at, to, "[", "]");
  if (stop < 0 || text[stop + 1] !== "(") return null;
  const end = closing(text, stop + 1, to, "(", ")");
  if (end < 0) return null;
  const title = text.slice(stop + 2, end).slice(0, 300);
  return { kind: "span", properties: { class: kind, title }, start: at + 1, stop, next: end + 1 };
}

function brackets(text, at, to) {
  const stop = text.indexOf("]", at);
  return stop > at && stop < to && stop - at < 8 ? { kind: "brackets", start: at + 1, stop, next: stop + 1 } : null;
}

function closing(text, at, to, opens, closes) {
  let depth = 0;
  for (let place = at; place < Math.min(to, at + REACH); place += 1) {
    if (text[place] === "\\") place += 1;
    else if (text[place] === opens) depth += 1;
    else if (text[place] === closes && (depth -= 1) === 0) return place;
  }
  return -1;
}
