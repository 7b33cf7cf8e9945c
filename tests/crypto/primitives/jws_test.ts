import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CompactSign, compactVerify, importJWK } from "jose";
import { ed25519Verify, SigningKey } from "../../../crypto/primitives/curves.ts";
import { encodeBase64Url, encodeNodeId, encodeUtf8 } from "../../../crypto/encoding.ts";
import { CryptoError } from "../../../crypto/interface.ts";
import { signJws, verifyJws } from "../../../crypto/primitives/jws.ts";
import { repeated } from "../../vectors/read_vectors.ts";

const key = SigningKey.fromSeed(repeated(1));
const kid = encodeNodeId(key.publicKey);
const otherKey = SigningKey.fromSeed(repeated(2));
const otherKid = encodeNodeId(otherKey.publicKey);
const typ = "openred-record+jwt" as const;
const HEADER = { alg: "EdDSA", typ, kid };
const payload = JSON.stringify({ v: 3, iss: kid, text: "é" });

function verifyText(text: string): { iss: string; payload: string } {
  return verifyJws({ text, typ, verify: ed25519Verify });
}

/** A JWS with a right signature over whatever parts. */
function signParts(
  header: string | Uint8Array,
  body: string | Uint8Array,
  signingKey = key,
): string {
  const part = (value: string | Uint8Array) =>
    encodeBase64Url(typeof value === "string" ? encodeUtf8(value) : value);
  const input = `${part(header)}.${part(body)}`;
  return `${input}.${encodeBase64Url(signingKey.sign(encodeUtf8(input)))}`;
}

function assertRefused(text: string): void {
  assertEquals(assertThrows(() => verifyText(text), CryptoError).code, "bad_signature");
}

Deno.test("verifyJws() yields issuer and payload of what signJws() made", () => {
  const text = signJws({ key, typ, payload });
  assertEquals(verifyText(text), { iss: kid, payload });
  assertEquals(text, signParts(JSON.stringify(HEADER), payload));
});

Deno.test("verifyJws() reads the algorithm name of RFC 9864 and any order of members", () => {
  const header = JSON.stringify({ kid, alg: "Ed25519", typ });
  assertEquals(verifyText(signParts(header, payload)).iss, kid);
});

Deno.test("verifyJws() lets the last of two members with one name count", () => {
  const last = `{"alg":"none","alg":"EdDSA","typ":"${typ}","kid":"${otherKid}","kid":"${kid}"}`;
  assertEquals(verifyText(signParts(last, `{"iss":"x","iss":"${kid}"}`)).iss, kid);
  assertRefused(signParts(last, `{"iss":"${kid}","iss":"x"}`));
});

Deno.test("verifyJws() refuses every header that is not exactly alg, typ and kid", () => {
  const headers = [
    { typ, kid },
    { alg: "EdDSA", kid },
    { alg: "EdDSA", typ },
    { ...HEADER, crit: [] },
    { ...HEADER, b64: true },
    { ...HEADER, alg: "none" },
    { ...HEADER, alg: "eddsa" },
    { ...HEADER, alg: "HS256" },
    { ...HEADER, alg: ["EdDSA"] },
    { ...HEADER, typ: "openred-proof+jwt" },
    { ...HEADER, typ: "application/openred-record+jwt" },
    { ...HEADER, typ: "OpenRed-Record+JWT" },
    { ...HEADER, kid: otherKid },
    { ...HEADER, kid: kid + "1" },
    { ...HEADER, kid: [kid] },
    [HEADER],
    null,
    "text",
  ];
  for (const header of headers) assertRefused(signParts(JSON.stringify(header), payload));
  for (const header of ["", "{", `${JSON.stringify(HEADER)}x`, `\ufeff${JSON.stringify(HEADER)}`]) {
    assertRefused(signParts(header, payload));
  }
});

Deno.test("verifyJws() refuses payloads that are not an object of the signer in UTF-8", () => {
  const header = JSON.stringify(HEADER);
  const bodies = ["", "null", "[]", `["${kid}"]`, `"${kid}"`, "{}", "{", `{"iss":["${kid}"]}`];
  for (const body of bodies) assertRefused(signParts(header, body));
  assertRefused(signParts(header, JSON.stringify({ iss: otherKid })));
  const bytes = encodeUtf8(`{"iss":"${kid}","x":"?"}`);
  bytes[bytes.indexOf(0x3f)] = 0xff;
  assertRefused(signParts(header, bytes));
});

Deno.test("verifyJws() refuses signatures of another key", () => {
  assertRefused(signParts(JSON.stringify(HEADER), payload, otherKey));
});

Deno.test("verifyJws() refuses key ids of small order", () => {
  const smallOrderId = "z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP";
  const header = JSON.stringify({ ...HEADER, kid: smallOrderId });
  assertRefused(signParts(header, JSON.stringify({ iss: smallOrderId })));
});

Deno.test("verifyJws() refuses lax base64url in each part, and another number of parts", () => {
  const text = signJws({ key, typ, payload });
  const [header, body, signature] = text.split(".") as [string, string, string];
  for (const lax of ["=", "==", " ", "\n", "+", "/", "%", "A"]) {
    assertRefused(`${header}${lax}.${body}.${signature}`);
    assertRefused(`${header}.${body}${lax}.${signature}`);
    assertRefused(`${header}.${body}.${signature}${lax}`);
  }
  // 64 bytes leave four unused bits in the last character.
  const last = signature.at(-1)!;
  const twin = String.fromCharCode(last.charCodeAt(0) + 1);
  assertRefused(`${header}.${body}.${signature.slice(0, -1)}${twin}`);
  for (
    const parts of ["", ".", "..", "...", header, `${header}.${body}`, `${text}.`, `${text}.x`]
  ) {
    assertRefused(parts);
  }
});

Deno.test("verifyJws() refuses one changed character anywhere", () => {
  const text = signJws({ key, typ, payload });
  fc.assert(fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 1 }), (at, with_) => {
    if (text[at] === with_) return;
    assertRefused(text.slice(0, at) + with_ + text.slice(at + 1));
  }));
});

Deno.test("verifyJws() throws nothing but bad_signature on arbitrary text", () => {
  fc.assert(fc.property(fc.string(), fc.json(), fc.json(), (text, header, body) => {
    assertRefused(text);
    assertRefused(signParts(header, body));
  }));
});

Deno.test("jose verifies what signJws() made", async () => {
  const jwk = { kty: "OKP", crv: "Ed25519", x: encodeBase64Url(key.publicKey) };
  const verified = await compactVerify(
    signJws({ key, typ, payload }),
    await importJWK(jwk, "EdDSA"),
  );
  assertEquals(new TextDecoder().decode(verified.payload), payload);
  const header: Record<string, unknown> = { ...verified.protectedHeader };
  assertEquals(header, HEADER);
});

Deno.test("verifyJws() accepts what jose signed, under either algorithm name", async () => {
  for (const alg of ["EdDSA", "Ed25519"]) {
    const jwk = {
      kty: "OKP",
      crv: "Ed25519",
      x: encodeBase64Url(key.publicKey),
      d: encodeBase64Url(repeated(1)),
    };
    const text = await new CompactSign(encodeUtf8(payload))
      .setProtectedHeader({ ...HEADER, alg })
      .sign(await importJWK(jwk, alg));
    assertEquals(verifyText(text), { iss: kid, payload });
  }
});
