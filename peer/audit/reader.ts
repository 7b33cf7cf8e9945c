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
import { LINES_PER_CALL } from "./audit_parts.ts";
import { inBatches, splitLines } from "./line_text.ts";
import type { VerifierParts } from "./verifier.ts";

/** Which entries are asked for. */
export interface AuditFilter {
  readonly event?: string | undefined;
  /** The peer's id. */
  readonly peer?: string | undefined;
  /** Milliseconds since the epoch, both included. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly onlyFailed: boolean;
}

/** What `audit show` asks for. */
export interface AuditQuery extends AuditFilter {
  readonly limit: number;
  /** With it the first entries of a higher number, otherwise the last ones. */
  readonly after?: number | undefined;
}

type Matches = (entry: AuditEntryView) => boolean;

/** What was read so far. */
interface Found {
  readonly entries: AuditEntryView[];
  unreadable: number;
}

interface Search {
  readonly query: AuditQuery;
  readonly matches: Matches;
  readonly signal: AbortSignal;
}

/** The entries of a line, or `null` if they do not open. */
function toViews(line: AuditLine | null): AuditEntryView[] | null {
  if (line?.entries == null) return null;
  const entries = JSON.parse(line.entries) as object[];
  return entries.map((entry, at) => {
    const number = line.number + at;
    return { ...{ number }, ...entry, ...{ number } } as AuditEntryView;
  });
}

/** Reads one log. */
export class AuditReader {
  readonly #parts: VerifierParts;
  readonly #log: AuditLog;

  constructor(parts: VerifierParts, log: AuditLog) {
    this.#parts = parts;
    this.#log = log;
  }

  /**
   * The entries that match, oldest first.
   * @throws {unknown} The signal's reason, as soon as it fires.
   */
  async show(query: AuditQuery, signal: AbortSignal): Promise<AuditView> {
    const head = this.#log.durable.position.number;
    const { after } = query;
    if (after !== undefined && after >= head) return { entries: [], cursor: after, unreadable: 0 };
    const release = await this.#log.hold();
    try {
      const filter = await this.#matcher(query);
      const matches: Matches = (entry) => entry.number <= head && filter(entry);
      const search = { query, matches, signal };
      if (after === undefined) return { ...await this.#last(search), cursor: head };
      const found = await this.#next(search, after);
      const isCut = found.entries.length >= query.limit;
      return { ...found, cursor: isCut ? found.entries.at(-1)?.number ?? after : head };
    } finally {
      release();
    }
  }

  /**
   * The entries that match as JSON lines, or their lines themselves, oldest first. Whether a line that does not open
   * would match nobody knows: it is always there.
   */
  async *export(
    filter: AuditFilter,
    { raw, signal }: { raw: boolean; signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    const matches = await this.#matcher(filter);
    const isWhole = raw && takesAll(filter);
    const release = await this.#log.hold();
    try {
      for (const file of await listLogFiles(this.#parts.files)) {
        for (const batch of inBatches(await this.#linesOf(file), LINES_PER_CALL)) {
          signal.throwIfAborted();
          const texts = isWhole ? batch : await this.#exported(batch, { file, matches, raw });
          if (texts.length > 0) yield encodeUtf8(texts.map((text) => `${text}\n`).join(""));
        }
      }
    } finally {
      release();
    }
  }

  async #exported(
    batch: readonly string[],
    { file, matches, raw }: { file: LogFile; matches: Matches; raw: boolean },
  ): Promise<string[]> {
    const read = await this.#read(batch);
    return batch.flatMap((text, at) => {
      const line = read[at] ?? null;
      const views = toViews(line)?.filter(matches) ?? null;
      if (raw) return views?.length === 0 ? [] : [text];
      const unreadable = { number: line?.number ?? null, file: file.name, unreadable: true };
      return (views ?? [unreadable]).map((shown) => JSON.stringify(shown));
    });
  }

  async #matcher(filter: AuditFilter): Promise<Matches> {
    const { event, peer, sinceMs = -Infinity, untilMs = Infinity, onlyFailed } = filter;
    const log = this.#parts.keys;
    const nodeId = peer === undefined ? null : await this.#parts.crypto.auditPeer({ log, peer });
    return (entry) =>
      (event === undefined || entry.event === event) &&
      (nodeId === null || entry.node_id === nodeId) &&
      entry.timestamp >= sinceMs && entry.timestamp <= untilMs &&
      (!onlyFailed || !entry.success);
  }

  /** The last entries, read from the end. */
  async #last({ query, matches, signal }: Search): Promise<Found> {
    const found: Found = { entries: [], unreadable: 0 };
    for (const file of (await listLogFiles(this.#parts.files)).reverse()) {
      for (const batch of inBatches((await this.#linesOf(file)).toReversed(), LINES_PER_CALL)) {
        signal.throwIfAborted();
        const read = await this.#read(batch);
        if (this.#take(found, read, { matches, most: query.limit, isReversed: true })) {
          return { ...found, entries: found.entries.reverse() };
        }
      }
    }
    return { ...found, entries: found.entries.reverse() };
  }

  /** The first entries of a higher number. */
  async #next({ query, matches, signal }: Search, after: number): Promise<Found> {
    const found: Found = { entries: [], unreadable: 0 };
    const isOld = (line: AuditLine | null) => line !== null && line.last <= after;
    const isFresh: Matches = (entry) => entry.number > after && matches(entry);
    for (const file of await this.#filesBehind(after, signal)) {
      const lines = await this.#linesOf(file);
      for (const batch of inBatches(lines.slice(await this.#skip(lines, after)), LINES_PER_CALL)) {
        signal.throwIfAborted();
        const read = await this.#read(batch);
        const fresh = read.slice(read.findLastIndex(isOld) + 1);
        const asked = { matches: isFresh, most: query.limit, isReversed: false };
        if (this.#take(found, fresh, asked)) return found;
      }
    }
    return found;
  }

  /** @returns Whether no more are wanted. */
  #take(
    found: Found,
    lines: readonly (AuditLine | null)[],
    { matches, most, isReversed }: { matches: Matches; most: number; isReversed: boolean },
  ): boolean {
    for (const line of lines) {
      const views = toViews(line);
      if (views === null) found.unreadable += 1;
      const wanted = views?.filter(matches) ?? [];
      found.entries.push(...(isReversed ? wanted.reverse() : wanted));
      if (found.entries.length < most) continue;
      found.entries.length = most;
      return true;
    }
    return false;
  }

  /** The files that may have lines of a higher number, oldest first. */
  async #filesBehind(after: number, signal: AbortSignal): Promise<readonly LogFile[]> {
    const files = await listLogFiles(this.#parts.files);
    for (let at = files.length - 1; at > 0; at--) {
      signal.throwIfAborted();
      const lines = await this.#linesOf(files[at]!);
      if (await this.#isBehind(lines[0], after)) return files.slice(at);
    }
    return files;
  }

  /** How many lines need not be read, in steps of a call. */
  async #skip(lines: readonly string[], after: number): Promise<number> {
    let [low, high] = [0, Math.ceil(lines.length / LINES_PER_CALL)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await this.#isBehind(lines[middle * LINES_PER_CALL], after)) low = middle;
      else high = middle;
    }
    return low * LINES_PER_CALL;
  }

  /** Whether the entries of a line have that number, or lower ones. */
  async #isBehind(text: string | undefined, number: number): Promise<boolean> {
    if (text === undefined) return false;
    const { crypto, keys: log, nodeId: iss } = this.#parts;
    const options = { log, iss, lines: [text], verify: false, open: false };
    const [line] = await crypto.readAuditLines(options);
    return line != null && line.number <= number;
  }

  async #linesOf(file: LogFile): Promise<readonly string[]> {
    return splitLines(await this.#parts.files.read(file.name) ?? new Uint8Array()).lines;
  }

  #read(lines: readonly string[]): Promise<readonly (AuditLine | null)[]> {
    const { crypto, keys, nodeId } = this.#parts;
    return crypto.readAuditLines({ log: keys, iss: nodeId, lines, verify: false, open: true });
  }
}

function takesAll({ event, peer, sinceMs, untilMs, onlyFailed }: AuditFilter): boolean {
  return !onlyFailed && [event, peer, sinceMs, untilMs].every((value) => value === undefined);
}
