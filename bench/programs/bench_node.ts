/**
 * Real nodes for benchmarks: composed by the factory of the binaries, over the real clock, sockets and Worker.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import type { NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { OpenNode } from "../../peer/node.ts";
import type { BuiltInModule } from "../../peer/modules/host.ts";
import { newEntry } from "../../peer/tokens/pair_entry.ts";
import { systemHttpClient, systemResolver } from "../../ports/system.ts";
import { verifyRecord } from "../../protocol/record.ts";
import { MemoryFiles } from "./memory_files.ts";
import { memoryPorts, systemPorts } from "../../tests/world/node_ports.ts";
import { composeNode } from "../../tests/world/compose_node.ts";

/** What a directory would have sent to one side, base64url. */
export interface Introduction {
  readonly peerRecord: string;
  readonly pairId: string;
  readonly noise: string;
  readonly directoryId: string;
  readonly directoryNoiseKey: string;
}

export interface BenchNodeOptions {
  readonly crypto: CryptoCore;
  readonly apiUrl: string;
  /** Where its data goes; `null`: into memory. */
  readonly folder: string | null;
  readonly modules?: readonly BuiltInModule[];
}

/** Starts a node without directories and without limits. */
export async function startBenchNode(options: BenchNodeOptions): Promise<OpenNode> {
  const { crypto, apiUrl, folder, modules } = options;
  const log = { log: () => {} };
  const ports = folder === null
    ? {
      ...memoryPorts(),
      http: systemHttpClient,
      resolver: systemResolver,
      files: new MemoryFiles(),
    }
    : systemPorts(folder);
  const node = await composeNode({
    ports: { ...ports, crypto, log },
    config: {
      apiUrl,
      allowPrivate: true,
      adminToken: "bench",
      handshakesPerMinute: 1_000_000,
    },
    modules,
  });
  await node.start();
  return node;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64url"));
}

/** Puts a half into a node's vault, as if its directory had sent it. */
export async function introduce(
  node: OpenNode,
  options: { crypto: CryptoCore; introduction: Introduction },
): Promise<NodeId> {
  const { crypto, introduction } = options;
  const { keys, book, permissions, vault } = node.inside;
  const peer = await verifyRecord(crypto, introduction.peerRecord);
  const pairId = bytesOf(introduction.pairId);
  const { half, info } = await crypto.openEnvelope({
    noiseKeys: keys.noiseKeys.map(({ key }) => key),
    directoryNoiseKey: bytesOf(introduction.directoryNoiseKey),
    directoryId: introduction.directoryId,
    nodeId: node.id,
    pairId,
    noise: bytesOf(introduction.noise),
  });
  await book.take(peer);
  await permissions.accept(peer.id);
  await permissions.decide(peer.id, { name: "bench", allowed: true });
  await vault.commit({ put: [newEntry({ half, info }, peer.id)] });
  return peer.id;
}

/** Makes a fresh session by a whole handshake, and waits until it is confirmed here. */
export function callAnew(node: OpenNode, peer: NodeId): Promise<void> {
  const { events, sessions } = node.inside;
  return new Promise((resolve) => {
    const unsubscribe = events.subscribe((event) => {
      if (event.type !== "session" || event.session.role !== "initiator") return;
      unsubscribe();
      // The link that made this session ends after this event; only then may the next call begin.
      setImmediate(resolve);
    });
    sessions.links.want(peer, { fresh: true });
  });
}
