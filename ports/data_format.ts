/**
 * The format of a node's data directory: an older one is copied before it is brought up to date, a newer one
 * is refused before anything is changed.
 *
 * @module
 */
import * as v from "valibot";
import { OpenRedError } from "../protocol/errors.ts";
import { COPY_PREFIX, FORMAT_FILE } from "./data_names.ts";
import type { Files } from "./ports.ts";

/** That of all files but the tables of a database. 0 has no file that says so. */
export const DATA_FORMAT = 1;
/** A copy holds what was removed since, so it does not stay for good. */
const COPY_LIFE_MS = 30 * 24 * 3_600_000;

const formatSchema = v.looseObject({
  format: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** The forms of tables, by the name of what they belong to. */
  tables: v.record(v.pipe(v.string(), v.maxLength(64)), v.pipe(v.number(), v.safeInteger())),
  copied_at: v.nullable(v.number()),
});
type Format = v.InferOutput<typeof formatSchema>;

const NOTHING_NOTED: Format = { format: 0, tables: {}, copied_at: null };

export interface FormatOptions {
  /** The forms of tables that this program brings theirs to. */
  readonly tables: Readonly<Record<string, number>>;
  /** What may be written in another form from now on, and is copied before. */
  readonly files: readonly string[];
  readonly nowMs: number;
}

type FormatFiles = Pick<Files, "read" | "write" | "list" | "copy" | "remove">;

async function readFormat(files: FormatFiles): Promise<Format | null> {
  const content = await files.read(FORMAT_FILE);
  if (content === null) return null;
  try {
    return v.parse(formatSchema, JSON.parse(new TextDecoder().decode(content)));
  } catch (cause) {
    const text = `The file ${FORMAT_FILE} of this data directory is damaged; remove it`;
    throw new OpenRedError("bad_request", text, { cause });
  }
}

function refuseNewer(found: Format, tables: FormatOptions["tables"]): void {
  const newer = Object.entries(tables).find(([name, form]) => (found.tables[name] ?? 0) > form);
  if (found.format <= DATA_FORMAT && newer === undefined) return;
  const [what, has, reads] = newer === undefined
    ? ["format", found.format, DATA_FORMAT]
    : [newer[0], found.tables[newer[0]], newer[1]];
  throw new OpenRedError(
    "unsupported",
    `A newer version of this program wrote the data here (${what} ${has}; this one reads up to ${reads}); ` +
      `run that version, or go back by the files ${COPY_PREFIX}*, or restore a backup into an empty directory`,
  );
}

/** Tables that nothing is noted of are new, or were copied with all the others. */
function isOlder(found: Format, tables: FormatOptions["tables"]): boolean {
  return found.format < DATA_FORMAT ||
    Object.entries(tables).some(([name, form]) => (found.tables[name] ?? form) < form);
}

async function removeCopies(files: FormatFiles): Promise<void> {
  for (const { name } of await files.list(COPY_PREFIX)) await files.remove(name);
}

/** @returns Whether there was something to copy. */
async function copyFiles(files: FormatFiles, names: readonly string[]): Promise<boolean> {
  await removeCopies(files);
  const there = (await files.list("")).map(({ name }) => name);
  const found = names.filter((name) => there.includes(name));
  for (const name of found) await files.copy(name, COPY_PREFIX + name);
  return found.length > 0;
}

async function note(files: FormatFiles, format: Format): Promise<void> {
  await files.write(FORMAT_FILE, new TextEncoder().encode(`${JSON.stringify(format)}\n`));
}

/**
 * Copies what an upgrade may change of data that nothing has opened yet, and notes the new format. The note is written
 * before anything is changed, so that a start that is killed on the way never copies what is half changed.
 * @returns Whether there are copies that were made now.
 * @throws {OpenRedError} `unsupported` for a newer format; `bad_request` for a note that cannot be read.
 */
export async function settleFormat(files: FormatFiles, options: FormatOptions): Promise<boolean> {
  const { tables, nowMs } = options;
  const found = await readFormat(files) ?? NOTHING_NOTED;
  refuseNewer(found, tables);
  if (isOlder(found, tables)) {
    if (!await copyFiles(files, options.files)) return false;
    await note(files, {
      ...found,
      format: DATA_FORMAT,
      tables: { ...found.tables, ...tables },
      copied_at: nowMs,
    });
    return true;
  }
  if (found.copied_at !== null && Math.abs(nowMs - found.copied_at) > COPY_LIFE_MS) {
    await removeCopies(files);
    await note(files, { ...found, copied_at: null });
  }
  return false;
}

/** Notes the format of data that were made now, and tables that are new in them. */
export async function noteFormat(
  files: FormatFiles,
  tables: FormatOptions["tables"],
): Promise<void> {
  const found = await readFormat(files) ?? NOTHING_NOTED;
  const isKnown = Object.entries(tables).every(([name, form]) => found.tables[name] === form);
  if (found.format === DATA_FORMAT && isKnown) return;
  await note(files, { ...found, format: DATA_FORMAT, tables: { ...found.tables, ...tables } });
}
