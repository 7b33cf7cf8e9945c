/**
 * What a directory does every minute: it renews its own record and forgets what is old.
 *
 * @module
 */
import { ClockWatch } from "../ports/clock_watch.ts";
import type { Clock, Log } from "../ports/ports.ts";
import { pause } from "../ports/sleep.ts";
import { CLOCK_ALLOWANCE_MS, PROOF_MEMORY_MS } from "../protocol/limits.ts";
import type { DirectoryConfig } from "./config.ts";
import { DORMANT_MS, spansFor, STALE_MS } from "./leases.ts";
import type { Count } from "./counters.ts";
import type { Metrics } from "./metrics.ts";
import type { OwnRecord } from "./own_record.ts";
import type { DirectoryStore, SweepOptions } from "./stores/store.ts";

const PERIOD_MS = 60_000;

/** Between two steps of a sweep others have their turn. */
const REST_MS = 10;

/** From this part of the ids on that a directory may have, its operator is told. */
const NEARLY_FULL = 0.9;

/** Outcomes of a registration that one in search of room for many ids brings about, as the metrics have them. */
const REFUSED = ["full", "host_full", "address_full"] as const;

interface HousekeepingParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<DirectoryStore, "sweep" | "countNodes" | "countStored">;
  readonly own: Pick<OwnRecord, "renewIfDue">;
  readonly config: Pick<DirectoryConfig, "leaseMs" | "limits">;
  readonly metrics: Pick<Metrics, "counter">;
}

/**
 * What is old at an instant. Of nodes nothing is taken away by a clock that is not steady: at a wrong date for a
 * minute, every lease has ended long ago.
 */
function sweepAt(
  nowMs: number,
  options: { readonly isSteady: boolean; readonly leaseMs: number },
): SweepOptions {
  const { isSteady, leaseMs } = options;
  return {
    nowMs,
    proofsBefore: nowMs - PROOF_MEMORY_MS,
    leasesBefore: isSteady ? nowMs - DORMANT_MS : null,
    latestLeaseEnd: isSteady ? nowMs + leaseMs + CLOCK_ALLOWANCE_MS : null,
    countsAt: { activeAfter: nowMs - 1, recentAfter: nowMs - STALE_MS - 1 },
  };
}

/** Keeps a running directory in order. */
export class Housekeeping {
  readonly #parts: HousekeepingParts;
  readonly #watch: ClockWatch;
  readonly #refused: readonly Count[];
  readonly #stop = new AbortController();
  /** What was told of them, in the same order. */
  #told: readonly number[] = REFUSED.map(() => 0);
  #running = Promise.resolve();
  #cancel = () => {};

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
    this.#watch = new ClockWatch(parts.clock);
    const name = "openred_registrations_total";
    this.#refused = REFUSED.map((outcome) => parts.metrics.counter(name, { outcome }));
  }

  /** Does it now, and every minute from then on. */
  start(): void {
    this.#cancel = this.#parts.clock.setTimer(PERIOD_MS, () => this.start());
    this.#running = this.#running.then(() => this.#run());
  }

  /** Ends what is under way after its present step. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, own } = this.#parts;
    if (this.#stop.signal.aborted) return;
    try {
      if (this.#watch.note()) log.log("warn", "clock_jump");
      await own.renewIfDue();
      await this.#sweep();
      await this.#tellRoom();
      this.#tellRefused();
    } catch (error) {
      const cause = error instanceof Error ? error.message : "unknown";
      log.log("error", "housekeeping_failed", { cause });
    }
  }

  /** Says so while there is little room for further ids, or none. */
  async #tellRoom(): Promise<void> {
    const { log, store, config } = this.#parts;
    const max = config.limits.ids;
    if (max === 0) return;
    const stored = await store.countStored();
    if (stored >= NEARLY_FULL * max) log.log("warn", "ids_nearly_full", { stored, max });
  }

  /** Says how many new ids found no room since it was last said. */
  #tellRefused(): void {
    const counts = this.#refused.map(({ value }) => value);
    const grown = counts.map((count, at) => count - this.#told[at]!);
    this.#told = counts;
    if (grown.every((count) => count === 0)) return;
    const [full, host, address] = grown as [number, number, number];
    const fields = { directory_full: full, host_full: host, address_full: address };
    this.#parts.log.log("warn", "new_ids_refused", fields);
  }

  async #sweep(): Promise<void> {
    const { clock, store, config } = this.#parts;
    const { isSteady } = this.#watch;
    const { leaseMs } = spansFor(await store.countNodes(), config.leaseMs);
    const options = sweepAt(clock.nowMs(), { isSteady, leaseMs });
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const { isDone } = await store.sweep(options);
      if (isDone) return;
      await pause(clock, REST_MS, signal);
    }
  }
}
