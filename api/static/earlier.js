// The list of earlier conversations, where there is none on the page yet.

import { byId, foreign, make } from "./dom.js";
import * as history from "./history.js";
import { twice } from "./notices.js";
import { code, say } from "./words.js";

const FEW = 6;

export function draw(choose) {
  const words = say();
  const kept = history.all();
  const when = new Intl.DateTimeFormat(code(), { dateStyle: "medium", timeStyle: "short" });
  const again = () => draw(choose);
  const items = kept.map((each) => item(each, when, choose, again));
  const list = make("ol", {}, ...items.slice(0, FEW));
  const parts = [
    make("h2", { id: "earlier-title" }, words.earlier),
    make("p", { class: "small" }, words.earlierNote),
    list,
  ];
  if (items.length > FEW) {
    const more = make("button", { type: "button", class: "quiet" }, words.all(items.length));
    more.addEventListener("click", () => {
      list.append(...items.slice(FEW));
      items[FEW].querySelector("button").focus();
      more.remove();
    });
    parts.push(more);
  }
  const forget = () => {
    history.clear();
    again();
    byId("question").focus();
  };
  parts.push(twice(words.clear, words.clearSure, forget));
  byId("earlier").replaceChildren(...(kept.length ? parts : []));
}

function item(conversation, when, choose, again) {
  const first = conversation.turns[0].question;
  const open = foreign("button", { type: "button", class: "talk" }, first);
  open.addEventListener("click", () => choose(conversation));
  const remove = () => {
    history.remove(conversation.id);
    again();
  };
  const label = `${say().remove}: ${first.slice(0, 80)}`;
  const time = make("time", { class: "small" }, when.format(conversation.at));
  return make("li", {}, open, time, twice(say().remove, say().removeSure, remove, { "aria-label": label }));
}
