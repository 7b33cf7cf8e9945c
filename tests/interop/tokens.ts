/**
 * Asymmetric token pairs and standby pairs of DESIGN §5, from that page alone.
 *
 * @module
 */
import { blake3Stream, type Bytes, concat, enc, hex, hkdfExpand, hmac, sha256 } from "./bytes.ts";

export const STANDBY_MS = 30 * 24 * 3_600_000;
export const METHODS = ["alpha", "beta", "gamma", "delta"];

const ORDERS: Record<string, readonly string[]> = {
  alpha: ["xor", "rotate", "permute", "cascade"],
  beta: ["rotate", "cascade", "xor", "permute"],
  gamma: ["permute", "xor", "cascade", "rotate"],
  delta: ["cascade", "permute", "rotate", "xor"],
};

/** What both nodes know of a pair. */
export interface PairContext {
  readonly issuer: string;
  readonly pairId: Bytes;
  readonly a: string;
  readonly b: string;
  readonly method: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** What one node holds of a pair. */
export interface Half extends PairContext {
  readonly token: Bytes;
  readonly peerSalt: Bytes;
  readonly check: Bytes;
}

/** Both tokens of a pair, as its issuer knows them. */
export interface Pair extends PairContext {
  readonly root: Bytes;
  readonly saltA: Bytes;
  readonly saltB: Bytes;
  readonly tokenA: Bytes;
  readonly tokenB: Bytes;
  readonly check: Bytes;
}

type Step = (state: Bytes, s: Bytes, isUndone: boolean) => Bytes;

function xor(left: Uint8Array, right: Uint8Array): Bytes {
  return Uint8Array.from(left, (byte, i) => byte ^ right[i]!);
}

function rotate(state: Bytes, s: Bytes, isUndone: boolean): Bytes {
  const bits = isUndone ? (256 - s[32]!) % 256 : s[32]!;
  const number = BigInt("0x" + hex(state));
  const wide = ((number << BigInt(bits)) | (number >> BigInt(256 - bits))) & ((1n << 256n) - 1n);
  const digits = wide.toString(16).padStart(64, "0");
  return Uint8Array.from(digits.match(/../g)!, (pair) => parseInt(pair, 16));
}

function permute(state: Bytes, s: Bytes, isUndone: boolean): Bytes {
  const out = state.slice();
  const view = new DataView(s.buffer, s.byteOffset);
  for (let n = 31; n >= 1; n--) {
    const i = isUndone ? 32 - n : n;
    const j = view.getUint32(64 + 4 * (31 - i)) % (i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

function cascade(state: Bytes, s: Bytes, isUndone: boolean): Bytes {
  let [left, right] = [state.slice(0, 16), state.slice(16)];
  const mix = (k: number, half: Bytes) => sha256(s.slice(192 + 32 * k, 224 + 32 * k), half);
  for (let n = 0; n < 4; n++) {
    if (isUndone) [left, right] = [xor(right, mix(3 - n, left)), left];
    else [left, right] = [right, xor(left, mix(n, right))];
  }
  return concat(left, right);
}

const STEPS: Record<string, Step> = { xor: (state, s) => xor(state, s), rotate, permute, cascade };

/** Who a token is for and how it is made. */
export interface TokenInput {
  readonly method: string;
  readonly salt: Bytes;
  readonly side: "a" | "b";
  readonly nodeId: string;
  readonly issuedAt: number;
}

function streamOf(input: TokenInput): Bytes {
  const variant = input.side === "a" ? "variant_alpha" : "variant_beta";
  const { salt, method, nodeId, issuedAt } = input;
  return blake3Stream(enc("openred/v3/transform", salt, method, variant, nodeId, issuedAt));
}

export function transform(root: Bytes, input: TokenInput): Bytes {
  const s = streamOf(input);
  return ORDERS[input.method]!.reduce((state, name) => STEPS[name]!(state, s, false), root);
}

export function reverseTransform(token: Bytes, input: TokenInput): Bytes {
  const s = streamOf(input);
  return ORDERS[input.method]!.toReversed().reduce(
    (state, name) => STEPS[name]!(state, s, true),
    token,
  );
}

function contextBytes(pair: PairContext): Bytes {
  const { issuer, pairId, a, b, method, issuedAt, expiresAt } = pair;
  return enc(issuer, pairId, a, b, method, issuedAt, expiresAt);
}

function checkOf(root: Bytes, context: PairContext): Bytes {
  return hmac(root, enc("openred/v3/check", contextBytes(context)));
}

/** Makes both tokens from the three secrets of a pair. */
export function makePair(
  context: PairContext,
  secrets: { readonly key: Bytes; readonly saltA: Bytes; readonly saltB: Bytes },
): Pair {
  const { method, issuedAt, a, b } = context;
  const { key, saltA, saltB } = secrets;
  const root = hmac(key, enc("openred/v3/pair", contextBytes(context)));
  return {
    ...context,
    root,
    saltA,
    saltB,
    tokenA: transform(root, { method, salt: saltA, side: "a", nodeId: a, issuedAt }),
    tokenB: transform(root, { method, salt: saltB, side: "b", nodeId: b, issuedAt }),
    check: checkOf(root, context),
  };
}

export function halfOf(pair: Pair, side: "a" | "b"): Half {
  const { root: _, saltA, saltB, tokenA, tokenB, ...rest } = pair;
  return side === "a"
    ? { ...rest, token: tokenA, peerSalt: saltB }
    : { ...rest, token: tokenB, peerSalt: saltA };
}

/** The root behind a peer's token. @throws {Error} When the tokens do not match. */
export function openPeerToken(half: Half, peerToken: Bytes, peerSide: "a" | "b"): Bytes {
  const { method, peerSalt: salt, issuedAt } = half;
  const nodeId = peerSide === "a" ? half.a : half.b;
  const root = reverseTransform(peerToken, { method, salt, side: peerSide, nodeId, issuedAt });
  if (hex(checkOf(root, half)) !== hex(half.check)) throw new Error("Tokens do not match");
  return root;
}

/** The session whose handshake leaves standby pairs behind. */
export interface StandbySource {
  readonly prk: Bytes;
  readonly initiator: string;
  readonly responder: string;
  readonly method: string;
  readonly issuedAt: number;
}

/** The four standby pairs of a session: 0 and 1 are its initiator's to start, 2 and 3 the other's. */
export function standbyPairs(source: StandbySource): readonly Pair[] {
  const { prk, initiator, responder, method, issuedAt } = source;
  return [0, 1, 2, 3].map((i) => {
    const out = hkdfExpand(prk, enc("openred/v3/next", i), 112);
    const context = {
      issuer: "peer",
      pairId: out.slice(0, 16),
      a: i < 2 ? initiator : responder,
      b: i < 2 ? responder : initiator,
      method,
      issuedAt,
      expiresAt: issuedAt + STANDBY_MS,
    };
    const secrets = { key: out.slice(16, 48), saltA: out.slice(48, 80), saltB: out.slice(80, 112) };
    return makePair(context, secrets);
  });
}
