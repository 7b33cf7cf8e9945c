/**
 * How a command ends when it does not succeed.
 *
 * @module
 */

/**
 * What a shell sees. `unknown`: not known here, or anywhere; `refused`: somebody said no; `unanswered`: nobody answered,
 * or not yet, and trying again may help; `no_node`: no node runs there.
 */
export const EXIT_CODES = {
  ok: 0,
  failed: 1,
  usage: 2,
  unknown: 3,
  refused: 4,
  unanswered: 5,
  no_node: 6,
  interrupted: 130,
} as const;

export type FailureCode = Exclude<typeof EXIT_CODES[keyof typeof EXIT_CODES], 0>;

/** Ends a command with one line on standard error. The message says what to do and is safe to print. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: FailureCode;
  /** The stable code of what a node answered, or a word for the exit code. */
  readonly code: string;

  constructor(
    exitCode: FailureCode,
    message: string,
    options: ErrorOptions & { readonly code?: string } = {},
  ) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = options.code ??
      Object.entries(EXIT_CODES).find(([, number]) => number === exitCode)![0];
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

/** The person pressed Ctrl-C: exit code 130. */
export function interrupted(options?: ErrorOptions): CommandError {
  return new CommandError(EXIT_CODES.interrupted, "Stopped", options);
}

/** The command was understood and did not succeed: exit code 1. */
export function failure(message: string, options?: ErrorOptions): CommandError {
  return new CommandError(EXIT_CODES.failed, message, options);
}
