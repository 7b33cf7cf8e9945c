import { assertEquals } from "@std/assert";
import { until } from "../../world/until.ts";
import { AskedOwner, CONSOLE } from "../authentication/asked_owner.ts";
import { filesIn, SharingNode, SharingNodes } from "./sharing_nodes.ts";

/** Nodes with a console, at which their owners have factors. */
class ConsoleNodes extends SharingNodes {
  override async startNode(node: SharingNode): Promise<void> {
    await node.start({ directories: [this.directory.url], console: CONSOLE });
    const isThere = async () => (await node.status()).directories[0]?.state === "registered";
    await until(isThere, "the node is registered");
  }
}

Deno.test("a share that requires a code gives nothing until the receiver's owner has shown one", async () => {
  await using nodes = new ConsoleNodes();
  await nodes.begin();
  const { alice, bob } = nodes;
  const owner = await AskedOwner.enrol(bob);
  await bob.admin.decide("allow", { peer: alice.id, permission: "auth" });
  const path = alice.write("plan.txt", new TextEncoder().encode("the plan"));
  const { id: share } = await alice.share({ peer: bob.id, paths: [path], require: "totp" });
  const { id: offer, require } = await bob.offered();
  assertEquals(require, "totp");

  await bob.accept(offer);
  const { id, purpose, module, level } = await owner.asked();
  assertEquals([purpose, module, level], ["To fetch “plan.txt”", "file_sharing", "totp"]);
  assertEquals((await alice.shown(share)).require, { level: "totp", state: "waiting" });
  assertEquals((await bob.transfer(offer)).state, "waiting");
  await owner.answer(id, false);
  await bob.reaches(offer, "paused");
  assertEquals((await alice.shown(share)).require?.state, "refused");
  assertEquals(filesIn(bob.folder), []);

  await bob.ask("POST", `/m/file_sharing/transfers/${offer}/resume`);
  const { id: again } = await owner.asked();
  await owner.answer(again, true);
  await bob.reaches(offer, "done");
  assertEquals(filesIn(bob.folder), ["plan.txt"]);
  assertEquals((await alice.shown(share)).require?.state, "shown");
});
