// Asks the service and keeps the page's state; render.js draws it.

import { firstLanguage, remember, words } from "./words.js";
import { authorization, hasKey, useKey } from "./key.js";
import { renderAnswer, renderProblem } from "./render.js";

const RETRY_MS = 3000;

const form = document.getElementById("form");
const question = document.getElementById("question");
const button = document.getElementById("ask");
const toggle = document.getElementById("language");
const status = document.getElementById("status");
const result = document.getElementById("result");
const state = document.getElementById("state");
const keyForm = document.getElementById("key-form");
const keyField = document.getElementById("key");

let language = firstLanguage();
let shown = null; // { answer } or { problem }: what a change of language draws again
let running = null; // the AbortController of the question being asked
let timer = 0; // of the next look at /readyz
let generation = null; // the index's, once the service has said it
let last = ""; // the question before, which the up arrow brings back

function draw() {
  const say = words(language);
  question.placeholder = shown?.answer ? say.another : "";
  if (shown?.answer) renderAnswer(result, shown.answer, say);
  else if (shown?.problem) renderProblem(result, shown.problem, say);
  else result.replaceChildren();
}

function speak() {
  const say = words(language);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = say[element.dataset.word];
  }
  toggle.textContent = say.other;
  toggle.lang = say.otherCode;
  status.textContent = running ? say.waiting : "";
  state.textContent = generation ? say.generation(generation) : "";
  draw();
}

function wait(asking) {
  document.body.classList.toggle("waiting", asking);
  result.setAttribute("aria-busy", String(asking));
  status.textContent = asking ? words(language).waiting : "";
}

async function post(text, signal) {
  const response = await fetch("ask", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...authorization() },
    body: JSON.stringify({ question: text }),
    signal,
  });
  const body = await response.json();
  if (response.status === 401) return { problem: { type: hasKey() ? "key-unknown" : "key-wanted", locked: true } };
  return response.ok ? { answer: body } : { problem: body };
}

// The answer carries its question as a heading; the field is free for the next one.
function settle(text) {
  last = text;
  if (question.value.trim() === text) question.value = "";
  grow();
  if (matchMedia("(pointer: coarse)").matches) question.blur(); // puts the phone's keyboard away
}

async function ask() {
  const text = question.value.trim();
  if (!text) {
    question.focus();
    return;
  }
  running?.abort();
  const mine = new AbortController();
  running = mine;
  wait(true);
  let outcome;
  try {
    outcome = await post(text, mine.signal);
  } catch {
    outcome = { problem: { type: "urn:lectern:problem:offline", detail: null } };
  }
  if (running !== mine) return; // a newer question has taken its place
  running = null;
  shown = outcome;
  wait(false);
  if (outcome.answer) settle(text);
  draw();
  askForKey(Boolean(outcome.problem?.locked));
  status.textContent = outcome.answer && !outcome.answer.abstained ? words(language).answered : "";
  if (outcome.problem) watch();
}

function askForKey(wanted) {
  keyForm.hidden = !wanted;
  keyField.value = "";
  if (wanted) keyField.focus();
}

// Says what the service still waits for, until it is ready; never over the reply to a question.
async function watch() {
  let ready = false;
  try {
    const response = await fetch("readyz");
    const body = await response.json();
    ready = response.ok && body.ready;
    generation = ready ? body.generation : null;
    const idle = !running && (!shown || shown.problem?.waiting);
    if (idle) shown = ready ? null : { problem: { type: body.problem ?? "not-ready", detail: body.reason, waiting: true } };
    state.textContent = ready ? words(language).generation(generation) : "";
    if (idle) draw();
  } catch {
    // the next question will say so
  }
  clearTimeout(timer);
  if (!ready) timer = setTimeout(watch, RETRY_MS);
}

function grow() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
question.addEventListener("keydown", (event) => {
  if (event.key === "ArrowUp" && !question.value && last) {
    event.preventDefault();
    question.value = last;
    grow();
  }
  // While an input method composes Chinese, Enter chooses a word and is not yet a question.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  ask();
});
question.addEventListener("input", grow);
keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(keyField.value.trim());
  ask();
});
toggle.addEventListener("click", () => {
  language = words(language).otherCode;
  remember(language);
  speak();
});

toggle.hidden = false;
button.disabled = false;
speak();
grow();
watch();
