/**
 * The list of what a folder holds: the folder is called by the content id of it (docs/PROTOCOL.md, "Folders").
 *
 * @module
 */
import * as v from "valibot";
import { decodeUtf8, encodeUtf8 } from "../crypto/encoding.ts";
import { OpenRedError } from "./errors.ts";
import {
  contentRootSchema,
  MAX_FILE_BYTES,
  MAX_FOLDER_ENTRIES,
  MAX_MANIFEST_BYTES,
  modifiedSchema,
} from "./file_frames.ts";
import { integerSchema, parseInput, parseJson } from "./schemas.ts";

export const MAX_ENTRY_PATH_BYTES = 2_048;
export const MAX_FOLDER_DEPTH = 64;

const lengthSchema = v.pipe(integerSchema, v.maxValue(MAX_FILE_BYTES));

/** The first line: what all files, one behind the other, are called by. */
const headSchema = v.looseObject({
  v: v.literal(1),
  length: lengthSchema,
  /** As in an offer. */
  root: v.optional(contentRootSchema),
});

const entrySchema = v.looseObject({
  path: v.pipe(
    v.string(),
    v.minLength(1),
    v.maxBytes(MAX_ENTRY_PATH_BYTES),
    v.check(isPath, "a path"),
  ),
  length: v.optional(lengthSchema),
  modified_at: v.optional(modifiedSchema),
});

/** A file, or a folder with nothing in it. */
export interface ManifestEntry {
  /** Relative, its parts between slashes. */
  readonly path: string;
  /** `null` for a folder. */
  readonly length: number | null;
  /** Of a file: when it was changed last, where that is known. */
  readonly modifiedAt?: number;
}

export interface FolderManifest {
  /** Of all files together. */
  readonly length: number;
  /** Base64url; `null` where that is nothing. */
  readonly root: string | null;
  /** Sorted by the bytes of their paths. */
  readonly entries: readonly ManifestEntry[];
}

function isPath(path: string): boolean {
  if (!path.isWellFormed() || path.includes("\0")) return false;
  const parts = path.split("/");
  return parts.length <= MAX_FOLDER_DEPTH && parts.every((part) => !["", ".", ".."].includes(part));
}

/** Whether a path can stand in a manifest. */
export function isEntryPath(path: string): boolean {
  return encodeUtf8(path).length <= MAX_ENTRY_PATH_BYTES && isPath(path);
}

/** The order of their UTF-8, which is that of their code points. */
function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for what comes after all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}

/** @returns Its entries in the order of a manifest. */
export function sortEntries(entries: readonly ManifestEntry[]): readonly ManifestEntry[] {
  return entries.toSorted((a, b) => comparePaths(a.path, b.path));
}

/**
 * @param manifest Its entries are sorted, and each fit for one.
 * @throws {OpenRedError} `too_large`.
 */
export function encodeFolderManifest(manifest: FolderManifest): Uint8Array<ArrayBuffer> {
  const { length, root, entries } = manifest;
  const lines: object[] = [{ v: 1, length, ...(root === null ? {} : { root }) }];
  for (const entry of entries) {
    const { path, length, modifiedAt } = entry;
    lines.push({
      path,
      ...(length === null ? {} : { length }),
      ...(modifiedAt === undefined ? {} : { modified_at: modifiedAt }),
    });
  }
  const bytes = encodeUtf8(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new OpenRedError("too_large", "The list of the folder is too long; share it in parts");
  }
  return bytes;
}

/** @throws {OpenRedError} `bad_request`. */
export function decodeFolderManifest(bytes: Uint8Array): FolderManifest {
  const [head = "", ...lines] = linesOf(bytes);
  if (lines.length > MAX_FOLDER_ENTRIES) throw invalid("too many entries");
  const { length, root = null } = parseInput(headSchema, parseJson(head));
  const entries = lines.map((line) => {
    const entry = parseInput(entrySchema, parseJson(line));
    const { path, length = null, modified_at: modifiedAt } = entry;
    return { path, length, ...(modifiedAt === undefined ? {} : { modifiedAt }) };
  });
  if ((length === 0) !== (root === null)) throw invalid("no root");
  if (entries.reduce((sum, entry) => sum + (entry.length ?? 0), 0) !== length) {
    throw invalid("another length");
  }
  checkTree(entries);
  return { length, root, entries };
}

function linesOf(bytes: Uint8Array): readonly string[] {
  if (bytes.length > MAX_MANIFEST_BYTES) throw invalid("too long");
  let text: string;
  try {
    text = decodeUtf8(bytes);
  } catch (cause) {
    throw invalid("no UTF-8", cause);
  }
  if (!text.endsWith("\n")) throw invalid("no end");
  return text.slice(0, -1).split("\n");
}

/** In order, nothing twice, and nothing below a file or an empty folder. */
function checkTree(entries: readonly ManifestEntry[]): void {
  const paths = new Set<string>();
  let last: string | null = null;
  for (const { path } of entries) {
    if (last !== null && comparePaths(last, path) >= 0) throw invalid("not in order");
    last = path;
    // What a path is below sorts before it.
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      if (paths.has(path.slice(0, slash))) throw invalid("something below a file");
    }
    paths.add(path);
  }
}

function invalid(why: string, cause?: unknown): OpenRedError {
  return new OpenRedError("bad_request", `The list of a folder is not valid: ${why}`, { cause });
}
