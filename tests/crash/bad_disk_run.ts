/**
 * A node on a small disk of its own, a real one, that gets full and then cannot be written.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connectNodes, exchangeMessage } from "../../scripts/local_network/exchange.ts";
import { LocalNetwork, type LocalNode } from "../../scripts/local_network/network.ts";
import { sourcePrograms } from "../../scripts/local_network/programs.ts";
import { pause } from "../../scripts/local_network/timeout.ts";
import { AuditProof } from "./audit_proof.ts";
import { Ledger } from "./ledger.ts";
import { SmallDisk } from "./small_disk.ts";

const HEALTHY = "alice";
const VICTIM = "bob";
const DISK_MIB = 8;
/** How long processes, which know no other time, go on writing on a full disk. */
const FULL_MS = 5_000;
const WAIT_MS = 1_500;

export interface BadDiskReport {
  readonly delivered: number;
  readonly stored: number;
  readonly unknown: number;
  readonly auditLogs: number;
  /** How the node's start ended on a full disk, and on one it cannot write. */
  readonly startOnFullDisk: string;
  readonly startOnReadOnlyDisk: string;
}

/** @returns Why the run is not possible here, or `null`. */
export function whyNoBadDisks(): string | null {
  if (Deno.build.os !== "linux") return "mounting a tmpfs is for Linux";
  return SmallDisk.canMount() ? null : "mounting a tmpfs takes root, and a machine that lets root";
}

/** Two nodes, one of them on the bad disk. */
class BadDiskRun {
  readonly #network: LocalNetwork;
  readonly #disk: SmallDisk;
  readonly #say: (line: string) => void;
  readonly #ledger: Ledger;
  readonly #audit: AuditProof;

  constructor(
    parts: { network: LocalNetwork; disk: SmallDisk; say: (line: string) => void },
  ) {
    this.#network = parts.network;
    this.#disk = parts.disk;
    this.#say = parts.say;
    this.#ledger = new Ledger(parts.network);
    this.#audit = new AuditProof(parts.network);
  }

  get #victim(): LocalNode {
    return this.#network.node(VICTIM);
  }

  async run(): Promise<BadDiskReport> {
    await connectNodes(this.#network.node(HEALTHY), this.#victim);
    this.#ledger.start();
    try {
      await pause(FULL_MS / 5);
      await this.#fill();
      const startOnFullDisk = await this.#startAfterKill("full disk");
      this.#disk.free();
      await this.#recover();
      await this.#network.kill(VICTIM);
      this.#disk.makeReadOnly();
      const startOnReadOnlyDisk = await this.#tryStart("read-only disk");
      assert(startOnReadOnlyDisk !== "ready", "a node starts on a disk it cannot write");
      this.#disk.makeWritable();
      await this.#recover();
      await this.#ledger.stop();
      await this.#ledger.untilAllArrived();
      const fates = this.#ledger.fates;
      const auditLogs = this.#audit.verified;
      return { ...fates, auditLogs, startOnFullDisk, startOnReadOnlyDisk };
    } finally {
      await this.#ledger.stop();
    }
  }

  /** No byte is left: the node takes nothing more, says so, and answers what needs no disk. */
  async #fill(): Promise<void> {
    this.#say(`full disk: ${VICTIM} runs`);
    this.#disk.fill();
    await pause(FULL_MS);
    const peer = this.#network.node(HEALTHY).id;
    const large = "x".repeat(8_000);
    const refused = await this.#victim.admin.send({ peer, text: large, waitMs: WAIT_MS })
      .then(() => null, (error: unknown) => String(error));
    assert(refused !== null, "a message was promised that had no room");
    this.#say(`full disk: a message is refused (${refused})`);
    assertEquals((await this.#victim.admin.status()).node_id, this.#victim.id);
  }

  async #startAfterKill(what: string): Promise<string> {
    await this.#network.kill(VICTIM);
    return await this.#tryStart(what);
  }

  async #tryStart(what: string): Promise<string> {
    // The network would take the end of a process it did not expect for a fault.
    const starting = this.#network.startNode(VICTIM);
    this.#network.expectEnd(VICTIM);
    // What it writes at a start may find room in files that are there.
    const how = await starting.then(async ({ child }) => {
      await child.kill();
      return "ready";
    }, (error: Error) => error.message);
    this.#say(`${what}: start: ${how}`);
    return how;
  }

  /** Starts the node and checks all it has. */
  async #recover(): Promise<void> {
    const node = await this.#network.startNode(VICTIM);
    const { warnings } = await node.admin.status();
    assertEquals(warnings.filter((text) => !text.includes("openred-node init")), []);
    const files = [...Deno.readDirSync(node.data)].map(({ name }) => name);
    assert(!files.some((name) => name.includes("damaged")), files.join());
    assertEquals(await this.#ledger.faultsAt(node, ["delivered"]), []);
    const healthy = this.#network.node(HEALTHY);
    await exchangeMessage({ from: healthy, to: node, text: `recovered ${this.#audit.verified}` });
    await exchangeMessage({ from: node, to: healthy, text: `recovered ${this.#audit.verified}` });
    await this.#audit.verify(node);
  }
}

/** @throws {Error} Unless everything promised is there once the disk is well. */
export async function runBadDisks(say: (line: string) => void): Promise<BadDiskReport> {
  let disk: SmallDisk | null = null;
  await using network = await LocalNetwork.start({
    programs: sourcePrograms,
    names: [HEALTHY, VICTIM],
    onLog: () => {},
    onNetwork: ({ folder }) => {
      disk = SmallDisk.mount({ path: `${folder}/${VICTIM}`, sizeMiB: DISK_MIB });
    },
    signal: new AbortController().signal,
  });
  if (disk === null) throw new TypeError("There was no network");
  using mounted: SmallDisk = disk;
  return await new BadDiskRun({ network, disk: mounted, say }).run();
}
