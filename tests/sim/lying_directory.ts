/**
 * A directory that takes every record and tells whatever it likes.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, OpenedKeystore } from "../../crypto/interface.ts";
import type { HttpClient } from "../../ports/ports.ts";
import {
  DISCOVER_PATH,
  NODES_PATH,
  RECEIVE_PATH,
  REGISTER_PATH,
  REQUEST_CONNECTION_PATH,
} from "../../protocol/directory_api.ts";
import { jsonResponse } from "../../protocol/http.ts";
import { decodeRecord } from "../../protocol/record.ts";
import { LieForge } from "./lie_forge.ts";
import type { SeededRandom } from "../world/seeded_random.ts";
import type { VirtualProcess } from "./virtual_process.ts";

export const LIES = [
  "wrong peer",
  "old record",
  "two different pairs",
  "unasked half",
  "two texts of one pair",
  "expired half",
  "half for another node",
  "half of another directory",
] as const;
export type Lie = typeof LIES[number];

interface LiarParts {
  readonly crypto: CryptoCore;
  readonly keystore: OpenedKeystore;
  readonly process: VirtualProcess;
  readonly http: HttpClient;
  readonly random: SeededRandom;
}

/** Pushes that a node must have refused, and how it answered. */
export interface LiePushed {
  readonly lie: Lie;
  readonly to: NodeId;
  readonly status: number;
}

export class LyingDirectory {
  readonly #parts: LiarParts;
  readonly #forge: LieForge;
  /** All records of each id, oldest first. */
  readonly #records = new Map<NodeId, string[]>();
  readonly pushed: LiePushed[] = [];

  constructor(parts: LiarParts) {
    this.#parts = parts;
    this.#forge = new LieForge(parts);
  }

  async handle(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === REGISTER_PATH) return await this.#register(await request.json());
    if (pathname === REQUEST_CONNECTION_PATH) return await this.#connect(await request.json());
    if (pathname === DISCOVER_PATH) {
      const nodes = [...this.#records.keys()].map((id) => this.#nodeView(id));
      return jsonResponse({ nodes, next_cursor: null });
    }
    if (pathname.startsWith(NODES_PATH)) return this.#lookUp();
    return jsonResponse({ code: "not_found" }, 404);
  }

  /** Pushes halves nobody asked for to everybody. */
  async pushUnasked(): Promise<void> {
    for (const to of this.#records.keys()) {
      const lie = this.#parts.random.pick(LIES.slice(3));
      await this.push(to, lie);
    }
  }

  /** Pushes one lie to a node. Its answer is kept in {@linkcode pushed}. */
  async push(to: NodeId, lie: Lie): Promise<void> {
    const peer = this.#other(to);
    if (peer === null) return;
    for (const envelope of await this.#envelopes(lie, { to, peer })) {
      const status = await this.#push(to, envelope);
      if (status !== null) this.pushed.push({ lie, to, status });
    }
  }

  async #envelopes(lie: Lie, who: { to: NodeId; peer: NodeId }): Promise<readonly string[]> {
    const [to, peer] = [this.#party(who.to), this.#party(who.peer)];
    switch (lie) {
      case "expired half": {
        const ageMs = this.#parts.random.between(900_000, 7_200_000);
        return [(await this.#forge.pair({ a: peer, b: to, ageMs })).b];
      }
      case "half for another node":
        return [(await this.#forge.pair({ a: to, b: peer })).b];
      case "half of another directory":
        return [(await this.#forge.pair({ a: peer, b: to, issuer: who.peer })).b];
      case "two texts of one pair":
        return (await this.#forge.pair({ a: peer, b: to, isTwice: true })).bTexts;
      default:
        return [(await this.#forge.pair({ a: to, b: peer })).a];
    }
  }

  async #register(body: { record: string }): Promise<Response> {
    const { iss } = decodeRecord(body.record);
    const texts = this.#records.get(iss) ?? [];
    if (!texts.includes(body.record)) texts.push(body.record);
    this.#records.set(iss, texts);
    const { keystore } = this.#parts;
    return jsonResponse({
      node_id: iss,
      status: "active",
      lease_ms: 600_000,
      reannounce_after_ms: 300_000,
      directory_id: keystore.nodeId,
      directory_noise_key: encodeBase64Url(keystore.noiseKeys[0]!.publicKey),
      directory: await this.#forge.ownRecord(),
    }, 201);
  }

  /** Every answer to somebody who asks for an introduction is a lie. */
  async #connect(body: { target: NodeId; record: string }): Promise<Response> {
    const { iss } = decodeRecord(body.record);
    if (!this.#records.has(iss)) this.#records.set(iss, [body.record]);
    const lie = this.#parts.random.pick(LIES.slice(0, 3));
    const wrong = this.#other(iss, body.target) ?? body.target;
    const target = lie === "wrong peer" ? wrong : body.target;
    if (!this.#records.has(target)) return jsonResponse({ code: "node_unknown" }, 404);
    const parties = { a: this.#party(iss), b: this.#party(target) };
    const pair = await this.#forge.pair(parties);
    const toTarget = lie === "two different pairs" ? await this.#forge.pair(parties) : pair;
    await this.#push(target, toTarget.b);
    const answer = await this.#forge.connectionAnswer(pair);
    return jsonResponse(answer);
  }

  #lookUp(): Response {
    const ids = [...this.#records.keys()];
    if (ids.length === 0) return jsonResponse({ code: "node_unknown" }, 404);
    return jsonResponse(this.#nodeView(this.#parts.random.pick(ids)));
  }

  #nodeView(id: NodeId) {
    const { record } = this.#party(id);
    const { api_url } = decodeRecord(record);
    return { record, node_id: id, api_url, last_seen: 1, status: "active" };
  }

  /** The oldest record of a node. */
  #party(id: NodeId): { id: NodeId; record: string; noiseKey: Uint8Array } {
    const record = this.#records.get(id)?.[0] ?? "";
    return { id, record, noiseKey: decodeRecord(record).noise_key };
  }

  #other(...not: NodeId[]): NodeId | null {
    const others = [...this.#records.keys()].filter((id) => !not.includes(id));
    return others.length === 0 ? null : this.#parts.random.pick(others);
  }

  async #push(to: NodeId, envelope: string): Promise<number | null> {
    const { api_url } = decodeRecord(this.#party(to).record);
    const body = { envelope, directory: await this.#forge.ownRecord() };
    try {
      const answer = await this.#parts.http.request({
        method: "POST",
        url: `${api_url}${RECEIVE_PATH}`,
        headers: { "content-type": "application/json" },
        body: encodeUtf8(JSON.stringify(body)),
        timeoutMs: 5_000,
        maxAnswerBytes: 4_096,
      });
      return answer.status;
    } catch {
      return null;
    }
  }
}
