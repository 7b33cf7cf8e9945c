/**
 * Numbers that come twice, and names that nobody gave.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import { type Side, TwoSides } from "./two_sides.ts";

/** Sets a side's disk back to before it gave a number, without its knowing. */
async function setBack({ messaging }: Side, n: number): Promise<void> {
  const { store } = messaging.world.parts;
  await store.write(() => {
    store.statement("DELETE FROM messaging_outbox WHERE n >= ?").run(n);
    store.statement("UPDATE messaging_conversations SET next_n = ?").run(n);
  });
  await messaging.restart();
}

Deno.test("A second text under a number has none, whatever the number stands for", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const first = await a.send("one");
  await a.send("one!", { edits: first });
  await a.remove(await a.send("a slip"));
  await a.send("three");
  await a.deliver();
  await setBack(a, 2);
  for (const text of ["new two", "new three", "new four", "new five"]) await a.send(text);
  await a.deliver();
  const shown = (await b.history()).filter(({ removed }) => !removed).map(({ text }) => text);
  assertEquals(shown.toSorted(), [
    "new five",
    "new four",
    "new three",
    "new two",
    "one!",
    "three",
  ]);
  assertEquals(a.messaging.waiting(b.id), 0);
});

Deno.test("Texts of one turn under one number are all taken", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  const [frame] = await a.sent();
  const bring = (id: string) => a.bring({ ...frame!, id, body: encodeUtf8(id) });
  assertEquals(await Promise.all(["x", "y", "x", "z"].map(bring)), [true, true, true, true]);
  assertEquals(await b.texts(), ["x", "y", "z"]);
});

Deno.test("A text is refused under a number of which the word that it stays empty comes in the same turn", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("taken back");
  const [frame] = await a.sent();
  const { run, n } = frame!.header;
  const word = { type: "messaging.remove", run, n, removes: { run, n } };
  const ends = await Promise.allSettled([
    a.bring({ ...frame!, id: "word", header: word }),
    a.bring(frame!),
  ]);
  assertEquals(ends.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertEquals(await b.texts(), []);
});

Deno.test("An edit or a removal under a number that is taken is refused, under a free one it is not", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  await a.send("two");
  const [first, second] = await a.sent();
  await a.bring(first!);
  await a.bring(second!);
  const { run } = first!.header;
  const about = { run, n: 1 };
  const edit = (n: number) =>
    a.bring({ ...second!, id: `e${n}`, header: { ...second!.header, n, edits: about } });
  const removal = (n: number) => {
    const header = { type: "messaging.remove", run, n, removes: about };
    return a.bring({ ...second!, id: `r${n}`, header });
  };
  for (const bring of [edit, removal]) {
    const { code, message } = await assertRejects(() => bring(2), OpenRedError);
    assertEquals([code, message], ["bad_request", "Another message has this number"]);
  }
  assertEquals(await b.texts(), ["one", "two"]);
  assertEquals([await edit(3), await b.texts()], [true, ["two", "two"]]);
  assertEquals([await removal(4), await b.texts()], [true, ["", "two"]]);
});

Deno.test("An edit that is removed changes nothing, in whatever order both come", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  await a.send("two");
  const [first, second] = await a.sent();
  const { run } = first!.header;
  const edit = (n: number, about: number) =>
    a.bring({
      ...first!,
      id: `e${n}`,
      header: { ...first!.header, n, edits: { run, n: about } },
      body: encodeUtf8("edited"),
    });
  const removal = (n: number, about: number) => {
    const header = { type: "messaging.remove", run, n, removes: { run, n: about } };
    return a.bring({ ...first!, id: `r${n}`, header });
  };
  for (const frame of [first!, second!]) assertEquals(await a.bring(frame), true);
  assertEquals([await edit(3, 1), await removal(4, 3)], [true, true]);
  assertEquals([await removal(6, 5), await edit(5, 2)], [true, true]);
  assertEquals(await b.texts(), ["one", "two"]);
});

Deno.test("A reaction to a number that was never given says nothing, also once that is given", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("one");
  await sides.deliver();
  await b.react(id, "👎");
  const [frame] = await b.sent();
  const to = { ...frame!.header.to as { run: string }, n: 2 };
  assertEquals(await b.bring({ ...frame!, header: { ...frame!.header, to } }), true);
  await b.send("not missing anything");
  await b.deliver();
  await a.send("two");
  await settle();
  assertEquals(
    (await a.history()).map(({ text, reactions, missing_before: gap }) => [text, reactions, gap]),
    [["one", undefined, undefined], ["not missing anything", undefined, undefined], [
      "two",
      undefined,
      undefined,
    ]],
  );
});
