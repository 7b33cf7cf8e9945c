import { assertEquals, assertRejects } from "@std/assert";
import type { OpenRedModule, PeerAuth } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { fileOf } from "../../peer/modules/files/file_world.ts";
import { ConsoleBrowser } from "../../world/console_browser.ts";
import { loadFile } from "../files/two_nodes.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { until } from "../../world/until.ts";
import { codeOf } from "./authenticator_app.ts";

const ORIGIN = "http://localhost:7610";
const WAIT_MS = 20_000;
const CONSOLE = { origin: ORIGIN, why: "", hasFailed: false, proxies: [] };

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
  #secret = "";
  #step = 0;

  static async start(modules: LoopbackNode["modules"] = []): Promise<AskingNodes> {
    const test = new AskingNodes();
    await test.#directory.start();
    test.alice.modules = modules;
    for (const node of [test.alice, test.bob]) {
      await node.start({ directories: [test.#directory.url], console: CONSOLE });
      const isThere = async () => (await node.status()).directories[0]?.state === "registered";
      await until(isThere, "the node is registered");
    }
    await test.#enrol();
    await test.alice.admin.connect(test.bob.id, WAIT_MS);
    return test;
  }

  async #enrol(): Promise<void> {
    const browser = new ConsoleBrowser((request) => this.bob.node.handleConsole(request));
    const { url } = await this.bob.ask("POST", "/console/link", {});
    await browser.post("/auth/v1/link", { secret: url.split("#link=")[1] });
    const { body } = await browser.post("/auth/v1/factors/totp/begin", { name: "phone" });
    this.#secret = body.secret;
    assertEquals(
      (await browser.post("/auth/v1/factors/totp", { code: await this.#code() })).status,
      200,
    );
  }

  /** One of the three that are good now, each once: the step before, this one, the next one. */
  async #code(): Promise<string> {
    const stepMs = [-30_000, 0, 30_000][this.#step];
    this.#step += 1;
    return await codeOf(this.#secret, Date.now() + stepMs!);
  }

  async asked() {
    const view = async () => (await this.bob.ask("GET", "/m/authentication/challenges")).challenges;
    await until(async () => (await view()).length === 1, "bob is asked");
    return (await view())[0];
  }

  async answer(id: number, approve: boolean): Promise<void> {
    const factor = approve ? { factor: { totp: await this.#code() } } : {};
    const answer = { id, approve, ...factor };
    await this.bob.ask("POST", "/m/authentication/challenges/answer", answer);
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
  const { alice, bob } = nodes;
  const require = () => auth().require(bob.id, "totp", "Open the door");
  assertEquals((await assertRejects(require, OpenRedError)).code, "forbidden");
  await bob.admin.decide("allow", { peer: alice.id, permission: "auth" });

  const answered = require();
  const { id, peer, purpose, module: asking } = await nodes.asked();
  assertEquals([peer, purpose, asking], [alice.id, "Open the door", "doors"]);
  await nodes.answer(id, true);
  assertEquals(await answered, { level: "totp", factors: ["totp"] });

  const input = { peer: bob.id, level: "presence", purpose: "Are you there?" };
  const refused = assertRejects(() => alice.ask("POST", "/m/authentication/challenge", input));
  await nodes.answer((await nodes.asked()).id, false);
  await refused;
  // Who stops is not kept by whoever waits for a person.
  const late = assertRejects(() => alice.ask("POST", "/m/authentication/challenge", input));
  await nodes.asked();
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
  const { alice, bob } = nodes;
  for (const node of [alice, bob]) await loadFile(node, VAULT);
  const open = () => bob.ask("POST", `/m/vault/open/${alice.id}`);
  assertEquals((await open()).code, "forbidden");
  await alice.admin.decide("allow", { peer: bob.id, permission: "vault" });
  assertEquals((await open()).code, "forbidden", "bob lets nobody ask");
  await bob.admin.decide("allow", { peer: alice.id, permission: "auth" });

  const answered = open();
  const { id, peer, purpose, level, module } = await nodes.asked();
  assertEquals([peer, purpose, level, module], [alice.id, "Open the vault", "totp", "vault"]);
  await nodes.answer(id, true);
  assertEquals((await answered).opened, 1, "it has heard of one call");
  assertEquals((await open()).opened, 2, "a factor counts for five minutes");

  const required = alice.ask("POST", `/m/vault/require/${bob.id}`);
  const asked = await nodes.asked();
  assertEquals([asked.purpose, asked.module], ["Are you there?", "vault"]);
  await nodes.answer(asked.id, true);
  assertEquals(await required, { level: "presence", factors: ["totp"] });
});
