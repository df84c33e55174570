// Which language the page speaks, and its words.

import { english } from "./english.js";
import { chinese } from "./chinese.js";
import { read, write } from "./keep.js";

const WORDS = { en: english, zh: chinese };
const NAME = "language";

let language = first();

function first() {
  const known = read(NAME);
  if (Object.hasOwn(WORDS, known)) return known;
  return /^zh\b/i.test(navigator.language) ? "zh" : "en";
}

export function say() {
  return WORDS[language];
}

export function code() {
  return language === "zh" ? "zh-Hans" : "en";
}

export function change() {
  language = say().otherCode;
  write(NAME, language);
}
