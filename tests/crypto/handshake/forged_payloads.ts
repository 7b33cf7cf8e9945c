/**
 * Nodes whose private keys a test knows, so that it can seal payloads no core would write.
 *
 * @module
 */
import { createAeads } from "../../../crypto/primitives/aead.ts";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { DhKey } from "../../../crypto/primitives/curves.ts";
import { enc, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { argon2id, Hashes } from "../../../crypto/primitives/hashes.ts";
import type { OpenedKeystore, Suite } from "../../../crypto/interface.ts";
import { sealKeystore } from "../../../crypto/at_rest/keystore.ts";
import { HandshakeState } from "../../../crypto/primitives/noise.ts";
import { generateAsymmetricTokens, type TokenPair } from "../../../crypto/pairs/tokens.ts";
import { repeated } from "../../vectors/read_vectors.ts";
import { CHEAP_COST } from "../../world/cores.ts";

const hashes = await Hashes.create();
const aeads = createAeads();
const primitives = { hashes, chacha20Poly1305: aeads.chacha20Poly1305 };
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

export const ISSUED_AT = 1_790_000_000_000;
export const PAIR_ID = repeated(0x10, 16);

/** A node in the core, and the private key it uses. */
export interface KnownNode {
  readonly keys: OpenedKeystore;
  readonly dh: DhKey;
  readonly record: string;
}

export async function createKnownNode(core: LocalCryptoCore, seed: number): Promise<KnownNode> {
  const secret = () => encodeUtf8("secret");
  const content = { seed: repeated(seed), noiseKeys: [repeated(seed + 0x40)], storage: [] };
  const parts = { aeads, random, stretch: argon2id };
  const sealed = await sealKeystore(parts, { content, secret: secret(), cost: CHEAP_COST });
  const keys = await core.openKeystore({ sealed, secret: secret() });
  const payload = JSON.stringify({ v: 3, iss: keys.nodeId });
  const record = await core.signJws({ key: keys.identity, typ: "openred-record+jwt", payload });
  return { keys, dh: DhKey.fromPrivate(repeated(seed + 0x40)), record };
}

/** A Noise X message from one node to another over any payload. */
export function sealEnvelope(
  options: { from: KnownNode; to: KnownNode; payload: string | Uint8Array },
): Uint8Array {
  const { from, to, payload } = options;
  const state = new HandshakeState(primitives, {
    pattern: "X",
    role: "initiator",
    prologue: enc("openred/v3/envelope", from.keys.nodeId, to.keys.nodeId, PAIR_ID),
    staticKey: from.dh,
    remoteStatic: to.dh.publicKey,
    random,
  });
  return state.writeMessage(typeof payload === "string" ? encodeUtf8(payload) : payload);
}

/** The tokens of the pair {@linkcode PAIR_ID} between two nodes. */
export function makeTokens(options: { issuer: string; a: KnownNode; b: KnownNode }): TokenPair {
  return generateAsymmetricTokens(hashes, {
    issuer: options.issuer,
    pairId: PAIR_ID,
    idA: options.a.keys.nodeId,
    idB: options.b.keys.nodeId,
    method: "alpha",
    issuedAt: ISSUED_AT,
    expiresAt: ISSUED_AT + 300_000,
  }, { key: repeated(0xaa), saltA: repeated(0xa1), saltB: repeated(0xb2) });
}

/** The members of an honest envelope for one side. */
export function envelopeMembers(
  options: { tokens: TokenPair; role: "initiator" | "responder"; peer: string },
): Record<string, unknown> {
  const { tokens, role, peer } = options;
  const isInitiator = role === "initiator";
  return {
    role,
    token: encodeBase64Url(isInitiator ? tokens.tokenA : tokens.tokenB),
    peer_salt: encodeBase64Url(isInitiator ? tokens.saltB : tokens.saltA),
    check: encodeBase64Url(tokens.check),
    method: "alpha",
    epoch: Math.floor(ISSUED_AT / 3_600_000),
    issued_at: ISSUED_AT,
    expires_at: ISSUED_AT + 300_000,
    peer,
  };
}

/** One side of an IK handshake over {@linkcode PAIR_ID} that says whatever the test wants. */
export function createIk(
  options: {
    suite: Suite;
    role: "initiator" | "responder";
    issuer: string;
    a: KnownNode;
    b: KnownNode;
  },
): HandshakeState {
  const { suite, role, issuer, a, b } = options;
  return new HandshakeState(primitives, {
    pattern: "IK",
    role,
    prologue: enc("openred/v3/session", suite, issuer, PAIR_ID, a.keys.nodeId, b.keys.nodeId),
    staticKey: role === "initiator" ? a.dh : b.dh,
    remoteStatic: b.dh.publicKey,
    random,
  });
}
