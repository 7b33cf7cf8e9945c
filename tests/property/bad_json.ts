/**
 * Bodies that no endpoint can take: not JSON, not UTF-8, not an object.
 *
 * @module
 */
import fc from "fast-check";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { anyCodePoint } from "../world/any_code_point.ts";

/** Stands in most of what is sent, and must stand in no refusal. */
export const CANARY = "Qx7canaryWv2";

const DEPTH = 10_000;

const NOT_JSON: readonly string[] = [
  "",
  " \t\r\n ",
  "\ufeff{}",
  "\0",
  "{",
  "}",
  "{]",
  `{"${CANARY}"`,
  `{"${CANARY}":}`,
  `{"${CANARY}":1,}`,
  `{'${CANARY}':1}`,
  `{${CANARY}:1}`,
  `{"a":NaN}`,
  `{"a":-Infinity}`,
  `{"a":undefined}`,
  `{"a":01}`,
  `{"a":0x10}`,
  `{"a":1.}`,
  `{"a":+1}`,
  `{"a":"\n"}`,
  `{"a":"\0"}`,
  `{"a":"\\u12"}`,
  `{"a":"\\x41"}`,
  "{}{}",
  `{"a":1} ${CANARY}`,
  `// ${CANARY}\n{}`,
  `{"a":/*${CANARY}*/1}`,
  `<?xml version="1.0"?><a>${CANARY}</a>`,
  `record=${CANARY}&target=1`,
  "[".repeat(DEPTH),
  `{"a":`.repeat(DEPTH),
];

const NOT_OBJECT: readonly string[] = [
  "null",
  "true",
  "0",
  "-0",
  "1e400",
  "9".repeat(400),
  `"${CANARY}"`,
  `"\\ud800"`,
  "[]",
  "[[]]",
  `[{"record":"${CANARY}"}]`,
  "[".repeat(DEPTH) + "]".repeat(DEPTH),
];

const NOT_UTF8: readonly (readonly number[])[] = [
  [0xff],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0x80],
  [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00],
];

/** JSON text of values that have their place in no member, or only by chance. */
export const junkJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "null",
    "true",
    "false",
    "0",
    "-1",
    "-0",
    "1.5",
    "1e400",
    "-1e400",
    "1e-400",
    "9007199254740992",
    "9007199254740991",
    "8.64e15",
    "9".repeat(400),
    `""`,
    `" "`,
    `"\\u0000"`,
    `"\\ud800"`,
    `"\\udc00\\ud800"`,
    `"__proto__"`,
    `"${CANARY}"`,
    // Keys of 32 bytes, of small order on X25519.
    `"${"A".repeat(43)}"`,
    `"AQ${"A".repeat(41)}"`,
    `"7P${"_".repeat(39)}38"`,
    `"4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9JuAA"`,
    `"${CANARY}.${CANARY}.${CANARY}"`,
    `"https://${CANARY}.example"`,
    `"=${CANARY}="`,
    "[]",
    "{}",
    "[null]",
    "[[[]]]",
    `["${CANARY}"]`,
    `["${CANARY}","${CANARY}"]`,
    `[${`"${CANARY}",`.repeat(40)}"x"]`,
    `{"__proto__":{"${CANARY}":1}}`,
    `{"constructor":{"prototype":{"${CANARY}":1}}}`,
    `{"toJSON":1,"valueOf":1,"then":1,"length":1}`,
    "[".repeat(DEPTH) + "]".repeat(DEPTH),
    `{"a":`.repeat(DEPTH) + "1" + "}".repeat(DEPTH),
    `"${"x".repeat(3_000)}"`,
    `"${"A".repeat(9_000)}"`,
    `"${"\\u0041".repeat(1_000)}"`,
  ),
  fc.json({ maxDepth: 3 }),
  fc.string({ unit: anyCodePoint, maxLength: 100 }).map((text) => JSON.stringify(text)),
  fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => JSON.stringify(text + CANARY)),
  fc.base64String({ maxLength: 200 }).map((text) => JSON.stringify(text)),
  fc.double().map((value) => String(value)).filter((text) => /^-?\d/.test(text)),
  fc.maxSafeInteger().map(String),
);

/** Names that stand in no format, and those every JavaScript object has. */
export const strangeName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "prototype",
    "hasOwnProperty",
    "toString",
    "valueOf",
    "toJSON",
    "then",
    "must",
    "v",
    "",
    "\0",
    CANARY,
  ),
  fc.string({ maxLength: 20 }),
);

/** A body as a counterexample can show it: text, bytes, or an array that opens and then only has spaces. */
export type Body = string | readonly number[] | { readonly spaces: number };

/** A body that every endpoint that takes one has to refuse. */
export const hopelessBody: fc.Arbitrary<Body> = fc.oneof(
  fc.constantFrom<Body>(...NOT_JSON, ...NOT_OBJECT, ...NOT_UTF8),
  fc.constantFrom(...NOT_UTF8).map((bytes) => [
    ...encodeUtf8(`{"record":"${CANARY}`),
    ...bytes,
    ...encodeUtf8(`"}`),
  ]),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => [0, ...bytes]),
  fc.integer({ min: 600_000, max: 2_000_000 }).map((spaces) => ({ spaces })),
  fc.dictionary(strangeName, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 6 })
    .map((members) => JSON.stringify(members)),
);

/** The bytes of a body. */
export function bodyBytes(body: Body): Uint8Array<ArrayBuffer> {
  if (typeof body === "string") return encodeUtf8(body);
  if (Array.isArray(body)) return new Uint8Array(body);
  const bytes = new Uint8Array((body as { spaces: number }).spaces).fill(0x20);
  bytes[0] = 0x5b;
  return bytes;
}
