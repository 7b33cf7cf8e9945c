/**
 * How a command ends when it does not succeed.
 *
 * @module
 */

/** What a shell sees: done, failed, asked for wrongly, or interrupted while it asked somebody. */
export const EXIT_CODES = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Ends a command with one line on standard error. The message says what to do and is safe to print. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: 1 | 2 | 130;

  constructor(exitCode: 1 | 2 | 130, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Why a command stops when nobody reads its output any more, as `head` does after a few lines. Nothing is wrong then. */
export class OutputGone extends Error {
  override readonly name = "OutputGone";

  constructor() {
    super("Nobody reads the output any more");
  }
}

/** Wrong usage or input: exit code 2. */
export function usageError(message: string, options?: ErrorOptions): CommandError {
  return new CommandError(EXIT_CODES.usage, message, options);
}

/** The command was understood and did not succeed: exit code 1. */
export function failure(message: string, options?: ErrorOptions): CommandError {
  return new CommandError(EXIT_CODES.failed, message, options);
}
