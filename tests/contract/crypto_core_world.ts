/**
 * Two nodes and a directory on one core, for the contract of the crypto core.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type {
  AcceptedHandshake,
  CryptoCore,
  CryptoMethod,
  EstablishedSession,
  KeyRef,
  NextPairs,
  OpenedEnvelope,
  OpenedKeystore,
  Suite,
} from "../../crypto/interface.ts";
import { CHEAP_COST } from "../world/cores.ts";

export const ISSUED_AT = 1_790_000_000_000;
export const NEXT = { method: "gamma", issuedAt: ISSUED_AT + 1 } as const;
export const LIFE_MS = 3_600_000;

export interface TestNode {
  readonly keys: OpenedKeystore;
  readonly id: string;
  readonly noiseKey: KeyRef;
  readonly noisePublic: Uint8Array;
  readonly record: string;
}

export async function createTestNode(core: CryptoCore, secret: string): Promise<TestNode> {
  const { sealed } = await core.createKeystore({ secret: encodeUtf8(secret), cost: CHEAP_COST });
  const keys = await core.openKeystore({ sealed, secret: encodeUtf8(secret) });
  const newest = keys.noiseKeys[0]!;
  const payload = JSON.stringify({ v: 3, iss: keys.nodeId });
  const record = await core.signJws({ key: keys.identity, typ: "openred-record+jwt", payload });
  return {
    keys,
    id: keys.nodeId,
    noiseKey: newest.key,
    noisePublic: newest.publicKey,
    record,
  };
}

/** A pair that was issued, and both halves as their nodes opened them. */
export interface IssuedHalves {
  readonly pairId: Uint8Array;
  readonly a: OpenedEnvelope;
  readonly b: OpenedEnvelope;
}

/** Everything a test of the contract starts from. */
export class CoreWorld {
  readonly core: CryptoCore;
  readonly directory: TestNode;
  readonly a: TestNode;
  readonly b: TestNode;

  private constructor(core: CryptoCore, nodes: readonly [TestNode, TestNode, TestNode]) {
    this.core = core;
    [this.directory, this.a, this.b] = nodes;
  }

  static async create(core: CryptoCore): Promise<CoreWorld> {
    return new CoreWorld(core, [
      await createTestNode(core, "directory"),
      await createTestNode(core, "a"),
      await createTestNode(core, "b"),
    ]);
  }

  issue(method: CryptoMethod = "alpha") {
    const { core, directory, a, b } = this;
    return core.issuePair({
      noiseKey: directory.noiseKey,
      issuer: directory.id,
      method,
      epoch: Math.floor(ISSUED_AT / 3_600_000),
      issuedAt: ISSUED_AT,
      expiresAt: ISSUED_AT + 300_000,
      a: { id: a.id, noiseKey: a.noisePublic, record: a.record },
      b: { id: b.id, noiseKey: b.noisePublic, record: b.record },
    });
  }

  openFor(node: TestNode, pairId: Uint8Array, noise: Uint8Array): Promise<OpenedEnvelope> {
    return this.core.openEnvelope({
      noiseKeys: node.keys.noiseKeys.map(({ key }) => key),
      directoryNoiseKey: this.directory.noisePublic,
      directoryId: this.directory.id,
      nodeId: node.id,
      pairId,
      noise,
    });
  }

  async halves(method?: CryptoMethod): Promise<IssuedHalves> {
    const { pairId, noiseA, noiseB } = await this.issue(method);
    return {
      pairId,
      a: await this.openFor(this.a, pairId, noiseA),
      b: await this.openFor(this.b, pairId, noiseB),
    };
  }

  start(half: KeyRef, options: { suite?: Suite; from?: "a" | "b"; succession?: string } = {}) {
    const { suite = "ik-x25519-mlkem768", from = "a", succession } = options;
    const [own, peer] = from === "a" ? [this.a, this.b] : [this.b, this.a];
    return this.core.startHandshake({
      noiseKey: own.noiseKey,
      peerNoiseKey: peer.noisePublic,
      suite,
      half,
      record: own.record,
      ...(succession === undefined ? {} : { succession }),
    });
  }

  read(half: KeyRef, noise: Uint8Array, options: { suite?: Suite; by?: "a" | "b" } = {}) {
    const { suite = "ik-x25519-mlkem768", by = "b" } = options;
    const noiseKeys = this[by].keys.noiseKeys.map(({ key }) => key);
    return this.core.readHandshake({ noiseKeys, suite, half, noise });
  }

  accept(
    handshake: KeyRef,
    options: { by?: "a" | "b"; next?: NextPairs } = {},
  ): Promise<AcceptedHandshake> {
    const { by = "b", next = NEXT } = options;
    const { record } = this[by];
    return this.core.acceptHandshake({ handshake, record, lifeMs: LIFE_MS, next, nowMs: 0 });
  }

  /** A whole handshake. */
  async connect(
    halves: { readonly a: KeyRef; readonly b: KeyRef },
    options: { suite?: Suite; from?: "a" | "b"; next?: NextPairs } = {},
  ): Promise<{ started: EstablishedSession; accepted: AcceptedHandshake }> {
    const { from = "a", next = NEXT } = options;
    const other = from === "a" ? "b" : "a";
    const { handshake, noise } = await this.start(halves[from], options);
    const read = await this.read(halves[other], noise, { ...options, by: other });
    const accepted = await this.accept(read.handshake, { by: other, next });
    await this.core.readAnswer({ handshake, noise: accepted.noise });
    const started = await this.core.completeHandshake({ handshake, nowMs: 0 });
    return { started, accepted };
  }
}
