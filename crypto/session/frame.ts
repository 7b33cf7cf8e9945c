/**
 * The bytes of a frame: its 29-byte head, and what is inside once it is decrypted.
 *
 * @module
 */
import { encodeUtf8 } from "../encoding.ts";
import { CryptoError, MAX_FRAME_BYTES, MAX_FRAME_HEADER_BYTES } from "../interface.ts";

export const FRAME_VERSION = 3;
export const FRAME_HEAD_BYTES = 29;
export const FRAME_TAG_BYTES = 16;
export const SESSION_ID_BYTES = 16;

const STEP_AT = 1 + SESSION_ID_BYTES;
const COUNTER_AT = STEP_AT + 4;
/** Header length (2), body length (4). */
const LENGTHS_BYTES = 6;
const NONCE_BYTES = 12;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a frame says of itself before it is opened. */
export interface FrameHead {
  readonly step: number;
  /** Below 2⁵³ exact; from there up only known to be too large. */
  readonly counter: number;
  /** The 29 bytes, which are the AAD. A view of the frame. */
  readonly aad: Uint8Array;
  /** 12 bytes: four zero bytes, then the counter. */
  readonly nonce: Uint8Array;
  /** Ciphertext and tag. A view of the frame. */
  readonly sealed: Uint8Array;
}

/** The decrypted inside of a well-formed frame. */
export interface FrameContent {
  readonly header: string;
  readonly body: Uint8Array;
}

/** Writes the 29 bytes `version ‖ session_id ‖ step ‖ counter`. */
export function encodeFrameHead(
  options: { sessionId: Uint8Array; step: number; counter: number },
): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(FRAME_HEAD_BYTES);
  const view = new DataView(head.buffer);
  head[0] = FRAME_VERSION;
  head.set(options.sessionId, 1);
  view.setUint32(STEP_AT, options.step);
  writeCounter(view, { offset: COUNTER_AT, counter: options.counter });
  return head;
}

/** The AEAD nonce of a counter: four zero bytes, then its eight. */
export function frameNonce(counter: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(NONCE_BYTES);
  writeCounter(new DataView(nonce.buffer), { offset: 4, counter });
  return nonce;
}

function writeCounter(view: DataView, options: { offset: number; counter: number }): void {
  const { offset, counter } = options;
  view.setUint32(offset, Math.floor(counter / 2 ** 32));
  view.setUint32(offset + 4, counter % 2 ** 32);
}

/**
 * Reads a frame's head.
 * @returns `null` for bytes that are no frame of this session: another version, id or size.
 */
export function decodeFrameHead(frame: Uint8Array, sessionId: Uint8Array): FrameHead | null {
  if (frame.length < FRAME_HEAD_BYTES + FRAME_TAG_BYTES || frame.length > MAX_FRAME_BYTES) {
    return null;
  }
  if (frame[0] !== FRAME_VERSION) return null;
  for (let i = 0; i < SESSION_ID_BYTES; i++) {
    if (frame[1 + i] !== sessionId[i]) return null;
  }
  const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEAD_BYTES);
  const nonce = new Uint8Array(NONCE_BYTES);
  nonce.set(frame.subarray(COUNTER_AT, FRAME_HEAD_BYTES), 4);
  return {
    step: view.getUint32(STEP_AT),
    counter: view.getUint32(COUNTER_AT) * 2 ** 32 + view.getUint32(COUNTER_AT + 4),
    aad: frame.subarray(0, FRAME_HEAD_BYTES),
    nonce,
    sealed: frame.subarray(FRAME_HEAD_BYTES),
  };
}

/**
 * Writes `header length(2) ‖ body length(4) ‖ header ‖ body ‖ zero padding`.
 * @throws {CryptoError} `bad_argument` if the header or the whole frame would be too large.
 */
export function encodeFrameContent(
  options: { header: string; body: Uint8Array; padding: number },
): Uint8Array<ArrayBuffer> {
  const { body, padding } = options;
  // Bounded before it is encoded: a text's UTF-8 is at least as long as the text.
  const header = options.header.length <= MAX_FRAME_HEADER_BYTES
    ? encodeUtf8(options.header)
    : null;
  if (header === null || header.length > MAX_FRAME_HEADER_BYTES) {
    throw new CryptoError(
      "bad_argument",
      `Expected a frame header of at most ${MAX_FRAME_HEADER_BYTES} bytes`,
    );
  }
  const length = LENGTHS_BYTES + header.length + body.length + padding;
  if (FRAME_HEAD_BYTES + length + FRAME_TAG_BYTES > MAX_FRAME_BYTES) {
    throw new CryptoError(
      "bad_argument",
      `Expected a frame of at most ${MAX_FRAME_BYTES} bytes, received ${
        FRAME_HEAD_BYTES + length + FRAME_TAG_BYTES
      }`,
    );
  }
  const content = new Uint8Array(length);
  const view = new DataView(content.buffer);
  view.setUint16(0, header.length);
  view.setUint32(2, body.length);
  content.set(header, LENGTHS_BYTES);
  content.set(body, LENGTHS_BYTES + header.length);
  return content;
}

/**
 * Reads the inside of a frame that opened.
 * @returns `null` if it is not of the form: lengths beyond it, padding that is not zero, or a header that is
 *   no JSON object with a text `type`.
 */
export function decodeFrameContent(content: Uint8Array): FrameContent | null {
  if (content.length < LENGTHS_BYTES) return null;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const headerEnd = LENGTHS_BYTES + view.getUint16(0);
  const bodyEnd = headerEnd + view.getUint32(2);
  if (headerEnd - LENGTHS_BYTES > MAX_FRAME_HEADER_BYTES || bodyEnd > content.length) return null;
  for (let i = bodyEnd; i < content.length; i++) {
    if (content[i] !== 0) return null;
  }
  const header = decodeFrameHeader(content.subarray(LENGTHS_BYTES, headerEnd));
  return header === null ? null : { header, body: content.slice(headerEnd, bodyEnd) };
}

/** Returns the header's text, or `null` if it is not an object with a text `type`. */
function decodeFrameHeader(bytes: Uint8Array): string | null {
  try {
    const text = strictUtf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return typeof (value as { type?: unknown }).type === "string" ? text : null;
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    throw error;
  }
}
