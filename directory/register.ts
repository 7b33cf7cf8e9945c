/**
 * Registering and re-announcing (docs/PROTOCOL.md, "Register"). The order of the checks is the
 * protocol's.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../crypto/encoding.ts";
import { registerRequestSchema } from "../protocol/directory_api.ts";
import type { ShownKey } from "../protocol/directory_key.ts";
import { hasCode, OpenRedError } from "../protocol/errors.ts";
import { CLOCK_ALLOWANCE_MS } from "../protocol/limits.ts";
import { checkTimes, highestSeqAt, type VerifiedRecord, verifyRecord } from "../protocol/record.ts";
import { parseGrowing, parseJson } from "../protocol/schemas.ts";
import { bannedError, refuseBanned } from "./bans.ts";
import { callBack } from "./callback.ts";
import { calledHost, calledPlace } from "./called_hosts.ts";
import { entryOf, seqBehindError } from "./entries.ts";
import { type Spans, spansFor, statusAt } from "./leases.ts";
import type { DirectoryParts } from "./parts.ts";
import { KeyCheck } from "./key_check.ts";
import type { Limiter } from "./limiters.ts";
import type { DirectoryEntry, StoredSuccession } from "./stores/store.ts";
import { judgeSuccession, refuseSucceeded, succeededError } from "./succeeded.ts";
import { checkApiUrl, checkApiUrlText } from "./url_check.ts";

const MAX_CHECKED_URLS = 10_000;
const DAY_MS = 24 * 3600 * 1000;

/** When a host that has too many ids may be tried again. */
const HOST_FULL_RETRY_MS = 3_600_000;

/** How many new ids a day a directory of the list may pass on. */
const NEW_IDS_OF_A_PEER = 100_000;

/** When a directory that is full may be tried again: nodes are forgotten all the time. */
const FULL_RETRY_MS = 3_600_000;

/** The answer to a registration, in the members of the wire. */
export interface RegisterContent {
  readonly node_id: string;
  readonly status: string;
  readonly lease_ms: number;
  readonly reannounce_after_ms: number;
  readonly look_after_ms: number;
  readonly retry_within_ms: number;
  readonly directory_id: string;
  readonly directory_noise_key: string;
  readonly directory: string;
}

/** Whether other directories hear of a record. Who was in no list here, and comes to be in none, is not told of. */
function isForOthers({ payload }: VerifiedRecord, former: DirectoryEntry | null): boolean {
  const wasHidden = former === null || former.unlisted || former.gone;
  return !wasHidden || !(payload.unlisted || payload.gone);
}

/** What nodes and the limits bring about all the time, or says itself what it was. */
function isCommon(error: OpenRedError): boolean {
  return hasCode(error, "seq_behind", "callback_failed", "rate_limited", "overloaded");
}

/** Takes records. */
export class Registrar {
  readonly #parts: DirectoryParts;
  readonly #perIdentity: Limiter;
  readonly #newIds: Limiter;
  readonly #newIdsOfPeers: Limiter;
  readonly #keys: KeyCheck;
  readonly #checkedUrls = new Map<NodeId, string>();

  constructor(parts: DirectoryParts, perIdentity: Limiter) {
    this.#parts = parts;
    this.#perIdentity = perIdentity;
    this.#keys = new KeyCheck(parts);
    this.#newIds = parts.limits.rate({
      name: "new_ids",
      perDay: parts.config.limits.newIdsPerAddress,
      what: "that are new from one address",
    });
    this.#newIdsOfPeers = parts.limits.rate({
      name: "new_ids_of_peers",
      perDay: parts.config.limits.newIdsPerAddress === 0 ? 0 : NEW_IDS_OF_A_PEER,
      what: "that are new from one directory",
    });
  }

  /**
   * Takes a record, and the succession that came with it. Resolves once both are durable.
   * @param request `source`: whom the address it came from stands for. `peer`: the directory that passes it on, proven.
   * @throws {OpenRedError} Any refusal of the protocol's table for this call.
   */
  async register(
    request: {
      readonly body: Uint8Array;
      readonly source: string;
      readonly peer: NodeId | null;
    },
  ): Promise<RegisterContent> {
    const input = parseGrowing(registerRequestSchema, parseJson(request.body));
    const record = await verifyRecord(this.#parts.crypto, input.record);
    try {
      const { succession, key } = input;
      return await this.#take(record, { ...request, succession, key });
    } catch (error) {
      if (error instanceof OpenRedError && !isCommon(error)) {
        const { id } = record;
        this.#parts.log.log("info", "registration_refused", { id, code: error.code });
      }
      throw error;
    }
  }

  async #take(
    record: VerifiedRecord,
    input: {
      readonly source: string;
      readonly peer: NodeId | null;
      readonly succession: string | undefined;
      readonly key: ShownKey | undefined;
    },
  ): Promise<RegisterContent> {
    const found = await this.#parts.store.find(record.id);
    refuseBanned(found);
    refuseSucceeded(found);
    checkTimes(record, this.#parts.clock.nowMs());
    const { entry } = found;
    await this.#checkUrl(record, entry);
    if (entry?.text === record.text) return await this.#answerAgain(entry, input.succession);
    const isHigher = record.payload.seq > (entry?.seq ?? -1);
    if (entry !== null && !isHigher && entry.seq <= this.#latestSeq(record)) {
      throw seqBehindError(entry);
    }
    // Only the owner can make a higher seq, so nobody can use up this limit for somebody else.
    if (isHigher) await this.#perIdentity.check(record.id);
    if (record.payload.gone && entry === null) {
      return await this.#answerUnknown(record, input.succession);
    }
    const succession = await this.#judge(record, input.succession);
    // Who follows a known id is no stranger.
    const isStranger = entry === null && succession === null;
    const needsKey = isStranger && input.peer === null;
    if (needsKey) await this.#keys.check(record.id, input.key);
    if (isStranger) await this.#checkRoom();
    const calledBackAt = await this.#callBackIfDue(record, { entry, source: input.source });
    // Counted when its URL has answered: a URL that is not right yet uses up nothing.
    if (isStranger) await this.#countNewId(input);
    if (needsKey) await this.#keys.use(record.id, input.key);
    const content = await this.#store(record, { entry, succession, calledBackAt });
    if (isForOthers(record, entry)) {
      const { succession: text } = input;
      this.#parts.exchange.passOn({ id: record.id, record: record.text, succession: text });
    }
    return content;
  }

  /**
   * Who withdraws an id that was never here gets the answer, and nothing is stored: such ids cost nothing to make, and
   * no URL has to answer for them.
   */
  async #answerUnknown(
    record: VerifiedRecord,
    successionText: string | undefined,
  ): Promise<RegisterContent> {
    if (successionText !== undefined) {
      const text = "A succession does not come with a first record that is gone";
      throw new OpenRedError("succession_refused", text);
    }
    this.#count("gone_unknown");
    const spans = await this.#spans();
    const { leaseMs } = spans;
    return this.#answer(this.#newEntry(record, { entry: null, calledBackAt: 0, leaseMs }), spans);
  }

  /**
   * A stored `seq` above this gives way to the record: it was taken while the clock was ahead, and its owner could
   * announce nothing until the time has caught up. Not to a `gone` one: no callback tells whether that is an old one.
   */
  #latestSeq({ payload }: VerifiedRecord): number {
    return payload.gone ? Number.MAX_SAFE_INTEGER : highestSeqAt(this.#parts.clock.nowMs());
  }

  /** The URL that is stored was resolved then, and is again before it is called. */
  async #checkUrl({ id, payload }: VerifiedRecord, entry: DirectoryEntry | null): Promise<void> {
    if (payload.gone) return;
    if (entry?.apiUrl !== payload.api_url) return await checkApiUrl(this.#parts, payload.api_url);
    // The policy may have changed since the URL was stored, but not while this process runs.
    if (this.#checkedUrls.get(id) === payload.api_url) return;
    checkApiUrlText(this.#parts, payload.api_url);
    if (this.#checkedUrls.size >= MAX_CHECKED_URLS) this.#checkedUrls.clear();
    this.#checkedUrls.set(id, payload.api_url);
  }

  /** The very text that is stored: the lease stays as it is. */
  async #answerAgain(
    entry: DirectoryEntry,
    successionText: string | undefined,
  ): Promise<RegisterContent> {
    if (successionText !== undefined) {
      const link = await judgeSuccession(this.#parts, { text: successionText, newId: entry.id });
      const { succession } = await this.#parts.store.find(link.oldId);
      if (succession === null) await this.#parts.store.putSuccession(link);
    }
    this.#count("repeated");
    return this.#answer(entry, await this.#spans());
  }

  async #judge(
    record: VerifiedRecord,
    text: string | undefined,
  ): Promise<StoredSuccession | null> {
    if (text === undefined) return null;
    return await judgeSuccession(this.#parts, { text, newId: record.id });
  }

  /** @returns When the node behind the record was last called. */
  async #callBackIfDue(
    record: VerifiedRecord,
    { entry, source }: { readonly entry: DirectoryEntry | null; readonly source: string },
  ): Promise<number> {
    const { payload } = record;
    if (payload.gone) return 0;
    const isThere = entry?.apiUrl === payload.api_url;
    const isSame = isThere && entry.noiseKey === encodeBase64Url(payload.noise_key);
    if (isSame && this.#isRecent(entry.calledBackAt)) return entry.calledBackAt;
    if (isThere) await checkApiUrl(this.#parts, payload.api_url);
    await this.#checkRoomOnHost(record, entry);
    await callBack(this.#parts, record, { why: isThere ? "own" : "claimed", source });
    return this.#parts.clock.nowMs();
  }

  /** Within a day; an instant ahead was noted while the clock was. */
  #isRecent(instantMs: number): boolean {
    const ageMs = this.#parts.clock.nowMs() - instantMs;
    return ageMs < DAY_MS && ageMs >= -CLOCK_ALLOWANCE_MS;
  }

  async #countNewId(
    { source, peer }: { readonly source: string; readonly peer: NodeId | null },
  ): Promise<void> {
    try {
      if (peer === null) await this.#newIds.check(source);
      else await this.#newIdsOfPeers.check(peer);
    } catch (error) {
      if (hasCode(error, "rate_limited")) this.#count("address_full");
      throw error;
    }
  }

  /** A directory that is full goes on serving those it has. Ids on their way at the same time may come to be above it. */
  async #checkRoom(): Promise<void> {
    const { config, store } = this.#parts;
    const max = config.limits.ids;
    if (max === 0 || await store.countStored() < max) return;
    this.#count("full");
    throw new OpenRedError("overloaded", "The directory is full and takes no new ids now", {
      retryAfterMs: FULL_RETRY_MS,
    });
  }

  async #checkRoomOnHost(record: VerifiedRecord, entry: DirectoryEntry | null): Promise<void> {
    const { limits, relays } = this.#parts.config;
    const apiUrl = record.payload.api_url;
    const { relay } = calledPlace({ apiUrl, id: record.id }, relays);
    const max = relay === null ? limits.idsPerHost : limits.idsPerRelay;
    const host = calledHost(apiUrl);
    if (max === 0 || entry?.host === host) return;
    if (await this.#parts.store.countOnHost(host) < max) return;
    this.#count("host_full");
    throw new OpenRedError("rate_limited", `More than ${max} ids on one host`, {
      retryAfterMs: HOST_FULL_RETRY_MS,
    });
  }

  async #store(
    record: VerifiedRecord,
    options: {
      readonly entry: DirectoryEntry | null;
      readonly succession: StoredSuccession | null;
      readonly calledBackAt: number;
    },
  ): Promise<RegisterContent> {
    const spans = await this.#spans();
    const entry = this.#newEntry(record, { ...options, leaseMs: spans.leaseMs });
    const next = record.payload.next ?? null;
    const { succession } = options;
    const latestSeq = this.#latestSeq(record);
    const result = await this.#parts.store.put({ entry, next, succession }, { latestSeq });
    if (result.outcome === "banned") throw bannedError();
    if (result.outcome === "succeeded") throw succeededError(result.succession);
    if (result.outcome === "behind" && result.entry.text !== entry.text) {
      throw seqBehindError(result.entry);
    }
    this.#count(entry.gone ? "gone" : "stored");
    this.#note(entry, { former: options.entry, succession });
    return this.#answer(result.outcome === "behind" ? result.entry : entry, spans);
  }

  /** Leaves in the log what is news to the operator: most announcements are none. */
  #note(
    { id, apiUrl, gone }: DirectoryEntry,
    { former, succession }: {
      readonly former: DirectoryEntry | null;
      readonly succession: StoredSuccession | null;
    },
  ): void {
    const { log } = this.#parts;
    const isHere = former !== null && !former.gone;
    if (succession !== null) log.log("info", "node_succeeded", { id: succession.oldId, by: id });
    if (gone && isHere) log.log("info", "node_withdrawn", { id });
    if (!gone && !isHere) log.log("info", "node_registered", { id, url: apiUrl });
  }

  #newEntry(
    record: VerifiedRecord,
    options: { entry: DirectoryEntry | null; calledBackAt: number; leaseMs: number },
  ): DirectoryEntry {
    const { entry, calledBackAt, leaseMs } = options;
    const nowMs = this.#parts.clock.nowMs();
    return entryOf(record, { nowMs, leaseMs, calledBackAt, stored: entry });
  }

  async #spans(): Promise<Spans> {
    const { config, store } = this.#parts;
    return spansFor(await store.countNodes(), config.leaseMs);
  }

  #answer(entry: DirectoryEntry, spans: Spans): RegisterContent {
    const { own, clock } = this.#parts;
    return {
      node_id: entry.id,
      status: statusAt(entry, clock.nowMs()),
      lease_ms: spans.leaseMs,
      reannounce_after_ms: spans.reannounceAfterMs,
      look_after_ms: spans.lookAfterMs,
      retry_within_ms: spans.retryWithinMs,
      directory_id: own.id,
      directory_noise_key: own.noiseKey,
      directory: own.text,
    };
  }

  #count(outcome: string): void {
    this.#parts.metrics.count("openred_registrations_total", { outcome });
  }
}
