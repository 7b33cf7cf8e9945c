import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { OpenRedError } from "../../../protocol/errors.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { until } from "../../world/until.ts";

const WAIT_MS = 60_000;

async function start(aliases: readonly string[]) {
  const stack = new AsyncDisposableStack();
  const { url } = stack.use(await new RealDirectory().start());
  const nodes: LoopbackNode[] = [];
  for (const alias of aliases) {
    const node = stack.use(new LoopbackNode());
    nodes.push(await node.start({ directories: [url], alias }));
    await until(
      async () => (await node.status()).directories[0]?.state === "registered",
      "registered",
    );
  }
  return { nodes, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function refusal(asking: Promise<unknown>): Promise<OpenRedError> {
  return await assertRejects(() => asking, OpenRedError);
}

Deno.test("a stranger that connects or writes is a request, and is accepted by the name that it claims", async () => {
  await using world = await start(["Alice", "Bob"]);
  const [alice, bob] = world.nodes as [LoopbackNode, LoopbackNode];
  await bob.admin.connect(alice.id, WAIT_MS);
  await until(
    async () => (await alice.ask("GET", "/requests")).requests.length === 1,
    "a request",
  );
  const { requests } = await alice.ask("GET", "/requests");
  assertEquals(requests, [{ peer: bob.id, alias: "Bob", connected: true }]);
  await bob.admin.send({ peer: alice.id, text: "hello", waitMs: WAIT_MS });
  const waiting = await alice.ask("GET", "/m/messaging/requests");
  assertEquals(
    waiting.requests.map((found: { peer: string; messages: number }) => [
      found.peer,
      found.messages,
    ]),
    [[bob.id, 1]],
  );

  const unknown = await refusal(alice.ask("POST", "/peers/show", { peer: "bob" }));
  assertStringIncludes(unknown.message, `claimed by ${bob.id}: name it with: `);
  const short = await refusal(alice.ask("POST", "/peers/show", { peer: bob.id.slice(0, 7) }));
  assertStringIncludes(short.message, "counts from 8 characters on");
  const accepted = await alice.ask("POST", "/requests/accept", { peer: "bob" });
  assertEquals([accepted.petname, accepted.allowed], ["bob", ["files", "message"]]);
  assertEquals((await alice.ask("GET", "/requests")).requests, []);
  assertEquals((await alice.ask("GET", "/m/messaging/requests")).requests, []);
});

Deno.test("of several that claim one name none is accepted by it, and parts of ids are told apart", async () => {
  await using world = await start(["Alice", "Bob", "bob"]);
  const [alice, first, second] = world.nodes as [LoopbackNode, LoopbackNode, LoopbackNode];
  for (const node of [first, second]) await node.admin.connect(alice.id, WAIT_MS);
  await until(
    async () => (await alice.ask("GET", "/requests")).requests.length === 2,
    "both requests",
  );
  const several = await refusal(alice.ask("POST", "/requests/accept", { peer: "Bob" }));
  assertEquals(several.code, "bad_request");
  assert([first, second].every(({ id }) => several.message.includes(id)));

  const part = `${first.id.slice(0, 9)}…${first.id.slice(-5)}`;
  const shown = await alice.ask("POST", "/requests/accept", { peer: part, name: "Robert" });
  assertEquals([shown.node_id, shown.petname], [first.id, "Robert"]);
  const declined = await alice.ask("POST", "/requests/decline", { peer: second.id.slice(0, 12) });
  assertEquals([declined.node_id, declined.denied], [second.id, ["message"]]);
  const again = await alice.ask("POST", "/requests/accept", { peer: second.id });
  assertEquals([again.denied, again.allowed], [[], ["files", "message"]]);
  assertEquals(
    (await refusal(alice.ask("POST", "/peers/show", { peer: "z6Mk" }))).code,
    "not_found",
  );
  const foreign = await refusal(alice.ask("POST", "/peers/show", { peer: "z6Mkaaaaaaaaa" }));
  assertEquals(foreign.code, "not_found");
});
