/**
 * What the database remembers of an audit log: that it was begun, and a line it had. So its files cannot vanish, or be
 * set back, while the node is down and nobody looks.
 *
 * @module
 */
import type { NodeStore } from "../store/store.ts";

/** A line of each identity's log that was on disk. */
export interface LogMarks {
  /** @returns Its number, or `null` for a log that is not known to have had lines. */
  read(nodeId: string): number | null;
  write(nodeId: string, number: number): Promise<void>;
  /** Has it remembered with whatever the database writes next. */
  note(nodeId: string, number: number): void;
}

function markName(nodeId: string): string {
  return `audit_last ${nodeId}`;
}

/** The marks in the node's database: each identity's own, as each begins its own log. */
export class StoredMarks implements LogMarks {
  readonly #store: Pick<NodeStore, "self" | "write" | "setSelfAlong">;

  constructor(store: Pick<NodeStore, "self" | "write" | "setSelfAlong">) {
    this.#store = store;
  }

  read(nodeId: string): number | null {
    const number = Number(this.#store.self(markName(nodeId)) ?? 0);
    return Number.isSafeInteger(number) && number > 0 ? number : null;
  }

  write(nodeId: string, number: number): Promise<void> {
    this.note(nodeId, number);
    return this.#store.write(() => {});
  }

  note(nodeId: string, number: number): void {
    this.#store.setSelfAlong(markName(nodeId), String(number));
  }
}
