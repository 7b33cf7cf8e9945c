/**
 * The stable error codes and their one error class.
 *
 * @module
 */

/** HTTP status of every code that crosses a wire (docs/PROTOCOL.md, "Errors"). */
export const ERROR_STATUS = {
  bad_request: 400,
  unsupported: 400,
  bad_signature: 400,
  clock_ahead: 400,
  record_stale: 400,
  url_refused: 400,
  proof_invalid: 401,
  proof_replayed: 401,
  clock_skew: 401,
  unauthorized: 401,
  requester_unknown: 403,
  envelope_refused: 403,
  handshake_rejected: 403,
  frame_rejected: 403,
  forbidden: 403,
  banned: 403,
  key_required: 403,
  key_refused: 403,
  password_wrong: 403,
  invitation_unknown: 404,
  factor_wrong: 403,
  step_up_required: 403,
  node_unknown: 404,
  session_unknown: 404,
  not_found: 404,
  method_not_allowed: 405,
  seq_behind: 409,
  succession_refused: 409,
  method_none: 409,
  pair_seen: 409,
  succeeded: 410,
  link_over: 410,
  invitation_used: 410,
  invitation_expired: 410,
  invitation_revoked: 410,
  length_required: 411,
  too_large: 413,
  rate_limited: 429,
  too_many_pairs: 429,
  internal: 500,
  callback_failed: 502,
  target_unreachable: 502,
  unreachable: 502,
  overloaded: 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;

export interface OpenRedErrorOptions extends ErrorOptions {
  /** When it is worth trying again; becomes `Retry-After`. */
  readonly retryAfterMs?: number;
  /** Members that stand beside `code` in the answer. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A condition that a caller handles by its `code`. Messages never hold secrets. */
export class OpenRedError extends Error {
  override readonly name = "OpenRedError";
  readonly code: ErrorCode;
  readonly retryAfterMs: number | null;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: OpenRedErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.members = options.members ?? {};
  }
}

/** Tells whether an error is an {@linkcode OpenRedError} of one of these codes. */
export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is OpenRedError {
  return error instanceof OpenRedError && codes.includes(error.code);
}
