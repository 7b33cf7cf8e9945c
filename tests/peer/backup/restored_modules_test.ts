import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { ModulesView } from "../../../protocol/module_api.ts";
import { LifeNode } from "../data/life_world.ts";
import { fileOf } from "../modules/files/file_world.ts";
import { until } from "../../world/until.ts";
import { backUpRunning, restore } from "./backups.ts";

const FILE = encodeUtf8(fileOf(
  { name: "kept" },
  `registerRoutes(router) {
    router.route("GET", "/", async () => ({ json: await context.storage.get("key") !== null }));
    router.route("PUT", "/", async ({ body }) => {
      await context.storage.put("key", body);
      return { json: null };
    });
  },`,
));

async function stateOf(node: LifeNode): Promise<string> {
  const { modules } = await node.ask<ModulesView>("GET", "/modules");
  const { state, why } = modules.find(({ name }) => name === "kept")!;
  return why === undefined ? state : `${state}: ${why}`;
}

Deno.test("after a restore a module from a file waits until its owner agrees to it there", async () => {
  await using node = new LifeNode();
  await node.start();
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", FILE)).toHex();
  const input = { code: encodeBase64Url(FILE), sha256, grants: [], change: "new" };
  await node.ask("POST", "/modules/load", input);
  await node.ask("PUT", "/m/kept/", "text");
  const backup = await backUpRunning(node);
  await node.stop();
  await using restored = new LifeNode();
  await restore(restored, backup);
  for (let start = 0; start < 2; start++) {
    await restored.start();
    await until(async () => await stateOf(restored) !== "stopped", "it was looked at");
    assertStringIncludes(await stateOf(restored), "needs_grant: It came with a backup");
    const { code } = await assertRejects(() => restored.ask("GET", "/m/kept/"), OpenRedError);
    assertEquals(code, "not_found");
    await restored.stop();
  }
  await restored.start();
  await restored.ask("POST", "/modules/enable", { module: "kept" });
  assertEquals(await restored.ask("GET", "/m/kept/"), true, "with what it had kept");
  await restored.stop();
  await restored.start();
  await until(async () => await stateOf(restored) === "running", "it starts by itself from now on");
  // The node that the backup was made of has been agreed to as before.
  await node.start();
  await until(async () => await stateOf(node) === "running", "it starts there as well");
});
