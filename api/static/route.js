// The address after #: which view is shown, and which place of which document beside it.
//
// #ask, #documents, and either with ?document=ID&page=N&at=START-END (at may be repeated). Characters are
// counted as the service counts them, in code points.

const VIEWS = ["ask", "documents"];
const RANGE = /^(\d{1,12})-(\d{1,12})$/;

// {view, place} of an address, null where it is not one of these.
export function parse(hash) {
  const [view, query] = hash.replace(/^#/, "").split(/\?(.*)/s);
  if (view === "") return { view: "ask", place: null };
  if (!VIEWS.includes(view)) return null;
  const given = new URLSearchParams(query ?? "");
  const id = given.get("document");
  if (!id) return { view, place: null };
  const ranges = given.getAll("at").map((each) => RANGE.exec(each)).filter(Boolean);
  const page = Number(given.get("page"));
  return {
    view,
    place: {
      document: id,
      page: Number.isSafeInteger(page) && page > 0 ? page : null,
      ranges: ranges.map(([, start, end]) => [Number(start), Number(end)]),
    },
  };
}

export function format(view, place) {
  if (!place) return `#${view}`;
  const given = new URLSearchParams({ document: place.document });
  if (place.page) given.set("page", place.page);
  for (const [start, end] of place.ranges) given.append("at", `${start}-${end}`);
  return `#${view}?${given}`;
}

// Where citations of one document point: its place, for `format`.
export function placeOf(citations) {
  const [first] = citations;
  const own = citations.filter((each) => each.document === first.document);
  return { document: first.document, page: first.page, ranges: own.map((each) => [each.start, each.end]) };
}
