/**
 * Keeps which pairs have lines of their own in a vault file and which share one, and says what a change writes.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { VaultLineContent } from "../../crypto/interface.ts";
import type { PairEntry } from "./pair_entry.ts";
import { nameOf, ownLine, saysTheSame, sharedLine, sharedNameOf } from "./vault_lines.ts";

/** What a change makes of the file. */
export interface LineChange {
  readonly lines: readonly VaultLineContent[];
  /** Names that go. */
  readonly gone: readonly string[];
}

/** The lines of one vault. Pairs are named in hex. */
export class LineBook {
  readonly #pairsOf: (peer: NodeId) => readonly PairEntry[];
  readonly #own = new Set<string>();
  /** The name of the shared line that says something of a pair, even where its own line counts. */
  readonly #sharedBy = new Map<string, string>();
  /** The pairs of each shared line. */
  readonly #shared = new Map<string, readonly string[]>();

  /** @param pairsOf All pairs of a peer as they are in memory. */
  constructor(pairsOf: (peer: NodeId) => readonly PairEntry[]) {
    this.#pairsOf = pairsOf;
  }

  /** Whether a pair's own line counts. */
  hasOwn(pairId: string): boolean {
    return this.#own.has(pairId);
  }

  noteOwn(pairId: string): void {
    this.#own.add(pairId);
  }

  noteShared(name: string, pairIds: readonly string[]): void {
    for (const pairId of this.#shared.get(name) ?? []) this.#sharedBy.delete(pairId);
    for (const pairId of pairIds) this.#sharedBy.set(pairId, name);
    if (pairIds.length > 0) this.#shared.set(name, pairIds);
    else this.#shared.delete(name);
  }

  /** The name of the shared line that says something of a pair. */
  sharedBy(pairId: string): string | null {
    return this.#sharedBy.get(pairId) ?? null;
  }

  /** What is to be written for pairs that were put in or dropped, as they are in memory now. */
  change({ put, dropped }: {
    readonly put: readonly PairEntry[];
    readonly dropped: readonly PairEntry[];
  }): LineChange {
    const sets = new Map<string, NodeId>();
    const gone: string[] = [];
    const touch = ({ pairId, peer }: PairEntry) => {
      const name = this.#sharedBy.get(pairId);
      if (name !== undefined) sets.set(name, peer);
    };
    for (const entry of dropped) {
      if (this.#own.delete(entry.pairId)) gone.push(nameOf(entry));
      touch(entry);
    }
    const lines: VaultLineContent[] = [];
    for (const entry of put) {
      const name = this.#own.has(entry.pairId) ? null : sharedNameOf(entry);
      if (name !== null) sets.set(name, entry.peer);
      else lines.push(this.#writeOwn(entry));
      // No half of a spent pair stays in the file.
      if (entry.half === null) touch(entry);
    }
    for (const [name, peer] of sets) this.#changeSet(name, peer, { lines, gone });
    return { lines, gone };
  }

  /** As {@linkcode change}, for pairs whose own lines say what a shared one can. */
  fold(entries: readonly PairEntry[]): LineChange {
    const put = entries.filter((entry) =>
      this.#own.has(entry.pairId) && sharedNameOf(entry) !== null
    );
    for (const { pairId } of put) this.#own.delete(pairId);
    const { lines, gone } = this.change({ put, dropped: [] });
    return { lines, gone: [...put.map(nameOf), ...gone] };
  }

  #writeOwn(entry: PairEntry): VaultLineContent {
    this.#own.add(entry.pairId);
    return ownLine(entry);
  }

  #changeSet(
    name: string,
    peer: NodeId,
    { lines, gone }: { lines: VaultLineContent[]; gone: string[] },
  ): void {
    const entries = this.#pairsOf(peer).filter((entry) =>
      !this.#own.has(entry.pairId) && sharedNameOf(entry) === name
    );
    const newest = entries.at(-1);
    const together = entries.filter((entry) => newest !== undefined && saysTheSame(entry, newest));
    for (const entry of entries) if (!together.includes(entry)) lines.push(this.#writeOwn(entry));
    if (together.length > 0) lines.push(sharedLine(name, together));
    else if (this.#shared.has(name)) gone.push(name);
    this.noteShared(name, together.map(({ pairId }) => pairId));
  }
}
