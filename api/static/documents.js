// The documents of the index: what became of each, opened on a click, changed where that is allowed.

import { byId, foreign, make } from "./dom.js";
import * as jobs from "./jobs.js";
import { notice, twice } from "./notices.js";
import { format } from "./route.js";
import { address, call, Failure, get } from "./service.js";
import * as uploads from "./uploads.js";
import { say } from "./words.js";

const PART = 500;
const list = byId("documents");
const filter = byId("filter");

let listed = null; // {total, documents, next, allowed}
let problem = null;
let lockedOut = () => {};

async function guarded(work) {
  try {
    await work();
    problem = null;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    problem = error.problem;
    if (problem.locked) lockedOut();
  }
  draw();
}

export function load() {
  return guarded(async () => {
    listed = await get(`documents?limit=${PART}`);
    uploads.setLimit(listed.allowed.upload);
  });
}

function more() {
  return guarded(async () => {
    const query = new URLSearchParams({ limit: PART, after: listed.next });
    const part = await get(`documents?${query}`);
    listed = { ...part, documents: [...listed.documents, ...part.documents] };
  });
}

function ingest() {
  return guarded(async () => {
    jobs.follow(await call("POST", "ingest", {}), "");
  });
}

function remove(id) {
  return guarded(async () => {
    jobs.follow(await call("DELETE", address("documents", id)), id);
  });
}

export function start(whenLocked) {
  lockedOut = whenLocked;
  filter.addEventListener("input", drawList);
  byId("more").addEventListener("click", more);
  byId("again").addEventListener("click", ingest);
  uploads.start();
  jobs.start(load);
}

export function draw() {
  byId("documents-problem").replaceChildren(...(problem ? [notice(problem)] : []));
  byId("count").textContent = listed ? say().count(listed.total) : "";
  byId("more").hidden = !listed?.next;
  byId("again").hidden = !listed?.allowed.ingest;
  filter.hidden = !listed || listed.total < 8;
  filter.placeholder = say().filter;
  filter.setAttribute("aria-label", say().filter);
  drawList();
  jobs.draw();
  uploads.draw();
}

function drawList() {
  if (!listed) {
    list.replaceChildren();
    return;
  }
  const wanted = filter.value.trim().toLowerCase();
  const shown = listed.documents.filter((each) => each.id.toLowerCase().includes(wanted));
  const nothing = shown.length ? null : make("li", { class: "small" }, wanted ? say().none : say().empty);
  list.replaceChildren(...(nothing ? [nothing] : shown.map(row)));
}

function row(item) {
  const words = say();
  const going = jobs.busyWith(item.id);
  const facts = [words.chunks(item.chunks)];
  if (item.empty_pages) facts.push(words.emptyPages(item.empty_pages));
  if (going) facts.push(`${words.job[going.job.kind]} (${words.jobState[going.job.state]})`);
  const place = { document: item.id, page: null, ranges: [] };
  return make(
    "li",
    {},
    make("a", { href: format("documents", place), class: "open" }, foreign("bdi", { class: "document" }, item.id)),
    make("span", { class: "small" }, facts.join(" · ")),
    listed.allowed.delete
      ? twice(words.remove, words.removeSure, () => remove(item.id), { "aria-label": `${words.remove}: ${item.id}` })
      : null,
    warnings(item, words),
  );
}

function warnings(item, words) {
  if (!item.warnings.length) return null;
  const each = item.warnings.map((warned) => foreign("li", {}, warned.detail));
  return make("details", { class: "small warned" }, make("summary", {}, words.warnings(each.length)), make("ul", {}, ...each));
}
