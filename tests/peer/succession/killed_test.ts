import { assert, assertEquals } from "@std/assert";
import { succeedNode } from "../../../peer/succession/succeed.ts";
import type { Files } from "../../../ports/ports.ts";
import { settleData } from "../../../peer/data_state.ts";
import { openKeystoreFiles } from "../../../ports/keystore_files.ts";
import { NodeStore } from "../../../peer/store.ts";
import { CHEAP, LifeNode } from "./life_world.ts";

class Killed extends Error {}

/** Files whose process ends at the change with a certain number, before or after it reached the disk. */
function mortal(files: Files, endsAt: { change: number; isDone: boolean }): Files {
  let changes = 0;
  const change = async (apply: () => Promise<void>) => {
    const isEnd = ++changes === endsAt.change;
    if (changes > endsAt.change) throw new Killed();
    if (!isEnd || endsAt.isDone) await apply();
    if (isEnd) throw new Killed();
  };
  return {
    read: (name) => files.read(name),
    list: (prefix) => files.list(prefix),
    write: (name, content) => change(() => files.write(name, content)),
    append: (name, content) => change(() => files.append(name, content)),
    remove: (name) => change(() => files.remove(name)),
  };
}

/** @returns Whether it was killed. */
async function succeedMortally(
  node: LifeNode,
  phrase: Uint8Array,
  endsAt: { change: number; isDone: boolean },
): Promise<boolean> {
  try {
    await node.onData((ports) =>
      succeedNode({ ...ports, files: mortal(ports.files, endsAt) }, {
        phrase: phrase.slice(),
        from: null,
        cost: CHEAP,
        show: () => Promise.resolve(),
      })
    );
    return false;
  } catch (error) {
    if (error instanceof Killed) return true;
    throw error;
  }
}

/** Whom the data directory is after the next start: in its keystore and in its database. */
async function whoIs(
  node: LifeNode,
): Promise<readonly [keystore: string, database: string | null]> {
  return await node.onData(async (ports) => {
    await settleData(ports);
    const { nodeId } = await openKeystoreFiles(ports);
    const store = new NodeStore(ports.openDatabase, ports.clock);
    const stored = store.self("node_id");
    store.close();
    return [nodeId, stored] as const;
  });
}

Deno.test("a succession that is killed anywhere leaves the old or the new identity whole", async () => {
  const outcomes = new Set<boolean>();
  for (const isDone of [false, true]) {
    for (let change = 1;; change++) {
      await using node = new LifeNode();
      const phrase = await node.init();
      await node.start();
      const { id } = node;
      await node.stop();
      const wasKilled = await succeedMortally(node, phrase, { change, isDone });
      const [keystore, database] = await whoIs(node);
      assertEquals(keystore, database, `killed at change ${change}`);
      outcomes.add(keystore === id);
      await node.start();
      assertEquals(node.id, keystore);
      if (keystore === id) {
        await node.stop();
        assertEquals(await succeedMortally(node, phrase, { change: 1_000, isDone }), false);
      }
      if (!wasKilled) break;
      assert(change < 100);
    }
  }
  assertEquals(outcomes, new Set([true, false]));
});
