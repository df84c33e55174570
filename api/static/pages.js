// A PDF document: its page drawn with the quoted lines marked, and the page's text.

import { make, sign } from "./dom.js";
import { plain } from "./lit.js";
import { notice } from "./notices.js";
import { units } from "./offsets.js";
import { address, Failure, get, picture } from "./service.js";
import { say } from "./words.js";

const ZOOMS = [1, 1.5, 2.25];
const NARROW = 500; // pixels: here a whole page would be too small to read
const STEP = 200; // pixels: few widths, so that the service need not draw a page anew for each window
const MOST_KEPT = 12;
const drawn = new Map();

// Fill `body`; `isCurrent()` tells whether it still shows this document.
export async function pages(body, told, place, isCurrent) {
  const count = told.pages.length;
  const holding = told.pages.find((each) => place.ranges.length && each.end > place.ranges[0][0]);
  const view = { told, place, isCurrent, number: place.page ?? holding?.number ?? 1, count, zoom: Number(body.clientWidth < NARROW), body };
  view.number = Math.min(Math.max(1, view.number), Math.max(1, count));
  await show(view);
}

async function show(view) {
  const { body, number, isCurrent } = view;
  const paper = make("div", { class: "paper", tabindex: "0", role: "group" }, make("p", { class: "doing" }, say().drawing));
  const text = make("details", { class: "page-text" }, make("summary", {}, say().pageText));
  body.replaceChildren(toolbar(view), paper, text);
  const [shown] = await Promise.all([draw(view, paper), fill(view, text)]);
  if (!isCurrent() || view.number !== number) return;
  const marked = text.querySelector("mark");
  if (!shown || (marked && !shown.length)) text.open = true;
  if (shown?.length) lead(paper, shown[0]);
  else if (marked) paper.closest("aside").scrollTop += marked.getBoundingClientRect().top - innerHeight / 2;
}

function toolbar(view) {
  const words = say();
  const go = (step) => async () => {
    view.number += step;
    await show(view);
    view.body.querySelector(step < 0 ? ".previous" : ".next").focus({ preventScroll: true });
  };
  const zoom = (step) => async () => {
    view.zoom += step;
    await show(view);
    view.body.querySelector(step < 0 ? ".smaller" : ".larger").focus({ preventScroll: true });
  };
  return make(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": words.pageOf(view.number, view.count) },
    sign("before", { class: "sign previous", disabled: view.number <= 1, onclick: go(-1) }, words.previous),
    make("span", { class: "small", "aria-live": "polite" }, words.pageOf(view.number, view.count)),
    sign("after", { class: "sign next", disabled: view.number >= view.count, onclick: go(1) }, words.next),
    make("span", { class: "gap" }),
    sign("smaller", { class: "sign smaller", disabled: view.zoom <= 0, onclick: zoom(-1) }, words.smaller),
    sign("larger", { class: "sign larger", disabled: view.zoom >= ZOOMS.length - 1, onclick: zoom(1) }, words.larger),
  );
}

// Draw the page; its rectangles, or null where it cannot be drawn.
async function draw(view, paper) {
  const { told, place, number } = view;
  const wide = paper.clientWidth * devicePixelRatio * ZOOMS[view.zoom];
  const width = Math.min(2000, Math.max(2 * STEP, Math.ceil(wide / STEP) * STEP));
  try {
    const found = await known(told, number, place.ranges, width);
    if (!view.isCurrent() || view.number !== number) return null;
    const label = say().picture(number, found.rectangles.length);
    const canvas = make("canvas", { role: "img", "aria-label": label, class: `zoom-${view.zoom}` });
    canvas.width = found.bitmap.width;
    canvas.height = found.bitmap.height;
    canvas.getContext("2d").drawImage(found.bitmap, 0, 0);
    canvas.dataset.rectangles = JSON.stringify(found.rectangles);
    paper.replaceChildren(canvas);
    return found.rectangles;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    paper.replaceChildren(notice({ ...error.problem, waiting: true }));
    return null;
  }
}

async function known(told, number, ranges, width) {
  const name = JSON.stringify([told.id, told.digest, number, ranges, width]);
  if (!drawn.has(name)) drawn.set(name, await picture(told.id, number, ranges, width));
  if (drawn.size > MOST_KEPT) drawn.delete(drawn.keys().next().value);
  return drawn.get(name);
}

async function fill(view, details) {
  const page = view.told.pages[view.number - 1];
  if (!page || page.start === page.end) {
    details.append(make("p", { class: "small" }, say().noText));
    return;
  }
  const parameters = [["start", page.start], ["end", page.end]];
  const { text } = await get(address("documents", view.told.id, parameters));
  const own = view.place.ranges.map((range) =>
    range.map((place) => units(text, Math.min(page.end, Math.max(page.start, place)) - page.start)),
  );
  const element = make("div", { class: "plain", dir: "auto" });
  plain(text, 0, own).show(element, 0, text.length);
  details.append(element);
}

// Bring a rectangle, given in shares of the page, into the middle of what is seen.
function lead(paper, [x0, y0, , y1]) {
  const canvas = paper.firstElementChild;
  const panel = paper.closest("aside");
  const box = canvas.getBoundingClientRect();
  const middle = box.top + ((y0 + y1) / 2) * box.height - panel.getBoundingClientRect().top;
  panel.scrollTop += middle - panel.clientHeight / 2;
  paper.scrollLeft = x0 * box.width - 16;
}
