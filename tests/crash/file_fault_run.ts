/**
 * A file on its way between two processes: either of them dies, the line between them breaks, the disk fills, again and
 * again, until the file is whole.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import type {
  OffersView,
  SharesView,
  ShareView,
  TransfersView,
  TransferView,
} from "../../protocol/file_sharing_api.ts";
import { connectNodes } from "../../scripts/local_network/exchange.ts";
import { LocalNetwork, type LocalNode } from "../../scripts/local_network/network.ts";
import { filesOf, sourcePrograms } from "../../scripts/local_network/programs.ts";
import { poll } from "../../scripts/local_network/timeout.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { CountedLine } from "./counted_line.ts";
import { SmallDisk } from "./small_disk.ts";

const SENDER = "alice";
const RECEIVER = "bob";
const MIB = 2 ** 20;
const ODD_BYTES = 321;
const ARRIVAL_MS = 300_000;
const POLL_MS = 50;
/** Beyond what a file takes: a disk that is full of it could not write its journal. */
const DISK_ROOM_MIB = 32;

const FAULTS = ["receiver killed", "sender killed", "line cut", "disk full"] as const;
type Fault = typeof FAULTS[number];

export interface FileFaultOptions {
  readonly faults: number;
  readonly fileMiB: number;
  /** So much of a file comes between two faults, from half of it to half as much again. */
  readonly everyMiB: number;
  /** How fast the line between them is. */
  readonly mibPerSecond: number;
  readonly seed: string;
  readonly say: (line: string) => void;
}

export interface FileFaultReport {
  /** How many of each kind; a full disk is tried only where this process may mount one. */
  readonly faults: Readonly<Record<Fault, number>>;
  /** Files that arrived whole. */
  readonly files: number;
  /** What came over the line for each byte of them. */
  readonly share: number;
  /** What each fault made come twice, in MiB. */
  readonly lostMiB: number;
}

interface FileFaultParts {
  readonly network: LocalNetwork;
  readonly line: CountedLine;
  readonly disk: SmallDisk | null;
  readonly options: FileFaultOptions;
}

class FileFaultRun {
  readonly #parts: FileFaultParts;
  readonly #random: SeededRandom;
  readonly #counts: Record<Fault, number>;
  #files = 0;
  #bytes = 0;

  constructor(parts: FileFaultParts) {
    this.#parts = parts;
    this.#random = new SeededRandom(parts.options.seed);
    this.#counts = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  }

  get faults(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
  }

  get #sender(): LocalNode {
    return this.#parts.network.node(SENDER);
  }

  get #receiver(): LocalNode {
    return this.#parts.network.node(RECEIVER);
  }

  async run(): Promise<FileFaultReport> {
    const { options, line } = this.#parts;
    await connectNodes(this.#sender, this.#receiver);
    await this.#sender.admin.changePeer("allow", { peer: this.#receiver.id, permission: "files" });
    await this.#receiver.admin.changePeer("allow", { peer: this.#sender.id, permission: "files" });
    while (this.faults < options.faults) await this.#file();
    return {
      faults: this.#counts,
      files: this.#files,
      share: line.bytes / this.#bytes,
      lostMiB: (line.bytes - this.#bytes) / MIB / this.faults,
    };
  }

  /** One file, and as many faults as it takes its time. */
  async #file(): Promise<void> {
    const { options, line } = this.#parts;
    const name = `file ${this.#files}.bin`;
    const path = `${this.#sender.files}/${name}`;
    const bytes = options.fileMiB * MIB + ODD_BYTES;
    await writeContent(path, { bytes, random: this.#random });
    const offer = await this.#offer(path);
    const startBytes = line.bytes;
    await this.#receiver.admin.files<TransferView>("POST", `/offers/${offer}/accept`, {
      folder: this.#receiver.files,
    });
    const arriving = this.#untilDone(offer, name);
    // It is waited for below; what fails before that is heard there.
    arriving.catch(() => undefined);
    while (this.faults < options.faults) {
      const span = options.everyMiB * MIB;
      const nextBytes = line.bytes + span / 2 + this.#random.uint32() % span;
      const isDone = await Promise.race([
        arriving.then(() => true),
        line.until(nextBytes).then(() => false),
      ]);
      if (isDone) break;
      await this.#fail(offer);
    }
    await arriving;
    await this.#check(name, path);
    this.#files += 1;
    this.#bytes += bytes;
    options.say(`${name}: whole, ${((line.bytes - startBytes) / bytes).toFixed(4)} of it came`);
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

  /** @throws {Error} Where it comes to any other end. */
  async #untilDone(offer: string, name: string): Promise<void> {
    const isDone = async () => {
      // While it is dead or starts, nobody answers.
      const view = await this.#transfer(offer).catch(() => null);
      if (view === null || ["running", "waiting", "paused"].includes(view.state)) return null;
      assertEquals([view.state, view.why], ["done", null]);
      return true;
    };
    const what = `${name} to arrive`;
    await poll(isDone, { timeoutMs: this.#parts.options.faults * ARRIVAL_MS, what });
  }

  async #transfer(id: string): Promise<TransferView> {
    const { transfers } = await this.#receiver.admin.files<TransfersView>("GET", "/transfers");
    return transfers.find((transfer) => transfer.id === id)!;
  }

  async #fail(offer: string): Promise<void> {
    const { network, line, disk, options } = this.#parts;
    const kinds = disk === null ? FAULTS.filter((fault) => fault !== "disk full") : FAULTS;
    const fault = kinds[this.#random.uint32() % kinds.length]!;
    this.#counts[fault] += 1;
    options.say(`fault ${this.faults}: ${fault}`);
    if (fault === "line cut") return line.cut();
    if (fault === "disk full") return await this.#fill(disk!, offer);
    const victim = fault === "sender killed" ? SENDER : RECEIVER;
    await network.kill(victim);
    await network.startNode(victim);
  }

  /** It pauses and says why; once there is room, the owner has it go on. */
  async #fill(disk: SmallDisk, offer: string): Promise<void> {
    disk.fill();
    const halted = async () => {
      const { state, why } = await this.#transfer(offer);
      if (state === "running" || state === "waiting") return null;
      return { state, why };
    };
    const what = "the transfer to notice a full disk";
    const { state, why } = await poll(halted, { timeoutMs: ARRIVAL_MS, what, everyMs: POLL_MS });
    disk.free();
    // The last chunk was on it already.
    if (state === "done") return;
    assertEquals([state, why], ["paused", "The disk is full"]);
    await this.#receiver.admin.files<TransferView>("POST", `/transfers/${offer}/resume`, {});
  }

  /** It is there once, byte for byte, and nothing else is. */
  async #check(name: string, path: string): Promise<void> {
    const folder = this.#receiver.files;
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), [name]);
    assert(await isSameContent(path, `${folder}/${name}`), `${name} has other content`);
    await Deno.remove(`${folder}/${name}`);
    await Deno.remove(path);
  }
}

async function writeContent(
  path: string,
  { bytes, random }: { readonly bytes: number; readonly random: SeededRandom },
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const piece = new Uint8Array(MIB);
  piece.set(random.bytes(MIB));
  for (let at = 0; at < bytes; at += MIB) {
    // No two pieces are alike.
    new DataView(piece.buffer).setFloat64(0, at);
    const part = piece.subarray(0, Math.min(MIB, bytes - at));
    for (let from = 0; from < part.length;) from += await file.write(part.subarray(from));
  }
}

async function isSameContent(one: string, other: string): Promise<boolean> {
  using a = await Deno.open(one);
  using b = await Deno.open(other);
  if ((await a.stat()).size !== (await b.stat()).size) return false;
  for (;;) {
    const [left, right] = await Promise.all([readPiece(a), readPiece(b)]);
    if (Buffer.compare(left, right) !== 0) return false;
    if (left.length === 0) return true;
  }
}

async function readPiece(file: Deno.FsFile): Promise<Uint8Array> {
  const piece = new Uint8Array(MIB);
  let end = 0;
  while (end < MIB) {
    const count = await file.read(piece.subarray(end));
    if (count === null) break;
    end += count;
  }
  return piece.subarray(0, end);
}

/** Runs until so many faults were survived, each file whole. @throws {Error} That names the seed. */
export async function runFileFaults(options: FileFaultOptions): Promise<FileFaultReport> {
  using line = new CountedLine(options.mibPerSecond);
  const sizeMiB = options.fileMiB + DISK_ROOM_MIB;
  const canMount = Deno.build.os === "linux" && SmallDisk.canMount();
  let disk: SmallDisk | null = null;
  await using network = await LocalNetwork.start({
    programs: sourcePrograms,
    names: [SENDER, RECEIVER],
    listenOf: (name) => name === SENDER ? line.listen : undefined,
    wordsOf: (name) => name === SENDER ? ["--api-url", line.apiUrl] : [],
    onLog: () => {},
    onNetwork: ({ folder }) => {
      const path = filesOf(`${folder}/${RECEIVER}`);
      if (canMount) disk = SmallDisk.mount({ path, sizeMiB });
    },
    signal: new AbortController().signal,
  });
  const run = new FileFaultRun({ network, line, disk, options });
  try {
    return await Promise.race([run.run(), network.untilBroken()]);
  } catch (cause) {
    throw new Error(`Seed ${options.seed}, after fault ${run.faults}`, { cause });
  } finally {
    (disk as SmallDisk | null)?.[Symbol.dispose]();
  }
}
