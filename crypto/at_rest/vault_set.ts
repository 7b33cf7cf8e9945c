/**
 * The standby halves of one handshake as one vault line holds them: what they have in common once, and the secrets of
 * each. No half follows from another one.
 *
 * @module
 * @see docs/PROTOCOL.md, "Token vault"
 */
import { EncReader } from "../primitives/enc_reader.ts";
import { concatBytes, enc, encodeUtf8 } from "../encoding.ts";
import { readText } from "../primitives/short_text.ts";
import { Half } from "../pairs/half.ts";
import { CryptoError, type HalfInfo } from "../interface.ts";

export const SET_LABEL = "openred/v3/vault-set";

const ISSUER = "peer";
const MAX_HALVES = 16;
const ROLES = ["initiator", "responder"] as const;
const PAIR_ID_AT = 2;
const SECRETS_AT = 18;
const METHOD_AT = 114;

/** A half, and its place among those of its handshake. */
export interface PlacedHalf {
  readonly half: Half;
  readonly index: number;
}

/** What the halves of a set have in common: both ids, and when it was issued. */
interface Common {
  readonly own: string;
  readonly peer: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

function commonOf({ role, idA, idB, issuedAt, expiresAt }: HalfInfo): Common {
  const [own, peer] = role === "initiator" ? [idA, idB] : [idB, idA];
  return { own, peer, issuedAt, expiresAt };
}

/** @throws {CryptoError} `bad_argument` for halves that are not of one handshake. */
function checkSet(set: readonly PlacedHalf[]): Common {
  const [first] = set;
  if (first === undefined || set.length > MAX_HALVES) {
    throw new CryptoError("bad_argument", `Expected 1 to ${MAX_HALVES} halves`);
  }
  const common = commonOf(first.half.info);
  for (const { half, index } of set) {
    const { own, peer, issuedAt, expiresAt } = commonOf(half.info);
    const isOfOne = half.info.issuer === ISSUER && own === common.own && peer === common.peer &&
      issuedAt === common.issuedAt && expiresAt === common.expiresAt;
    const isPlaced = Number.isInteger(index) && index >= 0 && index < MAX_HALVES;
    if (!isOfOne || !isPlaced) {
      throw new CryptoError("bad_argument", "Expected the halves of one handshake");
    }
  }
  return common;
}

function encodeOne({ half, index }: PlacedHalf): Uint8Array {
  const { role, pairId, method } = half.info;
  const place = Uint8Array.of(index, ROLES.indexOf(role));
  return concatBytes(place, pairId, half.secrets, encodeUtf8(method));
}

/**
 * What is sealed of a set.
 * @throws {CryptoError} `bad_argument` for halves that are not of one handshake.
 */
export function encodeSet(set: readonly PlacedHalf[], meta: string): Uint8Array {
  const { own, peer, issuedAt, expiresAt } = checkSet(set);
  return enc(SET_LABEL, own, peer, issuedAt, expiresAt, meta, ...set.map(encodeOne));
}

function decodeOne(bytes: Uint8Array, common: Common): PlacedHalf {
  const [index = MAX_HALVES, role = ROLES.length] = bytes;
  if (index >= MAX_HALVES || role >= ROLES.length || bytes.length <= METHOD_AT) {
    throw new RangeError("Expected a half of a set");
  }
  const { own, peer, issuedAt, expiresAt } = common;
  const [idA, idB] = role === 0 ? [own, peer] : [peer, own];
  const info: HalfInfo = {
    issuer: ISSUER,
    pairId: bytes.subarray(PAIR_ID_AT, SECRETS_AT),
    idA,
    idB,
    method: readText(bytes, METHOD_AT, bytes.length),
    issuedAt,
    expiresAt,
    role: ROLES[role]!,
  };
  return { half: new Half(info, bytes.subarray(SECRETS_AT, METHOD_AT)), index };
}

/**
 * Reads a set behind its label. Its halves go on living where the bytes lie.
 * @throws {RangeError} Where it is none.
 */
export function decodeSet(reader: EncReader): { set: PlacedHalf[]; meta: string } {
  const [own, peer] = [reader.text(), reader.text()];
  const [issuedAt, expiresAt] = [reader.integer(), reader.integer()];
  const meta = reader.text();
  const set: PlacedHalf[] = [];
  while (!reader.atEnd && set.length < MAX_HALVES) {
    set.push(decodeOne(reader.bytes(), { own, peer, issuedAt, expiresAt }));
  }
  if (!reader.atEnd || set.length === 0) throw new RangeError("Expected 1 to 16 halves");
  return { set, meta };
}
