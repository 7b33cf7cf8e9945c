import { assertEquals, assertRejects } from "@std/assert";
import { CommandError } from "../../cli/command_error.ts";
import { concatBytes } from "../../crypto/encoding.ts";
import { SmallDisk } from "../crash/small_disk.ts";
import { createNodeKeeper } from "../../keeper/node_keeper.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { CHEAP_COST } from "../world/cores.ts";

const keeper = createNodeKeeper({ version: "test", keystoreCost: CHEAP_COST });
const none = () => Promise.reject(new Error("There is no passphrase"));
const passphrase = () => new TextEncoder().encode("a long passphrase");

/** A node that was made and backed up, as files by name. */
interface Made {
  readonly id: string;
  readonly phrase: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly backup: Uint8Array;
}

async function makeNode(): Promise<Made> {
  using folder = makeTemporaryDirectory();
  const data = `${folder.path}/node`;
  let phrase = new Uint8Array();
  const id = await keeper.init({
    data,
    askPassphrase: none,
    askNewPassphrase: null,
    show: (shown) => Promise.resolve(void (phrase = shown.phrase.slice())),
  });
  const { pieces } = await keeper.backUp({ data, file: null, passphrase: passphrase() });
  const backup = concatBytes(...await Array.fromAsync(pieces!));
  const names = [...Deno.readDirSync(data)].map(({ name }) => name);
  const files = new Map(names.map((name) => [name, Deno.readFileSync(`${data}/${name}`)]));
  return { id, phrase, files, backup };
}

/** Made once, for all tests. */
const made = await makeNode();

/** A node's data directory, and a backup of it, which a test may do with what it likes. */
function backedUp(folder: string): { data: string; file: string; id: string; phrase: Uint8Array } {
  const [data, file] = [`${folder}/node`, `${folder}/node.orb`];
  Deno.mkdirSync(data, { mode: 0o700 });
  const mode = 0o600;
  for (const [name, content] of made.files) {
    Deno.writeFileSync(`${data}/${name}`, content, { mode });
  }
  Deno.writeFileSync(file, made.backup, { mode });
  return { data, file, id: made.id, phrase: made.phrase.slice() };
}

async function refuses(work: Promise<unknown>, text: string): Promise<void> {
  await assertRejects(() => work, CommandError, text);
}

Deno.test("a backup is not written into the data directory, and what is left out is named", async () => {
  using folder = makeTemporaryDirectory();
  const { data } = backedUp(folder.path);
  Deno.mkdirSync(`${data}/below`);
  Deno.writeTextFileSync(`${data}/.env~`, "");
  Deno.symlinkSync(data, `${folder.path}/link`);
  for (const file of [`${data}/a.orb`, `${data}/below/a.orb`, `${folder.path}/link/a.orb`]) {
    await refuses(keeper.backUp({ data, file, passphrase: passphrase() }), "in the data directory");
  }
  Deno.mkdirSync(`${folder.path}/node-backups`);
  const file = `${folder.path}/node-backups/a.orb`;
  const { leftOut, pieces } = await keeper.backUp({ data, file, passphrase: passphrase() });
  for await (const _ of pieces!);
  assertEquals(leftOut, [".env~", "below/"]);
});

Deno.test({
  name: "restore looks again whether the directory is empty once the file is proven",
  ignore: Deno.build.os === "windows",
  async fn() {
    using folder = makeTemporaryDirectory();
    const { file, id } = backedUp(folder.path);
    const [data, pipe] = [`${folder.path}/restored`, `${folder.path}/pipe`];
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    const refused = refuses(
      keeper.restore({ file: pipe, data, passphrase: passphrase() }),
      "not empty",
    );
    // Opens once it is being read, and then the first look is over.
    using writer = await Deno.open(pipe, { write: true });
    Deno.mkdirSync(data);
    Deno.writeTextFileSync(`${data}/keystore`, "another node's");
    Deno.renameSync(file, pipe);
    await writer.write(made.backup.subarray(0, 100));
    await refused;
    assertEquals(Deno.readTextFileSync(`${data}/keystore`), "another node's");
    Deno.removeSync(`${data}/keystore`);
    assertEquals((await keeper.restore({ file: pipe, data, passphrase: passphrase() })).id, id);
  },
});

Deno.test("what is no directory is said to be none, and a keystore that does not open asks for no passphrase", async () => {
  using folder = makeTemporaryDirectory();
  const { data, file, phrase } = backedUp(folder.path);
  await refuses(
    keeper.backUp({ data: file, file: null, passphrase: passphrase() }),
    "no directory",
  );
  await refuses(keeper.restore({ file, data: file, passphrase: passphrase() }), "no directory");
  const keystore = Deno.readFileSync(`${data}/keystore`);
  keystore[keystore.length - 1]! ^= 1;
  Deno.writeFileSync(`${data}/keystore`, keystore);
  const succeeding = keeper.succeed({
    data,
    phrase,
    from: null,
    askPassphrase: none,
    askNewPassphrase: null,
    show: none,
  });
  await refuses(succeeding, "keystore or node-secret is damaged");
});

Deno.test("restore says that a file is no backup, and what cannot be read ends with exit code 2", async () => {
  using folder = makeTemporaryDirectory();
  const [file, data] = [`${folder.path}/notes`, `${folder.path}/restored`];
  for (const content of ["", "ORBACK", "notes that are longer than a head of a backup"]) {
    Deno.writeTextFileSync(file, content);
    await refuses(keeper.restore({ file, data, passphrase: passphrase() }), "is not a backup");
  }
  const missing = keeper.restore({ file: `${file}.no`, data, passphrase: passphrase() });
  const error = await assertRejects(() => missing, CommandError, "cannot read this file");
  assertEquals(error.exitCode, 2);
  const { file: backup } = backedUp(folder.path);
  const wrong = new TextEncoder().encode("another passphrase");
  await refuses(keeper.restore({ file: backup, data, passphrase: wrong }), "passphrase is wrong");
  await assertRejects(() => Deno.stat(data), Deno.errors.NotFound);
});

Deno.test("restore says of a directory where another one broke off that it did", async () => {
  using folder = makeTemporaryDirectory();
  const { file, id } = backedUp(folder.path);
  const data = `${folder.path}/restored`;
  Deno.mkdirSync(data);
  Deno.writeTextFileSync(`${data}/restoring`, "restoring\n");
  const restore = () => keeper.restore({ file, data, passphrase: passphrase() });
  await refuses(restore(), "Restoring a backup broke off here; empty this data directory");
  Deno.removeSync(`${data}/restoring`);
  assertEquals((await restore()).id, id);
});

Deno.test({
  name: "restore onto a disk without room says so, and leaves an empty directory",
  ignore: Deno.build.os !== "linux" || !SmallDisk.canMount(),
  async fn() {
    using folder = makeTemporaryDirectory();
    const { file, id } = backedUp(folder.path);
    const data = `${folder.path}/disk/restored`;
    using _disk = SmallDisk.mount({ path: `${folder.path}/disk`, sizeMiB: 1 });
    Deno.writeFileSync(`${folder.path}/disk/other`, new Uint8Array(980 * 1024));
    const restore = () => keeper.restore({ file, data, passphrase: passphrase() });
    await refuses(restore(), `The disk of ${data} is full; make room there`);
    Deno.removeSync(`${folder.path}/disk/other`);
    assertEquals((await restore()).id, id);
  },
});

Deno.test("a data directory without a node is named", async () => {
  using folder = makeTemporaryDirectory();
  const data = `${folder.path}/nothing`;
  const backUp = keeper.backUp({ data, file: null, passphrase: passphrase() });
  await refuses(backUp, `--data: there is no node in ${data}`);
});

Deno.test("a database that is damaged is named, with its directory and what helps", async () => {
  using folder = makeTemporaryDirectory();
  const { data, phrase } = backedUp(folder.path);
  const text = `node.db in ${data} is damaged; restore a backup into an empty directory`;
  const asked = { data, askPassphrase: none, askNewPassphrase: null, show: none };
  Deno.writeFileSync(`${data}/node.db`, new Uint8Array(5_000).fill(7));
  await refuses(keeper.init(asked), text);
  await refuses(keeper.succeed({ ...asked, phrase, from: null }), text);
  const { pieces } = await keeper.backUp({ data, file: null, passphrase: passphrase() });
  await refuses(Array.fromAsync(pieces!), text);
});
