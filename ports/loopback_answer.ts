/**
 * The body of what a program of this machine answers.
 *
 * @module
 */
import type { LoopbackAnswer } from "./loopback.ts";
import { parseJson } from "../protocol/schemas.ts";

const MAX_ANSWER_BYTES = 16 * 2 ** 20;

/** Reads it to its end. @throws {RangeError} Beyond 16 MiB. */
export async function readBytes(answer: LoopbackAnswer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new RangeError("Received an answer that is too long");
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/** Reads JSON. @throws {OpenRedError} `bad_request` for anything else. */
export async function readAnswer(answer: LoopbackAnswer): Promise<unknown> {
  return parseJson(await readBytes(answer));
}
