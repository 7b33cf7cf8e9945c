import { assert, assertEquals } from "@std/assert";
import { concatBytes, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { HistoryView, OutboxView } from "../../../protocol/messaging_api.ts";
import { readArchive } from "../../../peer/backup/archive.ts";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { LifeNode } from "../../peer/data/life_world.ts";
import { backUpRunning, PASSPHRASE, pieces } from "../../peer/backup/backups.ts";

/** Said nowhere else. */
const SECRETS = {
  text: "quarterly zebra figures",
  edit: "quarterly walrus figures",
  reaction: "zzreaction",
  draft: "dear ocelot of mine",
  came: "quarterly heron figures",
  searched: "zebra",
};
const WORDS = [...Object.values(SECRETS), "walrus", "ocelot", "heron", "quarterly"];

/** Which of the secrets stand in some bytes, however they are written there. */
function foundIn(content: Uint8Array): string[] {
  const read = ["latin1", "utf-16le"].map((name) => new TextDecoder(name).decode(content));
  return WORDS.filter((word) => read.some((text) => text.toLowerCase().includes(word)));
}

/** A node that wrote to another one, and that was written to; the other one is away now. */
async function nodeThatWrote(): Promise<{ node: LifeNode; peer: string }> {
  await using directory = await new RealDirectory().start();
  await using other = new LifeNode();
  const node = new LifeNode();
  for (const each of [node, other]) await each.start({ directories: [directory.url] });
  const peer = other.id;
  await node.registered();
  await other.registered();
  await other.ask("POST", "/peers/allow", { peer: node.id, permission: "message" });
  await node.ask("POST", "/connect", { peer, wait_ms: 10_000 });
  const came = { peer: node.id, text: SECRETS.came, wait_ms: 10_000 };
  await other.ask("POST", "/m/messaging/messages", came);
  await other.stop();
  const send = (text: string, more = {}) =>
    node.ask("POST", "/m/messaging/messages", { peer, text, wait_ms: 0, ...more });
  const { id } = await send(SECRETS.text);
  await send(SECRETS.edit, { edits: id });
  await node.ask("POST", "/m/messaging/react", { peer, id, reaction: SECRETS.reaction });
  await node.ask("PUT", "/m/messaging/draft", { peer, text: SECRETS.draft });
  const { messages } = await node.ask("GET", `/m/messaging/search?text=${SECRETS.searched}`);
  assertEquals(messages.length, 0, "the latest text has another word");
  await node.ask("GET", "/m/messaging/search?text=walrus");
  return { node, peer };
}

Deno.test("no file of a data directory holds a text, a draft or a word that was looked for, and no backup's plaintext does", async () => {
  assertEquals(foundIn(encodeUtf8(SECRETS.draft)), [SECRETS.draft, "ocelot"]);
  const { node, peer } = await nodeThatWrote();
  await using _ = node;
  const look = () => {
    const names = [...Deno.readDirSync(node.data)].filter(({ isFile }) => isFile)
      .map(({ name }) => name);
    const found = names.flatMap((name) =>
      foundIn(Deno.readFileSync(`${node.data}/${name}`)).map((word) => `${name}: ${word}`)
    );
    return { names, found };
  };
  const running = look();
  assert(running.names.includes("node.db-wal") && running.names.length > 4, running.names.join());
  assertEquals(running.found, []);
  const backup = await backUpRunning(node);
  assertEquals(foundIn(backup), []);
  const inside: string[] = [];
  let name = "";
  let content: Uint8Array[] = [];
  const end = () => {
    inside.push(...foundIn(concatBytes(...content)).map((word) => `${name}: ${word}`));
    content = [];
  };
  await readArchive(await LocalCryptoCore.create(), {
    passphrase: encodeUtf8(PASSPHRASE),
    input: pieces(backup),
    visitor: {
      manifest: () => {},
      begin: (next) => {
        end();
        name = next;
      },
      piece: (piece) => void content.push(piece.slice()),
    },
  });
  end();
  assertEquals([inside, name !== ""], [[], true]);
  const draft = await node.ask("GET", `/m/messaging/draft?peer=${peer}`);
  assertEquals(draft.text, SECRETS.draft, "and it is there all the same");
  await node.stop();
  assertEquals(look().found, []);
});

Deno.test("a byte that was changed in a stored row is noticed and said, and no other text is lost for it", async () => {
  const { node, peer } = await nodeThatWrote();
  await using _ = node;
  const { id } = await node.ask("POST", "/m/messaging/messages", {
    peer,
    text: "another one",
    wait_ms: 0,
  });
  const { store } = node.inside;
  await store.write(() => {
    for (
      const [table, column, where] of [
        ["messaging_outbox", "sealed", `id = '${id}'`],
        ["messaging_conversations", "draft", "draft IS NOT NULL"],
      ]
    ) {
      const row = store.statement(`SELECT ${column} AS sealed FROM ${table} WHERE ${where}`).get();
      const sealed = row!.sealed as Uint8Array;
      sealed[sealed.length >> 1]! ^= 1;
      store.statement(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(sealed);
    }
  });
  const history: HistoryView = await node.ask("GET", `/m/messaging/history?peer=${peer}`);
  assertEquals(history.messages.map(({ text, damaged }) => [text, damaged ?? false]), [
    [SECRETS.came, false],
    [SECRETS.edit, false],
    ["", true],
  ]);
  const draft = await node.ask("GET", `/m/messaging/draft?peer=${peer}`);
  assertEquals([draft.text, draft.damaged], ["", true]);
  const waiting: OutboxView = await node.ask("GET", "/m/messaging/outbox");
  assertEquals(waiting.messages.find((message) => message.id === id)?.damaged, true);
  const { warnings } = await node.status();
  assert(warnings.some((text) => text.includes("changed on disk")), warnings.join());
});
