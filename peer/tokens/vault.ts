/**
 * The token vault: `.env` in the seed's form, encrypted at rest. It alone decides which pair may be used.
 *
 * Changes that meet share one write, and each caller hears of it after the write.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { NodeId } from "../../crypto/encoding.ts";
import type {
  CryptoCore,
  HalfInfo,
  KeyRef,
  OpenedLine,
  StoredHalf,
} from "../../crypto/interface.ts";
import type { Clock, Files } from "../../ports/ports.ts";
import { CLOCK_ALLOWANCE_MS, PAIR_MEMORY_MS, STANDBY_LIFE_MS } from "../../protocol/limits.ts";
import type { NodeEvents } from "../events/events.ts";
import { DAMAGED_FILE, VAULT_FILE, VaultFile } from "./vault_file.ts";
import { isRemoval, sealedOf, type VaultLine } from "./vault_text.ts";

/** How many lines the core opens in one call, and in how many calls at a time while others are read here. */
const LINES_PER_CALL = 250;
const CALLS_AT_A_TIME = 3;
const NAME = /^NODE_(.+)_TOKEN_([0-9a-f]{32})$/;

/** The session whose handshake left a standby pair. */
export interface StandbySet {
  /** Hex. */
  readonly sessionId: string;
  /** This node's part in that handshake. */
  readonly role: "initiator" | "responder";
  /** By the wall clock; `null` until the session is confirmed. */
  readonly confirmedAt: number | null;
}

/** What the vault knows of one pair. */
export interface PairEntry {
  /** Hex. */
  readonly pairId: string;
  readonly peer: NodeId;
  /**
   * `null` once it cannot be used any more, and its id is only remembered: a session of it was confirmed; it was
   * revoked, here or by the peer; its peer was blocked; a newer half of its directory took its place; or the newest
   * line of it was damaged.
   */
  readonly half: KeyRef | null;
  readonly info: HalfInfo;
  /** By this node's wall clock. Nothing is started after it. */
  readonly endsAt: number;
  /** Position among the pairs of one handshake; 0 for a directory's. */
  readonly index: number;
  /** `null` for a pair of a directory. */
  readonly standby: StandbySet | null;
  /** What names each message 1 taken on this pair, base64url. */
  readonly taken: readonly string[];
  /** SHA-256 of the envelope it came in, base64url; `null` for a standby pair. */
  readonly envelope: string | null;
  /** The session of the last message 1 taken or confirmed, hex. */
  readonly session: string | null;
  /** When it was revoked, by this node's owner or at the peer's word, by the wall clock; then its half is gone. */
  readonly revokedAt?: number;
}

/** The entry of a pair as a directory gave it: nothing was done with it yet. */
export function newEntry({ half, info }: StoredHalf, peer: NodeId): PairEntry {
  return {
    pairId: Buffer.from(info.pairId).toString("hex"),
    peer,
    half,
    info,
    endsAt: info.expiresAt,
    index: 0,
    standby: null,
    taken: [],
    envelope: null,
    session: null,
  };
}

/** How new a pair is: of a standby pair by this node's clock, since its `issuedAt` is whatever the peer says. */
export function madeAt({ standby, endsAt, info }: PairEntry): number {
  return standby === null ? info.issuedAt : endsAt - STANDBY_LIFE_MS;
}

/** What a vault line says besides the half. Once the half is gone it is all that is left, and includes `info`. */
type Meta = Omit<PairEntry, "half" | "info" | "peer" | "pairId"> & {
  readonly info?: Record<string, unknown>;
};

/** What one durable change of the vault does. */
export interface VaultChange {
  readonly put?: readonly PairEntry[];
  /** Pair ids, hex. */
  readonly drop?: readonly string[];
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
  /** Changes reach the file in the order of their calls, however long each takes to seal. */
  #order: Promise<unknown> = Promise.resolve();

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

  /** Reads the file. Lines that do not open are set aside in a file of their own; the others load. */
  async load(): Promise<void> {
    const { lines, damaged } = await this.#file.read();
    const unopened = await this.#openNewest(lines);
    await this.#spend(new Set(unopened.map(({ name }) => name)));
    const aside = [...damaged, ...unopened];
    if (aside.length === 0) return;
    await this.#file.setAside(aside);
    this.#events.warn(
      "vault_damaged",
      `${aside.length} damaged line(s) of ${VAULT_FILE} were set aside in ${DAMAGED_FILE}; the others were loaded`,
    );
  }

  /**
   * Opens the last line of each name; where it is damaged, the one before it.
   * @returns The lines that did not open.
   */
  async #openNewest(lines: readonly VaultLine[]): Promise<VaultLine[]> {
    const byName = Map.groupBy(lines, ({ name }) => name);
    const damaged: VaultLine[] = [];
    for (let left = [...byName.values()]; left.length > 0;) {
      const newest = left.flatMap((ofName) => ofName.pop() ?? []);
      const failed = await this.#openLines(newest.filter((line) => !isRemoval(line)));
      damaged.push(...failed);
      left = failed.map(({ name }) => byName.get(name) ?? []);
    }
    return damaged;
  }

  /**
   * Of a name whose newest line was damaged, an older one says only that there was such a pair: the newer one may have
   * said that it was spent or revoked.
   */
  async #spend(names: ReadonlySet<string>): Promise<void> {
    const put = this.all().filter((entry) => names.has(nameOf(entry)))
      .map((entry) => ({ ...entry, half: null }));
    if (put.length > 0) await this.commit({ put });
  }

  /** @returns The lines that did not open. */
  async #openLines(lines: readonly VaultLine[]): Promise<VaultLine[]> {
    const failed: VaultLine[] = [];
    const underWay: Promise<VaultLine[]>[] = [];
    for (let start = 0; start < lines.length; start += LINES_PER_CALL) {
      underWay.push(this.#openSome(lines.slice(start, start + LINES_PER_CALL)));
      if (underWay.length === CALLS_AT_A_TIME) failed.push(...await underWay.shift()!);
    }
    return [...failed, ...(await Promise.all(underWay)).flat()];
  }

  async #openSome(lines: readonly VaultLine[]): Promise<VaultLine[]> {
    const sealed = lines.map((line) => ({ name: line.name, sealed: sealedOf(line) }));
    const opened = await this.#crypto.openLines({ vault: this.#key, lines: sealed });
    return lines.filter((_, index) => !this.#keep(sealed[index]!, opened[index] ?? null));
  }

  #keep({ name, sealed }: { name: string; sealed: string }, opened: OpenedLine | null): boolean {
    if (opened === null) return false;
    const [, peer = "", pairId = ""] = NAME.exec(name) ?? [];
    // The name is sealed with what it names: this node has written it so.
    this.#put(fromMeta({ peer: peer as NodeId, pairId }, opened));
    this.#file.keep(name, sealed);
    return true;
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
    const { put = [], drop = [] } = change;
    const former = [...drop, ...put.map((entry) => entry.pairId)]
      .flatMap((pairId) => this.get(pairId) ?? []);
    const dropped = drop.flatMap((pairId) => this.get(pairId) ?? []);
    for (const entry of dropped) this.#drop(entry);
    for (const entry of put) this.#put(entry);
    const queued = Promise.all([this.#seal(put, dropped), this.#order])
      .then(([lines]) => this.#file.queue(lines));
    this.#order = queued.catch(() => {});
    try {
      await queued;
      await this.#file.flush();
    } finally {
      const kept = new Set(put.map((entry) => entry.half));
      const spent = former.flatMap(({ half }) => half === null || kept.has(half) ? [] : half);
      await Promise.all(spent.map((half) => this.#crypto.release(half)));
    }
  }

  async #seal(
    put: readonly PairEntry[],
    dropped: readonly PairEntry[],
  ): Promise<Map<string, string | null>> {
    const lines = new Map<string, string | null>();
    for (const entry of dropped) lines.set(nameOf(entry), null);
    const sealed = await Promise.all(put.map((entry) => this.#sealEntry(entry)));
    put.forEach((entry, index) => lines.set(nameOf(entry), sealed[index] ?? null));
    return lines;
  }

  #sealEntry(entry: PairEntry): Promise<string> {
    const name = nameOf(entry);
    const vault = this.#key;
    const meta = JSON.stringify(toMeta(entry));
    return entry.half === null
      ? this.#crypto.sealNote({ vault, name, note: meta })
      : this.#crypto.sealHalf({ vault, half: entry.half, name, meta });
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
    await this.#order;
    await this.#file.flush();
  }
}

function nameOf(entry: PairEntry): string {
  return `NODE_${entry.peer}_TOKEN_${entry.pairId}`;
}

/** A half holds its own `info`; whose pair it is, and which, stands in the name. */
function toMeta(entry: PairEntry): Meta {
  const { half, info, peer: _peer, pairId: _pairId, ...rest } = entry;
  return half === null ? { ...rest, info: { ...info, pairId: undefined } } : rest;
}

function fromMeta(name: { peer: NodeId; pairId: string }, opened: OpenedLine): PairEntry {
  const meta: Meta = JSON.parse(opened.meta);
  const info = opened.info ?? infoOfNote(meta, name.pairId);
  return { ...meta, ...name, half: opened.half, info };
}

function infoOfNote({ info }: Meta, pairId: string): HalfInfo {
  return { ...info, pairId: new Uint8Array(Buffer.from(pairId, "hex")) } as unknown as HalfInfo;
}
