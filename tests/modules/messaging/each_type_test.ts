/**
 * Contact requests, blocks and shares hold for every type of frame.
 */
import { assertEquals } from "@std/assert";
import { GroupWorld, type Person } from "./groups/group_world.ts";
import { FOR_STRANGERS, FRAME_TYPES, frameOf, ONCE, rowsAt, type Saying } from "./each_type.ts";

const DIRECT = FRAME_TYPES.filter((type) => !type.startsWith("group_"));
const OF_GROUPS = FRAME_TYPES.filter((type) => type.startsWith("group_"));
/** What takes room in the inbox. */
const STORED = ["text", "edit", "react", "group_message"];
const SHARE_BYTES = 256 * 2 ** 20;

type Outcome = "taken" | "refused" | "nothing";

/** What becomes of a frame: acknowledged, refused so that it is not repeated, or neither. */
async function bring(type: string, saying: Saying): Promise<Outcome> {
  const { hosted } = saying.to.messaging;
  const { from } = saying;
  const frame = await frameOf(type, saying);
  const input = { ...frame.header, type: frame.type };
  const isTaken = await hosted.take(from.id, frame).catch(() => "refused" as const);
  if (isTaken === "refused") return "refused";
  if (isTaken) return "taken";
  return hosted.gate.refuses(from.id, { type: frame.type, input }) ? "refused" : "nothing";
}

/** Of each type, in the order of the manifest, from a second one on: the first is there. */
async function bringEach(
  types: readonly string[],
  saying: Omit<Saying, "n">,
): Promise<Record<string, Outcome>> {
  const outcomes: Record<string, Outcome> = {};
  for (const [index, type] of types.entries()) {
    outcomes[type] = await bring(type, { ...saying, n: index + 2 });
  }
  return outcomes;
}

function all(types: readonly string[], outcome: Outcome): Record<string, Outcome> {
  return Object.fromEntries(types.map((type) => [type, outcome]));
}

/** Two who have a group and a text each way, and somebody of whom they have not heard. */
async function start(): Promise<
  { world: GroupWorld; a: Person; b: Person; c: Person; group: string }
> {
  const world = await GroupWorld.start(3, { friends: false });
  const [a, b, c] = world.people;
  await a.messaging.world.parts.permissions.accept(b.id);
  await b.messaging.world.parts.permissions.accept(a.id);
  const group = await world.group([a, b]);
  for (const type of ["text", "group_message"]) {
    assertEquals(await bring(type, { from: b, to: a, group, n: 1 }), "taken");
  }
  return { world, a, b, c, group };
}

Deno.test("whoever may write may send a frame of each type", async () => {
  const { world, a, b, group } = await start();
  using _ = world;
  assertEquals(await bringEach(FRAME_TYPES, { from: b, to: a, group }), {
    ...all(FRAME_TYPES, "taken"),
    ...all(ONCE, "nothing"),
  });
  assertEquals([a.told("typing").length, a.told("read").length], [2, 0]);
});

Deno.test("a stranger may leave texts and invitations, is refused all else, and leaves nothing of that", async () => {
  const { world, a, c, group } = await start();
  using _ = world;
  const refused = FRAME_TYPES.filter((type) => !FOR_STRANGERS.includes(type));
  const before = rowsAt(a);
  const from = { from: c, to: a, group };
  assertEquals(await bringEach(refused, from), all(refused, "refused"));
  assertEquals(rowsAt(a), before);
  assertEquals(await bringEach(FOR_STRANGERS, from), all(FOR_STRANGERS, "taken"));
  assertEquals((await a.groups()).map(({ stage }) => stage), ["joined", "invited"]);
  assertEquals(
    a.messaging.world.parts.database.prepare(
      "SELECT COUNT(*) AS count FROM messaging_inbox WHERE request = 1",
    ).get()!.count,
    1,
  );
});

Deno.test("who was denied is refused each type, but for those of a group that both are in", async () => {
  const { world, a, b, c, group } = await start();
  using _ = world;
  const { permissions } = a.messaging.world.parts;
  for (const peer of [b, c]) await permissions.decide(peer.id, { name: "message", allowed: false });
  const before = rowsAt(a);
  assertEquals(
    await bringEach(FRAME_TYPES, { from: c, to: a, group }),
    all(FRAME_TYPES, "refused"),
  );
  const founds = [...DIRECT, "group_statement"];
  assertEquals(await bringEach(founds, { from: b, to: a, group }), all(founds, "refused"));
  assertEquals(rowsAt(a), before);
  const more = OF_GROUPS.filter((type) => type !== "group_statement");
  assertEquals(await bringEach(more, { from: b, to: a, group }), {
    ...all(more, "taken"),
    group_typing: "nothing",
  });
});

Deno.test("who is blocked hears nothing of a frame of any type, and leaves nothing", async () => {
  const { world, a, b, c, group } = await start();
  using _ = world;
  const { permissions } = a.messaging.world.parts;
  for (const peer of [b, c]) await permissions.block(peer.id);
  const before = rowsAt(a);
  const told = a.messaging.world.told.length;
  for (const from of [b, c]) {
    assertEquals(
      await bringEach(FRAME_TYPES, { from, to: a, group }),
      all(FRAME_TYPES, "nothing"),
    );
  }
  assertEquals([rowsAt(a), a.messaging.world.told.length], [before, told]);
});

Deno.test("of a peer whose share is full nothing of any type is stored but what makes room", async () => {
  const { world, a, b, group } = await start();
  using _ = world;
  const { store } = a.messaging.world.parts;
  await store.write(() =>
    store.statement("UPDATE messaging_shares SET bytes = ? WHERE peer = ?").run(SHARE_BYTES, b.id)
  );
  // It is no refusal: what finds no room comes again, and may find some.
  assertEquals(await bringEach(STORED, { from: b, to: a, group }), all(STORED, "nothing"));
  assertEquals(await bring("remove", { from: b, to: a, group, n: 99 }), "taken");
});

Deno.test("a type that nobody knows is refused, whoever sends it", async () => {
  const { world, a, b, c, group } = await start();
  using _ = world;
  for (const from of [b, c]) {
    assertEquals(await bring("of_later", { from, to: a, group, n: 2 }), "refused");
    assertEquals(await bring("group_of_later", { from, to: a, group, n: 2 }), "refused");
  }
});
