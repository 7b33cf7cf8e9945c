import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeBase64Url, encodeUtf8 } from "../../../../crypto/encoding.ts";
import {
  bring,
  bringMessage,
  type Forged,
  forgeMessage,
  forgeStatement,
  hashOf,
  IAT,
  RUN,
} from "./forging.ts";
import { GroupWorld, type Person } from "./group_world.ts";

/** Each is a run, of which a member has so many in a group. */
const ORDERS = 15;

const textArbitrary = fc.constant({ type: "text" });
const changeArbitrary = fc.record({
  type: fc.constantFrom("edit", "react", "remove", "remove", "other"),
  about: fc.nat({ max: 4 }),
});
/** What stands under the numbers of a run, from one to three under each. */
const numbersArbitrary = fc.array(
  fc.array(fc.oneof(textArbitrary, changeArbitrary), { minLength: 1, maxLength: 3 }),
  { minLength: 3, maxLength: 6 },
);

type Described = { readonly type: string; readonly about?: number };

/** What somebody is shown of a group, but for when it came. */
async function shown(person: Person, group: string) {
  const messages = await person.history(group);
  return messages.map(({ state: _, ...message }) => message);
}

/** Signs messages as they are described; what changes one names one of a smaller number. */
async function forgeAll(
  author: Person,
  { group, run, numbers }: {
    readonly group: string;
    readonly run: string;
    readonly numbers: readonly (readonly Described[])[];
  },
): Promise<Forged[]> {
  const forged: Forged[] = [];
  const hashes: string[] = [];
  for (const [index, described] of numbers.entries()) {
    const n = index + 1;
    for (const { type, about = 0 } of described) {
      const target = { run, n: about % n };
      const common = { run, n, ...(n === 1 ? {} : { prev: group }), text: `${forged.length}` };
      const to = hashes[about % Math.max(1, hashes.length)];
      const named = {
        text: {},
        edit: { type: "text", edits: target },
        react: { type: "react", to },
        remove: { type: "remove", removes: target, text: "" },
        other: { type: "later" },
      }[type]!;
      const isText = type === "text" || (type === "react" ? to === undefined : target.n === 0);
      forged.push(await forgeMessage(author, group, isText ? common : { ...common, ...named }));
      hashes.push(await hashOf(author, forged.at(-1)!.message));
    }
  }
  return forged;
}

/** Two of a kind, of different times, whose hashes fit. */
async function forgeSome(
  author: Person,
  group: string,
  members: Record<string, unknown>,
  fits: (hash: string) => boolean,
): Promise<Forged[]> {
  const forged: Forged[] = [];
  for (let sent_at = 1_790_000_000_000; forged.length < 2; sent_at++) {
    const message = await forgeMessage(author, group, { ...members, sent_at });
    if (fits(await hashOf(author, message.message))) forged.push(message);
  }
  return forged;
}

Deno.test("whatever an author signs ends alike for all, in whatever order it comes", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a, b, c);
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      numbersArbitrary,
      fc.array(fc.nat(), { minLength: 18, maxLength: 18 }),
      async (numbers, keys) => {
        const run = encodeBase64Url(encodeUtf8(`${++count}`.padEnd(8)));
        const messages = await forgeAll(a, { group, run, numbers });
        const shuffled = messages.map((message, at) => ({ message, key: keys[at]! }))
          .sort((one, other) => one.key - other.key).map(({ message }) => message);
        // What a removal took away that counts no more comes again, as do those that took its number.
        for (let time = 0; time < 4; time++) {
          for (const message of messages) await bringMessage(a, b, group, message);
          for (const message of shuffled) await bringMessage(a, c, group, message);
          messages.reverse();
          shuffled.reverse();
        }
        assertEquals(await shown(c, group), await shown(b, group));
      },
    ),
    { numRuns: ORDERS, endOnFailure: true },
  );
});

Deno.test("a removal that two others put out takes nothing away, and others give what it took", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a, b, c);
  const text = await forgeMessage(a, group, { text: "on the record" });
  const under = { n: 2, prev: await hashOf(a, text.message) };
  const removes = { type: "remove", removes: { run: RUN, n: 1 }, text: "" };
  const [removal] = await forgeSome(a, group, { ...under, ...removes }, (hash) => hash > "a");
  const above = await hashOf(a, removal!.message);
  const others = await forgeSome(a, group, { ...under, type: "later" }, (hash) => hash < above);
  for (const message of [text, removal!, ...others]) await bringMessage(a, b, group, message);
  for (const message of [text, ...others, removal!]) await bringMessage(a, c, group, message);
  await world.back(b, c);
  await world.deliver();
  assertEquals((await b.texts(group))[0], "on the record");
  assertEquals(await b.texts(group), await c.texts(group));
});

Deno.test("who was added by a story that fell goes on writing, however much was set aside by then", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group([a, b]);
  await a.invite(group, c);
  await world.deliver();
  await c.accept(group);
  await world.deliver();
  for (let count = 0; count < 103; count++) await c.send(group, "set aside");
  const { database } = c.messaging.world.parts;
  const { hash: fell } = database.prepare(
    "SELECT hash FROM messaging_group_statements WHERE kind = 'statement' AND n = 1",
  ).get()!;
  let statement = "";
  for (let at = 0, hash = "~"; hash >= String(fell); at++) {
    const add = [{ id: c.id }];
    statement = await forgeStatement(a, { group, n: 1, prev: group, add, iat: IAT + at });
    hash = await hashOf(a, statement);
  }
  const frame = { type: "group_statement", header: { group }, body: encodeUtf8(statement) };
  assertEquals(await bring(a, c, frame), true);
  assertEquals(await c.texts(group), []);
  await c.accept(group);
  await c.send(group, "again");
  await c.restart();
  await c.send(group, "and after a restart");
  assertEquals((await c.texts(group)).slice(-2), ["again", "and after a restart"]);
});
