import { assertEquals, assertRejects } from "@std/assert";
import { createGrantedFolders } from "../../ports/system_granted_folders.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, OpenRedError)).code;
}

function setUp() {
  const directory = makeTemporaryDirectory();
  const [data, granted] = [`${directory.path}/data`, `${directory.path}/granted`];
  for (const path of [data, granted]) Deno.mkdirSync(path);
  return { directory, data, granted, folders: createGrantedFolders(data) };
}

Deno.test("a granted folder's write keeps the mode of a file that is there, and makes others 0600", async () => {
  const { directory, granted, folders } = setUp();
  using _ = directory;
  Deno.writeTextFileSync(`${granted}/shared`, "before");
  Deno.chmodSync(`${granted}/shared`, 0o664);
  const folder = await folders.open(granted);
  for (const name of ["shared", "new"]) await folder.write([name], new Uint8Array([1]));
  const modes = ["shared", "new"].map((name) => Deno.statSync(`${granted}/${name}`).mode! & 0o777);
  assertEquals(modes, [0o664, 0o600]);
  assertEquals([...Deno.readDirSync(granted)].length, 2);
});

Deno.test("a granted folder takes names of 255 bytes, and refuses longer ones as input", async () => {
  const { directory, granted, folders } = setUp();
  using _ = directory;
  const folder = await folders.open(granted);
  const name = "é".repeat(127) + "x";
  await folder.write([name], new Uint8Array([7]));
  assertEquals(await folder.read([name], 10), new Uint8Array([7]));
  const long = "é".repeat(128);
  assertEquals(await codeOf(folder.write([long], new Uint8Array())), "bad_request");
  assertEquals(await codeOf(folder.read([long], 10)), "bad_request");
  assertEquals(await codeOf(folder.list([long])), "bad_request");
});

Deno.test("a granted folder neither holds the data directory nor lies in it", async () => {
  const { directory, data, granted, folders } = setUp();
  using _ = directory;
  Deno.mkdirSync(`${data}/inner`);
  Deno.symlinkSync(data, `${granted}/link`);
  for (const path of [directory.path, data, `${data}/inner`, `${granted}/link`]) {
    assertEquals(await codeOf(folders.open(path)), "forbidden", path);
  }
  assertEquals(await codeOf((await folders.open(granted)).list(["link"])), "forbidden");
});

/** Whether this user may mount inside a namespace of its own. */
async function canMount(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const trial = new Deno.Command("unshare", {
    args: ["-rm", "mount", "--bind", "/tmp", "/tmp"],
    stdout: "null",
    stderr: "null",
  });
  return await trial.output().then(({ success }) => success, () => false);
}

Deno.test({
  name: "a granted folder does not show the data directory through a mount",
  ignore: !await canMount(),
  async fn() {
    const { directory, data, granted } = setUp();
    using _ = directory;
    for (const path of [`${data}/inner`, `${granted}/mount`]) Deno.mkdirSync(path);
    Deno.writeTextFileSync(`${data}/node-secret`, "secret");
    const probe = `
      import { createGrantedFolders } from "${ROOT}ports/system_granted_folders.ts";
      const folders = createGrantedFolders(${JSON.stringify(data)});
      const say = (work) => work.then((found) => console.log("came", found), ({ code }) => console.log(code));
      for (const path of ["/mount", "/mount/inner"]) await say(folders.open(${
      JSON.stringify(granted)
    } + path));
      const folder = await folders.open(${JSON.stringify(granted)});
      await say(folder.list(["mount"]));
      await say(folder.read(["mount", "node-secret"], 100));
      await say(folder.write(["mount", "node-secret"], new Uint8Array()));`;
    const path = `${directory.path}/probe.js`;
    Deno.writeTextFileSync(path, probe);
    const run =
      `mount --bind "$1" "$2" && exec "$3" run --no-prompt --no-check -A --config "$4" "$5"`;
    const { stdout } = await new Deno.Command("unshare", {
      args: ["-rm", "sh", "-c", run, "sh", data, `${granted}/mount`, Deno.execPath()]
        .concat([`${ROOT}deno.json`, path]),
      stdout: "piped",
    }).output();
    assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), Array(5).fill("forbidden"));
    assertEquals(Deno.readTextFileSync(`${data}/node-secret`), "secret");
  },
});
