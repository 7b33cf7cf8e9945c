import { assertEquals } from "@std/assert";
import { enc, encodeUtf8 } from "../../../../crypto/encoding.ts";
import {
  chunkRoot,
  deriveAccess,
  derivePartKey,
  deriveSealing,
  enc as pageEnc,
  fromBase64Url,
  layerRoot,
  openPiece,
  sealPiece,
  toBase64Url,
} from "../../../../modules/file_sharing/links/page/link_crypto.js";
import { bep52Content, bep52Files } from "../../../vectors/bep52.ts";

const MIB = 2 ** 20;
const ID = new Uint8Array(16).fill(1);
const SECRET = new Uint8Array(32).fill(2);

Deno.test("enc() of the page is that of the protocol", () => {
  for (const items of [[], ["é", 0, 2 ** 53 - 1], [new Uint8Array(3), "", 7]]) {
    assertEquals(pageEnc(...items), enc(...items));
  }
});

Deno.test("fromBase64Url() takes strict base64url only", () => {
  for (const length of [0, 1, 2, 3, 32]) {
    const bytes = new Uint8Array(length).fill(251);
    assertEquals(fromBase64Url(toBase64Url(bytes)), bytes);
  }
  for (const text of ["A", "AB", "AA==", "A A=", "+/AA", "é"]) {
    assertEquals(fromBase64Url(text), null, text);
  }
});

Deno.test("the page computes the roots of BEP 52", async () => {
  for (const { length, root } of bep52Files) {
    const content = bep52Content(length);
    const roots = [];
    for (let at = 0; at < length; at += MIB) {
      const isWhole = length <= MIB;
      roots.push(await chunkRoot(content.subarray(at, at + MIB), { isWhole }));
    }
    const found = roots.length === 1
      ? roots[0]!
      : await layerRoot(Uint8Array.from(roots.flatMap((one) => [...one])));
    assertEquals(found.toHex(), root, String(length));
  }
});

Deno.test("the keys of a link differ by what they are for", async () => {
  const link = { id: ID, secret: SECRET };
  const { access, salt } = await deriveAccess(link);
  const plain = await deriveSealing(link, null);
  const stretched = new Uint8Array(32).fill(3);
  const { open, sealing } = await deriveSealing(link, stretched);
  const others = await deriveSealing({ ...link, id: new Uint8Array(16) }, null);
  const all = [SECRET, access, salt, plain.sealing, open!, sealing, others.sealing];
  assertEquals(new Set(all.map((bytes) => toBase64Url(bytes))).size, all.length);
  assertEquals(plain.open, null);
});

Deno.test("openPiece() refuses a piece that was changed, moved or is of something else", async () => {
  const what = { transfer: ID, part: 0, root: SECRET, length: 5 } as const;
  const key = await derivePartKey(SECRET, what);
  const content = Uint8Array.from(encodeUtf8("hello"));
  const sealed = await sealPiece(key, what, { number: 1, content });
  assertEquals(await openPiece(key, what, { number: 1, sealed }), content);
  assertEquals(await openPiece(key, what, { number: 2, sealed }), null);
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.with(at, sealed[at]! ^ 1);
    assertEquals(await openPiece(key, what, { number: 1, sealed: changed }), null);
  }
  assertEquals(await openPiece(key, what, { number: 1, sealed: sealed.slice(0, 20) }), null);
  const others = [
    { ...what, part: 1 },
    { ...what, part: "layer" as const },
    { ...what, length: 6 },
    { ...what, root: ID },
    { ...what, transfer: SECRET },
  ];
  for (const other of others) {
    const otherKey = await derivePartKey(SECRET, other);
    assertEquals(await openPiece(otherKey, other, { number: 1, sealed }), null);
  }
});
