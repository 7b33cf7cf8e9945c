/**
 * Some nodes in one process, each with a peer in another one.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { WorkerCryptoCore } from "../../crypto/client.ts";
import type { OpenNode } from "../../peer/node.ts";
import { MAX_FRAME_MESSAGES } from "../../protocol/limits.ts";
import { HttpListener } from "../../ports/system_listener.ts";
import { callAnew, introduce, type Introduction, startBenchNode } from "./bench_node.ts";
import { type Commands, runCommands } from "./command_loop.ts";
import { FrameMeter } from "./frame_meter.ts";
import { RawSockets } from "./raw_sockets.ts";
import { builtInOf } from "../../tests/world/test_module.ts";

/** What others have to know of a node. */
export interface NodeView {
  readonly id: string;
  /** base64url. */
  readonly noisePublic: string;
  readonly record: string;
}

const CHANNEL_TRIES = 50;
/** How long a text may take. */
const MAX_WAIT_MS = 60_000;

interface Member {
  readonly node: OpenNode;
  readonly meter: FrameMeter;
  peer: NodeId | null;
}

const crypto = await WorkerCryptoCore.start();
const members: Member[] = [];
const raw = new RawSockets();
const folders: string[] = [];

const listener = new HttpListener({
  hostname: "127.0.0.1",
  port: 0,
  log: { log: () => {} },
  async answer(request, address) {
    const [, , number] = new URL(request.url).pathname.split("/");
    const member = members[Number(number)];
    if (member === undefined) return new Response(null, { status: 404 });
    return await member.node.handle(request, { address });
  },
});

/** What the bare WebSockets are accepted by: the runtime alone. */
const rawServer = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  (request) => raw.accept(request),
);

async function open(
  options: { count: number; isDurable: boolean },
): Promise<{ port: number; rawPort: number; nodes: NodeView[] }> {
  const { port } = listener;
  const nodes: NodeView[] = [];
  for (let i = 0; i < options.count; i++) {
    const folder = options.isDurable ? await Deno.makeTempDir({ prefix: "openred-bench-" }) : null;
    if (folder !== null) folders.push(folder);
    const meter = new FrameMeter();
    const apiUrl = `http://127.0.0.1:${port}/n/${members.length}`;
    const modules = [builtInOf(meter.module())];
    const node = await startBenchNode({ crypto, apiUrl, folder, modules });
    members.push({ node, meter, peer: null });
    const { record } = await (await node.handleAdmin(adminRequest("/admin/v1/id"))).json();
    const noisePublic = encodeBase64Url(node.inside.keys.noiseKeys[0]!.publicKey);
    nodes.push({ id: node.id, noisePublic, record });
  }
  return { port, rawPort: rawServer.addr.port, nodes };
}

function adminRequest(path: string, init: RequestInit = {}): Request {
  const headers = { authorization: "Bearer bench" };
  return new Request(`http://127.0.0.1${path}`, { ...init, headers });
}

async function meet(options: { number: number; introduction: Introduction }): Promise<void> {
  const member = members[options.number]!;
  member.peer = await introduce(member.node, { crypto, introduction: options.introduction });
}

function peerOf(member: Member): NodeId {
  if (member.peer === null) throw new Error("The node has met nobody");
  return member.peer;
}

/** Every node from `first` on makes `each` new sessions, one after the other; the nodes at the same time. */
async function callAll(options: { first: number; each: number }): Promise<number> {
  await Promise.all(
    members.slice(options.first).map(async (member) => {
      for (let i = 0; i < options.each; i++) await callAnew(member.node, peerOf(member));
    }),
  );
  return (members.length - options.first) * options.each;
}

/** Waits until frames to the peer go on a channel: what went by POST before may come too late to be taken. */
async function untilChannel(): Promise<void> {
  const member = members[0]!;
  for (let tries = 0; tries < CHANNEL_TRIES; tries++) {
    await member.meter.ping(peerOf(member), { count: 1, bytes: 1 });
    const { sessions } = await (await member.node.handleAdmin(adminRequest("/admin/v1/status")))
      .json();
    if (sessions.some(({ carrier }: { carrier: string }) => carrier === "channel")) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("The node opens no channel");
}

/** Sends acknowledged texts and waits until the peer has stored all of them. */
async function sendTexts(options: { count: number; bytes: number }): Promise<void> {
  const member = members[0]!;
  const text = "x".repeat(options.bytes);
  const body = JSON.stringify({ peer: peerOf(member), text, wait_ms: MAX_WAIT_MS });
  const send = async () => {
    const request = adminRequest("/m/messaging/messages", { method: "POST", body });
    const { state } = await (await member.node.handleAdmin(request)).json();
    if (state !== "delivered") throw new Error(`A text is ${state}`);
  };
  await Promise.all(Array.from({ length: options.count }, send));
}

/** Whether what is sent in one turn shares frames, or each message has its own. */
function share(isOn: boolean): void {
  const member = members[0]!;
  const session = member.node.inside.table.current(peerOf(member));
  if (session === null) throw new Error("There is no session");
  session.peerMessages = isOn ? MAX_FRAME_MESSAGES : 1;
}

/** @returns Milliseconds until each of some texts, sent one after the other, is acknowledged. */
async function timeTexts(options: { count: number; bytes: number }): Promise<number[]> {
  const times: number[] = [];
  for (let left = options.count; left > 0; left--) {
    const startMs = performance.now();
    await sendTexts({ count: 1, bytes: options.bytes });
    times.push(performance.now() - startMs);
  }
  return times;
}

async function close(): Promise<void> {
  await Promise.all(members.map(({ node }) => node.stop()));
  await Promise.all(folders.map((folder) => Deno.remove(folder, { recursive: true })));
}

const commands: Commands = {
  open,
  meet,
  callAll,
  untilChannel,
  sendTexts,
  timeTexts,
  share,
  close,
  flood: (options: { count: number; bytes: number }) =>
    members[0]!.meter.flood(peerOf(members[0]!), options),
  expect: (count: number) => members[0]!.meter.expect(count),
  ping: (options: { count: number; bytes: number }) =>
    members[0]!.meter.ping(peerOf(members[0]!), options),
  rawOpen: (port: number) => raw.open(port),
  rawFlood: (options: { count: number; bytes: number }) => raw.flood(options),
  rawExpect: (count: number) => raw.expect(count),
  rawPing: (options: { count: number; bytes: number }) => raw.ping(options),
};

await runCommands(commands);
Deno.exit(0);
