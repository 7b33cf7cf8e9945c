/**
 * Brings signed lines to the disk: one append for all that wait, and the head behind them, once a second at most. Nobody
 * hears of a line before it is on disk. What cannot be written is kept and tried again.
 *
 * @module
 */
import { concatBytes } from "../../crypto/encoding.ts";
import type { AuditPosition } from "../../crypto/interface.ts";
import { sleep } from "../../ports/sleep.ts";
import type { OpenRedError } from "../../protocol/errors.ts";
import { Backoff } from "../timing/backoff.ts";
import { storageFailed } from "../store/store.ts";
import { HEAD_FILE, logFileName } from "./audit_files.ts";
import type { AuditParts } from "./audit_parts.ts";
import type { Recovered } from "./recovery.ts";
import { signHead } from "./statements.ts";

const WARNING = "audit_waiting";
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** How far the head may be behind the lines. */
const HEAD_PAUSE_MS = 1_000;
/** Groups that may wait for the disk; behind them, entries wait unsigned. */
const MAX_GROUPS = 8;

/** Lines that one call of the core made. */
export interface SignedGroup {
  readonly lines: Uint8Array;
  /** Where the log stands after them. */
  readonly head: AuditPosition;
  resolve(): void;
  reject(error: unknown): void;
}

/** What is on disk, as of one moment. */
export interface Durable {
  readonly position: AuditPosition;
  /** What the file of the head says; `null` if there is none, or none that holds. */
  readonly written: AuditPosition | null;
  /** Whether bytes may follow the position that nobody heard of. */
  readonly isTorn: boolean;
}

type WriterParts = Omit<AuditParts, "keys">;

/** The one writer of a log's files. */
export class ChainWriter {
  readonly #parts: WriterParts;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #groups: SignedGroup[] = [];
  #position: AuditPosition;
  #written: AuditPosition | null;
  #isTorn: boolean;
  /** Why nothing is written any more: lines that follow others which were refused would follow a gap. */
  #gaveUp: OpenRedError | null = null;
  #appended = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #draining: Promise<void> | null = null;
  #headAtMs = -Infinity;
  #cancelHead: (() => void) | null = null;
  #wakeSigner: () => void = () => {};

  constructor(
    parts: WriterParts,
    start: Pick<Recovered, "position" | "written" | "isTorn">,
  ) {
    this.#parts = parts;
    this.#position = start.position;
    this.#written = start.written;
    this.#isTorn = start.isTorn;
    this.#backoff = new Backoff(parts.random, { firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS });
  }

  get durable(): Durable {
    return { position: this.#position, written: this.#written, isTorn: this.#isTorn };
  }

  /** Takes the lines that follow those taken before; refuses them once some of those were refused. */
  add(group: SignedGroup): void {
    if (this.#gaveUp !== null) return group.reject(this.#gaveUp);
    this.#groups.push(group);
    this.#draining ??= this.#drain();
  }

  /** Waits until there is room for another group. */
  async room(): Promise<void> {
    while (this.#groups.length >= MAX_GROUPS && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => this.#wakeSigner = resolve);
    }
  }

  /** Runs work while nothing is written. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** From now on, what cannot be written is refused. */
  endRetries(): void {
    this.#stop.abort();
    this.#wakeSigner();
  }

  /** Writes what waits, and the head behind it. Where the disk does not take that, the next start goes on from the lines. */
  async stop(): Promise<void> {
    this.endRetries();
    await this.#draining;
    this.#cancelHead?.();
    await this.exclusively(() => this.#writeHead()).catch(() => {});
  }

  async #drain(): Promise<void> {
    // Whoever begins this notes that it goes on, and it must not be over before.
    await Promise.resolve();
    while (this.#groups.length > 0 || this.#isHeadDue) {
      try {
        await this.exclusively(() => this.#writeGroups());
        this.#settle();
      } catch (cause) {
        if (this.#stop.signal.aborted) this.#giveUp(cause);
        else await this.#pause();
      }
    }
    this.#draining = null;
    this.#writeHeadSoon();
  }

  /** Whether the head is behind the lines, and has been for as long as it may. */
  get #isHeadDue(): boolean {
    if (this.#written?.number === this.#position.number || this.#gaveUp !== null) return false;
    if (this.#written?.file !== this.#position.file) return true;
    return this.#parts.clock.monotonicMs() - this.#headAtMs >= HEAD_PAUSE_MS;
  }

  /** Writes all groups of the first one's file. What a failed try has brought to the disk is not written again. */
  async #writeGroups(): Promise<void> {
    const [first] = this.#groups;
    const { file } = first?.head ?? this.#position;
    const end = this.#groups.findIndex((group) => group.head.file !== file);
    const count = end < 0 ? this.#groups.length : end;
    const fresh = this.#groups.slice(this.#appended, count);
    const last = fresh.at(-1);
    if (last !== undefined) {
      await this.#append(file, concatBytes(...fresh.map((group) => group.lines)));
      this.#position = last.head;
      this.#appended = count;
    }
    if (this.#isHeadDue) await this.#writeHead();
    const done = this.#groups.splice(0, this.#appended);
    this.#appended = 0;
    for (const group of done) group.resolve();
    this.#wakeSigner();
  }

  async #writeHead(): Promise<void> {
    if (this.#written?.number === this.#position.number) return;
    const { files } = this.#parts;
    const head = this.#position;
    await files.write(HEAD_FILE, await signHead(this.#parts, head));
    this.#written = head;
    this.#headAtMs = this.#parts.clock.monotonicMs();
    this.#cancelHead?.();
    this.#cancelHead = null;
  }

  /** Sees to it that a head which is behind is written; a timer may fire a part of a millisecond early. */
  #writeHeadSoon(): void {
    if (this.#gaveUp !== null || this.#stop.signal.aborted) return;
    if (this.#written?.number === this.#position.number) return;
    const dueMs = Math.ceil(this.#headAtMs + HEAD_PAUSE_MS - this.#parts.clock.monotonicMs());
    this.#cancelHead ??= this.#parts.clock.setTimer(dueMs, () => {
      this.#cancelHead = null;
      this.#draining ??= this.#drain();
    });
  }

  async #append(file: number, content: Uint8Array): Promise<void> {
    const name = logFileName(file);
    if (this.#isTorn) await this.#cut();
    this.#isTorn = true;
    await this.#parts.files.append(name, content);
    this.#isTorn = false;
  }

  /** Takes off what follows the last line: the rest of a write that did not end well. */
  async #cut(): Promise<void> {
    const { files } = this.#parts;
    const { file, bytes } = this.#position;
    if (bytes > 0) await files.truncate(logFileName(file), bytes);
    else await files.remove(logFileName(file));
    await files.remove(logFileName(file + 1));
  }

  async #pause(): Promise<void> {
    const text = "The audit log cannot be written; events are kept in memory and tried again";
    this.#parts.warnings.warn(WARNING, text);
    await sleep(this.#parts.clock, this.#backoff.next(), this.#stop.signal).catch(() => {});
  }

  #settle(): void {
    this.#backoff.reset();
    this.#parts.warnings.settle(WARNING);
  }

  #giveUp(cause: unknown): void {
    this.#appended = 0;
    this.#gaveUp = storageFailed(cause);
    for (const group of this.#groups.splice(0)) group.reject(this.#gaveUp);
  }
}
