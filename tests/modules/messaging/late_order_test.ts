import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { orderLate, seat } from "../../../modules/messaging/late_order.ts";
import { orderMessages, type Placed } from "../../../modules/messaging/order.ts";

/** Messages of a few chains that build on others, some of which come late. */
const conversations = fc.record({
  messages: fc.array(
    fc.record({
      chain: fc.nat({ max: 3 }),
      sentAt: fc.nat({ max: 12 }),
      builtOn: fc.array(fc.nat({ max: 40 }), { maxLength: 2 }),
      isLate: fc.nat({ max: 9 }).map((nat) => nat === 0),
    }),
    { minLength: 1, maxLength: 40 },
  ),
  length: fc.nat({ max: 40 }),
}).map(({ messages, length }) => {
  const placed = messages.map(({ chain, sentAt, builtOn }, index): Placed => ({
    name: `${index}`,
    chain: `${chain}`,
    n: index,
    sentAt,
    tie: `${chain}`,
    builtOn: builtOn.filter((other) => other < index).map((other) => `${other}`),
  }));
  const there = orderMessages(placed.filter((_, index) => !messages[index]!.isLate));
  const late = placed.filter((_, index) => messages[index]!.isLate);
  return { all: orderMessages(placed), there, late, length };
});

const names = (messages: readonly Placed[]) => messages.map(({ name }) => name);

Deno.test("orderLate() gives the order of all where a stretch says enough", () => {
  let told = 0;
  fc.assert(
    fc.property(conversations, ({ all, there, late, length }) => {
      // A stretch from the beginning on: nothing stands before it.
      const [stretch, rest] = [there.slice(0, length), there.slice(length)];
      const known = new Set([...stretch, ...late].map(({ name }) => name));
      const isWhole = [...stretch, ...late].every(({ builtOn }) =>
        builtOn.every((name) => known.has(name))
      );
      const chains = new Set([...stretch, ...late].map(({ chain }) => chain));
      const isBefore = late.every(({ chain, n }) =>
        !rest.some((other) => other.chain === chain && other.n < n)
      );
      if (!isWhole || !isBefore) return;
      const [next] = rest;
      const ordered = orderLate(
        stretch,
        late,
        next === undefined
          ? null
          : { next, hasOtherChains: () => rest.some(({ chain }) => !chains.has(chain)) },
      );
      if (ordered === null) return assert(next !== undefined, "nothing follows");
      if (late.length > 0 && next !== undefined) told += 1;
      assertEquals(names([...ordered, ...rest]), names(all));
    }),
    { numRuns: 20_000 },
  );
  assert(told > 200, `${told} were told from a stretch`);
});

Deno.test("orderLate() says nothing of messages that name each other in a circle", () => {
  const common = { n: 1, sentAt: 1 };
  const a = { ...common, name: "a", chain: "1", tie: "1", builtOn: ["b"] };
  const b = { ...common, name: "b", chain: "2", tie: "2", builtOn: ["a"] };
  assertEquals(orderLate([a], [b], null), null);
});

Deno.test("seat() gives rising places between two, and moves as few as it can", () => {
  const places = fc.array(fc.option(fc.integer({ min: 11, max: 60 })), { maxLength: 12 });
  fc.assert(
    fc.property(places, fc.option(fc.integer({ min: 61, max: 64 })), (given, end) => {
      const rows = given.map((place, index) => ({
        place: given.indexOf(place) === index ? place : null,
      }));
      const moves = seat(rows, { base: 10, end, gap: 4 });
      if (moves === null) return assert(end !== null && end - 10 <= rows.length);
      const moved = new Map(moves.map(({ row, place }) => [row, place]));
      const now = rows.map((row) => moved.get(row) ?? row.place!);
      const all = [10, ...now, ...end === null ? [] : [end]];
      assert(all.every((place, index) => index === 0 || place > all[index - 1]!), `${all}`);
    }),
    { numRuns: 5_000 },
  );
  const rows = [100, 300, null, 200, 500].map((place) => ({ place }));
  const moves = seat(rows, { base: 0, end: 1_000, gap: 4 })!;
  assertEquals(moves.map(({ row, place }) => [rows.indexOf(row), place]), [[1, 133], [2, 166]]);
});
