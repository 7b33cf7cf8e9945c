/**
 * What a running node tells: events for whoever listens, counters, and warnings for the operator.
 *
 * @module
 */
import type { Log } from "../ports/ports.ts";
import type { NodeEvent } from "../protocol/admin_api.ts";

export type CounterName =
  | "frames_sent"
  | "frames_opened"
  | "frames_repeated"
  | "frames_dropped"
  | "frames_refused"
  | "handshakes_started"
  | "handshakes_accepted"
  | "handshakes_refused"
  | "envelopes_taken"
  | "envelopes_refused";

/** Listeners, counters and warnings of one node. */
export class NodeEvents {
  readonly #log: Log;
  readonly #listeners = new Set<(event: NodeEvent) => void>();
  readonly #counters = new Map<CounterName, number>();
  readonly #warnings = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Calls `listener` for each event from now on. The returned function ends that. */
  subscribe(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: NodeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  count(name: CounterName): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + 1);
  }

  counters(): Record<string, number> {
    return Object.fromEntries(this.#counters);
  }

  /** Tells the operator something once; `topic` replaces an earlier warning of that name. */
  warn(topic: string, text: string): void {
    if (this.#warnings.get(topic) === text) return;
    this.#warnings.set(topic, text);
    this.#log.log("warn", topic, { text });
    this.emit({ type: "warning", text });
  }

  /** Takes a warning back. */
  settle(topic: string): void {
    this.#warnings.delete(topic);
  }

  warnings(): string[] {
    return [...this.#warnings.values()];
  }

  /** Notes something that matters to security. */
  audit(event: string, fields: { peer?: string; success: boolean; why?: string }): void {
    this.#log.log(fields.success ? "info" : "warn", event, { audit: true, ...fields });
  }
}
