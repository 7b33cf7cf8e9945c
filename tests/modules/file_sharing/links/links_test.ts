import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../../crypto/core.ts";
import { encodeUtf8 } from "../../../../crypto/encoding.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { decodeFolderManifest } from "../../../../protocol/folder_manifest.ts";
import { bep52Content } from "../../../vectors/bep52.ts";
import { Holder, LinkNode } from "./link_node.ts";

const MIB = 2 ** 20;
const SEALED = MIB + 16;
const DAY_MS = 86_400_000;

async function holderOf(link: string): Promise<Holder> {
  const holder = new Holder(link);
  await holder.derive(null);
  return holder;
}

async function ticketOf(holder: Holder, file = 0): Promise<string> {
  return (await holder.ticket(file)).body.ticket;
}

Deno.test("a link gives its head, the hashes and the files, sealed", async () => {
  await using node = await LinkNode.start();
  const content = bep52Content(2 * MIB + 7);
  const paths = [node.write("a.bin", content), node.write("empty", new Uint8Array())];
  const { link } = await node.link(paths, { note: "for you" });
  const holder = await holderOf(link);
  const head = await holder.openHead();
  assertEquals(head.note, "for you");
  assertEquals(head.files.map(({ name, length }) => [name, length]), [["a.bin", 2 * MIB + 7], [
    "empty",
    0,
  ]]);
  const { root, length } = head.files[0]!;
  const ticket = await ticketOf(holder);
  const sealed = await (await holder.read(ticket, "data")).bytes();
  assertEquals(sealed.length, content.length + 3 * 16);
  assertEquals(await holder.openPieces(sealed, { part: 0, root: root!, length }), content);
  const layer = await (await holder.read(ticket, "layer")).bytes();
  const opened = await holder.openPieces(layer, { part: "layer", root: root!, length });
  assertEquals(opened?.length, 96);
  assertEquals((await (await holder.read(await ticketOf(holder, 1), "data")).bytes()).length, 0);
  // The same bytes are sealed into the same bytes, whoever fetches them.
  const again = await (await holder.read(await ticketOf(holder), "data")).bytes();
  assertEquals(again, sealed);
});

Deno.test("ranges begin and end where pieces do", async () => {
  await using node = await LinkNode.start();
  const content = bep52Content(2 * MIB + 7);
  const { link } = await node.link([node.write("a.bin", content)]);
  const holder = await holderOf(link);
  const ticket = await ticketOf(holder);
  const whole = await (await holder.read(ticket, "data")).bytes();
  for (
    const [range, start, end] of [
      [`bytes=${SEALED}-`, SEALED, whole.length],
      [`bytes=0-${SEALED - 1}`, 0, SEALED],
      [`bytes=${2 * SEALED}-${whole.length - 1}`, 2 * SEALED, whole.length],
    ] as const
  ) {
    const answer = await holder.read(ticket, "data", range);
    assertEquals(answer.status, 206);
    assertEquals(answer.headers.get("content-range"), `bytes ${start}-${end - 1}/${whole.length}`);
    assertEquals(await answer.bytes(), whole.slice(start, end));
  }
  const wrong = ["bytes=1-", "bytes=0-5", "bytes=-5", `bytes=${3 * SEALED}-`, "bytes=0-,5-", "x"];
  for (const range of [...wrong, `bytes=0-${whole.length}`]) {
    const answer = await holder.read(ticket, "data", range);
    await answer.body?.cancel();
    assertEquals(answer.status, 416, range);
  }
});

Deno.test("strangers hear the same of every link, whoever has it hears why it is over", async () => {
  await using node = await LinkNode.start();
  const paths = [node.write("a.txt", bep52Content(9))];
  const expired = await node.link(paths, { expires_at: node.clock.nowMs() + DAY_MS });
  const used = await node.link(paths, { count: 1 });
  const revoked = await node.link(paths);
  const open = await node.link(paths);
  const holders = await Promise.all(
    [expired, used, revoked].map(({ link }) => holderOf(link)),
  );
  const usedTicket = await ticketOf(holders[1]!);
  const lateTicket = await ticketOf(holders[2]!);
  await node.unshare(revoked.id);
  node.clock.wallMs = DAY_MS + 1;
  const told = await Promise.all(holders.map((holder) => holder.head()));
  assertEquals(told.map(({ status, body }) => [status, body.code, body.reason]), [
    [410, "link_over", "expired"],
    [410, "link_over", "used"],
    [410, "link_over", "revoked"],
  ]);
  const unknown = `${node.url}/f/${"A".repeat(22)}#${"A".repeat(43)}`;
  const strangers = [expired.link, used.link, revoked.link, open.link]
    .map((link) => `${link.slice(0, -43)}${"A".repeat(43)}`);
  for (const link of [unknown, ...strangers]) {
    const holder = await holderOf(link);
    const answers = [await holder.head(), await holder.ticket()];
    assertEquals(answers.map(({ status, body }) => [status, body]), [
      [404, answers[0]!.body],
      [404, (await (await holderOf(unknown)).head()).body],
    ]);
    const pieces = await holder.read("A".repeat(22), "data");
    await pieces.body?.cancel();
    assertEquals(pieces.status, 404);
  }
  // A ticket lasts a day, and no longer than its link is there.
  for (const [holder, ticket, status] of [[1, usedTicket, 404], [2, lateTicket, 404]] as const) {
    const answer = await holders[holder]!.read(ticket, "data");
    await answer.body?.cancel();
    assertEquals(answer.status, status);
  }
});

Deno.test("a download that was begun goes on when the link is used up, and after a restart", async () => {
  await using node = await LinkNode.start();
  const content = bep52Content(MIB + 7);
  const { link, id } = await node.link([node.write("a.bin", content)], { count: 1 });
  const holder = await holderOf(link);
  const { root, length } = (await holder.openHead()).files[0]!;
  const ticket = await ticketOf(holder);
  assertEquals((await holder.ticket()).body.reason, "used");
  await node.stop();
  await node.start({}, node.clock);
  const sealed = await (await holder.read(ticket, "data")).bytes();
  assertEquals(await holder.openPieces(sealed, { part: 0, root: root!, length }), content);
  const view = (await node.links()).find((one) => one.id === id)!;
  assertEquals([view.state, view.files[0]!.downloads], ["used", 1]);
});

Deno.test("a file that has changed ends its link before a byte of it is sealed", async () => {
  await using node = await LinkNode.start();
  const path = node.write("a.bin", bep52Content(2 * MIB));
  const { link, id } = await node.link([path]);
  const holder = await holderOf(link);
  const ticket = await ticketOf(holder);
  Deno.writeFileSync(path, bep52Content(2 * MIB).with(5, 0));
  const broken = await holder.read(ticket, "data").then((answer) => answer.bytes()).catch(() =>
    null
  );
  assertEquals(broken, null);
  assertEquals((await holder.head()).body.reason, "failed");
  assertEquals((await node.links()).find((one) => one.id === id)?.state, "failed");
});

Deno.test("a ticket gives no more than a few times the file", async () => {
  await using node = await LinkNode.start();
  const { link } = await node.link([node.write("a.bin", bep52Content(4 * MIB))]);
  const holder = await holderOf(link);
  const ticket = await ticketOf(holder);
  const statuses = [];
  for (let time = 0; time < 9; time++) {
    const answer = await holder.read(ticket, "data").catch(() => null);
    statuses.push(answer?.status ?? 0);
    await answer?.bytes().catch(() => null);
  }
  assertEquals(statuses.slice(0, 7), Array(7).fill(200));
  assertEquals(statuses.at(-1), 429);
});

Deno.test("a password is asked for before anything sealed, and guessing it gets slow", async () => {
  await using node = await LinkNode.start();
  const { link } = await node.link([node.write("a.txt", bep52Content(9))], {
    password: "swordfish",
  });
  const holder = await holderOf(link);
  assertEquals((await holder.head()).body, { password: true });
  assertEquals((await holder.ticket()).body.code, "unauthorized");
  const core = await LocalCryptoCore.create();
  const stretch = async (text: string) => {
    const password = encodeUtf8(text);
    return Uint8Array.from(await core.stretchPassword({ password, salt: await holder.salt() }));
  };
  await holder.derive(await stretch("swordfisch"));
  for (let guess = 0; guess < 3; guess++) {
    assertEquals((await holder.head()).body.code, "password_wrong");
  }
  for (let pauseMs = 1_000; pauseMs < 256_000; pauseMs *= 2) {
    node.clock.spanMs += pauseMs;
    assertEquals((await holder.head()).body.code, "password_wrong");
  }
  await holder.derive(await stretch("swordfish"));
  assertEquals((await holder.head()).body.code, "rate_limited");
  node.clock.spanMs += 256_000;
  assertEquals((await holder.openHead()).files[0]!.name, "a.txt");
  assertNotEquals(await ticketOf(holder), undefined);
  await core.stop();
});

Deno.test("nothing of a link is in the database in the open", async () => {
  await using node = await LinkNode.start();
  const paths = [node.write("very-telling-name.bin", bep52Content(MIB + 1))];
  const { link } = await node.link(paths, { note: "a telling note" });
  const [secret, id] = [link.slice(-43), link.slice(-66, -44)];
  await node.stop();
  for (const { name } of Deno.readDirSync(node.data)) {
    if (!name.startsWith("node.db")) continue;
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(`${node.data}/${name}`));
    for (const word of ["telling", secret, id]) assertEquals(text.includes(word), false, word);
  }
});

Deno.test("a link that was taken back keeps nothing of its files", async () => {
  await using node = await LinkNode.start();
  const { id } = await node.link([node.write("a.bin", bep52Content(MIB + 1))]);
  const rows = () =>
    node.inside.store.statement("SELECT count(*) AS n FROM module_rows WHERE key LIKE 'link/%'")
      .get()!.n;
  assertEquals(rows(), 1);
  await node.unshare(id);
  assertEquals(rows(), 0);
  assertEquals(await node.links(), []);
});

Deno.test("links made, used, refused and taken back are audited, without their words", async () => {
  await using node = await LinkNode.start();
  const { id, link } = await node.link([node.write("secret name.txt", bep52Content(9))], {
    count: 1,
  });
  const holder = await holderOf(link);
  await ticketOf(holder);
  await holder.ticket();
  const request = await node.request();
  for (const one of [id, request.id]) await node.unshare(one);
  const entries = node.log.entries.filter(({ event, fields }) =>
    fields.audit === true && event.startsWith("files_")
  );
  assertEquals(entries.map(({ event, fields }) => [event, fields.success, fields.link]), [
    ["files_shared", true, id],
    ["files_granted", true, id],
    ["files_refused", false, id],
    ["files_shared", true, request.id],
    ["files_unshared", true, id],
    ["files_unshared", true, request.id],
  ]);
  const said = JSON.stringify(entries);
  assertEquals(["secret name", link.split("#")[1]!].filter((word) => said.includes(word)), []);
});

Deno.test("a folder of a link counts as two files, and what is not in it is not given", async () => {
  await using node = await LinkNode.start();
  const folder = node.makeFolder("notes", bep52Content(MIB + 1));
  Deno.symlinkSync("/etc/hostname", `${folder}/link`);
  const many = Array.from({ length: 129 }, () => folder);
  const { code } = await assertRejects(() => node.link(many), OpenRedError);
  assertEquals(code, "too_large");
  const { link } = await node.link([folder]);
  assertEquals((await node.links())[0]!.files[0]!.folder, { entries: 4, left_out: 1 });
  const holder = await holderOf(link);
  const { files } = await holder.openHead();
  assertEquals(files.map(({ name, kind, entries }) => [name, kind, entries]), [
    ["notes", "folder", 4],
    ["notes", "content", undefined],
  ]);
  const opened = await Promise.all(files.map(async ({ root, length }, part) => {
    const sealed = await (await holder.read(await ticketOf(holder, part), "data")).bytes();
    return await holder.openPieces(sealed, { part, root: root!, length });
  }));
  const list = decodeFolderManifest(opened[0]!);
  assertEquals(list.entries.map(({ path }) => path), [
    "deep/er/large.bin",
    "empty",
    "small.txt",
    "zero",
  ]);
  assertEquals(opened[1]!.length, MIB + 1 + 3);
  assertEquals(new TextDecoder().decode(opened[1]!.subarray(MIB + 1)), "abc");
});
