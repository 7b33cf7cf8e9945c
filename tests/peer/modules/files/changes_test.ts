import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../../../crypto/encoding.ts";
import type { ModuleLoad } from "../../../../protocol/module_api.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { settle } from "../../../world/settle.ts";
import { until } from "../../../world/until.ts";
import { fileOf, FileWorld, PEER } from "./file_world.ts";

/** Keeps one sealed text, and tells its version. */
function keeper(version: string, start = ""): string {
  return fileOf(
    {
      name: "keeper",
      version,
      permissions: ["keeper", "keeper_more"],
      grants: [{ kind: "peers", why: "To list them" }],
    },
    `
    async start(given) { context = given; ${start} },
    registerRoutes(router) {
      router.route("PUT", "/", async ({ body }) => {
        const [sealed] = await context.storage.seal([{ aad: new Uint8Array(), content: body }]);
        await context.storage.put("text", sealed);
        await context.files.write("file", body);
        return { json: null };
      });
      router.route("GET", "/", async () => {
        const sealed = await context.storage.get("text");
        if (sealed === null) return { json: null };
        const [text] = await context.storage.open([{ aad: new Uint8Array(), sealed }]);
        const file = await context.files.read("file");
        return { json: text && [decoder.decode(text), decoder.decode(file)] };
      });
      router.route("GET", "/peers", async () => ({ json: await context.peers.list() }));
    },`,
  );
}

async function keepText(test: FileWorld, text: string): Promise<void> {
  await test.hosted.request("PUT", "/m/keeper/", text);
}

function textOf(test: FileWorld): Promise<unknown> {
  return test.hosted.ask("GET", "/m/keeper/");
}

/** A host whose module has kept "first", with version 2.0.0. */
async function setUp(): Promise<FileWorld> {
  const test = await FileWorld.create();
  await test.load(keeper("2.0.0"), { grants: ["peers"] });
  await keepText(test, "first");
  return test;
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  return (await assertRejects(work, OpenRedError)).code;
}

Deno.test("a file that was changed on the disk does not run until it is agreed to", async () => {
  using test = await setUp();
  await test.host.stop();
  const changed = encodeUtf8(keeper("2.0.0", "throw new Error('it ran');"));
  test.store.statement("UPDATE module_code SET code = ?").run(changed);
  await test.startAnew();
  assertStringIncludes(test.view("keeper"), "needs_grant (Its file is not the one");
  assertEquals(test.threads.started.length, 1, "its code was not even loaded");
  for (const change of ["enable", "reload"] as const) {
    assertEquals(await codeOf(() => test.host[change]("keeper")), "forbidden");
  }
  assertStringIncludes(test.view("keeper"), "needs_grant");
  await test.load(keeper("2.0.0"), { change: "upgrade" });
  assertEquals([test.view("keeper"), await textOf(test)], ["2.0.0 running", ["first", "first"]]);
});

Deno.test("a file that asks for what nobody decided about waits for that", async () => {
  using test = await setUp();
  await test.host.stop();
  test.store.statement("UPDATE modules SET grants = '[]' WHERE name = 'keeper'").run();
  await test.startAnew();
  assertEquals(test.view("keeper"), "2.0.0 needs_grant (It asks for peers)");
  assertEquals(await codeOf(() => textOf(test).then(() => {})), "not_found");
  await test.host.grant("keeper", "peers");
  assertEquals([test.view("keeper"), await textOf(test)], ["2.0.0 running", ["first", "first"]]);
});

Deno.test("another file than was agreed to is not loaded, and nor is one for data of which nothing was said", async () => {
  using test = await setUp();
  const text = keeper("3.0.0");
  const wrong = { code: encodeUtf8(text), sha256: "0".repeat(64), grants: [], change: "upgrade" };
  assertEquals(await codeOf(() => test.host.load(wrong as ModuleLoad)), "bad_request");
  assertEquals(await codeOf(() => test.load(text)), "bad_request");
  assertEquals(
    await codeOf(() => test.load(text, { change: "upgrade", grants: ["x"] })),
    "bad_request",
  );
  const silent = fileOf({ name: "keeper", version: "3.0.0", frames: [{ type: "x" }] });
  assertEquals(await codeOf(() => test.load(silent, { change: "upgrade" })), "bad_request");
  assertEquals([test.view("keeper"), await textOf(test)], ["2.0.0 running", ["first", "first"]]);
  for (const change of ["upgrade", "downgrade"] as const) {
    const other = fileOf({ name: "another" });
    assertEquals(await codeOf(() => test.load(other, { change })), "bad_request");
  }
});

Deno.test("an upgrade keeps the data; what is not granted anew is cut", async () => {
  using test = await setUp();
  assertEquals(await test.hosted.ask("GET", "/m/keeper/peers"), []);
  await test.load(keeper("3.0.0"), { change: "upgrade" });
  assertEquals([test.view("keeper"), await textOf(test)], ["3.0.0 running", ["first", "first"]]);
  assertEquals(await codeOf(() => test.hosted.request("GET", "/m/keeper/peers")), "forbidden");
  assertEquals(test.host.info("keeper").copy, null);
});

Deno.test("a version that does not start leaves the former one, its data and its grants in place", async () => {
  using test = await setUp();
  const broken = keeper("3.0.0", "await context.storage.delete('text'); throw new Error('no');");
  await assertRejects(() => test.load(broken, { change: "downgrade" }));
  assertEquals([test.view("keeper"), await textOf(test)], ["2.0.0 running", ["first", "first"]]);
  await assertRejects(() => test.load(broken, { change: "fresh" }));
  assertEquals([test.view("keeper"), await textOf(test)], ["2.0.0 running", ["first", "first"]]);
  await assertRejects(() => test.load(keeper("3.0.0", "throw 1;"), { change: "upgrade" }));
  assertEquals([test.view("keeper"), await textOf(test)], ["2.0.0 running", ["first", "first"]]);
  assertEquals(await test.hosted.ask("GET", "/m/keeper/peers"), [], "what was granted still is");
  await test.startAfterKill();
  assertEquals([test.view("keeper"), await textOf(test)], ["2.0.0 running", ["first", "first"]]);
  assertEquals(test.host.info("keeper").copy, null);
});

Deno.test("a downgrade finds the data, and leaves a copy of what they were before", async () => {
  using test = await setUp();
  await test.load(keeper("1.0.0", "await context.storage.put('older', new Uint8Array(9));"), {
    change: "downgrade",
  });
  assertEquals([test.view("keeper"), await textOf(test)], ["1.0.0 running", ["first", "first"]]);
  const { copy, stored_bytes } = test.host.info("keeper");
  assertEquals(copy?.version, "2.0.0");
  assert(copy!.bytes > 0 && copy!.bytes < stored_bytes, "without what the older version wrote");
  await test.load(keeper("2.0.0"), { change: "upgrade" });
  assertEquals([await textOf(test), test.host.info("keeper").copy], [["first", "first"], copy]);
  await test.host.unload("keeper", { forget: true });
  const rows = test.store.statement("SELECT count(*) AS count FROM module_rows").get();
  assertEquals(rows?.count, 0, "a copy goes as well");
});

Deno.test("fresh begins with no data, another key, and no peer's permission", async () => {
  using test = await setUp();
  const { permissions } = test.world.parts;
  for (const name of ["keeper", "keeper_more", "keepers", "message"]) {
    await permissions.decide(PEER, { name, allowed: true });
  }
  const salt = test.hosted.states.get("keeper")!.salt;
  await test.load(keeper("1.0.0"), { change: "fresh" });
  assertEquals([test.view("keeper"), await textOf(test)], ["1.0.0 running", null]);
  assert(`${test.hosted.states.get("keeper")!.salt}` !== `${salt}`, "another key");
  const standings = ["keeper", "keeper_more", "keepers", "message"].map((name) =>
    permissions.standing(PEER, name)
  );
  assertEquals(standings, ["stranger", "stranger", "allowed", "allowed"]);
  assertEquals(test.host.info("keeper").copy, null);
});

Deno.test("unload leaves the data, which the next version opens; with forget nothing is left", async () => {
  using test = await setUp();
  await test.host.unload("keeper", { forget: false });
  assertEquals(test.view("keeper"), "gone");
  assertEquals(await codeOf(() => test.load(keeper("3.0.0"))), "bad_request", "there are data");
  await test.load(keeper("3.0.0"), { change: "upgrade" });
  assertEquals(await textOf(test), ["first", "first"]);
  await test.world.parts.permissions.decide(PEER, { name: "keeper", allowed: true });
  await test.host.unload("keeper", { forget: true });
  await test.load(keeper("3.0.0"));
  assertEquals(await textOf(test), null);
  assertEquals(test.world.parts.permissions.standing(PEER, "keeper"), "stranger");
});

Deno.test("a call under way goes on in the former version when another one takes over", async () => {
  using test = await FileWorld.create();
  const slow = (version: string) =>
    fileOf(
      { name: "slow", version },
      `registerRoutes(router) {
        router.route("GET", "/", async () => {
          while (await context.storage.get("go") === null);
          return { json: "${version}" };
        });
        router.route("POST", "/", async () => {
          await context.storage.put("go", new Uint8Array());
          return { json: "${version}" };
        });
      },`,
    );
  await test.load(slow("1.0.0"));
  const asked = test.hosted.ask("GET", "/m/slow/");
  await settle();
  const loaded = test.load(slow("2.0.0"), { change: "upgrade" });
  await until(() => test.view("slow") === "2.0.0 running", "it takes over");
  assertEquals(await test.hosted.ask("POST", "/m/slow/"), "2.0.0");
  assertEquals(await asked, "1.0.0");
  await loaded;
  assertEquals((await test.threads.started[0]!.ended).why, "stopped");
});

Deno.test("a version that has not taken over yet is not shown as the one that runs", async () => {
  using test = await FileWorld.create();
  const { clock } = test.world.parts;
  await test.load(fileOf({ name: "slow", version: "1.0.0" }));
  const timers = clock.waitingMs.length;
  const next = fileOf({ name: "slow", version: "2.0.0" }, `start: () => new Promise(() => {}),`);
  const loading = assertRejects(() => test.load(next, { change: "upgrade" }), OpenRedError);
  const isStarting = () =>
    test.hosted.states.get("slow")?.version === "2.0.0" && clock.waitingMs.length > timers;
  await until(isStarting, "it is noted, and starts");
  assertEquals(test.view("slow"), "1.0.0 running");
  await test.pass(10_000);
  await loading;
  assertEquals(test.view("slow"), "1.0.0 running");
});
