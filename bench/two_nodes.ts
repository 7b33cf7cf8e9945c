/**
 * Two nodes and a directory as far as the crypto core knows them, and a session between the nodes.
 *
 * @module
 */
import { encodeUtf8 } from "../crypto/encoding.ts";
import type {
  CryptoCore,
  EstablishedSession,
  IssuedPair,
  KeyRef,
  OpenedEnvelope,
} from "../crypto/interface.ts";

/** Sealing the keystore is not what is measured. */
export const CHEAP_COST = { memoryKiB: 8, passes: 1 } as const;
export const PAIR_LIFE_MS = 300_000;
const HOUR_MS = 3_600_000;

/** An identity and its noise key in a core. */
export interface CoreNode {
  readonly core: CryptoCore;
  readonly id: string;
  readonly identity: KeyRef;
  readonly noiseKey: KeyRef;
  /** 32 bytes. */
  readonly noisePublic: Uint8Array;
}

/** Makes an identity in `core`. */
export async function createCoreNode(core: CryptoCore): Promise<CoreNode> {
  const secret = "benchmark";
  const { sealed } = await core.createKeystore({ secret: encodeUtf8(secret), cost: CHEAP_COST });
  const keys = await core.openKeystore({ sealed, secret: encodeUtf8(secret) });
  const { key, publicKey } = keys.noiseKeys[0]!;
  const { nodeId: id, identity } = keys;
  return { core, id, identity, noiseKey: key, noisePublic: publicKey };
}

/** Who gets a half. */
export interface PairMember {
  readonly id: string;
  readonly noisePublic: Uint8Array;
  readonly record: string;
}

/** Issues a pair as a directory does. */
export function issuePair(
  directory: CoreNode,
  members: { readonly a: PairMember; readonly b: PairMember; readonly nowMs: number },
): Promise<IssuedPair> {
  const { a, b, nowMs } = members;
  return directory.core.issuePair({
    noiseKey: directory.noiseKey,
    issuer: directory.id,
    method: "alpha",
    epoch: Math.floor(nowMs / HOUR_MS),
    issuedAt: nowMs,
    expiresAt: nowMs + PAIR_LIFE_MS,
    a: { id: a.id, noiseKey: a.noisePublic, record: a.record },
    b: { id: b.id, noiseKey: b.noisePublic, record: b.record },
  });
}

function openHalf(
  node: CoreNode,
  envelope: { directory: CoreNode; pairId: Uint8Array; noise: Uint8Array },
): Promise<OpenedEnvelope> {
  const { directory, pairId, noise } = envelope;
  return node.core.openEnvelope({
    noiseKeys: [node.noiseKey],
    directoryNoiseKey: directory.noisePublic,
    directoryId: directory.id,
    nodeId: node.id,
    pairId,
    noise,
  });
}

async function withRecord(node: CoreNode): Promise<PairMember> {
  const payload = JSON.stringify({ v: 3, iss: node.id });
  const typ = "openred-record+jwt";
  return { ...node, record: await node.core.signJws({ key: node.identity, typ, payload }) };
}

/** Runs a whole hybrid handshake from a to b, each in the core it was made in. */
export async function establishSession(
  nodes: { readonly a: CoreNode; readonly b: CoreNode; readonly directory: CoreNode },
): Promise<{ a: EstablishedSession; b: EstablishedSession }> {
  const { a, b, directory } = nodes;
  const nowMs = Date.now();
  const [memberA, memberB] = [await withRecord(a), await withRecord(b)];
  const { pairId, noiseA, noiseB } = await issuePair(directory, { a: memberA, b: memberB, nowMs });
  const halfA = await openHalf(a, { directory, pairId, noise: noiseA });
  const halfB = await openHalf(b, { directory, pairId, noise: noiseB });
  const suite = "ik-x25519-mlkem768";
  const started = await a.core.startHandshake({
    noiseKey: a.noiseKey,
    peerNoiseKey: b.noisePublic,
    suite,
    half: halfA.half,
    record: memberA.record,
  });
  const read = await b.core.readHandshake({
    noiseKeys: [b.noiseKey],
    suite,
    half: halfB.half,
    noise: started.noise,
  });
  const accepted = await b.core.acceptHandshake({
    handshake: read.handshake,
    record: memberB.record,
    lifeMs: HOUR_MS,
    next: { method: "beta", issuedAt: nowMs },
    nowMs: 0,
  });
  const { handshake } = started;
  await a.core.readAnswer({ handshake, noise: accepted.noise });
  return { a: await a.core.completeHandshake({ handshake, nowMs: 0 }), b: accepted };
}
