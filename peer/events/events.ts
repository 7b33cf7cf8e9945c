/**
 * What a running node tells: events for whoever listens, counters, and warnings for the operator.
 *
 * @module
 */
import { CryptoError } from "../../crypto/interface.ts";
import type { ObserveDuration } from "../../ports/monitor.ts";
import type { Log } from "../../ports/ports.ts";
import { storageReason } from "../../ports/storage_problem.ts";
import type { NodeEvent } from "../../protocol/admin_api.ts";
import type { AuditEventName } from "../../protocol/audit_events.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { EventCounts } from "./event_counts.ts";
import { NamedLog } from "./named_log.ts";

export type NodeCounter =
  | "frames_sent"
  | "frames_opened"
  | "frames_repeated"
  | "frames_dropped"
  | "frames_refused"
  | "frames_denied"
  | "handshakes_started"
  | "handshakes_accepted"
  | "handshakes_refused"
  | "handshakes_completed"
  | "handshakes_failed"
  | "announcements_taken"
  | "announcements_failed"
  | "bytes_sent"
  | "bytes_received"
  | "vault_writes"
  | "envelopes_taken"
  | "envelopes_refused"
  | "relay_links"
  | "relayed_exchanges"
  | "relayed_channels"
  | "relayed_refused";

/** What is measured where somebody watches (`monitoring/`). */
export type DurationName =
  | "openred_handshake_seconds"
  | "openred_store_commit_seconds"
  | "openred_acknowledgement_seconds";

/** What is said of an event. Every other member is stored as it is, so none may name a peer. */
export interface AuditFields {
  /** The peer's id; stored as its keyed hash. */
  readonly peer?: string;
  readonly success: boolean;
  readonly [field: string]: string | number | boolean | null;
}

/** Who caused an event; `peer` is `null` for somebody without a name. */
export interface AuditCause {
  readonly peer: string | null;
  /** Whether somebody here decided about that peer. */
  readonly isDecided: boolean;
}

/** Where security events are kept. */
export interface AuditSink {
  record(event: string, fields: AuditFields): Promise<void>;
  recordThrottled(event: string, fields: AuditFields, cause: AuditCause): Promise<void>;
}

/** What the operator is warned of, as the log has it. */
interface Warning {
  readonly event: string;
  readonly fields: { readonly peer?: string; readonly text: string };
}

/** Listeners, counters and warnings of one node. */
export class NodeEvents {
  /** Whatever is logged about a peer is to go through it. */
  readonly log: NamedLog;
  readonly #listeners = new Set<(event: NodeEvent) => void>();
  readonly #counters = new Map<string, number>();
  readonly counts = new EventCounts();
  #observe: ObserveDuration | null = null;
  readonly #warnings = new Map<string, Warning>();
  #audit: AuditSink | null = null;
  #isDecided: (peer: string) => boolean = () => false;

  constructor(log: Log) {
    this.log = new NamedLog(log);
  }

  /** Calls `listener` for each event from now on. The returned function ends that. */
  subscribe(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: NodeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  count(name: NodeCounter): void {
    this.countOf(name, 1);
  }

  /** Counts for a module; the caller keeps the number of names within bounds. */
  countOf(name: string, by: number): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }

  /** Has durations observed from now on. */
  observeWith(observe: ObserveDuration): void {
    this.#observe = observe;
  }

  /** Notes how long something took, if anybody wants to know. */
  observe(name: DurationName, ms: number): void {
    this.#observe?.(name, ms / 1000);
  }

  counters(): Record<string, number> {
    return Object.fromEntries(this.#counters);
  }

  /**
   * Tells the operator something once; `topic` replaces an earlier warning of that name.
   * @param about `event`: how the log names it, the first word of the topic unless it says so; `peer`: whom it is about.
   */
  warn(
    topic: string,
    text: string,
    { event = topic.replace(/[^a-z_].*$/, ""), peer }: { event?: string; peer?: string } = {},
  ): void {
    if (this.#warnings.get(topic)?.fields.text === text) return;
    const fields = { ...(peer === undefined ? {} : { peer }), text };
    this.#warnings.set(topic, { event, fields });
    this.log.log("warn", event, fields);
    this.emit({ type: "warning", text });
  }

  /** Warns while `node.db` cannot be written. @param cause `null` once it can. */
  tellStorage(cause: unknown): void {
    if (cause === null) return this.settle("storage");
    this.warn("storage", `node.db cannot be written: ${storageReason(cause)}`);
  }

  /** Warns while it cannot be noted outside of `node.db` what that holds. @param cause `null` once it can. */
  tellCount(cause: unknown): void {
    if (cause === null) return this.settle("write_count");
    const why = storageReason(cause);
    this.warn(
      "write_count",
      `write-count cannot be written: ${why}; a loss in node.db could go unnoticed`,
    );
  }

  /** Takes a warning back. Whoever read of the trouble in the log reads there that it is over. */
  settle(topic: string): void {
    const warning = this.#warnings.get(topic);
    if (warning === undefined) return;
    this.#warnings.delete(topic);
    this.log.log("warn", warning.event, { over: true, ...warning.fields });
  }

  warnings(): string[] {
    return [...this.warned.values()];
  }

  /** What the operator is warned of, by its topic. */
  get warned(): ReadonlyMap<string, string> {
    return new Map([...this.#warnings].map(([topic, { fields }]) => [topic, fields.text]));
  }

  /** Leaves a line in the log of the program and nothing else. */
  note(topic: string, text: string): void {
    this.log.log("info", topic, { text });
  }

  /** Keeps security events from now on. */
  auditWith(audit: AuditSink): void {
    this.#audit = audit;
  }

  /** Has peers told from strangers from now on. */
  decideWith(isDecided: (peer: string) => boolean): void {
    this.#isDecided = isDecided;
  }

  /** Has lines of the program's log name peers as the owner does from now on. */
  nameWith(nameOf: (peer: string) => string | null): void {
    this.log.nameWith(nameOf);
  }

  /**
   * Notes something that matters to security.
   * @param fields `peer` is stored as its keyed hash; no other member may name a peer.
   * @returns Resolves when the audit log has it on disk. It need not be waited for.
   * @throws {OpenRedError} `overloaded` if it could not be kept.
   */
  audit(event: AuditEventName, fields: AuditFields): Promise<void> {
    this.#logAudit(event, fields);
    return ignorable(this.#audit?.record(event, fields));
  }

  /** As {@linkcode audit}, for what strangers can cause as often as they like: many of them become one entry. */
  auditStranger(event: AuditEventName, fields: AuditFields): Promise<void> {
    this.#logAudit(event, fields);
    const cause = { peer: null, isDecided: false };
    return ignorable(this.#audit?.recordThrottled(event, fields, cause));
  }

  /** As {@linkcode audit}, for what a peer causes by itself: each has a share of the log, a stranger a small one. */
  auditPeer(event: AuditEventName, fields: AuditFields & { readonly peer: string }): Promise<void> {
    this.#logAudit(event, fields);
    const { peer } = fields;
    const cause = { peer, isDecided: this.#isDecided(peer) };
    return ignorable(this.#audit?.recordThrottled(event, fields, cause));
  }

  #logAudit(event: AuditEventName, fields: AuditFields): void {
    this.log.log(fields.success ? "info" : "warn", event, { audit: true, ...fields });
    this.counts.audited(event, fields.success);
  }
}

/** Why something was refused, for the audit log: what the node's own code says, never what a peer wrote. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof CryptoError) return `${cause.code}: ${cause.message}`;
  if (!(cause instanceof OpenRedError)) return "failed";
  // What does not parse is told with parts of it.
  return cause.code === "bad_request" ? cause.code : `${cause.code}: ${cause.message}`;
}

/** A promise whose failure ends nothing where nobody waits for it. */
function ignorable(recorded: Promise<void> | undefined): Promise<void> {
  const promise = recorded ?? Promise.resolve();
  promise.catch(() => undefined);
  return promise;
}
