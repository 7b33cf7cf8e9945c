import { assertStringIncludes } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));

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
  const status = {
    node_id: PEER,
    version: "3.0.0",
    api_url: "https://node.example",
    uptime_s: 1,
    directories: [],
    peers: [{ ...peer, last_error }, { ...peer, last_error: null }],
    sessions: [],
    token_cache: [],
    counters: {},
    warnings: [],
    warned: [],
  };
  await using admin = startFakeAdmin(() => ({ json: status }));
  const { out } = await runInProcess(["status"], admin);
  const [, troubles = ""] = out.split("Troubles\n");
  assertStringIncludes(
    troubles,
    "node_unknown  No directory knows this node " +
      "(since 2026-09-21 14:13:20, next try in 1 min)\n",
  );
});
