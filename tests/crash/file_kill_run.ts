/**
 * A file on its way between two processes, either of which dies at any moment.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type {
  OffersView,
  SharesView,
  ShareView,
  TransfersView,
  TransferView,
} from "../../protocol/file_sharing_api.ts";
import { connectNodes } from "../../scripts/local_network/exchange.ts";
import { LocalNetwork, type LocalNode } from "../../scripts/local_network/network.ts";
import { sourcePrograms } from "../../scripts/local_network/programs.ts";
import { pause, poll } from "../../scripts/local_network/timeout.ts";
import { SeededRandom } from "../world/seeded_random.ts";

const SENDER = "alice";
const RECEIVER = "bob";
const FILE_BYTES = 24 * 2 ** 20 + 321;
const MAX_LIFE_MS = 2_500;
const ARRIVAL_MS = 180_000;

export interface FileKillOptions {
  readonly kills: number;
  readonly seed: string;
  readonly say: (line: string) => void;
}

export interface FileKillReport {
  readonly kills: number;
  /** Files that arrived whole. */
  readonly files: number;
}

class FileKillRun {
  readonly #network: LocalNetwork;
  readonly #options: FileKillOptions;
  readonly #random: SeededRandom;
  kills = 0;
  #files = 0;

  constructor(network: LocalNetwork, options: FileKillOptions) {
    this.#network = network;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  get #sender(): LocalNode {
    return this.#network.node(SENDER);
  }

  get #receiver(): LocalNode {
    return this.#network.node(RECEIVER);
  }

  async run(): Promise<FileKillReport> {
    await connectNodes(this.#sender, this.#receiver);
    await this.#sender.admin.changePeer("allow", { peer: this.#receiver.id, permission: "files" });
    await this.#receiver.admin.changePeer("allow", { peer: this.#sender.id, permission: "files" });
    while (this.kills < this.#options.kills) await this.#file();
    return { kills: this.kills, files: this.#files };
  }

  /** One file, and as many kills as it takes its time. */
  async #file(): Promise<void> {
    const name = `file ${this.#files}.bin`;
    const content = this.#random.bytes(FILE_BYTES);
    const path = `${this.#sender.files}/${name}`;
    await Deno.writeFile(path, content);
    const offer = await this.#offer(path);
    await this.#receiver.admin.files<TransferView>("POST", `/offers/${offer}/accept`, {
      folder: this.#receiver.files,
    });
    while (this.kills < this.#options.kills && !await this.#isDone(offer)) await this.#kill();
    const isDone = async () => await this.#isDone(offer) || null;
    await poll(isDone, { timeoutMs: ARRIVAL_MS, what: `${name} to arrive` });
    await this.#check(name, content);
    await Deno.remove(path);
    this.#files += 1;
  }

  async #offer(path: string): Promise<string> {
    const input = { peer: this.#receiver.id, paths: [path] };
    const { id } = await this.#sender.admin.files<ShareView>("POST", "/shares", input);
    const offered = async () => {
      const { shares } = await this.#sender.admin.files<SharesView>("GET", "/shares");
      return shares.some((share) => share.id === id && share.answer === "offered") || null;
    };
    await poll(offered, { timeoutMs: ARRIVAL_MS, what: "the file to be offered" });
    const { offers } = await this.#receiver.admin.files<OffersView>("GET", "/offers");
    return offers.at(-1)!.id;
  }

  /** @throws {Error} Where it has come to any other end. */
  async #isDone(id: string): Promise<boolean> {
    const { transfers } = await this.#receiver.admin.files<TransfersView>("GET", "/transfers");
    const { state, why } = transfers.find((transfer) => transfer.id === id)!;
    if (state === "running" || state === "waiting") return false;
    assertEquals([state, why], ["done", null]);
    return true;
  }

  async #kill(): Promise<void> {
    await pause(this.#random.uint32() % MAX_LIFE_MS);
    const victim = this.#random.uint32() % 2 === 0 ? SENDER : RECEIVER;
    this.kills += 1;
    this.#options.say(`kill ${this.kills}: ${victim}`);
    await this.#network.kill(victim);
    await this.#network.startNode(victim);
  }

  /** It is there once, byte for byte, and nothing else is. */
  async #check(name: string, content: Uint8Array): Promise<void> {
    const folder = this.#receiver.files;
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), [name]);
    const landed = await Deno.readFile(`${folder}/${name}`);
    assertEquals(landed.length, content.length);
    assertEquals(landed.every((byte, at) => byte === content[at]), true);
    await Deno.remove(`${folder}/${name}`);
  }
}

/** Kills sender or receiver, again and again, until every file has arrived. @throws {Error} That names the seed. */
export async function runFileKills(options: FileKillOptions): Promise<FileKillReport> {
  await using network = await LocalNetwork.start({
    programs: sourcePrograms,
    names: [SENDER, RECEIVER],
    onLog: () => {},
    signal: new AbortController().signal,
  });
  const run = new FileKillRun(network, options);
  try {
    return await Promise.race([run.run(), network.untilBroken()]);
  } catch (cause) {
    throw new Error(`Seed ${options.seed}, after kill ${run.kills}`, { cause });
  }
}
