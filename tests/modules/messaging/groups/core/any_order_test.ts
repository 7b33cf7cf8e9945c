import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeBase64Url } from "../../../../../crypto/encoding.ts";
import type { Membership } from "../../../../../modules/messaging/groups/core/memberships.ts";
import type { GroupMessage } from "../../../../../modules/messaging/groups/core/messages.ts";
import { Roster } from "../../../../../modules/messaging/groups/core/roster.ts";
import type { Statement } from "../../../../../modules/messaging/groups/core/statements.ts";
import { chainOf, found, Person } from "./people.ts";

const PEOPLE = [1, 2, 3, 4, 5].map((seed) => new Person(seed));

interface Group {
  readonly first: Statement;
  readonly statements: Statement[];
  readonly memberships: Membership[];
  readonly messages: GroupMessage[];
}

/** What is done: by whom, to whom, after which statement; whatever cannot be is left out by the chain. */
const stepArbitrary = fc.record({
  kind: fc.constantFrom(
    "name",
    "name",
    "add",
    "remove",
    "owner",
    "succeed",
    "join",
    "leave",
    "write",
  ),
  by: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4),
  whom: fc.nat({ max: 4 }),
  after: fc.nat(),
});

type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

async function act(group: Group, { kind, by, whom, after }: Step, at: number): Promise<void> {
  const { first, statements, memberships, messages } = group;
  const [author, other] = [PEOPLE[by]!, PEOPLE[whom]!];
  const known = [first, ...statements];
  const before = known[known.length - 1 - after % Math.min(3, known.length)]!;
  const stm = known[after % known.length]!.hash;
  const place = { group: first.group, stm };
  const draft = { after: before, name: `step ${at}` };
  if (kind === "name") statements.push(await author.state(draft));
  if (kind === "add") statements.push(await author.state({ ...draft, add: [other.added] }));
  if (kind === "owner") statements.push(await author.state({ ...draft, owner: other.id }));
  if (kind === "remove") {
    const last = messages.filter(({ iss }) => iss === other.id).slice(-1)
      .map(({ run, n, hash }) => ({ run, n, hash }));
    statements.push(await author.state({ ...draft, remove: [{ id: other.id, last }] }));
  }
  if (kind === "succeed") {
    const { next, succession } = author.succeed();
    statements.push(await next.state({ ...draft, succession: [succession] }));
    const line = { succession: [succession], last: [] };
    memberships.push(await next.belong({ ...place, isIn: true, ...line }));
  }
  if (kind === "join") memberships.push(await author.belong({ ...place, isIn: true }));
  if (kind === "leave") memberships.push(await author.belong({ ...place, isIn: false, last: [] }));
  if (kind !== "write") return;
  const run = encodeBase64Url(new Uint8Array(8).fill(by));
  const n = messages.filter(({ iss }) => iss === author.id).length + 1;
  messages.push(await author.write({ ...place, run, n }, `step ${at}`));
}

async function groupOf(steps: readonly Step[]): Promise<Group> {
  const first = await found(...PEOPLE.slice(0, 3));
  const group: Group = { first, statements: [], memberships: [], messages: [] };
  for (const person of PEOPLE.slice(0, 2)) {
    group.memberships.push(
      await person.belong({ group: first.group, stm: first.hash, isIn: true }),
    );
  }
  for (const [at, step] of steps.entries()) await act(group, step, at);
  return group;
}

function viewOf({ first, statements, memberships, messages }: Group) {
  const chain = chainOf([first, ...statements]);
  const roster = new Roster(chain, memberships);
  const compact = new Roster(chain, roster.counting());
  const states = chain.places().map(({ id, stm }) => `${id} ${stm}`).sort();
  const byHash = messages.toSorted((a, b) => a.hash < b.hash ? -1 : 1);
  return {
    standing: chain.statements.map(({ hash }) => hash),
    owner: chain.owner,
    states,
    members: roster.members().map(({ id }) => id).sort(),
    compact: compact.members().map(({ id }) => id).sort(),
    judged: byHash.map((message) => [message.hash, roster.judge(message)]),
    given: byHash.map(({ stm }) => PEOPLE.map(({ id }) => roster.mayHave(id, stm))),
  };
}

Deno.test("any order of arrival gives the same chain, members and messages", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(stepArbitrary, { minLength: 5, maxLength: 25 }),
      fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
      async (steps, keys) => {
        const group = await groupOf(steps);
        const shuffled = <T>(items: readonly T[]): T[] =>
          items.map((item, at) => ({ item, key: keys[at % keys.length]! }))
            .sort((a, b) => a.key - b.key).map(({ item }) => item);
        const expected = viewOf(group);
        assertEquals(expected.members, expected.compact);
        for (const order of [shuffled, <T>(items: readonly T[]) => items.toReversed()]) {
          const { first, statements, memberships, messages } = group;
          const other = {
            first,
            statements: order(statements),
            memberships: order(memberships),
            messages: order(messages),
          };
          assertEquals(viewOf(other), expected);
        }
      },
    ),
    { numRuns: 60 },
  );
});
