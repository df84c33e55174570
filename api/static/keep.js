// What the browser keeps for this page. Storage may be switched off or full: then nothing is kept.

const PREFIX = "lectern-";

export function read(name, storage = "localStorage") {
  try {
    return JSON.parse(globalThis[storage].getItem(PREFIX + name));
  } catch {
    return null;
  }
}

// Whether it was kept.
export function write(name, value, storage = "localStorage") {
  try {
    globalThis[storage].setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

export function forget(name, storage = "localStorage") {
  try {
    globalThis[storage].removeItem(PREFIX + name);
  } catch {
    // there was nothing to forget
  }
}
