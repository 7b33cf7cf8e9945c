/**
 * The token vault: `.env` in the seed's form, encrypted at rest. It alone decides which pair may be used.
 *
 * Changes that meet share one write, and each caller hears of it after the write.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import {
  type CryptoCore,
  type KeyRef,
  MAX_CALL_ITEMS,
  type VaultLineContent,
} from "../../crypto/interface.ts";
import type { Clock, Files } from "../../ports/ports.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { CLOCK_ALLOWANCE_MS, PAIR_MEMORY_MS } from "../../protocol/limits.ts";
import type { NodeEvents } from "../events/events.ts";
import { logStorageFailure } from "../store/store.ts";
import { LineBook, type LineChange } from "./line_book.ts";
import { madeAt, type PairEntry } from "./pair_entry.ts";
import { DAMAGED_FILE, VAULT_FILE, VaultFile } from "./vault_file.ts";
import { entriesOf, nameOf } from "./vault_lines.ts";
import { isRemoval, type PlacedLine, sealedOf, type VaultLine } from "./vault_text.ts";

/** How many lines the core opens in one call, and in how many calls at a time while others are read here. */
const LINES_PER_CALL = 56;
const CALLS_AT_A_TIME = 4;

/** How long a change waits at most for another one whose write takes it along. */
const SOON_MS = 1_000;

/** What one durable change of the vault does. */
export interface VaultChange {
  readonly put?: readonly PairEntry[];
  /** Pair ids, hex. */
  readonly drop?: readonly string[];
}

/** A line of the file, and the pairs it says something of; `null` if it did not open. */
interface ReadLine {
  readonly line: VaultLine;
  readonly sealed: string;
  readonly entries: readonly PairEntry[] | null;
}

/** The pairs of one node. */
export class TokenVault {
  readonly #crypto: CryptoCore;
  readonly #clock: Clock;
  readonly #events: NodeEvents;
  readonly #key: KeyRef;
  readonly #file: VaultFile;
  readonly #entries = new Map<string, PairEntry>();
  readonly #byPeer = new Map<NodeId, Map<string, PairEntry>>();
  readonly #lines = new LineBook((peer) => this.forPeer(peer));
  /** Changes reach the file in the order of their calls, however long each takes to seal. */
  #order: Promise<unknown> = Promise.resolve();
  /** What was put in or dropped and is to be written along with something else, by pair id. */
  readonly #later = new Map<string, PairEntry>();
  #cancelLater: (() => void) | null = null;

  constructor(
    parts: { crypto: CryptoCore; clock: Clock; files: Files; events: NodeEvents },
    key: KeyRef,
  ) {
    this.#crypto = parts.crypto;
    this.#clock = parts.clock;
    this.#events = parts.events;
    this.#key = key;
    this.#file = new VaultFile(parts.files);
  }

  /**
   * Reads the file. Lines that do not open are set aside in a file of their own; the others load. A file of before, in
   * which every pair has a line of its own, is written anew.
   */
  async load(): Promise<void> {
    const { lines, damaged } = await this.#file.read();
    const { opened, unopened } = await this.#openNewest(lines);
    await this.#take(opened);
    await this.#spend(new Set(unopened.map(({ name }) => name)));
    await this.#setAside([...damaged, ...unopened]);
    await this.#fold();
  }

  async #setAside(lines: readonly PlacedLine[]): Promise<void> {
    if (lines.length === 0) return;
    await this.#file.setAside(lines);
    this.#events.warn(
      "vault_damaged",
      `${lines.length} damaged line(s) of ${VAULT_FILE} were set aside in ${DAMAGED_FILE}; the others were loaded`,
    );
  }

  /** Opens the last line of each name; where it is damaged, the one before it. */
  async #openNewest(
    lines: readonly VaultLine[],
  ): Promise<{ opened: ReadLine[]; unopened: VaultLine[] }> {
    const byName = Map.groupBy(lines, ({ name }) => name);
    const opened: ReadLine[] = [];
    const unopened: VaultLine[] = [];
    for (let left = [...byName.values()]; left.length > 0;) {
      const newest = left.flatMap((ofName) => ofName.pop() ?? []);
      const read = await this.#openLines(newest.filter((line) => !isRemoval(line)));
      const failed = read.filter(({ entries }) => entries === null).map(({ line }) => line);
      opened.push(...read);
      unopened.push(...failed);
      left = failed.map(({ name }) => byName.get(name) ?? []);
    }
    return { opened, unopened };
  }

  async #openLines(lines: readonly VaultLine[]): Promise<ReadLine[]> {
    const read: ReadLine[] = [];
    const underWay: Promise<ReadLine[]>[] = [];
    for (let start = 0; start < lines.length; start += LINES_PER_CALL) {
      underWay.push(this.#openSome(lines.slice(start, start + LINES_PER_CALL)));
      if (underWay.length === CALLS_AT_A_TIME) read.push(...await underWay.shift()!);
    }
    return [...read, ...(await Promise.all(underWay)).flat()];
  }

  async #openSome(lines: readonly VaultLine[]): Promise<ReadLine[]> {
    const sealed = lines.map((line) => ({ name: line.name, sealed: sealedOf(line) }));
    const opened = await this.#crypto.openLines({ vault: this.#key, lines: sealed });
    return lines.map((line, index) => {
      const content = opened[index] ?? null;
      const entries = content && entriesOf(line.name, content);
      return { line, sealed: sealed[index]!.sealed, entries };
    });
  }

  /** Takes what was read: of a pair that stands in two lines, what its own says. */
  async #take(read: readonly ReadLine[]): Promise<void> {
    const shared: PairEntry[] = [];
    for (const { line: { name }, sealed, entries } of read) {
      if (entries === null) continue;
      this.#file.keep(name, sealed);
      if (entries.every((entry) => nameOf(entry) === name)) {
        for (const entry of entries) this.#lines.noteOwn(entry.pairId);
        for (const entry of entries) this.#put(entry);
      } else {
        this.#lines.noteShared(name, entries.map(({ pairId }) => pairId));
        shared.push(...entries);
      }
    }
    const isOwn = ({ pairId }: PairEntry) => this.#lines.hasOwn(pairId);
    for (const entry of shared) if (!isOwn(entry)) this.#put(entry);
    const unused = shared.filter(isOwn).flatMap(({ half }) => half ?? []);
    if (unused.length > 0) await this.#crypto.releaseAll(unused);
  }

  /**
   * Of a name whose newest line was damaged, an older one says only that there were such pairs: the newer one may have
   * said that they were spent or revoked. So does the line of a set of a pair whose own line was damaged.
   */
  async #spend(names: ReadonlySet<string>): Promise<void> {
    if (names.size === 0) return;
    const put = this.all()
      .filter((entry) =>
        names.has(nameOf(entry)) ||
        !this.#lines.hasOwn(entry.pairId) &&
          names.has(this.#lines.sharedBy(entry.pairId) ?? "")
      )
      .map((entry) => ({ ...entry, half: null }));
    if (put.length > 0) await this.commit({ put });
  }

  async #fold(): Promise<void> {
    const change = this.#lines.fold(this.all());
    if (change.lines.length === 0) return;
    this.#file.rewriteNext();
    // Where the disk takes nothing now, the former file stays, and the next change writes it anew.
    await this.#write(change).catch((error) => {
      if (!hasCode(error, "overloaded")) throw error;
    });
  }

  #put(entry: PairEntry): void {
    this.#entries.set(entry.pairId, entry);
    const ofPeer = this.#byPeer.get(entry.peer) ?? new Map<string, PairEntry>();
    this.#byPeer.set(entry.peer, ofPeer.set(entry.pairId, entry));
  }

  #drop(entry: PairEntry): void {
    this.#entries.delete(entry.pairId);
    const ofPeer = this.#byPeer.get(entry.peer);
    ofPeer?.delete(entry.pairId);
    if (ofPeer?.size === 0) this.#byPeer.delete(entry.peer);
  }

  get(pairId: string): PairEntry | null {
    return this.#entries.get(pairId) ?? null;
  }

  all(): PairEntry[] {
    return [...this.#entries.values()];
  }

  forPeer(peer: NodeId): PairEntry[] {
    return [...this.#byPeer.get(peer)?.values() ?? []];
  }

  /** The pairs this node may start from with a peer, in the order in which to try them. */
  startable(peer: NodeId): PairEntry[] {
    const nowMs = this.#clock.nowMs();
    return this.forPeer(peer)
      .filter((entry) =>
        entry.half !== null && entry.info.role === "initiator" && nowMs < entry.endsAt &&
        (entry.standby === null || entry.standby.confirmedAt !== null ||
          entry.standby.role === "initiator")
      )
      .sort((a, b) => madeAt(b) - madeAt(a) || a.index - b.index);
  }

  /** Whether a message 1 on this pair is still taken: the end, with the allowance. */
  isAlive(entry: PairEntry): boolean {
    return this.#clock.nowMs() <= entry.endsAt + CLOCK_ALLOWANCE_MS;
  }

  /**
   * Applies a change at once, and makes it durable.
   * @returns Resolves when it is on disk.
   * @throws {OpenRedError} `overloaded` if the file could not be written; the next commit writes it too.
   */
  async commit(change: VaultChange): Promise<void> {
    const { put, dropped, spent } = this.#apply(change);
    try {
      await this.#write(this.#lines.change(this.#withLater({ put, dropped })));
    } finally {
      if (spent.length > 0) await this.#crypto.releaseAll(spent);
    }
  }

  /**
   * Applies a change at once. It is written with the next commit, or a second later: a crash before that undoes it.
   * @returns Resolves when the halves that it spent are gone.
   */
  async commitSoon(change: VaultChange): Promise<void> {
    const { put, dropped, spent } = this.#apply(change);
    for (const entry of [...dropped, ...put]) this.#later.set(entry.pairId, entry);
    if (this.#later.size > 0) {
      this.#cancelLater ??= this.#clock.setTimer(SOON_MS, () => void this.#writeLater());
    }
    if (spent.length > 0) await this.#crypto.releaseAll(spent);
  }

  /** In memory. @returns What was dropped, and the halves that cannot be used any more. */
  #apply({ put = [], drop = [] }: VaultChange): {
    put: readonly PairEntry[];
    dropped: readonly PairEntry[];
    spent: readonly KeyRef[];
  } {
    const former = [...drop, ...put.map((entry) => entry.pairId)]
      .flatMap((pairId) => this.get(pairId) ?? []);
    const dropped = drop.flatMap((pairId) => this.get(pairId) ?? []);
    for (const entry of dropped) this.#drop(entry);
    for (const entry of put) this.#put(entry);
    const kept = new Set(put.map((entry) => entry.half));
    const spent = former.flatMap(({ half }) => half === null || kept.has(half) ? [] : half);
    return { put, dropped, spent };
  }

  /** A change, with all that was to be written along with one. */
  #withLater(
    { put, dropped }: { put: readonly PairEntry[]; dropped: readonly PairEntry[] },
  ): { put: readonly PairEntry[]; dropped: readonly PairEntry[] } {
    if (this.#later.size === 0) return { put, dropped };
    const later = [...this.#later.values()];
    this.#later.clear();
    this.#cancelLater?.();
    this.#cancelLater = null;
    return {
      // What was put in once more since then is a part of that change.
      put: [
        ...later.filter((entry) => this.get(entry.pairId) === entry && !put.includes(entry)),
        ...put,
      ],
      dropped: [...later.filter(({ pairId }) => this.get(pairId) === null), ...dropped],
    };
  }

  async #writeLater(): Promise<void> {
    try {
      await this.commit({});
    } catch (error) {
      // The next commit writes it too.
      if (!(error instanceof OpenRedError)) throw error;
      logStorageFailure(this.#events.log, error);
    }
  }

  async #write({ lines, gone }: LineChange): Promise<void> {
    const queued = Promise.all([this.#seal(lines), this.#order]).then(([sealed]) => {
      const change = new Map<string, string | null>(gone.map((name) => [name, null]));
      lines.forEach(({ name }, index) => change.set(name, sealed[index]!));
      this.#file.queue(change);
    });
    this.#order = queued.catch(() => {});
    await queued;
    this.#events.count("vault_writes");
    await this.#file.flush();
  }

  async #seal(lines: readonly VaultLineContent[]): Promise<readonly string[]> {
    if (lines.length === 0) return [];
    const calls: Promise<readonly string[]>[] = [];
    for (let start = 0; start < lines.length; start += MAX_CALL_ITEMS) {
      const some = lines.slice(start, start + MAX_CALL_ITEMS);
      calls.push(this.#crypto.sealLines({ vault: this.#key, lines: some }));
    }
    return (await Promise.all(calls)).flat();
  }

  /**
   * Forgets what has ended so long ago that its id need not be remembered.
   * @param options `isClockSteady`: otherwise the wall clock may be wrong, and unspent standby pairs stay.
   */
  async cleanUp(options: { readonly isClockSteady: boolean }): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const drop = this.all()
      .filter((entry) =>
        nowMs > entry.endsAt + Math.max(PAIR_MEMORY_MS, CLOCK_ALLOWANCE_MS) &&
        (options.isClockSteady || entry.standby === null || entry.half === null)
      )
      .map((entry) => entry.pairId);
    if (drop.length > 0) await this.commit({ drop });
  }

  /**
   * Waits until all that was committed is on disk.
   * @throws {OpenRedError} `overloaded` if the file could not be written.
   */
  async flush(): Promise<void> {
    if (this.#later.size > 0) await this.commit({});
    await this.#order;
    await this.#file.flush();
  }

  /** Writes what waits. Where the disk takes nothing, the next start finds the former state. */
  async stop(): Promise<void> {
    if (this.#later.size > 0) await this.#writeLater();
  }
}
