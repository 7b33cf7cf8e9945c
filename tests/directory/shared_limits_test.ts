import { assert, assertEquals, assertRejects } from "@std/assert";
import { CalledHosts } from "../../directory/called_hosts.ts";
import type { NodeId } from "../../crypto/encoding.ts";
import { type SharedCounters, sharedLimits } from "../../directory/shared_limits.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { RedisServer, redisTest } from "../world/redis_server.ts";
import { openRedisStore } from "../world/redis_store.ts";
import { SeededRandom } from "../world/seeded_random.ts";
import { until } from "../world/until.ts";

/** What several processes share, in memory. */
class MemoryCounters implements SharedCounters {
  asked = 0;
  readonly #taken = new Map<string, { count: number; endMs: number }>();
  readonly #inside = new Map<string, Set<string>>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  take({ name, source, max, wanted, windowMs }: Parameters<SharedCounters["take"]>[0]) {
    const key = `${name}:${source}`;
    this.asked += 1;
    const nowMs = this.#clock.monotonicMs();
    let window = this.#taken.get(key);
    if (window === undefined || window.endMs <= nowMs) {
      window = { count: 0, endMs: nowMs + windowMs };
      this.#taken.set(key, window);
    }
    const granted = Math.min(wanted, max - window.count);
    window.count += granted;
    return Promise.resolve({ granted, leftMs: window.endMs - nowMs });
  }

  enter({ name, places }: Parameters<SharedCounters["enter"]>[0]) {
    const rooms = places.map(({ place, max }) => {
      const inside = this.#inside.get(place) ?? new Set();
      this.#inside.set(place, inside);
      return { inside, max };
    });
    if (rooms.some(({ inside, max }) => inside.size >= max)) return Promise.resolve(false);
    for (const { inside } of rooms) inside.add(name);
    return Promise.resolve(true);
  }

  leave({ name, places }: Parameters<SharedCounters["leave"]>[0]) {
    for (const { place } of places) this.#inside.get(place)?.delete(name);
    return Promise.resolve();
  }
}

function processes(count: number) {
  const clock = new FakeClock(0);
  const counters = new MemoryCounters(clock);
  const limits = Array.from(
    { length: count },
    (_, at) => sharedLimits({ clock, random: new SeededRandom(`${at}`), counters }),
  );
  return { clock, counters, limits };
}

Deno.test("Processes together let no more through than the limit, and ask seldom", async () => {
  const { clock, counters, limits } = processes(4);
  const rates = limits.map((each) => each.rate({ name: "x", perMinute: 100, what: "in a test" }));
  const pass = async (at: number): Promise<boolean> => {
    try {
      await rates[at % 4]!.check("source");
      return true;
    } catch (error) {
      assert(error instanceof OpenRedError && error.code === "rate_limited");
      assert(error.retryAfterMs! > 0 && error.retryAfterMs! <= 60_000);
      return false;
    }
  };
  const first = await Promise.all(Array.from({ length: 400 }, (_, at) => pass(at)));
  assertEquals(first.filter((passed) => passed).length, 100);
  assert(counters.asked <= 25, `${counters.asked}`);
  const asked = counters.asked;
  for (let at = 0; at < 100; at++) await pass(at);
  assertEquals(counters.asked, asked, "what is used up is known");
  clock.advance(60_000);
  assert(await pass(0));
});

Deno.test("A limit of one source is no other one's, and 0 asks nobody", async () => {
  const { counters, limits } = processes(1);
  const rate = limits[0]!.rate({ name: "x", perMinute: 1, what: "in a test" });
  await rate.check("one");
  await rate.check("two");
  await assertRejects(async () => await rate.check("one"), OpenRedError);
  const asked = counters.asked;
  assertEquals(limits[0]!.rate({ name: "y", perMinute: 0, what: "" }).check("one"), undefined);
  assertEquals(counters.asked, asked);
});

Deno.test("Processes together call one host so often at a time", async () => {
  const { limits } = processes(3);
  const hosts = limits.map((each) =>
    new CalledHosts(each, {
      limits: { hostInFlight: 2, hostPerMinute: 0, relayPerMinute: 0 },
      relays: [],
    })
  );
  const call = {
    apiUrl: "https://a.example",
    why: "claimed",
    id: "z1" as NodeId,
    source: "s",
  } as const;
  const gate = Promise.withResolvers<void>();
  const calls = hosts.map((each) => each.call(call, () => gate.promise));
  const refused = await assertRejects(() => calls[2]!, OpenRedError);
  assertEquals(refused.code, "rate_limited");
  gate.resolve();
  await Promise.all(calls.slice(0, 2));
  await hosts[2]!.call(call, () => Promise.resolve());
});

redisTest(
  "Counters in Redis grant no more than there is, and forget a call whose process died",
  async () => {
    await using server = await RedisServer.start();
    const stores = [await openRedisStore(server.port), await openRedisStore(server.port)];
    const [one, two] = stores.map(({ counters }) => counters) as [SharedCounters, SharedCounters];
    const take = { name: "n", source: "k", max: 10, wanted: 4, windowMs: 60_000 };
    const takes = await Promise.all([
      one.take(take),
      two.take(take),
      one.take(take),
      two.take(take),
    ]);
    assertEquals(takes.map(({ granted }) => granted).toSorted(), [0, 2, 4, 4]);
    assert(takes.every(({ leftMs }) => leftMs > 0 && leftMs <= 60_000));
    const places = [{ place: "p", max: 1 }, { place: "q", max: 2 }];
    assert(await one.enter({ name: "a", lifeMs: 60_000, places }));
    assertEquals(await two.enter({ name: "b", lifeMs: 60_000, places }), false);
    assert(await two.enter({ name: "b", lifeMs: 60_000, places: [places[1]!] }));
    await one.leave({ name: "a", places });
    assert(await two.enter({ name: "c", lifeMs: 1, places }));
    await until(() => one.enter({ name: "d", lifeMs: 60_000, places }), "its life is over");
    for (const store of stores) await store.close();
  },
);
