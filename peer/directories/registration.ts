/**
 * Staying registered with one directory.
 *
 * @module
 */
import { sleep } from "../../ports/sleep.ts";
import type { DirectoryView } from "../../protocol/admin_api.ts";
import { showDirectoryKey } from "../../protocol/directory_key.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { type VerifiedRecord, verifyRecord } from "../../protocol/record.ts";
import { type UnreachableReason, unreachableReason } from "../../protocol/unreachable.ts";
import { AnnouncePace } from "./announce_pace.ts";
import type { DirectoryClient, Registered } from "./client.ts";
import type { ClockSkew } from "./clock_skew.ts";
import type { DirectoryLinkParts } from "./directory_parts.ts";
import type { PinnedDirectory } from "./pinned_directory.ts";

/** What waiting alone does not change. */
const REFUSALS = ["succeeded", "forbidden", "banned", "key_required", "key_refused"] as const;

/** Why a directory takes a key no more. */
const KEY_REASONS: Readonly<Record<string, string>> = {
  revoked: "it was revoked",
  expired: "it has expired",
  used: "it has let in as many nodes as it may",
};

/** What answered in the place of this node. */
const CALLBACK_REASONS: Readonly<Record<string, string>> = {
  redirects: ": a redirect answers at its URL",
  other_answer:
    ": another program answers at its URL, a proxy that changes the path, or a relay that " +
    "this node has no link to",
};

/** Why a directory does not call a node back, and what to do. */
function callbackHindrance({ code, members }: OpenRedError): string {
  if (code === "url_refused") {
    return `refuses the URL of this node (${code}): it is private, or not https. Name a public one with --api-url, ` +
      "or use --relay; on a LAN the directory needs --allow-private as well";
  }
  const why = CALLBACK_REASONS[String(members.reason)] ?? "";
  return `cannot call this node back (${code})${why}; check --api-url, or --relay`;
}

/** Registers this node with one directory, and again whenever it is due. */
export class Registration {
  readonly #parts: DirectoryLinkParts;
  readonly #url: string;
  readonly #client: DirectoryClient;
  readonly #pinned: PinnedDirectory;
  readonly #skew: ClockSkew;
  readonly #pace: AnnouncePace;
  readonly #stop = new AbortController();
  #state: DirectoryView["state"] = "trying";
  #lastError: string | null = null;
  #lastReason: UnreachableReason | null = null;
  #nextAnnounceMs: number | null = null;
  #running: Promise<void> = Promise.resolve();
  /** Ends the pause before the next announcement early. */
  #pause = new AbortController();
  /** Whether what was announced last does not hold any more. */
  #isOutdated = false;

  constructor(
    parts: DirectoryLinkParts,
    directory: { url: string; client: DirectoryClient; pinned: PinnedDirectory; skew: ClockSkew },
  ) {
    this.#parts = parts;
    this.#url = directory.url;
    this.#client = directory.client;
    this.#pinned = directory.pinned;
    this.#skew = directory.skew;
    this.#pace = new AnnouncePace(parts.random);
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  /** Ends a pause before the next try, unless this node is registered. */
  hurry(): void {
    if (this.#state !== "registered") this.#pause.abort();
  }

  /** Announces once more as soon as no announcement is under way. */
  announce(): void {
    this.#isOutdated = true;
    this.#pause.abort();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  view(): DirectoryView {
    const nowMs = this.#parts.clock.monotonicMs();
    const nextMs = this.#nextAnnounceMs;
    return {
      url: this.#url,
      directory_id: this.#pinned.record?.id ?? null,
      state: this.#state,
      last_error: this.#lastError,
      last_reason: this.#lastReason,
      next_announce_in_ms: nextMs === null ? null : Math.max(0, Math.round(nextMs - nowMs)),
    };
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#isOutdated = false;
      const delayMs = await this.#announce();
      if (delayMs === null) return;
      if (this.#isOutdated) continue;
      const dueMs = this.#parts.clock.monotonicMs() + delayMs;
      this.#nextAnnounceMs = dueMs;
      await this.#rest(dueMs);
    }
  }

  /** Waits until announcing is due, which it also is once the directory has forgotten this node. */
  async #rest(dueMs: number): Promise<void> {
    while (!this.#isOutdated) {
      const leftMs = dueMs - this.#parts.clock.monotonicMs();
      const lookMs = this.#pace.look();
      const isHurried = await this.#sleep(Math.min(leftMs, lookMs));
      if (isHurried || lookMs >= leftMs || await this.#isForgotten()) return;
    }
  }

  /** @returns Whether it was hurried. @throws {unknown} Once this has stopped. */
  async #sleep(delayMs: number): Promise<boolean> {
    this.#pause = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, this.#pause.signal]);
    try {
      await sleep(this.#parts.clock, delayMs, signal);
      return false;
    } catch (error) {
      if (this.#stop.signal.aborted) throw error;
      return true;
    }
  }

  /** Whether the directory began anew, or was set back to a time before it took the newest record. */
  async #isForgotten(): Promise<boolean> {
    try {
      const { record } = await this.#client.lookUp(this.#parts.own.id, this.#stop.signal);
      const shown = await this.#ownRecordOf(record);
      return shown !== null && shown.payload.seq !== this.#pinned.takenSeq;
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return hasCode(error, "node_unknown", "succeeded");
    }
  }

  /** @returns When to announce again, or `null` for never. */
  async #announce(): Promise<number | null> {
    if (this.#parts.ownRecord.usedElsewhere) return this.#halt();
    try {
      if (!(await this.#isAlone())) return this.#halt();
      const { answer, answeredAtMs } = await this.#register();
      this.#parts.events.count("announcements_taken");
      this.#settle();
      this.#skew.compare(answeredAtMs);
      return this.#pace.taken(answer);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return await this.#failed(error).catch((cause: unknown) => {
        if (!(cause instanceof OpenRedError)) throw cause;
        // What the answer says could not be stored: the next one says it again.
        return this.#pace.unstored();
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
    const held = await this.#client.lookUp(own.id, this.#stop.signal).catch((error: unknown) => {
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
    this.#pinned.noteShown(shown.payload.seq);
    const mayBeForgotten = this.#parts.restored?.isFirstAnswer(this.#url) ?? false;
    return await this.#parts.ownRecord.met(shown, { mayBeForgotten });
  }

  #settle(): void {
    const { events } = this.#parts;
    const directoryId = this.#pinned.record?.id ?? "";
    if (this.#state !== "registered") {
      events.audit("registered", { success: true, directory: this.#url });
      events.emit({ type: "registered", directory: this.#url, directory_id: directoryId });
    }
    this.#state = "registered";
    this.#lastError = null;
    this.#lastReason = null;
    events.settle(`directory ${this.#url}`);
  }

  async #register(): Promise<Registered> {
    const record = await this.#parts.ownRecord.above(this.#pinned.takenSeq);
    const succession = this.#parts.succession?.forDirectory(this.#url) ?? null;
    const registered = await this.#show({
      record: record.text,
      ...(succession === null ? {} : { succession }),
    });
    await this.#pinned.pin(registered.answer);
    await this.#parts.ownRecord.taken(record.payload.seq);
    await this.#pinned.noteTaken(record.payload.seq);
    if (succession !== null) await this.#parts.succession?.judged(this.#url);
    await this.#parts.restored?.answered(this.#url);
    return registered;
  }

  /** Shows the key of a directory to that one alone, and only where it asks for one. */
  async #show(request: { record: string; succession?: string }): Promise<Registered> {
    try {
      return await this.#client.register(request, this.#stop.signal);
    } catch (error) {
      if (!hasCode(error, "key_required")) throw error;
      const secret = await this.#parts.directoryKey?.(this.#url) ?? null;
      if (secret === null) throw error;
      const key = await showDirectoryKey(secret, this.#parts.own.id);
      secret.fill(0);
      return await this.#client.register({ ...request, key }, this.#stop.signal);
    }
  }

  /** @returns When to try again, or `null` for never. */
  async #failed(error: OpenRedError): Promise<number | null> {
    const { events } = this.#parts;
    events.count("announcements_failed");
    if (this.#lastError !== error.code) {
      const { code } = error;
      events.audit("register_failed", { success: false, directory: this.#url, code });
    }
    this.#lastError = error.code;
    this.#lastReason = hasCode(error, "unreachable") ? unreachableReason(error) : null;
    this.#state = hasCode(error, ...REFUSALS) ? "refused" : "trying";
    events.emit({ type: "register_failed", directory: this.#url, code: error.code });
    if (hasCode(error, "clock_ahead")) this.#parts.ownRecord.refused("clock_ahead");
    if (hasCode(error, "seq_behind")) this.#parts.ownRecord.refused("seq_behind");
    const shown = hasCode(error, "seq_behind")
      ? await this.#ownRecordOf(error.members.record)
      : null;
    if (shown !== null) {
      const goesOn = await this.#meet(shown);
      // After that is stored: whoever is killed between the two still takes its past for its own.
      await this.#parts.restored?.answered(this.#url);
      if (!goesOn) return this.#halt();
    }
    await this.#explain(error);
    return this.#pace.failed(error);
  }

  /** Tells the owner what there is to do about a refusal. */
  async #explain(error: OpenRedError): Promise<void> {
    const { events } = this.#parts;
    // A callback that failed for its time alone says so by naming the directory's.
    const isLate = hasCode(error, "callback_failed") && error.members.now_at !== undefined;
    const cannotCall = !isLate && hasCode(error, "url_refused", "callback_failed");
    // What hinders its call stands in the same place of its answer as what hinders a call of this node.
    if (unreachableReason(error) !== null && !cannotCall) {
      events.warn(`directory ${this.#url}`, `${this.#url}: ${error.message}`);
    }
    if (isLate || hasCode(error, "clock_ahead", "clock_skew", "record_stale")) {
      this.#skew.refused(error);
    }
    if (hasCode(error, "succeeded")) {
      events.warn(
        "succeeded",
        "Another identity has followed this one: nobody takes its id any more",
      );
    }
    if (hasCode(error, "banned")) {
      events.warn(
        `directory ${this.#url}`,
        `The operator of ${this.#url} does not take this node: ask them, or use another directory`,
      );
    }
    if (hasCode(error, "key_required", "key_refused")) this.#explainKey(error);
    if (hasCode(error, "succession_refused")) await this.#successionRefused();
    if (cannotCall) {
      events.warn(`directory ${this.#url}`, `${this.#url} ${callbackHindrance(error)}`);
    }
  }

  #explainKey({ code, members }: OpenRedError): void {
    const why = code === "key_required"
      ? "takes new nodes with a key only"
      : `does not take the key of this node: ${
        KEY_REASONS[String(members.reason)] ?? "it has no such key"
      }`;
    const text = `${this.#url} ${why}. Ask its operator for one, and put it into the file of ` +
      "--directory-key-file";
    this.#parts.events.warn(`directory ${this.#url}`, text);
  }

  /** Registers without it from now on: who has no pin for the former id, or another one, never takes it. */
  async #successionRefused(): Promise<void> {
    const { succession, events } = this.#parts;
    if (succession?.forDirectory(this.#url) == null) return;
    await succession.judged(this.#url);
    events.warn(
      `succession ${this.#url}`,
      `${this.#url} does not take this node for the successor of its former id: it never saw that one's recovery ` +
        "phrase announced, or another one. Peers who ask there do not find the way by themselves",
    );
  }
}
