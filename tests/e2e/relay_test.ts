import { assert, assertEquals } from "@std/assert";
import { connectNodes, exchangeMessage } from "../../scripts/local_network/exchange.ts";
import { LocalNetwork, type LocalNode } from "../../scripts/local_network/network.ts";
import { sourcePrograms } from "../../scripts/local_network/programs.ts";
import type { OffersView, TransfersView } from "../../protocol/file_sharing_api.ts";
import { TraceCollector } from "../world/trace_collector.ts";
import { until } from "../world/until.ts";

async function isLinked(node: LocalNode): Promise<boolean> {
  const { relay, directories } = await node.admin.status();
  return relay?.state === "linked" && directories.every(({ state }) => state === "registered");
}

async function bothWays(a: LocalNode, b: LocalNode, text: string): Promise<void> {
  await exchangeMessage({ from: a, to: b, text });
  await exchangeMessage({ from: b, to: a, text });
}

/** Offers a file, takes it, and waits until it has landed. */
async function fetchFile(from: LocalNode, to: LocalNode, content: Uint8Array): Promise<void> {
  const path = `${from.files}/photo`;
  await Deno.writeFile(path, content);
  await from.admin.files("POST", "/shares", { peer: to.id, paths: [path] });
  const offerOf = async () => (await to.admin.files<OffersView>("GET", "/offers")).offers[0];
  await until(async () => await offerOf() !== undefined, "the offer to come");
  const { id } = (await offerOf())!;
  await to.admin.files("POST", `/offers/${id}/accept`, { folder: to.files });
  await until(async () => {
    const { transfers } = await to.admin.files<TransfersView>("GET", "/transfers");
    const transfer = transfers.find((one) => one.id === id);
    assert(transfer?.state !== "failed", `the transfer failed: ${transfer?.why}`);
    return transfer?.state === "done";
  }, "the file to land");
  assertEquals(await Deno.readFile(`${to.files}/photo`), content);
}

Deno.test("two nodes that listen nowhere, behind a relay, each a process", async (t) => {
  await using ofAlice = new TraceCollector();
  await using ofBob = new TraceCollector();
  const collectors: Readonly<Record<string, TraceCollector>> = { alice: ofAlice, bob: ofBob };
  await using network = await LocalNetwork.start({
    programs: sourcePrograms,
    names: ["alice", "bob"],
    isRelayed: true,
    wordsOf: (name) => name in collectors ? ["--otlp", collectors[name]!.url] : [],
    onLog: () => {},
    signal: new AbortController().signal,
  });
  const node = (name: string) => network.node(name);
  await t.step("they are called by the relay's URL, and connect", async () => {
    for (const one of network.nodes) {
      assertEquals(one.url, `${network.directory.url}/r/${one.id}`);
      assert(await isLinked(one));
    }
    await connectNodes(node("alice"), node("bob"));
    await bothWays(node("alice"), node("bob"), "through a relay");
  });
  await t.step("a channel is open, so that not every message is a request", async () => {
    await until(async () => {
      const { sessions } = await node("alice").admin.status();
      return sessions.some(({ carrier }) => carrier === "channel");
    }, "a channel through the relay");
  });
  await t.step("a message's way through the relay is one trace", async () => {
    for (const [one, other] of [["alice", "bob"], ["bob", "alice"]] as const) {
      const peer = node(other).id;
      await node(one).admin.changePeer("allow", { peer, permission: "traces" });
    }
    await exchangeMessage({ from: node("alice"), to: node("bob"), text: "a traced one" });
    const sent = () => ofAlice.spans.find(({ name }) => name === "message");
    await until(() => sent() !== undefined, "alice's spans");
    const { traceId, spanId } = sent()!;
    const ofTrace = () => ofBob.spans.filter((span) => span.traceId === traceId);
    const names = ["acknowledge", "receive", "store"];
    const isWhole = () => names.every((name) => ofTrace().some((span) => span.name === name));
    await until(isWhole, "bob's spans of the same trace");
    const received = ofTrace().find(({ name }) => name === "receive")!;
    assertEquals(received.parentSpanId, spanId);
    for (const name of ["store", "acknowledge"]) {
      const { parentSpanId } = ofTrace().find((span) => span.name === name)!;
      assertEquals([name, parentSpanId], [name, received.spanId]);
    }
  });
  await t.step("a file of more than one chunk goes through", async () => {
    const content = crypto.getRandomValues(new Uint8Array(60_000));
    const long = new Uint8Array(50 * content.length);
    for (let at = 0; at < long.length; at += content.length) long.set(content, at);
    await fetchFile(node("alice"), node("bob"), long);
  });
  await t.step("a node that was killed comes back", async () => {
    await network.kill("bob");
    await network.startNode("bob");
    await until(() => isLinked(node("bob")), "bob to be linked again");
    await bothWays(node("alice"), node("bob"), "after a restart of a node");
  });
  await t.step("relay and directory that were killed come back", async () => {
    await network.kill("directory");
    await network.startDirectory();
    for (const one of network.nodes) {
      await until(() => isLinked(one), `${one.name} to be linked again`);
    }
    await bothWays(node("alice"), node("bob"), "after a restart of the relay");
  });
});
