// Puts the page together: its two views, the source beside them, language, theme, key and readiness.

import { byId } from "./dom.js";
import * as documents from "./documents.js";
import * as earlier from "./earlier.js";
import { useKey } from "./key.js";
import { notice } from "./notices.js";
import { format, parse } from "./route.js";
import * as source from "./source.js";
import * as theme from "./theme.js";
import * as thread from "./thread.js";
import { change, code, say } from "./words.js";

const RETRY_MS = 3000;
const NARROW = matchMedia("(max-width: 60rem)");

let view = "ask";
let opener = null; // the link that opened the source
let locked = null; // what to do again once there is a key
let readiness = null; // what /readyz said last

function speak() {
  const words = say();
  document.documentElement.lang = code();
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words[element.dataset.word];
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.dataset.label]);
    element.title = words[element.dataset.label];
  }
  byId("language").textContent = words.other;
  byId("language").lang = words.otherCode;
  drawReadiness();
  thread.draw();
  earlier.draw(choose);
  documents.draw();
}

function choose(conversation) {
  thread.show(conversation);
  byId("thread").querySelector("h2")?.focus();
}

function fresh() {
  location.hash = format("ask", null);
  thread.show(null);
  earlier.draw(choose);
  byId("question").focus();
}

// Show what the address says.
function follow() {
  const found = parse(location.hash);
  if (!found) return;
  const turned = found.view !== view;
  view = found.view;
  for (const name of ["ask", "documents"]) {
    byId(`${name}-view`).hidden = name !== view;
    const link = byId(`to-${name}`);
    if (name === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (turned && view === "documents") documents.load();
  beside(found.place);
}

function beside(place) {
  if (!place && !source.isOpen()) return;
  if (place && !source.isOpen()) opener = document.activeElement;
  document.body.classList.toggle("beside", Boolean(place));
  cover();
  if (place) {
    source.open(place, thread.textAt);
    return;
  }
  source.close();
  backTo(opener);
  opener = null;
}

// What had the focus may have been drawn anew meanwhile.
function backTo(element) {
  if (!element?.isConnected) {
    const href = element?.getAttribute("href");
    element = href && [...document.querySelectorAll("main a")].find((each) => each.getAttribute("href") === href);
  }
  element?.focus();
}

// On a narrow screen the source covers the rest, which then is out of reach for keys and readers.
function cover() {
  const covered = NARROW.matches && document.body.classList.contains("beside");
  for (const name of ["top", "main"]) byId(name).inert = covered;
}

function lockedOut(again) {
  locked = again;
  byId("key-form").hidden = false;
  byId("key").value = "";
  byId("key").focus();
}

// What the service still waits for, until it is ready.
async function watch() {
  const waited = readiness && !readiness.ok;
  try {
    const response = await fetch("readyz");
    readiness = { ok: response.ok, ...(await response.json()) };
  } catch {
    readiness = { ok: false, problem: "offline", reason: null };
  }
  drawReadiness();
  if (!readiness.ok) setTimeout(watch, RETRY_MS);
  else if (waited && view === "documents") documents.load();
}

function drawReadiness() {
  const ready = readiness?.ok;
  byId("state").textContent = ready ? say().generation(readiness.generation) : "";
  const wanting = readiness && !ready;
  const problem = wanting ? { type: readiness.problem ?? "not-ready", detail: readiness.reason, waiting: true } : null;
  byId("readiness").replaceChildren(...(problem ? [notice(problem)] : []));
}

byId("language").addEventListener("click", () => {
  change();
  speak();
  const found = parse(location.hash);
  if (found?.place) source.open(found.place, thread.textAt);
});
byId("theme").addEventListener("click", theme.turn);
byId("fresh").addEventListener("click", fresh);
byId("source").addEventListener("leave", () => {
  location.hash = format(view, null);
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key").value.trim());
  byId("key-form").hidden = true;
  locked?.();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && source.isOpen()) location.hash = format(view, null);
  const typing = event.target.closest?.("input, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    if (view !== "ask") location.hash = format("ask", null);
    byId("question").focus();
  }
});
addEventListener("hashchange", follow);
NARROW.addEventListener("change", cover);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("question").focus();
});

thread.start((question) => lockedOut(() => thread.put(question)));
documents.start(() => lockedOut(documents.load));
speak();
follow();
watch();
