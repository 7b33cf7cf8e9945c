import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { type ErrorCode, OpenRedError } from "../../protocol/errors.ts";
import { MAX_RECORD_BYTES } from "../../protocol/limits.ts";
import {
  checkNotAhead,
  checkTimes,
  decodeRecord,
  isFresh,
  type VerifiedRecord,
  verifyRecord,
} from "../../protocol/record.ts";
import { recordPayload, signText, testIdentity, verifierOf } from "./signer.ts";

const a = testIdentity(1);
const NOW_MS = 1_790_000_000_000;

function recordText(changes: Readonly<Record<string, unknown>> = {}): string {
  return signText(a, recordPayload(a, changes), { typ: "openred-record+jwt" });
}

function decode(changes: Readonly<Record<string, unknown>>) {
  return decodeRecord(recordText(changes));
}

function assertRefused(changes: Readonly<Record<string, unknown>>, code: ErrorCode): void {
  const error = assertThrows(
    () => decode(changes),
    OpenRedError,
    undefined,
    JSON.stringify(changes),
  );
  assertEquals(error.code, code, JSON.stringify(changes));
}

function verified(changes: Readonly<Record<string, unknown>> = {}): Promise<VerifiedRecord> {
  return verifyRecord(verifierOf(a), recordText(changes));
}

Deno.test("decodeRecord() takes a record with every member", () => {
  const next = new Uint8Array(32).fill(7);
  const payload = decode({
    alias: "Zoë",
    unlisted: true,
    next: encodeBase64Url(next),
    must: ["seq"],
  });
  assertEquals(payload.iss, a.id);
  assertEquals(payload.noise_key, new Uint8Array(32).fill(9));
  assertEquals(payload.next, next);
  assertEquals([payload.alias, payload.unlisted, payload.gone], ["Zoë", true, false]);
});

Deno.test("decodeRecord() asks that iat is seq in whole seconds", () => {
  for (const seq of [1_790_000_000_000, 1_790_000_000_999]) decode({ seq });
  for (const seq of [1_789_999_999_999, 1_790_000_001_000, 1_790_000_000]) {
    assertRefused({ seq }, "bad_request");
  }
});

Deno.test("decodeRecord() asks that exp lies after iat, within 24 h", () => {
  for (const exp of [1_790_000_001, 1_790_086_400]) decode({ exp });
  for (const exp of [1_789_999_999, 1_790_000_000, 1_790_086_401]) {
    assertRefused({ exp }, "bad_request");
  }
});

Deno.test("decodeRecord() asks for integers from 0 to 2^53 - 1", () => {
  for (const seq of [-1, 0.5, 2 ** 53, "1790000000123", null]) {
    assertRefused({ seq }, "bad_request");
  }
});

Deno.test("decodeRecord() takes an empty api_url exactly when gone", () => {
  assertEquals(decode({ api_url: "", gone: true }).gone, true);
  for (const changes of [{ api_url: "" }, { gone: true }, { api_url: "", gone: false }]) {
    assertRefused(changes, "bad_request");
  }
});

Deno.test("decodeRecord() treats an absent flag as false and refuses what is no boolean", () => {
  assertEquals(decode({ gone: false, unlisted: false }), { ...decode({}) });
  for (const flag of [1, 0, "true", null]) {
    assertRefused({ unlisted: flag }, "bad_request");
    assertRefused({ gone: flag }, "bad_request");
  }
});

Deno.test("decodeRecord() counts the bytes of the JWS text", () => {
  const text = (length: number) => recordText({ more: "x".repeat(length) });
  let length = 0;
  while (text(length + 1).length <= MAX_RECORD_BYTES) length++;
  decodeRecord(text(length));
  const error = assertThrows(() => decodeRecord(text(length + 3)), OpenRedError);
  assertEquals(error.code, "too_large");
});

Deno.test("decodeRecord() takes at most 32 names of 1 to 64 printable ASCII characters", () => {
  for (const list of ["suites", "methods", "services"]) {
    decode({ [list]: [] });
    decode({ [list]: Array.from({ length: 32 }, (_, i) => `n${i}`) });
    decode({ [list]: [" ~", "x".repeat(64)] });
    for (const bad of ["", "x".repeat(65), "é", "a\n", "a\u007f", "\t", 7, null]) {
      assertRefused({ [list]: [bad] }, "bad_request");
    }
    assertRefused({ [list]: Array.from({ length: 33 }, (_, i) => `n${i}`) }, "bad_request");
    for (const bad of [undefined, "alpha", {}]) assertRefused({ [list]: bad }, "bad_request");
  }
});

Deno.test("decodeRecord() takes an alias of at most 64 UTF-16 units without control characters", () => {
  for (const alias of ["", "x".repeat(64), "😀".repeat(32), "\u00a0"]) decode({ alias });
  for (
    const alias of [
      "x".repeat(65),
      "😀".repeat(33),
      "a\n",
      "\u0000",
      "\u007f",
      "\u0085",
      "\u009f",
      5,
    ]
  ) {
    assertRefused({ alias }, "bad_request");
  }
});

Deno.test("decodeRecord() refuses keys of another length or in lax base64url", () => {
  const key = encodeBase64Url(new Uint8Array(32).fill(9));
  const lax = key.slice(0, -1) + String.fromCharCode(key.charCodeAt(42) + 1);
  for (const bad of [key.slice(1), key + "A", key + "=", lax, "", `${key.slice(0, -1)}+`]) {
    assertRefused({ noise_key: bad }, "bad_request");
    assertRefused({ next: bad }, "bad_request");
  }
});

Deno.test("decodeRecord() answers unsupported to another v", () => {
  for (const v of [2, 4, 3.5, -3]) assertRefused({ v }, "unsupported");
  for (const v of [undefined, null, "3", [3]]) assertRefused({ v }, "bad_request");
});

Deno.test("decodeRecord() answers unsupported before it looks at the rest of another v", () => {
  assertRefused({ v: 4, seq: "what a later version may write" }, "unsupported");
});

Deno.test("decodeRecord() knows the members that must may name", () => {
  decode({ must: [] });
  decode({ must: ["alias", "gone", "must", "v"] });
  for (const must of [["color"], ["alias", "color"], ["toString"], ["__proto__"]]) {
    assertRefused({ must }, "unsupported");
  }
  for (const must of ["alias", [1], {}, null]) assertRefused({ must }, "bad_request");
});

Deno.test("decodeRecord() ignores members it does not know", () => {
  const payload = decode({ color: "red", "": 1, constructor: 1 });
  assertEquals(payload.seq, 1_790_000_000_123);
});

Deno.test("decodeRecord() takes the last of two members with one name", () => {
  const json = JSON.stringify(recordPayload(a)).replace(
    '"v":3',
    '"v":4,"alias":"x","v":3,"alias":"y"',
  );
  const payload = decodeRecord(signText(a, json, { typ: "openred-record+jwt" }));
  assertEquals(payload.alias, "y");
});

Deno.test("decodeRecord() refuses what is no JWS around an object", () => {
  const sign = (payload: string) => signText(a, payload, { typ: "openred-record+jwt" });
  for (
    const text of [
      "",
      ".",
      "a",
      "a.b",
      "..",
      "a.=.c",
      sign("[]"),
      sign("null"),
      sign("{"),
      sign("\ufeff{}"),
    ]
  ) {
    const error = assertThrows(() => decodeRecord(text), OpenRedError, undefined, text);
    assertEquals(error.code, "bad_request");
  }
});

Deno.test("verifyRecord() returns the text byte for byte", async () => {
  const text = recordText({ alias: "Zoë" });
  const record = await verifyRecord(verifierOf(a), text);
  assertEquals([record.text, record.id], [text, a.id]);
});

Deno.test("verifyRecord() rejects another type, another signer and a changed payload", async () => {
  const [header, payload, signature] = recordText().split(".");
  const other = signText(a, recordPayload(a, { alias: "x" }), { typ: "openred-record+jwt" });
  const texts = [
    signText(a, recordPayload(a), { typ: "openred-proof+jwt" }),
    signText(testIdentity(2), recordPayload(a), { typ: "openred-record+jwt" }),
    [header, other.split(".")[1], signature].join("."),
    [header, payload, other.split(".")[2]].join("."),
  ];
  for (const text of texts) {
    const error = await assertRejects(() => verifyRecord(verifierOf(a), text), OpenRedError);
    assertEquals(error.code, "bad_signature");
  }
});

Deno.test("checkNotAhead() allows 120 s", async () => {
  const record = await verified();
  checkNotAhead(record, NOW_MS - 120_000);
  const error = assertThrows(() => checkNotAhead(record, NOW_MS - 120_001), OpenRedError);
  assertEquals(error.code, "clock_ahead");
});

Deno.test("isFresh() allows 120 s after exp", async () => {
  const record = await verified();
  const endMs = NOW_MS + 86_400_000;
  assertEquals([isFresh(record, endMs + 120_000), isFresh(record, endMs + 120_001)], [true, false]);
});

Deno.test("checkTimes() asks freshness of a record only while it is not gone", async () => {
  const lateMs = NOW_MS + 86_400_000 + 120_001;
  const record = await verified();
  const error = assertThrows(() => checkTimes(record, lateMs), OpenRedError);
  assertEquals(error.code, "record_stale");
  checkTimes(await verified({ api_url: "", gone: true }), lateMs);
});

Deno.test("checkTimes() refuses a gone record from the future", async () => {
  const gone = await verified({ api_url: "", gone: true });
  const error = assertThrows(() => checkTimes(gone, NOW_MS - 120_001), OpenRedError);
  assertEquals(error.code, "clock_ahead");
});
