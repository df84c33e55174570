// The conversation: asks the service and shows each answer as it comes.

import { turn } from "./answer.js";
import { byId } from "./dom.js";
import * as history from "./history.js";
import { ask, Failure } from "./service.js";
import { say } from "./words.js";

const field = byId("question");
const holder = byId("thread");
const status = byId("status");
const button = byId("ask");

let conversation = history.current() ?? history.begin();
let running = null; // {controller, item} of the question being asked
let last = conversation.turns.at(-1)?.question ?? ""; // what the up arrow brings back
let lockedOut = () => {};

// The quoted or found text that an answer shown here has of a place, null where none has.
export function textAt(id, start, end) {
  for (const { answer } of conversation.turns) {
    for (const each of [...(answer?.citations ?? []), ...(answer?.passages ?? [])]) {
      if (each.document === id && each.start === start && each.end === end) return each.quote ?? each.text;
    }
  }
  return null;
}

export function isEmpty() {
  return conversation.turns.length === 0;
}

export function draw() {
  holder.replaceChildren(...conversation.turns.map(turn));
  document.body.classList.toggle("talking", !isEmpty());
  field.placeholder = isEmpty() ? "" : say().another;
  button.textContent = running ? say().stop : say().ask;
}

function redraw(item) {
  const at = conversation.turns.indexOf(item);
  if (at >= 0) holder.children[at]?.replaceWith(turn(item));
}

export function show(found) {
  running?.controller.abort();
  conversation = found ?? history.begin();
  history.setCurrent(conversation.id);
  last = conversation.turns.at(-1)?.question ?? "";
  draw();
  scrollTo(0, 0);
}

export async function put(text = field.value.trim()) {
  if (!text) {
    field.focus();
    return;
  }
  running?.controller.abort();
  const before = history.turnsBefore(conversation);
  const item = { question: text, found: null, text: "", answer: null, problem: null };
  conversation.turns = [...conversation.turns.filter((each) => !each.problem), item];
  running = { controller: new AbortController(), item };
  draw();
  holder.lastElementChild.scrollIntoView({ block: "start" });
  status.textContent = say().waiting;
  holder.setAttribute("aria-busy", "true");
  await follow(running, before);
  if (running?.item === item) running = null;
  settle(item);
}

async function follow(own, before) {
  const { item, controller } = own;
  try {
    for await (const [name, data] of ask(item.question, before, controller.signal)) {
      if (name === "retrieval") item.found = data.passages.length;
      else if (name === "token") item.text += data.text;
      else if (name === "done") item.answer = data;
      else if (name === "error") item.problem = data;
      if (!item.answer) soon(item);
    }
    if (!item.answer && !item.problem) item.problem = { type: "urn:lectern:problem:offline" };
  } catch (error) {
    if (error instanceof Failure) item.problem = error.problem;
    else if (error.name === "AbortError") item.stopped = true;
    else throw error;
  }
}

// Once a frame is enough, however fast the words come.
function soon(item) {
  if (item.drawing) return;
  item.drawing = true;
  requestAnimationFrame(() => {
    item.drawing = false;
    if (running?.item === item) redraw(item);
  });
}

function settle(item) {
  redraw(item);
  if (running) return; // a newer question has taken its place
  const asked = holder.lastElementChild;
  if (asked.getBoundingClientRect().top > innerHeight / 3) asked.scrollIntoView({ block: "start" });
  holder.removeAttribute("aria-busy");
  button.textContent = say().ask;
  status.textContent = item.stopped ? say().stopped : item.answer && !item.answer.abstained ? say().answered : "";
  if (item.problem || item.stopped) {
    if (!field.value) write(item.question);
    if (item.problem?.locked) lockedOut(item.question);
    return;
  }
  last = item.question;
  if (item.answer.abstained) status.textContent = `${say().refused}. ${item.answer.answer}`;
  history.keep(conversation);
  history.setCurrent(conversation.id);
  if (matchMedia("(pointer: coarse)").matches) field.blur(); // puts the phone's keyboard away
}

function write(text) {
  field.value = text;
  grow();
}

function grow() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

// `whenLocked(question)` is called where the service wants another key.
export function start(whenLocked) {
  lockedOut = whenLocked;
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (running && !text) {
      running.controller.abort();
      return;
    }
    put(text);
    if (text) write("");
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowUp" && !field.value && last) {
      event.preventDefault();
      write(last);
    }
    // While an input method composes Chinese, Enter chooses a word and is not yet a question.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (field.value.trim()) byId("form").requestSubmit();
  });
  field.addEventListener("input", grow);
  button.disabled = false;
  draw();
  grow();
}
