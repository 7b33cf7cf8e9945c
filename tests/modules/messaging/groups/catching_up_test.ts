import { assert, assertEquals } from "@std/assert";
import { GroupWorld, type Person } from "./group_world.ts";

/** What nodes asked their databases, by statement: how often, and how many rows came of it. */
class Asked {
  readonly bySql = new Map<string, { runs: number; rows: number }>();

  /** Counts what these ask from now on. */
  static of(people: readonly Person[]): Asked {
    const asked = new Asked();
    for (const person of people) asked.#watch(person);
    return asked;
  }

  #watch(person: Person): void {
    const { store } = person.messaging.world.parts;
    const prepare = store.statement.bind(store);
    store.statement = (sql) => {
      const statement = prepare(sql);
      return new Proxy(statement, {
        get: (_, name: "get" | "all" | "run") => (...values: Parameters<typeof statement.run>) => {
          const result = statement[name](...values);
          this.#note(sql, Array.isArray(result) ? result.length : 1);
          return result;
        },
      });
    };
  }

  #note(sql: string, rows: number): void {
    const held = this.bySql.get(sql) ?? { runs: 0, rows: 0 };
    this.bySql.set(sql, { runs: held.runs + 1, rows: held.rows + rows });
  }

  sum(what: "runs" | "rows"): number {
    return [...this.bySql.values()].reduce((sum, one) => sum + one[what], 0);
  }
}

/** What is asked where a member catches up with so many messages, and how that looks for its rows. */
async function catchUp(count: number) {
  using world = await GroupWorld.start(3);
  const [author, , away] = world.people;
  const group = await world.group();
  await world.away(away);
  const asked = Asked.of(world.people);
  for (let n = 0; n < count; n += 2) {
    const id = await author.send(group, `${n}`);
    await author.react(group, id, "+");
    await author.send(group, `${n + 1}`, { reply_to: id });
  }
  await world.deliver();
  await world.away(author);
  await world.back(away);
  await world.deliver();
  assertEquals((await away.texts(group)).length, count);
  const { database } = away.messaging.world.parts;
  const planOf = (sql: string) =>
    database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => String(detail));
  return { asked, plans: new Map([...asked.bySql.keys()].map((sql) => [sql, planOf(sql)])) };
}

/** A step of a plan that goes through all messages, or through all of a conversation or of an author. */
const ALL_OF_IT =
  /^(SCAN messaging_(inbox|outbox|group_messages)|SEARCH \w+ USING .*\((conversation|own|peer)=\?\)$)/;
const OF_MESSAGES = /messaging_(inbox|outbox|messages|group_messages)\b/;

Deno.test("catching up looks for the rows of each message by their keys", async () => {
  const [few, more] = [await catchUp(40), await catchUp(120)];
  const growing = [...more.asked.bySql].filter(([sql, { runs }]) =>
    OF_MESSAGES.test(sql) && runs >= 40 + (few.asked.bySql.get(sql)?.runs ?? 0)
  ).map(([sql]) => sql);
  assert(growing.length > 10, `${growing.length} statements are for each message`);
  for (const sql of growing) {
    const steps = more.plans.get(sql)!.filter((step) => ALL_OF_IT.test(step));
    assertEquals(steps, [], sql);
  }
});

Deno.test("catching up asks no more for each message the more there are", async () => {
  const [few, more] = [await catchUp(40), await catchUp(120)];
  for (const what of ["runs", "rows"] as const) {
    const [ofFew, ofMore] = [few.asked.sum(what) / 40, more.asked.sum(what) / 120];
    assert(ofMore <= ofFew * 1.1, `${what}: ${ofFew} for each of 40, ${ofMore} for each of 120`);
  }
});
