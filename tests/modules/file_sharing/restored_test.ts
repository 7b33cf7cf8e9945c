import { assertEquals, assertRejects } from "@std/assert";
import { markRestored } from "../../../peer/own/restored_mark.ts";
import type { LinksView, RequestsView } from "../../../protocol/file_links.ts";
import { until } from "../../world/until.ts";
import { PEERS, SharingWorld, testId } from "./sharing_world.ts";

const [PEER] = PEERS;
const BASE = "/m/file_sharing";

async function linksOf({ hosted }: SharingWorld): Promise<readonly string[]> {
  const { links } = await hosted.ask<LinksView>("GET", `${BASE}/links`);
  return links.map(({ state }) => state);
}

async function requestsOf({ hosted }: SharingWorld): Promise<number> {
  return (await hosted.ask<RequestsView>("GET", `${BASE}/requests`)).requests.length;
}

async function shareAll(sharing: SharingWorld): Promise<string> {
  const { hosted, folder } = sharing;
  const { wire } = await sharing.share(PEER, new Uint8Array(5));
  await hosted.ask("POST", `${BASE}/links`, { paths: [`${folder}/shared.bin`] });
  await until(async () => (await linksOf(sharing)).at(-1) === "ready", "the link is ready");
  await hosted.ask("POST", `${BASE}/requests`, { folder });
  return wire;
}

Deno.test("what was shared before a restoration has ended, and what is shared after it has not", async () => {
  await using sharing = await SharingWorld.start();
  const { store, random } = sharing.world.parts;
  const former = await shareAll(sharing);
  await markRestored(store, { nowMs: 1, random });
  await sharing.restart();
  const wanted = { file: 0, download: testId(1) };
  await assertRejects(() => sharing.call("request", PEER, { ...wanted, share: former }));
  assertEquals((await sharing.shares()).map(({ state }) => state), ["failed"]);
  assertEquals(await linksOf(sharing), ["failed"]);
  assertEquals(await requestsOf(sharing), 0);
  const next = await shareAll(sharing);
  await sharing.restart();
  await sharing.call("request", PEER, { ...wanted, share: next });
  assertEquals((await sharing.shares()).map(({ state }) => state), ["failed", "ready"]);
  assertEquals(await linksOf(sharing), ["failed", "ready"]);
  assertEquals(await requestsOf(sharing), 1);
});
