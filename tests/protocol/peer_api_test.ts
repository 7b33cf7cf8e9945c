import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { type ErrorCode, OpenRedError } from "../../protocol/errors.ts";
import { MAX_FRAME_BYTES, MAX_MESSAGE_REQUEST_BYTES } from "../../protocol/limits.ts";
import {
  frameSessionId,
  handshakeAnswerSchema,
  handshakeRequestSchema,
  messageRequestSchema,
} from "../../protocol/peer_api.ts";
import { parseGrowing } from "../../protocol/schemas.ts";

const pairId = encodeBase64Url(new Uint8Array(16).fill(0x10));
const request = { v: 3, suite: "ik-x25519", pair_id: pairId, noise: "QQ" };

function assertRequestRefused(changes: object, code: ErrorCode): void {
  const run = () => parseGrowing(handshakeRequestSchema, { ...request, ...changes });
  assertEquals(assertThrows(run, OpenRedError).code, code);
}

Deno.test("handshakeRequestSchema decodes a request and ignores what it does not know", () => {
  const parsed = parseGrowing(handshakeRequestSchema, { ...request, more: 1, must: ["noise"] });
  assertEquals([parsed.pair_id.length, parsed.noise], [16, Uint8Array.of(0x41)]);
});

Deno.test("handshakeRequestSchema refuses another shape", () => {
  for (
    const changes of [{ pair_id: "QQ" }, { noise: "QR" }, { suite: "" }, { suite: 5 }, {
      noise: undefined,
    }]
  ) {
    assertRequestRefused(changes, "bad_request");
  }
  assertRequestRefused({ v: 2 }, "unsupported");
  assertRequestRefused({ must: ["more"] }, "unsupported");
});

Deno.test("handshakeAnswerSchema looks at noise alone", () => {
  const answer = { session_established: "no", session_id: 7, noise: "QQ" };
  assertEquals(parseGrowing(handshakeAnswerSchema, answer).noise, Uint8Array.of(0x41));
});

Deno.test("messageRequestSchema takes the longest frame within the body's cap", () => {
  const data = encodeBase64Url(new Uint8Array(MAX_FRAME_BYTES));
  const body = JSON.stringify({ session_id: pairId, data });
  assertEquals(body.length <= MAX_MESSAGE_REQUEST_BYTES, true);
  assertEquals(parseGrowing(messageRequestSchema, JSON.parse(body)).data.length, MAX_FRAME_BYTES);
  const longer = encodeBase64Url(new Uint8Array(MAX_FRAME_BYTES + 1));
  const run = () => parseGrowing(messageRequestSchema, { session_id: pairId, data: longer });
  assertEquals(assertThrows(run, OpenRedError).code, "bad_request");
});

Deno.test("frameSessionId() reads bytes 1 to 16 of a version 3 frame", () => {
  const frame = new Uint8Array(45);
  frame[0] = 3;
  frame.fill(7, 1, 17);
  assertEquals(frameSessionId(frame), new Uint8Array(16).fill(7));
  frame[0] = 2;
  assertStrictEquals(frameSessionId(frame), null);
});

Deno.test("frameSessionId() returns null for bytes that are too few or too many", () => {
  for (const length of [0, 1, 17, 28, MAX_FRAME_BYTES + 1]) {
    assertStrictEquals(frameSessionId(new Uint8Array(length).fill(3)), null);
  }
});
