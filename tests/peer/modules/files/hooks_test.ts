import { assertEquals, assertStringIncludes } from "@std/assert";
import type { NodeId } from "../../../../crypto/encoding.ts";
import { HookJournal } from "../../../../peer/modules/hook_journal.ts";
import { settle } from "../../../world/settle.ts";
import { until } from "../../../world/until.ts";
import { fileOf, FileWorld, OTHER, PEER } from "./file_world.ts";

/** Keeps in its rows what it was told, in order; refuses to hear of peers while a row says so. */
const DIARY = fileOf(
  { name: "diary", frames: [{ type: "x", members: ["known"] }] },
  `
  async note(what) {
    if (await context.storage.get("refuses") !== null) throw new Error("not now");
    const before = decoder.decode(await context.storage.get("told") ?? new Uint8Array());
    await context.storage.put("told", encoder.encode(before + what + ";"));
  },
  async start(given) { context = given; await this.note("start"); },
  async peerMoved(old, next) { await this.note("moved " + old + " " + next); },
  async peerForgotten(peer) { await this.note("forgotten " + peer); },
  registerPeerHandlers(peers) {
    peers.frame("x", { receive: async () => { await this.note("frame"); return true; } });
  },
  registerRoutes(router) {
    router.route("PUT", "/refuses", async () => {
      await context.storage.put("refuses", new Uint8Array());
      return {};
    });
    router.route("DELETE", "/refuses", async () => {
      await context.storage.delete("refuses");
      return {};
    });
  },`,
);

function toldOf({ store }: FileWorld): string[] {
  const row = store.statement("SELECT value FROM module_rows WHERE module = ? AND key = ?")
    .get("diary", "told");
  const text = row === undefined ? "" : new TextDecoder().decode(row.value as Uint8Array);
  return text.replaceAll(PEER, "PEER").replaceAll(OTHER, "OTHER").split(";").slice(0, -1);
}

function waitingOf({ store }: FileWorld): number {
  return new HookJournal(store).waiting("diary").length;
}

async function move(test: FileWorld): Promise<void> {
  await test.store.write(() => test.host.writeMove(PEER, OTHER));
}

async function forget(test: FileWorld, peer: NodeId = OTHER): Promise<void> {
  await test.store.write(() => test.host.writeForget(peer));
}

Deno.test("a module that runs is told of peers in order, and each until it has confirmed it", async () => {
  using test = await FileWorld.create();
  await test.load(DIARY);
  await move(test);
  await forget(test);
  assertEquals([toldOf(test), waitingOf(test)], [["start"], 2], "nothing was told yet");
  test.host.peersChanged();
  test.host.peersChanged();
  await settle();
  const told = ["start", "moved PEER OTHER", "forgotten OTHER"];
  assertEquals([toldOf(test), waitingOf(test)], [told, 0]);
  test.host.peersChanged();
  await settle();
  assertEquals(toldOf(test), told, "once");
});

Deno.test("what a process did not come to tell is told by the next one, after start and before any frame", async () => {
  using test = await FileWorld.create();
  await test.load(DIARY);
  await test.world.parts.permissions.decide(PEER, { name: "diary", allowed: true });
  await move(test);
  await test.startAfterKill();
  assertEquals([toldOf(test), waitingOf(test)], [["start", "start", "moved PEER OTHER"], 0]);
  await test.startAfterKill();
  assertEquals(toldOf(test).slice(-2), ["moved PEER OTHER", "start"], "it was confirmed");
});

Deno.test("a module is handed no frame before it was told what it has missed", async () => {
  using test = await FileWorld.create();
  await test.load(DIARY);
  await test.world.parts.permissions.decide(PEER, { name: "diary", allowed: true });
  await test.host.disable("diary");
  await move(test);
  const enabled = test.host.enable("diary");
  // As a peer that repeats its frame until it is taken.
  await until(() => test.hosted.take(PEER, { type: "diary.x", id: "a" }), "the frame is taken");
  await enabled;
  assertEquals(toldOf(test).slice(-3), ["start", "moved PEER OTHER", "frame"]);
});

Deno.test("what was told and not confirmed when the process was killed is told once more", async () => {
  using test = await FileWorld.create();
  await test.load(DIARY);
  await move(test);
  test.world.parts.store.write = () => new Promise(() => {});
  test.host.peersChanged();
  await settle();
  assertEquals(waitingOf(test), 1);
  test.world.parts.reopen();
  await test.startAfterKill();
  assertEquals([toldOf(test).at(-1), waitingOf(test)], ["moved PEER OTHER", 0]);
});

Deno.test("a module that refuses to hear of a peer is ended with that reason, and told at its next start", async () => {
  using test = await FileWorld.create();
  await test.load(DIARY);
  await test.hosted.request("PUT", "/m/diary/refuses");
  await move(test);
  test.host.peersChanged();
  await settle();
  assertStringIncludes(test.view("diary"), "failed: It could not be told of a peer");
  assertEquals(waitingOf(test), 1);
  test.store.statement("DELETE FROM module_rows WHERE key = 'refuses'").run();
  await test.pass(1_000);
  assertEquals([test.view("diary"), waitingOf(test)], ["1.0.0 running", 0]);
  assertEquals(toldOf(test).at(-1), "moved PEER OTHER");
});

Deno.test("what becomes true while a module starts reaches it as well", async () => {
  using test = await FileWorld.create();
  await test.load(DIARY);
  await test.host.disable("diary");
  const enabled = test.host.enable("diary");
  for (let turn = 0; turn < 40; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (test.threads.started.length === 2) break;
  }
  await move(test);
  test.host.peersChanged();
  await enabled;
  await settle();
  assertEquals([toldOf(test).at(-1), waitingOf(test)], ["moved PEER OTHER", 0]);
});

Deno.test("an unloaded module that is forgotten leaves nothing to tell", async () => {
  using test = await FileWorld.create();
  await test.load(DIARY);
  await test.host.disable("diary");
  await move(test);
  await test.host.unload("diary", { forget: true });
  assertEquals(waitingOf(test), 0);
});
