import { assertEquals } from "@std/assert";
import type { ModuleTables } from "../../../modules/api.ts";
import { eraseTarget } from "../../../modules/messaging/erasing.ts";
import { MESSAGING_MANIFEST } from "../../../modules/messaging/manifest.ts";
import { MESSAGING_TABLES } from "../../../modules/messaging/tables.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";

const [PEER] = PEERS;

/** Messages 1 to 9, the last two about the first one, and segments of three numbers each. */
function fill(tables: ModuleTables): void {
  for (let n = 1; n <= 9; n++) {
    tables.statement(
      `INSERT INTO messaging_inbox (peer, id, sealed, received_at, request, conversation, run, n, target)
       VALUES (?, ?, x'01', 0, 0, ?, 'r', ?, ?)`,
    ).run(PEER, `i${n}`, PEER, n, n > 7 ? "p.r.1" : null);
  }
  for (const own of [0, 1]) {
    for (const first of [1, 4, 8]) {
      tables.statement("INSERT INTO messaging_segments VALUES (?, ?, ?, 0, x'01')")
        .run(own, first, first + 2);
    }
  }
}

Deno.test("eraseTarget() writes each row once, and only the segments with these rows are stale", async () => {
  using world = await ContextWorld.create();
  const { context } = await world.contextOf(MESSAGING_MANIFEST);
  const tables = context.storage.tables!;
  tables.migrate(MESSAGING_TABLES);
  const target = { conversation: PEER, target: "p.r.1" };
  const stale = () =>
    tables.statement("SELECT own, first FROM messaging_segments WHERE stale = 1").all()
      .map(({ own, first }) => [own, first]);
  await tables.write(() => {
    fill(tables);
    eraseTarget(tables, target, "expired");
  });
  assertEquals(stale(), [[0, 1], [0, 8]]);
  await tables.write(() => {
    tables.statement("UPDATE messaging_segments SET stale = 0").run();
    eraseTarget(tables, target, "removed");
  });
  const why = tables.statement("SELECT DISTINCT erased FROM messaging_inbox WHERE sealed = x''");
  assertEquals([stale(), why.all().map(({ erased }) => erased)], [[], ["expired"]]);
  await tables.write(() => {
    tables.statement("DELETE FROM messaging_inbox WHERE number IN (7, 5)").run();
  });
  assertEquals(stale(), [[0, 4]]);
});

Deno.test("The inbox is cleared of more messages than one transaction removes", async () => {
  using messaging = await MessagingWorld.start();
  const { store } = messaging.world.parts;
  await store.write(() => {
    store.statement(
      `INSERT INTO messaging_inbox (peer, id, sealed, received_at, request, conversation)
       SELECT ?1, 'i' || value, x'01', 0, 0, ?1 FROM json_each(?2)`,
    ).run(PEER, JSON.stringify(Array.from({ length: 2_500 }, (_, index) => index)));
  });
  assertEquals(await messaging.clear(PEER, 2_401), { removed: 2_400 });
  const { count } = store
    .statement("SELECT COUNT(*) AS count FROM messaging_inbox WHERE erased IS NULL").get()!;
  assertEquals([count, (await messaging.inbox()).length], [100, 100]);
});
