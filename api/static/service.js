// Talks to the service. What fails throws a Failure that holds a problem document.

import { authorization, hasKey } from "./key.js";
import { events } from "./stream.js";

export class Failure extends Error {
  constructor(problem) {
    super(problem.title ?? problem.type);
    this.problem = problem;
  }
}

// Of the service's problem types the last part; "offline" where it was not reached.
export function kindOf(problem) {
  return String(problem.type ?? "").split(":").pop();
}

const OFFLINE = { type: "urn:lectern:problem:offline", detail: null };

async function send(path, options = {}) {
  const headers = { ...options.headers, ...authorization() };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Failure(OFFLINE);
  }
  if (response.ok) return response;
  if (response.status === 401) throw new Failure({ type: hasKey() ? "key-unknown" : "key-wanted", locked: true });
  throw new Failure(await response.json().catch(() => ({ type: "about:blank", title: null, detail: null })));
}

export async function get(path) {
  return (await send(path)).json();
}

export async function call(method, path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return (await send(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })).json();
}

// The events of an answer: [name, data] each.
export async function* ask(question, history, signal) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ question, history, stream: true });
  yield* followed(await send("ask", { method: "POST", headers, body, signal }));
}

// The events of a job, the last of which is "done" or "error".
export async function* job(id) {
  yield* followed(await send(`jobs/${encodeURIComponent(id)}`, { headers: { Accept: "text/event-stream" } }));
}

async function* followed(response) {
  try {
    yield* events(response.body);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Failure(OFFLINE);
  }
}

// A document's address, with its id as it is: each part between slashes escaped.
export function address(kind, id, parameters = []) {
  const path = id.split("/").map(encodeURIComponent).join("/");
  const query = new URLSearchParams(parameters).toString();
  return `${kind}/${path}${query ? `?${query}` : ""}`;
}

// A page of a PDF file: {bitmap, rectangles in shares of the page, pages of the file}.
export async function picture(id, number, ranges, width) {
  const parameters = [["number", number], ["width", width], ...ranges.map(([from, to]) => ["at", `${from}-${to}`])];
  const response = await send(address("pages", id, parameters));
  return {
    bitmap: await createImageBitmap(await response.blob()),
    rectangles: JSON.parse(response.headers.get("Lectern-Rectangles")),
    pages: Number(response.headers.get("Lectern-Pages")),
  };
}
