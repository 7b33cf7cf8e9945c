/**
 * The audit log of a node: encrypted, signed, each line naming the hash of the one before.
 *
 * Entries of one turn of the event loop share lines, signed in one call of the core, while what was signed before them is
 * written; whoever waits for an entry hears of it when its line is on disk.
 *
 * @module
 * @see docs/PROTOCOL.md, "Audit log"
 */
import type { AuditEntry, AuditPosition } from "../../crypto/interface.ts";
import { storageFailed } from "../store/store.ts";
import type { AuditCause, AuditFields } from "../events/events.ts";
import { type AuditParts, LINES_PER_CALL } from "./audit_parts.ts";
import type { AuditSettings } from "../../protocol/node_settings.ts";
import { logFileName } from "./audit_files.ts";
import { ChainWriter, type Durable } from "./chain_writer.ts";
import { splitLines } from "./line_text.ts";
import { finishPruning, prune } from "./pruning.ts";
import { type Finding, recover } from "./recovery.ts";
import { Throttle } from "./throttle.ts";

/** How long an entry that a peer causes, and nobody waits for, waits for others to share its line. */
const GATHER_MS = 250;
/** Entries that may wait while the disk takes none. */
const MAX_WAITING = 10_000;
const MAX_FIELD_LENGTH = 256;
const MAX_FIELDS = 12;
const MAX_EVENT_LENGTH = 64;

interface Waiting {
  readonly entry: AuditEntry;
  resolve(): void;
  reject(error: unknown): void;
}

function toEntry(timestamp: number, event: string, given: AuditFields): AuditEntry {
  const { peer, success, ...others } = given;
  const fields = Object.entries(others).slice(0, MAX_FIELDS).map(([name, value]) => [
    name.slice(0, MAX_EVENT_LENGTH),
    typeof value === "string" ? value.slice(0, MAX_FIELD_LENGTH) : value,
  ]);
  return {
    timestamp,
    event: event.slice(0, MAX_EVENT_LENGTH),
    peer: peer ?? null,
    success,
    fields: Object.fromEntries(fields),
  };
}

/** An open audit log. */
export class AuditLog {
  readonly #parts: AuditParts;
  readonly #settings: AuditSettings;
  readonly #writer: ChainWriter;
  readonly #throttle: Throttle;
  #waiting: Waiting[] = [];
  #signing: Promise<void> | null = null;
  /** Ends the wait before signing; `null` where nothing waits. */
  #hurry: (() => void) | null = null;
  #signed: AuditPosition;
  #fileSinceMs: number;
  #lost = 0;
  #readers = 0;
  #pruning: Promise<void> = Promise.resolve();
  #isMarkDue = true;
  #marking: Promise<void> = Promise.resolve();
  #isStopped = false;

  private constructor(
    parts: AuditParts,
    settings: AuditSettings,
    start: { writer: ChainWriter; sinceMs: number },
  ) {
    this.#parts = parts;
    this.#settings = settings;
    this.#writer = start.writer;
    this.#signed = start.writer.durable.position;
    this.#fileSinceMs = start.sinceMs;
    this.#throttle = new Throttle(
      parts.clock,
      (event, repeated) =>
        void this.record(event, { success: false, repeated }).catch(() => undefined),
    );
  }

  /** Opens the log of a data directory, or begins it. What a crash has left, or somebody changed, is said and noted. */
  static async open(parts: AuditParts, settings: AuditSettings): Promise<AuditLog> {
    const { findings, ...start } = await recover(parts);
    const writer = new ChainWriter(parts, start);
    const sinceMs = await readStart(parts, start.position) ?? parts.clock.nowMs();
    const log = new AuditLog(parts, settings, { writer, sinceMs });
    log.#tell(findings);
    log.#prune();
    return log;
  }

  /** What is on disk now. */
  get durable(): Durable {
    return this.#writer.durable;
  }

  /** Entries that wait to be signed. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Adds an entry.
   * @returns Resolves when it is on disk.
   * @throws {OpenRedError} `overloaded` if the disk takes nothing and too much waits already, or the node stopped.
   */
  record(event: string, fields: AuditFields): Promise<void> {
    const recorded = this.#record(event, fields, 0);
    this.#hurry?.();
    return recorded;
  }

  #record(event: string, fields: AuditFields, delayMs: number): Promise<void> {
    if (this.#isStopped) return Promise.reject(storageFailed(new Error("The log was closed")));
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lost += 1;
      return Promise.reject(storageFailed(new Error("Too many entries wait for the disk")));
    }
    const entry = toEntry(this.#parts.clock.nowMs(), event, fields);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#signing ??= this.#signSoon(delayMs);
    });
  }

  /**
   * As {@linkcode record}, for what others can cause as often as they like: many of them become one entry. It is not
   * hurried: what one peer does comes in several entries, which then share a line.
   */
  async recordThrottled(event: string, fields: AuditFields, cause: AuditCause): Promise<void> {
    if (this.#throttle.admits(event, cause)) await this.#record(event, fields, GATHER_MS);
  }

  /** Runs work while nothing is written. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#writer.exclusively(work);
  }

  /** Keeps old files from being removed until the returned function is called. A removal under way ends first. */
  async hold(): Promise<() => void> {
    let isHeld = true;
    this.#readers += 1;
    await this.#pruning;
    return () => {
      if (isHeld) this.#readers -= 1;
      isHeld = false;
    };
  }

  /** Writes what waits and takes no more. */
  async stop(): Promise<void> {
    this.#throttle.stop();
    this.#isStopped = true;
    this.#writer.endRetries();
    this.#hurry?.();
    await this.#signing;
    await this.#writer.stop();
    await this.#pruning;
    this.#mark();
    await this.#marking;
  }

  #tell(findings: readonly Finding[]): void {
    for (const { event, success, text, fields } of findings) {
      if (success) this.#parts.warnings.note(event, text);
      else this.#parts.warnings.warn(event, text);
      void this.record(event, { success, ...fields }).catch(() => undefined);
    }
  }

  /** Waits for the end of this turn at least, so that its entries share a line. */
  async #signSoon(delayMs: number): Promise<void> {
    const { clock } = this.#parts;
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(delayMs, resolve);
      this.#hurry = () => {
        this.#hurry = null;
        cancel();
        clock.setTimer(0, resolve);
      };
    });
    this.#hurry = null;
    try {
      while (this.#waiting.length > 0) {
        await this.#writer.room();
        await this.#signGroup();
      }
    } finally {
      this.#signing = null;
    }
  }

  async #signGroup(): Promise<void> {
    const { crypto, identity, keys } = this.#parts;
    const group = this.#waiting.splice(0, LINES_PER_CALL);
    const entries = [...group.map((waiting) => waiting.entry), ...this.#takeLost()];
    const isRotated = this.#isFull();
    const isMarked = isRotated || this.#isMarkDue;
    this.#isMarkDue = false;
    const from = isRotated
      ? { ...this.#signed, file: this.#signed.file + 1, bytes: 0 }
      : this.#signed;
    try {
      const { lines, head } = await crypto.auditLines({
        key: identity,
        log: keys,
        from,
        entries,
      });
      this.#signed = head;
      if (isRotated) this.#fileSinceMs = this.#parts.clock.nowMs();
      const resolve = () => {
        for (const waiting of group) waiting.resolve();
        this.#parts.marks.note(this.#parts.nodeId, head.number);
        if (isMarked) this.#mark();
        if (isRotated) this.#prune();
      };
      const reject = (error: unknown) => {
        for (const waiting of group) waiting.reject(error);
      };
      this.#writer.add({ lines, head, resolve, reject });
    } catch (error) {
      for (const waiting of group) waiting.reject(error);
    }
  }

  #takeLost(): AuditEntry[] {
    if (this.#lost === 0) return [];
    const lost = this.#lost;
    this.#lost = 0;
    return [toEntry(this.#parts.clock.nowMs(), "audit_lost", { success: false, lost })];
  }

  #isFull(): boolean {
    const { maxBytes, maxAgeMs } = this.#settings;
    if (this.#signed.bytes === 0) return false;
    return this.#signed.bytes >= maxBytes ||
      this.#parts.clock.nowMs() - this.#fileSinceMs >= maxAgeMs;
  }

  /** Has the end of the log remembered. Where that fails, what was remembered before still holds. */
  #mark(): void {
    const { marks, nodeId } = this.#parts;
    this.#marking = this.#marking.then(async () => {
      const { number } = this.#writer.durable.position;
      if (number > (marks.read(nodeId) ?? 0)) await marks.write(nodeId, number);
    }).catch(() => undefined);
  }

  #prune(): void {
    this.#pruning = this.#pruning.then(async () => {
      if (this.#readers > 0) return;
      await finishPruning(this.#parts);
      const { keepBytes } = this.#settings;
      const headFile = this.#writer.durable.written?.file ?? 0;
      const pruned = await prune(this.#parts, { keepBytes, headFile });
      if (pruned === null) return;
      const { begin, gaps } = pruned;
      const isWhole = gaps === "";
      const fields = { begins: begin.number, ...(isWhole ? {} : { gaps }) };
      void this.record("audit_pruned", { success: isWhole, ...fields }).catch(() => undefined);
    }).catch(() => {
      const text = "Old files of the audit log could not be removed; this is tried again";
      this.#parts.warnings.warn("audit_not_pruned", text);
    });
  }
}

/** When the first line of the current file was written. */
async function readStart(parts: AuditParts, position: AuditPosition): Promise<number | null> {
  if (position.bytes === 0) return null;
  const content = await parts.files.read(logFileName(position.file));
  const end = content?.indexOf(0x0a) ?? -1;
  if (content === null || end < 0) return null;
  const { lines } = splitLines(content.subarray(0, end + 1));
  const options = { log: parts.keys, iss: parts.nodeId, lines, verify: false, open: true };
  const [line] = await parts.crypto.readAuditLines(options);
  if (line?.entries == null) return null;
  const [{ timestamp }] = JSON.parse(line.entries);
  return typeof timestamp === "number" ? timestamp : null;
}
