import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeBase64Url, encodeUtf8 } from "../../../../../crypto/encoding.ts";
import {
  contains,
  difference,
  highest,
  isNear,
  rangesOf,
  union,
} from "../../../../../modules/messaging/groups/core/ranges.ts";
import {
  lacking,
  readSummary,
  readVector,
  writeSummary,
  writeVector,
} from "../../../../../modules/messaging/groups/core/vectors.ts";
import { OpenRedError } from "../../../../../protocol/errors.ts";
import { OTHER_RUN, Person, RUN } from "./people.ts";

const [one, other] = [new Person(1), new Person(2)];
const HASH = "A".repeat(43);

const numbers = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });

function listed(ranges: readonly (readonly [number, number])[]): number[] {
  return ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, at) => from + at)
  );
}

Deno.test("ranges are what sets of numbers are", () => {
  fc.assert(fc.property(numbers, numbers, (a, b) => {
    const [setA, setB] = [new Set(a), new Set(b)];
    const [ranges, others] = [rangesOf(a), rangesOf(b)];
    const sorted = (set: Iterable<number>) => [...set].sort((x, y) => x - y);
    assertEquals(listed(ranges), sorted(setA));
    assertEquals(listed(union(ranges, others)), sorted(setA.union(setB)));
    assertEquals(listed(difference(ranges, others)), sorted(setA.difference(setB)));
    assertEquals(highest(ranges), Math.max(0, ...setA));
    assertEquals(a.every((n) => contains(ranges, n)), true);
    assertEquals(union(ranges, others), rangesOf([...a, ...b]));
  }));
});

Deno.test("a number may be 10,000 ahead of what is held and no more", () => {
  assertEquals([isNear([], 10_000), isNear([], 10_001)], [true, false]);
  assertEquals([isNear([[1, 5]], 10_005), isNear([[1, 5]], 10_006)], [true, false]);
});

Deno.test("a vector comes back as it was written", () => {
  const runs = [
    {
      id: one.id,
      run: RUN,
      held: [[1, 3], [5, 5]] as const,
      never: [[4, 4]] as const,
      top: HASH,
      twice: [2],
    },
    { id: other.id, run: OTHER_RUN, held: [], never: [], top: undefined, twice: [] },
  ];
  assertEquals(readVector(writeVector(runs)), runs);
  assertEquals(readVector(writeVector([])), []);
});

Deno.test("writeVector() leaves out the highest ranges where there are too many", () => {
  const held = Array.from({ length: 100 }, (_, at) => [2 * at + 1, 2 * at + 1] as const);
  const [entry] = readVector(writeVector([{ id: one.id, run: RUN, held, never: [] }]));
  assertEquals(entry!.held, held.slice(0, 64));
  const many = Array.from({ length: 6_144 }, (_, at) => ({
    id: one.id,
    run: encodeBase64Url(new Uint8Array(new BigUint64Array([BigInt(at)]).buffer)),
    held: held.map(([n]) => [999_999_000 + n, 999_999_000 + n] as const),
    never: [],
    top: HASH,
    twice: [1],
  }));
  const first = { ...many[0]!, run: OTHER_RUN };
  const read = readVector(writeVector([first, ...many]));
  assertStrictEquals(read.length, 6_144);
  assertStrictEquals(read[0]!.held[0]![0], 999_999_001);
  assertStrictEquals(read[0]!.run, many[0]!.run);
});

Deno.test("readVector() refuses what is not of the form", () => {
  const entry = { id: one.id, run: RUN, held: [[1, 3]] };
  const withHeld = (held: unknown) => [{ ...entry, held }];
  const bad: readonly unknown[] = [
    "x",
    {},
    [{ ...entry, id: "somebody" }],
    [{ ...entry, run: "AAAA" }],
    [entry, entry],
    [{ ...entry, must: ["colour"] }],
    [{ ...entry, top: "short" }],
    [{ ...entry, twice: [0] }],
    [{ ...entry, twice: Array(65).fill(1) }],
    withHeld([[3, 1]]),
    withHeld([[1, 2], [3, 4]]),
    withHeld([[5, 6], [1, 2]]),
    withHeld([[0, 1]]),
    withHeld([[1, 1_000_000_001]]),
    withHeld([[1]]),
    withHeld([[1, 2, 3]]),
    withHeld([["1", "2"]]),
    withHeld(Array.from({ length: 65 }, (_, at) => [3 * at + 1, 3 * at + 1])),
  ];
  for (const runs of bad) {
    const body = encodeUtf8(JSON.stringify({ runs }));
    const error = assertThrows(() => readVector(body), OpenRedError);
    assertStrictEquals(error.code, "bad_request", JSON.stringify(runs));
  }
  const long = assertThrows(() => readVector(new Uint8Array(983_041)), OpenRedError);
  assertStrictEquals(long.code, "too_large");
});

Deno.test("a summary comes back as it was written, and refuses other forms", () => {
  const summary = { heads: [{ n: 0, hash: HASH }], displaced: [HASH], members: [HASH] };
  assertEquals(readSummary(writeSummary(summary)), summary);
  const bad: readonly object[] = [
    { heads: [] },
    { heads: Array(33).fill({ n: 0, hash: HASH }) },
    { heads: [{ n: 10_000, hash: HASH }] },
    { heads: [{ n: 0, hash: "short" }] },
    { displaced: Array(65).fill(HASH) },
    { members: Array(2_049).fill(HASH) },
    { members: [7] },
  ];
  for (const change of bad) {
    const body = encodeUtf8(JSON.stringify({ ...summary, ...change }));
    assertThrows(() => readSummary(body), OpenRedError);
  }
});

Deno.test("readSummary() and readVector() throw nothing but refusals, whatever comes", () => {
  fc.assert(fc.property(fc.oneof(fc.json().map(encodeUtf8), fc.uint8Array()), (body) => {
    for (const read of [readSummary, readVector]) {
      try {
        read(body);
      } catch (error) {
        if (!(error instanceof OpenRedError)) throw error;
      }
    }
  }));
});

Deno.test("lacking() gives what the other lacks and still takes", () => {
  const own = [
    { id: one.id, run: RUN, held: [[1, 10]] as const, never: [] },
    { id: other.id, run: OTHER_RUN, held: [[1, 2]] as const, never: [] },
    { id: other.id, run: RUN, held: [[1, 1]] as const, never: [] },
  ];
  const theirs = [
    { id: one.id, run: RUN, held: [[1, 3], [9, 20]] as const, never: [[5, 5]] as const },
    { id: other.id, run: RUN, held: [[1, 1]] as const, never: [] },
  ];
  assertEquals(lacking(own, theirs), [
    { id: one.id, run: RUN, numbers: [[4, 4], [6, 8]] },
    { id: other.id, run: OTHER_RUN, numbers: [[1, 2]] },
  ]);
});

Deno.test("lacking() gives both of two messages under a number to whoever has one of them", () => {
  const [place, held] = [{ id: one.id, run: RUN }, [[1, 3]] as const];
  const own = { ...place, held, never: [], twice: [2] };
  const numbersFor = (theirs: object, hashes = [HASH]) =>
    lacking([own], [{ ...place, held, never: [], ...theirs }], (_of, n) => n === 3 ? hashes : [])
      .map(({ numbers }) => numbers);
  assertEquals(numbersFor({}), [[[2, 2]]]);
  assertEquals(numbersFor({ twice: [2] }), []);
  assertEquals(numbersFor({ never: [[2, 2]] }), []);
  const top = `B${HASH.slice(1)}`;
  assertEquals(numbersFor({ twice: [2], top: HASH }), []);
  assertEquals(numbersFor({ twice: [2], top }), [[[3, 3]]]);
  assertEquals(numbersFor({ twice: [2, 3], top }), []);
});
