import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { withDataWords } from "../../cli/data_words.ts";
import { startFakeAdmin } from "./fake_admin.ts";
import { MemorySink, runInProcess } from "./command_line.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));

Deno.test("with --json what goes wrong is JSON with the code, on standard error", async () => {
  const json = { code: "node_unknown", detail: "Nobody" };
  await using admin = startFakeAdmin(() => ({ status: 404, json }));
  for (const settings of [{ env: { OPENRED_JSON: "1" } }, {}]) {
    const args = ["connect", PEER, ...("env" in settings ? [] : ["--json"])];
    const { code, out, err } = await runInProcess(args, { ...admin, ...settings });
    assertEquals([code, out], [3, ""]);
    const { code: named, message } = JSON.parse(err);
    assertEquals(named, "node_unknown");
    assertStringIncludes(message, "No directory knows this node");
  }
  const usage = JSON.parse((await runInProcess(["connect", "--json"], admin)).err);
  assertEquals(usage.code, "usage");
  assertEquals(JSON.parse((await runInProcess(["id", "--json"])).err).code, "no_node");
  const word = await runInProcess(["send", "--", PEER, "--json"], admin);
  assert(word.err.startsWith("openred-node: "), "behind -- it is a word");
});

Deno.test("why nobody answered is said as the node says it, and what helps beside it", async () => {
  const answers = [
    ["unreachable", 502, "The peer: its name does not resolve", "does not resolve"],
    ["url_refused", 400, "The URL is refused: its address is not a public one", "--allow-private"],
  ] as const;
  for (const [code, status, detail, part] of answers) {
    await using admin = startFakeAdmin(() => ({ status, json: { code, detail } }));
    const result = await runInProcess(["connect", PEER], admin);
    assertStringIncludes(result.err, detail);
    assertStringIncludes(result.err, part);
    assertEquals(result.code, code === "unreachable" ? 5 : 4);
  }
});

Deno.test("send and connect say to a person what they wait for, and nothing of a link's secret", async () => {
  await using admin = startFakeAdmin(({ path }) => ({
    json: path.endsWith("/connect")
      ? { peer: PEER, method: "alpha", epoch: 1, suite: "s", post_quantum: true, rtt_ms: null }
      : { id: "m1", peer: PEER, state: "delivered", rtt_ms: 2 },
  }));
  const said = async (args: readonly string[]) => {
    const err = new MemorySink(true);
    await runInProcess(args, { ...admin, ports: { err }, env: { NO_COLOR: "1" } });
    return err.text;
  };
  assertEquals(await said(["send", "bob", "hi"]), "Waiting up to 15 s for bob to take it …\n");
  const link = `openred:${PEER}/i/aaaqeayeaudaocajbifqydiob4`;
  const connecting = await said(["connect", link, "--wait", "3"]);
  assertStringIncludes(connecting, "Waiting up to 3 s for z6Mk");
  assert(!connecting.includes("aaaqeay"));
  assertEquals(await said(["send", "bob", "hi", "--wait", "0"]), "");
  assertEquals(await said(["send", "bob", "hi", "--json"]), "");
});

Deno.test("who stops waiting for a message that is stored hears that it goes out, and what failed fails", async () => {
  const stop = new AbortController();
  const stored = { id: "m7", peer: PEER, petname: "bob", kind: "text", state: "waiting" };
  let text = "hi";
  await using admin = startFakeAdmin(async ({ path }) => {
    if (path === "/m/messaging/outbox") {
      return { json: { messages: [{ ...stored, text, sent_at: Date.now() }], more: false } };
    }
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 1));
    return { json: {} };
  });
  const queued = await runInProcess(["send", "bob", "hi"], { ...admin, signal: stop.signal });
  assertEquals([queued.code, queued.out], [0, "Queued, goes out when bob is back (m7)\n"]);
  text = "another one";
  const later = new AbortController();
  await using other = startFakeAdmin(({ path }) => {
    if (path !== "/m/messaging/outbox") later.abort();
    return { json: { messages: [{ ...stored, text, sent_at: 1 }], more: false } };
  });
  const failed = await runInProcess(["send", "bob", "hi"], { ...other, signal: later.signal });
  assertEquals([failed.code, failed.out], [130, ""]);
});

Deno.test("commands that a node names lead to the node that said them", async () => {
  const detail = "It is claimed by z6Mk: name it with: openred-node peer name z6Mk bob";
  await using admin = startFakeAdmin(() => ({ status: 404, json: { code: "not_found", detail } }));
  const hint = async (...args: string[]) =>
    (await runInProcess(["peer", "show", "bob", ...args], admin)).err;
  assertStringIncludes(await hint(), "openred-node peer name z6Mk bob");
  const other = await hint("--data", "/srv/my node");
  assertStringIncludes(other, "openred-node peer name --data '/srv/my node' z6Mk bob");
  assertEquals(
    withDataWords("See openred-node status, openred-node conversation group list.", {
      path: "/d",
      isDefault: false,
    }),
    "See openred-node status --data /d, openred-node conversation group list --data /d.",
  );
});

Deno.test("token revoke says that a pair does not go alone", async () => {
  const pair = "10".repeat(16);
  await using admin = startFakeAdmin(({ path }) => ({
    json: path.startsWith("/admin/v1/tokens?")
      ? { tokens: [{ pair_id: pair, peer: PEER, petname: "bob" }] }
      : { peer: PEER, sessions: 1, tokens: 4 },
  }));
  const { code, err } = await runInProcess(["token", "revoke", pair], admin);
  assertEquals(code, 0);
  assertStringIncludes(err, "all sessions with bob end, and all its tokens");
});

Deno.test("a terminal that is dumb gets no colours", async () => {
  await using admin = startFakeAdmin(() => ({ json: { tokens: [] } }));
  const out = new MemorySink(true);
  await runInProcess(["token", "list"], { ...admin, ports: { out }, env: { TERM: "dumb" } });
  assert(!out.text.includes("\x1b"));
});

Deno.test("a node that does not answer at all is told of after two seconds", async () => {
  const stop = new AbortController();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const adminFile = { url: `http://127.0.0.1:${listener.addr.port}`, token: "t", pid: 4711 };
  let fire = () => {};
  const clock = {
    nowMs: () => 0,
    setTimer: (delayMs: number, callback: () => void) => {
      if (delayMs === 2_000) fire = callback;
      return () => {};
    },
  };
  const err = new MemorySink();
  const running = runInProcess(["id"], {
    adminFile,
    signal: stop.signal,
    ports: { clock, err },
  });
  const connection = await listener.accept();
  fire();
  stop.abort();
  await running;
  connection.close();
  listener.close();
  assertStringIncludes(err.text, "has not answered for 2 s: is its process 4711 stopped?");
});
