import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import type { AdminParts } from "../../directory/admin_client.ts";
import { runKeysCommand } from "../../directory/keys_command.ts";
import type { KeysAction } from "../../directory/keys_options.ts";
import { runNodesCommand } from "../../directory/nodes_command.ts";
import type { NodesAction } from "../../directory/nodes_options.ts";
import { parseDirectoryKey, showDirectoryKey } from "../../protocol/directory_key.ts";
import { type SendLoopback, UnprovenServer } from "../../ports/loopback.ts";
import { type Answered, TestDirectory } from "./test_directory.ts";

const TOKEN = encodeBase64Url(new Uint8Array(32).fill(9));
const ADMIN_FILE = encodeUtf8(JSON.stringify({ url: "http://127.0.0.1:1", token: TOKEN, pid: 1 }));

interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

async function ask(test: TestDirectory, path: string, asked: Asked = {}): Promise<Answered> {
  const { url = "http://127.0.0.1:1", body, method = body === undefined ? "GET" : "POST" } = asked;
  const request = new Request(url + path, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...asked.headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const response = await test.directory.handleAdmin(request, TOKEN);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

Deno.test("The admin API is for programs of this machine that have the token", async () => {
  await using test = await TestDirectory.start();
  const outcomes = [
    { url: "http://directory.example" },
    { headers: { authorization: `Bearer ${TOKEN}x` } },
    { headers: { authorization: "" } },
    { headers: { origin: "http://127.0.0.1:1" } },
    { headers: { cookie: "a=b" } },
    {},
  ];
  const found = [];
  for (const asked of outcomes) found.push((await ask(test, "/admin/v1/nodes", asked)).status);
  assertEquals(found, [403, 401, 401, 401, 401, 200]);
  const onPublic = await test.ask("GET", "/admin/v1/nodes", {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  assertEquals(onPublic.status, 404);
});

Deno.test("The admin API refuses what it does not know", async () => {
  await using test = await TestDirectory.start();
  const { id } = test.node(1);
  const code = async (path: string, asked?: Asked) => (await ask(test, path, asked)).body.code;
  for (const query of ["limit=0", "limit=501", "kind=x", "after=1", "after=x.y", "more=1"]) {
    assertEquals(await code(`/admin/v1/nodes?${query}`), "bad_request", query);
  }
  for (const body of [{}, { id: "z6Mk" }, { id, more: 1 }, []]) {
    assertEquals(await code("/admin/v1/nodes/show", { body }), "bad_request");
  }
  const long = { id, note: "x".repeat(201) };
  assertEquals(await code("/admin/v1/nodes/ban", { body: long }), "bad_request");
  const own = { id: test.directory.id };
  assertEquals(await code("/admin/v1/nodes/ban", { body: own }), "bad_request");
  assertEquals(await code("/admin/v1/nodes/ban"), "method_not_allowed");
  assertEquals(await code("/admin/v1/nodes", { body: {} }), "method_not_allowed");
  const week = 604_800_000;
  const keys = [
    {},
    { uses: 0, expires_ms: null },
    { uses: 10_001, expires_ms: null },
    { uses: 1.5, expires_ms: null },
    { uses: 1, expires_ms: 0 },
    { uses: 1, expires_ms: 60 * week },
    { uses: 1, expires_ms: week, note: "x".repeat(201) },
    { uses: 1, expires_ms: week, more: 1 },
  ];
  for (const body of keys) assertEquals(await code("/admin/v1/keys/add", { body }), "bad_request");
  assertEquals(await code("/admin/v1/keys?after=x"), "bad_request");
  assertEquals(await code("/admin/v1/keys", { body: {} }), "method_not_allowed");
  assertEquals(await code("/admin/v1/keys/add"), "method_not_allowed");
  assertEquals(await code("/admin/v1/keys/revoke", { body: { key_id: "x" } }), "bad_request");
  assertEquals(await code("/admin/v1/proof?nonce=x"), "bad_request");
  assertEquals(await code("/admin/v1/x"), "not_found");
  await test.stop();
  assertEquals(await code("/admin/v1/nodes"), "overloaded");
});

/** Sends to a directory as to a server on this machine. */
function sender(test: TestDirectory, answeredToken = TOKEN): SendLoopback {
  return async ({ method, url, headers, body, challenge }) => {
    const proof = new Request(new URL(challenge!.path, url));
    const shown = await test.directory.handleAdmin(proof, answeredToken);
    if (!await challenge!.isRight(await shown.bytes())) throw new UnprovenServer();
    const request = new Request(url, { method, headers, body: body ?? null });
    const response = await test.directory.handleAdmin(request, answeredToken);
    const bytes = await response.bytes();
    return { status: response.status, body: ReadableStream.from([bytes]) };
  };
}

/** Has a command ask a directory. */
async function say(
  test: TestDirectory,
  command: (parts: AdminParts) => Promise<number>,
  options: { adminFile?: Uint8Array | null; send?: SendLoopback } = {},
) {
  const said = { out: "", err: "" };
  const { adminFile = ADMIN_FILE, send = sender(test) } = options;
  const code = await command({
    adminFile,
    send,
    clock: test.clock,
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    out: (text) => said.out += text,
    err: (text) => said.err += text,
  });
  return { code, ...said };
}

async function run(
  test: TestDirectory,
  action: NodesAction,
  { json = false, ...others }: { json?: boolean } & Parameters<typeof say>[2] = {},
) {
  const options = { action, dataDirectory: "d", json };
  return await say(test, (parts) => runNodesCommand(options, parts), others);
}

Deno.test("nodes list shows all nodes page by page, ban and remove what is asked", async () => {
  await using test = await TestDirectory.start();
  const ids: string[] = [];
  for (let seed = 1; seed <= 4; seed++) {
    const node = test.node(seed);
    await test.registerNew(node, { unlisted: seed === 2, alias: "e\u202evil" });
    ids.unshift(node.id);
  }
  const first = test.node(1);
  test.clock.advance(1_000);
  await test.register(first.gone());
  const list = async (kind: "known" | "gone" | "banned", limit = 100) =>
    JSON.parse((await run(test, { what: "list", kind, limit }, { json: true })).out);
  const known = await list("known");
  assertEquals(known.nodes.map((node: { node_id: string }) => node.node_id), ids.slice(0, 3));
  assertEquals(known.nodes.map((node: { unlisted: boolean }) => node.unlisted), [
    false,
    false,
    true,
  ]);
  assertEquals([known.is_whole, (await list("known", 2)).is_whole], [true, false]);
  assertEquals((await list("gone")).nodes[0].node_id, first.id);

  const text = (await run(test, { what: "list", kind: "known", limit: 9 })).out;
  assert(text.includes('"e\ufffdvil"') && !text.includes("\u202e"));
  const note = "spam";
  const [id] = ids as [typeof first.id];
  assertEquals((await run(test, { what: "ban", id, note })).code, 0);
  assert((await run(test, { what: "show", id })).out.includes(": spam"));
  assertEquals((await list("banned")).bans[0].node_id, id);
  assertEquals((await test.registerNew(test.node(4))).body.code, "banned");
  assertEquals((await run(test, { what: "remove", id })).code, 3);
  assertEquals((await run(test, { what: "unban", id })).code, 0);
  assertEquals((await run(test, { what: "unban", id })).code, 3);
  assertEquals((await run(test, { what: "remove", id: ids[1] as typeof id })).code, 0);
  assertEquals((await list("known")).nodes.length, 1);
});

Deno.test("nodes says what is wrong where no directory answers", async () => {
  await using test = await TestDirectory.start();
  const action = { what: "list", kind: "known", limit: 1 } as const;
  const none = await run(test, action, { adminFile: null, json: true });
  assertEquals([none.code, JSON.parse(none.err).code], [6, "notRunning"]);
  const damaged = await run(test, action, { adminFile: encodeUtf8("{") });
  assertEquals([damaged.code, damaged.err.includes("damaged")], [1, true]);
  const other = await run(test, action, { send: sender(test, `${TOKEN}x`) });
  assertEquals([other.code, other.err.includes("another program")], [6, true]);
  const gone = await run(test, action, { send: () => Promise.reject(new Error("refused")) });
  assertEquals([gone.code, gone.err], [6, "error: No directory is running in d\n"]);
});

Deno.test("keys makes a key, shows it once, lists it by its name and revokes it", async () => {
  await using test = await TestDirectory.start({ config: { inviteOnly: true } });
  const keys = (action: KeysAction, json = false) =>
    say(test, (parts) => runKeysCommand({ action, dataDirectory: "d", json }, parts));
  assertEquals(await keys({ what: "list" }), { code: 0, out: "", err: "There are none\n" });
  const note = "ca\u202erol";
  const added = await keys({ what: "add", uses: 1, expiresMs: 60_000, note });
  const secret = parseDirectoryKey(added.out.trim())!;
  const node = test.node(1);
  const key = await showDirectoryKey(secret, node.id);
  assert(added.err.includes(key.id) && !added.err.includes(added.out.trim()));
  assertEquals((await test.register(node.record(), { key })).status, 201);
  const listed = await keys({ what: "list" });
  assert(listed.out.startsWith(`${key.id}  used, 1 of 1 used, until `), listed.out);
  assert(listed.out.includes("ca\ufffdrol"));
  const shown = await keys({ what: "list" }, true);
  assertEquals(JSON.parse(shown.out).keys[0].state, "used");
  assertEquals(JSON.parse(shown.out).invite_only, true);
  for (const { out } of [listed, shown]) assert(!out.includes(added.out.trim()));
  const revoked = await keys({ what: "revoke", keyId: key.id }, true);
  assertEquals(JSON.parse(revoked.out).state, "revoked");
  assertEquals((await keys({ what: "revoke", keyId: "AAAAAAAAAAA" })).code, 3);
  const forGood = await keys({ what: "add", uses: 9, expiresMs: null, note: "" }, true);
  const { key: text, expires_at } = JSON.parse(forGood.out);
  assertEquals([parseDirectoryKey(text)?.length, expires_at], [16, null]);
  assertEquals(
    test.logged.filter((event) => event.startsWith("key_")),
    ["key_made", "key_used", "key_revoked", "key_made"],
  );
});
