// Work in the background, followed by its events; a reload of the page goes on following.

import { byId, foreign, make, sign } from "./dom.js";
import { read, write } from "./keep.js";
import { Failure, job, kindOf } from "./service.js";
import { say } from "./words.js";

const NAME = "jobs";
const followed = new Map(); // id -> {name, job, problem}
let changed = () => {};

// `whenDone` is called after each job that may have changed the index.
export function start(whenDone) {
  changed = whenDone;
  for (const { id, name } of read(NAME, "sessionStorage") ?? []) follow({ id, kind: "ingest", state: "queued" }, name);
}

// Show how a job fares; `name` is what it is about.
export async function follow(started, name) {
  const own = { name, job: started, problem: null };
  followed.set(started.id, own);
  remember();
  draw();
  try {
    for await (const [, told] of job(started.id)) {
      own.job = told;
      draw();
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    own.problem = error.problem;
    if (kindOf(error.problem) === "no-job") followed.delete(started.id);
  }
  remember();
  draw();
  byId("status").textContent = `${labelOf(own)}: ${say().jobState[own.job.state]}`;
  if (own.job.state === "done") changed(started.id);
  return own.job;
}

// Whether a document of this name is being worked on.
export function busyWith(name) {
  return [...followed.values()].find((each) => each.name === name && isGoing(each.job)) ?? null;
}

function isGoing(told) {
  return told.state === "queued" || told.state === "running";
}

function remember() {
  const going = [...followed].filter(([, each]) => isGoing(each.job)).map(([id, each]) => ({ id, name: each.name }));
  write(NAME, going, "sessionStorage");
}

export function draw() {
  byId("jobs").replaceChildren(...[...followed].map(([id, each]) => row(id, each)));
}

function labelOf({ name, job: told }) {
  return [say().job[told.kind], name].filter(Boolean).join(": ");
}

function row(id, own) {
  const words = say();
  const { job: told, problem } = own;
  const label = labelOf(own);
  const going = isGoing(told) && !problem;
  const { done, total } = told.progress ?? {};
  const bar = make("progress", total ? { max: total, value: done, "aria-label": label } : { "aria-label": label });
  const drop = () => {
    followed.delete(id);
    draw();
  };
  return make(
    "li",
    { class: `job ${told.state}` },
    foreign("span", { class: "about" }, label),
    make("span", { class: "small state" }, [words.jobState[told.state], detail(told, words)].filter(Boolean).join(" · ")),
    going ? bar : sign("close", { onclick: drop }, words.dismiss),
    told.error ? foreign("p", { class: "small wrong" }, told.error) : null,
    ...(told.result?.failed ?? []).map((each) => foreign("p", { class: "small wrong" }, `${each.path}: ${each.reason}`)),
  );
}

function detail(told, words) {
  if (told.state === "running" && told.progress) return words.jobFiles(told.progress.done, told.progress.total);
  const { written, unchanged, removed } = told.result ?? {};
  return told.kind === "ingest" && written !== undefined ? words.jobResult(written, unchanged, removed) : "";
}
