// The API key a visitor gave: sent with each question, and forgotten with the tab.

const NAME = "lectern-key";
const SENDABLE = /^[\x21-\x7e]+$/; // what a header can hold

let key = remembered();

function remembered() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // storage may be switched off
  }
}

export function hasKey() {
  return key !== "";
}

export function useKey(text) {
  key = text;
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // the key then lasts until the page is left
  }
}

export function authorization() {
  return SENDABLE.test(key) ? { Authorization: `Bearer ${key}` } : {};
}
