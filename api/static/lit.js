// Text with some of it marked. A stretch of text knows where in its source each of its characters stands,
// so that a citation's range can be shown whatever Markdown has taken out in between.

import { make } from "./dom.js";

export class Stretch {
  // `places[i]` is the place of text[i] in the source; `ranges` are what is marked, [start, end) there.
  constructor(text, places, ranges) {
    this.text = text;
    this.places = places;
    this.ranges = ranges;
  }

  isLit(at) {
    const place = this.places[at];
    return this.ranges.some(([start, end]) => start <= place && place < end);
  }

  // Append characters `from` to `to` as text nodes, those that are marked in <mark>.
  show(parent, from, to) {
    for (let start = from, at = from; start < to; start = at) {
      const lit = this.isLit(start);
      while (at < to && this.isLit(at) === lit) at += 1;
      const text = this.text.slice(start, at);
      parent.append(lit && text.trim() ? make("mark", {}, text) : text);
    }
  }
}

// One piece of the source as it is.
export function plain(text, at, ranges) {
  return new Stretch(text, Array.from({ length: text.length }, (_, number) => at + number), ranges);
}

// Lines of the source, each {text, at}, with a line feed between them.
export function joined(lines, ranges) {
  const places = [];
  for (const [number, line] of lines.entries()) {
    if (number) places.push(line.at - 1);
    for (let at = 0; at < line.text.length; at += 1) places.push(line.at + at);
  }
  return new Stretch(lines.map((line) => line.text).join("\n"), places, ranges);
}
