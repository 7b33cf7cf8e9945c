import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeNodeId, encodeBase64Url, type NodeId } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { openProof } from "../../../protocol/statements.ts";
import { HOUR_MS, START_MS } from "../parts.ts";
import { answerJson } from "../../world/fake_http.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { DirectoryWorld, type FakeDirectory, payloadOf } from "./directory_world.ts";

const NEVER = new AbortController().signal;

/** Links of a succession, each directory answering `410` for one of them; the last id has a record. */
async function chain(world: DirectoryWorld, directory: FakeDirectory, length: number) {
  const line = [world.peer];
  for (let index = 0; index < length; index++) {
    line.push(await TestNodeKeys.create(world.parts.crypto));
  }
  const next = async (index: number) => {
    const follower = line[index + 1];
    if (follower === undefined) return {};
    const hash = await world.parts.crypto.sha256(decodeNodeId(follower.id)!);
    return { next: encodeBase64Url(hash) };
  };
  await world.book.take(await world.peer.record(await next(0)));
  const successions = new Map<string, string>();
  for (let index = 1; index < line.length; index++) {
    const old = line[index - 1]!.id;
    successions.set(old, await line[index]!.succession(old, await next(index)));
  }
  const last = line.at(-1)!;
  directory.records.set(last.id, await last.recordText());
  directory.instead = ({ url }) => {
    const succession = successions.get(url.slice(url.lastIndexOf("/") + 1));
    return succession === undefined ? null : answerJson(410, { code: "succeeded", succession });
  };
  return last;
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return assertRejects(() => work, OpenRedError).then(({ code }) => code);
}

Deno.test("Directories.lookUp() believes the highest seq of several", async () => {
  await using world = await DirectoryWorld.create();
  const [one, two] = [await world.directory("one"), await world.directory("two")];
  const three = await world.directory("three");
  const newest = await world.peer.recordText({ seq: START_MS + 2 });
  one.records.set(world.peer.id, newest);
  two.records.set(world.peer.id, await world.peer.recordText({ seq: START_MS + 1 }));
  const directories = await world.open(one.url, two.url, three.url);
  assertEquals((await directories.lookUp(world.peer.id, NEVER)).text, newest);
});

Deno.test("Directories.lookUp() never goes back behind the record that is held", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  one.records.set(world.peer.id, await world.peer.recordText());
  const held = await world.peer.record({ seq: START_MS + 1 });
  await world.book.take(held);
  const directories = await world.open(one.url);
  assertEquals((await directories.lookUp(world.peer.id, NEVER)).text, held.text);
  one.records.clear();
  assertEquals((await directories.lookUp(world.peer.id, NEVER)).text, held.text, "nobody knows it");
});

Deno.test("Directories.lookUp() refuses a record of another id and one that is forged", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const directories = await world.open(one.url);
  one.records.set(world.peer.id, await world.own.recordText());
  assertEquals(await codeOf(directories.lookUp(world.peer.id, NEVER)), "node_unknown");
  const text = await world.peer.recordText();
  one.records.set(world.peer.id, `${text.slice(0, -8)}AAAAAAAA`);
  assertEquals(await codeOf(directories.lookUp(world.peer.id, NEVER)), "bad_signature");
  assertEquals(world.book.get(world.peer.id), null);
});

for (const length of [1, 3, 8]) {
  Deno.test(`Directories.lookUp() follows a chain of ${length} answers 410`, async () => {
    await using world = await DirectoryWorld.create();
    const one = await world.directory("one");
    const last = await chain(world, one, length);
    const directories = await world.open(one.url);
    await directories.lookUp(world.peer.id, NEVER);
    assert(world.book.get(world.peer.id)?.succession !== null);
    assert(world.book.get(last.id) !== null);
  });
}

Deno.test("Directories.lookUp() follows no chain of more than eight", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const last = await chain(world, one, 9);
  const directories = await world.open(one.url);
  await directories.lookUp(world.peer.id, NEVER);
  assertEquals(world.book.get(world.peer.id)?.succession, null);
  assertEquals(world.book.get(last.id), null);
});

Deno.test("Directories.introduce() proves who asks, over the very body", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const api_url = "https://public.example";
  one.record = await one.keys.recordText({ api_url, suites: [] });
  const directories = await world.start(one.url);
  const answer = await world.introduction(one, world.peer);
  one.instead = ({ url }) => url.endsWith("request-connection") ? answer : null;
  const pairId = await directories.introduce(world.peer.id, NEVER);
  assertEquals(world.vault.get(pairId)?.peer, world.peer.id);
  const request = world.http.requests.at(-1)!;
  const proof = await openProof(world.parts.crypto, request.headers!["OpenRed-Proof"]!);
  assertEquals(proof.iss, world.own.id);
  assertEquals([proof.htm, proof.htu], ["POST", `${api_url}/api/v3/tokens/request-connection`]);
  assertEquals(proof.bh, await world.parts.crypto.sha256(request.body!));
  assertEquals(proof.iat, START_MS / 1000);
});

Deno.test("Directories.introduce() makes a new proof a second after proof_replayed, once", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const directories = await world.start(one.url);
  const answer = await world.introduction(one, world.peer);
  const proofs: { proof: string; atMs: number }[] = [];
  let refusals = 1;
  one.instead = ({ url, headers }) => {
    if (!url.endsWith("request-connection")) return null;
    proofs.push({ proof: headers!["OpenRed-Proof"]!, atMs: world.parts.clock.monotonicMs() });
    return refusals-- > 0 ? answerJson(401, { code: "proof_replayed" }) : answer;
  };
  const asking = directories.introduce(world.peer.id, NEVER);
  await world.parts.clock.advance(1_000);
  await asking;
  assertEquals(proofs.map(({ atMs }) => atMs), [0, 1_000]);
  assert(proofs[0]!.proof !== proofs[1]!.proof);
  refusals = 2;
  const again = codeOf(directories.introduce(world.peer.id, NEVER));
  await world.parts.clock.advance(1_000);
  assertEquals(await again, "proof_replayed");
  assertEquals(proofs.length, 4);
});

Deno.test("Directories.introduce() asks once more by the right time where its record was ahead", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const directories = await world.start(one.url);
  await world.ownRecord.taken(START_MS + 2 * HOUR_MS);
  await world.ownRecord.renew();
  const answer = await world.introduction(one, world.peer);
  const asked: unknown[] = [];
  one.instead = ({ url, body }) => {
    if (!url.endsWith("/request-connection")) return null;
    const { record } = JSON.parse(new TextDecoder().decode(body));
    asked.push(payloadOf(record).seq);
    return asked.length === 1 ? answerJson(400, { code: "clock_ahead" }) : answer;
  };
  await directories.introduce(world.peer.id, NEVER);
  assertEquals(asked, [START_MS + 2 * HOUR_MS + 1, START_MS]);
});

Deno.test("Directories.introduce() names the directory's new URL once that has moved", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const directories = await world.start(one.url);
  const api_url = "https://moved.example";
  await world.parts.clock.advance(1_000);
  one.record = await one.keys.recordText({ api_url, suites: [], seq: START_MS + 1_000 });
  one.records.set(one.keys.id, one.record);
  const answer = await world.introduction(one, world.peer);
  const named: string[] = [];
  one.instead = ({ url, headers }) => {
    if (!url.endsWith("request-connection")) return null;
    const { htu } = payloadOf(headers!["OpenRed-Proof"]!);
    named.push(String(htu));
    return String(htu).startsWith(api_url) ? answer : answerJson(401, { code: "proof_invalid" });
  };
  await directories.introduce(world.peer.id, NEVER);
  const path = "/api/v3/tokens/request-connection";
  assertEquals(named, [one.url + path, api_url + path]);
});

Deno.test("Directories.introduce() asks once where a proof is refused and the directory has not moved", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  one.records.set(one.keys.id, one.record);
  const directories = await world.start(one.url);
  let asked = 0;
  one.instead = ({ url }) => {
    if (!url.endsWith("request-connection")) return null;
    asked += 1;
    return answerJson(401, { code: "proof_invalid" });
  };
  assertEquals(await codeOf(directories.introduce(world.peer.id, NEVER)), "proof_invalid");
  assertEquals(asked, 1);
});

Deno.test("Directories.introduce() asks the next directory when one fails or introduces somebody else", async () => {
  await using world = await DirectoryWorld.create();
  const names = ["one", "two", "three"];
  const [one, two, three] = await Promise.all(names.map((name) => world.directory(name)));
  const other = await TestNodeKeys.create(world.parts.crypto);
  const directories = await world.start(one!.url, two!.url, three!.url);
  world.receiver.noteAsked(other.id);
  const wrong = await world.introduction(two!, other);
  const right = await world.introduction(three!, world.peer);
  const isAsking = (url: string) => url.endsWith("request-connection");
  one!.instead = ({ url }) => isAsking(url) ? answerJson(404, { code: "node_unknown" }) : null;
  two!.instead = ({ url }) => isAsking(url) ? wrong : null;
  three!.instead = ({ url }) => isAsking(url) ? right : null;
  const pairId = await directories.introduce(world.peer.id, NEVER);
  assertEquals(world.vault.get(pairId)?.peer, world.peer.id);
  three!.instead = one!.instead;
  assertEquals(await codeOf(directories.introduce(world.peer.id, NEVER)), "node_unknown");
});

Deno.test("Directories.introduce() follows the succession of an answer 410", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const directories = await world.start(one.url);
  const last = await chain(world, one, 1);
  const answers = one.instead;
  const succession = await last.succession(world.peer.id);
  one.instead = (request) =>
    request.url.endsWith("request-connection")
      ? answerJson(410, { code: "succeeded", succession })
      : answers(request);
  const moved: NodeId[] = [];
  world.book.onSuccession((_old, next) => moved.push(next));
  assertEquals(await codeOf(directories.introduce(world.peer.id, NEVER)), "succeeded");
  assertEquals(moved, [last.id]);
});

Deno.test("Directories.discover() lists the newest record of each id and names who failed", async () => {
  await using world = await DirectoryWorld.create();
  const names = ["one", "two", "three"];
  const [one, two, three] = await Promise.all(names.map((name) => world.directory(name)));
  const list = async (seq: number, alias: string) => {
    const record = await world.peer.recordText({ seq, alias });
    const node = { record, node_id: world.peer.id, api_url: "", last_seen: 1, status: "active" };
    return answerJson(200, { nodes: [node], next_cursor: null });
  };
  const answers = [await list(START_MS, "old"), await list(START_MS + 1, "new")];
  one!.instead = () => answers[0]!;
  two!.instead = () => answers[1]!;
  three!.instead = () => answerJson(503, { code: "overloaded" });
  const directories = await world.open(one!.url, two!.url, three!.url);
  const found = await directories.discover(new URLSearchParams({ limit: "5" }), NEVER);
  assertEquals(found.nodes.map(({ alias, directory }) => [alias, directory]), [["new", two!.url]]);
  assertEquals(found.failed, [{ url: three!.url, code: "overloaded" }]);
});

Deno.test("Directories.discover() leaves out an entry whose must is not understood, and no other", async () => {
  await using world = await DirectoryWorld.create();
  const directory = await world.directory("one");
  const record = await world.peer.recordText({ seq: START_MS, alias: "plain" });
  const node = { record, node_id: world.peer.id, api_url: "", last_seen: 1, status: "active" };
  const other = await TestNodeKeys.create(world.parts.crypto);
  const newer = { ...node, record: await other.recordText({ seq: START_MS, alias: "newer" }) };
  const list = (must: readonly string[]) =>
    answerJson(200, { nodes: [{ ...newer, must }, node], next_cursor: null });
  const directories = await world.open(directory.url);
  const aliases = async (must: readonly string[]) => {
    directory.instead = () => list(must);
    const { nodes, failed } = await directories.discover(new URLSearchParams(), NEVER);
    assertEquals(failed, []);
    return nodes.map(({ alias }) => alias).sort();
  };
  assertEquals(await aliases(["api_url", "must"]), ["newer", "plain"]);
  assertEquals(await aliases(["api_url", "shape"]), ["plain"]);
});
