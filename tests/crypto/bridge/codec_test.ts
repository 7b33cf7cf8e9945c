import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ATTACHED_FROM_BYTES } from "../../../crypto/bridge/codec.ts";
import { PackReader } from "../../../crypto/bridge/pack_reader.ts";
import { PackWriter } from "../../../crypto/bridge/pack_writer.ts";

function roundTrip(value: unknown, options = { copies: true }): unknown {
  const writer = new PackWriter();
  writer.writeValue(value, { transfer: false });
  const reader = new PackReader(writer.finish(), options);
  const read = reader.readValue();
  assert(reader.atEnd);
  return read;
}

const plainData = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.maxSafeInteger(),
    fc.string({ unit: "grapheme" }),
    fc.string({ minLength: 40, maxLength: 200 }),
    fc.uint8Array({ maxLength: 2000 }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom("session", "nowMs", "body"), fc.string({ unit: "grapheme" }))
        .filter((key) => key !== "__proto__"),
      tie("value"),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value;

Deno.test("PackReader reads what PackWriter wrote", () => {
  fc.assert(fc.property(plainData, (value) => {
    assertEquals(roundTrip(value), value);
    assertEquals(roundTrip(value, { copies: false }), value);
  }));
});

Deno.test("PackReader throws nothing but RangeError on arbitrary bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const message = { packed: new Uint8Array(bytes).buffer, attachments: [] };
    try {
      new PackReader(message, { copies: true }).readValue();
    } catch (error) {
      assert(error instanceof RangeError);
    }
  }));
});

Deno.test("writeValue() leaves out members without a value", () => {
  assertEquals(roundTrip({ a: 1, b: undefined, oddName: undefined }), { a: 1 });
});

Deno.test("writeValue() refuses what is not plain data", () => {
  for (const value of [() => 1, Symbol("x"), 1n]) {
    assertThrows(() => roundTrip(value), TypeError);
  }
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assertThrows(() => roundTrip(cycle), TypeError, "nested");
  assertThrows(() => roundTrip(JSON.parse('{"__proto__":1}')), TypeError);
});

Deno.test("writeValue() puts large byte arrays beside the message", () => {
  const large = new Uint8Array(ATTACHED_FROM_BYTES + 1).fill(9);
  const writer = new PackWriter();
  writer.writeValue([large, large.subarray(1)], { transfer: true });
  const message = writer.finish();
  assertEquals(message.attachments.length, 1);
  assert(message.attachments[0] === large.buffer);
  assertEquals(new PackReader(message, { copies: true }).readValue(), [large, large.subarray(1)]);
});

Deno.test("writeValue() copies large byte arrays that it must not take, and parts of larger ones", () => {
  const whole = new Uint8Array(3 * ATTACHED_FROM_BYTES);
  const part = whole.subarray(5, 5 + 2 * ATTACHED_FROM_BYTES);
  const writer = new PackWriter();
  writer.writeValue(whole, { transfer: false });
  writer.writeValue(part, { transfer: true });
  for (const attachment of writer.finish().attachments) assert(attachment !== whole.buffer);
});

Deno.test("writeValue() takes one buffer once", () => {
  const large = new Uint8Array(ATTACHED_FROM_BYTES + 1);
  const writer = new PackWriter();
  writer.writeValue([large, large], { transfer: true });
  const { attachments } = writer.finish();
  assertEquals(new Set(attachments).size, 2);
});

Deno.test("truncate() undoes a value that could not be packed", () => {
  const writer = new PackWriter();
  writer.writeValue("kept", { transfer: false });
  const { length } = writer;
  assertThrows(() => writer.writeValue(["half", () => 1], { transfer: false }), TypeError);
  writer.truncate(length);
  const reader = new PackReader(writer.finish(), { copies: true });
  assertEquals(reader.readValue(), "kept");
  assert(reader.atEnd);
});

Deno.test("a text that repeats itself stands in a message once", () => {
  const id = "z6MkrHKzgsahxBLyNAbLQyB1pcWNYC9GmywiWPgkrvntAZcj";
  const written = (count: number) => {
    const writer = new PackWriter();
    writer.writeValue(Array.from({ length: count }, () => ({ id, other: "short" })), {
      transfer: false,
    });
    return writer.length;
  };
  assert(written(11) - written(10) < id.length);
  assertEquals(roundTrip([id, { [id]: id }, id]), [id, { [id]: id }, id]);
});

Deno.test("truncate() forgets the texts that it takes away", () => {
  const text = "a text that may repeat itself";
  const writer = new PackWriter();
  writer.writeValue(text.slice(1), { transfer: false });
  const { length } = writer;
  assertThrows(() => writer.writeValue([text, () => 1], { transfer: false }), TypeError);
  writer.truncate(length);
  writer.writeValue([text, text.slice(1)], { transfer: false });
  const reader = new PackReader(writer.finish(), { copies: true });
  assertEquals([reader.readValue(), reader.readValue()], [text.slice(1), [text, text.slice(1)]]);
});
