import { assertEquals, assertNotEquals } from "@std/assert";
import { FILE_CHUNK_BYTES } from "../../../crypto/interface.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { chunkRoot, layerRoot, type Sha256 } from "../../../crypto/bulk/merkle_tree.ts";
import { toHex } from "../../vectors/read_vectors.ts";
import { bep52Content, bep52Files } from "../../vectors/bep52.ts";

const hashes = await Hashes.create();
const sha256: Sha256 = (...parts) => hashes.sha256(...parts);

function rootOf(content: Uint8Array): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += FILE_CHUNK_BYTES) {
    chunks.push(content.subarray(at, at + FILE_CHUNK_BYTES));
  }
  const roots = chunks.map((data) => chunkRoot(sha256, { data, isWhole: chunks.length === 1 }));
  if (roots.length === 1) return roots[0]!;
  const layer = new Uint8Array(32 * roots.length);
  roots.forEach((root, at) => layer.set(root, 32 * at));
  return layerRoot(sha256, layer);
}

for (const { length, root } of bep52Files) {
  Deno.test(`the root of a file of ${length} bytes is the one another program computes`, () => {
    assertEquals(toHex(rootOf(bep52Content(length))), root);
  });
}

Deno.test("the root of up to 16 KiB is the SHA-256 of the file", () => {
  const content = bep52Content(16_384);
  assertEquals(rootOf(content), sha256(content));
});

Deno.test("one changed bit changes the root, wherever it is", () => {
  const content = bep52Content(2 * FILE_CHUNK_BYTES + 1);
  const root = toHex(rootOf(content));
  for (const at of [0, 16_383, 16_384, FILE_CHUNK_BYTES, content.length - 1]) {
    content[at]! ^= 1;
    assertNotEquals(toHex(rootOf(content)), root);
    content[at]! ^= 1;
  }
});
