/**
 * Compact JWS (RFC 7515) with Ed25519: the one thing identity keys sign.
 *
 * @module
 * @see docs/PROTOCOL.md, "Signatures"
 */
import type { SigningKey } from "./curves.ts";
import {
  decodeBase64Url,
  decodeNodeId,
  decodeUtf8,
  encodeBase64Url,
  encodeNodeId,
  encodeUtf8,
} from "../encoding.ts";
import { CryptoError, type JwsType } from "../interface.ts";

/** Whether a 64-byte signature of `message` by a 32-byte Ed25519 key holds. */
export type VerifySignature = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean;

/**
 * Signs JSON text. The header is `{alg: "EdDSA", typ, kid}`, `kid` being the key's own node id.
 * @param options `payload` is signed as it stands; its `iss` has to be that id for anybody to accept it.
 */
export function signJws(options: { key: SigningKey; typ: JwsType; payload: string }): string {
  const { key, typ, payload } = options;
  const header = JSON.stringify({ alg: "EdDSA", typ, kid: encodeNodeId(key.publicKey) });
  const input = `${encodeBase64Url(encodeUtf8(header))}.${encodeBase64Url(encodeUtf8(payload))}`;
  return `${input}.${encodeBase64Url(key.sign(encodeUtf8(input)))}`;
}

function refuse(reason: string): never {
  throw new CryptoError("bad_signature", reason);
}

function decodePart(text: string): Uint8Array {
  return decodeBase64Url(text) ?? refuse("A part of the JWS is not base64url");
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("A part of the JWS is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse("A part of the JWS is not a JSON object");
  }
  return value as Record<string, unknown>;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    return refuse("A part of the JWS is not UTF-8");
  }
}

/** The `kid` of a header that is exactly `{alg, typ, kid}`. */
function readHeader(text: string, typ: JwsType): string {
  const header = parseObject(text);
  const { alg, kid } = header;
  if (Object.keys(header).length !== 3) refuse("The JWS header has other members");
  if (alg !== "EdDSA" && alg !== "Ed25519") refuse("The JWS has another algorithm");
  if (header["typ"] !== typ) refuse("The JWS has another type");
  return typeof kid === "string" ? kid : refuse("The JWS names no key");
}

/**
 * Checks form, type, `kid` = payload `iss` and the signature of a compact JWS.
 * @returns The payload's JSON text (an object) and its `iss`.
 * @throws {CryptoError} `bad_signature`.
 */
export function verifyJws(
  options: { text: string; typ: JwsType; verify: VerifySignature },
): { iss: string; payload: string } {
  const { text, typ, verify } = options;
  const [headerPart, payloadPart, signaturePart, ...more] = text.split(".", 4);
  if (headerPart === undefined || payloadPart === undefined || signaturePart === undefined) {
    return refuse("The JWS does not have three parts");
  }
  if (more.length > 0) refuse("The JWS does not have three parts");
  const iss = readHeader(decodeText(decodePart(headerPart)), typ);
  const publicKey = decodeNodeId(iss) ?? refuse("The JWS names no valid key");
  const payload = decodeText(decodePart(payloadPart));
  if (parseObject(payload)["iss"] !== iss) refuse("The JWS is not of its issuer");
  const signature = decodePart(signaturePart);
  if (!verify(publicKey, encodeUtf8(`${headerPart}.${payloadPart}`), signature)) {
    refuse("The JWS signature does not hold");
  }
  return { iss, payload };
}
