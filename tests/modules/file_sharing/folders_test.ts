import { assert, assertEquals, assertMatch } from "@std/assert";
import { bep52Content } from "../../vectors/bep52.ts";
import { filesIn, SharingNodes } from "./sharing_nodes.ts";
import { WatchedDisk } from "./watched_disk.ts";

const MIB = 2 ** 20;

/** All that lies in a folder: what files contain, and `null` for folders. */
function treeOf(folder: string, below = ""): Record<string, Uint8Array | null> {
  const tree: Record<string, Uint8Array | null> = {};
  for (const { name, isDirectory } of Deno.readDirSync(`${folder}/${below}`)) {
    const path = `${below}${name}`;
    tree[path] = isDirectory ? null : Deno.readFileSync(`${folder}/${path}`);
    if (isDirectory) Object.assign(tree, treeOf(folder, `${path}/`));
  }
  return tree;
}

/** A folder with small files, one over several chunks, one with nothing in it, and an empty folder. */
function makeFolder(root: string): string {
  const folder = `${root}/photos`;
  Deno.mkdirSync(`${folder}/a/empty`, { recursive: true });
  Deno.mkdirSync(`${folder}/b`);
  for (let n = 0; n < 40; n++) {
    Deno.writeFileSync(`${folder}/a/${n}.txt`, bep52Content(n * 300 + 1));
  }
  Deno.writeFileSync(`${folder}/a/nothing`, new Uint8Array());
  Deno.writeFileSync(`${folder}/b/big.bin`, bep52Content(3 * MIB + 77));
  Deno.writeFileSync(`${folder}/b/new\nline`, bep52Content(9));
  Deno.writeFileSync(`${folder}/z`, bep52Content(MIB));
  return folder;
}

async function setUp(failAt = -1, fail: () => Promise<void> | void = () => {}) {
  const nodes = new SharingNodes();
  const disks = { alice: new WatchedDisk(nodes.alice.data), bob: new WatchedDisk(nodes.bob.data) };
  nodes.alice.ports = { disk: disks.alice };
  nodes.bob.ports = { disk: disks.bob };
  await nodes.begin();
  const folder = makeFolder(nodes.alice.folder);
  let writes = 0;
  disks.bob.beforeWrite = () => writes++ === failAt ? fail() : undefined;
  return { nodes, disks, folder };
}

async function offer({ alice, bob }: SharingNodes, folder: string) {
  const share = await alice.share({ peer: bob.id, paths: [folder] });
  return { share, offer: await bob.offered() };
}

Deno.test("a folder keeps its shape, and is seen only when it is whole", async () => {
  const { nodes, folder } = await setUp();
  await using _ = nodes;
  const { bob } = nodes;
  Deno.symlinkSync("/etc/passwd", `${folder}/link`);
  new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).outputSync();
  const { share, offer: offered } = await offer(nodes, folder);
  assertEquals(share.files[0]!.folder, { entries: 45, left_out: 2 });
  assertEquals(offered.files.map(({ name, folder }) => [name, folder]), [
    ["photos", { entries: 45 }],
  ]);
  assertEquals(offered.files[0]!.bytes, share.files[0]!.bytes);
  await bob.accept(offered.id);
  const done = await bob.reaches(offered.id, "done", "failed", "paused");
  assertEquals([done.state, done.why, done.landed], ["done", null, ["photos"]]);
  assertEquals(filesIn(bob.folder), ["photos"]);
  for (const name of ["link", "fifo"]) Deno.removeSync(`${folder}/${name}`);
  const { "b/new\nline": line, ...plain } = treeOf(folder);
  assertEquals(treeOf(`${bob.folder}/photos`), { ...plain, "b/new_line": line! });
  assertEquals((Deno.statSync(`${bob.folder}/photos`).mode ?? 0) & 0o777, 0o700);
});

Deno.test("a folder whose name is taken gets a number; what is there stays", async () => {
  const { nodes, folder } = await setUp();
  await using _ = nodes;
  const { bob } = nodes;
  Deno.mkdirSync(`${bob.folder}/Photos`);
  Deno.symlinkSync("/etc", `${bob.folder}/photos (2)`);
  const { offer: offered } = await offer(nodes, folder);
  await bob.accept(offered.id);
  const done = await bob.reaches(offered.id, "done", "failed", "paused");
  assertEquals([done.state, done.landed], ["done", ["photos (3)"]]);
  assertEquals(filesIn(`${bob.folder}/Photos`), []);
  assertEquals(Deno.readLinkSync(`${bob.folder}/photos (2)`), "/etc");
});

Deno.test("a folder goes on after a restart from what is on the disk", async () => {
  const reached = Promise.withResolvers<void>();
  const { nodes, disks, folder } = await setUp(44, () => {
    reached.resolve();
    return new Promise((resolve) => setTimeout(resolve, 200));
  });
  await using _ = nodes;
  const { bob } = nodes;
  const { offer: offered } = await offer(nodes, folder);
  disks.alice.readBytes = 0;
  await bob.accept(offered.id);
  await reached.promise;
  await bob.stop();
  assertEquals(filesIn(bob.folder).length, 2);
  for (const name of filesIn(bob.folder)) assertMatch(name, /^\.openred-.*\.(list|folder)$/);
  await nodes.startNode(bob);
  const done = await bob.reaches(offered.id, "done", "failed", "paused");
  assertEquals([done.state, done.why, done.landed], ["done", null, ["photos"]]);
  assert(disks.alice.readBytes <= offered.bytes + 4 * MIB, `${disks.alice.readBytes} were read`);
  assertEquals(Deno.readFileSync(`${bob.folder}/photos/b/big.bin`), bep52Content(3 * MIB + 77));
});

Deno.test("a folder that is cancelled leaves nothing behind", async () => {
  const reached = Promise.withResolvers<void>();
  const { nodes, folder } = await setUp(43, () => {
    reached.resolve();
    return new Promise((resolve) => setTimeout(resolve, 100));
  });
  await using _ = nodes;
  const { bob } = nodes;
  const { offer: offered } = await offer(nodes, folder);
  await bob.accept(offered.id);
  await reached.promise;
  await bob.ask("POST", `/m/file_sharing/transfers/${offered.id}/cancel`);
  assertEquals(filesIn(bob.folder), []);
});

for (
  const [what, change] of [
    ["grows", (path: string) => Deno.writeFileSync(path, bep52Content(10_000))],
    ["shrinks", (path: string) => Deno.truncateSync(path, 5)],
    ["is gone", (path: string) => Deno.removeSync(path)],
    ["becomes a link", (path: string) => {
      Deno.renameSync(path, `${path}.there`);
      Deno.symlinkSync(`${path}.there`, path);
    }],
    ["changes with the same size and time", (path: string) => {
      const { mtime, size } = Deno.statSync(path);
      Deno.writeFileSync(path, new Uint8Array(size));
      Deno.utimeSync(path, mtime!, mtime!);
    }],
  ] as const
) {
  Deno.test(`a folder in which a file ${what} after it was shared ends the transfer`, async () => {
    const { nodes, folder } = await setUp();
    await using _ = nodes;
    const { alice, bob } = nodes;
    const { share, offer: offered } = await offer(nodes, folder);
    change(`${folder}/a/7.txt`);
    await bob.accept(offered.id);
    const { state, landed } = await bob.reaches(offered.id, "done", "failed", "paused");
    assertEquals([state, landed], ["failed", []]);
    assertEquals((await alice.shown(share.id)).state, "failed");
    await bob.ask("POST", `/m/file_sharing/transfers/${offered.id}/cancel`);
    assertEquals(filesIn(bob.folder), []);
  });
}

Deno.test("files of a folder that somebody changes here while the rest comes do not land so", async () => {
  let bobs = "";
  const { nodes, folder } = await setUp(44, () => {
    const tree = `${bobs}/${filesIn(bobs).find((name) => name.endsWith(".folder"))}`;
    Deno.truncateSync(`${tree}/a/7.txt`, 5);
    Deno.removeSync(`${tree}/a/8.txt`);
    Deno.writeTextFileSync(`${tree}/a/9.txt`, "more", { append: true });
  });
  await using _ = nodes;
  const { bob } = nodes;
  bobs = bob.folder;
  const { offer: offered } = await offer(nodes, folder);
  await bob.accept(offered.id);
  const done = await bob.reaches(offered.id, "done", "failed", "paused");
  assertEquals([done.state, done.why], ["done", null]);
  const { "b/new\nline": line, ...plain } = treeOf(folder);
  assertEquals(treeOf(`${bob.folder}/photos`), { ...plain, "b/new_line": line! });
});
