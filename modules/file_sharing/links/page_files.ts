/**
 * The files of the page of a link, served as they are written: what a browser runs can be compared with the source.
 *
 * @module
 */
import argon2 from "hash-wasm/dist/argon2.umd.min.js" with { type: "text" };
import elements from "./page/elements.js" with { type: "text" };
import fetching from "./page/fetching.js" with { type: "text" };
import folder from "./page/folder.js" with { type: "text" };
import html from "./page/index.html" with { type: "text" };
import hpke from "./page/hpke.js" with { type: "text" };
import linkCrypto from "./page/link_crypto.js" with { type: "text" };
import css from "./page/page.css" with { type: "text" };
import page from "./page/page.js" with { type: "text" };
import sealing from "./page/sealing.js" with { type: "text" };
import sending from "./page/sending.js" with { type: "text" };
import shell from "./page/shell.js" with { type: "text" };
import stretching from "./page/stretching.js" with { type: "text" };
import words from "./page/words.js" with { type: "text" };
import zip from "./page/zip.js" with { type: "text" };
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import type { PublicAnswer } from "../../api.ts";

/** A file of the page, whoever serves it. */
export interface PageFile extends PublicAnswer {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types openred",
].join("; ");
const WORKER_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";
/** A Worker is judged by its own policy, so that the page itself needs no WebAssembly. */
const WASM_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";

function file(text: string, type: string, policy: string): PageFile {
  return {
    type,
    headers: {
      "content-security-policy": policy,
      "cross-origin-opener-policy": "same-origin",
      "permissions-policy": "camera=(), geolocation=(), microphone=()",
      "referrer-policy": "no-referrer",
    },
    body: encodeUtf8(text),
  };
}

/** The same for every link, whether there is one or not. */
export const LINK_PAGE: PageFile = file(html, HTML, PAGE_POLICY);

/** Everything else, by its name below `/f/-/`. */
export const LINK_FILES: ReadonlyMap<string, PageFile> = new Map([
  ["argon2.js", file(argon2, SCRIPT, WASM_POLICY)],
  ["elements.js", file(elements, SCRIPT, WORKER_POLICY)],
  ["fetching.js", file(fetching, SCRIPT, WORKER_POLICY)],
  ["folder.js", file(folder, SCRIPT, WORKER_POLICY)],
  ["hpke.js", file(hpke, SCRIPT, WORKER_POLICY)],
  ["link_crypto.js", file(linkCrypto, SCRIPT, WORKER_POLICY)],
  ["page.css", file(css, CSS, WORKER_POLICY)],
  ["page.js", file(page, SCRIPT, WORKER_POLICY)],
  ["sealing.js", file(sealing, SCRIPT, WORKER_POLICY)],
  ["sending.js", file(sending, SCRIPT, WORKER_POLICY)],
  ["shell.js", file(shell, SCRIPT, WORKER_POLICY)],
  ["stretching.js", file(stretching, SCRIPT, WASM_POLICY)],
  ["words.js", file(words, SCRIPT, WORKER_POLICY)],
  ["zip.js", file(zip, SCRIPT, WORKER_POLICY)],
]);
