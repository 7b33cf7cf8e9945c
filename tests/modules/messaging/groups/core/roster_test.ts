import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  type Membership,
  openMembership,
} from "../../../../../modules/messaging/groups/core/memberships.ts";
import { Roster } from "../../../../../modules/messaging/groups/core/roster.ts";
import type { Statement } from "../../../../../modules/messaging/groups/core/statements.ts";
import { OpenRedError } from "../../../../../protocol/errors.ts";
import { chainOf, found, OTHER_RUN, Person, RUN } from "./people.ts";

const [owner, second, third, stranger] = [1, 2, 3, 4].map((seed) => new Person(seed)) as [
  Person,
  Person,
  Person,
  Person,
];

function join(person: Person, stm: Statement): Promise<Membership> {
  return person.belong({ group: stm.group, stm: stm.hash, isIn: true });
}

function rosterOf(statements: readonly Statement[], memberships: readonly Membership[]): Roster {
  return new Roster(chainOf(statements), memberships);
}

Deno.test("nobody is a member without their own word", async () => {
  const first = await found(owner, second, third);
  const roster = rosterOf([first], [await join(owner, first), await join(second, first)]);
  assertEquals(roster.members().map(({ id }) => id), [owner.id, second.id]);
  assertStrictEquals(roster.find(third.id)?.state, "invited");
  assertStrictEquals(roster.find(stranger.id), null);
  const uninvited = await join(stranger, first);
  assertStrictEquals(rosterOf([first], [uninvited]).find(stranger.id), null);
});

Deno.test("who leaves is out for that addition, and in again after another one", async () => {
  const first = await found(owner, second);
  const isIn = await join(second, first);
  const leave = await second.belong({
    group: first.group,
    stm: first.hash,
    isIn: false,
    last: [],
  });
  for (const order of [[isIn, leave], [leave, isIn]]) {
    assertStrictEquals(rosterOf([first], order).find(second.id)?.state, "left");
  }
  const removed = await owner.state({ after: first, remove: [{ id: second.id, last: [] }] });
  const again = await owner.state({ after: removed, add: [second.added] });
  const statements = [first, removed, again];
  assertStrictEquals(rosterOf(statements, [isIn, leave]).find(second.id)?.state, "invited");
  const back = await join(second, again);
  assertStrictEquals(rosterOf(statements, [isIn, leave, back]).find(second.id)?.state, "member");
});

Deno.test("a membership of another group counts nothing here", async () => {
  const first = await found(owner, second);
  const elsewhere = await owner.state({ after: null, nonce: "A".repeat(22), add: first.add });
  const replayed = await second.belong({ group: elsewhere.group, stm: first.hash, isIn: true });
  assertStrictEquals(rosterOf([first], [replayed]).find(second.id)?.state, "invited");
});

Deno.test("openMembership() refuses members of another form", async () => {
  const hash = "A".repeat(43);
  const good = { group: hash, stm: hash, in: true, iat: 1 };
  const last = [{ run: RUN, n: 1, hash }];
  const bad: readonly object[] = [
    { group: undefined },
    { stm: "short" },
    { in: 1 },
    { iat: "now" },
    { last },
    { in: false },
    { in: false, last: [...last, ...last] },
    { succession: [owner.succeed().succession] },
    { succession: [], last },
  ];
  for (const change of bad) {
    const text = second.signed("openred-group-member+jwt", { ...good, ...change });
    const error = await assertRejects(() => openMembership(second.signatures, text), OpenRedError);
    assertStrictEquals(error.code, "bad_request", JSON.stringify(change));
  }
  const other = second.signed("openred-group+jwt", good);
  const error = await assertRejects(() => openMembership(second.signatures, other), OpenRedError);
  assertStrictEquals(error.code, "bad_signature");
  await assertRejects(() => openMembership(second.signatures, "a".repeat(25_000)), OpenRedError);
});

Deno.test("a successor has the place of whom it follows, and says what counts of the old key", async () => {
  const first = await found(owner, second);
  const group = first.group;
  const { next, succession } = second.succeed();
  const before = await second.write({ group, stm: first.hash, n: 1 });
  const after = await second.write({ group, stm: first.hash, n: 2, prev: before.hash });
  const forged = await second.write({ group, stm: first.hash, n: 1 }, "another");
  const moved = await next.belong({
    group,
    stm: first.hash,
    isIn: true,
    succession: [succession],
    last: [{ run: RUN, n: 1, hash: before.hash }],
  });
  const leaves = await second.belong({ group, stm: first.hash, isIn: false, last: [] });
  const roster = rosterOf([first], [await join(second, first), leaves, moved]);
  assertEquals([roster.find(second.id), roster.isMember(next.id)], [null, true]);
  assertEquals([before, after, forged].map((message) => roster.judge(message)), [
    "ordinary",
    "aside",
    "aside",
  ]);
  const own = await next.write({ group, stm: first.hash, n: 1, run: OTHER_RUN });
  assertStrictEquals(roster.judge(own), "ordinary");
  assertStrictEquals(rosterOf([first], [leaves]).judge(own), "waits");
});

Deno.test("the newest key of a place counts, whichever id is the smaller", async () => {
  const people = Array.from({ length: 8 }, (_, at) => new Person(at + 2));
  const smaller = people.find((person) => person.succeed().next.id < person.id)!;
  const larger = people.find((person) => person.succeed().next.id > person.id)!;
  for (const person of [smaller, larger]) {
    const first = await found(owner, person);
    const { next, succession } = person.succeed();
    const place = { group: first.group, stm: first.hash };
    const line = { succession: [succession], last: [] };
    const moved = await next.belong({ ...place, isIn: true, ...line });
    const roster = rosterOf([first], [await join(person, first), moved]);
    assertEquals(roster.members().map(({ id }) => id), [next.id]);
  }
});

Deno.test("a successor that was not pinned has no place", async () => {
  const first = await found(owner, second);
  const thief = await stranger.belong({
    group: first.group,
    stm: first.hash,
    isIn: true,
    succession: [stranger.succession(second.id)],
    last: [],
  });
  const roster = rosterOf([first], [await join(second, first), thief]);
  assertEquals([roster.isMember(second.id), roster.isMember(stranger.id)], [true, false]);
});

Deno.test("what somebody wrote counts up to where they were removed, under whatever statement", async () => {
  const first = await found(owner, second, third);
  const { group } = first;
  const joined = [await join(owner, first), await join(second, first)];
  const messages = [await second.write({ group, stm: first.hash, n: 1 })];
  for (const n of [2, 3]) {
    messages.push(await second.write({ group, stm: first.hash, n, prev: messages.at(-1)!.hash }));
  }
  const last = [{ run: RUN, n: 2, hash: messages[1]!.hash }];
  const removal = await owner.state({ after: first, remove: [{ id: second.id, last }] });
  const roster = rosterOf([first, removal], joined);
  assertEquals(messages.map((message) => roster.judge(message)), ["ordinary", "ordinary", "aside"]);
  const inOtherRun = await second.write({ group, stm: first.hash, n: 1, run: OTHER_RUN });
  const rewritten = await second.write({ group, stm: first.hash, n: 2 }, "rewritten");
  const underRemoval = await second.write({ group, stm: removal.hash, n: 3 });
  const judged = [inOtherRun, rewritten, underRemoval].map((message) => roster.judge(message));
  assertEquals(judged, ["aside", "aside", "refused"]);
});

Deno.test("what somebody wrote counts up to where they left", async () => {
  const first = await found(owner, second);
  const { group } = first;
  const one = await second.write({ group, stm: first.hash, n: 1 });
  const two = await second.write({ group, stm: first.hash, n: 2, prev: one.hash });
  const leave = await second.belong({
    group,
    stm: first.hash,
    isIn: false,
    last: [{ run: RUN, n: 1, hash: one.hash }],
  });
  const roster = rosterOf([first], [leave]);
  assertEquals([roster.judge(one), roster.judge(two)], ["ordinary", "aside"]);
});

Deno.test("a message waits for its statement and its author's membership, and is of one group", async () => {
  const first = await found(owner, second);
  const { group } = first;
  const adding = await owner.state({ after: first, add: [third.added] });
  const message = await third.write({ group, stm: adding.hash, n: 1 });
  const membership = await join(third, adding);
  assertStrictEquals(rosterOf([first], [membership]).judge(message), "waits");
  assertStrictEquals(rosterOf([first, adding], []).judge(message), "waits");
  assertStrictEquals(rosterOf([first, adding], [membership]).judge(message), "ordinary");
  const early = await third.write({ group, stm: first.hash, n: 1 });
  assertStrictEquals(rosterOf([first, adding], [membership]).judge(early), "refused");
  const elsewhere = await third.write({ group: adding.hash, stm: adding.hash, n: 1 });
  assertStrictEquals(rosterOf([first, adding], [membership]).judge(elsewhere), "refused");
});

Deno.test("what was written under a story that fell is judged by what stands before it", async () => {
  const first = await found(owner, second);
  const { group } = first;
  const stories = await Promise.all(
    ["a", "b"].map((name) => owner.state({ after: first, name })),
  );
  const joined = [await join(second, first)];
  for (const story of stories) {
    const message = await second.write({ group, stm: story.hash, n: 1 });
    assertStrictEquals(rosterOf([first, ...stories], joined).judge(message), "ordinary");
  }
});

Deno.test("mayHave() gives a member what was written while they were in, and before only with history", async () => {
  const first = await found(owner, second);
  const open = await owner.state({ after: first, history: true });
  const closed = await owner.state({ after: open, history: false });
  const adding = await owner.state({ after: closed, add: [third.added] });
  const statements = [first, open, closed, adding];
  const joined = [await join(owner, first), await join(third, adding)];
  const roster = rosterOf(statements, joined);
  const given = (asker: Person) => statements.map(({ hash }) => roster.mayHave(asker.id, hash));
  assertEquals(given(third), [false, true, false, true]);
  assertEquals(given(owner), [true, true, true, true]);
  assertEquals(given(second), [false, false, false, false]);
  assertEquals(given(stranger), [false, false, false, false]);
  const removal = await owner.state({ after: adding, remove: [{ id: third.id, last: [] }] });
  assertStrictEquals(
    rosterOf([...statements, removal], joined).mayHave(third.id, adding.hash),
    false,
  );
});
