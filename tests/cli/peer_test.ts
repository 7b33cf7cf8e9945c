import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { drawQrCode } from "../../cli/qr_code.ts";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { startFakeAdmin } from "./fake_admin.ts";
import { runInProcess } from "./command_line.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));
const DETAIL = {
  node_id: PEER,
  petname: "bob",
  alias: "\x1b[31mRobert\u202e",
  api_url: "https://bob.example",
  known: true,
  blocked_since: null,
  permissions: ["files", "message"],
  allowed: ["message"],
  denied: [],
  groups: ["friends"],
  contact_directory: null,
  sessions: 1,
  standby_pairs: 2,
  outbox: 3,
  last_error: null,
};
const OTHER = encodeNodeId(new Uint8Array(32).fill(8));
const GROUP = {
  group: "friends",
  permissions: ["files"],
  members: [PEER, OTHER],
  petnames: { [PEER]: "bob" },
};

Deno.test("every command about peers and groups posts what it was asked for", async () => {
  const cases: [string[], string, unknown][] = [
    [["show", PEER], "peers/show", { peer: PEER }],
    [["allow", "bob", "files"], "peers/allow", {
      peer: "bob",
      permission: "files",
      force: false,
    }],
    [["deny", PEER, "weather", "--force"], "peers/deny", {
      peer: PEER,
      permission: "weather",
      force: true,
    }],
    [["reset", "bob"], "peers/reset", { peer: "bob", permission: null }],
    [["reset", "bob", "--permission", "auth"], "peers/reset", { peer: "bob", permission: "auth" }],
    [["block", `openred:${PEER}`], "peers/block", { peer: `openred:${PEER}` }],
    [["unblock", "bob"], "peers/unblock", { peer: "bob" }],
    [["forget", "bob"], "peers/forget", { peer: "bob" }],
    [["name", PEER, "Anna Ö"], "peers/name", { peer: PEER, name: "Anna Ö" }],
    [["alias", "bob", ""], "peers/name", { peer: "bob", name: null }],
    [["group", "add", "friends", "bob"], "groups/add", { group: "friends", peer: "bob" }],
    [["group", "remove", "friends", "bob"], "groups/remove", { group: "friends", peer: "bob" }],
    [["group", "allow", "a", "files"], "groups/allow", {
      group: "a",
      permission: "files",
      force: false,
    }],
    [["group", "reset", "a", "files"], "groups/reset", { group: "a", permission: "files" }],
    [["group", "delete", "a"], "groups/delete", { group: "a" }],
  ];
  for (const [words, path, body] of cases) {
    const json = path.startsWith("groups") ? GROUP : DETAIL;
    await using admin = startFakeAdmin(() => ({ json }));
    const args = ["peer", ...words];
    const plain = await runInProcess(args, admin);
    assertEquals([args, plain.code, plain.err], [args, 0, ""]);
    const { method, path: asked, body: sent } = admin.seen[0]!;
    assertEquals([method, asked, sent], ["POST", `/admin/v1/${path}`, body]);
    const machine = await runInProcess([...args, "--json"], admin);
    assertEquals(JSON.parse(machine.out), json);
  }
});

Deno.test("members of a group are shown with the names that they were given", async () => {
  await using admin = startFakeAdmin(() => ({ json: { groups: [GROUP] } }));
  const { out } = await runInProcess(["peer", "group", "list"], admin);
  assertEquals(out, `friends  may: files\n  ${PEER}  bob\n  ${OTHER}\n`);
});

Deno.test("a change that leaves nothing of a group says that it is gone", async () => {
  const empty = { group: "friends", permissions: [], members: [], petnames: {} };
  for (const words of [["delete", "friends"], ["remove", "friends", "bob"]]) {
    await using admin = startFakeAdmin(() => ({ json: empty }));
    const { out } = await runInProcess(["peer", "group", ...words], admin);
    assertEquals(out, "There is no group friends any more\n");
  }
  await using admin = startFakeAdmin(() => ({ json: { ...empty, permissions: ["files"] } }));
  const { out } = await runInProcess(["peer", "group", "remove", "friends", "bob"], admin);
  assertEquals(out, "friends  may: files\n");
});

Deno.test("peer list shows the own name first, and the peer's own as a claim, safe to print", async () => {
  const stranger = {
    ...DETAIL,
    petname: null,
    alias: null,
    known: false,
    sessions: 0,
    permissions: [],
  };
  const blocked = { ...DETAIL, blocked_since: 1_790_000_000_000 };
  await using admin = startFakeAdmin(() => ({
    json: { peers: [DETAIL, stranger, blocked], permission_names: ["message"] },
  }));
  const { code, out } = await runInProcess(["peer", "list"], admin);
  assertEquals(code, 0);
  const [heading, first, second, third] = out.split("\n").map((line) =>
    line.replace(/ {2,}/g, "|")
  );
  assertEquals(heading, "NAME|CLAIMS TO BE|NODE|STATE|MAY|GROUPS");
  assertEquals(first, `bob|“␛[31mRobert\ufffd”|${PEER}|connected|files, message|friends`);
  assertEquals(second, `–|–|${PEER}|stranger|–|friends`);
  assert(third?.includes("|blocked|"));
});

Deno.test("send takes a name or a link where it takes an id, and says what the node says of it", async () => {
  const link = `openred:${PEER}?d=https%3A%2F%2Fdirectory.example`;
  for (const peer of ["bob", link]) {
    await using admin = startFakeAdmin(() => ({
      status: 403,
      json: { code: "forbidden", detail: "This peer is blocked here; unblock it first" },
    }));
    const { code, err } = await runInProcess(["send", peer, "hi"], admin);
    assertEquals(code, 4);
    assertStringIncludes(err, "This peer is blocked here; unblock it first (forbidden)");
    assertEquals((admin.seen[0]?.body as { peer: string }).peer, peer);
  }
});

Deno.test("a command that was given a former id says which one it was about", async () => {
  const old = encodeNodeId(new Uint8Array(32).fill(8));
  const answers: [string[], unknown][] = [
    [["peer", "block", `openred:${old}`], DETAIL],
    [["peer", "deny", old, "message"], DETAIL],
    [["send", old, "hi"], { id: "m", peer: PEER, state: "queued", rtt_ms: null }],
    [["token", "revoke", old], { peer: PEER, sessions: 1, tokens: 0 }],
  ];
  for (const [args, json] of answers) {
    await using admin = startFakeAdmin(() => ({ json }));
    const { code, err } = await runInProcess(args, admin);
    assertEquals([args, code, err], [args, 0, `${old} has moved to ${PEER}\n`]);
  }
});

Deno.test("connect to an id that was followed says what the node says of it", async () => {
  const detail = `A directory says that ${PEER} has followed this id; ask its owner`;
  await using admin = startFakeAdmin(() => ({ status: 410, json: { code: "succeeded", detail } }));
  const { code, err } = await runInProcess(["connect", PEER], admin);
  assertEquals([code, err], [4, `openred-node: ${detail} (succeeded)\n`]);
});

Deno.test("id --qr draws the contact link, with and without colours alike", async () => {
  const contact = `openred:${PEER}?u=https%3A%2F%2Fnode.example`;
  const json = { node_id: PEER, api_url: "https://node.example", contact, record: "r" };
  await using admin = startFakeAdmin(() => ({ json }));
  const plain = await runInProcess(["id", "--qr"], admin);
  const code = drawQrCode(contact);
  assertEquals([plain.code, plain.err], [0, ""]);
  assert(plain.out.endsWith(code.join("\n") + "\n"));
  const terminal = await runInProcess(["id", "--qr"], { ...admin, isTerminal: true });
  for (const line of code) assertStringIncludes(terminal.out, `\x1b[97;40m${line}\x1b[0m`);
  assertEquals((await runInProcess(["id"], admin)).out.includes("█"), false);
  const width = code[0]!.length;
  for (const columns of [width, width - 1]) {
    let out = "";
    const write = (text: string) => Promise.resolve(void (out += text));
    const ports = { out: { isTerminal: true, columns, write, writeSeen: write } };
    const { err } = await runInProcess(["id", "--qr"], { ...admin, ports });
    assertEquals(
      [out.includes("█"), err === ""],
      columns === width ? [true, true] : [false, false],
    );
    if (columns < width) assertStringIncludes(err, `needs ${width} columns`);
  }
});

Deno.test("drawQrCode() keeps a quiet zone and the three finder patterns", () => {
  const lines = drawQrCode("openred:x");
  const widths = new Set(lines.map((line) => [...line].length));
  assertEquals(widths.size, 1);
  const [width] = widths;
  assertEquals([lines[0], lines[1]], [..."██"].map((block) => block.repeat(width!)));
  for (const line of lines) assert(line.startsWith("████") && line.endsWith("████"));
  assert(lines[2]!.startsWith("████ ▄▄▄▄▄ █") && lines[2]!.endsWith("█ ▄▄▄▄▄ ████"));
  assert(lines[4]!.startsWith("████ █▄▄▄█ █") && lines[4]!.endsWith("█ █▄▄▄█ ████"));
});
