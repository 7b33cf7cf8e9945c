/**
 * Introducing two nodes (docs/PROTOCOL.md, "Request-connection"). The order of the checks is the
 * protocol's. Nothing of a pair is kept.
 *
 * @module
 */
import * as v from "valibot";
import { decodeBase64Url, isNodeId, type NodeId } from "../crypto/encoding.ts";
import { connectionRequestSchema, REQUEST_CONNECTION_PATH } from "../protocol/directory_api.ts";
import { hasCode, OpenRedError } from "../protocol/errors.ts";
import { CLOCK_ALLOWANCE_MS } from "../protocol/limits.ts";
import { checkTimes, compareRecords, decodeRecord, verifyRecord } from "../protocol/record.ts";
import { parseGrowing, parseInput, parseJson } from "../protocol/schemas.ts";
import { refuseBanned } from "./bans.ts";
import { pushEnvelope } from "./delivery.ts";
import { nodeUnknownError } from "./lookup.ts";
import { type IntroducedPair, issuePair, type PairNode } from "./pair_issuer.ts";
import type { DirectoryParts } from "./parts.ts";
import { useProof } from "./proofs.ts";
import type { Limiter } from "./limiters.ts";
import type { DirectoryEntry } from "./stores/store.ts";
import { refuseSucceeded } from "./succeeded.ts";
import { checkApiUrl } from "./url_check.ts";

/** The target is looked at only once it is known who asks. */
const requesterPartSchema = v.looseObject({
  ...connectionRequestSchema.entries,
  target: v.optional(v.unknown()),
});

/** The answer to a request for an introduction, in the members of the wire. */
export interface ConnectionContent {
  readonly pair_id: string;
  readonly method: string;
  readonly epoch: number;
  readonly issued_at: number;
  readonly expires_at: number;
  readonly delivered: boolean;
  readonly envelope: string;
  readonly directory: string;
}

interface Requester {
  readonly node: PairNode;
  /** The stored record's URL, or `null` where there is none to push to. */
  readonly pushUrl: string | null;
}

/** What is pushed, and whom the address of the request stands for. */
interface Push {
  readonly pair: IntroducedPair;
  readonly source: string;
}

function pairNodeOf(entry: Pick<DirectoryEntry, "id" | "text" | "noiseKey">): PairNode {
  return {
    id: entry.id,
    record: entry.text,
    noiseKey: decodeBase64Url(entry.noiseKey)!,
    methods: decodeRecord(entry.text).methods,
  };
}

/** Introduces nodes to each other. */
export class Introducer {
  readonly #parts: DirectoryParts;
  readonly #perIdentity: Limiter;

  constructor(parts: DirectoryParts, perIdentity: Limiter) {
    this.#parts = parts;
    this.#perIdentity = perIdentity;
  }

  /**
   * Issues a pair to the requester and its target, and delivers it.
   * @throws {OpenRedError} Any refusal of the protocol's table for this call.
   */
  async introduce(
    request: { readonly proof: string | null; readonly body: Uint8Array; readonly source: string },
  ): Promise<ConnectionContent> {
    const { source, ...proven } = request;
    const id = await useProof(this.#parts, {
      method: "POST",
      path: REQUEST_CONNECTION_PATH,
      ...proven,
    });
    await this.#perIdentity.check(id);
    const found = await this.#parts.store.find(id);
    refuseBanned(found);
    refuseSucceeded(found);
    const content = parseJson(request.body);
    const sent = await this.#readSent(content, id);
    const requester = this.#requester(found.entry, sent);
    const { target: targetId } = parseInput(connectionRequestSchema, content);
    const target = await this.#target(targetId, id);
    const nodes = { a: requester.node, b: pairNodeOf(target) };
    const pair = await issuePair(this.#parts, nodes);
    await this.#pushToTarget(target, { pair, source });
    return this.#answer(pair, await this.#pushToRequester(requester, { pair, source }));
  }

  /** The record sent along: its own, well-formed, fresh and within the URL policy. */
  async #readSent(
    content: unknown,
    id: NodeId,
  ): Promise<PairNode & { seq: number; gone: boolean } | null> {
    const { record: text } = parseGrowing(requesterPartSchema, content);
    if (text === undefined) return null;
    const record = await verifyRecord(this.#parts.crypto, text);
    if (record.id !== id) {
      throw new OpenRedError("bad_request", "The record sent along is not the requester's own");
    }
    checkTimes(record, this.#parts.clock.nowMs());
    const { payload } = record;
    if (!payload.gone) await checkApiUrl(this.#parts, payload.api_url);
    const { noise_key: noiseKey, methods, seq, gone } = payload;
    return { id, record: text, noiseKey, methods, seq, gone };
  }

  /** The requester by the newer of the two records, the stored and the sent one. */
  #requester(
    stored: DirectoryEntry | null,
    sent: PairNode & { seq: number; gone: boolean } | null,
  ): Requester {
    const sentIsNewer = sent !== null && (stored === null ||
      compareRecords({ text: sent.record, payload: sent }, { text: stored.text, payload: stored }) >
        0);
    const newest = sentIsNewer ? sent : stored;
    const mayBeNew = this.#parts.config.inviteOnly !== true;
    if (newest === null || newest.gone || (stored === null && !mayBeNew)) {
      throw new OpenRedError("requester_unknown", "The requester is not registered here");
    }
    const pushUrl = stored === null || stored.gone ? null : stored.apiUrl;
    return { node: sentIsNewer ? sent : pairNodeOf(stored!), pushUrl };
  }

  async #target(targetId: string, requesterId: NodeId): Promise<DirectoryEntry> {
    if (!isNodeId(targetId) || targetId === requesterId) {
      throw new OpenRedError("bad_request", "Member target is not the id of another node");
    }
    const found = await this.#parts.store.find(targetId);
    refuseSucceeded(found);
    const { entry } = found;
    if (entry === null) throw nodeUnknownError();
    if (entry.gone || this.#parts.clock.nowMs() > entry.expSec * 1000 + CLOCK_ALLOWANCE_MS) {
      throw new OpenRedError("target_unreachable", "The target's record is gone or has expired");
    }
    return entry;
  }

  async #pushToTarget({ apiUrl, id }: DirectoryEntry, { pair, source }: Push): Promise<void> {
    const result = await pushEnvelope(this.#parts, {
      call: { apiUrl, id, why: "wanted", source },
      envelope: pair.envelopeB,
    });
    if (result !== "taken") {
      throw new OpenRedError("target_unreachable", "The target did not take its half of the pair");
    }
  }

  /** The requester has its half in the answer, so no failure of this push matters. */
  async #pushToRequester(
    { pushUrl, node }: Requester,
    { pair, source }: Push,
  ): Promise<boolean> {
    if (pushUrl === null) return false;
    try {
      const call = { apiUrl: pushUrl, id: node.id, why: "own", source } as const;
      return await pushEnvelope(this.#parts, { call, envelope: pair.envelopeA }) === "taken";
    } catch (error) {
      if (hasCode(error, "rate_limited")) return false;
      throw error;
    }
  }

  #answer(pair: IntroducedPair, delivered: boolean): ConnectionContent {
    return {
      pair_id: pair.pairId,
      method: pair.method,
      epoch: pair.epoch,
      issued_at: pair.issuedAt,
      expires_at: pair.expiresAt,
      delivered,
      envelope: pair.envelopeA,
      directory: this.#parts.own.text,
    };
  }
}
