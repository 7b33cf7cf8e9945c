import { assert, assertEquals } from "@std/assert";
import type { NodeId } from "../../../modules/api.ts";
import { ContactRequests } from "../../../modules/messaging/contact_requests.ts";
import { MESSAGING_MANIFEST } from "../../../modules/messaging/manifest.ts";
import { MESSAGING_TABLES } from "../../../modules/messaging/tables.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { settle } from "../../world/settle.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";

const [FIRST, LAST, ...OTHERS] = PEERS;

Deno.test("ContactRequests keeps 20 messages of a stranger, and 1,000 of all who wait for a decision", async () => {
  using world = await ContextWorld.create();
  const { clock, events, permissions } = world.parts;
  const { context } = await world.contextOf(MESSAGING_MANIFEST);
  const tables = context.storage.tables!;
  tables.migrate(MESSAGING_TABLES);
  const requests = new ContactRequests({ ...context, tables });
  const insert = tables.statement(
    `INSERT INTO messaging_inbox (peer, id, sealed, received_at, request)
     VALUES (?, ?, x'00', 0, 1)`,
  );
  let ids = 0;
  const leave = (peer: NodeId, count: number) => {
    for (let at = 0; at < count; at++) insert.run(peer, `i${++ids}`);
  };
  leave(FIRST, 19);
  assertEquals(requests.hasRoomFor(FIRST), true);
  leave(FIRST, 1);
  assertEquals([requests.hasRoomFor(FIRST), requests.hasRoomFor(LAST)], [false, true]);
  for (const peer of OTHERS.slice(0, 48)) leave(peer, 20);
  leave(OTHERS[48]!, 19);
  assertEquals([requests.hasRoomFor(LAST), events.warnings().length], [true, 0]);
  leave(OTHERS[48]!, 1);
  assertEquals([requests.hasRoomFor(LAST), events.warnings().length], [false, 1]);
  await permissions.decide(FIRST, { name: "message", allowed: false });
  clock.skip(1_000);
  assertEquals([requests.hasRoomFor(LAST), events.warnings().length], [true, 0]);
  tables.statement("UPDATE messaging_inbox SET kind = 'react' WHERE peer = ?").run(OTHERS[0]!);
  assertEquals(requests.hasRoomFor(OTHERS[0]!), true, "of a former version, which took more");
});

Deno.test("The inbox keeps only the first few of a stranger, in one burst as well", async () => {
  using messaging = await MessagingWorld.start();
  const ask = (id: string) => messaging.receive({ peer: FIRST, id, isRequest: true });
  const burst = Array.from({ length: 50 }, (_, index) => ask(`a${index}`));
  const kept = (await Promise.all(burst)).filter((isKept) => isKept).length;
  assertEquals([kept, (await messaging.inbox()).length], [20, 20]);
  assert(!(await ask("more")), "not acknowledged");
  assert(await ask("a0"), "a repeat is");
});

Deno.test("A stranger's text has at most 16 KiB, and comes again once its sender is none", async () => {
  using messaging = await MessagingWorld.start();
  const take = (length: number) => {
    const body = new Uint8Array(length).fill(0x61);
    return messaging.hosted.take(FIRST, { type: "messaging.text", id: `${length}`, body });
  };
  assertEquals([await take(16_384), await take(16_385)], [true, false]);
  await messaging.world.parts.permissions.accept(FIRST);
  assertEquals(await take(16_385), true);
});

Deno.test("The inbox keeps so many of all strangers together, until somebody decides about their senders", async () => {
  using messaging = await MessagingWorld.start();
  const { clock, permissions, events } = messaging.world.parts;
  const strangers = PEERS.slice(0, 60);
  const leave = async (count: number) => {
    const kept = strangers.flatMap((peer) =>
      Array.from(
        { length: count },
        (_, index) => messaging.receive({ peer, id: `a${index}`, isRequest: true }),
      )
    );
    return (await Promise.all(kept)).filter((isKept) => isKept).length;
  };
  assertEquals(await leave(20), 1_000);
  const leaveOne = (id: string) =>
    messaging.receive({ peer: strangers.at(-1)!, id, isRequest: true });
  assertEquals([await leaveOne("b"), events.warnings().length], [false, 1]);
  await permissions.decide(strangers[0]!, { name: "message", allowed: false });
  await clock.advance(1_000);
  assertEquals([await leaveOne("b"), events.warnings().length], [true, 0]);
});

Deno.test("The inbox counts no message that came while its sender was allowed as a request", async () => {
  using messaging = await MessagingWorld.start();
  for (let index = 0; index < 25; index++) {
    await messaging.receive({ peer: FIRST, id: `a${index}` });
  }
  assert(await messaging.receive({ peer: FIRST, id: "b", isRequest: true }));
});

Deno.test("A stranger's text reaches the inbox as a request, a denied peer's not at all", async () => {
  using messaging = await MessagingWorld.start();
  const { permissions } = messaging.world.parts;
  await permissions.decide(LAST, { name: "message", allowed: false });
  const take = (peer: NodeId) =>
    messaging.hosted.take(peer, { type: "messaging.text", id: "a", body: new Uint8Array([0x61]) });
  assertEquals([await take(FIRST), await take(LAST)], [true, false]);
  const seen = await messaging.inbox();
  assertEquals(seen.map(({ peer, standing }) => [peer, standing]), [[FIRST, "stranger"]]);
  const { request } = messaging.world.parts.store
    .statement("SELECT request FROM messaging_inbox").get()!;
  assertEquals(request, 1);
});

Deno.test("Of a stranger only texts are kept; what is about them is taken once it is none", async () => {
  using messaging = await MessagingWorld.start();
  const { permissions, store } = messaging.world.parts;
  const run = "AAAAAAAAAAA";
  const take = (id: string, type: string, header: Record<string, unknown>) =>
    messaging.hosted.take(FIRST, {
      type,
      id,
      header: { type, id, run, ...header },
      body: new Uint8Array([0x61]),
    });
  const takeAll = async () => [
    await take("a", "messaging.text", { n: 1 }),
    await take("b", "messaging.text", { n: 2, edits: { run, n: 1 } }),
    await take("c", "messaging.react", { n: 3, to: { run, n: 1, mine: true } }),
    await take("d", "messaging.remove", { n: 4, removes: { run, n: 1 } }),
  ];
  assertEquals(await takeAll(), [true, false, false, false]);
  const { count } = store.statement("SELECT COUNT(*) AS count FROM messaging_inbox").get()!;
  assertEquals(count, 1);
  await permissions.accept(FIRST);
  assertEquals(await takeAll(), [true, true, true, true]);
});

Deno.test("A stranger is told of nothing that was read, until it may write", async () => {
  using messaging = await MessagingWorld.start();
  const { world, hosted } = messaging;
  const header = { type: "messaging.text", id: "a", run: "AAAAAAAAAAA", n: 1 };
  await messaging.receive({ peer: FIRST, id: "a", header, isRequest: true });
  await hosted.ask("POST", "/m/messaging/read", { peer: FIRST });
  hosted.host.confirmed(FIRST);
  await settle();
  assertEquals(world.sender.sent, []);
  await world.parts.permissions.accept(FIRST);
  hosted.host.confirmed(FIRST);
  await settle();
  assertEquals(world.sender.sent.map(({ header }) => header.type), ["messaging.read"]);
});
