import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../protocol/errors.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { DirectoryWorld } from "./directory_world.ts";

const NEVER = new AbortController().signal;

function codeOf(work: Promise<unknown>): Promise<string> {
  return assertRejects(() => work, OpenRedError).then(({ code }) => code);
}

/** A world whose peer was met by a link that names the directory `linked`. */
async function setUp() {
  const world = await DirectoryWorld.create();
  const [own, linked] = [await world.directory("own"), await world.directory("linked")];
  await world.contactDirectories.note(world.peer.id, linked.url);
  linked.records.set(world.peer.id, await world.peer.recordText());
  return { world, own, linked };
}

Deno.test("the directory of a contact link is asked besides the own ones, about that peer only", async () => {
  const { world, own, linked } = await setUp();
  await using _ = world;
  const other = await TestNodeKeys.create(world.parts.crypto);
  linked.records.set(other.id, await other.recordText());
  const directories = await world.start(own.url);
  assertEquals((await directories.lookUp(world.peer.id, NEVER)).id, world.peer.id);
  assertEquals(await codeOf(directories.lookUp(other.id, NEVER)), "node_unknown");
  assertEquals(directories.urls, [own.url]);
  assertEquals(linked.registered, []);
  const listed = await world.open(linked.url);
  const asked = world.http.requests.length;
  await listed.lookUp(world.peer.id, NEVER);
  assertEquals(world.http.requests.length, asked + 1, "once, where it is on the list as well");
});

Deno.test("the directory of a contact link introduces where the own ones cannot, and pushes nothing", async () => {
  const { world, own, linked } = await setUp();
  await using _ = world;
  const directories = await world.start(own.url);
  const answer = await world.introduction(linked, world.peer);
  linked.instead = ({ url }) => url.endsWith("request-connection") ? answer : null;
  const pairId = await directories.introduce(world.peer.id, NEVER);
  assertEquals(world.vault.get(pairId)?.peer, world.peer.id);
  assertEquals(directories.views().map(({ url }) => url), [own.url]);
  const later = await world.introduction(linked, world.peer);
  const { envelope } = JSON.parse(new TextDecoder().decode(later.body));
  const push = directories.receivePush({ envelope, directory: linked.record });
  assertEquals(await codeOf(push), "envelope_refused");
});

Deno.test("the directory of a contact link is not called where this node must not call", async () => {
  const { world, own, linked } = await setUp();
  await using _ = world;
  world.refusedUrls.add(linked.url);
  const directories = await world.start(own.url);
  assertEquals(await codeOf(directories.lookUp(world.peer.id, NEVER)), "node_unknown");
  const called = world.http.requests.filter(({ url }) => url.startsWith(linked.url));
  assertEquals(called, []);
});
