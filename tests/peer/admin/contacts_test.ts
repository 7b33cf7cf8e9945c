import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { FakeDirectory, nodeAnswer } from "../directories/directory_world.ts";
import { answerJson } from "../../world/fake_http.ts";
import { TestNode } from "../test_node.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

const NOBODY = encodeNodeId(new Uint8Array(32).fill(1));

async function directoryAt(test: TestNode, url: string): Promise<FakeDirectory> {
  const directory = new FakeDirectory(await TestNodeKeys.create(test.crypto), url);
  await directory.serve(test.http);
  return directory;
}

Deno.test("the directory of a later link replaces the stored one only once it knows the peer", async () => {
  await using test = await TestNode.start();
  const peer = test.peer.id;
  const [first, later, other] = await Promise.all(
    ["first", "later", "other"].map((name) => directoryAt(test, `https://${name}.example`)),
  );
  for (const directory of [first!, later!]) {
    directory.records.set(peer, await test.peer.recordText());
  }
  const connectBy = async (url: string) => {
    const link = `openred:${peer}?d=${encodeURIComponent(url)}`;
    await test.admin("POST", "/m/messaging/messages", { peer: link, text: "hello", wait_ms: 0 });
    return (await test.admin("POST", "/peers/show", { peer })).body.contact_directory;
  };
  assertEquals(await connectBy(first!.url), first!.url);
  assertEquals(await connectBy("https://dead.example"), first!.url);
  assertEquals(await connectBy(other!.url), first!.url, "one that has never heard of the peer");
  assertEquals(await connectBy(later!.url), later!.url);
});

Deno.test("a permission that no module asks for is decided about by force only", async () => {
  await using test = await TestNode.start();
  const peer = test.peer.id;
  for (const path of ["/peers/allow", "/peers/deny", "/groups/allow"]) {
    const whom = path.startsWith("/groups") ? { group: "friends" } : { peer };
    const input = { ...whom, permission: "messages" };
    const { status, body } = await test.admin("POST", path, input);
    assertEquals([path, status, body.code], [path, 400, "bad_request"]);
    assertStringIncludes(
      body.detail,
      "auth, authentication, file_sharing, files, files_auto, message",
    );
    assertEquals((await test.admin("POST", path, { ...input, force: true })).status, 200);
  }
  const { body } = await test.admin("POST", "/peers/reset", { peer, permission: "messages" });
  assertEquals([body.allowed, body.denied], [[], []]);
});

Deno.test("nothing is taken from a group that does not exist", async () => {
  await using test = await TestNode.start();
  const peer = test.peer.id;
  const tries: [string, object][] = [
    ["remove", { group: "none", peer }],
    ["reset", { group: "none", permission: "files" }],
    ["delete", { group: "none" }],
  ];
  for (const [change, input] of tries) {
    const { status, body } = await test.admin("POST", `/groups/${change}`, input);
    assertEquals([change, status, body.code], [change, 404, "not_found"]);
  }
  await test.admin("POST", "/peers/name", { peer, name: "Anna" });
  const { body: joined } = await test.admin("POST", "/groups/add", { group: "none", peer });
  assertEquals([joined.members, joined.petnames], [[peer], { [peer]: "Anna" }]);
  const removed = await test.admin("POST", "/groups/remove", { group: "none", peer });
  assertEquals([removed.status, removed.body.members], [200, []]);
});

Deno.test("revoking the tokens of a peer that was never met, or of no pair, is refused", async () => {
  await using test = await TestNode.start();
  for (const target of [NOBODY, "0".repeat(32)]) {
    const { status, body } = await test.admin("POST", "/tokens/revoke", { target });
    assertEquals([target, status, body.code], [target, 404, "not_found"]);
  }
  const { body } = await test.admin("POST", "/tokens/revoke", { target: "0".repeat(32) });
  assertStringIncludes(body.detail, "pair");
  assertEquals(test.log.audited("revoked"), 0);
});

Deno.test("a directory of a link that leads nowhere is not kept, and none is asked that must not be", async () => {
  await using test = await TestNode.start();
  const peer = test.peer.id;
  const other = await directoryAt(test, "https://other.example");
  const tries = [[other.url, "node_unknown"], ["https://10.0.0.1", "url_refused"]] as const;
  for (const [url, code] of tries) {
    const link = `openred:${peer}?d=${encodeURIComponent(url)}`;
    const refused = await test.admin("POST", "/connect", { peer: link, wait_ms: 0 });
    assertEquals(refused.body.code, code);
    const { body } = await test.admin("POST", "/peers/show", { peer });
    assertEquals(body.contact_directory, null);
  }
});

Deno.test("connect names the peer, and does nothing for a name that another one has", async () => {
  await using test = await TestNode.start();
  const { directory, peer: { id: peer } } = test;
  const connect = async (name: string) => {
    const { body } = await test.admin("POST", "/connect", { peer, name, wait_ms: 0 });
    const { body: shown } = await test.admin("POST", "/peers/show", { peer });
    return [body.code, shown.petname, shown.allowed];
  };
  await test.admin("POST", "/peers/name", { peer: NOBODY, name: "Bob" });
  directory.records.set(peer, await test.peer.recordText());
  assertEquals(await connect("bob"), ["bad_request", null, []]);
  assertEquals(await connect(NOBODY), ["bad_request", null, []]);
  assertEquals(await connect("ann"), ["unreachable", "ann", ["files", "message"]]);
});

Deno.test("a peer that is blocked while it is looked up is not accepted", async () => {
  await using test = await TestNode.start();
  const peer = test.peer.id;
  const text = await test.peer.recordText();
  test.http.serve(`${test.directory.url}/api/v3/nodes/${peer}`, async () => {
    await test.admin("POST", "/peers/block", { peer });
    return answerJson(200, nodeAnswer(text));
  });
  const { status, body } = await test.admin("POST", "/connect", { peer, wait_ms: 0 });
  assertEquals([status, body.code], [403, "forbidden"]);
  assertEquals((await test.admin("POST", "/peers/show", { peer })).body.allowed, []);
});

Deno.test("taking a block back is audited once, and where there is none not at all", async () => {
  await using test = await TestNode.start();
  const peer = test.peer.id;
  for (const path of ["unblock", "block", "unblock", "unblock"]) {
    const { status, body } = await test.admin("POST", `/peers/${path}`, { peer });
    assertEquals([status, body.blocked_since === null], [200, path === "unblock"]);
  }
  assertEquals(["peer_blocked", "peer_unblocked"].map((event) => test.log.audited(event)), [1, 1]);
});

Deno.test("forgetting a peer ends its sessions and takes the directory of its link", async () => {
  await using test = await TestNode.start();
  const peer = test.peer.id;
  const { url, records } = await directoryAt(test, "https://other.example");
  records.set(peer, await test.peer.recordText());
  await test.connect();
  const link = `openred:${peer}?d=${encodeURIComponent(url)}`;
  await test.admin("POST", "/m/messaging/messages", { peer: link, text: "hello", wait_ms: 0 });
  const stateOf = async (path: string) => {
    const { body } = await test.admin("POST", path, { peer });
    return [body.sessions, body.standby_pairs > 0, body.contact_directory];
  };
  assertEquals(await stateOf("/peers/show"), [1, true, url]);
  assertEquals(await stateOf("/peers/forget"), [0, false, null]);
  assertEquals(test.log.audited("peer_forgotten"), 1);
});
