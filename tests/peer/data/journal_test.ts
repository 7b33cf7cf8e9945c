import { assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8, type NodeId } from "../../../crypto/encoding.ts";
import { settleData } from "../../../peer/data/data_state.ts";
import { successionsOf } from "../../../peer/own/own_succession.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { type Journal, writeJournal } from "../../../peer/data/journal.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MortalDisk, type MortalProcess } from "../../crash/mortal_disk.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { testIdentity } from "../../protocol/signer.ts";

const OLD = testIdentity(1).id as NodeId;
const NEXT = testIdentity(2).id as NodeId;

function journal(changes: Partial<Journal> = {}): Journal {
  return {
    id: NEXT,
    old: OLD,
    keystore: encodeUtf8("a keystore"),
    nodeSecret: new Uint8Array(32).fill(7),
    succession: "a.b.c",
    next: new Uint8Array(32).fill(9),
    knowsPeers: true,
    formerHead: "7:hash",
    ...changes,
  };
}

/** What the table `self` says once a succession was put in place, and the numbers of the directories. */
async function settled(process: MortalProcess, content: Journal) {
  const store = new NodeStore(process.openDatabase, process.clock);
  await store.write(() => {
    const put = store.statement("INSERT INTO self (name, value) VALUES (?, '5')");
    for (const name of ["taken_seq", "shown_seq", "signed_seq", "signed_suites"]) put.run(name);
    const peer = store.statement(
      "INSERT INTO peers (id, record, known, succession) VALUES (?, '', ?, ?)",
    );
    peer.run("friend", 1, null);
    peer.run("stranger", 0, null);
    peer.run("former", 1, "a.b.c");
    store.statement("INSERT INTO directories VALUES ('url', 'id', '', NULL, 5)").run();
  });
  await writeJournal(process.files, content);
  await settleData(process);
  const self = store.statement("SELECT name, value FROM self").all()
    .map(({ name, value }) => [String(name), String(value)]);
  const taken = store.statement("SELECT taken_seq FROM directories").get()?.taken_seq;
  store.close();
  return { self: Object.fromEntries(self), taken };
}

Deno.test("a succession numbers its records anew, and is to be told to whoever knew the former id", async () => {
  using folder = makeTemporaryDirectory();
  const known = await settled(new MortalDisk(folder.path).boot(), journal());
  assertEquals(known, {
    self: {
      node_id: NEXT,
      next: "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk",
      succession: "a.b.c",
      former_successions: "[]",
      succession_noted: JSON.stringify({ former: OLD, head: "7:hash" }),
      "untold friend": NEXT,
    },
    taken: 0,
  });
  using other = makeTemporaryDirectory();
  const { self } = await settled(new MortalDisk(other.path).boot(), journal({ knowsPeers: false }));
  assertEquals(self["untold *"], NEXT);
});

Deno.test("successions before the last one are kept, each once, however often one is put in place", async () => {
  using folder = makeTemporaryDirectory();
  const process = new MortalDisk(folder.path).boot();
  const follow = async (succession: string) => {
    await writeJournal(process.files, journal({ succession }));
    await settleData(process);
  };
  for (let count = 1; count <= 10; count++) await follow(`${count}.b.c`);
  await follow("10.b.c");
  const store = new NodeStore(process.openDatabase, process.clock);
  assertEquals(successionsOf(store), [3, 4, 5, 6, 7, 8, 9, 10].map((count) => `${count}.b.c`));
  store.close();
});

Deno.test("what a killed or failed write of a succession left is removed: it holds the keys' secret", async () => {
  using folder = makeTemporaryDirectory();
  const disk = new MortalDisk(folder.path);
  const process = disk.boot();
  const { content } = disk.files;
  content.set(".succession.tmp", encodeUtf8("a secret"));
  await settleData(process);
  assertEquals([...content.keys()], []);
  const write = () => {
    content.set(".succession.tmp", encodeUtf8("a secret"));
    return Promise.reject(new Error("No space left"));
  };
  const writing = writeJournal({ ...process.files, write }, journal());
  await assertRejects(() => writing, OpenRedError, "the new phrase is void");
  assertEquals([...content.keys()], []);
});

Deno.test("a succession whose file is there is made, though its write failed", async () => {
  using folder = makeTemporaryDirectory();
  const { files } = new MortalDisk(folder.path).boot();
  const write = async (name: string, content: Uint8Array) => {
    await files.write(name, content);
    throw new Error("The folder was not made durable");
  };
  const writing = writeJournal({ ...files, write }, journal());
  const error = await assertRejects(() => writing, OpenRedError, "keep the new phrase");
  assertEquals(error.code, "internal");
});
