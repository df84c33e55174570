// Makes elements. Documents are strangers: whatever they say becomes text nodes, never markup.

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Text from a document or a model: its direction is its own, and cannot turn the page's around.
export function foreign(tag, properties, text) {
  return make(tag, { dir: "auto", ...properties }, text);
}

export function byId(name) {
  return document.getElementById(name);
}

// For a button or link that is only a sign.
export function sign(name, properties, label) {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `static/signs.svg#${name}`);
  shape.setAttribute("aria-hidden", "true");
  shape.append(use);
  return make("button", { type: "button", class: "sign", "aria-label": label, title: label, ...properties }, shape);
}
