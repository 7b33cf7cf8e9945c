/**
 * Two node processes that send each other files.
 *
 * @module
 */
import type {
  OffersView,
  SharesView,
  ShareView,
  TransfersView,
  TransferView,
} from "../protocol/file_sharing_api.ts";
import { connectNodes } from "../scripts/local_network/exchange.ts";
import type { LocalNetwork, LocalNode } from "../scripts/local_network/network.ts";
import { poll } from "../scripts/local_network/timeout.ts";
import { cpuSecondsDuring } from "./process_cpu.ts";

const MIB = 2 ** 20;
const LIMIT_MS = 300_000;
const MILLISECONDS = 1_000;

/** How a sample of a transfer went. */
export interface Sample {
  readonly mibPerSecond: number;
  /** Of both processes, for each MiB. */
  readonly cpuMs: number;
}

/** Measures a transfer, and what these processes use for it. */
export async function sampleOf(
  mib: number,
  pids: readonly number[],
  run: () => Promise<void>,
): Promise<Sample> {
  const startMs = performance.now();
  const cpu = await cpuSecondsDuring(pids, run);
  const elapsedMs = performance.now() - startMs;
  return { mibPerSecond: mib * MILLISECONDS / elapsedMs, cpuMs: cpu * MILLISECONDS / mib };
}

/** Two nodes that let each other use files. */
export class Nodes {
  readonly sender: LocalNode;
  readonly receiver: LocalNode;

  constructor(network: LocalNetwork) {
    [this.sender, this.receiver] = network.nodes as [LocalNode, LocalNode];
  }

  get pids(): readonly number[] {
    return [this.sender.child.pid, this.receiver.child.pid];
  }

  async meet(): Promise<void> {
    const { sender, receiver } = this;
    await connectNodes(sender, receiver);
    await sender.admin.changePeer("allow", { peer: receiver.id, permission: "files" });
    await receiver.admin.changePeer("allow", { peer: sender.id, permission: "files" });
  }

  /** @returns The offer at the receiver. */
  async offer(path: string): Promise<string> {
    const { sender, receiver } = this;
    const input = { peer: receiver.id, paths: [path] };
    const { id } = await sender.admin.files<ShareView>("POST", "/shares", input);
    const isOffered = async () => {
      const { shares } = await sender.admin.files<SharesView>("GET", "/shares");
      return shares.some((share) => share.id === id && share.answer === "offered") || null;
    };
    await poll(isOffered, { timeoutMs: LIMIT_MS, what: "the file to be offered" });
    const { offers } = await receiver.admin.files<OffersView>("GET", "/offers");
    return offers.at(-1)!.id;
  }

  async fetch(offer: string): Promise<void> {
    const { admin, files } = this.receiver;
    await admin.files<TransferView>("POST", `/offers/${offer}/accept`, { folder: files });
    const isDone = async () => {
      const { transfers } = await admin.files<TransfersView>("GET", "/transfers");
      const { state, why } = transfers.find(({ id }) => id === offer)!;
      if (state === "failed" || state === "paused") throw new Error(`The transfer: ${why}`);
      return state === "done" || null;
    };
    await poll(isDone, { timeoutMs: LIMIT_MS, what: "the file to arrive" });
  }

  async clear(): Promise<void> {
    const { files } = this.receiver;
    for (const { name } of Deno.readDirSync(files)) await Deno.remove(`${files}/${name}`);
  }
}

/** Content that nothing on the way could make shorter. */
export async function writeRandom(path: string, mib: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const part = new Uint8Array(65_536);
  for (let at = 0; at < mib * MIB; at += part.length) {
    await file.write(crypto.getRandomValues(part));
  }
}
