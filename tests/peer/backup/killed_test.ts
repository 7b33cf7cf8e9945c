import { assert, assertEquals, assertRejects } from "@std/assert";
import type { DatabaseSync } from "node:sqlite";
import type { RestoreTarget } from "../../../peer/backup/restore.ts";
import { settleData } from "../../../peer/data/data_state.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { createOpenDatabase, openFiles, systemClock } from "../../../ports/system.ts";
import { LifeNode } from "../data/life_world.ts";
import { backUpStopped, restore } from "./backups.ts";

class Killed extends Error {}

/** A process that ends at one of its changes, before it reached the disk, after it, or in the middle of it. */
class MortalProcess {
  readonly #endsAt: number;
  readonly #how: "before" | "after" | "within";
  #changes = 0;

  constructor(endsAt: number, how: "before" | "after" | "within") {
    this.#endsAt = endsAt;
    this.#how = how;
  }

  /** What reads and writes a data directory for as long as the process lives. */
  on(data: string): RestoreTarget {
    const files = openFiles(data);
    const change = (apply: () => Promise<void>, half = apply) => this.#changeFile(apply, half);
    const open = createOpenDatabase(data);
    return {
      files: {
        read: (name) => files.read(name),
        list: (prefix) => files.list(prefix),
        write: (name, content) => change(() => files.write(name, content)),
        append: (name, content) =>
          change(
            () => files.append(name, content),
            () => files.append(name, content.subarray(0, content.length >> 1)),
          ),
        truncate: (name, bytes) => change(() => files.truncate(name, bytes)),
        remove: (name) => change(() => files.remove(name)),
        copy: (name, newName) => change(() => files.copy(name, newName)),
        rename: (name, newName) => change(() => files.rename(name, newName)),
      },
      openDatabase: (name) => this.#guard(open(name)),
    };
  }

  async #changeFile(apply: () => Promise<void>, half: () => Promise<void>): Promise<void> {
    const isEnd = this.#step();
    if (!isEnd || this.#how === "after") await apply();
    else if (this.#how === "within") await half();
    if (isEnd) throw new Killed();
  }

  /** A dead process rolls nothing back; SQLite does when the database is opened again. */
  #guard(database: DatabaseSync): DatabaseSync {
    return new Proxy(database, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        if (key !== "exec") return member.bind(target);
        return (sql: string) => {
          const isEnd = this.#step();
          if (!isEnd || this.#how === "after") target.exec(sql);
          if (isEnd) throw new Killed();
        };
      },
    });
  }

  #step(): boolean {
    this.#changes += 1;
    if (this.#changes > this.#endsAt) throw new Killed();
    return this.#changes === this.#endsAt;
  }
}

function isKilled(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Killed) return true;
  }
  return false;
}

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
