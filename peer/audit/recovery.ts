/**
 * Finds where an audit log stands when a node starts: after a good end, after `kill -9` in the middle of a write, and
 * after somebody has changed its files.
 *
 * @module
 */
import type { AuditPosition, KeyRef } from "../../crypto/interface.ts";
import { HEAD_FILE, listLogFiles, logFileName, type LogFiles } from "./audit_files.ts";
import { type AuditParts, LINES_PER_CALL } from "./audit_parts.ts";
import { inBatches, splitLines } from "./line_text.ts";
import { readBegin } from "./pruning.ts";
import { EMPTY_POSITION, openHead, signHead } from "./statements.ts";

/** Something that the start of a log has to say. */
export interface Finding {
  readonly event:
    | "audit_recovered"
    | "audit_torn"
    | "audit_tail_missing"
    | "audit_head_lost"
    | "audit_log_missing";
  readonly success: boolean;
  readonly text: string;
  readonly fields: Readonly<Record<string, number>>;
}

/** Where a log goes on. */
export interface Recovered {
  readonly position: AuditPosition;
  /** Whether more may lie in its file than the position says: the rest of a write that was never acknowledged. */
  readonly isTorn: boolean;
  /** What the file of the head says, where it holds. */
  readonly written: AuditPosition | null;
  readonly findings: readonly Finding[];
}

type ReadingParts = Pick<AuditParts, "crypto" | "nodeId" | "keys"> & { readonly files: LogFiles };

interface RecoveryParts extends Pick<AuditParts, "crypto" | "files" | "nodeId" | "keys"> {
  readonly identity: KeyRef;
  /** A line that the log has had by other accounts than its head's. */
  readonly least: number;
}

interface Followed {
  readonly position: AuditPosition;
  readonly lines: number;
  /** Bytes after the last line that holds. */
  readonly torn: number;
}

/** Follows the chain from a position through the content of its file. */
async function follow(
  parts: ReadingParts,
  from: AuditPosition,
  content: Uint8Array,
): Promise<Followed> {
  let position = from;
  let lines = 0;
  const tail = splitLines(content.subarray(from.bytes));
  for (const batch of inBatches(tail.lines, LINES_PER_CALL)) {
    const read = await parts.crypto.readAuditLines({
      log: parts.keys,
      iss: parts.nodeId,
      lines: batch,
      verify: true,
      open: false,
    });
    for (const [index, line] of read.entries()) {
      if (line?.number !== position.number + 1 || line.previous !== position.hash) {
        return { position, lines, torn: content.length - position.bytes };
      }
      const bytes = position.bytes + batch[index]!.length + 1;
      position = { number: line.last, hash: line.hash, file: from.file, bytes };
      lines += 1;
    }
  }
  return { position, lines, torn: content.length - position.bytes };
}

/** Whether the line that ends at a position is the one it names. */
async function endsThere(
  parts: ReadingParts,
  position: AuditPosition,
  content: Uint8Array | null,
): Promise<boolean> {
  if (position.bytes === 0) return true;
  if (content === null || content.length < position.bytes) return false;
  const start = content.lastIndexOf(0x0a, position.bytes - 2) + 1;
  const { lines } = splitLines(content.subarray(start, position.bytes));
  const options = { log: parts.keys, iss: parts.nodeId, lines, verify: false, open: false };
  const [line] = await parts.crypto.readAuditLines(options);
  return line?.hash === position.hash && line.last === position.number;
}

/** The last line that holds, for a log whose head is lost. */
export async function findLast(parts: ReadingParts): Promise<AuditPosition> {
  for (const { number: file, name } of (await listLogFiles(parts.files)).reverse()) {
    const { lines } = splitLines(await parts.files.read(name) ?? new Uint8Array());
    let bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
    for (const text of [...lines].reverse()) {
      const options = { log: parts.keys, iss: parts.nodeId, lines: [text] };
      const [line] = await parts.crypto.readAuditLines({ ...options, verify: true, open: false });
      if (line != null) return { number: line.last, hash: line.hash, file, bytes };
      bytes -= text.length + 1;
    }
  }
  return EMPTY_POSITION;
}

/** Goes through what was written after the head was. */
async function followTail(parts: ReadingParts, head: AuditPosition): Promise<Followed> {
  let position = head;
  let lines = 0;
  let torn = 0;
  for (;;) {
    const content = await parts.files.read(logFileName(position.file));
    if (content === null) break;
    const followed = await follow(parts, position, content);
    lines += followed.lines;
    torn = followed.torn;
    position = followed.position;
    if (torn > 0 || position.bytes === 0) break;
    const next = { ...position, file: position.file + 1, bytes: 0 };
    if (await parts.files.read(logFileName(next.file)) === null) break;
    position = next;
  }
  return { position, lines, torn };
}

/**
 * Where a log ends that nothing is added to: by its head, and the lines behind that.
 * @returns `null` without a head that holds.
 */
export async function readEnd(
  parts: ReadingParts,
): Promise<{ readonly head: AuditPosition; readonly end: AuditPosition } | null> {
  const stored = await parts.files.read(HEAD_FILE);
  const head = stored === null ? null : await openHead(parts, stored);
  return head === null ? null : { head, end: (await followTail(parts, head)).position };
}

function describe(followed: Followed): Finding[] {
  const findings: Finding[] = [];
  const { lines, torn } = followed;
  if (lines > 0) {
    const text = `${lines} line(s) were written after the audit log's head, which follows them now`;
    findings.push({ event: "audit_recovered", success: true, text, fields: { lines } });
  }
  if (torn > 0) {
    const text = `${torn} byte(s) of a write that was not finished are cut off the audit log`;
    findings.push({ event: "audit_torn", success: true, text, fields: { bytes: torn } });
  }
  return findings;
}

/**
 * What was left of a log whose end is not there is not written to again. Nor are the numbers that were taken: the gap
 * stays visible.
 */
async function inNewFile(parts: RecoveryParts, position: AuditPosition): Promise<AuditPosition> {
  const numbers = (await listLogFiles(parts.files)).map((file) => file.number);
  const begin = await readBegin(parts);
  const file = Math.max(position.file, begin?.file ?? 0, ...numbers) + 1;
  return { ...position, number: Math.max(position.number, parts.least), file, bytes: 0 };
}

/** The head comes before the first line, so that one which is not there was taken away. */
async function beginLog(parts: RecoveryParts): Promise<Recovered> {
  const position = EMPTY_POSITION;
  await parts.files.write(HEAD_FILE, await signHead(parts, position));
  return { position, isTorn: false, written: position, findings: [] };
}

/** One number is left out, as nobody can say whether the last line that is there was the last. */
async function recoverLost(parts: RecoveryParts, found: Finding): Promise<Recovered> {
  const last = await findLast(parts);
  const end = { ...last, number: Math.max(last.number, parts.least) + 1 };
  const position = await inNewFile(parts, end);
  return { position, isTorn: false, written: null, findings: [found] };
}

function headLost(): Finding {
  const text = "The audit log's head is missing or damaged; the log goes on after its last line";
  return { event: "audit_head_lost", success: false, text, fields: {} };
}

function logMissing(line: number): Finding {
  const text = `The audit log is missing: it had line ${line}. A new one goes on after it`;
  return { event: "audit_log_missing", success: false, text, fields: { line } };
}

async function recoverCut(
  parts: RecoveryParts,
  options: { written: AuditPosition; end: AuditPosition; line: number },
): Promise<Recovered> {
  const { written, end, line } = options;
  const text = `The audit log's line ${line} is not where it was: lines were changed or removed`;
  return {
    position: await inNewFile(parts, end),
    isTorn: false,
    written,
    findings: [{ event: "audit_tail_missing", success: false, text, fields: { line } }],
  };
}

/** The highest number that the database and the beginning vouch for; 0 if there is none. */
async function leastEnd(parts: Pick<AuditParts, "crypto" | "files" | "nodeId" | "marks">) {
  const begin = await readBegin(parts);
  return Math.max(parts.marks.read(parts.nodeId) ?? 0, (begin?.number ?? 1) - 1);
}

/**
 * Finds where a log stands, or begins one. Of what is there, nothing is changed: the rest of an unfinished write is
 * left to the writer, and a log that is not as it was left goes on in a new file.
 */
export async function recover(given: Omit<AuditParts, "clock" | "random">): Promise<Recovered> {
  const parts: RecoveryParts = { ...given, least: await leastEnd(given) };
  const stored = await parts.files.read(HEAD_FILE);
  if (stored === null && (await listLogFiles(parts.files)).length === 0) {
    if (parts.least === 0) return await beginLog(parts);
    return await recoverLost(parts, logMissing(parts.least));
  }
  const written = stored === null ? null : await openHead(parts, stored);
  if (written === null) return await recoverLost(parts, headLost());
  const content = await parts.files.read(logFileName(written.file));
  if (!await endsThere(parts, written, content)) {
    return await recoverCut(parts, { written, end: written, line: written.number });
  }
  const followed = await followTail(parts, written);
  const { position } = followed;
  if (position.number < parts.least) {
    return await recoverCut(parts, { written, end: position, line: parts.least });
  }
  const findings = describe(followed);
  const last = (await listLogFiles(parts.files)).at(-1)?.number ?? 0;
  if (last <= position.file) return { position, isTorn: followed.torn > 0, written, findings };
  return { position: await inNewFile(parts, position), isTorn: false, written, findings };
}
