import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { base64Url, randomBytes, sha256 } from "./bytes.ts";
import { Identity, open } from "./identity.ts";
import { readEnvelope } from "./envelope.ts";
import { hasMembers, Peer } from "./peer.ts";
import { getJson, postJson } from "./session.ts";
import { RealDirectory } from "../world/real_directory.ts";

async function openDirectory() {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await new RealDirectory().start());
  const peer = stack.use(new Peer("the peer"));
  const other = stack.use(new Peer("another peer"));
  const register = async (record: string, more = {}) => {
    const url = `${directory.url}/api/v3/nodes/register`;
    return await postJson(url, { record, ...more });
  };
  return { directory, peer, other, register, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("the directory keeps the order of seq and answers the stored text again", async () => {
  await using scene = await openDirectory();
  const { peer, register } = scene;
  const first = peer.record;
  const answer = await register(first);
  assertEquals([answer.status, answer.body.status], [201, "active"]);
  // No callback is made for what is stored already: this one would fail.
  peer.identityBend = { nonce: "wrong" };
  const again = await register(first);
  assertEquals([again.status, again.body.node_id], [201, peer.id]);
  const { seq } = open("record", first);
  const equal = await register(peer.sign({ seq, alias: "other text" }));
  assertEquals([equal.status, equal.body.code], [409, "seq_behind"]);
  assertEquals(equal.body.record, first);
  const second = peer.sign();
  assertEquals((await register(second)).status, 201);
  const behind = await register(first);
  assertEquals([behind.status, behind.body.code, behind.body.record], [409, "seq_behind", second]);
});

Deno.test("the directory calls back when the noise key changes, and judges each member", async () => {
  await using scene = await openDirectory();
  const { peer, register } = scene;
  const bends = [
    { nonce: base64Url(randomBytes(16)) },
    { aud: peer.id },
    { api_url: "http://127.0.0.1:1" },
    { noise_key: base64Url(randomBytes(32)) },
    { iat: Math.floor(Date.now() / 1000) - 130 },
    { iat: Math.floor(Date.now() / 1000) + 130 },
    { v: 4 },
  ];
  for (const bend of bends) {
    peer.identityBend = bend;
    const { status, body } = await register(peer.sign());
    assertEquals([status, body.code], [502, "callback_failed"], JSON.stringify(bend));
  }
  peer.identityBend = {};
  assertEquals((await register(peer.record)).status, 201);
  peer.identityBend = { v: 4 };
  assertEquals((await register(peer.sign({ alias: "no change to call for" }))).status, 201);
  const changed = await register(peer.sign({ noise_key: base64Url(randomBytes(32)) }));
  assertEquals([changed.status, changed.body.code], [502, "callback_failed"]);
});

Deno.test("the directory refuses records with the code of their first fault", async () => {
  await using scene = await openDirectory();
  const { peer, register } = scene;
  const now = Date.now();
  const codeOf = async (record: unknown, more = {}) => {
    const { status, body } = await register(record as string, more);
    return [status, body.code];
  };
  assertEquals(await codeOf(7), [400, "bad_request"]);
  assertEquals(await codeOf("a.b.c"), [400, "bad_request"]);
  assertEquals(await codeOf(peer.sign({ v: 4 })), [400, "unsupported"]);
  assertEquals(await codeOf(peer.sign({ must: ["time_travel"] })), [400, "unsupported"]);
  const [header, payload] = peer.sign().split(".");
  const forged = `${header}.${payload}.${base64Url(randomBytes(64))}`;
  assertEquals(await codeOf(forged), [400, "bad_signature"]);
  assertEquals(
    await codeOf(peer.sign({ seq: now + 130_000, iat: Math.floor(now / 1000) + 130 })),
    [400, "clock_ahead"],
  );
  const old = now - 86_400_000 - 200_000;
  const iat = Math.floor(old / 1000);
  assertEquals(
    await codeOf(peer.sign({ seq: old, iat, exp: iat + 86_400 })),
    [400, "record_stale"],
  );
  assertEquals(await codeOf(peer.sign({ exp: Math.floor(now / 1000) + 90_000 })), [
    400,
    "bad_request",
  ]);
  for (const url of ["http://127.0.0.1:1/", "ftp://127.0.0.1", "http://a@127.0.0.1:9"]) {
    assertEquals(await codeOf(peer.sign({ api_url: url })), [400, "url_refused"], url);
  }
  assertEquals(await codeOf(peer.sign({ alias: "x".repeat(65) })), [400, "bad_request"]);
  assertEquals((await register(peer.sign({ later: { deep: true } }))).status, 201);
});

Deno.test("gone needs no callback, cannot be undone by an older record, and ends with a higher seq", async () => {
  await using scene = await openDirectory();
  const { directory, other, peer, register } = scene;
  const before = peer.record;
  await register(before);
  await register(other.record);
  peer.identityBend = { v: 4 };
  const gone = await register(peer.sign({ gone: true, api_url: "" }));
  assertEquals([gone.status, gone.body.status], [201, "gone"]);
  const replayed = await register(before);
  assertEquals([replayed.status, replayed.body.code], [409, "seq_behind"]);
  const shown = await getJson(`${directory.url}/api/v3/nodes/${peer.id}`);
  assertEquals([shown.status, shown.body.status, shown.body.record], [200, "gone", peer.record]);
  const { body: list } = await getJson(`${directory.url}/api/v3/nodes/discover`);
  assertEquals((list.nodes as { node_id: string }[]).map(({ node_id }) => node_id), [other.id]);
  const asked = await other.ask(directory.url, peer.id);
  assertEquals([asked.status, asked.body.code], [502, "target_unreachable"]);
  const asker = await peer.ask(directory.url, other.id);
  assertEquals([asker.status, asker.body.code], [403, "requester_unknown"]);
  peer.identityBend = {};
  const back = await register(peer.sign());
  assertEquals([back.status, back.body.status], [201, "active"]);
});

Deno.test("a succession moves an id where it was pinned, and nowhere else", async () => {
  await using scene = await openDirectory();
  const { directory, other, peer, register } = scene;
  const nextSeed = randomBytes(32);
  const next = new Identity(nextSeed);
  peer.members = { next: base64Url(sha256(next.raw)) };
  await register(peer.record);
  await register(other.record);
  await using follower = new Peer("the follower", { seed: nextSeed });
  const succession = next.sign("succession", {
    v: 3,
    old: peer.id,
    iat: Math.floor(Date.now() / 1000),
  });
  const thief = other.identity.sign("succession", { v: 3, old: peer.id, iat: 1 });
  const stolen = await register(other.sign(), { succession: thief });
  assertEquals([stolen.status, stolen.body.code], [409, "succession_refused"]);
  const nobody = next.sign("succession", { v: 3, old: new Identity().id, iat: 1 });
  const unpinned = await register(follower.record, { succession: nobody });
  assertEquals([unpinned.status, unpinned.body.code], [409, "succession_refused"]);
  assertEquals((await register(follower.record, { succession })).status, 201);
  const gone = (status: number, body: Record<string, unknown>) =>
    assertEquals([status, body.code, body.succession], [410, "succeeded", succession]);
  const looked = await getJson(`${directory.url}/api/v3/nodes/${peer.id}`);
  gone(looked.status, looked.body);
  const again = await register(peer.sign());
  gone(again.status, again.body);
  const asking = await peer.ask(directory.url, other.id);
  gone(asking.status, asking.body);
  const asked = await other.ask(directory.url, peer.id);
  gone(asked.status, asked.body);
});

Deno.test("the directory judges proofs as §3 says", async () => {
  await using scene = await openDirectory();
  const { directory, other, peer, register } = scene;
  await register(peer.record);
  await other.register(directory.url);
  const codeOf = async (proof: Record<string, unknown>) => {
    const { status, body } = await peer.ask(directory.url, other.id, { proof });
    return [status, body.code];
  };
  const invalid = [401, "proof_invalid"];
  assertEquals(await codeOf({ htm: "GET" }), invalid);
  assertEquals(await codeOf({ htu: `${directory.url}/api/v3/health` }), invalid);
  assertEquals(await codeOf({ bh: base64Url(sha256()) }), invalid);
  assertEquals(await codeOf({ jti: "short" }), invalid);
  assertEquals(await codeOf({ jti: undefined }), invalid);
  const url = `${directory.url}/api/v3/tokens/request-connection`;
  const body = JSON.stringify({ target: other.id });
  const none = await postJson(url, body);
  assertEquals([none.status, none.body.code], invalid);
  const foreign = peer.identity.sign("record", { htm: "POST", htu: url });
  const typed = await postJson(url, body, { "openred-proof": foreign });
  assertEquals([typed.status, typed.body.code], invalid);
  const late = await peer.ask(directory.url, other.id, {
    proof: { iat: Math.floor(Date.now() / 1000) - 70 },
  });
  assertEquals([late.status, late.body.code], [401, "clock_skew"]);
  assert(Math.abs(Number(late.body.now_at) - Date.now()) < 5_000);
  const jti = base64Url(randomBytes(16));
  assertEquals((await peer.ask(directory.url, other.id, { proof: { jti } })).status, 200);
  assertEquals(await codeOf({ jti }), [401, "proof_replayed"]);
});

Deno.test("the directory introduces two programs of one text to each other", async () => {
  await using scene = await openDirectory();
  const { directory, other, peer, register } = scene;
  await other.register(directory.url);
  const unknown = await peer.ask(directory.url, other.id);
  assertEquals([unknown.status, unknown.body.code], [403, "requester_unknown"]);
  const more = { record: peer.record };
  const { status, headers, body } = await peer.ask(directory.url, other.id, { more });
  assertEquals([status, body.delivered], [200, false]);
  assertEquals(headers.get("content-type")?.startsWith("application/json"), true);
  assertEquals(
    hasMembers(body, [
      "pair_id",
      "method",
      "epoch",
      "issued_at",
      "expires_at",
      "delivered",
      "envelope",
      "directory",
    ]),
    true,
  );
  peer.directory = String(body.directory);
  const receiver = { directory: peer.directory, me: peer.id, key: peer.key };
  const { outer, inner } = readEnvelope(body.envelope, receiver);
  assertEquals(hasMembers(outer, ["v", "iss", "aud", "pair_id", "iat", "exp", "noise"]), true);
  assertEquals(
    hasMembers(inner, [
      "role",
      "token",
      "peer_salt",
      "check",
      "method",
      "epoch",
      "issued_at",
      "expires_at",
      "peer",
    ]),
    true,
  );
  const mine = peer.open(body.envelope);
  const { held: theirs } = await other.pushes.take();
  assertEquals(theirs.half.pairId, mine.half.pairId);
  assertEquals(body.pair_id, base64Url(mine.half.pairId));
  assertEquals([body.method, body.issued_at], [mine.half.method, mine.half.issuedAt]);
  assertEquals(body.epoch, Math.floor(mine.half.issuedAt / 3_600_000));
  const utc = new Date(mine.half.issuedAt);
  const hourly = (utc.getUTCHours() + utc.getUTCDate()) % 4;
  assertEquals(body.method, ["alpha", "beta", "gamma", "delta"][hourly]);
  const session = await peer.connect(mine);
  const { session: answering } = await other.called.take();
  assertEquals(session.keys.binding, answering!.keys.binding);
  await register(peer.record);
  const second = await peer.ask(directory.url, other.id);
  assertEquals([second.status, second.body.delivered], [200, true]);
  assertEquals((await peer.pushes.take()).envelope, second.body.envelope);
});

Deno.test("the directory answers unknown, own and unfit targets with their codes", async () => {
  await using scene = await openDirectory();
  const { directory, other, peer, register } = scene;
  await register(peer.record);
  await register(other.sign({ methods: ["epsilon"] }));
  const codeOf = async (target: string) => {
    const { status, body } = await peer.ask(directory.url, target);
    return [status, body.code];
  };
  const nobody = new Identity().id;
  assertEquals(await codeOf(nobody), [404, "node_unknown"]);
  assertEquals(await codeOf(peer.id), [400, "bad_request"]);
  assertEquals(await codeOf("z6Mk"), [400, "bad_request"]);
  assertEquals(await codeOf(other.id), [409, "method_none"]);
  const looked = await getJson(`${directory.url}/api/v3/nodes/${nobody}`);
  assertEquals([looked.status, looked.body.code], [404, "node_unknown"]);
  assertNotEquals(looked.headers.get("retry-after"), null);
  assertEquals(looked.headers.get("content-type")?.startsWith("application/problem+json"), true);
  const own = await getJson(`${directory.url}/api/v3/nodes/${directory.id}`);
  assertEquals([own.status, own.body.node_id, own.body.api_url], [
    200,
    directory.id,
    directory.url,
  ]);
  const health = await getJson(`${directory.url}/api/v3/health`);
  assertEquals(health.status, 200);
  assertEquals(health.body.directory_id, directory.id);
  assertEquals(health.body.nodes, 2);
});

Deno.test("discover pages by node id and shows neither unlisted nor unfitting nodes", async () => {
  await using scene = await openDirectory();
  const { directory, register } = scene;
  await using stack = new AsyncDisposableStack();
  const peers = [0, 1, 2, 3].map((n) => {
    const peer = stack.use(new Peer(`the peer ${n}`));
    peer.sign({ alias: n < 2 ? "twin" : "other", ...(n === 3 ? { unlisted: true } : {}) });
    return peer;
  });
  for (const { record } of peers) assertEquals((await register(record)).status, 201);
  const listed = peers.slice(0, 3).map(({ id }) => id).toSorted();
  const seen: string[] = [];
  let cursor: unknown = "";
  while (cursor !== null) {
    const query = `limit=1${cursor === "" ? "" : `&cursor=${encodeURIComponent(String(cursor))}`}`;
    const { status, body } = await getJson(`${directory.url}/api/v3/nodes/discover?${query}`);
    assertEquals(status, 200);
    for (const node of body.nodes as Record<string, unknown>[]) {
      assertEquals(Object.keys(node).sort(), [
        "api_url",
        "last_seen",
        "node_id",
        "record",
        "status",
      ]);
      seen.push(String(node.node_id));
    }
    cursor = body.next_cursor;
  }
  assertEquals(seen, listed);
  const idsOf = async (query: string) => {
    const { body } = await getJson(`${directory.url}/api/v3/nodes/discover?${query}`);
    return (body.nodes as { node_id: string }[]).map(({ node_id }) => node_id);
  };
  const twins = peers.slice(0, 2).map(({ id }) => id).toSorted();
  assertEquals(await idsOf("alias=twin"), twins);
  assertEquals(await idsOf("alias=twi"), []);
  assertEquals(await idsOf("alias=twin&service=messaging"), twins);
  assertEquals(await idsOf("service=file_sharing"), []);
  assertEquals(await idsOf("status=stale"), []);
  const bad = await getJson(`${directory.url}/api/v3/nodes/discover?limit=101`);
  assertEquals([bad.status, bad.body.code], [400, "bad_request"]);
  const hidden = await getJson(`${directory.url}/api/v3/nodes/${peers[3]!.id}`);
  assertEquals(hidden.status, 200);
});

Deno.test("the directory gives 120 s to iat and exp, and none after them", async () => {
  await using scene = await openDirectory();
  const { peer, register } = scene;
  const now = Date.now();
  const ahead = now + 110_000;
  const old = now - 3_600_000;
  const iat = Math.floor(old / 1000);
  const exp = Math.floor(now / 1000);
  const codeOf = async (record: string) => (await register(record)).body.code ?? 201;
  assertEquals(await codeOf(peer.sign({ seq: old, iat, exp: exp - 130 })), "record_stale");
  assertEquals(await codeOf(peer.sign({ seq: old, iat, exp: exp - 110 })), 201);
  assertEquals(await codeOf(peer.sign({ seq: ahead, iat: Math.floor(ahead / 1000) })), 201);
});

Deno.test("a push that the target refuses makes the directory throw the pair away", async () => {
  await using scene = await openDirectory();
  const { directory, other, peer, register } = scene;
  await register(peer.record);
  // It knows no directory, so it refuses every push.
  await register(other.record);
  const { status, body } = await peer.ask(directory.url, other.id);
  assertEquals([status, body.code, body.envelope], [502, "target_unreachable", undefined]);
  assertEquals(peer.pushes.items, []);
});
