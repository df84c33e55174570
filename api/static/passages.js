// Which passages were found and why: rank and score in each of the two searches, best first.

import { foreign, make } from "./dom.js";
import { format } from "./route.js";
import { say } from "./words.js";

const FEW = 3; // shown without asking

export function place(item) {
  const parts = [foreign("bdi", { class: "document" }, item.document)];
  if (item.heading) parts.push(foreign("bdi", { class: "heading" }, item.heading.replaceAll(" > ", " › ")));
  if (item.page !== null) parts.push(make("span", { class: "page" }, say().page(item.page)));
  return make("span", { class: "place" }, ...parts);
}

export function passages(answer) {
  const words = say();
  const found = answer.passages;
  if (!found.length) return null;
  const reread = found.some((passage) => typeof passage.reranked === "number");
  const rows = found.map((passage, number) => row(passage, number, isCited(passage, answer.citations), reread));
  const body = make("tbody", {}, ...rows.slice(0, FEW));
  const last = reread ? [words.joined, words.reread] : [words.score];
  const names = [words.rank, words.sparse, words.dense, ...last];
  const head = names.map((name) => make("th", { scope: "col" }, name));
  const table = make("table", { class: "found" }, make("thead", {}, make("tr", {}, ...head)), body);
  const section = make(
    "section",
    { class: "passages" },
    make("h3", {}, words.passages(found.length)),
    make("p", { class: "small" }, words.legend),
    table,
  );
  if (rows.length > FEW) section.append(rest(body, rows, words));
  return section;
}

function rest(body, rows, words) {
  const button = make("button", { type: "button", class: "quiet all" }, words.all(rows.length));
  button.addEventListener("click", () => {
    body.append(...rows.slice(FEW));
    rows[FEW].querySelector("a").focus();
    button.remove();
  });
  return button;
}

function row(passage, number, cited, reread) {
  const words = say();
  const target = { document: passage.document, page: passage.page, ranges: [[passage.start, passage.end]] };
  const link = make("a", { href: format("ask", target), class: "open" }, place(passage));
  const start = passage.text.replace(/[\s#|`*-]+/g, " ").trim().slice(0, 160);
  return make(
    "tr",
    {},
    make(
      "th",
      { scope: "row" },
      make("span", { class: "number" }, String(number + 1)),
      make(
        "div",
        {},
        link,
        cited ? make("span", { class: "badge" }, words.cited) : null,
        foreign("p", { class: "start" }, start),
        elsewhere(passage.also ?? []),
      ),
    ),
    leg(words.sparse, passage.sparse, words),
    leg(words.dense, passage.dense, words),
    reread ? leg(words.joined, passage.fused, words) : null,
    make("td", { "data-name": reread ? words.reread : words.score }, measure(passage.score)),
  );
}

// Where the same words stand as well.
function elsewhere(places) {
  if (!places.length) return null;
  const links = places.map((each) => {
    const target = { document: each.document, page: each.page, ranges: [[each.start, each.end]] };
    return make("li", {}, make("a", { href: format("ask", target), class: "open" }, place(each)));
  });
  return make("div", { class: "also" }, say().also, make("ul", {}, ...links));
}

function leg(name, found, words) {
  if (!found) return make("td", { "data-name": name, class: "missed" }, words.missed);
  return make("td", { "data-name": name }, make("b", {}, `#${found.rank}`), ` ${measure(found.score)}`);
}

function measure(value) {
  return Number(value).toPrecision(3).replace(/e\+?/, "e");
}

function isCited(passage, citations) {
  return citations.some(
    (each) => each.document === passage.document && each.start >= passage.start && each.end <= passage.end,
  );
}
