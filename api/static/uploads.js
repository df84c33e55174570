// Files that a visitor drops or chooses: sent one after the other, with how much has gone.

import { byId, foreign, make, sign } from "./dom.js";
import { follow } from "./jobs.js";
import { authorization } from "./key.js";
import { kindOf } from "./service.js";
import { say } from "./words.js";

const MB = 1 << 20;
const rows = new Set(); // {file, sent: share, problem, replace}
let limit = 0;
let sending = Promise.resolve();

export function setLimit(bytes) {
  limit = bytes;
  byId("drop").hidden = !bytes;
}

export function start() {
  const view = byId("documents-view");
  const drop = byId("drop");
  const over = (is) => drop.classList.toggle("over", is && limit > 0);
  for (const name of ["dragenter", "dragover"]) {
    view.addEventListener(name, (event) => {
      event.preventDefault();
      over(true);
    });
  }
  view.addEventListener("dragleave", (event) => over(view.contains(event.relatedTarget)));
  view.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    take(event.dataTransfer.files);
  });
  byId("files").addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = "";
  });
}

function take(files) {
  if (!limit) return;
  for (const file of files) {
    const row = { file, sent: 0, problem: null, taken: false };
    if (file.size > limit) row.problem = say().tooLarge(Math.floor(limit / MB));
    rows.add(row);
    if (!row.problem) queue(row, false);
  }
  draw();
}

function queue(row, replace) {
  sending = sending.then(() => send(row, replace));
}

// Only XMLHttpRequest tells how much of a body has gone.
function send(row, replace) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ name: row.file.name, replace });
    request.open("POST", `documents?${query}`);
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      row.sent = event.total ? event.loaded / event.total : 0;
      draw();
    });
    request.addEventListener("loadend", () => {
      conclude(row, request);
      draw();
      resolve();
    });
    request.send(row.file);
  });
}

function conclude(row, request) {
  let told = {};
  try {
    told = JSON.parse(request.responseText);
  } catch {
    // there was no reply
  }
  if (request.status === 202) {
    rows.delete(row);
    follow(told, row.file.name);
    return;
  }
  row.taken = request.status === 409;
  if (row.taken) row.problem = say().taken;
  else if (kindOf(told) === "name") row.problem = say().badName;
  else row.problem = told.detail ?? say().problems.offline;
}

export function draw() {
  byId("uploads").replaceChildren(...[...rows].map(line));
  byId("largest").textContent = limit ? say().largest(Math.floor(limit / MB)) : "";
}

function line(row) {
  const words = say();
  const again = () => {
    Object.assign(row, { problem: null, taken: false, sent: 0 });
    draw();
    queue(row, true);
  };
  const drop = () => {
    rows.delete(row);
    draw();
  };
  const state = row.problem ? "failed" : "running";
  return make(
    "li",
    { class: `job ${state}` },
    foreign("span", { class: "about" }, row.file.name),
    make("span", { class: "small state" }, row.problem ?? words.sending),
    row.problem
      ? sign("close", { onclick: drop }, words.dismiss)
      : make("progress", { max: 1, value: row.sent, "aria-label": `${words.sending}: ${row.file.name}` }),
    row.taken ? make("button", { type: "button", class: "quiet", onclick: again }, words.replace) : null,
  );
}
