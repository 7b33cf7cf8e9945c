/**
 * A compact binary form of the plain data that crosses between the core's client and its Worker:
 * `null`, booleans, numbers, text, byte arrays, arrays and objects. Not a wire format: both ends are
 * always of one build.
 *
 * @module
 */

/** Byte arrays longer than this go beside the message, transferred instead of copied into it. */
export const ATTACHED_FROM_BYTES = 16 * 1024;

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
  /** A text that stands in the message already: where. */
  textAgain: 10,
} as const;

/** Whether a text is written once in a message: ids and headers repeat themselves in what belongs together. */
export function mayRepeat(text: string): boolean {
  return text.length > 12 && text.length <= 128;
}

/** Member names that take one byte; any other is written out. */
export const KEYS: readonly string[] = [
  ..."session nowMs mayStep header body more padding frame outcome step counter".split(" "),
  ..."text typ key payload iss half info meta name sealed vault note".split(" "),
  ..."issuer pairId idA idB method issuedAt expiresAt role noise noiseKey noiseKeys".split(" "),
  ..."suite record succession handshake staticKey lifeMs next sessionId binding".split(" "),
  ..."standby peer peerNoiseKey epoch id a b noiseA noiseB secret cost".split(" "),
  ..."memoryKiB passes nodeId keystore identity publicKey timestampMs policy kind".split(" "),
  ..."seed methods directoryNoiseKey directoryId".split(" "),
  ..."log from number hash file bytes entries timestamp event success fields".split(" "),
  ..."lines head statement previous entry verify open audit".split(" "),
  ..."passphrase newPassphrase sealedSecret rows aad content block inverse".split(" "),
];
/** What stands for a member whose name is written out; 0 ends an object. */
export const WRITTEN_KEY = 0xfe;

/** One packed message. */
export interface PackedMessage {
  readonly packed: ArrayBuffer;
  readonly attachments: readonly ArrayBuffer[];
}

/** A packed message as it is posted: alone, or with its attachments behind it. */
export type PostedMessage = ArrayBuffer | ArrayBuffer[];

/**
 * Posts a packed message to the other end. A small one is copied, which takes half the time of a transfer.
 * @param options With `isSecret` it is transferred, so that no copy stays behind.
 */
export function postPacked(
  target: { postMessage(message: PostedMessage, options?: StructuredSerializeOptions): void },
  { packed, attachments }: PackedMessage,
  options: { readonly isSecret: boolean },
): void {
  if (attachments.length === 0 && packed.byteLength <= ATTACHED_FROM_BYTES && !options.isSecret) {
    target.postMessage(packed);
  } else {
    const parts = [packed, ...attachments];
    target.postMessage(parts, { transfer: parts });
  }
}

/** Takes a posted message as its other end made it. */
export function takePosted(message: PostedMessage): PackedMessage {
  if (message instanceof ArrayBuffer) return { packed: message, attachments: [] };
  const [packed, ...attachments] = message;
  return { packed: packed!, attachments };
}
