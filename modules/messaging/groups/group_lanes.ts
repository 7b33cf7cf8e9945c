/**
 * The lanes of all groups, and what of them outlives a stop: which own messages others have.
 *
 * @module
 */
import type { ModuleContext, ModuleSignatures, ModuleTables, NodeId } from "../../api.ts";
import type { RunNumber } from "../names.ts";
import type { Ranges } from "./core/ranges.ts";
import { oldOf } from "./core/successions.ts";
import { frameIdOf } from "./going_messages.ts";
import type { Group } from "./group.ts";
import { Lane } from "./lane.ts";

const MARK_MS = 100;

/** The number of an own message, and the statement that says who may have it. */
interface OwnNumber extends RunNumber {
  readonly stm: string;
}

interface LaneParts extends Pick<ModuleContext, "clock" | "log" | "own"> {
  readonly tables: ModuleTables;
  readonly signatures: Pick<ModuleSignatures, "ownSuccessions">;
}

export class GroupLanes {
  readonly #parts: LaneParts;
  readonly #fill: (lane: Lane) => Promise<void>;
  /** What this node wrote before its identity was followed stays its own. */
  readonly #keys: readonly NodeId[];
  readonly #lanes = new Map<string, Lane>();
  /** Those whose peer has acknowledged own messages since that was written down. */
  readonly #unmarked = new Set<Lane>();
  #cancelMark: (() => void) | null = null;
  #isStopped = false;

  /** @param fill Sends what a lane has room for. */
  constructor(parts: LaneParts, fill: (lane: Lane) => Promise<void>) {
    this.#parts = parts;
    this.#fill = fill;
    this.#keys = [parts.own.id, ...parts.signatures.ownSuccessions.map(oldOf)];
  }

  ofGroup(group: string): Lane[] {
    return [...this.#lanes.values()].filter((lane) => lane.group === group);
  }

  find(group: string, peer: NodeId): Lane | undefined {
    return this.#lanes.get(keyOf(group, peer));
  }

  /** The lane to somebody, whether there was one or not. */
  get(group: string, peer: NodeId): Lane {
    const known = this.find(group, peer);
    if (known !== undefined) return known;
    const lane = new Lane(group, peer, this.#fill);
    const row = this.#parts.tables.statement(
      "SELECT held FROM messaging_group_vectors WHERE conversation = ? AND member = ?",
    ).get(group, peer);
    const held: [string, Ranges][] = row === undefined ? [] : JSON.parse(String(row.held));
    lane.addAll(held.map(([run, held]) => ({ id: this.#parts.own.id, run, held, never: [] })));
    this.#lanes.set(keyOf(group, peer), lane);
    return lane;
  }

  /** Whether something may still go by a lane. */
  isOpen(lane: Lane): boolean {
    return this.find(lane.group, lane.peer) === lane;
  }

  /** Whether somebody has an own message, by their own word; and whether it left for them. */
  stateOf(
    group: string,
    member: NodeId,
    { hash, run, n }: { readonly hash: string; readonly run: string; readonly n: number },
  ): "waiting" | "left" | "delivered" {
    const lane = this.get(group, member);
    if (this.#has(lane, run, n)) return "delivered";
    return lane.underWay.has(frameIdOf(hash, member)) ? "left" : "waiting";
  }

  /** Which numbers of an own run somebody has, by their own word. */
  heldBy(group: string, member: NodeId, run: string): Ranges {
    return this.get(group, member).heldOf(this.#keys).get(run) ?? [];
  }

  /** Whether somebody who may have an own message has not said that they do. */
  isLacked({ id: group, roster }: Group, { stm, run, n }: OwnNumber): boolean {
    const { own } = this.#parts;
    return roster.members().some(({ id }) =>
      id !== own.id && roster.mayHave(id, stm) && !this.#has(this.get(group, id), run, n)
    );
  }

  /** Somebody has said which own messages they have: that is written down soon. */
  markIn(lane: Lane): void {
    this.#unmarked.add(lane);
    if (this.#isStopped) return;
    this.#cancelMark ??= this.#parts.clock.setTimer(MARK_MS, () => void this.#mark());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const lane of this.#lanes.values()) lane.end();
    await this.#mark();
  }

  /** Inside a transaction: nothing goes to this id any more. */
  writeDrop(peer: NodeId): void {
    for (const [key, lane] of this.#lanes) {
      if (lane.peer !== peer) continue;
      lane.end();
      this.#unmarked.delete(lane);
      this.#lanes.delete(key);
    }
  }

  #has(lane: Lane, run: string, n: number): boolean {
    return this.#keys.some((id) => lane.has(id, run, n));
  }

  async #mark(): Promise<void> {
    const { tables, log } = this.#parts;
    this.#cancelMark?.();
    this.#cancelMark = null;
    const lanes = [...this.#unmarked];
    if (lanes.length === 0) return;
    this.#unmarked.clear();
    try {
      await tables.write(() => {
        for (const lane of lanes) {
          tables.statement(
            `INSERT INTO messaging_group_vectors (conversation, member, held) VALUES (?, ?, ?)
             ON CONFLICT (conversation, member) DO UPDATE SET held = excluded.held`,
          ).run(lane.group, lane.peer, JSON.stringify([...lane.heldOf(this.#keys)]));
        }
      });
    } catch (error) {
      log.log("error", "group_marks_failed", { text: String(error) });
      for (const lane of lanes) this.#unmarked.add(lane);
    }
  }
}

function keyOf(group: string, peer: NodeId): string {
  return `${group} ${peer}`;
}
