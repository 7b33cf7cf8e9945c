/**
 * What a module may say in a frame: types that its manifest declares, members that are not the node's own, and no more
 * than fits.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_FRAME_BYTES, MAX_FRAME_HEADER_BYTES } from "../../protocol/limits.ts";

/** What a frame has besides its header and body, and its padding, with room to spare. */
const FRAME_EXTRA_BYTES = 1_024;
/** What the node itself writes into headers. */
const RESERVED = ["type", "id", "ask", "answer", "error", "detail"];

export interface Outgoing {
  /** The second half of a type. */
  readonly type: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array;
}

/** Whether a header has a member that the node itself writes. */
export function hasNodeMembers(header: Readonly<Record<string, unknown>>): boolean {
  return RESERVED.some((name) => Object.hasOwn(header, name));
}

/**
 * The header of a frame that a module sends, as far as it is the module's.
 * @param module Its name, and the second halves of the types that it may send so.
 * @throws {OpenRedError} `bad_request` for a type that is not declared or a member that is the node's own; `too_large`.
 */
export function outgoingHeader(
  module: { readonly name: string; readonly types: ReadonlySet<string> },
  { type, header = {}, body }: Outgoing,
): Record<string, unknown> {
  if (!module.types.has(type)) {
    throw new OpenRedError("bad_request", "The manifest declares no such frame");
  }
  if (hasNodeMembers(header)) {
    throw new OpenRedError("bad_request", `A module gives no ${RESERVED.join(", ")} in a header`);
  }
  const whole = { ...header, type: `${module.name}.${type}` };
  const headerBytes = Buffer.byteLength(JSON.stringify(whole));
  const bodyBytes = body?.length ?? 0;
  if (headerBytes + FRAME_EXTRA_BYTES / 2 > MAX_FRAME_HEADER_BYTES) {
    throw new OpenRedError("too_large", "The header of the frame is too long");
  }
  if (headerBytes + bodyBytes + FRAME_EXTRA_BYTES > MAX_FRAME_BYTES) {
    throw new OpenRedError("too_large", "The frame is too long");
  }
  return whole;
}
