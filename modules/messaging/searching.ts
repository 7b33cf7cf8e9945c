/**
 * Looking for texts.
 *
 * @module
 */
import type { SearchView } from "../../protocol/messaging_api.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";
import { type History, petnamesOf } from "./history.ts";
import { readName } from "./names.ts";
import { fittingCount, openLatest } from "./opened_texts.ts";
import { type MessageRow, rowsOfBox } from "./rows.ts";
import type { Candidate, SearchIndex } from "./search_index.ts";
import type { Timeline } from "./timeline.ts";
import { matches, type Query, readQuery } from "./search_terms.ts";

/** How many candidates are opened and looked through together, and of about how many bytes. */
const AT_ONCE = 64;
const AT_ONCE_BYTES = 512 * 2 ** 10;

interface SearchParts extends Pick<ModuleContext, "events" | "storage"> {
  readonly tables: ModuleTables;
  readonly index: SearchIndex;
  readonly history: History;
  readonly timeline: Timeline;
}

/** What is looked for. */
export interface Wanted {
  readonly text: string;
  /** In one conversation, or `null` for all. */
  readonly peer: NodeId | null;
  readonly limit: number;
}

/** Finds texts; the index only says where to look, what is shown is the latest text itself. */
export class Searching {
  readonly #parts: SearchParts;

  constructor(parts: SearchParts) {
    this.#parts = parts;
  }

  /** The newest texts that have all of the words. */
  async search({ text, peer, limit }: Wanted): Promise<SearchView> {
    const query = readQuery(text);
    if (query.prefixes.length === 0) return { messages: [], petnames: {}, more: false };
    const { index, history } = this.#parts;
    await index.build();
    const candidates = [...index.unindexed(), ...await index.find(query.prefixes)];
    const rows = this.#newestFirst(candidates, peer);
    const found: MessageRow[] = [];
    for (let isOver = false; !isOver && found.length <= limit;) {
      const some: MessageRow[] = [];
      let bytes = 0;
      while (some.length < AT_ONCE && bytes < AT_ONCE_BYTES && !isOver) {
        const { value, done = false } = rows.next();
        isOver = done;
        if (value === undefined) continue;
        some.push(value);
        bytes += value.sealed.length;
      }
      found.push(...await this.#matching(some, query));
    }
    const measured = found.slice(0, limit).map((row) => ({ ...row, bytes: row.sealed.length }));
    const messages = await history.describe(
      found.slice(0, fittingCount(this.#parts.tables, measured)),
    );
    const people = messages.flatMap(({ conversation, from }) => [conversation, from]);
    return {
      messages,
      petnames: petnamesOf(this.#parts.tables, people),
      more: found.length > messages.length,
    };
  }

  async #matching(rows: readonly MessageRow[], query: Query): Promise<MessageRow[]> {
    const opened = await openLatest(this.#parts, rows);
    return opened.filter(({ text, isDamaged }) => !isDamaged && matches(text, query))
      .map(({ row }) => row);
  }

  /** The texts that candidates are, or are edits of, each read when it is asked for. */
  *#newestFirst(
    candidates: readonly Candidate[],
    peer: NodeId | null,
  ): Generator<MessageRow, undefined> {
    const given = new Set<string>();
    const queues = [false, true].map((own) => {
      const numbers = candidates.filter((candidate) => candidate.own === own)
        .map(({ number }) => number).sort((a, b) => a - b);
      return { own, numbers, head: null as MessageRow | null };
    });
    const fill = (queue: typeof queues[number]) => {
      while (queue.head === null && queue.numbers.length > 0) {
        const row = this.#textOf(this.#row(queue.own, queue.numbers.pop()!));
        const fits = row !== null && row.erased === null &&
          (peer === null || row.conversation === peer) && !given.has(`${row.own} ${row.number}`);
        if (fits) queue.head = row;
      }
      return queue.head;
    };
    for (;;) {
      const [first] = queues.filter((queue) => fill(queue) !== null)
        .sort((a, b) => b.head!.receivedAt - a.head!.receivedAt);
      if (first === undefined) return undefined;
      const row = first.head!;
      first.head = null;
      given.add(`${row.own} ${row.number}`);
      yield row;
    }
  }

  #row(own: boolean, number: number): MessageRow | null {
    return rowsOfBox(this.#parts.tables, own, "WHERE number = ?", number)[0] ?? null;
  }

  #textOf(row: MessageRow | null): MessageRow | null {
    if (row === null || row.kind === "text") return row;
    if (row.target === null || row.kind !== "edit") return null;
    const { own, run, n } = readName(row.target);
    const [found] = rowsOfBox(
      this.#parts.tables,
      own,
      "WHERE conversation = ? AND run = ? AND n = ? AND kind = 'text'",
      ...[row.conversation, run, n],
    );
    return found ?? null;
  }
}
