import { assert, assertEquals, assertRejects } from "@std/assert";
import { Grants } from "../../../../peer/modules/grants.ts";
import { grantedFetch } from "../../../../peer/modules/granted_fetch.ts";
import type { HttpRequest } from "../../../../ports/ports.ts";
import type { OpenFolder } from "../../../../ports/granted_folders.ts";
import { encodeUtf8 } from "../../../../crypto/encoding.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import type { ModuleLoad } from "../../../../protocol/module_api.ts";
import { nextTurn, settle } from "../../../world/settle.ts";
import { until } from "../../../world/until.ts";
import { fileOf, FileWorld, sha256Of } from "./file_world.ts";

const FOLDER = "folder:shared:write";

/** Reads and writes a granted folder, and says with which code it was refused. */
const READER = fileOf(
  {
    name: "reader",
    grants: [{ kind: "folder", name: "shared", access: "write", why: "To keep things" }, {
      kind: "peers",
      why: "To list them",
    }],
  },
  `registerRoutes(router) {
    const tried = async (work) => {
      try {
        return { json: await work() ?? "done" };
      } catch ({ code }) {
        return { json: code };
      }
    };
    let folder;
    router.route("GET", "/open", () => tried(async () => { folder = await context.folder("shared"); }));
    router.route("GET", "/read", () => tried(async () => decoder.decode(await folder.read("file"))));
    router.route("GET", "/write", () => tried(() => folder.write("file", encoder.encode("text"))));
    router.route("GET", "/peers", () => tried(() => context.peers.list()));
    router.route("GET", "/fetch", () => tried(() => context.fetch({ url: "https://a.example/" })));
  },`,
);

/** A folder whose disk is as slow as a test wants. */
class SlowFolder implements OpenFolder {
  readonly read_ = Promise.withResolvers<Uint8Array>();
  isSlow = false;

  list(): Promise<[]> {
    return Promise.resolve([]);
  }

  read(): Promise<Uint8Array> {
    return this.isSlow ? this.read_.promise : Promise.resolve(new TextEncoder().encode("content"));
  }

  write(): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test("revoke cuts a folder and the peers at once, also in what the module has open", async () => {
  const folder = new SlowFolder();
  using test = await FileWorld.create({ folders: { open: () => Promise.resolve(folder) } });
  await test.load(READER, { grants: [`${FOLDER}=/somewhere`, "peers"] });
  const ask = (what: string) => test.hosted.ask("GET", `/m/reader/${what}`);
  const all = async () => [await ask("open"), await ask("read"), await ask("write")];
  assertEquals(await all(), ["done", "content", "done"]);
  assertEquals([await ask("peers"), await ask("fetch")], [[], "forbidden"]);
  folder.isSlow = true;
  const reading = ask("read");
  await settle();
  await test.host.revoke("reader", FOLDER);
  assertEquals(await reading, "forbidden", "what is under way is cut");
  folder.read_.resolve(new Uint8Array());
  assertEquals(await all(), ["forbidden", "forbidden", "forbidden"]);
  assertEquals(await ask("peers"), []);
  await test.host.revoke("reader", "peers");
  assertEquals(await ask("peers"), "forbidden");
  await test.host.grant("reader", "peers");
  assertEquals(await ask("peers"), []);
  assertEquals(test.view("reader"), "1.0.0 running");
});

Deno.test("revoke waits for no other change of modules", async () => {
  using test = await FileWorld.create();
  await test.load(READER, { grants: ["peers"] });
  const slow = fileOf({ name: "slow" }, `start: () => new Promise(() => {}),`);
  const { clock } = test.world.parts;
  const timers = clock.waitingMs.length;
  const loading = assertRejects(() => test.load(slow), OpenRedError);
  await until(() => clock.waitingMs.length > timers, "the host waits for what is loaded");
  await test.host.revoke("reader", "peers");
  assertEquals(await test.hosted.ask("GET", "/m/reader/peers"), "forbidden");
  await test.pass(10_000);
  await loading;
});

Deno.test("revoke reaches a version that is about to take over, and the one that comes back if it does not", async () => {
  using test = await FileWorld.create();
  await test.load(READER, { grants: ["peers"] });
  const isListing = () => test.hosted.ask("GET", "/m/reader/peers");
  const slow = READER.replace("1.0.0", "2.0.0").replace(
    "async start(given) { context = given; }",
    `async start(given) {
      context = given;
      while (await context.storage.get("go") === null);
      if ((await context.storage.get("go")).length === 0) throw new Error("not after all");
    }`,
  );
  const go = async (bytes: number) => {
    const sql = "INSERT INTO module_rows (module, key, value) VALUES ('reader', 'go', ?)";
    await test.store.write(() => void test.store.statement(sql).run(new Uint8Array(bytes)));
  };
  const upgrade: ModuleLoad = {
    code: encodeUtf8(slow),
    sha256: await sha256Of(slow),
    grants: ["peers"],
    change: "upgrade",
  };
  const moments = [() => Promise.resolve(), nextTurn, settle];
  const comesBack = { bytes: 0, version: "1.0.0" };
  const takesOver = { bytes: 1, version: "2.0.0" };
  const rounds = [comesBack, takesOver].flatMap((end) =>
    moments.map((moment) => ({ ...end, moment }))
  );
  for (const { bytes, version, moment } of rounds) {
    const loading = test.host.load(upgrade).catch(() => {});
    await moment();
    await test.host.revoke("reader", "peers");
    await go(bytes);
    await loading;
    assertEquals([test.view("reader"), await isListing()], [`${version} running`, "forbidden"]);
    assertEquals(test.hosted.states.get("reader")!.grants, []);
    await test.host.grant("reader", "peers");
    await test.store.write(() => void test.store.statement("DELETE FROM module_rows").run());
  }
});

Deno.test("revoke ends a request that is under way, and no further one leaves", async () => {
  const sent: HttpRequest[] = [];
  const http = {
    request: (request: HttpRequest) => {
      sent.push(request);
      return new Promise<never>(() => {});
    },
  };
  const resolver = { resolve: () => Promise.resolve(["93.184.216.34"]) };
  const grants = new Grants(["fetch:https://a.example", "fetch:https://b.example"]);
  const fetch = (url: string) => grantedFetch({ http, resolver } as never, grants, { url });
  const [a, b] = ["https://a.example/x", "https://b.example/x"].map(fetch);
  await settle();
  grants.set(["fetch:https://b.example"]);
  const { code } = await assertRejects(() => a!, OpenRedError);
  assertEquals([code, sent[0]!.signal!.aborted, sent[1]!.signal!.aborted], [
    "forbidden",
    true,
    false,
  ]);
  await assertRejects(() => fetch("https://a.example/y"), OpenRedError);
  assertEquals(sent.length, 2);
  assertEquals(await Promise.race([b, settle().then(() => "under way")]), "under way");
});

Deno.test("a request that was not sent yet when its grant was taken back is not sent", async () => {
  let resolved = () => {};
  const resolver = {
    resolve: () => new Promise((resolve) => resolved = () => resolve(["93.184.216.34"])),
  };
  let isSent = false;
  const request = ({ signal }: HttpRequest) => {
    isSent = !signal!.aborted;
    return new Promise<never>(() => {});
  };
  const grants = new Grants(["fetch:https://a.example"]);
  const parts = { http: { request }, resolver } as never;
  const asked = grantedFetch(parts, grants, { url: "https://a.example/" });
  await settle();
  grants.set([]);
  resolved();
  await assertRejects(() => asked, OpenRedError);
  await settle();
  assert(!isSent);
});

Deno.test("revoke takes a crypto method out of use at once", async () => {
  using test = await FileWorld.create();
  const method = fileOf(
    { name: "mixes", grants: [{ kind: "method", name: "mixes", why: "To mix" }] },
    `registerCryptoMethods(all) {
      const turn = (block) => block.toReversed();
      all.method("mixes", { forward: turn, inverse: turn });
    },`,
  );
  await test.load(method, { grants: ["method:mixes"] });
  const { methods } = test.world.parts;
  assert(methods.names().includes("mixes"));
  await test.host.revoke("mixes", "method:mixes");
  assert(!methods.names().includes("mixes"));
});
