/**
 * What was sent while processes died, and what must have become of it.
 *
 * @module
 */
import type { MessageView } from "../../protocol/messaging_api.ts";
import { readInbox } from "../../scripts/local_network/exchange.ts";
import type { LocalNetwork, LocalNode } from "../../scripts/local_network/network.ts";
import { pause, poll } from "../../scripts/local_network/timeout.ts";

/** How long a sender waits for the peer, and pauses: processes know real time only. */
const WAIT_MS = 2_000;
const PAUSE_MS = 30;
const ARRIVAL_TIMEOUT_MS = 120_000;

/** `unknown`: the node died before it answered. `stored`: it promised. `delivered`: so did the peer. */
type Fate = "unknown" | "stored" | "delivered";

interface Sent {
  readonly from: string;
  readonly to: string;
  fate: Fate;
}

function keyOf(message: { readonly peer: string; readonly text: string }): string {
  return `${message.peer} ${message.text}`;
}

/** Sends without end between all nodes, and keeps book. */
export class Ledger {
  readonly #network: LocalNetwork;
  readonly #sent = new Map<string, Sent>();
  #count = 0;
  #isRunning = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(network: LocalNetwork) {
    this.#network = network;
  }

  /** How many messages have come to each fate. */
  get fates(): Readonly<Record<Fate, number>> {
    const fates = { unknown: 0, stored: 0, delivered: 0 };
    for (const { fate } of this.#sent.values()) fates[fate] += 1;
    return fates;
  }

  start(): void {
    this.#isRunning = true;
    const names = this.#network.nodes.map(({ name }) => name);
    const pairs = names.flatMap((from) =>
      names.filter((to) => to !== from).map((to) => ({ from, to }))
    );
    this.#work = Promise.all(pairs.map((pair) => this.#keepSending(pair)));
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#work;
  }

  async #keepSending({ from, to }: { from: string; to: string }): Promise<void> {
    while (this.#isRunning) {
      const text = `${from} to ${to}, number ${++this.#count}`;
      const sent: Sent = { from, to, fate: "unknown" };
      this.#sent.set(text, sent);
      const peer = this.#network.node(to).id;
      // A node that is dead or dies now answers nothing, which is what this is about.
      const answer = await this.#network.node(from).admin.send({ peer, text, waitMs: WAIT_MS })
        .catch(() => null);
      if (answer !== null) sent.fate = answer.state === "delivered" ? "delivered" : "stored";
      await pause(PAUSE_MS);
    }
  }

  /**
   * Compares an inbox with the book.
   * @returns What is wrong with it, in words.
   */
  async faultsAt(node: LocalNode, fates: readonly Fate[]): Promise<string[]> {
    const expected = [...this.#sent].filter(([, { to, fate }]) =>
      to === node.name && fates.includes(fate)
    );
    const counts = this.#countTexts(await readInbox(node));
    const twice = [...counts].filter(([, count]) => count > 1).map(([key]) => `twice: ${key}`);
    const missing = expected
      .map(([text, { from }]) => keyOf({ peer: this.#network.node(from).id, text }))
      .filter((key) => !counts.has(key));
    return [...twice, ...missing.map((key) => `missing: ${key}`)];
  }

  #countTexts(messages: readonly MessageView[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const message of messages) {
      counts.set(keyOf(message), (counts.get(keyOf(message)) ?? 0) + 1);
    }
    return counts;
  }

  /** Waits until everything that was promised has arrived everywhere, once. */
  async untilAllArrived(): Promise<void> {
    for (const { name } of this.#network.nodes) {
      const what = `everything promised to ${name} to arrive`;
      await poll(async () => {
        const faults = await this.faultsAt(this.#network.node(name), ["stored", "delivered"]);
        return faults.length === 0 ? true : null;
      }, { timeoutMs: ARRIVAL_TIMEOUT_MS, what });
    }
  }
}
