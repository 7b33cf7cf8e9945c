/**
 * Removes the oldest files of an audit log. What is left begins with a line that the node has named as the first in
 * a signed statement, written before anything is removed.
 *
 * @module
 */
import { BEGIN_FILE, listLogFiles, type LogFile } from "./audit_files.ts";
import type { AuditParts } from "./audit_parts.ts";
import { splitLines } from "./line_text.ts";
import { type AuditBegin, FIRST_BEGIN, openBegin, signBegin } from "./statements.ts";

const WARNING = "audit_not_pruned";

type PruningParts = Omit<AuditParts, "clock" | "random">;

/**
 * Where the log begins.
 * @returns `null` if the file that says it is not what this node wrote.
 */
export async function readBegin(
  parts: Pick<AuditParts, "crypto" | "files" | "nodeId">,
): Promise<AuditBegin | null> {
  const content = await parts.files.read(BEGIN_FILE);
  return content === null ? FIRST_BEGIN : await openBegin(parts, content);
}

/** The files that have to go, oldest first; the newest one always stays. */
function excess(found: readonly LogFile[], keepBytes: number): readonly LogFile[] {
  let total = found.reduce((sum, file) => sum + file.bytes, 0);
  const stays = found.findIndex((file, index) => {
    if (total <= keepBytes || index === found.length - 1) return true;
    total -= file.bytes;
    return false;
  });
  return stays < 0 ? [] : found.slice(0, stays);
}

/** The first line of a file, if it follows the last one of the file before. */
async function findSeam(
  parts: PruningParts,
  before: LogFile,
  file: LogFile,
): Promise<AuditBegin | null> {
  const older = splitLines(await parts.files.read(before.name) ?? new Uint8Array());
  const newer = splitLines(await parts.files.read(file.name) ?? new Uint8Array());
  const lines = [older.lines.at(-1) ?? "", newer.lines[0] ?? ""];
  const options = { log: parts.keys, iss: parts.nodeId, lines, verify: true, open: false };
  const [last, first] = await parts.crypto.readAuditLines(options);
  if (last == null || first == null || older.rest !== "") return null;
  if (first.previous !== last.hash || first.number !== last.number + 1) return null;
  return { number: first.number, previous: first.previous, file: file.number };
}

/** Removes files that a signed statement has already left behind. */
export async function finishPruning(parts: PruningParts): Promise<void> {
  const begin = await readBegin(parts);
  for (const file of await listLogFiles(parts.files)) {
    if (begin !== null && file.number < begin.file) await parts.files.remove(file.name);
  }
}

/**
 * Removes the oldest files until all together have at most `keepBytes`. Where what would be left does not follow what
 * would go, nothing does: that is for a person to look at, and `verify` names the place.
 * @returns The new beginning, or `null` if nothing was removed.
 */
export async function prune(parts: PruningParts, keepBytes: number): Promise<AuditBegin | null> {
  const found = await listLogFiles(parts.files);
  const gone = excess(found, keepBytes);
  const last = gone.at(-1);
  const first = found[gone.length];
  if (last === undefined || first === undefined) return null;
  const begin = await findSeam(parts, last, first);
  if (begin === null) {
    const text = `Old files of the audit log stay: ${first.name} does not follow ${last.name}. ` +
      "See: openred-node audit verify";
    parts.warnings.warn(WARNING, text);
    return null;
  }
  await parts.files.write(BEGIN_FILE, await signBegin(parts, begin));
  for (const file of gone) await parts.files.remove(file.name);
  parts.warnings.settle(WARNING);
  return begin;
}
