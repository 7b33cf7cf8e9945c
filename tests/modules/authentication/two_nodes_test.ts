import { assertEquals, assertRejects } from "@std/assert";
import type { OpenRedModule, PeerAuth } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { ConsoleBrowser } from "../../world/console_browser.ts";
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

Deno.test("A module asks a peer's owner, who answers at the terminal", async () => {
  await using directory = new RealDirectory();
  await directory.start();
  await using alice = new LoopbackNode();
  await using bob = new LoopbackNode();
  const { module, auth } = doors();
  alice.modules = [{ name: "doors", load: () => Promise.resolve(module) }];
  for (const node of [alice, bob]) {
    await node.start({ directories: [directory.url], console: CONSOLE });
    const isThere = async () => (await node.status()).directories[0]?.state === "registered";
    await until(isThere, "the node is registered");
  }
  const browser = new ConsoleBrowser((request) => bob.node.handleConsole(request));
  const { url } = await bob.ask("POST", "/console/link", {});
  await browser.post("/auth/v1/link", { secret: url.split("#link=")[1] });
  const { body } = await browser.post("/auth/v1/factors/totp/begin", { name: "phone" });
  // The step before: the present one is still good for the challenge.
  const before = await codeOf(body.secret, Date.now() - 30_000);
  assertEquals((await browser.post("/auth/v1/factors/totp", { code: before })).status, 200);

  await alice.admin.connect(bob.id, WAIT_MS);
  const require = () => auth().require(bob.id, "totp", "Open the door");
  assertEquals((await assertRejects(require, OpenRedError)).code, "forbidden");
  await bob.admin.decide("allow", { peer: alice.id, permission: "auth" });

  const answered = require();
  const challenges = async () => (await bob.ask("GET", "/m/authentication/challenges")).challenges;
  await until(async () => (await challenges()).length === 1, "bob is asked");
  const [{ id, peer, purpose, module: asking }] = await challenges();
  assertEquals([peer, purpose, asking], [alice.id, "Open the door", "doors"]);
  const factor = { totp: await codeOf(body.secret, Date.now()) };
  const answer = { id, approve: true, factor };
  await bob.ask("POST", "/m/authentication/challenges/answer", answer);
  assertEquals(await answered, { level: "totp", factors: ["totp"] });

  const input = { peer: bob.id, level: "presence", purpose: "Are you there?" };
  const refused = assertRejects(() => alice.ask("POST", "/m/authentication/challenge", input));
  await until(async () => (await challenges()).length === 1, "bob is asked again");
  const [{ id: next }] = await challenges();
  await bob.ask("POST", "/m/authentication/challenges/answer", { id: next, approve: false });
  await refused;
  // Who stops is not kept by whoever waits for a person.
  const late = assertRejects(() => alice.ask("POST", "/m/authentication/challenge", input));
  await until(async () => (await challenges()).length === 1, "bob is asked a last time");
  await bob.stop();
  await alice.stop();
  await late;
});
