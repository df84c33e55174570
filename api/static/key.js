// The API key a visitor gave: sent with each request, and forgotten with the tab.

import { read, write } from "./keep.js";

const NAME = "key";
const SENDABLE = /^[\x21-\x7e]+$/; // what a header can hold

let key = read(NAME, "sessionStorage") ?? "";

export function hasKey() {
  return key !== "";
}

export function useKey(text) {
  key = text;
  write(NAME, key, "sessionStorage");
}

export function authorization() {
  return SENDABLE.test(key) ? { Authorization: `Bearer ${key}` } : {};
}
