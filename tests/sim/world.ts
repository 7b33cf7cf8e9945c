/**
 * One simulated run: directories, nodes, the network between them, and what is known about all.
 *
 * @module
 */
import { BUILT_IN_MODULES } from "../../modules/built_in.ts";
import { EventLoop } from "./event_loop.ts";
import { MessageLedger } from "./message_ledger.ts";
import { DirectoryMachine } from "./directory_machine.ts";
import { createHost } from "./machine.ts";
import { NodeMachine, type NodeOptions } from "./node_machine.ts";
import { REPLAYER, Replayer } from "./replayer.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { Trace } from "./trace.ts";
import { VirtualNetwork } from "./virtual_network.ts";
import { isProcessDied, type VirtualHost } from "./virtual_process.ts";
import { WireMonitor } from "./wire_monitor.ts";

/** The name of its host. */
export const RELAY = "relay";
const NODE_NAMES = ["alice", "bob", "carol", "dave", "erin"] as const;

export interface WorldOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly directories?: number;
  /** URLs of further directories that the nodes list. */
  readonly otherDirectories?: readonly string[];
  readonly node?: Partial<NodeOptions>;
  /** How many nodes, from the first on, are behind a relay. */
  readonly relayed?: number;
  /** Gets every line of the trace. */
  readonly sink?: (line: string) => void;
}

export class World {
  readonly loop = new EventLoop();
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly network: VirtualNetwork;
  readonly monitor: WireMonitor;
  readonly replayer: Replayer;
  readonly ledger = new MessageLedger();
  readonly directories: readonly DirectoryMachine[];
  readonly nodes: readonly NodeMachine[];
  /** The machine of a relay, where there is one: a directory too, that nobody asks. */
  readonly relay: DirectoryMachine | null;
  /** Pairs of nodes whose people want them connected. */
  readonly wanted = new Set<string>();
  /** Whose pairs there are: the directories, and the nodes themselves. */
  readonly issuers = new Set<string>(["peer"]);
  #messages = 0;
  readonly #onRejection = (event: PromiseRejectionEvent) => this.#rejected(event);

  constructor(options: WorldOptions) {
    this.random = new SeededRandom(`${options.seed}`);
    this.trace = new Trace(this.loop, options.sink ?? null);
    const random = this.random.fork("network");
    this.network = new VirtualNetwork({ loop: this.loop, random, trace: this.trace });
    this.monitor = new WireMonitor(this.loop);
    this.network.taps.push(this.monitor);
    this.replayer = new Replayer(this.network, this.random.fork("replayer"));
    this.monitor.strangers.add(REPLAYER);
    const parts = {
      loop: this.loop,
      network: this.network,
      random: this.random,
      trace: this.trace,
    };
    const isRelayed = (options.relayed ?? 0) > 0;
    this.directories = Array.from({ length: options.directories ?? 1 }, (_, index) => {
      const host = this.addHost(`directory${index + 1}`, `8.2.0.${index + 1}`);
      return new DirectoryMachine(parts, host);
    });
    this.relay = isRelayed
      ? new DirectoryMachine(parts, this.addHost(RELAY, "8.3.0.1"), { isRelay: true })
      : null;
    this.monitor.relays.add(RELAY);
    const directories = [
      ...this.directories.map((directory) => directory.host.origin),
      ...options.otherDirectories ?? [],
    ];
    const isTenth = options.seed % 10 === 0;
    this.nodes = NODE_NAMES.slice(0, options.nodes ?? 3).map((name, index) => {
      const host = this.addHost(name, `8.1.0.${index + 1}`);
      return new NodeMachine(parts, host, {
        directories,
        pq: isTenth ? "prefer" : "off",
        ...(index < (options.relayed ?? 0) ? { relay: this.relay!.host.origin } : {}),
        ...options.node,
      });
    });
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
  }

  addHost(name: string, address: string): VirtualHost {
    return createHost(this.network, { name, address, origin: `http://${address}:7000` });
  }

  node(index: number): NodeMachine {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`There is no node ${index}`);
    return node;
  }

  /** Starts everything that is not running. */
  async startAll(): Promise<void> {
    // What nodes load late takes real time, in which hours may pass here.
    await Promise.all(BUILT_IN_MODULES.map(({ load }) => load()));
    for (const directory of this.directories) {
      await directory.ensureStarted();
      this.issuers.add(directory.id);
    }
    await this.relay?.ensureStarted();
    for (const node of this.nodes) await node.ensureStarted();
  }

  runFor(durationMs: number): Promise<void> {
    return this.loop.runFor(durationMs);
  }

  /** One person asks for a connection to another; not waited for. */
  connect(from: NodeMachine, to: NodeMachine): void {
    this.wanted.add([from.name, to.name].sort().join(" "));
    if (!from.isRunning) return;
    this.trace.add(from.name, `person: connect to ${to.name}`);
    from.admin.connect(to.nodeId, 0).then(
      () => undefined,
      (error) => this.trace.add(from.name, `connect failed: ${error}`),
    );
  }

  /** Connects and waits until both have a confirmed session, or `limitMs`. */
  async connectAndWait(from: NodeMachine, to: NodeMachine, limitMs = 60_000): Promise<void> {
    this.connect(from, to);
    const untilMs = this.loop.nowMs + limitMs;
    while (this.loop.nowMs < untilMs) {
      await this.runFor(250);
      if (await this.#hasSession(from, to) && await this.#hasSession(to, from)) return;
    }
  }

  /** One person writes to another; not waited for. */
  send(from: NodeMachine, to: NodeMachine): void {
    if (!from.isRunning) return;
    this.wanted.add([from.name, to.name].sort().join(" "));
    const entry = this.ledger.write(
      from.name,
      to.name,
      `${from.name} to ${to.name}, number ${++this.#messages}`,
    );
    const waitMs = this.random.chance(0.5) ? 300_000 : 0;
    this.trace.add(from.name, `person: writes "${entry.text}"`);
    from.admin.send({ peer: to.nodeId, text: entry.text, waitMs }).then((sent) => {
      entry.id = sent.id;
      entry.isDelivered = sent.state === "delivered";
      this.trace.add(from.name, `${sent.state} "${entry.text}"`);
    }, (error) => this.trace.add(from.name, `not sent: ${error}`));
  }

  nameOf(nodeId: string): string {
    return this.nodes.find((node) => node.nodeIdOrNull === nodeId)?.name ?? nodeId;
  }

  async close(): Promise<void> {
    for (const machine of [...this.nodes, ...this.directories]) await machine.destroy();
    await this.relay?.destroy();
    globalThis.removeEventListener("unhandledrejection", this.#onRejection);
  }

  async #hasSession(node: NodeMachine, peer: NodeMachine): Promise<boolean> {
    if (!node.isRunning || !peer.isRunning) return false;
    const { sessions } = await node.ask((admin) => admin.status());
    return sessions.some(({ peer: id, state }) => id === peer.nodeId && state === "confirmed");
  }

  /** A process that dies in a database call leaves promises behind that nobody waits for. */
  #rejected(event: PromiseRejectionEvent): void {
    event.preventDefault();
    if (!isProcessDied(event.reason)) this.loop.fail(event.reason);
  }
}
