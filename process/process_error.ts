/**
 * Why a program does not start, or ends without being asked.
 *
 * @module
 */

/** Something the operator has to put right; said in one line, without a stack. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
  /** 1: it failed. 2: it was asked for wrongly. */
  readonly exitCode: 1 | 2;

  constructor(exitCode: 1 | 2, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** An error in words. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
