/**
 * Names that others gave their files, made fit for this machine and for those that the files go to from here.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { UNFIT_INVISIBLE } from "../../protocol/invisibles.ts";

/** File systems take 255; a number that is added needs room. */
const MAX_NAME_BYTES = 240;
const MAX_ENDING_BYTES = 32;
const UNFIT = new RegExp(UNFIT_INVISIBLE, "gu");
/** Separators, and what some system has a use for. */
const RESERVED = /[/\\:*?"<>|]/g;
const DEVICE = /^(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)/i;
const NAMELESS = "file";

/**
 * One name of at most 240 bytes of UTF-8 in NFC: no separator, control or direction mark, no dot or blank at either end,
 * no name of a device. Cleaning a clean name changes nothing.
 */
export function cleanName(given: string): string {
  let name = given.toWellFormed();
  for (;;) {
    const next = cleanOnce(name);
    if (next === name) return name;
    name = next;
  }
}

function cleanOnce(name: string): string {
  const plain = name.normalize("NFC")
    .replace(UNFIT, "_")
    .replace(RESERVED, "_")
    .replace(/^[.\s]+/u, "")
    .replace(/[.\s]+$/u, "");
  if (plain === "") return NAMELESS;
  return cut(DEVICE.test(plain) ? `_${plain}` : plain);
}

/** Shortens the stem of a name that is too long; a short ending stays. */
function cut(name: string): string {
  if (encodeUtf8(name).length <= MAX_NAME_BYTES) return name;
  const { stem, ending } = split(name);
  const isShort = encodeUtf8(ending).length <= MAX_ENDING_BYTES;
  const kept = isShort ? ending : "";
  const room = MAX_NAME_BYTES - encodeUtf8(kept).length;
  return cutBytes(isShort ? stem : name, room) + kept;
}

/** The longest beginning of whole characters that fits. */
function cutBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += encodeUtf8(character).length;
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function split(name: string): { stem: string; ending: string } {
  const dot = name.lastIndexOf(".");
  return dot <= 0
    ? { stem: name, ending: "" }
    : { stem: name.slice(0, dot), ending: name.slice(dot) };
}

/** What a file is called where its name is taken: `photo (2).jpg`. */
export function numberedName(name: string, number: number): string {
  const { stem, ending } = split(name);
  return `${stem} (${number})${ending}`;
}

/** What names have in common that some file system takes for one. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFC");
}
