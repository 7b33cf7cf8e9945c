/**
 * Reads entries of an audit log. What opens is authentic; whether anything is missing, only `verify` says.
 *
 * @module
 */
import type { AuditLine } from "../../crypto/interface.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { AuditEntryView, AuditView } from "../../protocol/audit_api.ts";
import { listLogFiles, type LogFile } from "./audit_files.ts";
import type { AuditLog } from "./audit_log.ts";
import { type AuditParts, LINES_PER_CALL } from "./audit_parts.ts";
import { inBatches, splitLines } from "./line_text.ts";

/** What `audit show` asks for. */
export interface AuditQuery {
  readonly event?: string | undefined;
  /** The peer's id. */
  readonly peer?: string | undefined;
  /** Milliseconds since the epoch, both included. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly onlyFailed: boolean;
  readonly limit: number;
  /** With it the first entries of a higher number, otherwise the last ones. */
  readonly after?: number | undefined;
}

type Matches = (entry: AuditEntryView) => boolean;

/** What was read so far, newest first. */
interface Found {
  readonly entries: AuditEntryView[];
  unreadable: number;
}

function toView(line: AuditLine): AuditEntryView | null {
  if (line.entry === null) return null;
  const { number } = line;
  return { ...{ number }, ...JSON.parse(line.entry), ...{ number } } as AuditEntryView;
}

/** Reads one log. */
export class AuditReader {
  readonly #parts: Pick<AuditParts, "crypto" | "files" | "nodeId" | "keys">;
  readonly #log: AuditLog;

  constructor(parts: Pick<AuditParts, "crypto" | "files" | "nodeId" | "keys">, log: AuditLog) {
    this.#parts = parts;
    this.#log = log;
  }

  /**
   * The entries that match, oldest first.
   * @throws {unknown} The signal's reason, as soon as it fires.
   */
  async show(query: AuditQuery, signal?: AbortSignal): Promise<AuditView> {
    const head = this.#log.durable.position.number;
    const after = query.after ?? 0;
    if (after >= head) return { entries: [], cursor: after, unreadable: 0 };
    const matches = await this.#matcher(query, head);
    const most = query.after === undefined ? query.limit : Infinity;
    const found: Found = { entries: [], unreadable: 0 };
    const files = await listLogFiles(this.#parts.files);
    for (const file of files.reverse()) {
      const isOver = await this.#collect(file, found, { matches, most, after, signal });
      if (isOver) break;
    }
    const entries = found.entries.reverse().slice(0, query.limit);
    const isCut = query.after !== undefined && found.entries.length > query.limit;
    const cursor = isCut ? entries.at(-1)?.number ?? after : head;
    return { entries, cursor, unreadable: found.unreadable };
  }

  /** All entries as JSON lines, or the lines themselves, oldest first; those that do not open are named. */
  async *export(options: { raw: boolean; signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    const release = this.#log.hold();
    try {
      for (const file of await listLogFiles(this.#parts.files)) {
        const content = await this.#parts.files.read(file.name) ?? new Uint8Array();
        const { lines } = splitLines(content);
        for (const batch of inBatches(lines, LINES_PER_CALL)) {
          options.signal.throwIfAborted();
          const texts = options.raw ? batch : await this.#exported(file, batch);
          yield encodeUtf8(texts.map((text) => `${text}\n`).join(""));
        }
      }
    } finally {
      release();
    }
  }

  async #exported(file: LogFile, batch: readonly string[]): Promise<string[]> {
    const read = await this.#read(batch);
    return read.map((line) => {
      const view = line === null ? null : toView(line);
      if (view !== null) return JSON.stringify(view);
      return JSON.stringify({ number: line?.number ?? null, file: file.name, unreadable: true });
    });
  }

  async #matcher(query: AuditQuery, head: number): Promise<Matches> {
    const { event, peer, sinceMs = -Infinity, untilMs = Infinity, onlyFailed } = query;
    const log = this.#parts.keys;
    const nodeId = peer === undefined ? null : await this.#parts.crypto.auditPeer({ log, peer });
    return (entry) =>
      entry.number <= head &&
      (event === undefined || entry.event === event) &&
      (nodeId === null || entry.node_id === nodeId) &&
      entry.timestamp >= sinceMs && entry.timestamp <= untilMs &&
      (!onlyFailed || !entry.success);
  }

  /** Goes through a file from its end. @returns Whether no older line is wanted. */
  async #collect(
    file: LogFile,
    found: Found,
    options: { matches: Matches; most: number; after: number; signal: AbortSignal | undefined },
  ): Promise<boolean> {
    const { lines } = splitLines(await this.#parts.files.read(file.name) ?? new Uint8Array());
    for (const batch of inBatches(lines.toReversed(), LINES_PER_CALL)) {
      options.signal?.throwIfAborted();
      for (const line of await this.#read(batch)) {
        if (line !== null && line.number <= options.after) return true;
        const view = line === null ? null : toView(line);
        if (view === null) found.unreadable += 1;
        else if (options.matches(view)) found.entries.push(view);
        if (found.entries.length >= options.most) return true;
      }
    }
    return false;
  }

  #read(lines: readonly string[]): Promise<readonly (AuditLine | null)[]> {
    const { crypto, keys, nodeId } = this.#parts;
    return crypto.readAuditLines({ log: keys, iss: nodeId, lines, verify: false, open: true });
  }
}
