// What the page says, in the language that applies. Knows words only; a language is a file beside this one.
import en from "./texts_en.js"
import tr from "./texts_tr.js"
import de from "./texts_de.js"

const TEXTS = { en, tr, de };

export const LANGUAGES = Object.keys(TEXTS);
const KEPT = "tandem-language";
let current = "en";

/** The language to begin with: the one chosen here before, else the server's setting, else the browser's. */
export function begin(setting) {
  const chosen = localStorage.getItem(KEPT);
  const wanted = [chosen, setting === "auto" ? null : setting, ...navigator.languages.map((tag) => tag.slice(0, 2))];
  current = wanted.find((language) => LANGUAGES.includes(language)) ?? "en";
}

export function choose(language) {
  current = language;
  localStorage.setItem(KEPT, language);
}

export const language = () => current;

/** The wording of `key`, with `{name}` filled in from `values`. */
export function text(key, values = {}) {
  return TEXTS[current][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const number = (value, digits = 0) =>
  value.toLocaleString(current, { maximumFractionDigits: digits, minimumFractionDigits: digits });

/** A size in bytes, in the unit a person would use. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${(bytes / 1000 ** step).toLocaleString(current, { maximumFractionDigits: step >= 3 ? 1 : 0 })} ${units[step]}`;
}

/** Puts the wording of the current language into everything that names a key. */
export function translate(root = document) {
  document.documentElement.lang = current;
  document.title = text("pageTitle");
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.ariaLabel = text(element.dataset.label);
  for (const button of root.querySelectorAll("[data-language]"))
    button.ariaPressed = String(button.dataset.language === current);
}

/** For tests: the keys of every language. */
export const keys = () => Object.fromEntries(LANGUAGES.map((name) => [name, Object.keys(TEXTS[name]).sort()]));
