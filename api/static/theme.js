// Dark or light: as the system says, until the visitor chooses.

import { read, write } from "./keep.js";

const NAME = "theme";

function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function turn() {
  const chosen = dark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  write(NAME, chosen);
}

const remembered = read(NAME);
if (remembered === "dark" || remembered === "light") document.documentElement.dataset.theme = remembered;
