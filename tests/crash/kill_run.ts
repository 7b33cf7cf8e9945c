/**
 * Processes that die at any moment, and what the next start has to find.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connectAll, exchangeMessage } from "../../scripts/local_network/exchange.ts";
import { LocalNetwork } from "../../scripts/local_network/network.ts";
import { sourcePrograms } from "../../scripts/local_network/programs.ts";
import { pause } from "../../scripts/local_network/timeout.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { AuditProof } from "./audit_proof.ts";
import { Ledger } from "./ledger.ts";

const NODES = ["alice", "bob", "carol"];
const DIRECTORY = "directory";
/** How long a process lives with messages on their way, and in its start, before it is killed. */
const MAX_LIFE_MS = 700;
const MAX_START_MS = 1_200;
/** One kill in so many hits a process that is still starting. */
const STARTING_ONE_IN = 4;
/** How often somebody renews a session, so that vaults and audit logs are written all the time. */
const RENEWAL_PAUSE_MS = 500;
const RENEWAL_WAIT_MS = 5_000;

export interface KillOptions {
  readonly kills: number;
  readonly seed: string;
  readonly say: (line: string) => void;
}

export interface KillReport {
  readonly kills: number;
  readonly delivered: number;
  readonly stored: number;
  readonly unknown: number;
  readonly renewals: number;
  /** Audit logs verified from their first line to their head. */
  readonly auditLogs: number;
}

class KillRun {
  readonly #network: LocalNetwork;
  readonly #ledger: Ledger;
  readonly #audit: AuditProof;
  readonly #random: SeededRandom;
  readonly #options: KillOptions;
  readonly #victims: string[] = [];
  kills = 0;
  #renewals = 0;
  #isRenewing = true;

  constructor(network: LocalNetwork, options: KillOptions) {
    this.#network = network;
    this.#ledger = new Ledger(network);
    this.#audit = new AuditProof(network);
    this.#random = new SeededRandom(options.seed);
    this.#options = options;
  }

  async run(): Promise<KillReport> {
    for await (const _ of connectAll(this.#network)) continue;
    this.#ledger.start();
    const renewing = this.#keepRenewing();
    try {
      while (this.kills < this.#options.kills) await this.#round();
    } finally {
      this.#isRenewing = false;
      await this.#ledger.stop();
      await renewing;
    }
    await this.#ledger.untilAllArrived();
    const counts = { renewals: this.#renewals, auditLogs: this.#audit.verified };
    return { kills: this.kills, ...this.#ledger.fates, ...counts };
  }

  /** Renews sessions by turns, whoever of the two is dead or dies meanwhile. */
  async #keepRenewing(): Promise<void> {
    for (let turn = 0; this.#isRenewing; turn++) {
      await pause(RENEWAL_PAUSE_MS);
      const from = NODES[turn % NODES.length]!;
      const to = NODES[(turn + 1 + turn % 2) % NODES.length]!;
      const peer = this.#network.node(to).id;
      const waitMs = RENEWAL_WAIT_MS;
      const session = await this.#network.node(from).admin.renewTokens({ peer, waitMs })
        .catch(() => null);
      if (session?.state === "confirmed") this.#renewals += 1;
    }
  }

  async #round(): Promise<void> {
    const victim = this.#nextVictim();
    await pause(this.#random.uint32() % MAX_LIFE_MS);
    await this.#kill(victim);
    if (this.#random.uint32() % STARTING_ONE_IN === 0) await this.#killStarting(victim);
    await this.#start(victim);
    if (victim === DIRECTORY) await this.#checkDirectory();
    else await this.#checkNode(victim);
  }

  /** Each process comes once, in a new order, before any comes again. */
  #nextVictim(): string {
    if (this.#victims.length === 0) this.#victims.push(DIRECTORY, ...NODES);
    const place = this.#random.uint32() % this.#victims.length;
    return this.#victims.splice(place, 1)[0]!;
  }

  async #kill(name: string): Promise<void> {
    this.kills += 1;
    this.#options.say(`kill ${this.kills}: ${name}`);
    await this.#network.kill(name);
  }

  async #killStarting(name: string): Promise<void> {
    const start = this.#start(name).catch(() => null);
    await pause(this.#random.uint32() % MAX_START_MS);
    await this.#kill(name);
    await start;
  }

  async #start(name: string): Promise<void> {
    if (name === DIRECTORY) await this.#network.startDirectory();
    else await this.#network.startNode(name);
  }

  async #checkDirectory(): Promise<void> {
    const { url, id } = this.#network.directory;
    const health = await (await fetch(`${url}/api/v3/health`)).json();
    assertEquals([health.status, health.directory_id, health.nodes], ["ok", id, NODES.length]);
    for (const node of this.#network.nodes) {
      const found = await fetch(`${url}/api/v3/nodes/${node.id}`);
      assertEquals([node.name, found.status], [node.name, 200]);
      assertEquals((await found.json()).api_url, node.url);
    }
  }

  async #checkNode(name: string): Promise<void> {
    const node = this.#network.node(name);
    const { warnings } = await node.admin.status();
    assertEquals(warnings.filter((text) => !text.includes("openred-node init")), []);
    await this.#audit.verify(node);
    const files = [...Deno.readDirSync(node.data)].map((entry) => entry.name);
    assert(!files.some((file) => file.includes("damaged")), files.join());
    assertEquals(await this.#ledger.faultsAt(node, ["delivered"]), []);
    const others = this.#network.nodes.filter((other) => other.name !== name);
    await Promise.all(others.flatMap((other) => {
      const text = `after kill ${this.kills}`;
      return [
        exchangeMessage({ from: node, to: other, text }),
        exchangeMessage({ from: other, to: node, text }),
      ];
    }));
  }
}

/** Kills one process after the other and checks each start. @throws {Error} That names the seed. */
export async function runKills(options: KillOptions): Promise<KillReport> {
  const logged: string[] = [];
  await using network = await LocalNetwork.start({
    programs: sourcePrograms,
    names: NODES,
    onLog: (name, line) =>
      void (line.includes(`"level":"error"`) && logged.push(`${name}: ${line}`)),
    signal: new AbortController().signal,
  });
  const run = new KillRun(network, options);
  try {
    const report = await Promise.race([run.run(), network.untilBroken()]);
    assertEquals(logged, []);
    return report;
  } catch (cause) {
    const what = `Seed ${options.seed}, after kill ${run.kills}`;
    throw new Error([what, ...logged].join("\n"), { cause });
  }
}
