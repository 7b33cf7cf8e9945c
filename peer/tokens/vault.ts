/**
 * The token vault: `.env` in the seed's form, encrypted at rest. It alone decides which pair may be used.
 *
 * The file is written whole (temporary file, fsync, rename) from what is in memory; changes that meet share one
 * write, and each caller hears of it after the write.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { parse } from "@std/dotenv/parse";
import { decodeUtf8, encodeUtf8, isNodeId, type NodeId } from "../../crypto/encoding.ts";
import {
  type CryptoCore,
  CryptoError,
  type HalfInfo,
  type KeyRef,
} from "../../crypto/interface.ts";
import type { Clock, Files } from "../../ports/ports.ts";
import { CLOCK_ALLOWANCE_MS, PAIR_MEMORY_MS } from "../../protocol/limits.ts";
import type { NodeEvents } from "../events.ts";
import { storageFailed } from "../store.ts";

const FILE = ".env";
const DAMAGED_FILE = ".env.damaged";
const LINE_NAME = /^NODE_(z[1-9A-HJ-NP-Za-km-z]+)_TOKEN_([0-9a-f]{32})$/;
const VALUE_PREFIX = "encrypted:AES256:";
const MASTER_KEY_LINE = "TOKEN_MASTER_KEY=derived_from_node_secret";

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
  /** `null` once a session of this pair was confirmed. */
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
}

type Meta = Omit<PairEntry, "half" | "info"> & { readonly info: Record<string, unknown> };

/** What one durable change of the vault does. */
export interface VaultChange {
  readonly put?: readonly PairEntry[];
  /** Pair ids, hex. */
  readonly drop?: readonly string[];
}

/** An entry as it is now, and its newest sealed text; `null` while its first is being made. */
interface Line {
  entry: PairEntry;
  text: string | null;
  textVersion: number;
}

/** The pairs of one node. */
export class TokenVault {
  readonly #crypto: CryptoCore;
  readonly #clock: Clock;
  readonly #files: Files;
  readonly #events: NodeEvents;
  readonly #key: KeyRef;
  readonly #lines = new Map<string, Line>();
  #version = 0;
  #writing: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;

  constructor(
    parts: { crypto: CryptoCore; clock: Clock; files: Files; events: NodeEvents },
    key: KeyRef,
  ) {
    this.#crypto = parts.crypto;
    this.#clock = parts.clock;
    this.#files = parts.files;
    this.#events = parts.events;
    this.#key = key;
  }

  /** Reads the file. Lines that do not open are set aside in a file of their own; the others load. */
  async load(): Promise<void> {
    const content = await this.#files.read(FILE);
    if (content === null) return;
    const damaged: string[] = [];
    let text: string;
    try {
      text = decodeUtf8(content);
    } catch {
      text = Buffer.from(content).toString("latin1");
    }
    for (const line of text.split("\n")) {
      if (line.trim() === "" || line === MASTER_KEY_LINE) continue;
      const entry = await this.#openLine(line);
      if (entry === null) damaged.push(line);
      else this.#lines.set(entry.pairId, { entry, text: line, textVersion: 0 });
    }
    if (damaged.length > 0) await this.#setAside(damaged);
  }

  async #setAside(damaged: readonly string[]): Promise<void> {
    const before = await this.#files.read(DAMAGED_FILE);
    const kept = before === null ? "" : decodeUtf8(before);
    await this.#files.write(DAMAGED_FILE, encodeUtf8(kept + damaged.join("\n") + "\n"));
    await this.#write();
    this.#events.warn(
      "vault_damaged",
      `${damaged.length} damaged line(s) of ${FILE} were set aside in ${DAMAGED_FILE}; the others were loaded`,
    );
  }

  async #openLine(line: string): Promise<PairEntry | null> {
    const [[name, value] = ["", ""]] = Object.entries(parse(line));
    const match = LINE_NAME.exec(name);
    if (match === null || !value.startsWith(VALUE_PREFIX)) return null;
    const [, peer = "", pairId = ""] = match;
    if (!isNodeId(peer)) return null;
    const sealed = value.slice(VALUE_PREFIX.length);
    try {
      return await this.#openValue({ name, sealed, pairId, peer });
    } catch (error) {
      if (error instanceof CryptoError && error.code === "unseal_failed") return null;
      throw error;
    }
  }

  async #openValue(
    line: { name: string; sealed: string; pairId: string; peer: NodeId },
  ): Promise<PairEntry> {
    const { name, sealed } = line;
    const opened = await this.#crypto.openNote({ vault: this.#key, name, sealed }).catch(() =>
      null
    );
    if (opened !== null) return fromMeta(JSON.parse(opened), { half: null, info: null });
    const { half, info, meta } = await this.#crypto.openHalf({ vault: this.#key, name, sealed });
    return fromMeta(JSON.parse(meta), { half, info });
  }

  get(pairId: string): PairEntry | null {
    return this.#lines.get(pairId)?.entry ?? null;
  }

  all(): PairEntry[] {
    return [...this.#lines.values()].map((line) => line.entry);
  }

  forPeer(peer: NodeId): PairEntry[] {
    return this.all().filter((entry) => entry.peer === peer);
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
      .sort((a, b) => b.info.issuedAt - a.info.issuedAt || a.index - b.index);
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
    const before = [...change.drop ?? [], ...(change.put ?? []).map((entry) => entry.pairId)]
      .map((pairId) => this.get(pairId)?.half ?? null);
    for (const pairId of change.drop ?? []) this.#lines.delete(pairId);
    const sealing = (change.put ?? []).map((entry) => this.#replace(entry));
    for (const finish of await Promise.all(sealing)) finish();
    await this.#write().catch((cause: unknown) => {
      throw storageFailed(cause);
    });
    const kept = new Set((change.put ?? []).map((entry) => entry.half));
    const spent = before.filter((half) => half !== null && !kept.has(half));
    await Promise.all(spent.map((half) => this.#crypto.release(half as KeyRef)));
  }

  /**
   * Puts an entry in place at once and seals its line.
   * @returns What makes the sealed text count; all of one change are called together.
   */
  async #replace(entry: PairEntry): Promise<() => void> {
    const line = this.#lines.get(entry.pairId) ?? { entry, text: null, textVersion: 0 };
    line.entry = entry;
    this.#lines.set(entry.pairId, line);
    const version = ++this.#version;
    const text = await this.#sealLine(entry);
    return () => {
      if (version <= line.textVersion) return;
      line.text = text;
      line.textVersion = version;
    };
  }

  async #sealLine(entry: PairEntry): Promise<string> {
    const name = `NODE_${entry.peer}_TOKEN_${entry.pairId}`;
    const meta = JSON.stringify(toMeta(entry));
    const vault = this.#key;
    const sealed = entry.half === null
      ? await this.#crypto.sealNote({ vault, name, note: meta })
      : await this.#crypto.sealHalf({ vault, half: entry.half, name, meta });
    return `${name}=${VALUE_PREFIX}${sealed}`;
  }

  /** Forgets what has ended so long ago that its id need not be remembered. */
  async cleanUp(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const drop = this.all()
      .filter((entry) => nowMs > entry.endsAt + Math.max(PAIR_MEMORY_MS, CLOCK_ALLOWANCE_MS))
      .map((entry) => entry.pairId);
    if (drop.length > 0) await this.commit({ drop });
  }

  /** Writes the file; a write that has not begun yet takes later changes along. */
  #write(): Promise<void> {
    this.#queued ??= this.#writing.catch(() => {}).then(() => {
      this.#queued = null;
      this.#writing = this.#files.write(FILE, this.#render());
      return this.#writing;
    });
    return this.#queued;
  }

  #render(): Uint8Array {
    const lines = [...this.#lines.values()].flatMap((line) => line.text ?? []);
    return encodeUtf8([MASTER_KEY_LINE, ...lines].join("\n") + "\n");
  }
}

function toMeta(entry: PairEntry): Meta {
  const { half: _half, info, ...rest } = entry;
  return { ...rest, info: { ...info, pairId: entry.pairId } };
}

function fromMeta(meta: Meta, opened: { half: KeyRef | null; info: HalfInfo | null }): PairEntry {
  const pairId = new Uint8Array(Buffer.from(meta.pairId, "hex"));
  const info = opened.info ?? ({ ...meta.info, pairId } as unknown as HalfInfo);
  return { ...meta, half: opened.half, info };
}
