import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import * as v from "valibot";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { type ErrorCode, OpenRedError } from "../../protocol/errors.ts";
import {
  bytesSchema,
  checkGrowth,
  integerSchema,
  maxBytesSchema,
  nameSchema,
  namesSchema,
  nodeIdSchema,
  parseGrowing,
  parseInput,
  parseJson,
} from "../../protocol/schemas.ts";
import { testIdentity } from "./signer.ts";

function assertCode(run: () => unknown, code: ErrorCode): OpenRedError {
  const error = assertThrows(run, OpenRedError);
  assertEquals(error.code, code);
  return error;
}

Deno.test("bytesSchema() decodes exactly its length", () => {
  const bytes = new Uint8Array(16).fill(0xfb);
  assertEquals(parseInput(bytesSchema(16), encodeBase64Url(bytes)), bytes);
  for (const length of [0, 15, 17, 32]) {
    const text = encodeBase64Url(new Uint8Array(length));
    assertCode(() => parseInput(bytesSchema(16), text), "bad_request");
  }
});

Deno.test("bytesSchema() refuses text that does not re-encode to itself", () => {
  const strict = encodeBase64Url(new Uint8Array(16));
  for (
    const text of [
      strict.slice(0, -1) + "B",
      strict.slice(0, -2) + "==",
      strict.slice(0, -1) + "+",
      " ".repeat(22),
    ]
  ) {
    assertCode(() => parseInput(bytesSchema(16), text), "bad_request");
  }
});

Deno.test("maxBytesSchema() takes up to its length and not a byte more", () => {
  for (const max of [1, 2, 3, 16_384]) {
    const schema = maxBytesSchema(max);
    assertEquals(parseInput(schema, encodeBase64Url(new Uint8Array(max))).length, max);
    assertEquals(parseInput(schema, "").length, 0);
    assertCode(() => parseInput(schema, encodeBase64Url(new Uint8Array(max + 1))), "bad_request");
  }
  assertCode(() => parseInput(maxBytesSchema(16), "QR"), "bad_request");
});

Deno.test("integerSchema takes 0 to 2^53 - 1", () => {
  for (const input of [0, 1, 2 ** 53 - 1]) assertEquals(parseInput(integerSchema, input), input);
  for (const input of [-1, 0.1, 2 ** 53, NaN, Infinity, "1", null, true, []]) {
    assertCode(() => parseInput(integerSchema, input), "bad_request");
  }
});

Deno.test("nodeIdSchema takes an id and nothing else", () => {
  const { id } = testIdentity(1);
  assertEquals(parseInput(nodeIdSchema, id), id);
  for (const input of [id.slice(1), `${id} `, id.toLowerCase(), "", null, 5, [id]]) {
    assertCode(() => parseInput(nodeIdSchema, input), "bad_request");
  }
});

Deno.test("nameSchema and namesSchema keep their caps", () => {
  assertEquals(parseInput(nameSchema, "x".repeat(64)).length, 64);
  for (const input of ["", "x".repeat(65), "a\n", "\u00e9"]) {
    assertCode(() => parseInput(nameSchema, input), "bad_request");
  }
  assertCode(() => parseInput(namesSchema, Array(33).fill("a")), "bad_request");
});

Deno.test("parseInput() names the member", () => {
  const schema = v.looseObject({ outer: v.looseObject({ inner: integerSchema }) });
  const error = assertCode(() => parseInput(schema, { outer: { inner: "x" } }), "bad_request");
  assertStringIncludes(error.message, "outer.inner");
});

Deno.test("parseInput() never says the value", () => {
  const secret = "s3cr3t value";
  const schemas = [
    integerSchema,
    nodeIdSchema,
    bytesSchema(16),
    bytesSchema(secret.length * 3 / 4),
    maxBytesSchema(4),
    v.pipe(v.string(), v.maxLength(2)),
    v.picklist(["active"]),
    v.literal(3),
    v.boolean(),
    v.pipe(v.string(), v.regex(/^[0-9]+$/)),
    v.pipe(v.string(), v.maxBytes(3)),
    v.strictObject({}),
    namesSchema,
  ];
  for (const schema of schemas) {
    const outer: v.GenericSchema = v.looseObject({ m: schema });
    for (const input of [secret, [[secret]], { member: [secret] }]) {
      const error = assertCode(() => parseInput(outer, { m: input }), "bad_request");
      assertEquals(error.message.includes(secret), false, schema.type);
    }
  }
});

Deno.test("parseInput() says that a strict input has a member too many, and repeats nothing of it", () => {
  const schema = v.strictObject({ a: v.optional(v.string()) });
  const error = assertCode(() => parseInput(schema, { a: "1", extra: "s3cr3t" }), "bad_request");
  assertStringIncludes(error.message, "not known here");
  assertEquals(/extra|s3cr3t/.test(error.message), false);
});

Deno.test("parseJson() reads text and UTF-8 bytes", () => {
  assertEquals(parseJson('{"a":"é"}'), { a: "é" });
  assertEquals(parseJson(encodeUtf8('{"a":"é"}')), { a: "é" });
});

Deno.test("parseJson() refuses bad UTF-8, a byte order mark and what is not JSON", () => {
  const quoted = (...bytes: number[]) => Uint8Array.of(0x22, ...bytes, 0x22);
  const inputs = [
    quoted(0xff),
    quoted(0xc0, 0x80),
    quoted(0xed, 0xa0, 0x80),
    quoted(0xe2, 0x82),
    encodeUtf8("\ufeff{}"),
    new Uint8Array(),
    encodeUtf8("{} {}"),
    encodeUtf8("{'a':1}"),
    encodeUtf8("NaN"),
  ];
  for (const input of inputs) assertCode(() => parseJson(input), "bad_request");
});

Deno.test("parseJson() survives deep nesting", () => {
  for (const text of ["[".repeat(100_000), "[".repeat(100_000) + "]".repeat(100_000)]) {
    try {
      parseJson(text);
    } catch (error) {
      assertEquals((error as OpenRedError).code, "bad_request");
    }
  }
});

Deno.test("parseInput() survives a deeply nested unknown member", () => {
  const deep = parseJson(`{"a":1,"more":${"[".repeat(50_000)}${"]".repeat(50_000)}}`);
  assertEquals(parseInput(v.looseObject({ a: integerSchema }), deep).a, 1);
});

Deno.test("parseGrowing() does not let a member named __proto__ stand for others", () => {
  const schema = v.looseObject({ a: integerSchema });
  assertCode(() => parseGrowing(schema, JSON.parse('{"__proto__":{"a":1}}')), "bad_request");
});

Deno.test("checkGrowth() asks for v only of a versioned format", () => {
  checkGrowth({}, { versioned: false, known: [] });
  checkGrowth({ v: 9 }, { versioned: false, known: [] });
  checkGrowth({ v: 3 }, { versioned: true, known: ["v"] });
  assertCode(() => checkGrowth({ v: 4 }, { versioned: true, known: ["v"] }), "unsupported");
  assertCode(() => checkGrowth({}, { versioned: true, known: ["v"] }), "bad_request");
});

Deno.test("checkGrowth() refuses what is not an object", () => {
  for (const input of [null, undefined, [], "x", 3, true]) {
    assertCode(() => checkGrowth(input, { versioned: false, known: [] }), "bad_request");
  }
});

Deno.test("checkGrowth() passes exactly the lists of known names", () => {
  const known = ["a", "b", "must"];
  fc.assert(fc.property(fc.array(fc.constantFrom("a", "b", "c", "must", "valueOf")), (must) => {
    const run = () => checkGrowth({ must }, { versioned: false, known });
    if (must.length > 32) assertCode(run, "bad_request");
    else if (must.every((name) => known.includes(name))) run();
    else assertCode(run, "unsupported");
  }));
});

Deno.test("parseInput() and parseJson() throw only OpenRedError on arbitrary input", () => {
  const schema = v.looseObject({ id: nodeIdSchema, key: bytesSchema(32), names: namesSchema });
  fc.assert(fc.property(fc.oneof(fc.anything(), fc.jsonValue()), (input) => {
    try {
      parseGrowing(schema, input);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
    }
  }));
  fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.string()), (input) => {
    try {
      parseJson(input);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
    }
  }));
});
