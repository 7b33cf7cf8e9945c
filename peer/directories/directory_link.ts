/**
 * One directory on the node's list: its pinned identity, and staying registered with it.
 *
 * @module
 */
import { isNodeId, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef } from "../../crypto/interface.ts";
import type { Clock, HttpClient, Random } from "../../ports/ports.ts";
import type { DirectoryView } from "../../protocol/admin_api.ts";
import type { ConnectionAnswer, RegisterAnswer } from "../../protocol/directory_api.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import {
  checkNotAhead,
  compareRecords,
  type VerifiedRecord,
  verifyRecord,
} from "../../protocol/record.ts";
import { openSuccession } from "../../protocol/statements.ts";
import { Backoff, jitter, sleep } from "../backoff.ts";
import type { NodeEvents } from "../events.ts";
import type { OwnRecord } from "../own_record.ts";
import type { RestoredMark } from "../backup/restored_mark.ts";
import type { NodeStore } from "../store.ts";
import type { OwnSuccession } from "../succession/own_succession.ts";
import { compareClocks, warnOfSkew } from "./clock_skew.ts";
import { DirectoryClient, type Registered } from "./client.ts";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;
const MIN_REANNOUNCE_MS = 1_000;
const MAX_REANNOUNCE_MS = 24 * 3600 * 1000;

export interface DirectoryParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly store: NodeStore;
  readonly events: NodeEvents;
  readonly ownRecord: OwnRecord;
  readonly own: { readonly id: NodeId; readonly key: KeyRef };
  readonly succession?: OwnSuccession;
  readonly restored?: RestoredMark;
}

interface Pinned {
  /** The id that was pinned first; another one where a succession was followed since. */
  readonly firstId: string;
  readonly record: VerifiedRecord;
  readonly next: Uint8Array | null;
}

/** Stays registered with one directory and asks it for pairs. */
export class DirectoryLink {
  readonly url: string;
  readonly client: DirectoryClient;
  readonly #parts: DirectoryParts;
  #expectedId: NodeId | null;
  readonly #stop = new AbortController();
  #pinned: Pinned | null = null;
  #takenSeq = 0;
  #state: DirectoryView["state"] = "trying";
  #lastError: string | null = null;
  #nextAnnounceMs: number | null = null;
  #running: Promise<void> = Promise.resolve();

  /**
   * @param entry A URL, or URL`#`id.
   * @throws {OpenRedError} `bad_request` for an entry of another form.
   */
  constructor(parts: DirectoryParts, entry: string) {
    const [url = "", id] = entry.split("#");
    if (!URL.canParse(url) || !/^https?:\/\//.test(url) || (id !== undefined && !isNodeId(id))) {
      throw new OpenRedError("bad_request", "A directory is written URL or URL#id");
    }
    this.#parts = parts;
    this.url = url.replace(/\/+$/, "");
    this.#expectedId = (id ?? null) as NodeId | null;
    this.client = new DirectoryClient(parts, this.url);
  }

  /** The newest record this node holds of the directory, or `null` before the first answer. */
  get record(): VerifiedRecord | null {
    return this.#pinned?.record ?? null;
  }

  /** Reads what was pinned in an earlier run. */
  async load(): Promise<void> {
    const row = this.#parts.store.statement("SELECT * FROM directories WHERE url = ?").get(
      this.url,
    );
    if (row === undefined) return;
    const firstId = String(row.id);
    const record = await verifyRecord(this.#parts.crypto, String(row.record)).catch(() => null);
    if (record === null) {
      // The id stays pinned: the next answer has to be of the same directory.
      if (isNodeId(firstId)) this.#expectedId ??= firstId;
      const text = `The stored record of ${this.url} is damaged; it is asked for again`;
      return this.#parts.events.warn(`directory ${this.url}`, text);
    }
    if (this.#expectedId !== null && ![firstId, record.id].includes(this.#expectedId)) return;
    const next = row.next === null ? null : new Uint8Array(row.next as Uint8Array);
    this.#pinned = { firstId, record, next };
    this.#takenSeq = Number(row.taken_seq);
  }

  /** Begins to register, and to do so again whenever it is due. */
  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  view(): DirectoryView {
    const nowMs = this.#parts.clock.monotonicMs();
    const nextMs = this.#nextAnnounceMs;
    return {
      url: this.url,
      directory_id: this.#pinned?.record.id ?? null,
      state: this.#state,
      last_error: this.#lastError,
      next_announce_in_ms: nextMs === null ? null : Math.max(0, Math.round(nextMs - nowMs)),
    };
  }

  async #run(): Promise<void> {
    const backoff = new Backoff(this.#parts.random, {
      firstMs: FIRST_RETRY_MS,
      lastMs: LAST_RETRY_MS,
    });
    for (;;) {
      const delayMs = await this.#announce(backoff);
      if (delayMs === null) return;
      this.#nextAnnounceMs = this.#parts.clock.monotonicMs() + delayMs;
      await sleep(this.#parts.clock, delayMs, this.#stop.signal);
    }
  }

  /** @returns When to announce again, or `null` for never. */
  async #announce(backoff: Backoff): Promise<number | null> {
    if (this.#parts.ownRecord.usedElsewhere) return this.#halt();
    try {
      if (!(await this.#isAlone())) return this.#halt();
      const { answer, answeredAtMs } = await this.#register();
      backoff.reset();
      this.#settle();
      compareClocks(this.#parts.events, this.url, this.#ahead(answeredAtMs));
      const spanMs = Math.min(
        Math.max(answer.reannounce_after_ms, MIN_REANNOUNCE_MS),
        MAX_REANNOUNCE_MS,
      );
      return jitter(this.#parts.random, { spanMs: 0.9 * spanMs, part: 0.1 });
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return await this.#failed(error, backoff).catch((cause: unknown) => {
        if (!(cause instanceof OpenRedError)) throw cause;
        // What the answer says could not be stored: the next one says it again.
        return backoff.next();
      });
    }
  }

  #halt(): null {
    this.#state = "stopped";
    this.#nextAnnounceMs = null;
    return null;
  }

  /**
   * Looks at the record that the directory holds of this node, before that is replaced: a copy of this node that
   * registers in turn with it is noticed in no other way. Without an answer there is nothing to look at.
   * @returns Whether announcing goes on.
   */
  async #isAlone(): Promise<boolean> {
    const { own } = this.#parts;
    const held = await this.client.lookUp(own.id, this.#stop.signal).catch((error: unknown) => {
      if (!(error instanceof OpenRedError)) throw error;
      return null;
    });
    const shown = await this.#ownRecordOf(held?.record);
    return shown === null || await this.#meet(shown);
  }

  /** Reads what a directory shows as this node's record; `null` if it is none. */
  async #ownRecordOf(text: unknown): Promise<VerifiedRecord | null> {
    if (typeof text !== "string") return null;
    const record = await verifyRecord(this.#parts.crypto, text).catch(() => null);
    return record?.id === this.#parts.own.id ? record : null;
  }

  /** @returns Whether announcing goes on. */
  async #meet(shown: VerifiedRecord): Promise<boolean> {
    this.#takenSeq = Math.max(this.#takenSeq, shown.payload.seq);
    const mayBeForgotten = this.#parts.restored?.isFirstAnswer(this.url) ?? false;
    return await this.#parts.ownRecord.met(shown, { mayBeForgotten });
  }

  #settle(): void {
    const { events } = this.#parts;
    const directoryId = this.#pinned?.record.id ?? "";
    if (this.#state !== "registered") {
      events.audit("registered", { success: true, directory: this.url });
      events.emit({ type: "registered", directory: this.url, directory_id: directoryId });
    }
    this.#state = "registered";
    this.#lastError = null;
    events.settle(`directory ${this.url}`);
  }

  async #register(): Promise<Registered> {
    const record = await this.#parts.ownRecord.above(this.#takenSeq);
    const succession = this.#parts.succession?.forDirectory(this.url) ?? null;
    const registered = await this.client.register(
      { record: record.text, ...(succession === null ? {} : { succession }) },
      this.#stop.signal,
    );
    await this.#pin(registered.answer);
    await this.#taken(record.payload.seq);
    if (succession !== null) await this.#parts.succession?.judged(this.url);
    await this.#parts.restored?.answered(this.url);
    return registered;
  }

  async #taken(seq: number): Promise<void> {
    this.#takenSeq = Math.max(this.#takenSeq, seq);
    await this.#parts.ownRecord.taken(seq);
    const { store } = this.#parts;
    await store.write(() => {
      store.statement("UPDATE directories SET taken_seq = ? WHERE url = ?").run(
        this.#takenSeq,
        this.url,
      );
    });
  }

  /** @returns When to try again, or `null` for never. */
  async #failed(error: OpenRedError, backoff: Backoff): Promise<number | null> {
    const { events } = this.#parts;
    if (this.#lastError !== error.code) {
      const { code } = error;
      events.audit("register_failed", { success: false, directory: this.url, code });
    }
    this.#lastError = error.code;
    this.#state = "trying";
    events.emit({ type: "register_failed", directory: this.url, code: error.code });
    const shown = hasCode(error, "seq_behind")
      ? await this.#ownRecordOf(error.members.record)
      : null;
    if (shown !== null) {
      const goesOn = await this.#meet(shown);
      // After that is stored: whoever is killed between the two still takes its past for its own.
      await this.#parts.restored?.answered(this.url);
      if (!goesOn) return this.#halt();
    }
    if (hasCode(error, "clock_ahead", "clock_skew", "record_stale")) this.#nameSkew(error);
    if (hasCode(error, "succeeded", "forbidden")) this.#state = "refused";
    if (hasCode(error, "succeeded")) {
      events.warn(
        "succeeded",
        "Another identity has followed this one: nobody takes its id any more",
      );
    }
    if (hasCode(error, "succession_refused")) await this.#successionRefused();
    if (hasCode(error, "url_refused", "callback_failed")) {
      events.warn(
        `directory ${this.url}`,
        `${this.url} cannot call this node back (${error.code}); check --api-url`,
      );
    }
    return Math.max(backoff.next(), Math.min(error.retryAfterMs ?? 0, MAX_REANNOUNCE_MS));
  }

  /** Registers without it from now on: who has no pin for the former id, or another one, never takes it. */
  async #successionRefused(): Promise<void> {
    const { succession, events } = this.#parts;
    if (succession?.forDirectory(this.url) == null) return;
    await succession.judged(this.url);
    events.warn(
      `succession ${this.url}`,
      `${this.url} does not take this node for the successor of its former id: it never saw that one's recovery ` +
        "phrase announced, or another one. Peers who ask there do not find the way by themselves",
    );
  }

  /** How far this machine's clock is ahead of a directory's, or `null` if that does not say. */
  #ahead(directoryMs: unknown): number | null {
    return typeof directoryMs === "number" ? this.#parts.clock.nowMs() - directoryMs : null;
  }

  #nameSkew(error: OpenRedError): void {
    warnOfSkew(this.#parts.events, this.url, this.#ahead(error.members.now_at));
  }

  /**
   * Takes the directory's record out of an answer of its own. The first one pins its id.
   * @throws {OpenRedError} `forbidden` if another directory answers here.
   */
  async #pin(
    answer: Pick<RegisterAnswer, "directory" | "succession"> & { directory_id?: NodeId },
  ): Promise<void> {
    const record = await verifyRecord(this.#parts.crypto, answer.directory);
    const expected = this.#pinned?.record.id ?? this.#expectedId ?? record.id;
    if (answer.directory_id !== undefined && answer.directory_id !== record.id) {
      throw new OpenRedError("forbidden", "The directory's answer and its record differ");
    }
    if (record.id !== expected && !(await this.#succeeds(record, answer.succession))) {
      this.#parts.events.warn(
        `directory ${this.url}`,
        `Another directory (${record.id}) answers at ${this.url}, where ${expected} is pinned. ` +
          `To accept it, list ${this.url}#${record.id}`,
      );
      throw new OpenRedError("forbidden", "Another directory answers at this URL");
    }
    await this.takeRecord(record);
  }

  async #succeeds(record: VerifiedRecord, text: string | undefined): Promise<boolean> {
    const pinned = this.#pinned;
    if (text === undefined || pinned === null) return false;
    try {
      const link = await openSuccession(this.#parts.crypto, {
        text,
        pinnedNext: (old) => Promise.resolve(old === pinned.record.id ? pinned.next : null),
      });
      if (link.iss !== record.id) return false;
      checkNotAhead(record, this.#parts.clock.nowMs());
      const { firstId } = pinned;
      await this.#hold({ firstId, record, next: link.next ?? record.payload.next ?? null });
      return true;
    } catch (error) {
      if (error instanceof OpenRedError) return false;
      throw error;
    }
  }

  /** Takes a record of the pinned directory, if it is newer and not ahead of this clock. */
  async takeRecord(record: VerifiedRecord): Promise<void> {
    const held = this.#pinned;
    if (held !== null && record.id !== held.record.id) return;
    if (held !== null && compareRecords(record, held.record) <= 0) return;
    try {
      checkNotAhead(record, this.#parts.clock.nowMs());
    } catch (error) {
      if (held !== null) return;
      throw error;
    }
    const next = held?.next ?? record.payload.next ?? null;
    await this.#hold({ firstId: held?.firstId ?? record.id, record, next });
  }

  async #hold(pinned: Pinned): Promise<void> {
    this.#pinned = pinned;
    const { firstId, record, next } = pinned;
    const { store } = this.#parts;
    await store.write(() => {
      store.statement(
        "INSERT OR REPLACE INTO directories (url, id, record, next, taken_seq) VALUES (?, ?, ?, ?, ?)",
      ).run(this.url, firstId, record.text, next, this.#takenSeq);
    });
  }

  /**
   * Asks this directory for a pair; a proof that crossed a restart of the directory is made once more.
   * @throws {OpenRedError} What the directory answered, or `unreachable`.
   */
  async requestConnection(
    target: NodeId,
    signal: AbortSignal,
  ): Promise<{ answer: ConnectionAnswer; directory: VerifiedRecord }> {
    const ask = async () => {
      const record = await this.#parts.ownRecord.current();
      const directoryUrl = this.#pinned?.record.payload.api_url ?? this.url;
      const { own } = this.#parts;
      return await this.client.requestConnection(
        { target, record: record.text, own, directoryUrl },
        signal,
      );
    };
    let answer: ConnectionAnswer;
    try {
      answer = await ask();
    } catch (error) {
      if (hasCode(error, "clock_skew")) this.#nameSkew(error);
      if (!hasCode(error, "proof_replayed")) throw error;
      await sleep(this.#parts.clock, 1_000, signal);
      answer = await ask();
    }
    await this.#pin(answer);
    const directory = this.#pinned?.record;
    if (directory === undefined) throw new OpenRedError("forbidden", "The directory is not pinned");
    return { answer, directory };
  }
}
