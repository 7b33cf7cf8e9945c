/**
 * Frames between a node and its relay, byte by byte (docs/PROTOCOL.md, "Relay").
 *
 * @module
 */
import { concatBytes } from "../crypto/encoding.ts";
import { OpenRedError } from "./errors.ts";
import {
  MAX_RELAY_DATA_BYTES,
  MAX_RELAY_FRAME_BYTES,
  MAX_RELAY_HEAD_BYTES,
  MIN_RELAY_DATA_COST,
  RELAY_CREDIT_BYTES,
} from "./limits.ts";

/** Words about the link itself, by their first byte. */
const WORDS = { hello: 0x01, proof: 0x02, ready: 0x03, bye: 0x04 } as const;
const OPEN = 0x10;
const DATA = 0x11;
const CREDIT = 0x12;
const CLOSE = 0x13;

/** Kind, number of the stream. */
const STREAM_HEAD_BYTES = 5;
const DATA_HEAD_BYTES = STREAM_HEAD_BYTES + 1;
const CREDIT_BYTES = STREAM_HEAD_BYTES + 4;
const CLOSE_BYTES = STREAM_HEAD_BYTES + 2;
const FLAG_LAST = 0x01;

export type RelayWord = keyof typeof WORDS;

/** One frame. `stream` is from 1 up. */
export type RelayFrame =
  | { readonly kind: RelayWord; readonly body: Uint8Array }
  | { readonly kind: "open"; readonly stream: number; readonly head: Uint8Array }
  | {
    readonly kind: "data";
    readonly stream: number;
    readonly isLast: boolean;
    readonly data: Uint8Array<ArrayBuffer>;
  }
  | { readonly kind: "credit"; readonly stream: number; readonly bytes: number }
  | { readonly kind: "close"; readonly stream: number; readonly code: number };

/** What a `data` of so many bytes takes of its stream's credit: many small ones are not free. */
export function costOfData(bytes: number): number {
  return Math.max(bytes, MIN_RELAY_DATA_COST);
}

/** @throws {RangeError} For a body that is too long. */
export function encodeRelayWord(kind: RelayWord, body: Uint8Array): Uint8Array<ArrayBuffer> {
  if (body.length > MAX_RELAY_HEAD_BYTES) throw new RangeError("A word of a link is too long");
  return concatBytes(Uint8Array.of(WORDS[kind]), body);
}

function streamFrame(kind: number, stream: number, length: number) {
  if (!Number.isInteger(stream) || stream < 1 || stream > 0xffff_ffff) {
    throw new RangeError("The number of a stream is from 1 to 2³² − 1");
  }
  const frame = new Uint8Array(length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, kind);
  view.setUint32(1, stream);
  return { frame, view };
}

/** @throws {RangeError} For a head that is too long. */
export function encodeRelayOpen(stream: number, head: Uint8Array): Uint8Array<ArrayBuffer> {
  if (head.length > MAX_RELAY_HEAD_BYTES) throw new RangeError("The head of a stream is too long");
  const { frame } = streamFrame(OPEN, stream, STREAM_HEAD_BYTES + head.length);
  frame.set(head, STREAM_HEAD_BYTES);
  return frame;
}

/** @throws {RangeError} For data that is too long, or empty without being the last. */
export function encodeRelayData(
  stream: number,
  data: Uint8Array,
  isLast: boolean,
): Uint8Array<ArrayBuffer> {
  if (data.length > MAX_RELAY_DATA_BYTES || (data.length === 0 && !isLast)) {
    throw new RangeError(`Cannot send ${data.length} bytes in one frame of a link`);
  }
  const { frame, view } = streamFrame(DATA, stream, DATA_HEAD_BYTES + data.length);
  view.setUint8(STREAM_HEAD_BYTES, isLast ? FLAG_LAST : 0);
  frame.set(data, DATA_HEAD_BYTES);
  return frame;
}

export function encodeRelayCredit(stream: number, bytes: number): Uint8Array<ArrayBuffer> {
  const { frame, view } = streamFrame(CREDIT, stream, CREDIT_BYTES);
  view.setUint32(STREAM_HEAD_BYTES, bytes);
  return frame;
}

export function encodeRelayClose(stream: number, code: number): Uint8Array<ArrayBuffer> {
  const { frame, view } = streamFrame(CLOSE, stream, CLOSE_BYTES);
  view.setUint16(STREAM_HEAD_BYTES, code);
  return frame;
}

function malformed(why: string): OpenRedError {
  return new OpenRedError("bad_request", `The frame of a link is not valid: ${why}`);
}

function decodeWord(kind: number, body: Uint8Array): RelayFrame | null {
  for (const name of Object.keys(WORDS) as RelayWord[]) {
    if (WORDS[name] !== kind) continue;
    if (body.length > MAX_RELAY_HEAD_BYTES) throw malformed("a word is too long");
    return { kind: name, body };
  }
  return null;
}

function decodeData(stream: number, bytes: Uint8Array<ArrayBuffer>): RelayFrame {
  const flags = bytes[STREAM_HEAD_BYTES];
  const data = bytes.subarray(DATA_HEAD_BYTES);
  if (flags !== 0 && flags !== FLAG_LAST) throw malformed("unknown flags");
  if (data.length > MAX_RELAY_DATA_BYTES) throw malformed("data is too long");
  if (data.length === 0 && flags === 0) throw malformed("data is empty");
  return { kind: "data", stream, isLast: flags === FLAG_LAST, data };
}

/**
 * Reads a frame.
 * @returns `null` for one of a kind that this reader does not know.
 * @throws {OpenRedError} `bad_request` for one of a wrong form.
 */
export function decodeRelayFrame(bytes: Uint8Array<ArrayBuffer>): RelayFrame | null {
  const [kind] = bytes;
  if (kind === undefined || bytes.length > MAX_RELAY_FRAME_BYTES) throw malformed("its length");
  if (kind < OPEN) return decodeWord(kind, bytes.subarray(1));
  if (kind > CLOSE) return null;
  if (bytes.length < STREAM_HEAD_BYTES) throw malformed("its length");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const stream = view.getUint32(1);
  if (stream === 0) throw malformed("there is no stream 0");
  if (kind === DATA) return decodeData(stream, bytes);
  if (kind === OPEN) {
    const head = bytes.subarray(STREAM_HEAD_BYTES);
    if (head.length > MAX_RELAY_HEAD_BYTES) throw malformed("a head is too long");
    return { kind: "open", stream, head };
  }
  if (bytes.length !== (kind === CREDIT ? CREDIT_BYTES : CLOSE_BYTES)) {
    throw malformed("its length");
  }
  if (kind === CLOSE) return { kind: "close", stream, code: view.getUint16(STREAM_HEAD_BYTES) };
  const credit = view.getUint32(STREAM_HEAD_BYTES);
  if (credit === 0 || credit > RELAY_CREDIT_BYTES) throw malformed("the credit");
  return { kind: "credit", stream, bytes: credit };
}
