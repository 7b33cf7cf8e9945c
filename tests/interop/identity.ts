/**
 * Keys, node ids and compact JWS of DESIGN §3, from that page alone.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { base58 } from "@scure/base";
import { base64Url, type Bytes, concat, randomBytes, textOf, unbase64Url, utf8 } from "./bytes.ts";

/** Any JSON object: what this peer reads was written by somebody else. */
export type Json = Record<string, unknown>;

const ED25519 = { private: "302e020100300506032b657004220420", public: "302a300506032b6570032100" };
const X25519 = { private: "302e020100300506032b656e04220420", public: "302a300506032b656e032100" };

function privateKey(prefix: string, seed: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(prefix, "hex"), seed]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function publicKey(prefix: string, raw: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from(prefix, "hex"), raw]);
  return createPublicKey({ key, format: "der", type: "spki" });
}

function rawPublic(key: KeyObject): Bytes {
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return Uint8Array.from(der.subarray(-32));
}

/** An X25519 key pair, raw. */
export interface NoiseKey {
  readonly secret: Bytes;
  readonly public: Bytes;
}

export function noiseKey(secret: Bytes = randomBytes(32)): NoiseKey {
  return { secret, public: rawPublic(privateKey(X25519.private, secret)) };
}

/** @throws {Error} On an all-zero shared secret. */
export function x25519(secret: Uint8Array, peerPublic: Uint8Array): Bytes {
  const shared = diffieHellman({
    privateKey: privateKey(X25519.private, secret),
    publicKey: publicKey(X25519.public, peerPublic),
  });
  if (shared.every((byte) => byte === 0)) throw new Error("All-zero shared secret");
  return Uint8Array.from(shared);
}

export function idOfKey(rawKey: Uint8Array): string {
  return "z" + base58.encode(concat(Uint8Array.of(0xed, 0x01), rawKey));
}

function keyOfId(id: string): Bytes {
  return Uint8Array.from(base58.decode(id.slice(1)).slice(2));
}

/** An Ed25519 identity. */
export class Identity {
  readonly #key: KeyObject;
  readonly raw: Bytes;
  readonly id: string;

  constructor(seed: Uint8Array = randomBytes(32)) {
    this.#key = privateKey(ED25519.private, seed);
    this.raw = rawPublic(this.#key);
    this.id = idOfKey(this.raw);
  }

  /**
   * A compact JWS whose `iss` is this identity unless the payload says otherwise.
   * @param bend Members of the header that replace the usual ones.
   */
  sign(type: string, payload: Json, bend: Json = {}): string {
    const header = { alg: "EdDSA", typ: `openred-${type}+jwt`, kid: this.id, ...bend };
    const parts = [header, { iss: this.id, ...payload }].map((part) =>
      base64Url(utf8(JSON.stringify(part)))
    );
    const input = parts.join(".");
    return `${input}.${base64Url(sign(null, utf8(input), this.#key))}`;
  }
}

/** Checks a JWS of one type and returns its payload. @throws {Error} When anything is wrong. */
export function open(type: string, jws: unknown): Json {
  const parts = String(jws).split(".");
  const header = JSON.parse(textOf(unbase64Url(parts[0])));
  const payload = JSON.parse(textOf(unbase64Url(parts[1])));
  if (parts.length !== 3 || Object.keys(header).sort().join() !== "alg,kid,typ") {
    throw new Error("Not a compact JWS of three header members");
  }
  if (header.alg !== "EdDSA" || header.typ !== `openred-${type}+jwt`) throw new Error("Wrong type");
  if (header.kid !== payload.iss) throw new Error("kid is not iss");
  const key = publicKey(ED25519.public, keyOfId(header.kid));
  if (!verify(null, utf8(`${parts[0]}.${parts[1]}`), key, unbase64Url(parts[2]))) {
    throw new Error("Bad signature");
  }
  if (type !== "proof" && payload.v !== 3) throw new Error("Not version 3");
  return payload;
}
