/**
 * Removes the oldest files of an audit log. What is left begins with a line that the node has named as the first in
 * a signed statement, written before anything is removed.
 *
 * @module
 */
import type { AuditLine } from "../../crypto/interface.ts";
import { BEGIN_FILE, listLogFiles, type LogFile, type LogFiles } from "./audit_files.ts";
import { type AuditParts, LINES_PER_CALL } from "./audit_parts.ts";
import { inBatches, splitLines } from "./line_text.ts";
import { type AuditBegin, FIRST_BEGIN, openBegin, signBegin } from "./statements.ts";

const WARNING = "audit_not_pruned";
const GAPS_WARNING = "audit_gaps_pruned";

type PruningParts = Omit<AuditParts, "clock" | "random">;

/**
 * Where the log begins.
 * @returns `null` if the file that says it is not what this node wrote.
 */
export async function readBegin(
  parts: Pick<AuditParts, "crypto" | "nodeId"> & { readonly files: LogFiles },
): Promise<AuditBegin | null> {
  const content = await parts.files.read(BEGIN_FILE);
  return content === null ? FIRST_BEGIN : await openBegin(parts, content);
}

/** The files that have to go, oldest first; the last one always stays. */
function excess(found: readonly LogFile[], keepBytes: number): readonly LogFile[] {
  let total = found.reduce((sum, file) => sum + file.bytes, 0);
  const stays = found.findIndex((file, index) => {
    if (total <= keepBytes || index === found.length - 1) return true;
    total -= file.bytes;
    return false;
  });
  return stays < 0 ? [] : found.slice(0, stays);
}

/** The first line of a file, signed by this node. */
async function firstLine(parts: PruningParts, file: LogFile): Promise<AuditLine | null> {
  const { lines } = splitLines(await parts.files.read(file.name) ?? new Uint8Array());
  const options = { log: parts.keys, iss: parts.nodeId, verify: true, open: false };
  const [line] = await parts.crypto.readAuditLines({ ...options, lines: lines.slice(0, 1) });
  return line ?? null;
}

/**
 * Where the chain does not hold from the beginning through the files that go to the first line that stays, as pairs
 * `5-7`: line 7 does not follow line 5. The hashes prove all of it, as that last line's signature does.
 */
async function findGaps(
  parts: PruningParts,
  gone: readonly LogFile[],
  stays: AuditLine,
): Promise<string> {
  const begin = await readBegin(parts);
  const gaps: string[] = [];
  let last = begin === null ? null : { number: begin.number - 1, hash: begin.previous };
  let isBroken = last === null;
  const take = (line: AuditLine | null) => {
    isBroken ||= line?.previous !== last?.hash || line?.number !== (last?.number ?? 0) + 1;
    if (line === null) return;
    if (isBroken) gaps.push(`${last?.number ?? "?"}-${line.number}`);
    isBroken = false;
    last = { number: line.last, hash: line.hash };
  };
  for (const file of gone) {
    const { lines, rest } = splitLines(await parts.files.read(file.name) ?? new Uint8Array());
    for (const batch of inBatches(rest === "" ? lines : [...lines, rest], LINES_PER_CALL)) {
      const options = { log: parts.keys, iss: parts.nodeId, verify: false, open: false };
      (await parts.crypto.readAuditLines({ ...options, lines: batch })).forEach(take);
    }
  }
  take(stays);
  return gaps.join(" ");
}

/** Removes files that a signed statement has already left behind. */
export async function finishPruning(parts: PruningParts): Promise<void> {
  const begin = await readBegin(parts);
  for (const file of await listLogFiles(parts.files)) {
    if (begin !== null && file.number < begin.file) await parts.files.remove(file.name);
  }
}

/** What was removed. */
export interface Pruned {
  readonly begin: AuditBegin;
  /** Where what went, and what stays behind it, did not hold; empty for a whole log. */
  readonly gaps: string;
}

/**
 * Removes the oldest files until all together have at most `keepBytes`. What did not hold in them would be forgotten
 * with them, so it is told.
 * @param options `headFile`: the file in which the log ends by its head. The log never begins behind that.
 * @returns `null` if nothing was removed.
 */
export async function prune(
  parts: PruningParts,
  options: { readonly keepBytes: number; readonly headFile: number },
): Promise<Pruned | null> {
  const { keepBytes, headFile } = options;
  const found = (await listLogFiles(parts.files)).filter(({ number }) => number <= headFile);
  const gone = excess(found, keepBytes);
  const file = found[gone.length];
  if (gone.length === 0 || file === undefined) return null;
  const line = await firstLine(parts, file);
  if (line === null) {
    const text = `Old files of the audit log stay: ${file.name} does not begin with a line of ` +
      "this node. See: openred-node audit verify";
    parts.warnings.warn(WARNING, text);
    return null;
  }
  const gaps = await findGaps(parts, gone, line);
  const begin = { number: line.number, previous: line.previous, file: file.number };
  await parts.files.write(BEGIN_FILE, await signBegin(parts, begin));
  for (const { name } of gone) await parts.files.remove(name);
  parts.warnings.settle(WARNING);
  if (gaps !== "") {
    const text = `The audit log was not whole where old files of it were removed: ${gaps}`;
    parts.warnings.warn(GAPS_WARNING, text);
  }
  return { begin, gaps };
}
