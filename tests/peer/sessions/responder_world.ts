/**
 * A responder, and a peer that writes any message 1 it likes.
 *
 * @module
 */
import { assertRejects } from "@std/assert";
import type { KeyRef, StoredHalf, Suite } from "../../../crypto/interface.ts";
import { NODE_DEFAULTS, type PostQuantumPolicy } from "../../../protocol/node_settings.ts";
import { OwnRecord } from "../../../peer/own/own_record.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { Responder } from "../../../peer/sessions/responder.ts";
import { SessionTable } from "../../../peer/sessions/session.ts";
import { EnvelopeReceiver } from "../../../peer/tokens/receive.ts";
import { ValidationCache } from "../../../peer/tokens/validation_cache.ts";
import { TokenVault } from "../../../peer/tokens/vault.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { HandshakeRequest } from "../../../protocol/peer_api.ts";
import { verifyRecord } from "../../../protocol/record.ts";
import { decodePairStatement } from "../../../protocol/statements.ts";
import { TestParts } from "../parts.ts";
import { issuePair, TestNodeKeys } from "../test_node_keys.ts";

export const LIFE_MS = 3_600_000;

/** What the peer writes into message 1. */
export interface Offer {
  readonly suite?: Suite;
  /** The suite that stands outside, if it is another one. */
  readonly suiteOutside?: string;
  readonly record?: string;
  readonly succession?: string;
  readonly noiseKey?: KeyRef;
}

export interface MessageOne {
  readonly request: HandshakeRequest;
  readonly handshake: KeyRef;
}

export class ResponderWorld implements Disposable {
  readonly parts: TestParts;
  readonly directory: TestNodeKeys;
  readonly own: TestNodeKeys;
  readonly peer: TestNodeKeys;
  readonly book: PeerBook;
  readonly vault: TokenVault;
  readonly table = new SessionTable();
  readonly validations = new ValidationCache();
  readonly ownRecord: OwnRecord;
  readonly #receiver: EnvelopeReceiver;

  private constructor(parts: TestParts, people: readonly TestNodeKeys[], pq: PostQuantumPolicy) {
    this.parts = parts;
    [this.directory, this.own, this.peer] = people as [TestNodeKeys, TestNodeKeys, TestNodeKeys];
    this.book = new PeerBook(parts, this.own.id);
    this.vault = new TokenVault(parts, this.own.keys.vault);
    this.ownRecord = this.recordOf(pq);
    this.#receiver = new EnvelopeReceiver({ ...parts, vault: this.vault, book: this.book }, {
      id: this.own.id,
      noiseKeys: this.own.keys.noiseKeys,
    });
  }

  static async create(pq: PostQuantumPolicy = "off"): Promise<ResponderWorld> {
    const parts = await TestParts.create();
    const people = [];
    for (let index = 0; index < 3; index++) people.push(await TestNodeKeys.create(parts.crypto));
    await parts.store.setSelf("node_id", people[1]!.id);
    return new ResponderWorld(parts, people, pq);
  }

  /** The own record of a node that starts with a policy. */
  recordOf(pq: PostQuantumPolicy): OwnRecord {
    const config = { version: "test", apiUrl: "https://node.example", adminToken: "token" };
    return new OwnRecord(this.parts, { ...NODE_DEFAULTS, ...config, pq }, {
      identity: this.own.keys.identity,
      noiseKey: this.own.noisePublic,
    });
  }

  /** A responder with nothing in memory: that of a process that starts now. */
  responder(ownRecord = this.ownRecord): Responder {
    const { parts, vault, book, table, own, validations } = this;
    return new Responder({
      ...parts,
      vault,
      book,
      ownRecord,
      table,
      validations,
      noiseKeys: own.keys.noiseKeys,
      own: { id: own.id, rotation: { kind: "hourly" }, sessionLifeMs: LIFE_MS },
    });
  }

  /** A fresh pair: b's half goes into the vault, a's is returned. */
  async pair(role: "initiator" | "responder" = "responder"): Promise<StoredHalf> {
    const { directory, own, peer, parts } = this;
    const [a, b] = role === "responder" ? [peer, own] : [own, peer];
    const issuedAt = parts.clock.nowMs();
    const issued = await issuePair(directory, { a, b, issuedAt });
    const record = await verifyRecord(parts.crypto, await directory.recordText());
    this.#receiver.noteAsked(peer.id);
    await this.#receiver.receive(role === "responder" ? issued.b : issued.a, record);
    const text = role === "responder" ? issued.a : issued.b;
    const { pair_id, noise } = decodePairStatement(text);
    return await parts.crypto.openEnvelope({
      noiseKeys: [peer.noiseKey],
      directoryNoiseKey: directory.noisePublic,
      directoryId: directory.id,
      nodeId: peer.id,
      pairId: pair_id,
      noise,
    });
  }

  /** A new message 1 on a pair. */
  async message({ half, info }: StoredHalf, offer: Offer = {}): Promise<MessageOne> {
    const { crypto, clock } = this.parts;
    const suite = offer.suite ?? "ik-x25519";
    const { handshake, noise } = await crypto.startHandshake({
      noiseKey: offer.noiseKey ?? this.peer.noiseKey,
      peerNoiseKey: this.own.noisePublic,
      suite,
      half,
      record: offer.record ?? await this.peer.recordText({ seq: clock.nowMs() }),
      ...(offer.succession === undefined ? {} : { succession: offer.succession }),
    });
    const request = {
      v: 3 as const,
      suite: offer.suiteOutside ?? suite,
      pair_id: new Uint8Array(info.pairId),
      noise: new Uint8Array(noise),
    };
    return { request, handshake };
  }

  /** Why a message 1 is refused; outside it is always the same. */
  async refusal(responder: Responder, request: HandshakeRequest): Promise<string> {
    const error = await assertRejects(() => responder.answer(request), OpenRedError);
    if (error.code !== "handshake_rejected" || error.message !== "The handshake was rejected") {
      throw new Error(`Refused as ${error.code}: ${error.message}`);
    }
    return error.cause instanceof Error ? error.cause.message : "";
  }

  [Symbol.dispose](): void {
    this.parts[Symbol.dispose]();
  }
}
