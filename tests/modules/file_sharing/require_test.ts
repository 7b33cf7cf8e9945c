import { assertEquals, assertRejects } from "@std/assert";
import type { AskFactors, NodeId } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { until } from "../../world/until.ts";
import { PEERS, SharingWorld, testId } from "./sharing_world.ts";

const [PEER, OTHER] = PEERS;
const DAY_MS = 86_400_000;
const SHARED = new TextEncoder().encode("hello");

type Wanted = Parameters<AskFactors>[1];

/** A world whose peers are asked for factors. */
class AskingWorld {
  readonly wanted: (readonly [NodeId, Wanted])[] = [];
  /** What the peer's owner does. */
  owner: () => Promise<void> = () => Promise.resolve();
  readonly sharing: SharingWorld;

  constructor(sharing: SharingWorld) {
    this.sharing = sharing;
    sharing.world.askFactors = async (peer, wanted) => {
      this.wanted.push([peer, wanted]);
      await this.owner();
      return { level: wanted.level, factors: ["totp"] };
    };
  }

  async share(more: object = { require: "totp" }): Promise<{ id: string; wire: string }> {
    return await this.sharing.share(PEER, SHARED, more);
  }

  refuse(code: "forbidden" | "unreachable" | "rate_limited" | "bad_signature"): void {
    this.owner = () => Promise.reject(new OpenRedError(code, "No"));
  }

  /** @returns The code that it is refused with, or `given`. */
  async ask(
    type: "unlock" | "request",
    share: string,
    { peer = PEER, download = 1 }: { peer?: NodeId; download?: number } = {},
  ): Promise<string> {
    const header = { share, file: 0, download: testId(download) };
    try {
      await this.sharing.call(type, peer, header);
      return "given";
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return error.code;
    }
  }

  async state(): Promise<string | undefined> {
    return (await this.sharing.shares()).at(-1)?.require?.state;
  }
}

Deno.test("nothing is given of a share that requires a factor before its peer has shown one, for that download", async () => {
  await using sharing = await SharingWorld.start();
  const world = new AskingWorld(sharing);
  await sharing.allow(OTHER);
  const { wire } = await world.share();
  assertEquals(sharing.asked.at(-1)?.header.require, "totp");
  assertEquals(await world.ask("request", wire), "forbidden");
  assertEquals([await world.state(), world.wanted.length], ["wanted", 0]);
  assertEquals(await world.ask("unlock", wire, { peer: OTHER }), "not_found");
  assertEquals(await world.ask("unlock", wire), "given");
  const purpose = "To fetch “shared.bin”";
  const wanted: Wanted = { level: "totp", purpose, module: "file_sharing" };
  assertEquals(world.wanted, [[PEER, wanted]]);
  assertEquals([await world.ask("request", wire), await world.state()], ["given", "shown"]);
  assertEquals(await world.ask("request", wire, { download: 2 }), "forbidden");
  // What was shown is not asked for again.
  assertEquals([await world.ask("unlock", wire), world.wanted.length], ["given", 1]);
});

Deno.test("a share that requires nothing asks nobody", async () => {
  await using sharing = await SharingWorld.start();
  const world = new AskingWorld(sharing);
  const { wire } = await world.share({});
  assertEquals(sharing.asked.at(-1)?.header.require, undefined);
  assertEquals(await world.ask("unlock", wire), "given");
  assertEquals([await world.ask("request", wire), world.wanted], ["given", []]);
});

for (
  const [code, told, state] of [
    ["forbidden", "forbidden", "refused"],
    ["bad_signature", "forbidden", "refused"],
    ["unreachable", "unreachable", "wanted"],
    ["rate_limited", "rate_limited", "wanted"],
  ] as const
) {
  Deno.test(`a factor that ends with ${code} was not shown`, async () => {
    await using sharing = await SharingWorld.start();
    const world = new AskingWorld(sharing);
    const { wire } = await world.share();
    world.refuse(code);
    assertEquals([await world.ask("unlock", wire), await world.state()], [told, state]);
    assertEquals(await world.ask("request", wire), "forbidden");
    world.owner = () => Promise.resolve();
    assertEquals([await world.ask("unlock", wire), await world.state()], ["given", "shown"]);
  });
}

Deno.test("a node that cannot ask for factors gives nothing of what requires one", async () => {
  await using sharing = await SharingWorld.start();
  const world = new AskingWorld(sharing);
  const { wire } = await world.share();
  sharing.world.askFactors = null;
  assertEquals([await world.ask("unlock", wire), await world.state()], ["forbidden", "refused"]);
  assertEquals(await world.ask("request", wire), "forbidden");
});

Deno.test("a peer is asked for one factor at a time, the same once, and five times an hour", async () => {
  await using sharing = await SharingWorld.start();
  const world = new AskingWorld(sharing);
  const [first, second] = [await world.share(), await world.share()];
  const { promise, resolve } = Promise.withResolvers<void>();
  world.owner = () => promise;
  const asked = [world.ask("unlock", first.wire), world.ask("unlock", first.wire)];
  await until(() => world.wanted.length === 1, "the peer is asked");
  const [shown] = await sharing.shares();
  assertEquals(shown!.require, { level: "totp", state: "waiting" });
  assertEquals(await world.ask("unlock", first.wire, { download: 2 }), "rate_limited");
  assertEquals(await world.ask("unlock", second.wire), "rate_limited");
  resolve();
  assertEquals([await Promise.all(asked), world.wanted.length], [["given", "given"], 1]);
  world.refuse("forbidden");
  for (let time = 1; time < 5; time++) {
    assertEquals(await world.ask("unlock", second.wire), "forbidden");
  }
  assertEquals(await world.ask("unlock", second.wire), "rate_limited");
  await sharing.world.parts.clock.advance(3_600_000);
  assertEquals(await world.ask("unlock", second.wire), "forbidden");
});

Deno.test("what was shown holds for a day, through restarts, and not for whoever follows the peer", async () => {
  await using sharing = await SharingWorld.start();
  const world = new AskingWorld(sharing);
  const { wire } = await world.share();
  await world.ask("unlock", wire);
  await sharing.restart();
  const { clock, store } = sharing.world.parts;
  await clock.advance(DAY_MS - 1);
  assertEquals([await world.ask("request", wire), await world.state()], ["given", "shown"]);
  await clock.advance(1);
  assertEquals([await world.ask("request", wire), await world.state()], ["forbidden", "wanted"]);
  assertEquals([await world.ask("unlock", wire), world.wanted.length], ["given", 2]);
  await store.write(() => sharing.hosted.host.writeMove(PEER, OTHER));
  await sharing.allow(OTHER);
  assertEquals(await world.ask("request", wire, { peer: OTHER }), "forbidden");
  assertEquals(await world.ask("unlock", wire, { peer: OTHER }), "given");
  assertEquals(world.wanted.at(-1)?.[0], OTHER);
  assertEquals(await world.ask("request", wire, { peer: OTHER }), "given");
});

Deno.test("a clock that went back makes nothing good that was shown", async () => {
  await using sharing = await SharingWorld.start();
  const world = new AskingWorld(sharing);
  const { wire } = await world.share();
  await world.ask("unlock", wire);
  sharing.world.parts.clock.step(-1);
  assertEquals(await world.ask("request", wire), "forbidden");
});

Deno.test("a share that is taken back while its peer is asked stays shut, and nobody waits for who stops", async () => {
  await using sharing = await SharingWorld.start();
  const world = new AskingWorld(sharing);
  const [first, second] = [await world.share(), await world.share()];
  const { promise, resolve } = Promise.withResolvers<void>();
  world.owner = () => promise;
  const asked = world.ask("unlock", first.wire);
  await until(() => world.wanted.length === 1, "the peer is asked");
  await sharing.hosted.ask("POST", `/m/file_sharing/shares/${first.id}/revoke`);
  resolve();
  assertEquals(await asked, "not_found");
  world.owner = () => new Promise(() => {});
  const late = world.ask("unlock", second.wire);
  await until(() => world.wanted.length === 2, "the peer is asked for the other one");
  await sharing.restart();
  assertEquals(await late, "unreachable");
});

/** A peer offers a file that requires a factor. @returns What the owner calls it. */
async function offered(sharing: SharingWorld, peer = PEER, share = 1): Promise<string> {
  await sharing.offer(peer, share, { require: "totp" });
  return (await sharing.offers()).at(-1)!.id;
}

function accept(sharing: SharingWorld, id: string): Promise<unknown> {
  const { folder } = sharing;
  return sharing.hosted.ask("POST", `/m/file_sharing/offers/${id}/accept`, { folder });
}

function typesAsked({ asked }: SharingWorld): unknown[] {
  return asked.map(({ header }) => header.type);
}

Deno.test("an offer that requires a factor is not taken of a peer that may not ask for one", async () => {
  await using sharing = await SharingWorld.start();
  const id = await offered(sharing);
  assertEquals((await sharing.offers())[0]!.require, "totp");
  const { code } = await assertRejects(() => accept(sharing, id), OpenRedError);
  assertEquals([code, await sharing.transfers(), sharing.asked], ["forbidden", [], []]);
  assertEquals((await sharing.offers())[0]!.state, "offered");
});

Deno.test("an offer that requires a factor is not accepted by itself, and is no other source", async () => {
  await using sharing = await SharingWorld.start();
  sharing.answer = () => Promise.reject(new OpenRedError("unreachable", "Nobody is there"));
  const { host } = sharing.hosted;
  await host.setOption("file_sharing", "auto_folder", sharing.folder);
  for (const name of ["files", "files_auto", "auth"]) await sharing.allow(PEER, name);
  await sharing.allow(OTHER);
  await offered(sharing);
  await sharing.offer(PEER, 2);
  const states = async () => (await sharing.offers()).map(({ state }) => state);
  await until(async () => (await states()).at(-1) === "accepted", "the other one is accepted");
  assertEquals(await states(), ["offered", "accepted"]);
  await sharing.offer(OTHER, 3);
  await accept(sharing, (await sharing.offers()).at(-1)!.id);
  await until(() => sharing.asked.some(({ peer }) => peer === OTHER), "it is fetched");
  const shares = sharing.asked.map(({ header }) => header.share);
  assertEquals(shares.includes(testId(1)), false);
});

Deno.test("a transfer asks to be asked first, waits for its owner, and asks again only when that resumes it", async () => {
  await using sharing = await SharingWorld.start();
  await sharing.allow(PEER, "auth");
  const id = await offered(sharing);
  const { promise, reject } = Promise.withResolvers<Record<string, unknown>>();
  sharing.answer = () => promise;
  await accept(sharing, id);
  const shown = async () => (await sharing.transfers())[0]!;
  await until(async () => (await shown()).state === "waiting", "it waits");
  assertEquals((await shown()).why?.includes("totp"), true);
  reject(new OpenRedError("forbidden", "The factor was not shown"));
  await until(async () => (await shown()).state === "paused", "it is paused");
  await sharing.world.parts.clock.advance(DAY_MS);
  assertEquals(typesAsked(sharing), ["file_sharing.unlock"]);
  sharing.answer = () => Promise.resolve({});
  await sharing.hosted.ask("POST", `/m/file_sharing/transfers/${id}/resume`);
  await until(() => sharing.asked.length === 3, "it is asked for");
  assertEquals(typesAsked(sharing).slice(1), ["file_sharing.unlock", "file_sharing.request"]);
  const [first, second] = sharing.asked.slice(1).map(({ header }) => header.download);
  assertEquals(first, second);
});
