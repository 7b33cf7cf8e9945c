// @ts-check
/**
 * The list of a folder, and what its files are called in a zip file.
 *
 * @module
 * @see docs/PROTOCOL.md, "Folders"
 */
import { cleanName } from "./elements.js";

const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 64;
const DEVICE = /^(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)/i;

/**
 * @typedef {object} Entry
 * @property {string} path
 * @property {number | null} length `null` for a folder with nothing in it.
 * @property {number} [modifiedMs]
 */

/**
 * @param {Uint8Array} bytes
 * @param {{ length: number, root: string | undefined, entries: number }} promised What the link's head says.
 * @returns {readonly Entry[] | null} `null` for a list that is not one, or not what was promised.
 */
export function readList(bytes, promised) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.endsWith("\n")) return null;
    const [head, ...lines] = text.slice(0, -1).split("\n").map((line) => Object(JSON.parse(line)));
    const isPromised = head.v === 1 && head.length === promised.length &&
      head.root === promised.root && lines.length === promised.entries;
    if (!isPromised || lines.length > MAX_ENTRIES) return null;
    const entries = lines.map(({ path, length = null, modified_at: modifiedMs }) => ({
      path,
      length,
      ...(modifiedMs === undefined ? {} : { modifiedMs }),
    }));
    return isTree(entries, promised.length) ? entries : null;
  } catch {
    return null;
  }
}

/**
 * Whether nothing is there twice, or below a file, and all is as long as it is said to be.
 * @param {readonly Entry[]} entries
 * @param {number} bytes
 */
function isTree(entries, bytes) {
  const paths = new Set();
  let sum = 0;
  for (const { path, length, modifiedMs = 0 } of entries) {
    if (!isPath(path) || paths.has(path)) return false;
    if (length !== null && !isCount(length) || !isCount(modifiedMs)) return false;
    paths.add(path);
    sum += length ?? 0;
  }
  const isBelow = (/** @type {string} */ path) => {
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      if (paths.has(path.slice(0, slash))) return true;
    }
    return false;
  };
  return sum === bytes && !entries.some(({ path }) => isBelow(path));
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** @param {unknown} path */
function isPath(path) {
  if (typeof path !== "string" || !path.isWellFormed() || path.includes("\0")) return false;
  const parts = path.split("/");
  return parts.length <= MAX_DEPTH && parts.every((part) => !["", ".", ".."].includes(part));
}

/** What names have in common that some file system takes for one. @param {string} name */
function foldName(name) {
  return name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFC");
}

/** The names of one folder: clean, and no two alike. */
class Names {
  /** @type {Map<string, { readonly name: string, below: Names | null }>} */
  #given = new Map();
  #taken = new Set();
  /** @type {Map<string, number>} */
  #numbers = new Map();

  /** @param {string} part */
  of(part) {
    const known = this.#given.get(part) ?? { name: this.#free(part), below: null };
    this.#given.set(part, known);
    return known;
  }

  /** @param {string} part */
  #free(part) {
    const clean = cleanName(part);
    const name = DEVICE.test(clean) ? `_${clean}` : clean;
    const folded = foldName(name);
    const dot = name.lastIndexOf(".");
    const [stem, ending] = dot <= 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot)];
    for (let number = (this.#numbers.get(folded) ?? 0) + 1;; number++) {
      const numbered = number === 1 ? name : `${stem} (${number})${ending}`;
      this.#numbers.set(folded, number);
      if (this.#taken.has(foldName(numbered))) continue;
      this.#taken.add(foldName(numbered));
      return numbered;
    }
  }
}

/**
 * @param {string} folder What the folder is called.
 * @param {readonly Entry[]} entries
 * @returns {import("./zip.js").ZipEntry[]} In the same order.
 */
export function zipEntries(folder, entries) {
  const root = new Names();
  const top = cleanName(folder);
  return entries.map(({ path, length, modifiedMs }) => {
    const local = [DEVICE.test(top) ? `_${top}` : top];
    let names = root;
    for (const part of path.split("/")) {
      const given = names.of(part);
      local.push(given.name);
      names = given.below ??= new Names();
    }
    const end = length === null ? "/" : "";
    const time = modifiedMs === undefined ? {} : { modifiedMs };
    return { path: local.join("/") + end, length: length ?? 0, ...time };
  });
}
