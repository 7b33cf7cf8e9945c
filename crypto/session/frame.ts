/**
 * The bytes of a frame: its 29-byte head, and what is inside once it is decrypted.
 *
 * @module
 */
import { encodeUtf8 } from "../encoding.ts";
import {
  CryptoError,
  type FrameMessage,
  MAX_FRAME_BYTES,
  MAX_FRAME_HEADER_BYTES,
  MAX_FRAME_MESSAGES,
} from "../interface.ts";

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

/** What goes into a frame. */
export interface FrameInside {
  /** At least one. */
  readonly messages: readonly FrameMessage[];
  /** Zero bytes after them. */
  readonly padding: number;
}

/** A frame before it is sealed. Its parts are views of it. */
export interface PlainFrame {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly aad: Uint8Array;
  /** What is inside, and room for the tag. */
  readonly text: Uint8Array;
}

/** Writes the 29 bytes `version ‖ session_id ‖ step ‖ counter`. */
function writeFrameHead(
  frame: Uint8Array<ArrayBuffer>,
  options: { sessionId: Uint8Array; step: number; counter: number },
): void {
  const view = new DataView(frame.buffer);
  frame[0] = FRAME_VERSION;
  frame.set(options.sessionId, 1);
  view.setUint32(STEP_AT, options.step);
  writeCounter(view, { offset: COUNTER_AT, counter: options.counter });
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
  for (let i = 0; i < 8; i++) nonce[4 + i] = frame[COUNTER_AT + i]!;
  return {
    step: view.getUint32(STEP_AT),
    counter: view.getUint32(COUNTER_AT) * 2 ** 32 + view.getUint32(COUNTER_AT + 4),
    aad: frame.subarray(0, FRAME_HEAD_BYTES),
    nonce,
    sealed: frame.subarray(FRAME_HEAD_BYTES),
  };
}

/** The bytes of a header, of which there are not too many. */
function headerLength(header: string): number {
  // Bounded before it is encoded: a text's UTF-8 is at least as long as the text.
  const length = header.length <= MAX_FRAME_HEADER_BYTES ? utf8Length(header) : Infinity;
  if (length <= MAX_FRAME_HEADER_BYTES) return length;
  throw new CryptoError(
    "bad_argument",
    `Expected a frame header of at most ${MAX_FRAME_HEADER_BYTES} bytes`,
  );
}

function utf8Length(text: string): number {
  return isAscii(text) ? text.length : encodeUtf8(text).length;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/**
 * Writes a frame in one piece, before it is sealed in place: its head, then for each message
 * `header length(2) ‖ body length(4) ‖ header ‖ body`, then zero padding and room for the tag.
 * @param head Made once it is known that the frame is not too large; it uses up a counter.
 * @throws {CryptoError} `bad_argument` if a header or the whole frame would be too large.
 */
export function encodeFrame(
  { messages, padding }: FrameInside,
  head: () => { sessionId: Uint8Array; step: number; counter: number },
): PlainFrame {
  const headers = messages.map(({ header }) => headerLength(header));
  const length = messages.reduce(
    (sum, { body }, index) => sum + LENGTHS_BYTES + headers[index]! + body.length,
    FRAME_HEAD_BYTES + padding + FRAME_TAG_BYTES,
  );
  if (length > MAX_FRAME_BYTES) {
    throw new CryptoError(
      "bad_argument",
      `Expected a frame of at most ${MAX_FRAME_BYTES} bytes, received ${length}`,
    );
  }
  const frame = new Uint8Array(length);
  writeFrameHead(frame, head());
  let at = FRAME_HEAD_BYTES;
  for (const [index, message] of messages.entries()) {
    at = writeMessage(frame, at, { ...message, headerBytes: headers[index]! });
  }
  return {
    frame,
    aad: frame.subarray(0, FRAME_HEAD_BYTES),
    text: frame.subarray(FRAME_HEAD_BYTES),
  };
}

/** @returns Where the next one begins. */
function writeMessage(
  frame: Uint8Array<ArrayBuffer>,
  start: number,
  { header, body, headerBytes }: FrameMessage & { readonly headerBytes: number },
): number {
  const view = new DataView(frame.buffer);
  view.setUint16(start, headerBytes);
  view.setUint32(start + 2, body.length);
  const headerAt = start + LENGTHS_BYTES;
  if (headerBytes !== header.length) frame.set(encodeUtf8(header), headerAt);
  else for (let i = 0; i < headerBytes; i++) frame[headerAt + i] = header.charCodeAt(i);
  frame.set(body, headerAt + headerBytes);
  return headerAt + headerBytes + body.length;
}

/**
 * Reads the inside of a frame that opened.
 * @returns Its messages, bodies as views; `null` if it is not of the form: none or too many of them, lengths beyond it,
 *   padding that is not zero, or a header that is no JSON object with a text `type`.
 */
export function decodeMessages(content: Uint8Array): FrameMessage[] | null {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const messages: FrameMessage[] = [];
  let at = 0;
  while (at + LENGTHS_BYTES <= content.length && messages.length < MAX_FRAME_MESSAGES) {
    const headerBytes = view.getUint16(at);
    if (headerBytes === 0) break;
    const headerAt = at + LENGTHS_BYTES;
    const bodyAt = headerAt + headerBytes;
    const end = bodyAt + view.getUint32(at + 2);
    if (headerBytes > MAX_FRAME_HEADER_BYTES || end > content.length) return null;
    const header = decodeFrameHeader(content.subarray(headerAt, bodyAt));
    if (header === null) return null;
    messages.push({ header, body: content.subarray(bodyAt, end) });
    at = end;
  }
  for (; at < content.length; at++) if (content[at] !== 0) return null;
  return messages.length === 0 ? null : messages;
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
