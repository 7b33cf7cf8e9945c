/**
 * Own messages of groups that some member did not take in the span that the operator has set: nobody is given them any
 * more.
 *
 * @module
 */
import type { ModuleContext, ModuleTables, NodeId } from "../../api.ts";
import { contains, difference, highest, type Ranges, union } from "./core/ranges.ts";
import { frameIdOf } from "./going_messages.ts";
import type { Group } from "./group.ts";
import type { GroupLanes } from "./group_lanes.ts";
import type { Groups } from "./groups.ts";

const DAY_MS = 24 * 3_600_000;
/** Of one run at a time. */
const AT_ONCE = 1_000;

interface GivingUpParts extends Pick<ModuleContext, "clock" | "events" | "options" | "own"> {
  readonly tables: ModuleTables;
  readonly groups: Groups;
  readonly lanes: GroupLanes;
}

/** A message that somebody lacks. */
interface Lacked {
  readonly hash: string;
  readonly n: number;
}

export class GivingUp {
  readonly #parts: GivingUpParts;

  constructor(parts: GivingUpParts) {
    this.#parts = parts;
  }

  async sweep(): Promise<void> {
    const { options, clock, groups, own } = this.#parts;
    const days = Number(options.give_up_days);
    if (!(days > 0)) return;
    const beforeMs = clock.nowMs() - days * DAY_MS;
    for await (const group of groups.all()) {
      if (!group.isIn(own.id)) continue;
      const count = await this.#giveUp(group, beforeMs);
      if (count > 0) this.#tell(group, { count, days });
    }
  }

  async #giveUp(group: Group, beforeMs: number): Promise<number> {
    const { own, tables, lanes } = this.#parts;
    let count = 0;
    for (const { id, run, held } of group.vector(() => false)) {
      if (id !== own.id) continue;
      const lacked = this.#lacked(group, { run, held, beforeMs });
      if (lacked.length === 0) continue;
      await tables.write(() => {
        for (const { hash } of lacked) {
          tables.statement(
            "UPDATE messaging_group_messages SET kept = 0 WHERE conversation = ? AND hash = ?",
          ).run(group.id, hash);
        }
      });
      for (const { hash, n } of lacked) {
        group.addHeld({ author: own.id, run, n, isKept: false });
        for (const lane of lanes.ofGroup(group.id)) {
          lane.underWay.get(frameIdOf(hash, lane.peer))?.cancel();
        }
      }
      count += lacked.length;
    }
    return count;
  }

  #lacked(
    group: Group,
    { run, held, beforeMs }: {
      readonly run: string;
      readonly held: Ranges;
      readonly beforeMs: number;
    },
  ): Lacked[] {
    const { own, tables, lanes } = this.#parts;
    const others = group.roster.members().map(({ id }) => id).filter((id) => id !== own.id);
    const lackedBy = (id: NodeId) => difference(held, lanes.heldBy(group.id, id, run));
    const numbers = others.reduce((all, id) => union(all, lackedBy(id)), [] as Ranges);
    const [first] = numbers;
    if (first === undefined) return [];
    return tables.statement(
      `SELECT hash, n, stm FROM messaging_group_messages
       WHERE conversation = ? AND author = ? AND run = ? AND n BETWEEN ? AND ? AND own = 1
         AND kept = 1 AND kept_at <= ? ORDER BY n LIMIT ?`,
    ).all(group.id, own.id, run, first[0], highest(numbers), beforeMs, AT_ONCE)
      .map(({ hash, n, stm }) => ({ hash: String(hash), n: Number(n), stm: String(stm) }))
      .filter(({ n, stm }) => contains(numbers, n) && lanes.isLacked(group, { stm, run, n }));
  }

  #tell(
    group: Group,
    { count, days }: { readonly count: number; readonly days: number },
  ): void {
    const { events } = this.#parts;
    events.emit("given_up", { group: group.id, count });
    events.warn(
      `given_up ${group.id}`,
      `${count} message(s) to the group ${group.id} were given up: some of its members took none of them in ${days} days`,
    );
  }
}
