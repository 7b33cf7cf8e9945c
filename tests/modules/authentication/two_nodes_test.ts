import { assertEquals, assertRejects } from "@std/assert";
import type { OpenRedModule, PeerAuth } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { fileOf } from "../../peer/modules/files/file_world.ts";
import { loadFile } from "../files/two_nodes.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { until } from "../../world/until.ts";
import { AskedOwner, CONSOLE } from "./asked_owner.ts";

const WAIT_MS = 20_000;

/** A module that wants factors. */
function doors(): { readonly module: OpenRedModule; readonly auth: () => PeerAuth } {
  let auth: PeerAuth | null = null;
  const module: OpenRedModule = {
    manifest: { name: "doors", version: "1", api: 1, summary: "Opens doors" },
    start(context) {
      auth = context.auth;
      return Promise.resolve();
    },
  };
  return { module, auth: () => auth! };
}

/** Two nodes, of which bob's owner has an app; alice has met bob. */
class AskingNodes implements AsyncDisposable {
  readonly #directory = new RealDirectory();
  readonly alice = new LoopbackNode();
  readonly bob = new LoopbackNode();
  owner!: AskedOwner;

  static async start(modules: LoopbackNode["modules"] = []): Promise<AskingNodes> {
    const test = new AskingNodes();
    await test.#directory.start();
    test.alice.modules = modules;
    for (const node of [test.alice, test.bob]) {
      await node.start({ directories: [test.#directory.url], console: CONSOLE });
      const isThere = async () => (await node.status()).directories[0]?.state === "registered";
      await until(isThere, "the node is registered");
    }
    test.owner = await AskedOwner.enrol(test.bob);
    await test.alice.admin.connect(test.bob.id, WAIT_MS);
    return test;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bob[Symbol.asyncDispose]();
    await this.alice[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

Deno.test("A module asks a peer's owner, who answers at the terminal", async () => {
  const { module, auth } = doors();
  await using nodes = await AskingNodes.start([
    { name: "doors", load: () => Promise.resolve(module) },
  ]);
  const { alice, bob, owner } = nodes;
  const require = () => auth().require(bob.id, "totp", "Open the door");
  assertEquals((await assertRejects(require, OpenRedError)).code, "forbidden");
  await bob.admin.decide("allow", { peer: alice.id, permission: "auth" });

  const answered = require();
  const { id, peer, purpose, module: asking } = await owner.asked();
  assertEquals([peer, purpose, asking], [alice.id, "Open the door", "doors"]);
  await owner.answer(id, true);
  assertEquals(await answered, { level: "totp", factors: ["totp"] });

  const input = { peer: bob.id, level: "presence", purpose: "Are you there?" };
  const refused = assertRejects(() => alice.ask("POST", "/m/authentication/challenge", input));
  await owner.answer((await owner.asked()).id, false);
  await refused;
  // Who stops is not kept by whoever waits for a person.
  const late = assertRejects(() => alice.ask("POST", "/m/authentication/challenge", input));
  await owner.asked();
  await bob.stop();
  await alice.stop();
  await late;
});

/** Its calls of `open` want a code; it asks for one itself, and for what another node has. */
const VAULT = fileOf(
  {
    name: "vault",
    frames: [{
      type: "open",
      answers: true,
      requires: { level: "totp", purpose: "Open the vault" },
    }],
  },
  `registerPeerHandlers(peers) {
    let opened = 0;
    peers.call("open", async () => ({ header: { opened: ++opened } }));
  },
  registerRoutes(router) {
    const tried = async (work) => {
      try {
        return { json: await work() };
      } catch (error) {
        return { json: { code: error.code } };
      }
    };
    router.route("POST", "/open/:peer", async ({ params }) => tried(async () =>
      (await context.ask({ peer: params.peer, type: "open", waitMs: 25_000 })).header));
    router.route("POST", "/require/:peer", async ({ params }) => tried(() =>
      context.auth.require(params.peer, "presence", "Are you there?")));
  },`,
);

Deno.test("A module from a file has its callers' owners asked before it hears of a call, and asks by itself", async () => {
  await using nodes = await AskingNodes.start();
  const { alice, bob, owner } = nodes;
  for (const node of [alice, bob]) await loadFile(node, VAULT);
  const open = () => bob.ask("POST", `/m/vault/open/${alice.id}`);
  assertEquals((await open()).code, "forbidden");
  await alice.admin.decide("allow", { peer: bob.id, permission: "vault" });
  assertEquals((await open()).code, "forbidden", "bob lets nobody ask");
  await bob.admin.decide("allow", { peer: alice.id, permission: "auth" });

  const answered = open();
  const { id, peer, purpose, level, module } = await owner.asked();
  assertEquals([peer, purpose, level, module], [alice.id, "Open the vault", "totp", "vault"]);
  await owner.answer(id, true);
  assertEquals((await answered).opened, 1, "it has heard of one call");
  assertEquals((await open()).opened, 2, "a factor counts for five minutes");

  const required = alice.ask("POST", `/m/vault/require/${bob.id}`);
  const asked = await owner.asked();
  assertEquals([asked.purpose, asked.module], ["Are you there?", "vault"]);
  await owner.answer(asked.id, true);
  assertEquals(await required, { level: "presence", factors: ["totp"] });
});
