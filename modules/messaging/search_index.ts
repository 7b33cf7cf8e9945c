/**
 * The index that searches look into: sealed segments of a few hundred messages each, opened in memory. What is newer than
 * the last segment is looked through itself.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import type { ModuleContext, ModuleStorage, ModuleTables } from "../api.ts";
import { openRows } from "./opened_texts.ts";
import { boxOf, type MessageRow, rowsOfBox } from "./rows.ts";
import { findInSegment, writeSegment } from "./search_segment.ts";

/** How many messages a segment is of, and of how many sealed bytes unless one message has more: it is sealed at once. */
const SEGMENT = 256;
const SEGMENT_BYTES = 512 * 2 ** 10;
/** What is opened together, and kept in memory while searches go on. */
const MAX_CALL_BYTES = 2 * 2 ** 20;
const MAX_HELD_BYTES = 64 * 2 ** 20;
const IDLE_MS = 5 * 60_000;

interface IndexParts extends Pick<ModuleContext, "clock" | "events" | "log" | "storage"> {
  readonly tables: ModuleTables;
}

interface Segment {
  readonly own: boolean;
  readonly first: number;
  readonly last: number;
}

/** A message that may be one that is looked for. */
export interface Candidate {
  readonly own: boolean;
  readonly number: number;
}

/** The index of all texts. */
export class SearchIndex {
  readonly #parts: IndexParts;
  /** Opened segments, by where they begin. */
  readonly #held = new Map<string, string>();
  #heldBytes = 0;
  #usedMs = -Infinity;
  #building: Promise<void> | null = null;

  constructor(parts: IndexParts) {
    this.#parts = parts;
  }

  /** Writes segments of what has none yet, and anew those of which something is gone. One at a time. */
  build(): Promise<void> {
    this.#building ??= this.#build().finally(() => this.#building = null);
    return this.#building;
  }

  /** Lets go what nobody has looked into for a while. */
  rest(): void {
    if (this.#parts.clock.monotonicMs() - this.#usedMs >= IDLE_MS) this.#forgetHeld();
  }

  /** The messages that have all terms with these beginnings. */
  async find(prefixes: readonly string[]): Promise<Candidate[]> {
    this.#usedMs = this.#parts.clock.monotonicMs();
    const segments = this.#segments("stale = 0");
    const texts = await this.#open(segments);
    return segments.flatMap(({ own, first }, index) => {
      const text = texts[index];
      if (text == null) return [];
      const [found, ...others] = prefixes.map((prefix) => findInSegment(text, first, prefix));
      if (found === undefined) return [];
      return [...found].filter((number) => others.every((other) => other.has(number)))
        .map((number) => ({ own, number }));
    });
  }

  /** What no segment is of. */
  unindexed(): Candidate[] {
    const { tables } = this.#parts;
    return [false, true].flatMap((own) => {
      const stale = this.#segments("stale = 1").filter((segment) => segment.own === own);
      const ranges = [
        ...stale.map(({ first, last }) => [first, last] as const),
        [this.#lastOf(own) + 1, Number.MAX_SAFE_INTEGER] as const,
      ];
      return ranges.flatMap(([first, last]) =>
        tables.statement(
          `SELECT number FROM ${boxOf(own)} WHERE number BETWEEN ? AND ?
           AND kind IN ('text', 'edit') AND erased IS NULL`,
        ).all(first, last).map(({ number }) => ({ own, number: Number(number) }))
      );
    });
  }

  async #build(): Promise<void> {
    for (const own of [false, true]) {
      for (;;) {
        const segment = this.#next(own);
        if (segment === null) break;
        await this.#write(segment, this.#rows(segment));
      }
    }
    for (const segment of this.#segments("stale = 1")) {
      await this.#write(segment, this.#rows(segment));
    }
  }

  /** What the next segment is of; `null` while it would not be full. */
  #next(own: boolean): Segment | null {
    const rows = this.#parts.tables.statement(
      `SELECT number, LENGTH(sealed) AS bytes FROM ${boxOf(own)}
       WHERE number > ? AND kind IN ('text', 'edit') AND erased IS NULL ORDER BY number LIMIT ?`,
    ).all(this.#lastOf(own), SEGMENT);
    let bytes = 0;
    const over = rows.findIndex((row) => (bytes += Number(row.bytes)) > SEGMENT_BYTES);
    if (over === -1 && rows.length < SEGMENT) return null;
    const last = over === -1 ? rows.at(-1)! : rows[Math.max(0, over - 1)]!;
    return { own, first: Number(rows[0]!.number), last: Number(last.number) };
  }

  async #write(segment: Segment, rows: readonly MessageRow[]): Promise<void> {
    const { tables, storage } = this.#parts;
    const { own, first, last } = segment;
    const texts = await openRows(this.#parts, rows);
    const messages = rows.map(({ number }, index) => ({ number, text: texts[index] ?? "" }));
    const content = encodeUtf8(writeSegment(first, messages));
    const [sealed] = await storage.seal([{ aad: aadOf(segment), content }]);
    await tables.write(() => {
      // What was taken away meanwhile is in it, and makes it stale at once.
      const isWhole = rows.length === this.#count(rows, own);
      tables.statement(
        `INSERT OR REPLACE INTO messaging_segments (own, first, last, stale, sealed)
         VALUES (?, ?, ?, ?, ?)`,
      ).run(Number(own), first, last, Number(!isWhole), sealed!);
    });
    this.#forgetHeld();
  }

  #count(rows: readonly MessageRow[], own: boolean): number {
    if (rows.length === 0) return 0;
    const row = this.#parts.tables.statement(
      `SELECT COUNT(*) AS count FROM ${boxOf(own)} WHERE number BETWEEN ? AND ?
       AND kind IN ('text', 'edit') AND erased IS NULL`,
    ).get(rows[0]!.number, rows.at(-1)!.number);
    return Number(row?.count ?? 0);
  }

  #rows({ own, first, last }: Segment): MessageRow[] {
    return rowsOfBox(
      this.#parts.tables,
      own,
      `WHERE number BETWEEN ? AND ? AND kind IN ('text', 'edit') AND erased IS NULL
       ORDER BY number LIMIT ?`,
      ...[first, last, SEGMENT],
    );
  }

  #segments(condition: string): Segment[] {
    return this.#parts.tables
      .statement(`SELECT own, first, last FROM messaging_segments WHERE ${condition}`).all()
      .map(({ own, first, last }) => ({
        own: Number(own) === 1,
        first: Number(first),
        last: Number(last),
      }));
  }

  #lastOf(own: boolean): number {
    const row = this.#parts.tables
      .statement("SELECT MAX(last) AS last FROM messaging_segments WHERE own = ?").get(Number(own));
    return Number(row?.last ?? 0);
  }

  /** Opens segments, as far as they are not held; one that was changed on disk is said, and written anew. */
  async #open(segments: readonly Segment[]): Promise<readonly (string | null)[]> {
    const missing = segments.filter((segment) => !this.#held.has(keyOf(segment)));
    const opened = new Map<string, string | null>();
    for (const some of this.#inCalls(missing)) {
      const contents = await this.#parts.storage.open(some.rows);
      for (const [index, segment] of some.segments.entries()) {
        const content = contents[index] ?? null;
        opened.set(keyOf(segment), content === null ? null : decodeUtf8(content));
        if (content === null) await this.#noteDamaged(segment);
        else this.#hold(segment, opened.get(keyOf(segment))!);
      }
    }
    return segments.map((segment) =>
      opened.get(keyOf(segment)) ?? this.#held.get(keyOf(segment)) ?? null
    );
  }

  *#inCalls(segments: readonly Segment[]) {
    let call: { segments: Segment[]; rows: SealedSegment[]; bytes: number } | null = null;
    for (const segment of segments) {
      const row = this.#parts.tables
        .statement("SELECT sealed FROM messaging_segments WHERE own = ? AND first = ?")
        .get(Number(segment.own), segment.first);
      const sealed = row?.sealed as Uint8Array | undefined;
      if (sealed === undefined) continue;
      if (call !== null && call.bytes + sealed.length > MAX_CALL_BYTES) {
        yield call;
        call = null;
      }
      call ??= { segments: [], rows: [], bytes: 0 };
      call.segments.push(segment);
      call.rows.push({ aad: aadOf(segment), sealed });
      call.bytes += sealed.length;
    }
    if (call !== null) yield call;
  }

  async #noteDamaged({ own, first }: Segment): Promise<void> {
    const { tables, events } = this.#parts;
    events.warn("damaged_index", "A part of the search index was changed on disk; it is made anew");
    await tables.write(() => {
      tables.statement("UPDATE messaging_segments SET stale = 1 WHERE own = ? AND first = ?")
        .run(Number(own), first);
    });
  }

  #hold(segment: Segment, text: string): void {
    if (this.#heldBytes + text.length > MAX_HELD_BYTES) return;
    this.#held.set(keyOf(segment), text);
    this.#heldBytes += text.length;
  }

  #forgetHeld(): void {
    this.#held.clear();
    this.#heldBytes = 0;
  }
}

type SealedSegment = Parameters<ModuleStorage["open"]>[0][number];

function keyOf({ own, first }: Segment): string {
  return `${own ? "o" : "p"}${first}`;
}

function aadOf({ own, first, last }: Segment): Uint8Array {
  return encodeUtf8(JSON.stringify(["segment", own, first, last]));
}
