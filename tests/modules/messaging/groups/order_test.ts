import { assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../../crypto/encoding.ts";
import { bringMessage, type Forged, forgeMessage, hashOf } from "./forging.ts";
import { GroupWorld, type Person } from "./group_world.ts";

/** A message of a run of its own: nothing but what it names says where it stands. */
async function written(
  author: Person,
  group: string,
  { run, text, sentAt, after = [] }: {
    readonly run: number;
    readonly text: string;
    readonly sentAt: number;
    readonly after?: readonly string[];
  },
): Promise<Forged & { readonly hash: string }> {
  const forged = await forgeMessage(author, group, {
    run: encodeBase64Url(new Uint8Array(8).fill(run)),
    text,
    sent_at: 1_790_000_000_000 + sentAt,
    ...after.length > 0 ? { after } : {},
  });
  return { ...forged, hash: await hashOf(author, forged.message) };
}

Deno.test("what comes late takes along all that stands behind it, though somebody has read that", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a, b, c);
  const late = await written(a, group, { run: 1, text: "late", sentAt: 50 });
  const after = [late.hash];
  const behind = await written(a, group, { run: 2, text: "behind it", sentAt: 10, after });
  const last = await written(a, group, { run: 3, text: "last", sentAt: 5, after: [behind.hash] });
  const free = await written(a, group, { run: 4, text: "free", sentAt: 30 });
  for (const message of [behind, last, free]) {
    assertEquals(await bringMessage(a, b, group, message), true);
  }
  assertEquals(await b.texts(group), ["behind it", "last", "free"]);
  assertEquals(await bringMessage(a, b, group, late), true);
  for (const message of [late, behind, last, free]) {
    assertEquals(await bringMessage(a, c, group, message), true);
  }
  for (const person of [b, c]) {
    assertEquals(await person.texts(group), ["free", "late", "behind it", "last"]);
  }
});

Deno.test("what counts no more holds up nothing that stood behind it", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  await world.part(a, b);
  const gone = await written(c, group, { run: 1, text: "of somebody out", sentAt: 50 });
  const free = await written(a, group, { run: 2, text: "free", sentAt: 30 });
  const after = [gone.hash];
  const behind = await written(a, group, { run: 3, text: "behind it", sentAt: 10, after });
  for (const message of [gone, free, behind]) {
    assertEquals(await bringMessage(c, b, group, message), true);
  }
  assertEquals(await b.texts(group), ["free", "of somebody out", "behind it"]);
  await a.expel(group, c);
  await world.join(a, b);
  await world.deliver();
  for (const person of [a, b]) assertEquals(await person.texts(group), ["behind it", "free"]);
});
