import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runBackup } from "../../central_backup.ts";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { openOwnKeys } from "../../directory/own_keys.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import { createOpenDatabase, openFiles, systemClock, systemRandom } from "../../ports/system.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { testIdentity } from "../protocol/signer.ts";
import { CHEAP_COST } from "../world/cores.ts";
import { runCentral, startCentral } from "./central_process.ts";

const { id: BANNED } = testIdentity(1);

function openStore(data: string): SqliteStore {
  return new SqliteStore(createOpenDatabase(data), systemClock);
}

/** Data of a directory that has run, with a ban and a key. @returns Its id. */
async function makeData(data: string): Promise<string> {
  const store = openStore(data);
  const crypto = await LocalCryptoCore.create();
  const ports = { crypto, files: openFiles(data), random: systemRandom, store };
  const { nodeId } = await openOwnKeys(ports, { cost: CHEAP_COST });
  await store.ban({ id: BANNED, bannedAt: 1, note: "spam" });
  const key = { keyId: "AAAAAAAAAAA", secret: new Uint8Array(16), uses: 9, note: "" };
  await store.addKey({ ...key, madeAt: 1, expiresAt: null });
  await store.close();
  return nodeId;
}

async function run(what: "backup" | "restore", folder: string, data: string, json = false) {
  const said = { out: "", err: "" };
  const code = await runBackup({ what, folder, dataDirectory: data, json }, {
    out: (text) => said.out += text,
    err: (text) => said.err += text,
  });
  return { code, ...said };
}

function modesIn(folder: string): string[] {
  const modeOf = (path: string) => (Deno.statSync(path).mode! & 0o777).toString(8);
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return [modeOf(folder), ...names.map((name) => `${name} ${modeOf(`${folder}/${name}`)}`)];
}

Deno.test("A directory that runs is copied whole, and goes on elsewhere without its former keys", async () => {
  using place = makeTemporaryDirectory();
  const at = (name: string) => `${place.path}/${name}`;
  const id = await makeData(at("data"));
  const running = await startCentral(at("data"));
  assertEquals(running.id, id);
  const made = await runCentral(["backup", `${at("copy")}/`, "--data", at("data")]);
  assertEquals([made.code, made.err], [0, ""]);
  assertEquals((await run("backup", at("copy"), at("data"))).code, 1);
  assertEquals((await running.end("SIGTERM")).code, 0);
  if (Deno.build.os !== "windows") {
    const files = ["directory.db 600", "keystore 600", "node-secret 600"];
    assertEquals(modesIn(at("copy")), ["700", ...files]);
  }

  const restored = await run("restore", at("copy"), at("new"), true);
  assertEquals([restored.code, restored.err], [0, ""]);
  assertEquals(JSON.parse(restored.out), { id, revoked_keys: 1 });
  const again = await run("restore", at("copy"), at("new"));
  assertEquals([again.code, again.err], [1, `error: --data: ${at("new")} is not empty\n`]);
  const store = openStore(at("new"));
  assertEquals((await store.find(BANNED)).ban?.note, "spam");
  const use = { keyId: "AAAAAAAAAAA", id: BANNED, nowMs: systemClock.nowMs() };
  assertEquals(await store.useKey(use), "revoked");
  const floorSec = Number(await store.getOwn("proof_floor"));
  assert(floorSec > systemClock.nowMs() / 1000 - 600, "no proof of before is taken");
  await store.close();
});

Deno.test("restore takes nothing that is damaged or mixed, and leaves nothing of it", async () => {
  using place = makeTemporaryDirectory();
  const at = (name: string) => `${place.path}/${name}`;
  const refusal = async (...args: Parameters<typeof run>) => {
    const { code, out, err } = await run(...args);
    assertEquals([code, out], [1, ""], err);
    return err;
  };
  const restore = () => refusal("restore", at("copy"), at("new"));
  assertStringIncludes(await refusal("backup", at("x"), at("none")), "no directory");
  assertStringIncludes(await restore(), "no backup");
  for (const name of ["a", "b"]) {
    await makeData(at(name));
    assertEquals((await run("backup", at(`copy-${name}`), at(name))).code, 0);
  }
  Deno.renameSync(at("copy-a"), at("copy"));
  for (const name of ["keystore", "node-secret"]) {
    Deno.copyFileSync(at(`copy-b/${name}`), at(`copy/${name}`));
  }
  assertStringIncludes(await restore(), "different directories");
  Deno.copyFileSync(at("b/keystore"), at("copy/node-secret"));
  assert((await restore()).startsWith("error: "));
  const database = Deno.readFileSync(at("copy/directory.db"));
  Deno.writeFileSync(at("copy/directory.db"), database.fill(7, 4096, 12_288));
  assertStringIncludes(await restore(), "damaged");
  Deno.writeFileSync(at("copy/directory.db"), new Uint8Array());
  assertStringIncludes(await restore(), "error:");
  const left = [...Deno.readDirSync(at("new"))].map(({ name }) => name);
  assert(left.every((name) => name.startsWith("lock.")), `${left}`);
});

Deno.test("backup says where the nodes of a directory on Redis are", async () => {
  using place = makeTemporaryDirectory();
  await openFiles(place.path).write("keystore", new Uint8Array(8));
  const { code, err } = await run("backup", `${place.path}/copy`, place.path, true);
  assertEquals(code, 1);
  assertStringIncludes(JSON.parse(err).message, "--store-key-file");
});

Deno.test("A copy that is made while nodes are stored has them as they were at one moment", async () => {
  using place = makeTemporaryDirectory();
  const [data, copy] = [`${place.path}/data`, `${place.path}/copy`];
  await makeData(data);
  const store = openStore(data);
  const ids = Array.from({ length: 256 }, (_, seed) => testIdentity(seed).id);
  let isCopying = true;
  let count = 0;
  const storing = (async () => {
    for (const id of ids) {
      if (!isCopying && count > 20) return;
      await store.ban({ id, bannedAt: 1, note: "" });
      count += 1;
    }
  })();
  assertEquals((await run("backup", copy, data)).code, 0);
  isCopying = false;
  await storing;
  await store.close();
  const copied = openStore(copy);
  const bans = await copied.listBans({ after: "", limit: 500 });
  const order = [BANNED, ...ids.filter((id) => id !== BANNED)];
  const expected = new Set(order.slice(0, bans.length));
  assert(bans.every(({ id }) => expected.has(id)), "what is there came before what is not");
  await copied.close();
});

Deno.test("backup says where it looked, whole, for whoever is in another folder than meant", async () => {
  const { code, err } = await run("backup", "a-copy", "no-data");
  assertEquals([code, err], [1, `error: There is no directory in ${Deno.cwd()}/no-data\n`]);
});
