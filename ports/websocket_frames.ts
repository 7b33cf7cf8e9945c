/**
 * Frames of a WebSocket (RFC 6455 §5), without extensions.
 *
 * @module
 */

export const OPCODE = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

export const CLOSE_CODE = {
  normal: 1000,
  goingAway: 1001,
  protocol: 1002,
  none: 1005,
  abnormal: 1006,
  policy: 1008,
  tooLarge: 1009,
} as const;

const MAX_CONTROL_BYTES = 125;
const MAX_CLOSE_REASON_BYTES = MAX_CONTROL_BYTES - 2;
const KNOWN_OPCODES: ReadonlySet<number> = new Set(Object.values(OPCODE));

/** What the other end sent is no WebSocket, or more than is taken; the channel closes with this code. */
export class FrameFault extends Error {
  override readonly name = "FrameFault";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface FrameHead {
  readonly isFinal: boolean;
  readonly opcode: number;
  /** Four bytes, or `null` for a frame that is not masked. */
  readonly mask: Uint8Array<ArrayBuffer> | null;
  /** Bytes of the payload. */
  readonly length: number;
  /** Bytes of the head itself. */
  readonly headBytes: number;
}

function fault(message: string): FrameFault {
  return new FrameFault(CLOSE_CODE.protocol, message);
}

/** The length of a payload; 64 bits that no memory holds count as infinite. */
function lengthOf(bytes: Uint8Array, lengthBytes: number): number {
  if (lengthBytes === 0) return bytes[1]! & 0x7f;
  let length = 0;
  for (let at = 2; at < 2 + lengthBytes; at++) length = length * 256 + bytes[at]!;
  return Number.isSafeInteger(length) ? length : Infinity;
}

/**
 * Reads the head of a frame.
 * @param isMasked Whether it must be: frames of clients are, frames of servers are not.
 * @returns `null` as long as it has not come whole.
 * @throws {FrameFault} 1002.
 */
export function readFrameHead(bytes: Uint8Array, isMasked: boolean): FrameHead | null {
  if (bytes.length < 2) return null;
  const [first, second] = bytes as unknown as readonly [number, number];
  const opcode = first & 0x0f;
  const isFinal = (first & 0x80) !== 0;
  if ((first & 0x70) !== 0 || !KNOWN_OPCODES.has(opcode)) throw fault("Received an unknown frame");
  if (((second & 0x80) !== 0) !== isMasked) throw fault("Received a frame of the wrong end");
  const short = second & 0x7f;
  if (opcode >= OPCODE.close && (short > MAX_CONTROL_BYTES || !isFinal)) {
    throw fault("Received a control frame that is too long or in parts");
  }
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskAt = 2 + lengthBytes;
  const headBytes = maskAt + (isMasked ? 4 : 0);
  if (bytes.length < headBytes) return null;
  const mask = isMasked ? new Uint8Array(bytes.subarray(maskAt, headBytes)) : null;
  return { isFinal, opcode, mask, length: lengthOf(bytes, lengthBytes), headBytes };
}

/** Masks, or unmasks, in place. */
export function applyMask(bytes: Uint8Array<ArrayBuffer>, mask: Uint8Array<ArrayBuffer>): void {
  let at = 0;
  if (bytes.byteOffset % 4 === 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    const word = new Uint32Array(mask.slice().buffer)[0]!;
    for (let index = 0; index < words.length; index++) words[index] = words[index]! ^ word;
    at = words.length * 4;
  }
  for (; at < bytes.length; at++) bytes[at] = bytes[at]! ^ mask[at & 3]!;
}

/**
 * Writes a frame in one piece.
 * @param mask Four fresh random bytes at the end that opened, otherwise `null`.
 * @param isFinal `false` for a part of a message that is not its last.
 */
export function encodeFrame(
  opcode: number,
  payload: Uint8Array,
  mask: Uint8Array<ArrayBuffer> | null,
  isFinal = true,
): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8;
  const headBytes = 2 + lengthBytes + (mask === null ? 0 : 4);
  // The payload begins at a multiple of four, so that it can be masked by words.
  const start = (4 - headBytes % 4) % 4;
  const whole = new Uint8Array(start + headBytes + length);
  const view = new DataView(whole.buffer, start);
  view.setUint8(0, (isFinal ? 0x80 : 0) | opcode);
  const short = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  view.setUint8(1, short | (mask === null ? 0 : 0x80));
  if (lengthBytes === 2) view.setUint16(2, length);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  if (mask !== null) whole.set(mask, start + 2 + lengthBytes);
  whole.set(payload, start + headBytes);
  if (mask !== null) applyMask(whole.subarray(start + headBytes), mask);
  return whole.subarray(start);
}

/** The payload of a close frame. */
export function encodeClose(code: number, reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason).subarray(0, MAX_CLOSE_REASON_BYTES);
  const payload = new Uint8Array(2 + text.length);
  new DataView(payload.buffer).setUint16(0, code);
  payload.set(text, 2);
  return payload;
}

/** Reads the code of a close frame's payload. @throws {FrameFault} 1002 for one that nobody may send. */
export function readCloseCode(payload: Uint8Array): number {
  if (payload.length === 0) return CLOSE_CODE.none;
  if (payload.length === 1) throw fault("Received a close frame without its code");
  const code = payload[0]! * 256 + payload[1]!;
  const isKnown = (code >= 1000 && code <= 1014 && code !== 1004 && code !== CLOSE_CODE.none &&
    code !== CLOSE_CODE.abnormal) || (code >= 3000 && code <= 4999);
  if (!isKnown) throw fault("Received a close frame with a reserved code");
  return code;
}
