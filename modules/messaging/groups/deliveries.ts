/**
 * Who waits to hear that an own message of a group is with everybody.
 *
 * @module
 */
import type { ModuleTables } from "../../api.ts";
import type { RunNumber } from "../names.ts";
import type { Group } from "./group.ts";
import type { GroupLanes } from "./group_lanes.ts";

/** Of more at a time only the newest are waited for: members may be away for good. */
const MAX_AWAITED = 1_000;

interface Awaited extends RunNumber {
  readonly group: string;
  readonly stm: string;
  readonly resolve: (rttMs: number) => void;
}

interface DeliveryParts {
  readonly tables: ModuleTables;
  readonly lanes: GroupLanes;
}

export class Deliveries {
  readonly #parts: DeliveryParts;
  readonly #awaited = new Map<string, Awaited>();

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** Resolves with a round-trip time once everybody has a message, if it is among the newest until then. */
  wait(group: Group, hash: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const row = this.#parts.tables.statement(
      "SELECT run, n, stm FROM messaging_group_messages WHERE conversation = ? AND hash = ?",
    ).get(group.id, hash);
    if (row === undefined) return promise;
    const number = { run: String(row.run), n: Number(row.n) };
    const awaited = { ...number, group: group.id, stm: String(row.stm), resolve };
    if (this.#awaited.size >= MAX_AWAITED) {
      this.#awaited.delete(this.#awaited.keys().next().value!);
    }
    this.#awaited.set(keyOf(awaited), awaited);
    this.note(group, number, 0);
    return promise;
  }

  /** Somebody has a message by now. */
  note(group: Group, number: RunNumber, rttMs: number): void {
    const awaited = this.#awaited.get(keyOf({ ...number, group: group.id }));
    if (awaited !== undefined) this.#look(group, awaited, rttMs);
  }

  /** Somebody has said which messages of a group they have. */
  noteAll(group: Group): void {
    for (const awaited of this.#awaited.values()) {
      if (awaited.group === group.id) this.#look(group, awaited, 0);
    }
  }

  #look(group: Group, awaited: Awaited, rttMs: number): void {
    if (this.#parts.lanes.isLacked(group, awaited)) return;
    this.#awaited.delete(keyOf(awaited));
    awaited.resolve(rttMs);
  }
}

function keyOf({ group, run, n }: Pick<Awaited, "group" | "run" | "n">): string {
  return `${group} ${run} ${n}`;
}
