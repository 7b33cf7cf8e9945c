/**
 * The node's own record: signing it anew, and the rules for its `seq` (docs/PROTOCOL.md, "Record").
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef, NoiseKeyInfo, Suite } from "../../crypto/interface.ts";
import type { Clock } from "../../ports/ports.ts";
import { CLOCK_ALLOWANCE_MS, MAX_RECORD_LIFE_S } from "../../protocol/limits.ts";
import type { PostQuantumPolicy } from "../../protocol/node_settings.ts";
import { type VerifiedRecord, verifyRecord } from "../../protocol/record.ts";
import type { MethodBook } from "./method_book.ts";
import { suitesOf } from "./offers.ts";
import type { NodeEvents } from "../events/events.ts";
import type { NodeStore } from "../store/store.ts";
import { SELF_NAMES } from "./self_names.ts";

/** What of the node's settings a record tells. */
export interface OwnRecordConfig {
  readonly apiUrl: string;
  readonly directUrls?: readonly string[];
  readonly alias?: string;
  readonly unlisted: boolean;
  readonly pq: PostQuantumPolicy;
}

/** A record is signed anew at this age, so that those who get it have time to use it. */
const REFRESH_AGE_MS = 6 * 3600 * 1000;

/** How many numbers of this run are told from those between them. */
const MAX_REMEMBERED = 1_000;

/** What the last own record of one kind offered, and until when. */
interface Signed {
  readonly suites: readonly string[];
  /** base64url. Missing where an earlier version of this program signed. */
  readonly noiseKey?: string;
  readonly expSec: number;
}

/** Signs, remembers and renews the node's own record. */
export class OwnRecord {
  readonly #crypto: CryptoCore;
  readonly #clock: Clock;
  readonly #store: NodeStore;
  readonly #events: NodeEvents;
  readonly #methods: Pick<MethodBook, "names">;
  readonly #config: OwnRecordConfig;
  #apiUrl: string;
  #alias: string | null;
  readonly #identity: KeyRef;
  /** base64url */
  readonly #noiseKey: string;
  #current: VerifiedRecord | null = null;
  #signing: Promise<VerifiedRecord> | null = null;
  /** The highest `seq` that a directory took. */
  #takenSeq: number;
  /** Whether a directory found a taken number ahead of its clock that is ahead of this one too. */
  #leavesAhead = false;
  /** The highest `seq` that went with a session which was confirmed. */
  #shownSeq: number;
  #signedSeq: number;
  /** The last of each kind. Every handshake and every envelope asks for it. */
  #signed: readonly Signed[];
  /** Records up to this `seq` are taken for this node's own: an earlier run may have signed them. */
  #pastSeq: number;
  /** What this run has signed above that. */
  readonly #signedNow = new Set<number>();
  /** Whether it is known what was signed in earlier runs; if not, all up to the first `seq` of this one may be. */
  #remembers: boolean;
  /** The highest `seq` of somebody else that ended the announcing of an earlier run. */
  readonly #foreignSeq: number;
  #usedElsewhere = false;
  /** What the modules of this node serve. */
  #services: readonly string[] = [];
  /** Whether the newest record does not say what it should. */
  #isOutdated = false;

  constructor(
    parts: {
      crypto: CryptoCore;
      clock: Clock;
      store: NodeStore;
      events: NodeEvents;
      methods: Pick<MethodBook, "names">;
    },
    config: OwnRecordConfig,
    keys: { identity: KeyRef; noiseKey: Uint8Array },
  ) {
    this.#crypto = parts.crypto;
    this.#clock = parts.clock;
    this.#store = parts.store;
    this.#events = parts.events;
    this.#methods = parts.methods;
    this.#config = config;
    this.#apiUrl = config.apiUrl;
    this.#alias = config.alias ?? null;
    this.#identity = keys.identity;
    this.#noiseKey = encodeBase64Url(keys.noiseKey);
    this.#takenSeq = Number(parts.store.self("taken_seq") ?? 0);
    this.#shownSeq = Number(parts.store.self("shown_seq") ?? 0);
    const signedSeq = parts.store.self("signed_seq");
    this.#remembers = signedSeq !== null;
    this.#signedSeq = Number(signedSeq ?? 0);
    this.#signed = JSON.parse(parts.store.self("signed_suites") ?? "[]");
    this.#pastSeq = this.#signedSeq;
    this.#foreignSeq = Number(parts.store.self("foreign_seq") ?? 0);
  }

  /** Whether a record of this id was met that this node did not sign. */
  get usedElsewhere(): boolean {
    return this.#usedElsewhere;
  }

  /** Where others reach this node. */
  get apiUrl(): string {
    return this.#apiUrl;
  }

  get suites(): readonly Suite[] {
    return suitesOf(this.#config.pq);
  }

  /** The newest record; signs one if there is none, it is old, or modules brought or took methods since. */
  current(): Promise<VerifiedRecord> {
    const current = this.#current;
    if (current === null || this.#isOutdated) return this.renew();
    const nowMs = this.#clock.nowMs();
    const { seq, methods } = current.payload;
    const isOutdated = methods.join() !== this.#methods.names().join();
    // Signed while the clock ran ahead: everybody refuses it, and a lower number is free.
    const isAhead = seq > nowMs + CLOCK_ALLOWANCE_MS / 2 && seq > this.#countedTaken() + 1;
    return isAhead || isOutdated || nowMs - seq > REFRESH_AGE_MS
      ? this.renew()
      : Promise.resolve(current);
  }

  /** What the record says from its next signing on; others learn it with that. */
  setServices(services: readonly string[]): void {
    if (services.join("\n") === this.#services.join("\n")) return;
    this.#services = services;
    this.#isOutdated = true;
  }

  /** Where others reach this node from now on; they learn it with the next record. */
  setApiUrl(url: string): void {
    if (url === this.#apiUrl) return;
    this.#apiUrl = url;
    this.#isOutdated = true;
  }

  /** The label that the record has. */
  get alias(): string | null {
    return this.#alias;
  }

  /** Signs a record with another label, or without one. */
  async setAlias(alias: string | null): Promise<void> {
    if (alias === this.#alias) return;
    this.#alias = alias;
    // One that is being signed may have the former label.
    this.#isOutdated = true;
    await this.#signing;
    await this.current();
  }

  /** A record with a `seq` above `seq`; the newest one if it has that already. */
  async above(seq: number): Promise<VerifiedRecord> {
    const current = await this.current();
    return current.payload.seq > seq ? current : this.renew();
  }

  /** Signs a new record. Calls that meet share one. */
  renew(): Promise<VerifiedRecord> {
    this.#signing ??= this.#sign().finally(() => this.#signing = null);
    return this.#signing;
  }

  async #sign(): Promise<VerifiedRecord> {
    const last = this.#current?.payload.seq ?? 0;
    const nowMs = this.#clock.nowMs();
    // A known peer leaves a record aside that is ahead of its clock, and confirms the session all the same.
    const shown = this.#isAhead(this.#shownSeq) ? 0 : this.#shownSeq;
    const candidate = Math.max(nowMs, this.#countedTaken() + 1, shown + 1);
    const seq = candidate === last ? last + 1 : candidate;
    const iat = Math.floor(seq / 1000);
    const exp = iat + MAX_RECORD_LIFE_S;
    await this.#remember(seq, exp);
    this.#isOutdated = false;
    const next = this.#store.self(SELF_NAMES.next);
    const { directUrls = [] } = this.#config;
    const payload = {
      v: 3,
      iss: this.#id(),
      seq,
      iat,
      exp,
      api_url: this.#apiUrl,
      ...(directUrls.length === 0 ? {} : { direct_urls: directUrls }),
      noise_key: this.#noiseKey,
      suites: this.suites,
      methods: this.#methods.names(),
      services: this.#services,
      ...(this.#alias === null ? {} : { alias: this.#alias }),
      ...(this.#config.unlisted ? { unlisted: true } : {}),
      ...(next === null ? {} : { next }),
    };
    const text = await this.#crypto.signJws({
      key: this.#identity,
      typ: "openred-record+jwt",
      payload: JSON.stringify(payload),
    });
    this.#current = await verifyRecord(this.#crypto, text);
    // What it has to say changed meanwhile, and whoever asked since shares this signing.
    return this.#isOutdated ? await this.#sign() : this.#current;
  }

  #id(): NodeId {
    return this.#store.self("node_id") as NodeId;
  }

  /** Stores the numbers before anything is signed with them. */
  async #remember(seq: number, expSec: number): Promise<void> {
    this.#signedSeq = Math.max(this.#signedSeq, seq);
    if (this.#remembers) this.#signedNow.add(seq);
    else this.#pastSeq = Math.max(this.#pastSeq, seq);
    this.#remembers = true;
    const [oldest = 0] = this.#signedNow;
    if (this.#signedNow.size > MAX_REMEMBERED) {
      this.#signedNow.delete(oldest);
      this.#pastSeq = Math.max(this.#pastSeq, oldest);
    }
    const own = { suites: this.suites, noiseKey: this.#noiseKey, expSec };
    const kindOf = ({ suites, noiseKey }: Signed) => [noiseKey, ...suites].join();
    const latest = new Map([...this.#signed, own].map((entry) => [kindOf(entry), entry]));
    const signed = [...latest.values()];
    await Promise.all([
      this.#store.setSelf("signed_seq", String(this.#signedSeq)),
      this.#store.setSelf("signed_suites", JSON.stringify(signed)),
    ]);
    this.#signed = signed;
  }

  /** What the own records offered that are still fresh. */
  #fresh(): Signed[] {
    const nowMs = this.#clock.nowMs();
    return this.#signed.filter(({ expSec }) => nowMs <= expSec * 1000 + CLOCK_ALLOWANCE_MS);
  }

  /** The suites of every own record that is still fresh. */
  freshSuites(): readonly (readonly string[])[] {
    return this.#fresh().map(({ suites }) => suites);
  }

  /** Of the keystore's noise keys those that a message may be for: the newest, and what a fresh own record names. */
  namedKeys(noiseKeys: readonly NoiseKeyInfo[]): readonly NoiseKeyInfo[] {
    const named = new Set([this.#noiseKey, ...this.#fresh().map(({ noiseKey }) => noiseKey)]);
    return noiseKeys.filter(({ publicKey }) => named.has(encodeBase64Url(publicKey)));
  }

  /** Notes that a session was confirmed in which a record of this node was sent. */
  async shown(seq: number): Promise<void> {
    if (seq <= this.#shownSeq) return;
    this.#shownSeq = seq;
    await this.#store.setSelf("shown_seq", String(seq));
  }

  /** Notes that a directory took a record of this node. */
  async taken(seq: number): Promise<void> {
    if (seq <= this.#countedTaken()) return;
    this.#takenSeq = seq;
    await this.#store.setSelf("taken_seq", String(seq));
  }

  /**
   * Looks at a record of this node's own id that somebody else showed. One that this node did not sign means that the
   * key is in use elsewhere: announcing ends, until a restart, from which on only a newer one ends it again.
   * @param options `mayBeForgotten`: this node's data came from a backup since it last heard of whoever showed it.
   * @returns Whether announcing goes on.
   */
  async met(record: VerifiedRecord, options = { mayBeForgotten: false }): Promise<boolean> {
    const { seq } = record.payload;
    if (options.mayBeForgotten && !this.#mayHaveSigned(seq)) {
      this.#pastSeq = seq;
      this.#signedSeq = Math.max(this.#signedSeq, seq);
      await this.#store.setSelf("signed_seq", String(this.#signedSeq));
      this.#events.audit("own_past_adopted", { success: true, seq });
    }
    if (!this.#remembers || this.#mayHaveSigned(seq)) {
      await this.taken(seq);
      return true;
    }
    if (seq <= this.#foreignSeq) return true;
    this.#usedElsewhere = true;
    this.#events.audit("own_key_used_elsewhere", { success: false });
    this.#events.warn(
      "own_key_used_elsewhere",
      "A record of this node's id is about that this node did not sign: its key is in use elsewhere. " +
        "Announcing has stopped. Stop the other node, or restart this one once it is gone.",
    );
    await this.#store.setSelf("foreign_seq", String(seq));
    return false;
  }

  /**
   * Hears why a directory refused a record of this node. Where both clocks find a taken number ahead, they were wrong
   * together when it was taken, and it counts no more. Where only this one does, it is behind, and the number counts.
   */
  refused(code: "clock_ahead" | "seq_behind"): void {
    this.#leavesAhead = code === "clock_ahead" && this.#isAhead(this.#takenSeq);
  }

  /** What of the taken numbers the next one has to be above. */
  #countedTaken(): number {
    return this.#leavesAhead && this.#isAhead(this.#takenSeq) ? 0 : this.#takenSeq;
  }

  #isAhead(seq: number): boolean {
    return seq > this.#clock.nowMs() + CLOCK_ALLOWANCE_MS;
  }

  #mayHaveSigned(seq: number): boolean {
    return seq <= this.#pastSeq || this.#signedNow.has(seq);
  }
}
