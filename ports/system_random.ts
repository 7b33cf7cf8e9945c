import type { Random } from "./ports.ts";

/** What one call of the runtime's source gives at most. */
const MAX_CALL_BYTES = 65_536;

/** The operating system's random source. */
export const systemRandom: Random = {
  bytes(length) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += MAX_CALL_BYTES) {
      crypto.getRandomValues(bytes.subarray(at, at + MAX_CALL_BYTES));
    }
    return bytes;
  },
};
