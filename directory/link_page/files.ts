/**
 * The files of the page about a link, served as they are written.
 *
 * @module
 */
import qrcode from "qrcode-generator" with { type: "text" };
import html from "./index.html" with { type: "text" };
import css from "./page.css" with { type: "text" };
import page from "./page.js" with { type: "text" };
import words from "./words.js" with { type: "text" };

const SCRIPT = "text/javascript; charset=utf-8";

interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** By their name below `/i/`. */
export const PAGE_FILES: ReadonlyMap<string, PageFile> = new Map([
  ["", { type: "text/html; charset=utf-8", text: html }],
  ["page.css", { type: "text/css; charset=utf-8", text: css }],
  ["page.js", { type: SCRIPT, text: page }],
  ["qrcode.js", { type: SCRIPT, text: qrcode }],
  ["words.js", { type: SCRIPT, text: words }],
]);
