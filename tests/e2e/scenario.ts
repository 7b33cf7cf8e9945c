/**
 * What three nodes and a directory, each a process, must do. The steps build on each other; they run
 * on the sources (`three_nodes_test.ts`) and on the compiled binaries (`tests/binaries/run.ts`).
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import type { DiscoverView, IdView, SessionView, StatusView } from "../../protocol/admin_api.ts";
import type { InboxView, SentView } from "../../protocol/messaging_api.ts";
import {
  connectAll,
  exchangeMessage,
  greetAll,
  readInbox,
  untilArrived,
} from "../../scripts/local_network/exchange.ts";
import type { LocalNetwork, LocalNode } from "../../scripts/local_network/network.ts";
import { childEnvironment } from "../../scripts/local_network/programs.ts";
import { pause, poll } from "../../scripts/local_network/timeout.ts";

export interface Step {
  readonly name: string;
  run(network: LocalNetwork): Promise<void>;
}

export const NAMES = ["alice", "bob", "carol"] as const;

interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function runNodeCommand(
  network: LocalNetwork,
  options: { name: string; words: readonly string[]; input?: string },
): Promise<CommandResult> {
  const [program = "", ...args] = network.command("node", options.name);
  const process = new Deno.Command(program, {
    args: [...args, ...options.words],
    clearEnv: true,
    env: { ...childEnvironment(), OPENRED_DATA: `${network.folder}/${options.name}` },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    // A program that hangs is ended, and fails its test.
    signal: AbortSignal.timeout(120_000),
  }).spawn();
  const writer = process.stdin.getWriter();
  // A command that reads no input may have ended before this is written.
  await writer.write(new TextEncoder().encode(options.input ?? "")).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

async function jsonOf<T>(network: LocalNetwork, name: string, ...words: string[]): Promise<T> {
  const result = await runNodeCommand(network, { name, words: [...words, "--json"] });
  assertEquals([words, result.code, result.err], [words, 0, ""]);
  assertEquals(result.out.trimEnd().split("\n").length, 1);
  return JSON.parse(result.out);
}

async function bothWays(a: LocalNode, b: LocalNode, text: string): Promise<void> {
  await exchangeMessage({ from: a, to: b, text });
  await exchangeMessage({ from: b, to: a, text });
}

async function discoverEachOther(network: LocalNetwork): Promise<void> {
  const { nodes, failed } = await jsonOf<DiscoverView>(network, "alice", "discover");
  assertEquals(failed, []);
  const found = nodes.map(({ node_id, alias, status }) => ({ node_id, alias, status }));
  for (const { id, name } of network.nodes.slice(1)) {
    assert(found.some((n) => n.node_id === id && n.alias === name && n.status === "active"));
  }
}

async function connectEveryPair(network: LocalNetwork): Promise<void> {
  let count = 0;
  for await (const { session } of connectAll(network)) {
    assertEquals([session.suite, session.post_quantum], ["ik-x25519-mlkem768", true]);
    assertMatch(session.method, /^(alpha|beta|gamma|delta)$/);
    count += 1;
  }
  assertEquals(count, 3);
}

async function greetBothWays(network: LocalNetwork): Promise<void> {
  for await (const { sent } of greetAll(network)) assert(sent.rtt_ms !== null);
  for (const node of network.nodes) {
    const texts = (await readInbox(node)).map(({ text }) => text);
    assertEquals([texts.length, new Set(texts).size], [2, 2]);
  }
}

async function printJson(network: LocalNetwork): Promise<void> {
  const [alice, bob] = network.nodes as [LocalNode, LocalNode, LocalNode];
  const id = await jsonOf<IdView>(network, "alice", "id");
  assertEquals([id.node_id, id.api_url], [alice.id, alice.url]);
  const status = await jsonOf<StatusView>(network, "alice", "status");
  assertEquals(status.directories.map(({ state }) => state), ["registered"]);
  assert(status.peers.some(({ node_id, known }) => node_id === bob.id && known));
  const session = await jsonOf<SessionView>(network, "alice", "connect", bob.id);
  assertEquals([session.peer, session.state], [bob.id, "confirmed"]);
  const before = await jsonOf<InboxView>(network, "bob", "inbox");
  const sent = await jsonOf<SentView>(network, "alice", "send", bob.id, "from a command");
  assertEquals([sent.peer, sent.state], [bob.id, "delivered"]);
  const after = await jsonOf<InboxView>(network, "bob", "inbox", "--after", `${before.cursor}`);
  assertEquals(after.messages.map(({ text, peer }) => [text, peer]), [[
    "from a command",
    alice.id,
  ]]);
}

async function readStandardInput(network: LocalNetwork): Promise<void> {
  const [alice, bob] = network.nodes as [LocalNode, LocalNode, LocalNode];
  const text = "first line\nsecond \u001b[31mline\n";
  const words = ["send", bob.id, "-"];
  const sent = await runNodeCommand(network, { name: "alice", words, input: text });
  assertEquals([sent.code, sent.err], [0, ""]);
  // The end of the last line is the shell's, not the text's.
  const meant = text.slice(0, -1);
  assertEquals((await untilArrived({ from: alice, to: bob, text: meant })).length, 1);
  const shown = await runNodeCommand(network, { name: "bob", words: ["inbox"] });
  assertStringIncludes(shown.out, "  │ first line\n  │ second ␛[31mline\n");
}

async function refuseWrongUsage(network: LocalNetwork): Promise<void> {
  const [, bob] = network.nodes as [LocalNode, LocalNode, LocalNode];
  const stranger = encodeNodeId(new Uint8Array(32).fill(9));
  const cases: [readonly string[], number][] = [
    [[], 2],
    [["bogus"], 2],
    [["send", bob.id], 2],
    [["send", "nobody", "text"], 3],
    [["send", bob.id, "--expires", "soon", "text"], 2],
    [["inbox", "--after", "x"], 2],
    [["run", "--listen", "nowhere"], 2],
    [["connect", stranger, "--wait", "1"], 3],
    [["id", "--data", `${network.folder}/nobody`], 1],
  ];
  for (const [words, code] of cases) {
    const result = await runNodeCommand(network, { name: "alice", words });
    assertEquals([words, result.code, result.out], [words, code, ""]);
    assertMatch(result.err, /^openred-node: [^\n]+\n$/);
  }
}

async function keepOthersOut(network: LocalNetwork): Promise<void> {
  const words = ["run", "--listen", "127.0.0.1:0"];
  const second = await runNodeCommand(network, { name: "alice", words });
  assertEquals([second.code, second.out], [1, ""]);
  assertMatch(second.err, /^openred-node: [^\n]+; stop the node first\n$/);
  const modes = ["", "/admin.json"].map((path) =>
    (Deno.statSync(network.folder + "/alice" + path).mode ?? 0) & 0o777
  );
  if (Deno.build.os !== "windows") assertEquals(modes, [0o700, 0o600]);
}

async function surviveKill(network: LocalNetwork): Promise<void> {
  const [alice, bob] = network.nodes as [LocalNode, LocalNode, LocalNode];
  const before = await readInbox(bob);
  await network.kill("bob");
  const text = "written while bob was away";
  const sent = await alice.admin.send({ peer: bob.id, text, waitMs: 0 });
  assertEquals(sent.state, "queued");
  const again = await network.startNode("bob");
  assertEquals(again.id, bob.id);
  assertEquals((await readInbox(again)).slice(0, before.length), before);
  const waited = await poll(async () => {
    const found = (await readInbox(again)).filter((message) => message.text === text);
    return found.length > 0 ? found : null;
  }, { timeoutMs: 60_000, what: "the message to arrive after the restart" });
  assertEquals(waited.map(({ peer }) => peer), [alice.id]);
  await bothWays(alice, again, "after the restart of bob");
}

/** Messages under way while the receiver is killed again and again, each time at another moment. */
async function surviveKills(network: LocalNetwork): Promise<void> {
  const [alice, bob] = network.nodes as [LocalNode, LocalNode, LocalNode];
  const texts: string[] = [];
  for (const delayMs of [0, 15, 60, 150]) {
    for (let index = 0; index < 10; index += 1) {
      const text = `message ${index} before the kill after ${delayMs} ms`;
      texts.push(text);
      await alice.admin.send({ peer: bob.id, text, waitMs: 0 });
    }
    // What the receiver has done by then is another matter each time: only real time makes that so.
    await pause(delayMs);
    await network.kill("bob");
    await network.startNode("bob");
  }
  const wanted = new Set(texts);
  const arrived = await poll(async () => {
    const found = (await readInbox(network.node("bob"))).map(({ text }) => text)
      .filter((text) => wanted.has(text));
    return found.length >= texts.length ? found : null;
  }, { timeoutMs: 90_000, what: "every message to arrive" });
  assertEquals(arrived.toSorted(), texts.toSorted());
}

async function restartDirectory(network: LocalNetwork): Promise<void> {
  const { id } = network.directory;
  await network.kill("directory");
  await network.startDirectory();
  assertEquals(network.directory.id, id);
  await discoverEachOther(network);
}

async function surviveWithoutDirectory(network: LocalNetwork): Promise<void> {
  const [alice, bob] = network.nodes as [LocalNode, LocalNode, LocalNode];
  await network.kill("directory");
  await bothWays(alice, bob, "without a directory");
  await network.kill("carol");
  const carol = await network.startNode("carol");
  await bothWays(alice, carol, "without a directory, after the restart of carol");
  for (const node of network.nodes) {
    const texts = (await readInbox(node)).map(({ peer, text }) => `${peer} ${text}`);
    assertEquals(new Set(texts).size, texts.length);
  }
}

async function stopInOrder(network: LocalNetwork): Promise<void> {
  const { child, data } = network.node("carol");
  network.expectEnd("carol");
  await child.stop();
  assertEquals((await child.ended).code, 0);
  const files = [...Deno.readDirSync(data)].map(({ name }) => name);
  assertEquals(files.includes("admin.json"), false);
}

/** All steps, in order. */
export const STEPS: readonly Step[] = [
  { name: "discover lists the other nodes", run: discoverEachOther },
  { name: "every pair connects with a post-quantum handshake", run: connectEveryPair },
  { name: "messages go both ways and arrive once", run: greetBothWays },
  { name: "every command prints JSON", run: printJson },
  { name: "send reads standard input, inbox shows it defused", run: readStandardInput },
  { name: "wrong usage ends with 2 and failures with 1", run: refuseWrongUsage },
  { name: "a data directory takes one node and belongs to its owner", run: keepOthersOut },
  { name: "a killed node comes back and gets what was sent meanwhile, once", run: surviveKill },
  { name: "a node killed at any moment loses and repeats nothing", run: surviveKills },
  { name: "a killed directory comes back with what it knew", run: restartDirectory },
  { name: "nodes go on and reconnect with the directory killed", run: surviveWithoutDirectory },
  { name: "a node told to stop leaves with exit code 0 and no admin file", run: stopInOrder },
];
