import { assert, assertEquals } from "@std/assert";
import type { ModuleTables, OpenRedModule, PeerFrame } from "../../../modules/api.ts";
import { SeededRandom } from "../../world/seeded_random.ts";
import { settle } from "../../world/settle.ts";
import { builtInOf, testManifest } from "../../world/test_module.ts";
import { type PeerSession, TestNode } from "../test_node.ts";

const FRAMES = 60;
/** In how many rounds it is switched. */
const ROUNDS = 20;

/** Stores each frame as often as it is handed one, and takes its time for that. */
function createLedger(): OpenRedModule {
  let tables: ModuleTables | null = null;
  const receive = async ({ id }: PeerFrame) => {
    await settle();
    await tables!.write(() => {
      tables!.statement("INSERT INTO ledger_frames (id) VALUES (?)").run(id!);
    });
    return true;
  };
  return {
    manifest: testManifest({ name: "ledger", frames: [{ type: "entry" }] }),
    registerPeerHandlers: (peers) => peers.frame("entry", { receive }),
    start: (context) => {
      tables = context.storage.tables!;
      tables.migrate(["CREATE TABLE ledger_frames (id TEXT NOT NULL) STRICT;"]);
      return Promise.resolve();
    },
    stop: () => {
      tables = null;
      return Promise.resolve();
    },
  };
}

function storedIn(test: TestNode): string[] {
  return test.database.prepare("SELECT id FROM ledger_frames ORDER BY id").all()
    .map((row) => String(row.id));
}

/** The ids of frames that the node has acknowledged since the last time. */
async function acknowledged(session: PeerSession): Promise<string[]> {
  const headers = await session.read();
  return headers.filter(({ type }) => type === "core.ack").flatMap(({ ids }) => ids as string[]);
}

async function setUp(): Promise<{ test: TestNode; session: PeerSession }> {
  const test = await TestNode.start({}, [builtInOf(createLedger())]);
  const session = await test.connect();
  const allowed = { peer: test.peer.id, permission: "ledger", force: true };
  assertEquals((await test.admin("POST", "/peers/allow", allowed)).status, 200);
  await acknowledged(session);
  return { test, session };
}

async function change(test: TestNode, what: "enable" | "disable"): Promise<void> {
  const { status } = await test.admin("POST", `/modules/${what}`, { module: "ledger" });
  assertEquals(status, 200);
}

Deno.test("the code of a module is loaded before the keys are there, and what fails then is no harm", async () => {
  const order: string[] = [];
  const ledger = builtInOf(createLedger());
  const loadCode = () => {
    order.push("code");
    return Promise.reject(new Error("not yet"));
  };
  const load = () => {
    order.push("start");
    return ledger.load();
  };
  const log = { log: (_: unknown, topic: string) => void order.push(topic) };
  await using test = await TestNode.start({}, [{ ...ledger, loadCode, load }], { log });
  const mattered = order.filter((step) => ["code", "keys_opened", "start"].includes(step));
  assertEquals(mattered, ["code", "keys_opened", "start"]);
  await change(test, "disable");
  await test.node.stop();
  order.length = 0;
  await test.boot();
  assert(!order.includes("code"));
});

Deno.test("frames that come while their module is off are not acknowledged, and are taken later", async () => {
  const { test, session } = await setUp();
  await using _ = test;
  const send = async (id: string) => {
    await session.send({ type: "ledger.entry", id });
    // Once more for what the module takes its time for.
    await settle();
  };
  await send("before");
  assertEquals(await acknowledged(session), ["before"]);
  await change(test, "disable");
  await send("meanwhile");
  await send("before");
  assertEquals([await acknowledged(session), storedIn(test)], [[], ["before"]]);
  await change(test, "enable");
  await send("meanwhile");
  await send("before");
  assertEquals((await acknowledged(session)).sort(), ["before", "meanwhile"]);
  assertEquals(storedIn(test), ["before", "meanwhile"], "each once");
});

Deno.test("no frame is lost and none is stored twice while its module is switched off and on", async () => {
  const { test, session } = await setUp();
  await using _ = test;
  const random = new SeededRandom("switching");
  const waiting = new Set(Array.from({ length: FRAMES }, (_, index) => `i${index}`));
  let refused = 0;
  for (let round = 0; round < 2 * ROUNDS && waiting.size > 0; round++) {
    const isOff = round % 2 === 1 && round < ROUNDS;
    const some = [...waiting].filter(() => random.bytes(1)[0]! < 64);
    // Sealed anew each time, as a sender does whose former frames may have come too late.
    const sending = some.map((id) => session.send({ type: "ledger.entry", id }));
    await Promise.all([...sending, change(test, isOff ? "disable" : "enable")]);
    await settle();
    const ids = await acknowledged(session);
    refused += some.length - ids.length;
    // Every fourth acknowledgement is lost on its way.
    for (const id of ids) if (random.bytes(1)[0]! >= 64) waiting.delete(id);
  }
  assertEquals([...waiting], []);
  assert(refused > 0, "some came while it was off");
  assertEquals(storedIn(test), Array.from({ length: FRAMES }, (_, index) => `i${index}`).sort());
});
