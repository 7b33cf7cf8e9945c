import { assertEquals, assertThrows } from "@std/assert";
import type * as v from "valibot";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  ackHeaderSchema,
  frameHeaderSchema,
  keepHeaderSchema,
  recordHeaderSchema,
  syncHeaderSchema,
} from "../../protocol/frames.ts";
import { parseGrowing, parseInput } from "../../protocol/schemas.ts";

const ID = encodeBase64Url(new Uint8Array(16).fill(3));

function assertTaken(schema: v.GenericSchema, inputs: readonly unknown[]): void {
  for (const input of inputs) parseInput(schema, input);
}

function assertRefused(schema: v.GenericSchema, inputs: readonly unknown[]): void {
  for (const input of inputs) {
    const error = assertThrows(
      () => parseInput(schema, input),
      OpenRedError,
      undefined,
      String(input),
    );
    assertEquals(error.code, "bad_request");
  }
}

Deno.test("frameHeaderSchema takes two names of 1 to 32 joined by a dot", () => {
  const longest = "x".repeat(32);
  const types = ["core.hello", "messaging.text", "a.b", "0_9._", `${longest}.${longest}`];
  assertTaken(frameHeaderSchema, types.map((type) => ({ type })));
  const bad = [
    ...["", ".", "core", "core.", ".hello", "a.b.c", "Core.hello", "core.hel-lo", "core.hello\n"],
    ...[" core.hello", "é.b", `${longest}x.b`, `a.${longest}x`],
  ];
  assertRefused(frameHeaderSchema, bad.map((type) => ({ type })));
  assertRefused(frameHeaderSchema, [{}, { type: 3 }, { type: null }, [], null, "core.hello"]);
});

Deno.test("frameHeaderSchema takes an id of 1 to 64 of A-Z a-z 0-9 _ -", () => {
  const header = (id: unknown) => ({ type: "a.b", id });
  assertTaken(frameHeaderSchema, ["A", "z_-09", "x".repeat(64)].map(header));
  assertRefused(
    frameHeaderSchema,
    ["", "x".repeat(65), "a b", "a.", "é", "a\n", 5, null].map(header),
  );
});

Deno.test("frameHeaderSchema keeps members it does not know", () => {
  const header = { type: "a.b", sent_at: 5, must: ["type"] };
  assertEquals<object>(parseInput(frameHeaderSchema, header), header);
  assertRefused(frameHeaderSchema, [{ type: "a.b", must: "type" }, { type: "a.b", must: [1] }]);
});

Deno.test("ackHeaderSchema takes at most 64 ids", () => {
  const header = (ids: unknown) => ({ type: "core.ack", ids });
  assertTaken(ackHeaderSchema, [[], Array(64).fill("a")].map(header));
  assertRefused(ackHeaderSchema, [undefined, "a", [""], [5], Array(65).fill("a")].map(header));
});

Deno.test("keepHeaderSchema takes an id and at most 16 session ids", () => {
  const header = (close: unknown) => ({ type: "core.keep", id: "k", close });
  const parsed = parseInput(keepHeaderSchema, header([ID]));
  assertEquals(parsed.close, [new Uint8Array(16).fill(3)]);
  assertTaken(keepHeaderSchema, [[], Array(16).fill(ID)].map(header));
  const bad = [undefined, ID, Array(17).fill(ID), [ID.slice(1)], [ID + "A"]];
  assertRefused(keepHeaderSchema, [{ type: "core.keep", close: [ID] }, ...bad.map(header)]);
});

Deno.test("syncHeaderSchema takes at most 64 pair ids", () => {
  const header = (pairs: unknown) => ({ type: "core.sync", pairs });
  assertTaken(syncHeaderSchema, [[], Array(64).fill(ID)].map(header));
  assertRefused(syncHeaderSchema, [undefined, [5], Array(65).fill(ID)].map(header));
});

Deno.test("recordHeaderSchema takes a compact JWS of at most 2 KiB", () => {
  const header = (record: unknown) => ({ type: "core.record", record });
  assertTaken(recordHeaderSchema, ["a.b.c", `a.${"b".repeat(2044)}.c`].map(header));
  const bad = [undefined, "a.b", "a.b.c.d", "a..c", "a.b=.c", `a.${"b".repeat(2045)}.c`];
  assertRefused(recordHeaderSchema, bad.map(header));
});

Deno.test("header schemas let must name the members of their own type only", () => {
  const header = { type: "core.ack", ids: [], must: ["type", "id", "ids", "must"] };
  parseGrowing(ackHeaderSchema, header);
  const error = assertThrows(() => parseGrowing(frameHeaderSchema, header), OpenRedError);
  assertEquals(error.code, "unsupported");
});
