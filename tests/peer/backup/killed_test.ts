import { assert, assertEquals, assertRejects } from "@std/assert";
import { settleData } from "../../../peer/data/data_state.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { createOpenDatabase, openFiles, systemClock } from "../../../ports/system.ts";
import { LifeNode } from "../data/life_world.ts";
import { isKilled, MortalProcess } from "../../world/mortal_process.ts";
import { backUpStopped, restore } from "./backups.ts";

async function restoreMortally(
  into: LifeNode,
  backup: Uint8Array,
  process: MortalProcess,
): Promise<boolean> {
  try {
    await restore(into, backup, { target: process.on(into.data) });
    return false;
  } catch (error) {
    if (isKilled(error)) return true;
    throw error;
  }
}

/** What the next start finds. */
async function outcome(node: LifeNode, id: string): Promise<"nothing" | "refused" | "whole"> {
  if ([...Deno.readDirSync(node.data)].length === 0) return "nothing";
  const files = openFiles(node.data);
  if (await files.read("restoring") !== null) {
    await assertRejects(
      () => node.start(),
      Error,
      "empty this data directory and restore it again",
    );
    return "refused";
  }
  await node.onData((ports) => settleData(ports));
  const store = new NodeStore(createOpenDatabase(node.data), systemClock);
  const found = [store.self("node_id"), store.self("restored") === null];
  store.close();
  assertEquals(found, [id, false]);
  await node.start();
  assertEquals(node.id, id);
  await node.stop();
  return "whole";
}

Deno.test("a restoring that is killed anywhere leaves nothing, a directory that is refused, or a whole one", async () => {
  await using node = new LifeNode();
  await node.init();
  await node.start();
  const { id } = node;
  await node.stop();
  const backup = await backUpStopped(node);
  const outcomes = new Set<string>();
  for (const how of ["before", "within", "after"] as const) {
    for (let change = 1;; change++) {
      await using into = new LifeNode();
      const wasKilled = await restoreMortally(into, backup, new MortalProcess(change, how));
      const found = await outcome(into, id);
      outcomes.add(found);
      if (!wasKilled) {
        assertEquals(found, "whole");
        break;
      }
      assert(change < 100);
    }
  }
  assertEquals(outcomes, new Set(["nothing", "refused", "whole"]));
});
