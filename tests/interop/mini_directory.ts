/**
 * A directory that issues pairs, as far as a node under test asks it to; and that lies when told to.
 *
 * @module
 */
import { base64Url, type Bytes, randomBytes, sha256, utf8 } from "./bytes.ts";
import { type Issuer, makeEnvelope, makeRecord, PAIR_MS } from "./envelope.ts";
import { Identity, type Json, type NoiseKey, noiseKey, open } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { LoopbackListener } from "../world/loopback_listener.ts";
import { type Answered, postJson } from "./session.ts";
import { makePair, type Pair } from "./tokens.ts";

export class MiniDirectory implements AsyncDisposable, Issuer {
  readonly identity = new Identity();
  readonly key = noiseKey();
  readonly records = new Map<string, string>();
  readonly registered = new Inbox<Json>("the registrations of the mini-directory");
  readonly asked = new Inbox<Json>("the requests of the mini-directory");
  /** The ids that were looked up. */
  readonly lookedUp = new Inbox<string>("the look-ups of the mini-directory");
  /** What answers a request for a pair; replaced by tests. */
  answerAsked: (asked: { me: string; target: string }) => Response = () =>
    Response.json({ code: "node_unknown" }, { status: 404 });
  /** The newest record. */
  record: string;
  #seq = 0;
  readonly #listener = new LoopbackListener((request) => this.#handle(request));

  constructor() {
    this.record = this.sign();
  }

  /** Signs a new record, which is the newest from then on. */
  sign(members: Json = {}): string {
    this.#seq = Math.max(Date.now(), this.#seq + 1);
    this.record = makeRecord(this.identity, {
      seq: this.#seq,
      api_url: this.url,
      noise_key: base64Url(this.key.public),
      suites: [],
      services: ["directory"],
      ...members,
    });
    return this.record;
  }

  get url(): string {
    return this.#listener.url;
  }

  /** A fresh pair of two ids. */
  pair(a: string, b: string, members: { issuedAt?: number; method?: string; pairId?: Bytes } = {}) {
    const issuedAt = members.issuedAt ?? Date.now();
    return makePair({
      issuer: this.identity.id,
      pairId: members.pairId ?? randomBytes(16),
      a,
      b,
      method: members.method ?? "delta",
      issuedAt,
      expiresAt: issuedAt + PAIR_MS,
    }, { key: randomBytes(32), saltA: randomBytes(32), saltB: randomBytes(32) });
  }

  /** An envelope of one half of a pair, with members of its layers replaced. */
  envelope(pair: Pair, side: "a" | "b", options: {
    to: string;
    peer: string;
    outer?: Json;
    inner?: Json;
    /** Seals in place of the directory's own key. */
    key?: NoiseKey;
  }): string {
    const { identity, key } = this;
    return makeEnvelope({ identity, key: options.key ?? key }, { pair, side, ...options });
  }

  async push(url: string, envelope: string): Promise<Answered> {
    return await postJson(`${url}/tokens/receive`, { envelope, directory: this.record });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
  }

  async #handle(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/api/v3/nodes/") && request.method === "GET") {
      const id = pathname.split("/").at(-1)!;
      this.lookedUp.push(id);
      const record = this.records.get(id);
      if (record === undefined) return Response.json({ code: "node_unknown" }, { status: 404 });
      const { iss, api_url } = open("record", record);
      const last_seen = Date.now();
      return Response.json({ record, node_id: iss, api_url, last_seen, status: "active" });
    }
    const text = await request.text();
    const body: Json = JSON.parse(text);
    if (pathname === "/api/v3/nodes/register") return this.#register(body);
    this.#checkProof(request, text);
    if (Object.keys(body).some((name) => name !== "target" && name !== "record")) {
      return Response.json({ code: "bad_request" }, { status: 400 });
    }
    this.asked.push(body);
    const { iss } = open("proof", request.headers.get("openred-proof"));
    return this.answerAsked({ me: String(iss), target: String(body.target) });
  }

  #register(body: Json): Response {
    const { iss } = open("record", body.record);
    this.records.set(String(iss), String(body.record));
    this.registered.push(body);
    return Response.json({
      node_id: iss,
      status: "active",
      lease_ms: 3_600_000,
      reannounce_after_ms: 1_800_000,
      directory_id: this.identity.id,
      directory_noise_key: base64Url(this.key.public),
      directory: this.record,
    }, { status: 201 });
  }

  #checkProof(request: Request, text: string): void {
    const proof = open("proof", request.headers.get("openred-proof"));
    const { pathname } = new URL(request.url);
    const isSound = proof.htm === "POST" && proof.htu === this.url + pathname &&
      proof.bh === base64Url(sha256(utf8(text))) && String(proof.jti).length === 22 &&
      Math.abs(Number(proof.iat) * 1000 - Date.now()) < 60_000 && proof.v === undefined;
    if (!isSound) throw new Error(`A proof is wrong: ${JSON.stringify(proof)}`);
  }
}
