import { assertEquals } from "@std/assert";
import { encodeUtf8, type NodeId } from "../../../crypto/encoding.ts";
import type { CryptoCore, KeyRef } from "../../../crypto/interface.ts";
import { openKeystoreFiles } from "../../../ports/keystore_files.ts";
import { backUpStopped, restore } from "../backup/backups.ts";
import { LifeNode } from "./life_world.ts";

const AAD = encodeUtf8("row 1");
const CONTENT = encodeUtf8("what a module keeps");

function onKey<T>(
  node: LifeNode,
  work: (crypto: CryptoCore, key: KeyRef) => Promise<T>,
): Promise<T> {
  return node.onData(async (ports) => {
    const { storage } = await openKeystoreFiles(ports);
    const salt = new Uint8Array(16);
    return await work(
      ports.crypto,
      await ports.crypto.deriveModuleKey({ storage, module: "notes", salt }),
    );
  });
}

async function sealRow(node: LifeNode): Promise<Uint8Array> {
  const rows = [{ aad: AAD, content: CONTENT }];
  const [sealed] = await onKey(node, (crypto, key) => crypto.sealRows({ key, rows }));
  return sealed!;
}

async function openRow(node: LifeNode, sealed: Uint8Array): Promise<Uint8Array | null> {
  const rows = [{ aad: AAD, sealed }];
  const [content] = await onKey(node, (crypto, key) => crypto.openRows({ key, rows }));
  return content ?? null;
}

/** Whose keys are on the node's disk. */
function idOf(node: LifeNode): Promise<NodeId> {
  return node.onData(async (ports) => (await openKeystoreFiles(ports)).nodeId as NodeId);
}

Deno.test("rows of modules open after a restart, a restored backup and a succession", async () => {
  await using node = new LifeNode();
  const phrase = await node.init();
  const sealed = await sealRow(node);
  assertEquals(await openRow(node, sealed), CONTENT);
  await using restored = new LifeNode();
  await restore(restored, await backUpStopped(node));
  assertEquals(await openRow(restored, sealed), CONTENT);
  const former = await idOf(node);
  const next = await node.succeed(phrase);
  assertEquals(await idOf(node) === former, false);
  assertEquals(await openRow(node, sealed), CONTENT);
  const later = await sealRow(node);
  assertEquals(await openRow(restored, later), null);
  await node.succeed(next);
  assertEquals([await openRow(node, sealed), await openRow(node, later)], [CONTENT, CONTENT]);
});

Deno.test("whoever follows an identity whose keystore is lost opens none of its rows", async () => {
  await using node = new LifeNode();
  const phrase = await node.init();
  const sealed = await sealRow(node);
  await using empty = new LifeNode();
  await empty.succeed(phrase, await idOf(node));
  assertEquals(await openRow(empty, sealed), null);
});
