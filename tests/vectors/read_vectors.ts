/**
 * Reading test vectors.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Bytes of hexadecimal text. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "hex"));
}

/** Lower-case hexadecimal text of bytes. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** `length` times the byte `value`. */
export function repeated(value: number, length = 32): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(value);
}

const SHARED_VECTORS = new URL("../../../shared/vectors/", import.meta.url);

/** A public vector set that lies beside the project, or `null` where it does not. */
export function readSharedVectors<T>(name: string): T | null {
  try {
    return JSON.parse(Deno.readTextFileSync(new URL(name, SHARED_VECTORS))) as T;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
