/**
 * What the parts of an audit log share.
 *
 * @module
 */
import type { CryptoCore, KeyRef } from "../../crypto/interface.ts";
import type { Clock, Files, Random } from "../../ports/ports.ts";
import type { LogMarks } from "./log_marks.ts";

/** Tells the operator. */
export interface AuditWarnings {
  warn(topic: string, text: string): void;
  settle(topic: string): void;
  /** Leaves a line in the log of the program and nothing else. */
  note(topic: string, text: string): void;
}

export interface AuditParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly marks: LogMarks;
  readonly warnings: AuditWarnings;
  readonly nodeId: string;
  readonly identity: KeyRef;
  /** The keys of the log. */
  readonly keys: KeyRef;
}

/** Lines, or entries, of one call to the core. */
export const LINES_PER_CALL = 256;
