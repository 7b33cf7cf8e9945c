/**
 * What a directory counts and measures. The monitor, which writes it for Prometheus and measures how long things take, is
 * opened when somebody first asks.
 *
 * @module
 */
import { DURATION_BUCKETS, type Monitor, type OpenMonitor } from "../ports/monitor.ts";
import type { DurationFamily, MetricFamily } from "../protocol/metrics.ts";
import { type Counted, Counters } from "./counters.ts";

const STORE_COMMIT = "openred_store_commit_seconds";
const HTTP_REQUEST = "openred_http_request_seconds";

const DURATIONS: readonly DurationFamily[] = [
  {
    name: STORE_COMMIT,
    help: "What a transaction of the store takes until it is on disk.",
    labels: [],
    buckets: DURATION_BUCKETS,
  },
  {
    name: HTTP_REQUEST,
    help: "What answering a request takes, by route.",
    labels: ["route"],
    buckets: DURATION_BUCKETS,
  },
];

/** Counts what a directory does. */
export class Metrics extends Counters {
  readonly #openMonitor: OpenMonitor;
  readonly #others: (() => Promise<readonly Counted[]>)[] = [];
  #opening: Promise<Monitor> | null = null;
  #monitor: Monitor | null = null;
  #isStopped = false;

  constructor(openMonitor: OpenMonitor) {
    super();
    this.#openMonitor = openMonitor;
  }

  /** Adds what another thread has counted, whenever somebody asks. */
  addFrom(read: () => Promise<readonly Counted[]>): void {
    this.#others.push(read);
  }

  /** Whether anybody wants to know how long things take. */
  get isTiming(): boolean {
    return this.#monitor !== null;
  }

  observeCommit(seconds: number): void {
    this.#monitor?.observe(STORE_COMMIT, seconds);
  }

  observeRequest(route: string, seconds: number): void {
    this.#monitor?.observe(HTTP_REQUEST, seconds, { route });
  }

  /** Writes everything counted and measured, and the families given. */
  async text(families: readonly MetricFamily[]): Promise<string> {
    this.#opening ??= this.#openMonitor(DURATIONS);
    const monitor = await this.#opening;
    if (this.#isStopped) monitor.stop();
    this.#monitor = monitor;
    const others = (await Promise.all(this.#others.map((read) => read()))).flat();
    return await monitor.text([...this.families(others), ...families]);
  }

  stop(): void {
    this.#isStopped = true;
    this.#monitor?.stop();
  }
}
