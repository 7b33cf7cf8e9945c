/**
 * How often each event came, by names that are the program's own.
 *
 * @module
 */
import type { AuditEventName } from "../../protocol/audit_events.ts";

/** Of one event of the audit log. */
export interface AuditCounts {
  done: number;
  failed: number;
}

/** Counts events of modules and of the audit log. */
export class EventCounts {
  readonly #told = new Map<string, Map<string, number>>();
  readonly #audited = new Map<AuditEventName, AuditCounts>();

  /** @param module A built-in one: the words of any other are not the program's. */
  told(module: string, event: string): void {
    let counts = this.#told.get(module);
    if (counts === undefined) {
      counts = new Map();
      this.#told.set(module, counts);
    }
    counts.set(event, (counts.get(event) ?? 0) + 1);
  }

  audited(event: AuditEventName, success: boolean): void {
    let counts = this.#audited.get(event);
    if (counts === undefined) {
      counts = { done: 0, failed: 0 };
      this.#audited.set(event, counts);
    }
    counts[success ? "done" : "failed"] += 1;
  }

  /** What modules told, by module and event. */
  get ofModules(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#told;
  }

  get ofAudit(): ReadonlyMap<AuditEventName, Readonly<AuditCounts>> {
    return this.#audited;
  }
}
