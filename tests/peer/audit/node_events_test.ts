import { assert, assertEquals } from "@std/assert";
import { World } from "../../sim/world.ts";
import type { NodeMachine } from "../../sim/node_machine.ts";

async function eventsOf(node: NodeMachine, query?: string): Promise<string[]> {
  const { entries } = await node.ask((admin) => admin.audit(query));
  return entries.map(({ event, success }) => success ? event : `${event}!`);
}

Deno.test("a node notes what two nodes do to get to know each other", async () => {
  const world = new World({ seed: 1 });
  try {
    await world.startAll();
    await world.runFor(1_000);
    const [from, to, third] = world.nodes as [NodeMachine, NodeMachine, NodeMachine];
    await world.connectAndWait(from, to);
    await world.runFor(5_000);
    const common = ["keystore_opened", "module_loaded", "started", "registered", "token_received"];
    const expected = [...common, "token_validated", "handshake", "session"];
    for (const [node, peer] of [[from, to], [to, from]] as const) {
      const events = await eventsOf(node);
      for (const event of expected) {
        assert(events.includes(event), `${event} is missing: ${events}`);
      }
      const about = await eventsOf(node, `limit=1000&peer=${peer.nodeId}`);
      const without = about.filter((event) => event !== "permission_changed");
      assertEquals(without, ["token_received", "token_validated", "handshake", "session"]);
      assertEquals(await eventsOf(node, `limit=1000&peer=${third.nodeId}`), []);
    }
    await from.stop();
    await from.start();
    await world.runFor(1_000);
    const again = await eventsOf(from);
    assertEquals(again.filter((event) => event === "stopped").length, 1);
    assertEquals(again.filter((event) => event === "keystore_opened").length, 2);
  } finally {
    await world.close();
  }
});

Deno.test("a node notes wrong admin tokens, and a right one once an hour", async () => {
  const world = new World({ seed: 2 });
  try {
    await world.startAll();
    const [node] = world.nodes as [NodeMachine];
    await eventsOf(node);
    for (let times = 0; times < 3; times++) await node.askWith("wrong");
    await world.runFor(100);
    const events = await eventsOf(node, "limit=1000&event=admin_sign_in");
    assertEquals(events, ["admin_sign_in", "admin_sign_in!", "admin_sign_in!", "admin_sign_in!"]);
    await world.runFor(3_700_000);
    await eventsOf(node);
    await world.runFor(100);
    assertEquals((await eventsOf(node, "limit=1000&event=admin_sign_in")).length, 5);
  } finally {
    await world.close();
  }
});
