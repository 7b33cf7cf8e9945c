/**
 * Identities and signed texts for tests of `protocol/`, made with node:crypto alone.
 *
 * @module
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { Buffer } from "node:buffer";
import { encodeBase64Url, encodeNodeId, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import { type CryptoCore, CryptoError, type JwsType } from "../../crypto/interface.ts";

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex");

/** An Ed25519 identity whose seed is one byte repeated. */
export interface TestIdentity {
  readonly id: NodeId;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly privateKey: KeyObject;
}

export function testIdentity(seedByte: number): TestIdentity {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, Buffer.alloc(32, seedByte)]),
    format: "der",
    type: "pkcs8",
  });
  const der = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const publicKey = new Uint8Array(der.subarray(-32));
  return { id: encodeNodeId(publicKey), publicKey, privateKey };
}

export interface SignOptions {
  readonly typ: JwsType;
  /** Overrides members of the header. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** Signs a payload: an object, or JSON text as it is to stand. */
export function signText(
  identity: TestIdentity,
  payload: object | string,
  options: SignOptions,
): string {
  const header = { alg: "EdDSA", typ: options.typ, kid: identity.id, ...options.header };
  const json = typeof payload === "string" ? payload : JSON.stringify(payload);
  const input = [JSON.stringify(header), json].map((part) => encodeBase64Url(encodeUtf8(part)));
  const signature = sign(null, encodeUtf8(input.join(".")), identity.privateKey);
  return [...input, encodeBase64Url(signature)].join(".");
}

function checkJws(options: { text: string; typ: JwsType; identity: TestIdentity }): string {
  const [header, payload, signature] = options.text.split(".");
  const { typ, kid } = JSON.parse(Buffer.from(header!, "base64url").toString());
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_ED25519, options.identity.publicKey]),
    format: "der",
    type: "spki",
  });
  const message = encodeUtf8(`${header}.${payload}`);
  const holds = verify(null, message, publicKey, Buffer.from(signature!, "base64url"));
  if (typ !== options.typ || kid !== options.identity.id || !holds) {
    throw new CryptoError("bad_signature", "The test signature does not hold");
  }
  return Buffer.from(payload!, "base64url").toString();
}

/** The part of the crypto core that `protocol/` uses, for one signer. */
export function verifierOf(identity: TestIdentity): Pick<CryptoCore, "verifyJws" | "sha256"> {
  return {
    verifyJws: ({ text, typ }) =>
      Promise.resolve().then(() => ({
        iss: identity.id,
        payload: checkJws({ text, typ, identity }),
      })),
    sha256: (data) => Promise.resolve(new Uint8Array(createHash("sha256").update(data).digest())),
  };
}

/** A valid record payload of an identity. `undefined` members are left out. */
export function recordPayload(
  identity: TestIdentity,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    v: 3,
    iss: identity.id,
    seq: 1_790_000_000_123,
    iat: 1_790_000_000,
    exp: 1_790_086_400,
    api_url: "https://a.example",
    noise_key: encodeBase64Url(new Uint8Array(32).fill(9)),
    suites: ["ik-x25519-mlkem768", "ik-x25519"],
    methods: ["alpha", "beta", "gamma", "delta"],
    services: [],
    ...changes,
  };
}
