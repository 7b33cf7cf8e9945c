import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  MAX_RELAY_DATA_BYTES,
  MAX_RELAY_FRAME_BYTES,
  MAX_RELAY_HEAD_BYTES,
  RELAY_CREDIT_BYTES,
} from "../../protocol/limits.ts";
import {
  costOfData,
  decodeRelayFrame,
  encodeRelayClose,
  encodeRelayCredit,
  encodeRelayData,
  encodeRelayOpen,
  encodeRelayWord,
} from "../../protocol/relay_frames.ts";
import { fixedValues } from "../docs/protocol_markdown.ts";

const streams = fc.integer({ min: 1, max: 0xffff_ffff });

Deno.test("frames of a link are those of docs/PROTOCOL.md", () => {
  const frames = fixedValues("relay-frames");
  const json = encodeUtf8("{}");
  const encoded = {
    bye: encodeRelayWord("bye", json),
    open: encodeRelayOpen(1, json),
    data: encodeRelayData(258, encodeUtf8("abc"), true),
    credit: encodeRelayCredit(0xffff_ffff, 65_536),
    close: encodeRelayClose(7, 4404),
  };
  for (const [name, frame] of Object.entries(encoded)) assertEquals(frame, frames.bytes(name));
});

Deno.test("decodeRelayFrame() reads what was encoded", () => {
  fc.assert(fc.property(
    streams,
    fc.uint8Array({ minLength: 1, maxLength: 2_000 }),
    fc.boolean(),
    fc.integer({ min: 1, max: RELAY_CREDIT_BYTES }),
    fc.integer({ min: 0, max: 0xffff }),
    (stream, bytes, isLast, credit, code) => {
      const data = new Uint8Array(bytes);
      assertEquals(decodeRelayFrame(encodeRelayData(stream, data, isLast)), {
        kind: "data",
        stream,
        isLast,
        data,
      });
      assertEquals(decodeRelayFrame(encodeRelayOpen(stream, data)), {
        kind: "open",
        stream,
        head: data,
      });
      assertEquals(decodeRelayFrame(encodeRelayCredit(stream, credit)), {
        kind: "credit",
        stream,
        bytes: credit,
      });
      assertEquals(decodeRelayFrame(encodeRelayClose(stream, code)), {
        kind: "close",
        stream,
        code,
      });
      assertEquals(decodeRelayFrame(encodeRelayWord("proof", data)), { kind: "proof", body: data });
    },
  ));
});

Deno.test("decodeRelayFrame() gives a frame, nothing, or a typed error for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    try {
      decodeRelayFrame(new Uint8Array(bytes));
    } catch (error) {
      assertEquals(error instanceof OpenRedError && error.code, "bad_request");
    }
  }));
});

Deno.test("decodeRelayFrame() refuses lengths and values beyond the protocol's", () => {
  const stream = [0, 0, 0, 1];
  const wrong: Record<string, Uint8Array<ArrayBuffer>> = {
    empty: new Uint8Array(),
    "too long": new Uint8Array(MAX_RELAY_FRAME_BYTES + 1).fill(0xff),
    "a long word": new Uint8Array(1 + MAX_RELAY_HEAD_BYTES + 1).fill(1, 0, 1),
    "a long head": Uint8Array.of(0x10, ...stream, ...new Uint8Array(MAX_RELAY_HEAD_BYTES + 1)),
    "long data": Uint8Array.of(0x11, ...stream, 0, ...new Uint8Array(MAX_RELAY_DATA_BYTES + 1)),
    "no flags": Uint8Array.of(0x11, ...stream),
    "other flags": Uint8Array.of(0x11, ...stream, 2, 0),
    "empty data that is not the last": Uint8Array.of(0x11, ...stream, 0),
    "no stream": Uint8Array.of(0x13, 0, 0),
    "stream 0": Uint8Array.of(0x13, 0, 0, 0, 0, 3, 232),
    "a short close": Uint8Array.of(0x13, ...stream, 3),
    "a long close": Uint8Array.of(0x13, ...stream, 3, 232, 0),
    "no credit": Uint8Array.of(0x12, ...stream, 0, 0, 0, 0),
    "endless credit": Uint8Array.of(0x12, ...stream, 255, 255, 255, 255),
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    const error = assertThrows(() => decodeRelayFrame(bytes), OpenRedError, undefined, what);
    assertEquals(error.code, "bad_request", what);
  }
});

Deno.test("decodeRelayFrame() gives nothing for a kind that it does not know", () => {
  for (const kind of [0x00, 0x05, 0x0f, 0x14, 0xff]) {
    assertEquals(decodeRelayFrame(Uint8Array.of(kind, 1, 2, 3)), null);
  }
});

Deno.test("encoders of a link refuse what the other end would", () => {
  assertThrows(() => encodeRelayData(0, Uint8Array.of(1), true), RangeError);
  assertThrows(() => encodeRelayData(2 ** 32, Uint8Array.of(1), true), RangeError);
  assertThrows(() => encodeRelayData(1, new Uint8Array(), false), RangeError);
  assertThrows(
    () => encodeRelayData(1, new Uint8Array(MAX_RELAY_DATA_BYTES + 1), true),
    RangeError,
  );
  assertThrows(() => encodeRelayOpen(1, new Uint8Array(MAX_RELAY_HEAD_BYTES + 1)), RangeError);
});

Deno.test("costOfData() makes many small parts as dear as a few large ones", () => {
  assertEquals([0, 1, 1_024, 65_528].map(costOfData), [1_024, 1_024, 1_024, 65_528]);
});
