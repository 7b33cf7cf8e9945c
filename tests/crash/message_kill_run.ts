/**
 * Two nodes that die at any moment while their owners write, change, remove and react.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { readNewest } from "../../cli/history.ts";
import type { HistoryMessage } from "../../protocol/messaging_api.ts";
import { connectNodes } from "../../scripts/local_network/exchange.ts";
import { LocalNetwork, type LocalNode } from "../../scripts/local_network/network.ts";
import { sourcePrograms } from "../../scripts/local_network/programs.ts";
import { pause } from "../../scripts/local_network/timeout.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { MessageLedger, REMOVED, shownOf } from "./message_ledger.ts";

const NAMES = ["alice", "bob"] as const;
const MAX_LIFE_MS = 700;
const PAUSE_MS = 40;
const LOOK_MS = 200;
/** What waits may be much after many kills: it has the time it takes, as long as it comes. */
const STILL_MS = 120_000;
const EVERYTHING = 100_000;

export interface MessageKillOptions {
  readonly kills: number;
  readonly seed: string;
  readonly say: (line: string) => void;
}

export interface MessageKillReport {
  readonly kills: number;
  /** Texts that a node has answered for, and those that it died over. */
  readonly texts: number;
  readonly unknown: number;
  /** Edits, removals and reactions that a node has answered for. */
  readonly changes: number;
}

class MessageKillRun {
  readonly #network: LocalNetwork;
  readonly #options: MessageKillOptions;
  readonly #random: SeededRandom;
  readonly #ledger = new MessageLedger();
  kills = 0;
  #count = 0;
  #changes = 0;
  #isWriting = true;

  constructor(network: LocalNetwork, options: MessageKillOptions) {
    this.#network = network;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  async run(): Promise<MessageKillReport> {
    const [alice, bob] = NAMES.map((name) => this.#network.node(name)) as [LocalNode, LocalNode];
    await connectNodes(alice, bob);
    await connectNodes(bob, alice);
    const writing = NAMES.map((name) => this.#keepWriting(name));
    try {
      while (this.kills < this.#options.kills) await this.#kill();
    } finally {
      this.#isWriting = false;
      await Promise.all(writing);
    }
    await this.#untilAlike();
    return { kills: this.kills, ...this.#ledger.counts, changes: this.#changes };
  }

  #choose(count: number): number {
    return this.#random.uint32() % count;
  }

  #other(name: string): LocalNode {
    return this.#network.node(NAMES.find((other) => other !== name)!);
  }

  async #kill(): Promise<void> {
    await pause(this.#choose(MAX_LIFE_MS));
    const victim = NAMES[this.#choose(NAMES.length)]!;
    this.kills += 1;
    this.#options.say(`kill ${this.kills}: ${victim}`);
    await this.#network.kill(victim);
    await this.#network.startNode(victim);
  }

  async #keepWriting(name: string): Promise<void> {
    while (this.#isWriting) {
      await this.#act(name);
      await pause(PAUSE_MS);
    }
  }

  /** A node that is dead or dies now answers nothing, which is what this is about. */
  async #act(name: string): Promise<void> {
    const { admin } = this.#network.node(name);
    const peer = this.#other(name).id;
    const what = this.#choose(6);
    const text = `${name} says ${++this.#count}`;
    if (what < 3) {
      const sent = await admin.send({ peer, text, waitMs: 0 }).catch(() => null);
      return this.#ledger.wrote(name, text, sent?.id ?? null);
    }
    const from = what === 5 ? this.#other(name).name : name;
    const id = this.#ledger.anyOf(from, (count) => this.#choose(count));
    if (id === null) return;
    if (what === 3) {
      const more = { edits: id };
      const end = await endOf(admin.send({ peer, text, waitMs: 0, more }));
      this.#note(end, (isAnswered) => this.#ledger.changed(id, text, isAnswered));
      if (end === "removed") this.#ledger.changed(id, REMOVED, true);
    } else if (what === 4) {
      const end = await endOf(admin.messaging("POST", "/remove", { peer, id }));
      const isOver = end === "answered" || end === "removed";
      if (isOver || end === "unknown") this.#ledger.changed(id, REMOVED, isOver);
    } else {
      const reaction = String(this.#count);
      const end = await endOf(admin.messaging("POST", "/react", { peer, id, reaction }));
      this.#note(end, (isAnswered) => this.#ledger.reacted(id, reaction, isAnswered));
    }
  }

  #note(end: End, note: (isAnswered: boolean) => void): void {
    if (end === "answered") this.#changes += 1;
    if (end === "answered" || end === "unknown") note(end === "answered");
  }

  /** Everything that was answered for is there once, at either end, and both show the same. */
  async #untilAlike(): Promise<void> {
    let state = "";
    let changedMs = performance.now();
    for (;;) {
      const [a, b] = [await this.#read("alice"), await this.#read("bob")];
      const faults: unknown[] = [...this.#ledger.faultsOf(a), ...this.#ledger.faultsOf(b)];
      const isAlike = JSON.stringify(shownOf(a)) === JSON.stringify(shownOf(b));
      if (!isAlike) faults.push("the two differ");
      if (faults.length === 0) break;
      const now = `${a.length} ${b.length} ${faults.length}`;
      if (now !== state) [state, changedMs] = [now, performance.now()];
      else if (performance.now() - changedMs > STILL_MS) {
        throw new Error(`They stay as they are, and not alike\n${faults.slice(0, 20).join("\n")}`);
      }
      await pause(LOOK_MS);
    }
    for (const name of NAMES) {
      const { warnings } = await this.#network.node(name).admin.status();
      assertEquals(warnings.filter((text) => !text.includes("openred-node init")), []);
    }
  }

  async #read(name: string): Promise<readonly HistoryMessage[]> {
    const { admin } = this.#network.node(name);
    return (await readNewest(admin, this.#other(name).id, EVERYTHING)).messages;
  }
}

type End = "answered" | "removed" | "refused" | "unknown";

async function endOf(answer: Promise<unknown>): Promise<End> {
  try {
    await answer;
    return "answered";
  } catch (error) {
    const text = error instanceof Error ? error.message : "";
    if (text.includes("was removed")) return "removed";
    return text.includes("There is no such message") ? "refused" : "unknown";
  }
}

/** Kills either of two that write to each other, again and again. @throws {Error} That names the seed. */
export async function runMessageKills(options: MessageKillOptions): Promise<MessageKillReport> {
  await using network = await LocalNetwork.start({
    programs: sourcePrograms,
    names: [...NAMES],
    onLog: () => {},
    signal: new AbortController().signal,
  });
  const run = new MessageKillRun(network, options);
  try {
    return await Promise.race([run.run(), network.untilBroken()]);
  } catch (cause) {
    throw new Error(`Seed ${options.seed}, after kill ${run.kills}`, { cause });
  }
}
