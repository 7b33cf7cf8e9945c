import { assertEquals } from "@std/assert";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import {
  publicKeyOf,
  setUpReceiver,
  setUpSender,
} from "../../../../modules/file_sharing/links/page/hpke.js";
import { fromBase64Url } from "../../../../modules/file_sharing/links/page/link_crypto.js";
import { encodeUtf8 } from "../../../../crypto/encoding.ts";

const SECRET = new Uint8Array(32).fill(7);
const INFO = Uint8Array.from(encodeUtf8("info"));
const AAD = Uint8Array.from(encodeUtf8("aad"));
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

Deno.test("what setUpSender() seals opens for another implementation of RFC 9180", async () => {
  const receiver = fromBase64Url(await publicKeyOf(SECRET))!;
  const { enc, context } = await setUpSender(receiver, INFO);
  const recipientKey = await suite.kem.importKey("raw", SECRET.buffer, false);
  const other = await suite.createRecipientContext({ recipientKey, enc, info: INFO });
  for (const text of ["first", "second", ""]) {
    const content = Uint8Array.from(encodeUtf8(text));
    const sealed = await context.seal(AAD, content);
    assertEquals(new Uint8Array(await other.open(sealed, AAD)), content);
  }
});

Deno.test("setUpReceiver() opens what another implementation seals, in order and unchanged", async () => {
  const receiver = fromBase64Url(await publicKeyOf(SECRET))!;
  const key = await suite.kem.importKey("raw", receiver.buffer, true);
  const other = await suite.createSenderContext({ recipientPublicKey: key, info: INFO });
  const enc = new Uint8Array(other.enc);
  const context = await setUpReceiver(SECRET, { enc, receiver, info: INFO });
  const content = Uint8Array.from(encodeUtf8("hello"));
  const first = new Uint8Array(await other.seal(content, AAD));
  const second = new Uint8Array(await other.seal(content, AAD));
  assertEquals(await context.open(AAD, second), null);
  assertEquals(await context.open(INFO, first), null);
  assertEquals(await context.open(AAD, first.with(0, first[0]! ^ 1)), null);
  assertEquals(await context.open(AAD, first), content);
  assertEquals(await context.open(AAD, first), null);
  assertEquals(await context.open(AAD, second), content);
});
