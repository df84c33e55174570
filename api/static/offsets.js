// The service counts code points, JavaScript counts units of UTF-16: beyond U+FFFF they differ.

const BEYOND = /[\ud800-\udbff][\udc00-\udfff]/;

// Units of `text` before its code point number `points`.
export function units(text, points) {
  if (!BEYOND.test(text)) return Math.min(points, text.length);
  let at = 0;
  for (let left = points; left > 0 && at < text.length; left -= 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

// Code points of `text` before its unit number `at`.
export function points(text, at) {
  if (!BEYOND.test(text)) return at;
  let count = 0;
  for (const character of text.slice(0, at)) count += character ? 1 : 0;
  return count;
}
