import { assertEquals } from "@std/assert";
import { ConsoleBrowser } from "../../world/console_browser.ts";
import { until } from "../../world/until.ts";
import { codeOf } from "../authentication/authenticator_app.ts";
import { filesIn, SharingNode, SharingNodes } from "./sharing_nodes.ts";

const CONSOLE = { origin: "http://localhost:7610", why: "", hasFailed: false, proxies: [] };

/** Nodes with a console, at which their owners have factors. */
class ConsoleNodes extends SharingNodes {
  override async startNode(node: SharingNode): Promise<void> {
    await node.start({ directories: [this.directory.url], console: CONSOLE });
    const isThere = async () => (await node.status()).directories[0]?.state === "registered";
    await until(isThere, "the node is registered");
  }

  /** Bob's owner gets an app. @returns Its secret. */
  async enrol(): Promise<string> {
    const { bob } = this;
    const browser = new ConsoleBrowser((request) => bob.node.handleConsole(request));
    const { url } = await bob.ask("POST", "/console/link", {});
    await browser.post("/auth/v1/link", { secret: url.split("#link=")[1] });
    const { body } = await browser.post("/auth/v1/factors/totp/begin", { name: "phone" });
    // The step before: the present one is still good for the challenge.
    const before = await codeOf(body.secret, Date.now() - 30_000);
    assertEquals((await browser.post("/auth/v1/factors/totp", { code: before })).status, 200);
    return body.secret;
  }

  /** Waits until bob's owner is asked. */
  async asked(): Promise<{ id: number; purpose: string; module: string; level: string }> {
    const path = "/m/authentication/challenges";
    const challenges = async () => (await this.bob.ask("GET", path)).challenges;
    await until(async () => (await challenges()).length === 1, "bob is asked");
    return (await challenges())[0];
  }

  async answer(answer: object): Promise<void> {
    await this.bob.ask("POST", "/m/authentication/challenges/answer", answer);
  }
}

Deno.test("a share that requires a code gives nothing until the receiver's owner has shown one", async () => {
  await using nodes = new ConsoleNodes();
  await nodes.begin();
  const { alice, bob } = nodes;
  const secret = await nodes.enrol();
  await bob.admin.decide("allow", { peer: alice.id, permission: "auth" });
  const path = alice.write("plan.txt", new TextEncoder().encode("the plan"));
  const { id: share } = await alice.share({ peer: bob.id, paths: [path], require: "totp" });
  const { id: offer, require } = await bob.offered();
  assertEquals(require, "totp");

  await bob.accept(offer);
  const { id, purpose, module, level } = await nodes.asked();
  assertEquals([purpose, module, level], ["To fetch “plan.txt”", "file_sharing", "totp"]);
  assertEquals((await alice.shown(share)).require, { level: "totp", state: "waiting" });
  assertEquals((await bob.transfer(offer)).state, "waiting");
  await nodes.answer({ id, approve: false });
  await bob.reaches(offer, "paused");
  assertEquals((await alice.shown(share)).require?.state, "refused");
  assertEquals(filesIn(bob.folder), []);

  await bob.ask("POST", `/m/file_sharing/transfers/${offer}/resume`);
  const { id: again } = await nodes.asked();
  await nodes.answer({
    id: again,
    approve: true,
    factor: { totp: await codeOf(secret, Date.now()) },
  });
  await bob.reaches(offer, "done");
  assertEquals(filesIn(bob.folder), ["plan.txt"]);
  assertEquals((await alice.shown(share)).require?.state, "shown");
});
