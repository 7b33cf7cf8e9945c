import { assert, assertEquals, assertRejects } from "@std/assert";
import { backUpNode } from "../../../peer/backup/backup_node.ts";
import { initNode } from "../../../peer/data/init.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { LifeNode } from "./life_world.ts";
import { CHEAP_COST } from "../../world/cores.ts";

/** A stopped node that has lived: with a recovery phrase, an audit log and a vault. */
async function livedNode(): Promise<{ node: LifeNode; id: string; phrase: Uint8Array }> {
  const node = new LifeNode();
  const phrase = await node.init();
  await node.start();
  const { id } = node;
  await node.stop();
  Deno.writeTextFileSync(`${node.data}/.env`, "TOKEN_MASTER_KEY=derived_from_node_secret\n");
  return { node, id, phrase };
}

function contentOf(data: string): Map<string, string> {
  const names = [...Deno.readDirSync(data)].map(({ name }) => name).sort();
  return new Map(names.map((name) => [name, `${Deno.readFileSync(`${data}/${name}`)}`]));
}

function remove(node: LifeNode, names: readonly string[]): void {
  for (const name of names) Deno.removeSync(`${node.data}/${name}`);
}

/** All that opens a node's data refuses, with this code and text, and changes nothing. */
async function assertRefused(
  { node, phrase }: { node: LifeNode; phrase: Uint8Array },
  expected: readonly [code: string, text: string],
  works: readonly string[] = ["run", "init", "succeed", "back up"],
): Promise<void> {
  const before = contentOf(node.data);
  const passphrase = encodeUtf8("a long passphrase");
  const show = () => Promise.reject(new Error("A phrase was shown"));
  const attempts: Record<string, () => Promise<unknown>> = {
    run: () => node.start(),
    init: () => node.onData((ports) => initNode(ports, { show, cost: CHEAP_COST })),
    succeed: () => node.succeed(phrase),
    "back up": () =>
      node.onData((ports) =>
        Array.fromAsync(backUpNode(ports, { passphrase, version: "test", cost: CHEAP_COST }))
      ),
  };
  const [code, text] = expected;
  for (const work of works) {
    const error = await assertRejects(attempts[work]!, OpenRedError, text, work);
    assertEquals([work, error.code], [work, code]);
    await node.stop();
  }
  assertEquals(contentOf(node.data), before);
}

const LOST_KEYS = ["not_found", "The file keystore of this node is missing"] as const;
const LOST_DATABASE = ["not_found", "The file node.db is missing or empty"] as const;

Deno.test("A node that has lost its keystore, or its secret as well, does not become another one", async () => {
  for (const lost of [["keystore"], ["keystore", "node-secret"]]) {
    const lived = await livedNode();
    await using node = lived.node;
    remove(node, lost);
    await assertRefused(lived, LOST_KEYS, ["run", "init"]);
    await assertRefused(lived, ["not_found", "There is no node here"], ["succeed", "back up"]);
  }
});

Deno.test("A node that was made, and never ran, does not become another one without its keystore", async () => {
  await using node = new LifeNode();
  const phrase = await node.init();
  remove(node, ["keystore"]);
  await assertRefused({ node, phrase }, LOST_KEYS, ["run", "init"]);
});

Deno.test("A node without its secret says so with a stable code", async () => {
  const lived = await livedNode();
  await using node = lived.node;
  remove(node, ["node-secret"]);
  await assertRefused(lived, ["not_found", "node-secret is missing"], ["run", "succeed"]);
});

Deno.test("A node that has lost its database does not begin an empty one", async () => {
  for (const left of ["audit", ".env", "former"]) {
    const lived = await livedNode();
    await using node = lived.node;
    remove(node, ["node.db"]);
    const audit = [...contentOf(node.data).keys()].filter((name) => name.startsWith("audit-"));
    assert(audit.length >= 2);
    if (left !== "audit") remove(node, audit);
    if (left !== ".env") remove(node, [".env"]);
    if (left === "former") Deno.writeTextFileSync(`${node.data}/former-z6Mk.node-secret`, "");
    await assertRefused(lived, LOST_DATABASE);
    Deno.writeTextFileSync(`${node.data}/node.db`, "");
    await assertRejects(() => node.start(), OpenRedError, LOST_DATABASE[1]);
    await node.stop();
  }
});

Deno.test("A node takes no keystore of another one", async () => {
  const lived = await livedNode();
  const other = await livedNode();
  await using node = lived.node;
  await using stranger = other.node;
  for (const name of ["keystore", "node-secret"]) {
    Deno.copyFileSync(`${stranger.data}/${name}`, `${node.data}/${name}`);
  }
  const text = `is that of ${other.id}, and node.db that of ${lived.id}`;
  await assertRefused(lived, ["bad_request", text], ["run", "succeed"]);
});

Deno.test("Keys alone begin anew with the same id", async () => {
  const lived = await livedNode();
  await using node = lived.node;
  await using empty = new LifeNode();
  for (const name of ["keystore", "node-secret"]) {
    Deno.copyFileSync(`${node.data}/${name}`, `${empty.data}/${name}`);
  }
  await empty.start();
  assertEquals(empty.id, lived.id);
});
