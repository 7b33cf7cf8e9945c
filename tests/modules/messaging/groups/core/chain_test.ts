import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Chain } from "../../../../../modules/messaging/groups/core/chain.ts";
import type { Statement } from "../../../../../modules/messaging/groups/core/statements.ts";
import { chainOf, found, Person, strangers } from "./people.ts";

const [owner, second, third, fourth] = [1, 2, 3, 4].map((seed) => new Person(seed)) as [
  Person,
  Person,
  Person,
  Person,
];

/** Every order of a list. */
function* orders<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length <= 1) yield items;
  for (const [at, item] of items.entries()) {
    if (items.length <= 1) return;
    for (const rest of orders(items.toSpliced(at, 1))) yield [item, ...rest];
  }
}

function viewOf(chain: Chain) {
  return {
    statements: chain.statements.map(({ hash }) => hash),
    displaced: chain.displaced().map(({ hash }) => hash).sort(),
    places: chain.places().map(({ id, from, until }) => [id, from, until].join()).sort(),
    owner: chain.owner,
    name: chain.name,
  };
}

/** Takes these in every order, and fails unless all end alike. */
function inEveryOrder(first: Statement, later: readonly Statement[]): Chain {
  const expected = viewOf(chainOf([first, ...later]));
  for (const order of orders(later)) {
    assertEquals(viewOf(chainOf([first, ...order])), expected);
  }
  return chainOf([first, ...later]);
}

Deno.test("a chain takes statements of its owner, and waits for those that are missing", async () => {
  const first = await found(owner, second);
  const one = await owner.state({ after: first, add: [third.added] });
  const two = await owner.state({
    after: one,
    remove: [{ id: second.id, last: [] }],
    name: "Band",
  });
  const chain = chainOf([first]);
  assertStrictEquals(chain.take(two).outcome, "waits");
  assertStrictEquals(chain.head, first);
  assertStrictEquals(chain.take(one).outcome, "stands");
  assertStrictEquals(chain.head, two);
  assertStrictEquals(chain.take(one).outcome, "known");
  assertEquals([chain.name, chain.placesOf(second.id)[0]!.until], ["Band", 2]);
  inEveryOrder(first, [one, two]);
});

Deno.test("a chain refuses whoever is not its owner, and what cannot be", async () => {
  const first = await found(owner, second);
  const chain = chainOf([first]);
  const elsewhere = await found(owner, third);
  const refused: Statement[] = [
    await second.state({ after: first, name: "Mine" }),
    await owner.state({ after: first, add: [second.added] }),
    await owner.state({ after: first, remove: [{ id: third.id, last: [] }] }),
    await owner.state({ after: first, remove: [{ id: owner.id, last: [] }] }),
    await owner.state({ after: first, owner: third.id }),
    await owner.state({ after: first, owner: owner.id }),
    await owner.state({
      after: first,
      add: [second.added],
      remove: [{ id: second.id, last: [] }],
    }),
    await owner.state({
      after: first,
      owner: second.id,
      remove: [{ id: second.id, last: [] }],
    }),
    await owner.state({ after: { ...first, n: 4 }, name: "Far" }),
    await owner.state({ after: elsewhere, name: "Elsewhere" }),
    elsewhere,
  ];
  for (const statement of refused) {
    assertEquals(chain.take(statement), { outcome: "refused", rewritten: false, proof: null });
    assert(!chain.has(statement.hash));
  }
  assertStrictEquals(chain.head, first);
});

Deno.test("a chain begins with a first statement only", async () => {
  const first = await found(owner);
  assertStrictEquals(Chain.begin(await owner.state({ after: first, name: "x" })), null);
});

Deno.test("a group has at most 256 members, whoever adds strangers to it", async () => {
  const first = await found(owner);
  const many = await owner.state({ after: first, add: strangers(256) });
  assertStrictEquals(chainOf([first]).take(many).outcome, "refused");
  const all = await owner.state({ after: first, add: strangers(255) });
  const chain = chainOf([first, all]);
  assertStrictEquals(chain.head, all);
  const more = await owner.state({ after: all, add: [second.added] });
  assertStrictEquals(chain.take(more).outcome, "refused");
});

Deno.test("a group has at most 2,048 additions in its life", async () => {
  const statements = [await found(owner)];
  const people = strangers(255);
  for (let at = 0; at < 8; at++) {
    const after = statements.at(-1)!;
    const add = await owner.state({ after, add: people });
    const remove = people.map(({ id }) => ({ id, last: [] }));
    statements.push(add, await owner.state({ after: add, remove }));
  }
  const chain = chainOf(statements);
  assertStrictEquals(chain.head, statements.at(-1));
  const after = chain.head;
  assert(!chain.allows(await owner.state({ after, add: people.slice(0, 8) })));
  assert(chain.allows(await owner.state({ after, add: people.slice(0, 7) })));
});

Deno.test("of two stories the smaller hash stands, with the proof, in whatever order they come", async () => {
  const first = await found(owner, second);
  const stories = await Promise.all(
    ["Tenors", "Basses"].map((name) => owner.state({ after: first, name })),
  );
  const [stands, falls] = stories.sort((a, b) => a.hash < b.hash ? -1 : 1) as [
    Statement,
    Statement,
  ];
  const onFallen = await owner.state({ after: falls, add: [third.added] });
  const onStanding = await owner.state({ after: stands, add: [fourth.added] });
  const chain = inEveryOrder(first, [stands, falls, onFallen, onStanding]);
  assertEquals(chain.statements, [first, stands, onStanding]);
  assertEquals(chain.displaced(), [falls, onFallen]);
  assertStrictEquals(chain.numberOf(onFallen.hash), 0);
  const late = chainOf([first, falls, onFallen]);
  const verdict = late.take(stands);
  assertEquals([verdict.outcome, verdict.rewritten], ["stands", true]);
  assertEquals(verdict.proof, [falls, stands]);
  assertEquals(chainOf([first, stands]).take(falls).proof, [stands, falls]);
});

Deno.test("a hand-over stands above what else its owner said under that number", async () => {
  const first = await found(owner, second);
  const handOver = await owner.state({ after: first, owner: second.id });
  const others = await Promise.all(
    ["a", "b", "c"].map((name) => owner.state({ after: first, name })),
  );
  const next = await second.state({ after: handOver, name: "Mine" });
  const stale = await owner.state({ after: handOver, name: "Still mine" });
  for (const other of others) {
    const chain = inEveryOrder(first, [other, handOver, next, stale]);
    assertEquals(chain.statements, [first, handOver, next]);
    assertStrictEquals(chain.owner.id, second.id);
    assertStrictEquals(chainOf([first, other]).take(handOver).proof, null);
  }
});

Deno.test("a successor of the owner goes on with the group, and a thief of the old key does not", async () => {
  const first = await found(owner, second);
  const { next, succession } = owner.succeed();
  const follows = await next.state({ after: first, succession: [succession] });
  const then = await next.state({ after: follows, name: "Ours" });
  const stolen = await owner.state({ after: first, owner: second.id });
  const late = await owner.state({ after: follows, name: "Theirs" });
  const chain = inEveryOrder(first, [follows, then, stolen, late]);
  assertEquals(chain.statements, [first, follows, then]);
  assertEquals(chain.owner, { place: owner.id, id: next.id, next: next.next });
});

Deno.test("a succession of the owner that was not pinned is refused", async () => {
  const stranger = new Person(9);
  const first = await found(owner, second);
  const chain = chainOf([first]);
  const bad = [
    await stranger.state({ after: first, succession: [stranger.succession(owner.id)] }),
    await second.succeed().next.state({
      after: first,
      succession: [second.succeed().succession],
    }),
  ];
  for (const statement of bad) assertStrictEquals(chain.take(statement).outcome, "refused");
});

Deno.test("a chain keeps so many stories and statements that wait, and no more", async () => {
  const first = await found(owner, second);
  const chain = chainOf([first]);
  for (let at = 0; at < 80; at++) {
    chain.take(await owner.state({ after: first, name: `story ${at}` }));
    chain.take(
      await owner.state({ after: { ...first, hash: "A".repeat(43), n: 3 + at }, name: "x" }),
    );
  }
  assertEquals([chain.displaced().length, chain.waiting().length], [64, 64]);
  assertStrictEquals(Math.max(...chain.waiting().map(({ n }) => n)), 67);
});

Deno.test("lacking() gives what somebody lacks who stands elsewhere", async () => {
  const first = await found(owner, second);
  const statements = [first];
  for (let n = 1; n < 20; n++) {
    statements.push(await owner.state({ after: statements.at(-1)!, name: `n ${n}` }));
  }
  const whole = chainOf(statements);
  const some = chainOf(statements.slice(0, 12));
  assertEquals(whole.heads().map(({ n }) => n), [19, 18, 17, 15, 11, 3, 0]);
  assertEquals(whole.lacking(some.heads(), []).map(({ n }) => n), [12, 13, 14, 15, 16, 17, 18, 19]);
  assertEquals(some.lacking(whole.heads(), []), []);
  const other = await owner.state({ after: statements[4]!, name: "another story" });
  whole.take(other);
  const told = whole.lacking(whole.heads(), []);
  assertEquals(told.length, whole.displaced().length);
  assertEquals(whole.lacking(whole.heads(), told.map(({ hash }) => hash)), []);
});
