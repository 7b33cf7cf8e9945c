/**
 * Verifies an audit log from its first line to its head, and names the first line that is not as it was written.
 *
 * @module
 */
import type { AuditHeadView, AuditProblem, AuditReport } from "../../protocol/audit_api.ts";
import { BEGIN_FILE, HEAD_FILE, listLogFiles, type LogFile, type LogFiles } from "./audit_files.ts";
import type { AuditLog } from "./audit_log.ts";
import { type AuditParts, LINES_PER_CALL } from "./audit_parts.ts";
import { type Break, ChainCheck, nameBreak } from "./chain_check.ts";
import type { Durable } from "./chain_writer.ts";
import { inBatches, splitLines } from "./line_text.ts";
import { readBegin } from "./pruning.ts";
import { type AuditBegin, FIRST_BEGIN, openHead } from "./statements.ts";

/** What reading a log takes. */
export type VerifierParts = Pick<AuditParts, "crypto" | "nodeId" | "keys"> & {
  readonly files: LogFiles;
};

/** A log as the verifier needs it. */
export type VerifiedLog = Pick<AuditLog, "durable" | "hold" | "exclusively">;

/** What to verify against, and whom to tell. */
export interface VerifyOptions {
  /** A line that was kept elsewhere. */
  readonly kept: AuditHeadView | null;
  readonly signal: AbortSignal;
  /** Called after every few lines; `total` is an estimate no more than the number of the last one. */
  progress(checked: number, total: number): void;
}

/** The log as it was at one moment. */
interface Snapshot {
  readonly durable: Durable;
  readonly begin: AuditBegin | null;
  readonly files: readonly LogFile[];
  /** What lies in the file that was being written. */
  readonly current: Uint8Array;
  readonly isHeadTrue: boolean;
}

/** Verifies one log. */
export class AuditVerifier {
  readonly #parts: VerifierParts;
  readonly #log: VerifiedLog;

  constructor(parts: VerifierParts, log: VerifiedLog) {
    this.#parts = parts;
    this.#log = log;
  }

  /**
   * Verifies what the log has at this moment, while it goes on growing.
   * @throws {unknown} The signal's reason, as soon as it fires.
   */
  async verify(options: VerifyOptions): Promise<AuditReport> {
    const release = await this.#log.hold();
    try {
      const snapshot = await this.#log.exclusively(() => this.#look());
      const begin = snapshot.begin ?? await this.#guessBegin(snapshot.files);
      const check = new ChainCheck(begin, options.kept);
      const problem = await this.#walk(snapshot, { check, begin, options });
      return this.#report(snapshot, { check, begin, problem });
    } finally {
      release();
    }
  }

  async #look(): Promise<Snapshot> {
    const { files } = this.#parts;
    const { durable } = this.#log;
    const stored = await files.read(HEAD_FILE);
    const head = stored === null ? null : await openHead(this.#parts, stored);
    const found = await listLogFiles(files);
    const current = found.find((file) => file.number === durable.position.file);
    const content = current === undefined ? null : await files.read(current.name);
    const isHeadTrue = head?.number === durable.written?.number &&
      head?.hash === durable.written?.hash;
    return {
      durable,
      begin: await readBegin(this.#parts),
      files: found,
      current: content ?? new Uint8Array(),
      isHeadTrue,
    };
  }

  /** Where the chain can be followed from although the statement of its beginning is damaged. */
  async #guessBegin(files: readonly LogFile[]): Promise<AuditBegin> {
    const [file] = files;
    if (file === undefined) return FIRST_BEGIN;
    const { lines } = splitLines(await this.#parts.files.read(file.name) ?? new Uint8Array());
    const [line] = await this.#read(lines.slice(0, 1));
    if (line == null) return FIRST_BEGIN;
    return { number: line.number, previous: line.previous, file: file.number };
  }

  async #walk(
    snapshot: Snapshot,
    run: { check: ChainCheck; begin: AuditBegin; options: VerifyOptions },
  ): Promise<AuditProblem | null> {
    const { check, begin, options } = run;
    const { position, isTorn } = snapshot.durable;
    const files = snapshot.files.filter((file) => file.number >= begin.file);
    for (const [index, file] of files.entries()) {
      if (isTorn && file.number > position.file) continue;
      const content = await this.#content(snapshot, file);
      const { lines, rest } = splitLines(content);
      const all = rest === "" ? lines : [...lines, rest];
      for (const [at, batch] of [...inBatches(all, LINES_PER_CALL)].entries()) {
        options.signal.throwIfAborted();
        const start = at * LINES_PER_CALL;
        const found = await this.#takeBatch(check, { batch, whole: lines.length - start });
        if (found !== null) {
          const later = all.slice(start + found.index + 1);
          const isCut = !found.isWhole && index === files.length - 1;
          const place = { file, later, files: files.slice(index + 1), first: begin.number, isCut };
          return await this.#name(snapshot, found.break, place);
        }
        options.progress(check.number, position.number);
      }
    }
    return endProblem(check, snapshot.durable);
  }

  /** A file as it was when the log was looked at. */
  async #content(snapshot: Snapshot, file: LogFile): Promise<Uint8Array> {
    const { position, isTorn } = snapshot.durable;
    if (file.number !== position.file) {
      return await this.#parts.files.read(file.name) ?? new Uint8Array();
    }
    return isTorn ? snapshot.current.slice(0, position.bytes) : snapshot.current;
  }

  async #takeBatch(
    check: ChainCheck,
    { batch, whole }: { batch: readonly string[]; whole: number },
  ): Promise<{ break: Break; index: number; isWhole: boolean } | null> {
    const read = await this.#read(batch);
    for (const [index, line] of read.entries()) {
      // A line without its newline is none, even where the rest of it holds.
      const isWhole = index < whole;
      const found = check.take(isWhole ? line : null);
      if (found !== null) return { break: found, index, isWhole };
    }
    return null;
  }

  async #name(
    snapshot: Snapshot,
    found: Break,
    place: {
      file: LogFile;
      later: readonly string[];
      files: readonly LogFile[];
      first: number;
      isCut: boolean;
    },
  ): Promise<AuditProblem> {
    const { position } = snapshot.durable;
    const { expected } = found;
    const { file, later, files, first } = place;
    if (expected > position.number) {
      const text = `Something was written after line ${position.number}, the last one`;
      return { kind: "changed", line: expected, file: file.name, text };
    }
    if (place.isCut) return cutProblem(expected);
    const isLater = found.line !== null && found.line.number !== expected &&
      await this.#stands(expected, later, files);
    return nameBreak(found, { file: file.name, isLater, first });
  }

  /** Whether a line of that number stands in the rest of a file or in a later one. */
  async #stands(
    number: number,
    rest: readonly string[],
    files: readonly LogFile[],
  ): Promise<boolean> {
    if (await this.#holds(number, rest)) return true;
    for (const file of files) {
      const { lines } = splitLines(await this.#parts.files.read(file.name) ?? new Uint8Array());
      if (await this.#holds(number, lines)) return true;
    }
    return false;
  }

  async #holds(number: number, lines: readonly string[]): Promise<boolean> {
    const { crypto, keys: log, nodeId: iss } = this.#parts;
    for (const batch of inBatches(lines, LINES_PER_CALL)) {
      const options = { log, iss, lines: batch, verify: false, open: false };
      const read = await crypto.readAuditLines(options);
      if (read.some((line) => line?.number === number)) return true;
    }
    return false;
  }

  #read(lines: readonly string[]) {
    const { crypto, keys: log, nodeId: iss } = this.#parts;
    return crypto.readAuditLines({ log, iss, lines, verify: true, open: true });
  }

  #report(
    snapshot: Snapshot,
    run: { check: ChainCheck; begin: AuditBegin; problem: AuditProblem | null },
  ): AuditReport {
    const { check, begin, problem } = run;
    const { number, hash } = snapshot.durable.position;
    return {
      begins: begin.number,
      lines: check.number - begin.number + 1,
      head: { number, hash },
      unreadable: check.unreadable,
      kept_head: check.keptHead,
      problem: problem ?? fileProblem(snapshot),
    };
  }
}

function cutProblem(line: number): AuditProblem {
  const text = `The log was cut off: line ${line} and all after it are missing`;
  return { kind: "cut", line, file: null, text };
}

/** What is wrong with a log all of whose lines hold. */
function endProblem(check: ChainCheck, { position }: Durable): AuditProblem | null {
  if (check.number < position.number) return cutProblem(check.number + 1);
  if (check.hash !== position.hash) {
    const text = `Line ${check.number} is not the one that was written last`;
    return { kind: "changed", line: check.number, file: null, text };
  }
  return null;
}

function fileProblem(snapshot: Snapshot): AuditProblem | null {
  if (snapshot.begin === null) {
    const text = `${BEGIN_FILE} is not what this node wrote`;
    return { kind: "begin", line: null, file: BEGIN_FILE, text };
  }
  if (snapshot.isHeadTrue) return null;
  const text = `${HEAD_FILE} is not what this node wrote last`;
  return { kind: "head", line: null, file: HEAD_FILE, text };
}
