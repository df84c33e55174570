// Draws an answer, a refusal or a problem. Documents are strangers: everything becomes text nodes.

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Text from a document or a model: its direction is its own, and cannot turn the page's around.
function foreign(tag, properties, text) {
  return make(tag, { dir: "auto", ...properties }, text);
}

function place(item, say) {
  const parts = [foreign("bdi", { class: "document" }, item.document)];
  if (item.heading) parts.push(foreign("bdi", { class: "heading" }, item.heading.replaceAll(" > ", " › ")));
  if (item.page !== null) parts.push(make("span", { class: "page" }, say.page(item.page)));
  return make("span", { class: "place" }, ...parts);
}

// The answer's paragraphs, each [n] that has a citation made a link to it.
function prose(answer, say) {
  const known = new Set(answer.citations.map((citation) => citation.marker));
  const seen = new Set();
  return answer.answer.split(/\n{2,}/).map((paragraph) => {
    const element = foreign("p", {}, "");
    for (const piece of paragraph.split(/(\s*\[\d+\])/)) {
      const marker = Number(/^\s*\[(\d+)\]$/.exec(piece)?.[1]);
      element.append(known.has(marker) ? reference(marker, seen, say) : piece);
    }
    return element;
  });
}

function reference(marker, seen, say) {
  const link = make("a", { href: `#source-${marker}`, "aria-label": say.toSource(marker) }, String(marker));
  if (!seen.has(marker)) link.id = `marker-${marker}`;
  seen.add(marker);
  return make("sup", { class: "marker" }, link);
}

function byMarker(citations) {
  const groups = new Map();
  for (const citation of citations) {
    groups.set(citation.marker, [...(groups.get(citation.marker) ?? []), citation]);
  }
  return [...groups].sort(([a], [b]) => a - b);
}

function sources(answer, say) {
  const items = byMarker(answer.citations).map(([marker, citations]) =>
    make(
      "li",
      { id: `source-${marker}`, tabindex: "-1" },
      make("a", { class: "number", href: `#marker-${marker}`, "aria-label": say.back(marker) }, String(marker)),
      make(
        "div",
        {},
        place(citations[0], say),
        ...citations.map((citation) => foreign("blockquote", {}, citation.quote)),
      ),
    ),
  );
  return make(
    "section",
    { class: "sources", "aria-labelledby": "sources" },
    make("h2", { id: "sources" }, say.sources),
    make("ol", {}, ...items),
  );
}

function number(value) {
  return Number(value).toPrecision(3).replace(/e\+?/, "e");
}

function measure(name, ...value) {
  return make("div", {}, make("dt", {}, name), make("dd", {}, ...value));
}

function leg(name, found, say) {
  if (!found) return measure(name, say.missed);
  return measure(name, make("b", {}, `#${found.rank}`), ` ${number(found.score)}`);
}

// The passage's text, the quoted ranges marked. Offsets count code points, as Python does.
function marked(passage, citations) {
  const points = Array.from(passage.text);
  const inside = new Uint8Array(points.length);
  for (const citation of citations) {
    if (citation.document !== passage.document) continue;
    inside.fill(1, Math.max(0, citation.start - passage.start), Math.max(0, citation.end - passage.start));
  }
  const element = foreign("p", { class: "text" }, "");
  for (let from = 0, to = 0; from < points.length; from = to) {
    while (to < points.length && inside[to] === inside[from]) to += 1;
    const text = points.slice(from, to).join("");
    element.append(inside[from] ? make("mark", {}, text) : text);
  }
  return element;
}

function passages(answer, say) {
  const items = answer.passages.map((passage, index) =>
    make(
      "li",
      {},
      make(
        "details",
        {},
        make(
          "summary",
          {},
          make("span", { class: "number" }, String(index + 1)),
          place(passage, say),
          make(
            "dl",
            {},
            leg(say.sparse, passage.sparse, say),
            leg(say.dense, passage.dense, say),
            measure(say.score, number(passage.score)),
          ),
        ),
        marked(passage, answer.citations),
      ),
    ),
  );
  const list = make("details", { class: "passages" }, make("summary", {}, say.passages(items.length)));
  list.append(make("p", { class: "small" }, say.legend), make("ol", {}, ...items));
  list.open = answer.abstained;
  return items.length ? list : null;
}

function milliseconds(value) {
  return value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function smallPrint(answer, say) {
  const times = Object.entries(answer.timings).map(
    ([name, value]) => `${say.time[name] ?? name} ${milliseconds(value)}`,
  );
  const parts = [say.by(answer.generator), ...times, say.generation(answer.generation)];
  return make("p", { class: "small print" }, ...parts.map((part) => make("span", {}, part)));
}

function refusal(answer, say) {
  return make(
    "section",
    { class: "notice refusal" },
    make("h2", { class: "label" }, say.refused),
    foreign("p", { class: "said" }, answer.answer),
    answer.reason ? foreign("p", { class: "small" }, say.because(answer.reason.replace(/[.。]$/, ""))) : null,
    answer.passages.length ? make("p", { class: "small" }, say.refusedHint) : null,
  );
}

export function renderAnswer(root, answer, say) {
  const asked = foreign("h1", { class: "asked" }, answer.question);
  const body = answer.abstained
    ? [refusal(answer, say)]
    : [make("div", { class: "prose" }, ...prose(answer, say)), sources(answer, say)];
  const parts = [asked, ...body, passages(answer, say), smallPrint(answer, say)];
  root.replaceChildren(make("article", {}, ...parts.filter((part) => part !== null)));
}

export function renderProblem(root, problem, say) {
  const kind = String(problem.type ?? "").split(":").pop();
  const title = say.problems[kind] ?? problem.title ?? say.failed;
  const detail = say.details[kind] ?? problem.detail;
  root.replaceChildren(
    make(
      "section",
      { class: problem.waiting ? "notice" : "notice problem", role: problem.waiting ? "note" : "alert" },
      make("h2", {}, title),
      foreign("p", {}, detail ?? ""),
    ),
  );
}
