import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));

const STATUS = {
  node_id: PEER,
  version: "3.0.0",
  api_url: "https://node.example",
  uptime_s: 1,
  directories: [],
  peers: [],
  awaited: [],
  sessions: [],
  token_cache: [],
  counters: {},
  warnings: [],
  warned: [],
};
const DIRECTORY = {
  url: "https://directory.example",
  state: "registered",
  next_announce_in_ms: 1,
  last_error: null,
  last_reason: null,
};

Deno.test("status says that a node is registered nowhere, and what gives it a directory", async () => {
  for (const [directories, isSaid] of [[[], true], [[DIRECTORY], false]] as const) {
    await using admin = startFakeAdmin(() => ({ json: { ...STATUS, directories } }));
    const { out } = await runInProcess(["status", "--data", "/its data"], admin);
    assertEquals(out.includes("registered nowhere"), isSaid);
    const command = "'openred-node config set --data '/its data' directories URL'";
    assertEquals(out.includes(command), isSaid, out);
  }
});

Deno.test("status says why calls to a peer fail, since when, and when the next one is", async () => {
  const last_error = {
    code: "node_unknown",
    text: "No directory knows this node",
    since: 1_790_000_000_000,
    next_try_in_ms: 90_000,
  };
  const peer = {
    node_id: PEER,
    petname: null,
    alias: null,
    api_url: "https://peer.example",
    known: true,
    standing: "allowed",
    standby_pairs: 0,
    outbox: 0,
  };
  const status = { ...STATUS, peers: [{ ...peer, last_error }, { ...peer, last_error: null }] };
  await using admin = startFakeAdmin(() => ({ json: status }));
  const { out } = await runInProcess(["status"], admin);
  const [, troubles = ""] = out.split("Troubles\n");
  assertStringIncludes(
    troubles,
    "node_unknown  No directory knows this node " +
      "(since 2026-09-21 14:13:20, next try in 1 min)\n",
  );
});

Deno.test("status says on which invitations it waits: those of others, and whom its own are for", async () => {
  const peer = {
    node_id: PEER,
    petname: "alice",
    alias: null,
    api_url: "https://peer.example",
    known: false,
    standing: "stranger",
    invited: true,
    standby_pairs: 0,
    outbox: 0,
    last_error: null,
  };
  const awaited = ["bob", null, ...Array.from({ length: 9 }, (_, at) => `friend ${at}`)];
  await using admin = startFakeAdmin(() => ({ json: { ...STATUS, peers: [peer], awaited } }));
  const { out } = await runInProcess(["status"], admin);
  assertStringIncludes(out, "invitation waits");
  const [, invited = ""] = out.split("Invited, and not here yet");
  assertStringIncludes(invited, "NAME\nbob\n–\nfriend 0\n");
  assertStringIncludes(invited, "friend 5\nand 3 more\n");
});
