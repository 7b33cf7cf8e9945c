/** What a failed assertion throws. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** How a message goes on: with the caller's words, or with a period. */
export function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}
