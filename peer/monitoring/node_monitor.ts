/**
 * What a node tells of itself: numbers, durations once somebody has asked for them, and what keeps it from its work.
 *
 * @module
 */
import type { NodeWatch } from "../../modules/api.ts";
import { DURATION_BUCKETS, type Monitor, type OpenMonitor } from "../../ports/monitor.ts";
import type { Clock } from "../../ports/ports.ts";
import type { Check } from "../../protocol/doctor.ts";
import {
  type DurationFamily,
  type MetricFamily,
  single,
  type Trouble,
} from "../../protocol/metrics.ts";
import type { DurationName, NodeEvents } from "../events/events.ts";
import type { NodeStore } from "../store/store.ts";
import { type NumbersParts, readNumbers } from "./node_numbers.ts";
import { type ExaminationParts, examineNode } from "./examination.ts";
import { readTroubles } from "./troubles.ts";

const DURATIONS: Readonly<Record<DurationName, string>> = {
  openred_handshake_seconds:
    "What a handshake takes that this node began, until its session is there.",
  openred_store_commit_seconds: "What a transaction of node.db takes until it is on disk.",
  openred_acknowledgement_seconds: "How long a message waits for its acknowledgement.",
};

interface MonitorParts {
  readonly clock: Clock;
  readonly openMonitor: OpenMonitor;
  readonly events: NodeEvents;
  readonly store: NodeStore;
}

function durations(): DurationFamily[] {
  return Object.entries(DURATIONS).map(([name, help]) => ({
    name,
    help,
    labels: [],
    buckets: DURATION_BUCKETS,
  }));
}

/** Watches one node. */
export class NodeMonitor implements NodeWatch {
  readonly version: string;
  readonly #parts: MonitorParts;
  readonly #rest: () => NumbersParts & ExaminationParts;
  readonly #startedMs: number;
  #opening: Promise<Monitor> | null = null;
  #isStopped = false;

  /** @param rest What the numbers are read from, once it is there. */
  constructor(
    parts: MonitorParts,
    version: string,
    rest: () => NumbersParts & ExaminationParts,
  ) {
    this.version = version;
    this.#parts = parts;
    this.#rest = rest;
    this.#startedMs = parts.clock.monotonicMs();
  }

  get uptimeMs(): number {
    return this.#parts.clock.monotonicMs() - this.#startedMs;
  }

  async metrics(): Promise<string> {
    const monitor = await this.#monitor();
    return await monitor.text(this.#families());
  }

  async numbers(): Promise<readonly MetricFamily[]> {
    const monitor = await this.#monitor();
    return [...this.#families(), ...monitor.process()];
  }

  troubles(): readonly Trouble[] {
    return this.#isStopped
      ? [{ code: "stopping", text: "The node is stopping" }]
      : readTroubles(this.#rest());
  }

  examine(): Promise<readonly Check[]> {
    return examineNode(this.#rest());
  }

  /** Ends what was begun to measure. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    (await this.#opening?.catch(() => null))?.stop();
  }

  #families(): MetricFamily[] {
    const uptime = single({
      name: "openred_uptime_seconds",
      help: "Seconds since the node started.",
      type: "gauge",
    }, Math.floor(this.uptimeMs / 1000));
    return [...readNumbers(this.#rest()), uptime];
  }

  #monitor(): Promise<Monitor> {
    return this.#opening ??= this.#open();
  }

  async #open(): Promise<Monitor> {
    const { clock, events, openMonitor, store } = this.#parts;
    const monitor = await openMonitor(durations());
    if (this.#isStopped) monitor.stop();
    events.observeWith(monitor.observe);
    store.timeWith({
      now: () => clock.monotonicMs(),
      observe: (ms) => events.observe("openred_store_commit_seconds", ms),
    });
    return monitor;
  }
}
