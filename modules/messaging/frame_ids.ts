/**
 * The ids of frames, by which a message goes again and is known again.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { ModuleContext } from "../api.ts";

const ID_BYTES = 16;

/** A new one: 22 characters that nobody guesses. */
export function newFrameId(random: ModuleContext["random"]): string {
  return encodeBase64Url(random.bytes(ID_BYTES));
}
