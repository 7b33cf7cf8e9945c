import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { withInstants } from "../../cli/zone.ts";
import { encodeBase64Url, encodeNodeId } from "../../crypto/encoding.ts";
import { startFakeAdmin } from "./fake_admin.ts";
import { runInProcess } from "./command_line.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));
const SESSION = {
  session_id: "c2Vzc2lvbi1zZXNzaW9uLTE",
  peer: PEER,
  role: "initiator",
  state: "confirmed",
  suite: "ik-x25519-mlkem768",
  post_quantum: true,
  method: "gamma",
  epoch: 497_222,
  issuer: "peer",
  send_step: 0,
  carrier: "channel",
  age_ms: 4_000,
  life_ms: 21_600_000,
  rtt_ms: 3.25,
};
const STATUS = {
  node_id: PEER,
  version: "3.0.0",
  api_url: "http://127.0.0.1:1",
  uptime_s: 61,
  directories: [{
    url: "http://127.0.0.1:2",
    directory_id: null,
    state: "trying",
    last_error: "unreachable",
    next_announce_in_ms: 5_000,
  }],
  peers: [{
    node_id: PEER,
    alias: "\x1b[31mbob\u202e",
    api_url: "http://127.0.0.1:3",
    known: true,
    standing: "denied",
    standby_pairs: 4,
    outbox: 0,
    last_error: {
      code: "node_unknown",
      text: "Nobody knows it\x1b[2J",
      since: 1_790_000_000_000,
      next_try_in_ms: 90_000,
    },
  }],
  awaited: [],
  sessions: [SESSION],
  counters: {},
  warnings: ["The clock is wrong\x07"],
  warned: [{ topic: "clock", text: "The clock is wrong\x07" }],
};

function message(number: number, text: string) {
  return {
    number,
    id: `m${number}`,
    peer: PEER,
    text,
    received_at: 1_790_000_000_000,
    standing: "allowed",
  };
}

Deno.test("connect reads a link from standard input for -, broken into lines or not", async () => {
  await using admin = startFakeAdmin(() => ({ json: SESSION }));
  const input = new TextEncoder().encode(`<openred:${PEER}/d/\n  dir.example>\n`);
  assertEquals((await runInProcess(["connect", "-"], { ...admin, input })).code, 0);
  const { peer } = admin.seen[0]?.body as { peer: string };
  assertEquals(peer, `<openred:${PEER}/d/\n  dir.example>`);
  for (const wrong of [new Uint8Array(), new Uint8Array(5_000)]) {
    const refused = await runInProcess(["connect", "-"], { ...admin, input: wrong });
    assertEquals(refused.code, 2);
  }
  assertEquals(admin.seen.length, 1);
});

Deno.test("id shows the command that a friend types, which needs no quotes", async () => {
  const contact = `openred:${PEER}/d/dir.example`;
  const json = { node_id: PEER, api_url: "https://a.example", contact, record: "r" };
  await using admin = startFakeAdmin(() => ({ json }));
  const { out } = await runInProcess(["id"], admin);
  assertStringIncludes(out, `A friend types:\nopenred-node connect ${contact}\n`);
});

Deno.test("send posts the text with the token of admin.json and says what became of it", async () => {
  await using admin = startFakeAdmin(() => ({
    json: { id: "m1", peer: PEER, state: "delivered", rtt_ms: 2.5 },
  }));
  const result = await runInProcess(["send", PEER, "hello", "--wait", "3"], admin);
  assertEquals(result, { code: 0, out: "Delivered in 2.5 ms (m1)\n", err: "" });
  assertEquals(admin.seen, [{
    method: "POST",
    path: "/m/messaging/messages",
    authorization: "Bearer local-token",
    body: { peer: PEER, text: "hello", wait_ms: 3000 },
  }]);
});

Deno.test("send reads the text from standard input for -", async () => {
  await using admin = startFakeAdmin(() => ({
    json: { id: "m1", peer: PEER, state: "queued", rtt_ms: null },
  }));
  const input = new TextEncoder().encode("grüße\n\r\n");
  const result = await runInProcess(["send", PEER, "-"], { ...admin, input });
  assertEquals(result.code, 0);
  const text = "Queued (m1): the peer has not taken it yet; it is sent again until it does\n";
  assertEquals(result.out, text);
  assertEquals((admin.seen[0]?.body as { text: string }).text, "grüße\n");
});

Deno.test("send says of a group that some member has not said yet that they have it", async () => {
  const group = "raWBDMVf6PjzF82hXnIp-Z2-8uxpxSCZNpPuegnWh3I";
  await using admin = startFakeAdmin(() => ({
    json: { id: "m1", peer: group, state: "queued", rtt_ms: null, group: "friends" },
  }));
  const { out } = await runInProcess(["send", group, "hello"], admin);
  assertStringIncludes(out, "(m1): not all members have said that they have it");
});

Deno.test("send makes one text of several words, and connect one link or name", async () => {
  const sent = { id: "m1", peer: PEER, state: "queued", rtt_ms: null };
  await using admin = startFakeAdmin(({ path }) => ({
    json: path.endsWith("/messages") ? sent : SESSION,
  }));
  await runInProcess(["send", PEER, "see", "you", "-", "soon"], admin);
  assertEquals((admin.seen[0]?.body as { text: string }).text, "see you - soon");
  await runInProcess(["connect", `openred:${PEER}/d/`, "dir.example"], admin);
  const { out } = await runInProcess(["connect", "Bob", "Smith", "--name", "bob"], admin);
  assertMatch(out, new RegExp(`^Connected +bob\nNode +${PEER}\n`));
  assertEquals(admin.seen.slice(1).map(({ body }) => body), [
    { peer: `openred:${PEER}/d/ dir.example`, wait_ms: 30_000 },
    { peer: "Bob Smith", wait_ms: 30_000, name: "bob" },
  ]);
});

Deno.test("send takes a text that begins with - after --", async () => {
  await using admin = startFakeAdmin(() => ({
    json: { id: "m1", peer: PEER, state: "queued", rtt_ms: null },
  }));
  assertEquals((await runInProcess(["send", "--", PEER, "-5 °C"], admin)).code, 0);
  assertEquals((admin.seen[0]?.body as { text: string }).text, "-5 °C");
  assertEquals((await runInProcess(["send", PEER, "-5 °C"], admin)).code, 2);
});

Deno.test("send refuses text that is too long, empty or not UTF-8 before it asks the node", async () => {
  await using admin = startFakeAdmin(() => ({ json: {} }));
  const long = "x".repeat(262_145);
  const inputs: [string, Uint8Array?][] = [
    [long],
    [""],
    ["\ud800"],
    ["-", new TextEncoder().encode(long)],
    ["-", new Uint8Array([0xff])],
    ["-", new Uint8Array()],
  ];
  for (const [text, input] of inputs) {
    const settings = input === undefined ? admin : { ...admin, input };
    const result = await runInProcess(["send", PEER, text], settings);
    assertEquals(result.code, 2);
    assertMatch(result.err, /^openred-node: <text>: .+\n$/);
    assertEquals(
      result.err.includes("--file PATH"),
      text === long || input?.length === long.length,
    );
  }
  assertEquals(admin.seen, []);
});

Deno.test("a command without a running node fails and says how to start one", async () => {
  const missing = await runInProcess(["id", "--data", "/nowhere"]);
  assertEquals(missing.code, 6);
  assertStringIncludes(missing.err, "Start it with: openred-node run --data /nowhere");
  const server = startFakeAdmin(() => ({ json: {} }));
  await server[Symbol.asyncDispose]();
  const stopped = await runInProcess(["status"], server);
  assertEquals(stopped.code, 6);
  assertStringIncludes(stopped.err, "Start it with: openred-node run");
});

Deno.test("a command never sends the token to another machine", async () => {
  const adminFile = { url: "http://192.0.2.1:80", token: "local-token", pid: 1 };
  assertEquals((await runInProcess(["id"], { adminFile })).code, 6);
});

Deno.test("a damaged admin.json fails with one line", async () => {
  for (const adminFile of [null, 7, {}, { url: 1, token: "t", pid: 1 }]) {
    const result = await runInProcess(["id"], { adminFile });
    assertEquals(result.code, 1);
    assertMatch(
      result.err,
      /^openred-node: The file admin.json in \/home\/data\/openred is damaged\n$/,
    );
  }
});

Deno.test("refusals of the node become one line with their code", async () => {
  const cases: [number, string, number][] = [
    [502, "unreachable", 5],
    [404, "node_unknown", 3],
    [403, "forbidden", 4],
    [410, "invitation_used", 4],
    [503, "overloaded", 5],
    [400, "bad_request", 2],
    [413, "too_large", 2],
    [500, "internal", 1],
  ];
  for (const [status, code, exitCode] of cases) {
    await using admin = startFakeAdmin(() => ({
      status,
      json: { type: "about:blank", title: "t", status, detail: "Detail\x1b[2J", code },
    }));
    const result = await runInProcess(["connect", PEER], admin);
    assertEquals(result.code, exitCode);
    assertMatch(result.err, new RegExp(`^openred-node: [^\\x1b]+ \\(${code}\\)\n$`));
    assertEquals(result.out, "");
  }
});

Deno.test("answers that are no JSON, no problem or cut short fail with one line", async () => {
  const answers = [
    () => new Response("<html>"),
    () => new Response("[]", { status: 500 }),
    () => new Response(new Uint8Array([0xff, 0xfe])),
  ];
  for (const answer of answers) {
    await using admin = startFakeAdmin(answer);
    const result = await runInProcess(["status"], admin);
    assertEquals(result.code, 1);
    assertMatch(result.err, /^openred-node: [^\n]+\n$/);
  }
});

Deno.test("whom the node does not know is a failure, not wrong usage", async () => {
  await using admin = startFakeAdmin(({ path }) =>
    path === "/admin/v1/id"
      ? { json: { node_id: PEER } }
      : { status: 404, json: { code: "not_found", detail: "Nobody here is called carol" } }
  );
  const result = await runInProcess(["peer", "show", "carol"], admin);
  assertEquals(result.code, 3);
  assertEquals(result.err, "openred-node: Nobody here is called carol (not_found)\n");
});

Deno.test("a command shows its token and its text to nobody who has the port of a former run", async () => {
  const wrong = { proof: encodeBase64Url(new Uint8Array(32)) };
  const others = [
    { status: 404, json: { code: "not_found", detail: "There is nothing here" } },
    { status: 401, json: { code: "unauthorized", detail: "Wrong token" } },
    { json: wrong },
    { json: { proof: "short" } },
    { status: 500, json: wrong },
    new Response("<html>", { status: 404 }),
    new Response("x".repeat(100_000)),
  ];
  for (const other of others) {
    const answer = () => other instanceof Response ? other.clone() : other;
    await using admin = startFakeAdmin(answer, { isOther: true });
    for (const args of [["send", PEER, "hello"], ["audit", "export", "-"]]) {
      const result = await runInProcess([...args, "--data", "folder"], admin);
      assertEquals(admin.seen.map(({ path }) => path.split("?")[0]), ["/admin/v1/proof"]);
      const [asked] = admin.seen.splice(0);
      assertEquals([asked?.method, asked?.authorization, asked?.body], ["GET", null, null]);
      assertEquals([result.code, result.out], [6, ""]);
      assertStringIncludes(result.err, "admin.json in folder is of a former run");
      assertStringIncludes(result.err, "openred-node run --data folder");
    }
  }
});

Deno.test("a command that was stopped before it asks the node never asks", async () => {
  await using admin = startFakeAdmin(() => ({ json: SESSION }));
  for (const args of [["send", PEER, "hello"], ["audit", "export", "-"]]) {
    const result = await runInProcess(args, { ...admin, signal: AbortSignal.abort() });
    assertEquals([result.code, result.err], [130, "openred-node: Stopped\n"]);
  }
  assertEquals(admin.seen, []);
});

Deno.test("tables show short ids on a terminal that whole ones do not fit, and only there", async () => {
  const token = { pair_id: "10".repeat(16), peer: PEER, issuer: "peer", ends_in_ms: 1 };
  const tokens = [{ ...token, role: "alpha", method: "gamma", epoch: 497222, state: "unused" }];
  await using admin = startFakeAdmin(() => ({ json: { tokens } }));
  const show = async (columns: number | null) => {
    let text = "";
    const write = (line: string) => Promise.resolve(void (text += line));
    const ports = { out: { isTerminal: columns !== null, columns, write, writeSeen: write } };
    await runInProcess(["token", "list"], { ...admin, ports, env: { NO_COLOR: "1" } });
    return text;
  };
  const whole = await show(null);
  assertStringIncludes(whole, PEER);
  assertEquals(await show(200), whole);
  const narrow = await show(100);
  assertMatch(narrow, /\nz\S{8}…\S{5} {2}101010101…01010 {2}peer/);
  for (const line of narrow.split("\n")) assert(line.length <= 100, line);
});

Deno.test("connect shows method, epoch and suite", async () => {
  await using admin = startFakeAdmin(() => ({ json: SESSION }));
  const result = await runInProcess(["connect", PEER], admin);
  assertEquals(result.code, 0);
  for (const part of [PEER, "gamma, epoch 497222", "ik-x25519-mlkem768", "3.3 ms"]) {
    assertStringIncludes(result.out, part);
  }
});

Deno.test("--json prints the node's answer as one JSON document", async () => {
  const answers: Record<string, unknown> = {
    id: { node_id: PEER, api_url: "http://127.0.0.1:1", contact: "openred:x", record: "r" },
    status: STATUS,
    discover: { nodes: [], failed: [] },
    connect: SESSION,
    send: { id: "m1", peer: PEER, state: "delivered", rtt_ms: 2 },
  };
  for (const [name, json] of Object.entries(answers)) {
    await using admin = startFakeAdmin(() => ({ json }));
    const words = name === "connect" ? [PEER] : name === "send" ? [PEER, "x"] : [];
    const result = await runInProcess([name, "--json", ...words], admin);
    assertEquals([name, result.code, result.err], [name, 0, ""]);
    assertEquals(result.out.indexOf("\n"), result.out.length - 1);
    assertEquals(JSON.parse(result.out), withInstants(json));
  }
});

Deno.test("nothing that others wrote reaches the terminal as a control sequence", async () => {
  await using admin = startFakeAdmin(() => ({ json: STATUS }));
  for (const args of [["status"], ["status", "--json"]]) {
    const result = await runInProcess(args, admin);
    assertEquals(result.code, 0);
    // deno-lint-ignore no-control-regex
    assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(result.out), false);
    assertStringIncludes(result.out, "bob");
  }
});

/** What a node with messages 1, 2, … answers. */
function inboxOf(stored: readonly ReturnType<typeof message>[], path: string) {
  const query = new URL(path, "http://x").searchParams;
  const after = Number(query.get("after"));
  const before = query.get("before");
  const limit = Number(query.get("limit"));
  const messages = before === null
    ? stored.filter(({ number }) => number > after).slice(0, limit)
    : stored.filter(({ number }) => number < Number(before)).slice(-limit);
  return { json: { messages, cursor: messages.at(-1)?.number ?? after } };
}

Deno.test("inbox pages through all messages and marks every line of a text", async () => {
  const stored = Array.from({ length: 230 }, (_, index) => message(index + 1, "line 1\nline 2"));
  await using admin = startFakeAdmin(({ path }) => inboxOf(stored, path));
  const all = await runInProcess(["inbox", "--json"], admin);
  assertEquals(JSON.parse(all.out), withInstants({ messages: stored, cursor: 230 }));
  const some = await runInProcess(["inbox", "--after", "200", "--limit", "3", "--json"], admin);
  assertEquals(
    JSON.parse(some.out),
    withInstants({ messages: stored.slice(200, 203), cursor: 203 }),
  );
  const text = await runInProcess(["inbox", "--after", "229"], admin);
  assertStringIncludes(text.out, "  │ line 1\n  │ line 2\n");
});

Deno.test("inbox shows the newest messages and says how to see those it leaves out", async () => {
  const stored = Array.from({ length: 230 }, (_, index) => message(index + 1, "hi"));
  await using admin = startFakeAdmin(({ path }) => inboxOf(stored, path));
  const newest = await runInProcess(["inbox", "--limit", "120", "--json"], admin);
  assertEquals(JSON.parse(newest.out), withInstants({ messages: stored.slice(-120), cursor: 230 }));
  assertStringIncludes(newest.err, "There are older messages. From the oldest on: --after 0");
  const oldest = await runInProcess(["inbox", "--after", "0", "--limit", "120", "--json"], admin);
  assertEquals(JSON.parse(oldest.out).messages, withInstants(stored.slice(0, 120)));
  assertStringIncludes(oldest.err, "Go on with: --after 120");
  for (const args of [["--limit", "230"], ["--after", "110", "--limit", "120"]]) {
    assertEquals((await runInProcess(["inbox", ...args], admin)).err, "");
  }
});

Deno.test("inbox marks what came from a stranger, a denied and a blocked peer", async () => {
  const standings = ["allowed", "stranger", "denied", "blocked"];
  const stored = standings.map((standing, index) => ({ ...message(index + 1, "hi"), standing }));
  await using admin = startFakeAdmin(({ path }) => inboxOf(stored, path));
  const { out } = await runInProcess(["inbox"], admin);
  const heads = out.split("\n").filter((line) => /^\d/.test(line));
  assertEquals(heads.map((line) => line.split(PEER)[1]?.trim()), [
    "",
    "contact request",
    "denied",
    "blocked",
  ]);
});

Deno.test("inbox --follow prints each message once, stored or new, until Ctrl-C", async () => {
  const stored = [message(1, "before")];
  const encoder = new TextEncoder();
  let events: ReadableStreamDefaultController<Uint8Array> | undefined;
  await using admin = startFakeAdmin(({ path }) => {
    if (path === "/admin/v1/events") {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          events = controller;
          controller.enqueue(encoder.encode(": hello\n\n"));
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    }
    return inboxOf(stored, path);
  });
  const stop = new AbortController();
  let text = "";
  const running = runInProcess(["inbox", "--follow", "--json"], {
    ...admin,
    signal: stop.signal,
    ports: {
      out: {
        isTerminal: false,
        columns: null,
        writeSeen: () => Promise.reject(new Error("Not called here")),
        write(line: string) {
          text += line;
          if (text.split("\n").length === 2) {
            stored.push(message(2, "after"));
            const data = JSON.stringify({ type: "messaging.message" });
            events?.enqueue(encoder.encode(`event: messaging.message\ndata: ${data}\n\n`));
            events?.enqueue(encoder.encode(`event: messaging.message\ndata: ${data}\n\n`));
          } else stop.abort();
          return Promise.resolve();
        },
      },
    },
  });
  assertEquals((await running).code, 0);
  const texts = text.trim().split("\n").map((line) => JSON.parse(line).text);
  assertEquals(texts, ["before", "after"]);
});

Deno.test("discover shows nodes, names directories that failed, and fails if all did", async () => {
  const node = {
    node_id: PEER,
    alias: "bob",
    api_url: "http://127.0.0.1:3",
    status: "active",
    last_seen: Date.now() - 61_000,
    directory: "http://127.0.0.1:2",
  };
  const failed = [{ url: "http://127.0.0.1:9", code: "unreachable" }];
  await using some = startFakeAdmin(() => ({ json: { nodes: [node], failed } }));
  const found = await runInProcess(["discover", "--service", "messaging", "--limit", "5"], some);
  assertEquals(found.code, 0);
  assertMatch(found.out, /NAME +CLAIMS TO BE +NODE +STATUS +SEEN +URL\n/);
  assertMatch(found.out, /\n– +“bob” +z\S+ +active +1 min ago +http/);
  assertStringIncludes(found.err, "No answer from http://127.0.0.1:9 (unreachable)");
  assertEquals(some.seen[0]?.path, "/admin/v1/discover?limit=5&service=messaging");
  await using none = startFakeAdmin(() => ({ json: { nodes: [], failed } }));
  assertEquals((await runInProcess(["discover"], none)).code, 1);
});

Deno.test("colours appear on a terminal only, and not with NO_COLOR", async () => {
  await using admin = startFakeAdmin(() => ({ json: SESSION }));
  const args = ["connect", PEER];
  const plain = await runInProcess(args, admin);
  const terminal = await runInProcess(args, { ...admin, isTerminal: true });
  const noColor = await runInProcess(args, {
    ...admin,
    isTerminal: true,
    env: { NO_COLOR: "1" },
  });
  assertStringIncludes(terminal.out, "\x1b[1m");
  assertEquals(noColor.out, plain.out);
  assertEquals(plain.out.includes("\x1b"), false);
});
