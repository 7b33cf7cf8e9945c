import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeNodeId, encodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { HOUR_MS, START_MS } from "../parts.ts";
import { issuePair, TestNodeKeys } from "../test_node_keys.ts";
import { DirectoryWorld, type FakeDirectory } from "./directory_world.ts";

/** A directory that names its successor, and that successor at the same URL. */
async function succession(world: DirectoryWorld): Promise<[FakeDirectory, FakeDirectory]> {
  const next = await TestNodeKeys.create(world.parts.crypto);
  const old = await world.directory("one");
  const pin = encodeBase64Url(await world.parts.crypto.sha256(decodeNodeId(next.id)!));
  old.record = await old.keys.recordText({ api_url: old.url, suites: [], next: pin });
  await world.start(old.url);
  await world.stop();
  const successor = await world.directory("one", next);
  successor.more = { succession: await next.succession(old.keys.id) };
  return [old, successor];
}

Deno.test("DirectoryLink pins the id of the first answer, across a restart", async () => {
  await using world = await DirectoryWorld.create();
  const first = await world.directory("one");
  const directories = await world.start(first.url);
  assertEquals(directories.views()[0]?.directory_id, first.keys.id);
  assertEquals(world.events[0], {
    type: "registered",
    directory: first.url,
    directory_id: first.keys.id,
  });
  await world.stop();
  await world.directory("one");
  const again = await world.start(first.url);
  const [view] = again.views();
  assertEquals([view?.state, view?.last_error], ["refused", "forbidden"]);
  assertEquals(view?.directory_id, first.keys.id, "what was pinned stays");
  assertEquals(world.parts.events.warnings().length, 1);
});

Deno.test("DirectoryLink refuses another id than the one after # from the first answer on", async () => {
  await using world = await DirectoryWorld.create();
  const [wanted, other] = [await world.directory("two"), await world.directory("one")];
  const directories = await world.start(`${other.url}#${wanted.keys.id}`);
  const [view] = directories.views();
  assertEquals([view?.state, view?.directory_id], ["refused", null]);
});

Deno.test("DirectoryLink takes a changed id once the operator lists it", async () => {
  await using world = await DirectoryWorld.create();
  await world.start((await world.directory("one")).url);
  await world.stop();
  const other = await world.directory("one");
  const directories = await world.start(`${other.url}#${other.keys.id}`);
  assertEquals(directories.views()[0]?.directory_id, other.keys.id);
});

Deno.test("DirectoryLink follows a succession that the pinned key announced", async () => {
  await using world = await DirectoryWorld.create();
  const [old, successor] = await succession(world);
  const directories = await world.start(old.url);
  assertEquals(directories.views()[0]?.directory_id, successor.keys.id);
  await world.stop();
  successor.more = {};
  const again = await world.start(`${old.url}#${old.keys.id}`);
  const [view] = again.views();
  assertEquals(
    [view?.state, view?.directory_id],
    ["registered", successor.keys.id],
    "an entry with the first id holds",
  );
  await world.stop();
  await world.start(`${old.url}#${successor.keys.id}`);
  const row = world.parts.store.statement("SELECT id FROM directories").get();
  assertEquals(row?.id, old.keys.id, "and so does one with the present id");
});

Deno.test("DirectoryLink pins the successor's own next with it", async () => {
  await using world = await DirectoryWorld.create();
  const [old, successor] = await succession(world);
  const last = await TestNodeKeys.create(world.parts.crypto);
  const next = encodeBase64Url(await world.parts.crypto.sha256(decodeNodeId(last.id)!));
  successor.more = { succession: await successor.keys.succession(old.keys.id, { next }) };
  await world.start(old.url);
  await world.stop();
  const third = await world.directory("one", last);
  third.more = { succession: await last.succession(successor.keys.id) };
  const directories = await world.start(old.url);
  assertEquals(directories.views()[0]?.directory_id, last.id);
});

Deno.test("DirectoryLink pins the first next it sees: who has the key cannot announce another", async () => {
  await using world = await DirectoryWorld.create();
  const [old, successor] = await succession(world);
  const thief = await TestNodeKeys.create(world.parts.crypto);
  const next = encodeBase64Url(await world.parts.crypto.sha256(decodeNodeId(thief.id)!));
  const stolen = await world.directory("one", old.keys);
  stolen.record = await old.keys.recordText({ suites: [], next, seq: START_MS + 1 });
  await world.start(old.url);
  await world.stop();
  const other = await world.directory("one", thief);
  other.more = { succession: await thief.succession(old.keys.id) };
  const refused = await world.start(old.url);
  assertEquals(refused.views()[0]?.directory_id, old.keys.id);
  await world.stop();
  await successor.serve(world.http);
  const directories = await world.start(old.url);
  assertEquals(directories.views()[0]?.directory_id, successor.keys.id);
});

Deno.test("DirectoryLink keeps the pinned id when the stored record is damaged", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  await world.start(one.url);
  await world.stop();
  await world.parts.store.write(() => {
    world.parts.store.statement("UPDATE directories SET record = 'a.b.c'").run();
  });
  await world.directory("one");
  const refused = await world.start(one.url);
  assertEquals(refused.views()[0]?.state, "refused");
  await world.stop();
  await one.serve(world.http);
  const directories = await world.start(one.url);
  assertEquals(directories.views()[0]?.directory_id, one.keys.id);
});

Deno.test("DirectoryLink takes no record that is ahead of its clock, nor an answer that names another id", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const ahead = { api_url: one.url, suites: [], seq: START_MS + HOUR_MS };
  const { record } = one;
  one.record = await one.keys.recordText(ahead);
  const first = await world.start(one.url);
  assertEquals(first.views()[0]?.last_error, "clock_ahead");
  await world.stop();
  one.record = record;
  one.more = { directory_id: world.peer.id };
  const other = await world.start(one.url);
  assertEquals([other.views()[0]?.last_error, other.views()[0]?.directory_id], ["forbidden", null]);
  await world.stop();
  one.more = {};
  await world.start(one.url);
  await world.stop();
  one.record = await one.keys.recordText(ahead);
  const directories = await world.start(one.url);
  assertEquals(directories.views()[0]?.state, "registered");
  const row = world.parts.store.statement("SELECT record FROM directories").get();
  assertEquals(row?.record, record);
});

Deno.test("DirectoryLink refuses a succession by a key nobody announced, and keeps its pin", async () => {
  await using world = await DirectoryWorld.create();
  const [old, successor] = await succession(world);
  const thief = await world.directory("one", await TestNodeKeys.create(world.parts.crypto));
  for (const by of [thief, successor]) {
    thief.more = { succession: await by.keys.succession(old.keys.id) };
    const directories = await world.start(old.url);
    assertEquals(directories.views()[0]?.directory_id, old.keys.id);
    await world.stop();
  }
});

Deno.test("DirectoryLink keeps its pin when the successor's record is ahead of the clock", async () => {
  await using world = await DirectoryWorld.create();
  const [old, successor] = await succession(world);
  const ahead = { api_url: old.url, suites: [], seq: START_MS + HOUR_MS };
  successor.record = await successor.keys.recordText(ahead);
  const directories = await world.start(old.url);
  assertEquals(directories.views()[0]?.directory_id, old.keys.id);
});

Deno.test("DirectoryLink takes the newest of the directory's records and no older one", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  one.record = await one.keys.recordText({ api_url: one.url, suites: [], seq: START_MS + 5 });
  const directories = await world.start(one.url);
  const pair = await issuePair(one.keys, { a: world.peer, b: world.own });
  const older = await one.keys.recordText({
    api_url: one.url,
    suites: [],
    noise_key: encodeBase64Url(new Uint8Array(32).fill(9)),
  });
  await directories.receivePush({ envelope: pair.b, directory: older });
  assertEquals(world.vault.all().length, 1, "opened with the noise key of the record held");
});

Deno.test("Directories.receivePush() takes the record first, and refuses who is not pinned", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const directories = await world.start(one.url);
  const pair = await issuePair(one.keys, { a: world.peer, b: world.own });
  const newer = await one.keys.recordText({ api_url: one.url, suites: [], seq: START_MS + 1 });
  await directories.receivePush({ envelope: pair.b, directory: newer });
  const row = world.parts.store.statement("SELECT record FROM directories").get();
  assertEquals(row?.record, newer);
  const stranger = await TestNodeKeys.create(world.parts.crypto);
  const foreign = await issuePair(stranger, { a: world.peer, b: world.own });
  const directory = await stranger.recordText();
  for (
    const push of [{ envelope: foreign.b, directory }, { envelope: pair.b, directory: "a.b.c" }]
  ) {
    const error = await assertRejects(() => directories.receivePush(push), OpenRedError);
    assertEquals(error.code, "envelope_refused");
  }
  assert(world.vault.all().length === 1);
});
