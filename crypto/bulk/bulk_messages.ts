/**
 * What a bulk Worker and its client say to each other.
 *
 * @module
 */
import type { BulkCrypto, CryptoErrorCode } from "../interface.ts";

export const BULK_CALLS = ["hashChunk", "hashLayer", "sealChunk", "openChunk"] as const;
export type BulkCall = typeof BULK_CALLS[number];
export type BulkArgument<N extends BulkCall> = Parameters<BulkCrypto[N]>[0];
export type BulkResult<N extends BulkCall> = Awaited<ReturnType<BulkCrypto[N]>>;

/** The first word of the Worker: a message that is posted before its handler is set can be lost. */
export const BULK_READY = "ready";

export interface BulkRequest {
  readonly id: number;
  readonly name: BulkCall;
  readonly argument: BulkArgument<BulkCall>;
}

export type BulkReport =
  | { readonly id: number; readonly result: Uint8Array | null }
  | { readonly id: number; readonly code: CryptoErrorCode; readonly text: string };

const SMALL_BYTES = 1_024;

/** The memory of bytes goes over with them, whatever else is in it: the other end gets it, and no copy is made. */
export function movable(bytes: Uint8Array | null): Transferable[] {
  return bytes === null || bytes.buffer.byteLength < SMALL_BYTES
    ? []
    : [bytes.buffer as ArrayBuffer];
}
