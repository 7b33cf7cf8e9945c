/**
 * Identities whose keys lie in a test's own core: directories that issue pairs, nodes that take them.
 *
 * @module
 */
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, JwsType, KeyRef, OpenedKeystore } from "../../crypto/interface.ts";
import { type VerifiedRecord, verifyRecord } from "../../protocol/record.ts";
import { START_MS } from "./parts.ts";
import { CHEAP_COST } from "../world/cores.ts";

type Changes = Readonly<Record<string, unknown>>;

export class TestNodeKeys {
  readonly crypto: CryptoCore;
  readonly keys: OpenedKeystore;
  readonly id: NodeId;

  private constructor(crypto: CryptoCore, keys: OpenedKeystore) {
    this.crypto = crypto;
    this.keys = keys;
    this.id = keys.nodeId as NodeId;
  }

  static async create(crypto: CryptoCore): Promise<TestNodeKeys> {
    const { sealed } = await crypto.createKeystore({
      secret: encodeUtf8("secret"),
      cost: CHEAP_COST,
    });
    const keys = await crypto.openKeystore({ sealed, secret: encodeUtf8("secret") });
    return new TestNodeKeys(crypto, keys);
  }

  /** Two of them, the smaller id first. */
  static async createTwo(crypto: CryptoCore): Promise<[TestNodeKeys, TestNodeKeys]> {
    const one = await TestNodeKeys.create(crypto);
    const other = await TestNodeKeys.create(crypto);
    return one.id < other.id ? [one, other] : [other, one];
  }

  get noiseKey(): KeyRef {
    return this.keys.noiseKeys[0]!.key;
  }

  get noisePublic(): Uint8Array {
    return this.keys.noiseKeys[0]!.publicKey;
  }

  sign(typ: JwsType, payload: Changes): Promise<string> {
    const { identity: key } = this.keys;
    return this.crypto.signJws({ key, typ, payload: JSON.stringify(payload) });
  }

  recordText(changes: Changes = {}): Promise<string> {
    const seq = Number(changes.seq ?? START_MS);
    const iat = Math.floor(seq / 1000);
    return this.sign("openred-record+jwt", {
      v: 3,
      iss: this.id,
      seq,
      iat,
      exp: iat + 86_400,
      api_url: `https://${this.id.slice(-8).toLowerCase()}.example`,
      noise_key: encodeBase64Url(this.noisePublic),
      suites: ["ik-x25519"],
      methods: ["alpha", "beta", "gamma", "delta"],
      services: [],
      ...changes,
    });
  }

  async record(changes: Changes = {}): Promise<VerifiedRecord> {
    return await verifyRecord(this.crypto, await this.recordText(changes));
  }

  succession(old: NodeId, changes: Changes = {}): Promise<string> {
    const payload = { v: 3, iss: this.id, old, iat: 1, ...changes };
    return this.sign("openred-succession+jwt", payload);
  }
}

export interface IssuedTexts {
  readonly pairId: Uint8Array;
  /** The envelope of the initiator and that of the responder. */
  readonly a: string;
  readonly b: string;
}

interface Issue {
  readonly a: TestNodeKeys;
  readonly b: TestNodeKeys;
  readonly issuedAt?: number;
  readonly lifeMs?: number;
  readonly method?: string;
  /** The record of a that b gets. */
  readonly recordOfA?: string;
  readonly recordOfB?: string;
  /** Changes of the outside, after which it is signed. */
  readonly outside?: Changes;
}

/** What a directory makes of two nodes. */
export async function issuePair(directory: TestNodeKeys, issue: Issue): Promise<IssuedTexts> {
  const { a, b, issuedAt = START_MS, lifeMs = 300_000, method = "alpha" } = issue;
  const expiresAt = issuedAt + lifeMs;
  const issued = await directory.crypto.issuePair({
    noiseKey: directory.noiseKey,
    issuer: directory.id,
    method,
    epoch: Math.floor(issuedAt / 3_600_000),
    issuedAt,
    expiresAt,
    a: { id: a.id, noiseKey: a.noisePublic, record: issue.recordOfA ?? await a.recordText() },
    b: { id: b.id, noiseKey: b.noisePublic, record: issue.recordOfB ?? await b.recordText() },
  });
  const sign = (aud: string, noise: Uint8Array) =>
    directory.sign("openred-pair+jwt", {
      v: 3,
      iss: directory.id,
      aud,
      pair_id: encodeBase64Url(issued.pairId),
      iat: Math.floor(issuedAt / 1000),
      exp: Math.floor(expiresAt / 1000),
      noise: encodeBase64Url(noise),
      ...issue.outside,
    });
  return {
    pairId: issued.pairId,
    a: await sign(a.id, issued.noiseA),
    b: await sign(b.id, issued.noiseB),
  };
}
