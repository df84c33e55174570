// Draws one question with its answer, its refusal, or what is known of it so far.

import { foreign, make } from "./dom.js";
import { inline } from "./inline.js";
import { plain } from "./lit.js";
import { markdown } from "./markdown.js";
import { notice } from "./notices.js";
import { passages, place } from "./passages.js";
import { format, placeOf } from "./route.js";
import { say } from "./words.js";

// A turn is {question, answer} or {question, problem} or, while it comes, {question, found, text}.
export function turn(item) {
  const asked = foreign("h2", { class: "asked", tabindex: "-1" }, item.question);
  return make("article", { class: "turn" }, asked, ...body(item).filter(Boolean));
}

function body(item) {
  if (item.answer) return item.answer.abstained ? refused(item.answer) : answered(item.answer);
  if (item.problem) return [notice(item.problem)];
  if (item.stopped) return [written(item.text), make("p", { class: "small" }, say().stopped)];
  const doing = item.found === null ? say().waiting : say().writing(item.found);
  return [written(item.text), make("p", { class: "doing" }, doing)];
}

// What the model has written so far; none of it is checked yet.
function written(text) {
  return text ? foreign("div", { class: "prose coming" }, text) : null;
}

function answered(answer) {
  const groups = byMarker(answer.citations);
  const prose = make("div", { class: "prose" });
  markdown(prose, answer.answer, { marker: (text) => reference(text, groups) });
  return [understood(answer), prose, sources(groups), passages(answer), smallPrint(answer)];
}

function refused(answer) {
  const words = say();
  const reason = answer.reason ? words.because(answer.reason.replace(/[.。]$/, "")) : "";
  return [
    understood(answer),
    make(
      "section",
      { class: "notice refusal" },
      make("h3", { class: "label" }, words.refused),
      foreign("p", { class: "said" }, answer.answer),
      reason ? foreign("p", { class: "small" }, reason) : null,
      answer.passages.length ? make("p", { class: "small" }, words.refusedHint) : null,
    ),
    passages(answer),
    smallPrint(answer),
  ];
}

function understood(answer) {
  if (!answer.standing_question) return null;
  return make("p", { class: "small" }, `${say().understood}: `, foreign("bdi", {}, answer.standing_question));
}

// What stands for [n] in the answer, and for [?] behind a sentence that its quotes do not bear out.
function reference(text, groups) {
  if (text === "?") return make("sup", { class: "doubt", title: say().unsupported }, `? ${say().unsupported}`);
  const own = /^\d{1,3}$/.test(text) ? groups.get(Number(text)) : null;
  if (!own) return null;
  const href = format("ask", placeOf(own));
  return make("sup", { class: "marker" }, make("a", { href, "aria-label": say().toSource(text) }, text));
}

function byMarker(citations) {
  const groups = new Map();
  for (const citation of [...citations].sort((a, b) => a.marker - b.marker || a.start - b.start)) {
    groups.set(citation.marker, [...(groups.get(citation.marker) ?? []), citation]);
  }
  return groups;
}

function sources(groups) {
  const items = [...groups].map(([marker, citations]) =>
    make(
      "li",
      {},
      make("span", { class: "number" }, String(marker)),
      make(
        "div",
        {},
        make("a", { class: "open", href: format("ask", placeOf(citations)) }, place(citations[0])),
        ...citations.map(quotation),
      ),
    ),
  );
  return make("section", { class: "sources" }, make("h3", {}, say().sources), make("ol", {}, ...items));
}

function quotation(citation) {
  const link = foreign("a", { href: format("ask", placeOf([citation])), title: say().quote }, "");
  inline(link, plain(citation.quote, 0, []));
  return make("blockquote", {}, link);
}

function smallPrint(answer) {
  const words = say();
  const times = Object.entries(answer.timings).map(
    ([name, value]) => `${words.time[name] ?? name} ${milliseconds(value)}`,
  );
  const parts = [words.by(answer.generator), ...times, words.generation(answer.generation)];
  const notes = (answer.notes ?? []).map((note) => foreign("span", { class: "note" }, note));
  return make("p", { class: "small print" }, ...parts.map((part) => make("span", {}, part)), ...notes);
}

function milliseconds(value) {
  return value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
