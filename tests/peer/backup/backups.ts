/**
 * Backups of a node in its data directory, and what restores them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { backUpNode } from "../../../peer/backup/backup_node.ts";
import { restoreNode, type RestoreTarget } from "../../../peer/backup/restore.ts";
import { createOpenDatabase, openFiles } from "../../../ports/system.ts";
import type { LifeNode } from "../data/life_world.ts";
import { CHEAP_COST } from "../../world/cores.ts";

export const PASSPHRASE = "a passphrase for backups";

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of pieces) parts.push(new Uint8Array(piece));
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

export async function backUpStopped(node: LifeNode): Promise<Uint8Array<ArrayBuffer>> {
  const passphrase = encodeUtf8(PASSPHRASE);
  const options = { passphrase, version: "test", cost: CHEAP_COST };
  try {
    return await node.onData((ports) => collect(backUpNode(ports, options)));
  } finally {
    assertWiped(passphrase);
  }
}

function assertWiped(passphrase: Uint8Array): void {
  assertEquals(passphrase, new Uint8Array(passphrase.length));
}

export async function backUpRunning(
  node: LifeNode,
  typed = PASSPHRASE,
): Promise<Uint8Array<ArrayBuffer>> {
  const passphrase = encodeBase64Url(encodeUtf8(typed));
  const answer = await node.admin.request("POST", "/backup", { passphrase });
  assertEquals(answer.status, 200);
  return await collect(answer.body!);
}

/** Pieces of odd lengths, as a disk or a socket may give them. */
export async function* pieces(content: Uint8Array, length = 10_007): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += length) yield content.subarray(at, at + length);
}

export async function restore(
  into: LifeNode,
  backup: Uint8Array,
  options: { passphrase?: string | undefined; target?: RestoreTarget } = {},
): Promise<string | null> {
  const passphrase = encodeUtf8(options.passphrase ?? PASSPHRASE);
  const target = options.target ??
    { files: openFiles(into.data), openDatabase: createOpenDatabase(into.data) };
  const restoring = into.onData((ports) =>
    restoreNode(ports, {
      passphrase,
      input: () => pieces(backup),
      target: () => Promise.resolve(target),
    })
  );
  try {
    return (await restoring).id;
  } finally {
    assertWiped(passphrase);
  }
}
