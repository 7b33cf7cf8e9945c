/**
 * A restored backup that takes the place of a node's data: it lies beside them under names of its own, whole, until one
 * file says that it counts. Each step after that can be done again, so whoever is killed on the way leaves the former
 * node whole, or one that the next start makes the restored one. What was there before is kept.
 *
 * @module
 */
import * as v from "valibot";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import {
  COPY_PREFIX,
  FORMAT_FILE,
  INCOMING_PREFIX,
  REPLACED_PREFIX,
} from "../../ports/data_names.ts";
import { removeLeftOver } from "../../ports/node_secret.ts";
import type { FileInfo, Files, OpenDatabase } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import { storageFailed } from "../store/store.ts";
import { COUNT_FILE } from "../store/write_count.ts";
import { DATABASE_FILE, isOwned } from "./owned_files.ts";

/** There once it is certain that the incoming data take the place of these. */
export const RESTORATION_FILE = "restoration";
const MAX_FILES = 100_000;
const SIDE_FILES = ["-wal", "-shm", "-journal"].map((end) => DATABASE_FILE + end);

const journalSchema = v.strictObject({
  v: v.literal(1),
  /** Where the former data go: between their prefix and their names. */
  at: v.pipe(v.string(), v.regex(/^\d{8}T\d{6}Z$/)),
  /** What is put in place, by the names that it has there. */
  names: v.pipe(v.array(v.pipe(v.string(), v.maxLength(160))), v.maxLength(MAX_FILES)),
});

/** Whether a file goes when other data take the place of these: it belongs to them alone. */
function isOfTheseData(name: string): boolean {
  return isOwned(name) || SIDE_FILES.includes(name) || name === FORMAT_FILE ||
    name === COUNT_FILE || name.startsWith(COPY_PREFIX);
}

/** The files of a data directory whose names begin with a prefix, as if they had none. */
class PrefixedFiles implements Files {
  readonly #files: Files;
  readonly #prefix: string;

  constructor(files: Files, prefix: string) {
    this.#files = files;
    this.#prefix = prefix;
  }

  read(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#files.read(this.#prefix + name);
  }

  write(name: string, content: Uint8Array): Promise<void> {
    return this.#files.write(this.#prefix + name, content);
  }

  append(name: string, content: Uint8Array): Promise<void> {
    return this.#files.append(this.#prefix + name, content);
  }

  truncate(name: string, bytes: number): Promise<void> {
    return this.#files.truncate(this.#prefix + name, bytes);
  }

  async list(prefix: string): Promise<readonly FileInfo[]> {
    const found = await this.#files.list(this.#prefix + prefix);
    return found.map((info) => ({ ...info, name: info.name.slice(this.#prefix.length) }));
  }

  remove(name: string): Promise<void> {
    return this.#files.remove(this.#prefix + name);
  }

  copy(name: string, newName: string): Promise<void> {
    return this.#files.copy(this.#prefix + name, this.#prefix + newName);
  }

  rename(name: string, newName: string): Promise<void> {
    return this.#files.rename(this.#prefix + name, this.#prefix + newName);
  }
}

/** Where data lie that may take the place of these. */
export function incomingData(
  { files, openDatabase }: { readonly files: Files; readonly openDatabase: OpenDatabase },
): { readonly files: Files; readonly openDatabase: OpenDatabase } {
  return {
    files: new PrefixedFiles(files, INCOMING_PREFIX),
    openDatabase: (name, options) => openDatabase(INCOMING_PREFIX + name, options),
  };
}

/** Removes what came and did not take the place of anything. */
export async function removeIncoming(files: Pick<Files, "list" | "remove">): Promise<void> {
  for (const { name } of await files.list(INCOMING_PREFIX)) await files.remove(name);
  // What a write that was killed left of them.
  for (const { name } of await files.list(`.${INCOMING_PREFIX}`)) await files.remove(name);
}

/**
 * Makes it certain that the incoming data take the place of these: from here on the next start sees to it.
 * @returns What the names of the former data begin with then.
 * @throws {OpenRedError} `overloaded` where it could not be written, and nothing was changed.
 */
export async function writeRestoration(files: Files, nowMs: number): Promise<string> {
  const names = (await files.list(INCOMING_PREFIX))
    .map(({ name }) => name.slice(INCOMING_PREFIX.length));
  const at = await freeMoment(files, nowMs);
  try {
    await files.write(RESTORATION_FILE, encodeUtf8(JSON.stringify({ v: 1, at, names })));
  } catch (cause) {
    // Where it was written nevertheless, it counts.
    if (await files.read(RESTORATION_FILE) === null) throw storageFailed(cause);
  }
  return replacedPrefix(at);
}

/** One that nothing was set aside at: a clock without a battery tells the same time twice. */
async function freeMoment(files: Files, nowMs: number): Promise<string> {
  for (let ms = nowMs;; ms += 1_000) {
    const at = new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
    if ((await files.list(replacedPrefix(at))).length === 0) return at;
  }
}

function replacedPrefix(at: string): string {
  return `${REPLACED_PREFIX}${at}.`;
}

/**
 * Puts restored data in place that were made certain, and sets the former ones aside; removes what else came.
 * @throws {OpenRedError} `internal` where it could not; the next call tries again.
 */
export async function finishRestoration(files: Files): Promise<void> {
  await removeLeftOver(files, RESTORATION_FILE);
  const content = await files.read(RESTORATION_FILE);
  if (content !== null) {
    try {
      const { at, names } = parseInput(journalSchema, parseJson(content));
      await putInPlace(files, { prefix: replacedPrefix(at), names });
      await files.remove(RESTORATION_FILE);
    } catch (cause) {
      const text = "A backup is restored and will be put in place at the next start";
      throw new OpenRedError("internal", text, { cause });
    }
  }
  await removeIncoming(files);
}

/** Former data whose names do not come again go first: a log of changes must never meet another database. */
async function putInPlace(
  files: Files,
  { prefix, names }: { readonly prefix: string; readonly names: readonly string[] },
): Promise<void> {
  const coming = new Set(names);
  const there = new Set((await files.list("")).map(({ name }) => name));
  for (const name of there) {
    if (isOfTheseData(name) && !coming.has(name)) await files.rename(name, prefix + name);
  }
  for (const name of names) {
    if (!there.has(INCOMING_PREFIX + name)) continue;
    if (there.has(name)) await files.rename(name, prefix + name);
    await files.rename(INCOMING_PREFIX + name, name);
  }
}
