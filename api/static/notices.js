// A failure in the reader's words, and questions back before something is lost.

import { foreign, make } from "./dom.js";
import { kindOf } from "./service.js";
import { say } from "./words.js";

// `waiting`: nobody asked for anything yet, so that it is no alarm.
export function notice(problem) {
  const words = say();
  const kind = kindOf(problem);
  const title = words.problems[kind] ?? problem.title ?? words.failed;
  const detail = words.details[kind] ?? problem.detail ?? "";
  return make(
    "section",
    { class: problem.waiting ? "notice" : "notice problem", role: problem.waiting ? "note" : "alert" },
    make("h2", {}, title),
    foreign("p", {}, detail),
  );
}

export function plainNotice(text) {
  return make("p", { class: "notice small-notice", role: "note" }, text);
}

// A button that asks once more before it does what cannot be undone.
export function twice(label, question, act, properties = {}) {
  const words = say();
  const holder = make("span", { class: "twice" });
  const first = make("button", { type: "button", class: "quiet", ...properties }, label);
  const rest = () => {
    holder.replaceChildren(first);
    first.focus();
  };
  first.addEventListener("click", () => {
    const yes = make("button", { type: "button", class: "danger", onclick: act }, words.yes);
    const no = make("button", { type: "button", class: "quiet", onclick: rest }, words.no);
    holder.replaceChildren(make("span", { role: "status" }, question), yes, no);
    no.focus();
  });
  holder.append(first);
  return holder;
}
