import { assertEquals, assertRejects } from "@std/assert";
import type { LinkGetView } from "../../../../protocol/file_links.ts";
import { bep52Content } from "../../../vectors/bep52.ts";
import { until } from "../../../world/until.ts";
import { filesIn } from "../sharing_nodes.ts";
import { LinkNode } from "./link_node.ts";

const MIB = 2 ** 20;

/** A node that fetches from links. */
class Getter extends LinkNode {
  readonly into = Deno.realPathSync(Deno.makeTempDirSync());

  static async begin(): Promise<Getter> {
    const node = new Getter();
    await node.start({}, node.clock);
    return node;
  }

  begin(link: string, more: Record<string, unknown> = {}): Promise<LinkGetView> {
    const input = { link, folder: this.into, ...more };
    return this.ask<LinkGetView>("POST", "/m/file_sharing/links/get", input);
  }

  /** Fetches to the end. */
  async get(link: string, more: Record<string, unknown> = {}): Promise<LinkGetView> {
    const { id } = await this.begin(link, more);
    const look = () => this.ask<LinkGetView>("GET", `/m/file_sharing/links/get/${id}`);
    await until(async () => (await look()).state !== "running", "it is fetched");
    return await look();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    Deno.removeSync(this.into, { recursive: true });
  }
}

Deno.test("a node fetches from a link of another one, whole and under clean names", async () => {
  await using alice = await LinkNode.start();
  await using bob = await Getter.begin();
  const content = bep52Content(3 * MIB + 5);
  const paths = [alice.write("a.bin", content), alice.write("CON", new Uint8Array())];
  const changed = new Date("2001-02-03T04:05:06.789Z");
  Deno.utimeSync(paths[0]!, changed, changed);
  const { link } = await alice.link(paths);
  Deno.writeTextFileSync(`${bob.into}/a.bin`, "mine");
  const done = await bob.get(link);
  assertEquals([done.state, done.why, done.done_bytes], ["done", null, content.length]);
  assertEquals(done.landed, ["a (2).bin", "_CON"]);
  assertEquals(Deno.readFileSync(`${bob.into}/a (2).bin`), content);
  assertEquals(Deno.readTextFileSync(`${bob.into}/a.bin`), "mine");
  assertEquals(filesIn(bob.into), ["_CON", "a (2).bin", "a.bin"]);
  assertEquals((await bob.get(link, { keep_times: true })).landed, ["a (3).bin", "_CON (2)"]);
  const times = [2, 3].map((number) => Deno.statSync(`${bob.into}/a (${number}).bin`).mtime);
  assertEquals(times.map((time) => time?.getTime() === changed.getTime()), [false, true]);
});

Deno.test("get says what is wrong with a link, and leaves nothing", async () => {
  await using alice = await LinkNode.start();
  await using bob = await Getter.begin();
  const path = alice.write("a.bin", bep52Content(2 * MIB));
  const sealed = await alice.link([path], { password: "swordfish" });
  const used = await alice.link([path], { count: 1 });
  const refuses = async (code: string, link: string, more: Record<string, unknown> = {}) => {
    const error = await assertRejects(() => bob.begin(link, more));
    assertEquals((error as { code?: string }).code, code);
  };
  await refuses("unauthorized", sealed.link);
  await refuses("password_wrong", sealed.link, { password: "trout" });
  await refuses("not_found", `${sealed.link.slice(0, -43)}${"A".repeat(43)}`);
  await refuses("bad_request", sealed.link.split("#")[0]!);
  assertEquals((await bob.get(used.link)).state, "done");
  await refuses("link_over", used.link);
  Deno.removeSync(`${bob.into}/a.bin`);
  Deno.writeFileSync(path, bep52Content(2 * MIB).with(MIB + 3, 0));
  const changed = await bob.get(sealed.link, { password: "swordfish" });
  assertEquals([changed.state, changed.landed], ["failed", []]);
  assertEquals(filesIn(bob.into), []);
});

Deno.test("a node fetches a folder from a link of another one, with its shape", async () => {
  await using alice = await LinkNode.start();
  await using bob = await Getter.begin();
  const content = bep52Content(2 * MIB + 5);
  const folder = alice.makeFolder("notes", content);
  const { id, link } = await alice.link([folder, alice.write("b.txt", content.subarray(0, 9))]);
  const [shown] = (await alice.links()).filter((one) => one.id === id);
  const seen = shown!.files.map(({ name, bytes, folder }) => [name, bytes, folder?.entries]);
  assertEquals(seen, [["notes", content.length + 3, 4], ["b.txt", 9, undefined]]);
  Deno.mkdirSync(`${bob.into}/notes`);
  const done = await bob.get(link);
  assertEquals([done.state, done.why, done.landed], ["done", null, ["notes (2)", "b.txt"]]);
  assertEquals(filesIn(bob.into), ["b.txt", "notes", "notes (2)"]);
  assertEquals(filesIn(`${bob.into}/notes (2)`), ["deep", "empty", "small.txt", "zero"]);
  assertEquals(Deno.readFileSync(`${bob.into}/notes (2)/deep/er/large.bin`), content);
  Deno.writeTextFileSync(`${folder}/small.txt`, "xyz");
  const changed = await bob.get(link);
  assertEquals([changed.state, changed.landed], ["failed", []]);
  assertEquals(filesIn(bob.into), ["b.txt", "notes", "notes (2)"]);
  assertEquals((await alice.links())[0]!.state, "failed");
});
