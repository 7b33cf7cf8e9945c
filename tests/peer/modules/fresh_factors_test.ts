import { assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId, type NodeId } from "../../../crypto/encoding.ts";
import type { AskFactors } from "../../../modules/api.ts";
import { type Demand, FreshFactors } from "../../../peer/modules/fresh_factors.ts";
import { readFileManifest } from "../../../protocol/module_manifest.ts";
import { type ErrorCode, OpenRedError } from "../../../protocol/errors.ts";
import { FakeClock } from "../../world/fake_clock.ts";
import { settle } from "../../world/settle.ts";
import { testManifest } from "../../world/test_module.ts";
import { CallWorld } from "./call_world.ts";

const [ALICE, BOB] = [1, 2].map((fill) => encodeNodeId(new Uint8Array(32).fill(fill))) as [
  NodeId,
  NodeId,
];
const OPEN = { module: "doors", level: "totp", purpose: "Open the door" } as const;
const MINUTE_MS = 60_000;

/** An owner who answers as a test says, and is asked as often as it counts. */
class Owner {
  readonly asked: [NodeId, Demand][] = [];
  answers: () => Promise<void> = () => Promise.resolve();
  readonly ask: AskFactors = async (peer, wanted) => {
    this.asked.push([peer, wanted]);
    await this.answers();
    return { level: wanted.level, factors: ["totp"] };
  };
}

function refusedWith(code: ErrorCode): () => Promise<never> {
  return () => Promise.reject(new OpenRedError(code, "No"));
}

Deno.test("FreshFactors asks once for five minutes, each peer, module, level and purpose by itself", async () => {
  const clock = new FakeClock(0);
  const owner = new Owner();
  const factors = new FreshFactors({ clock, askFactors: () => owner.ask });
  await factors.require(ALICE, OPEN);
  await clock.advance(5 * MINUTE_MS - 1);
  await factors.require(ALICE, OPEN);
  assertEquals(owner.asked, [[ALICE, OPEN]]);
  await factors.require(BOB, OPEN);
  for (const other of [{ module: "other" }, { level: "passkey" }, { purpose: "Close it" }]) {
    await factors.require(ALICE, { ...OPEN, ...other } as Demand);
  }
  assertEquals(owner.asked.length, 5);
  await clock.advance(1);
  await factors.require(ALICE, OPEN);
  assertEquals(owner.asked.length, 6);
});

Deno.test("FreshFactors has all calls of one question wait for one answer", async () => {
  const owner = new Owner();
  const { promise, resolve } = Promise.withResolvers<void>();
  owner.answers = () => promise;
  const factors = new FreshFactors({ clock: new FakeClock(0), askFactors: () => owner.ask });
  const all = Promise.all([1, 2, 3].map(() => factors.require(ALICE, OPEN)));
  await settle();
  assertEquals(owner.asked.length, 1);
  resolve();
  await all;
});

Deno.test("FreshFactors lets nobody pass without an answer, and remembers no refusal", async () => {
  const owner = new Owner();
  let askFactors: AskFactors | null = null;
  const factors = new FreshFactors({ clock: new FakeClock(0), askFactors: () => askFactors });
  const code = async () =>
    (await assertRejects(() => factors.require(ALICE, OPEN), OpenRedError)).code;
  assertEquals(await code(), "forbidden", "no module asks");
  askFactors = owner.ask;
  for (
    const [said, heard] of [
      ["forbidden", "forbidden"],
      ["bad_signature", "forbidden"],
      ["unsupported", "forbidden"],
      ["internal", "forbidden"],
      ["rate_limited", "rate_limited"],
      ["unreachable", "unreachable"],
    ] as const
  ) {
    owner.answers = refusedWith(said);
    assertEquals([said, await code()], [said, heard]);
  }
  owner.answers = () => Promise.resolve();
  await factors.require(ALICE, OPEN);
});

Deno.test("SealedCalls has a caller's owner show what a call requires before the module hears of it", async () => {
  using test = await CallWorld.create({ requires: { level: "totp", purpose: "Say it" } });
  const { error, detail } = (await test.ask(1)).header;
  assertEquals([error, test.module.calls.length], ["forbidden", 0]);
  assertEquals(String(detail).includes("permission auth"), true);
  const asked: unknown[] = [];
  test.askFactors = (_, wanted) => {
    asked.push([wanted, test.module.calls.length]);
    return Promise.resolve({ level: "totp", factors: ["totp"] });
  };
  assertEquals((await test.ask(2)).header.count, 1);
  assertEquals(asked, [[{ level: "totp", purpose: "Say it", module: "echo" }, 0]]);
});

Deno.test("SealedCalls asks nobody's owner for whom it refuses anyway", async () => {
  const requires = { level: "totp", purpose: "Say it" } as const;
  using test = await CallWorld.create({ allowed: false, requires });
  let asked = 0;
  test.askFactors = () => {
    asked += 1;
    return Promise.resolve({ level: "totp", factors: ["totp"] });
  };
  assertEquals((await test.ask(1)).header.error, "forbidden");
  assertEquals((await test.ask(2, { header: { must: ["unknown"] } })).header.error, "forbidden");
  assertEquals([asked, test.module.calls.length], [0, 0]);
});

Deno.test("SealedCalls calls nothing for whoever was shut out while its owner was asked", async () => {
  using test = await CallWorld.create({ requires: { level: "presence", purpose: "Say it" } });
  test.askFactors = async () => {
    await test.allow(false);
    return { level: "presence", factors: ["totp"] };
  };
  assertEquals((await test.ask(1)).header.error, "forbidden");
  assertEquals(test.module.calls.length, 0);
});

Deno.test("A manifest says what a call requires, of a call alone and in words that can be shown", () => {
  const read = (frame: Record<string, unknown>) =>
    readFileManifest(testManifest({ name: "doors", frames: [{ type: "open", ...frame }] as never }))
      .frames[0]!.requires;
  const requires = { level: "totp", purpose: "Open the door" };
  assertEquals(read({ answers: true, requires }), requires as never);
  for (
    const wrong of [
      { requires },
      { answers: true, requires: { ...requires, level: "much" } },
      { answers: true, requires: { ...requires, purpose: "a\nb" } },
      { answers: true, requires: { level: "totp" } },
      { answers: true, requires: { ...requires, more: 1 } },
    ]
  ) {
    let code = "";
    try {
      read(wrong);
    } catch (error) {
      code = (error as OpenRedError).code;
    }
    assertEquals([wrong, code], [wrong, "bad_request"]);
  }
});
