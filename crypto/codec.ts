/**
 * A compact binary form of the plain data that crosses between the core's client and its Worker:
 * `null`, booleans, numbers, text, byte arrays, arrays and objects. Not a wire format: both ends are
 * always of one build.
 *
 * @module
 */

/** Byte arrays longer than this go beside the message, transferred instead of copied into it. */
export const ATTACHED_FROM_BYTES = 16 * 1024;

/** Up to this length a loop beats the UTF-8 coders, whose calls have a cost of their own. */
export const SHORT_TEXT_LENGTH = 48;

/** What stands before each value. */
export const TAG = {
  null: 0,
  false: 1,
  true: 2,
  integer: 3,
  double: 4,
  text: 5,
  bytes: 6,
  attached: 7,
  array: 8,
  object: 9,
} as const;

/** Member names that take one byte; any other is written out. */
export const KEYS: readonly string[] = [
  ..."session nowMs mayStep header body padding frame outcome step counter stepSinceMs".split(" "),
  ..."data length text typ key payload iss half info meta name sealed vault note".split(" "),
  ..."issuer pairId idA idB method issuedAt expiresAt role noise noiseKey noiseKeys".split(" "),
  ..."suite record succession handshake staticKey lifeMs next sessionId binding".split(" "),
  ..."standby peer peerNoiseKey epoch id a b noiseA noiseB secret cost".split(" "),
  ..."memoryKiB passes nodeId keystore identity publicKey timestampMs policy kind".split(" "),
  ..."seed methods directoryNoiseKey directoryId".split(" "),
];
/** What stands for a member whose name is written out; 0 ends an object. */
export const WRITTEN_KEY = 0xfe;

/** One packed message: `postMessage([packed, ...attachments], [packed, ...attachments])`. */
export interface PackedMessage {
  readonly packed: ArrayBuffer;
  readonly attachments: readonly ArrayBuffer[];
}
