/**
 * Elements of the page, and text of others made fit to be seen.
 *
 * @module
 */

/** Makes an element. Children that are `null`, `false`, `undefined` or empty are left out. */
export function createElement(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((child) => child));
  return element;
}

/** Controls, direction marks and others that nobody sees. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;
const RESERVED = /[/\\:*?"<>|]/g;
const MAX_LENGTH = 180;

/** A text of somebody else, with what nobody sees made visible; lines stay where that is asked for. */
export function showName(text, { lines = false } = {}) {
  return text.toWellFormed().replace(UNSEEN, (found) => lines && found === "\n" ? found : "\uFFFD");
}

/** A name that a file can have here. */
export function cleanName(text) {
  const clean = text.toWellFormed().normalize("NFC")
    .replace(UNSEEN, "_")
    .replace(RESERVED, "_")
    .replace(/^[.\s]+/u, "")
    .replace(/[.\s]+$/u, "");
  if (clean.length <= MAX_LENGTH) return clean === "" ? "file" : clean;
  const ending = /\.[^.]{1,16}$/u.exec(clean)?.[0] ?? "";
  return clean.slice(0, MAX_LENGTH - ending.length).toWellFormed() + ending;
}
