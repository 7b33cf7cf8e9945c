/**
 * Follows the chain of an audit log line by line.
 *
 * @module
 */
import type { AuditLine } from "../../crypto/interface.ts";
import type { AuditHeadView, AuditProblem } from "../../protocol/audit_api.ts";
import type { AuditBegin } from "./statements.ts";

/** A line that does not follow the one before it: `line` is `null` where nothing readable stands. */
export interface Break {
  readonly line: AuditLine | null;
  /** The number that should stand there. */
  readonly expected: number;
}

/** How far a log holds. */
export class ChainCheck {
  readonly #begin: AuditBegin;
  readonly #kept: AuditHeadView | null;
  #number: number;
  #hash: string;
  #unreadable = 0;
  #keptHash: string | null = null;

  constructor(begin: AuditBegin, kept: AuditHeadView | null) {
    this.#begin = begin;
    this.#kept = kept;
    this.#number = begin.number - 1;
    this.#hash = begin.previous;
    this.#noteKept();
  }

  /** Number of the last entry of the lines that hold. */
  get number(): number {
    return this.#number;
  }

  get hash(): string {
    return this.#hash;
  }

  /** Entries of lines that hold which do not open. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** What the log has for the head that was kept elsewhere. */
  get keptHead(): "matches" | "differs" | "pruned" | null {
    if (this.#kept === null) return null;
    if (this.#kept.number < this.#begin.number - 1) return "pruned";
    return this.#keptHash === this.#kept.hash ? "matches" : "differs";
  }

  /** Takes the next line. @returns What is wrong with it, or `null`. */
  take(line: AuditLine | null): Break | null {
    const expected = this.#number + 1;
    if (line?.number !== expected || line.previous !== this.#hash) return { line, expected };
    this.#number = line.last;
    this.#hash = line.hash;
    if (line.entries === null) this.#unreadable += line.last - line.number + 1;
    this.#noteKept();
    return null;
  }

  #noteKept(): void {
    if (this.#kept?.number === this.#number) this.#keptHash = this.#hash;
  }
}

/**
 * Says what a break is.
 * @param options `isLater`: whether the expected line stands further on; `first`: the number the log begins with.
 */
export function nameBreak(
  { line, expected }: Break,
  options: { readonly file: string; readonly isLater: boolean; readonly first: number },
): AuditProblem {
  const { file, isLater, first } = options;
  if (line === null) {
    return { kind: "changed", line: expected, file, text: `Line ${expected} was changed` };
  }
  if (line.number === expected) {
    // Both are signed by this node: they come from two histories, such as a restored backup's.
    const number = expected === first ? expected : expected - 1;
    const text = `Line ${number} is not the one that the line after it follows`;
    return { kind: "changed", line: number, file, text };
  }
  if (isLater || line.number < expected) {
    const text = `Line ${line.number} stands where line ${expected} was`;
    return { kind: "reordered", line: expected, file, text };
  }
  const text = `Line ${expected} was removed; line ${line.number} stands there`;
  return { kind: "removed", line: expected, file, text };
}
