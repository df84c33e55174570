// The source beside the answer: a document opened at a place, what is quoted marked.

import { byId, make, sign } from "./dom.js";
import { hasKey } from "./key.js";
import { plain } from "./lit.js";
import { markdown } from "./markdown.js";
import { notice, plainNotice } from "./notices.js";
import { pages } from "./pages.js";
import { points, units } from "./offsets.js";
import { address, Failure, get, kindOf } from "./service.js";
import { say } from "./words.js";

const REACH = 60_000; // characters that are shown before and after the place
const panel = byId("source");
const title = byId("source-title");
const body = byId("source-body");

let shown = null; // the place that is open
let turn = 0; // counts openings: what arrives for an earlier one is dropped

export function isOpen() {
  return shown !== null;
}

export function close() {
  shown = null;
  turn += 1;
  panel.hidden = true;
  body.replaceChildren();
  byId("source-notices").replaceChildren();
}

// `textAt(document, start, end)` is what an answer says stands there, null where none does.
export async function open(place, textAt) {
  const mine = (turn += 1);
  shown = place;
  panel.hidden = false;
  panel.scrollTop = 0;
  title.textContent = place.document;
  tools(place);
  byId("source-notices").replaceChildren();
  body.replaceChildren(make("p", { class: "doing" }, say().opening));
  title.focus({ preventScroll: true });
  try {
    const told = await read(place);
    if (mine !== turn) return;
    const ranges = checked(place, told, textAt);
    body.replaceChildren();
    if (told.metadata.type === "pdf") await pages(body, told, { ...place, ranges }, () => mine === turn);
    else text(told, ranges, place.ranges.length > 0);
    if (mine === turn && ranges.length) byId("status").textContent = say().opened(place.document);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (mine === turn) body.replaceChildren(notice(error.problem));
  }
}

function tools(place) {
  const shut = sign("close", { id: "source-close" }, say().close);
  shut.addEventListener("click", () => panel.dispatchEvent(new Event("leave")));
  const href = address("documents", place.document, [["original", "true"]]);
  // A link cannot carry the key.
  const original = hasKey()
    ? null
    : make("a", { class: "quiet", href, target: "_blank", rel: "noopener noreferrer" }, say().original);
  byId("source-tools").replaceChildren(...[original, shut].filter(Boolean));
}

async function read(place, start = Math.max(0, (place.ranges[0]?.[0] ?? 0) - REACH)) {
  const path = (from) => address("documents", place.document, [["start", from], ["end", from + 2 * REACH]]);
  try {
    return await get(path(start));
  } catch (error) {
    // It has become shorter since.
    if (error instanceof Failure && kindOf(error.problem) === "range") return get(path(0));
    throw error;
  }
}

// The ranges, put right where the document has changed since the answer was given.
function checked(place, told, textAt) {
  let complaint = null;
  const ranges = [];
  for (const [start, end] of place.ranges) {
    const expected = textAt(place.document, start, end);
    const found = expected === null ? 0 : moved(told, start, expected);
    if (found === null) complaint ??= say().lost;
    else if (found !== 0) complaint ??= say().moved;
    if (found !== null) ranges.push([start + found, end + found]);
  }
  byId("source-notices").replaceChildren(...(complaint ? [plainNotice(complaint)] : []));
  return ranges;
}

// By how many characters a text has moved; null where it is not to be found.
function moved(told, start, expected) {
  const at = units(told.text, start - told.start);
  if (start >= told.start && told.text.startsWith(expected, at)) return 0;
  const found = told.text.indexOf(expected);
  return found < 0 ? null : told.start + points(told.text, found) - start;
}

function text(told, ranges, toPlace) {
  const own = ranges.map((range) => range.map((place) => units(told.text, Math.max(0, place - told.start))));
  const element = make("div", { class: told.metadata.type === "markdown" ? "markdown" : "plain" });
  if (told.metadata.type === "markdown") {
    markdown(element, told.text, { ranges: own, beginning: told.start === 0 });
  } else {
    const stretch = plain(told.text, 0, own);
    stretch.show(element, 0, told.text.length);
  }
  const go = async (start, end) => {
    const mine = turn;
    const more = await read({ ...shown, ranges: [] }, Math.max(0, start));
    if (mine !== turn) return;
    text(more, ranges, false);
    panel.scrollTop = end ? panel.scrollHeight : 0;
  };
  const before = make("button", { type: "button", class: "quiet", onclick: () => go(told.start - REACH, true) }, say().above);
  const after = make("button", { type: "button", class: "quiet", onclick: () => go(told.end - REACH / 10, false) }, say().below);
  body.replaceChildren(...[told.start > 0 ? before : null, element, told.end < told.length ? after : null].filter(Boolean));
  if (toPlace) lead(element.querySelector("mark"));
}

// Bring an element into the middle of the panel. scrollIntoView would move the page under it, too.
function lead(element) {
  if (!element) return;
  const middle = element.getBoundingClientRect().top - panel.getBoundingClientRect().top;
  panel.scrollTop += middle - panel.clientHeight / 3;
}
