/**
 * Which messages of a group this node says that it has.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../../api.ts";
import type { InboxShares } from "../inbox_shares.ts";
import { MAX_NUMBER } from "./core/limits.ts";
import { difference, highest } from "./core/ranges.ts";
import { lacking, type RunEntry } from "./core/vectors.ts";
import type { Group } from "./group.ts";

/** A number of somebody's. */
export interface MessageNumber {
  readonly id: NodeId;
  readonly run: string;
  readonly n: number;
}

export class GroupVectors {
  readonly #tables: ModuleTables;
  readonly #shares: InboxShares;

  constructor(parts: { readonly tables: ModuleTables; readonly shares: InboxShares }) {
    this.#tables = parts.tables;
    this.#shares = parts.shares;
  }

  of(group: Group): RunEntry[] {
    return group.vector((id) => isBlocked(this.#tables, group, id));
  }

  /**
   * With what shows whether others have other messages under the same numbers. Of an author whose share of the inbox is
   * full nothing more is taken of others.
   */
  told(group: Group, peer: NodeId): RunEntry[] {
    const full = new Set(
      [...new Set(this.of(group).map(({ id }) => id))]
        .filter((id) => id !== peer && this.#shares.isFull(id)),
    );
    const forks = this.#tables.statement(
      `SELECT message.author, message.run, message.n FROM messaging_group_chains AS chain
       JOIN messaging_group_messages AS message
         ON message.conversation = chain.conversation AND message.hash = chain.fork
       WHERE chain.conversation = ? AND chain.fork <> ''`,
    ).all(group.id);
    return this.of(group).map((entry) => full.has(entry.id) ? closed(entry) : entry).map(
      (entry) => {
        const { id, run, held } = entry;
        const twice = forks.filter((fork) => fork.author === id && fork.run === run)
          .map(({ n }) => Number(n));
        const [top] = held.length === 0
          ? []
          : this.hashesUnder(group, { id, run, n: highest(held) });
        return { ...entry, ...(top === undefined ? {} : { top }), twice: [...new Set(twice)] };
      },
    );
  }

  /** The messages that are here under one number, the smaller hash first. */
  hashesUnder(group: Group, { id, run, n }: MessageNumber): string[] {
    return this.#tables.statement(
      `SELECT hash FROM messaging_group_messages INDEXED BY messaging_group_numbers
       WHERE conversation = ? AND author = ? AND run = ? AND n = ? AND aside = 0 ORDER BY hash`,
    ).all(group.id, id, run, n).map(({ hash }) => String(hash));
  }
}

/** Nothing of a run is taken now but what is here. */
function closed(entry: RunEntry): RunEntry {
  return { ...entry, never: difference([[1, MAX_NUMBER]], entry.held) };
}

/** Whether the owner has blocked somebody, under this key or one that it followed in the group. */
export function isBlocked({ peers }: ModuleTables, { roster }: Group, id: NodeId): boolean {
  return roster.keysOf(id).some((key) => peers.isBlocked(peers.lastId(key)));
}

/** Whether somebody has messages of a group that are not here and would be taken. */
export function hasForUs(
  { roster }: Group,
  theirs: readonly RunEntry[],
  own: readonly RunEntry[],
): boolean {
  return lacking(theirs, own).some(({ id }) => roster.find(id) !== null);
}
