/**
 * Two nodes that share files, as processes on loopback.
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
import {
  type LocalDirectory,
  LocalNetwork,
  type LocalNode,
  type NetworkOptions,
} from "../scripts/local_network/network.ts";
import { sourcePrograms } from "../scripts/local_network/programs.ts";
import { poll } from "../scripts/local_network/timeout.ts";

const MIB = 2 ** 20;
const LIMIT_MS = 300_000;
const POLL_MS = 10;
const POLLS_TO_ASK = 100;

/** How many names a folder has without those under which files grow. */
export function visibleIn(folder: string): number {
  return Deno.readDirSync(folder).filter(({ name }) => !name.startsWith(".")).toArray().length;
}

/** Writes content that nothing on the way could make shorter. */
export async function writeRandom(path: string, mib: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const part = new Uint8Array(65_536);
  for (let at = 0; at < mib * MIB; at += part.length) {
    await file.write(crypto.getRandomValues(part));
  }
}

/** Their processes. Disposing of it ends them. */
export class FileNodes implements AsyncDisposable {
  readonly #network: LocalNetwork;
  readonly sender: LocalNode;
  readonly receiver: LocalNode;

  private constructor(network: LocalNetwork) {
    this.#network = network;
    [this.sender, this.receiver] = network.nodes as [LocalNode, LocalNode];
  }

  /**
   * They have met, and let each other use files.
   * @param options `isRelayed`: whether they are behind a relay beside the directory; `wordsOf` as of the network.
   */
  static async start(
    options: Pick<NetworkOptions, "isRelayed" | "wordsOf"> = {},
  ): Promise<FileNodes> {
    const network = await LocalNetwork.start({
      ...options,
      programs: sourcePrograms,
      names: ["sender", "receiver"],
      onLog: () => {},
      signal: new AbortController().signal,
    });
    const nodes = new FileNodes(network);
    const { sender, receiver } = nodes;
    await connectNodes(sender, receiver);
    await sender.admin.changePeer("allow", { peer: receiver.id, permission: "files" });
    await receiver.admin.changePeer("allow", { peer: sender.id, permission: "files" });
    return nodes;
  }

  get directory(): LocalDirectory {
    return this.#network.directory;
  }

  /** Has a file hashed and offered. @returns The offer at the receiver. */
  async offer(path: string): Promise<string> {
    const { sender, receiver } = this;
    const input = { peer: receiver.id, paths: [path] };
    const { id } = await sender.admin.files<ShareView>("POST", "/shares", input);
    const isOffered = async () => {
      const { shares } = await sender.admin.files<SharesView>("GET", "/shares");
      return shares.some((share) => share.id === id && share.answer === "offered") || null;
    };
    const what = "the file to be offered";
    await poll(isOffered, { timeoutMs: LIMIT_MS, what, everyMs: POLL_MS });
    const { offers } = await receiver.admin.files<OffersView>("GET", "/offers");
    return offers.at(-1)!.id;
  }

  /** Accepts an offer, and resolves when it has landed. Until it can be seen the node is not asked: that costs it time. */
  async fetch(offer: string): Promise<void> {
    const { admin, files } = this.receiver;
    const before = visibleIn(files);
    await admin.files<TransferView>("POST", `/offers/${offer}/accept`, { folder: files });
    const isDone = async () => {
      const { transfers } = await admin.files<TransfersView>("GET", "/transfers");
      const { state, why } = transfers.find(({ id }) => id === offer)!;
      if (state === "failed" || state === "paused") throw new Error(`The transfer: ${why}`);
      return state === "done" || null;
    };
    let polls = 0;
    const hasLanded = async () => {
      polls += 1;
      return visibleIn(files) > before || polls % POLLS_TO_ASK === 0 ? await isDone() : null;
    };
    const what = "the file to arrive";
    await poll(hasLanded, { timeoutMs: LIMIT_MS, what, everyMs: POLL_MS });
  }

  /** Removes what has landed. */
  async clear(): Promise<void> {
    const { files } = this.receiver;
    for (const { name } of Deno.readDirSync(files)) await Deno.remove(`${files}/${name}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#network[Symbol.asyncDispose]();
  }
}
