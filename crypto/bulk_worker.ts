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

const chunks = await FileChunks.create();

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

self.onmessage = ({ data }: MessageEvent<BulkRequest>) => {
  const report = answer(data);
  self.postMessage(report, "result" in report ? movable(report.result) : []);
};
self.postMessage(BULK_READY);
