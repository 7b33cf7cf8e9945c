/**
 * The Worker for the content of files: started with no permissions, it does one call after the other. It holds no key
 * between two calls.
 *
 * @module
 */
/// <reference lib="deno.worker" />
// First, so that it runs before any other code of this Worker.
import "./worker_guard.ts";
import { BULK_READY, type BulkReport, type BulkRequest, movable } from "./bulk/bulk_messages.ts";
import { FileChunks } from "./bulk/file_chunks.ts";
import { toCryptoError } from "./primitives/checks.ts";
import { nudge } from "./worker_garbage.ts";

/** The hashes of so many chunks take 6 MiB beside the heap. */
const CALLS_BETWEEN_NUDGES = 256;

const chunks = await FileChunks.create();
let calls = 0;

function answer({ id, name, argument }: BulkRequest): BulkReport {
  try {
    return { id, result: chunks[name](argument as never) };
  } catch (error) {
    const { code, message } = toCryptoError(error);
    return { id, code, text: message };
  } finally {
    if ("key" in argument) argument.key.secret.fill(0);
  }
}

/** Whoever asked gave it away. Left until somebody collects it, it would come to a hundred chunks. */
function free({ argument }: BulkRequest): void {
  for (const value of Object.values(argument)) {
    // What went back with the report has no length here any more.
    if (value instanceof Uint8Array && value.length > 0) (value.buffer as ArrayBuffer).transfer(0);
  }
}

self.onmessage = ({ data }: MessageEvent<BulkRequest>) => {
  const report = answer(data);
  self.postMessage(report, "result" in report ? movable(report.result) : []);
  free(data);
  calls += 1;
  if (calls % CALLS_BETWEEN_NUDGES === 0) nudge();
};
self.postMessage(BULK_READY);
