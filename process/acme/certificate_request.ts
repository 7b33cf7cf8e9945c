/**
 * A certificate's key, and the request for the certificate (PKCS #10, RFC 2986) with the names it is for.
 *
 * @module
 */
import { concatBytes, encodeUtf8 } from "../../crypto/encoding.ts";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

const TAG = {
  integer: 2,
  bits: 3,
  octets: 4,
  oid: 6,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
} as const;
/** `[2]`, a name in the DNS. */
const DNS_NAME = 0x82;

/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256. */
const ECDSA_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/** 1.2.840.113549.1.9.14, extensionRequest. */
const EXTENSION_REQUEST = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
/** 2.5.29.17, subjectAltName. */
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];

/** One value in DER, of less than 64 KiB. */
function der(tag: number, ...parts: (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const content = concatBytes(...parts.map((part) => Uint8Array.from(part)));
  const { length } = content;
  const head = length < 0x80
    ? [tag, length]
    : length < 0x100
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.from(head), content);
}

/** A whole number that is not negative, without zeros in front that it does not need. */
function derInteger(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const number = bytes.subarray(start);
  return der(TAG.integer, number[0]! >= 0x80 ? [0] : [], number);
}

/** @param signature 64 bytes, r and s. */
function derSignature(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  return der(TAG.bits, [0], der(TAG.sequence, derInteger(r), derInteger(s)));
}

function requestInfo(publicKey: Uint8Array, names: readonly string[]): Uint8Array<ArrayBuffer> {
  const alternatives = names.map((name) => der(DNS_NAME, encodeUtf8(name)));
  const extension = der(
    TAG.sequence,
    der(TAG.oid, SUBJECT_ALT_NAME),
    der(TAG.octets, der(TAG.sequence, ...alternatives)),
  );
  const attribute = der(
    TAG.sequence,
    der(TAG.oid, EXTENSION_REQUEST),
    der(TAG.set, der(TAG.sequence, extension)),
  );
  const version = der(TAG.integer, [0]);
  const subject = der(TAG.sequence);
  return der(TAG.sequence, version, subject, publicKey, der(TAG.attributes, attribute));
}

function pemOf(label: string, bytes: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** A new key, and the request for its certificate. */
export interface CertificateRequest {
  /** PEM. */
  readonly key: string;
  /** DER. */
  readonly request: Uint8Array<ArrayBuffer>;
}

/** Makes a key on P-256 and a request that it signs. */
export async function makeCertificateRequest(
  names: readonly string[],
): Promise<CertificateRequest> {
  const pair = await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const exported = async (format: "spki" | "pkcs8", key: CryptoKey) =>
    new Uint8Array(await crypto.subtle.exportKey(format, key));
  const info = requestInfo(await exported("spki", pair.publicKey), names);
  const signature = await crypto.subtle.sign(SIGNATURE, pair.privateKey, info);
  const algorithm = der(TAG.sequence, der(TAG.oid, ECDSA_SHA256));
  const request = der(TAG.sequence, info, algorithm, derSignature(new Uint8Array(signature)));
  return { key: pemOf("PRIVATE KEY", await exported("pkcs8", pair.privateKey)), request };
}
