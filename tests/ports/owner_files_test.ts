import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../protocol/errors.ts";
import { createOwnerFiles } from "../../ports/system_owner_files.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

const FIVE = Uint8Array.of(1, 2, 3, 4, 5);

async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, OpenRedError)).code;
}

/** A folder with the node's data in it, beside another one. */
async function withFolders(
  test: (at: { data: string; folder: string }) => Promise<void>,
): Promise<void> {
  using directory = makeTemporaryDirectory();
  const root = Deno.realPathSync(directory.path);
  const at = { data: `${root}/data`, folder: `${root}/folder` };
  for (const path of Object.values(at)) Deno.mkdirSync(path);
  await test(at);
}

Deno.test("OwnerFiles opens files alone, and none of the node's data", async () => {
  await withFolders(async ({ data, folder }) => {
    const files = createOwnerFiles(data);
    Deno.writeFileSync(`${data}/node-secret`, FIVE);
    Deno.writeFileSync(`${folder}/plain`, FIVE);
    Deno.symlinkSync(`${data}/node-secret`, `${folder}/link`);
    Deno.symlinkSync(`${folder}/plain`, `${folder}/good-link`);
    new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).outputSync();
    assertEquals(await codeOf(files.openFile(`${data}/node-secret`)), "forbidden");
    assertEquals(await codeOf(files.openFile(`${folder}/link`)), "forbidden");
    assertEquals(await codeOf(files.openFile(`${folder}/fifo`)), "forbidden");
    assertEquals(await codeOf(files.openFile(folder)), "forbidden");
    assertEquals(await codeOf(files.openFile(`${folder}/none`)), "not_found");
    assertEquals(await codeOf(files.openFolder(data)), "forbidden");
    assertEquals(await codeOf(files.openFolder(`${folder}/plain`)), "forbidden");
    const file = await files.openFile(`${folder}/good-link`);
    assertEquals([file.bytes, await file.read(3, 10)], [5, Uint8Array.of(4, 5)]);
    file.close();
  });
});

Deno.test("a part is private, grows in any order, and is cut when it is finished", async () => {
  await withFolders(async ({ data, folder }) => {
    const landing = await createOwnerFiles(data).openFolder(folder);
    const part = await landing.openPart(".x.part");
    await Promise.all([part.write(5, FIVE), part.write(0, FIVE)]);
    assertEquals(await part.read(4, 3), Uint8Array.of(5, 1, 2));
    await part.finish(7);
    part.close();
    const { mode, size } = Deno.statSync(`${folder}/.x.part`);
    assertEquals([(mode ?? 0) & 0o777, size], [0o600, 7]);
    const again = await landing.openPart(".x.part");
    assertEquals(again.bytes, 7);
    again.close();
  });
});

Deno.test("landing replaces nothing: no file, no folder, no link and what it points to", async () => {
  await withFolders(async ({ data, folder }) => {
    const landing = await createOwnerFiles(data).openFolder(folder);
    (await landing.openPart(".x.part")).close();
    Deno.writeFileSync(`${folder}/file`, FIVE);
    Deno.mkdirSync(`${folder}/folder`);
    Deno.symlinkSync(`${folder}/file`, `${folder}/link`);
    Deno.symlinkSync(`${data}/nothing`, `${folder}/dangling`);
    for (const name of ["file", "folder", "link", "dangling"]) {
      assertEquals([name, await landing.land(".x.part", name)], [name, false]);
    }
    assertEquals(Deno.readFileSync(`${folder}/file`), FIVE);
    assertEquals(await landing.land(".x.part", "free"), true);
    const names = [...await landing.names()].sort();
    assertEquals(names, ["dangling", "file", "folder", "free", "link"]);
    assertEquals([...Deno.readDirSync(data)], []);
  });
});

Deno.test("a part that is a link is refused, and so is a folder that has become one", async () => {
  await withFolders(async ({ data, folder }) => {
    const landing = await createOwnerFiles(data).openFolder(folder);
    Deno.writeFileSync(`${data}/victim`, FIVE);
    Deno.symlinkSync(`${data}/victim`, `${folder}/.x.part`);
    assertEquals(await codeOf(landing.openPart(".x.part")), "forbidden");
    Deno.removeSync(`${folder}/.x.part`);
    (await landing.openPart(".y.part")).close();
    Deno.renameSync(folder, `${folder}-moved`);
    Deno.symlinkSync(data, folder);
    assertEquals(await codeOf(landing.land(".y.part", "name")), "forbidden");
    assertEquals(await codeOf(landing.openPart(".z.part")), "forbidden");
    assertEquals([...Deno.readDirSync(data)].map(({ name }) => name), ["victim"]);
  });
});

Deno.test("names that lead elsewhere are nobody's", async () => {
  await withFolders(async ({ data, folder }) => {
    const landing = await createOwnerFiles(data).openFolder(folder);
    for (const name of ["", ".", "..", "a/b", "a\\b", "a\0"]) {
      await assertRejects(() => landing.openPart(name), TypeError);
      await assertRejects(() => landing.land(".x.part", name), TypeError);
      await assertRejects(() => landing.removePart(name), TypeError);
    }
  });
});

Deno.test("a part is open once at a time", async () => {
  await withFolders(async ({ data, folder }) => {
    const files = createOwnerFiles(data);
    const [one, other] = [await files.openFolder(folder), await files.openFolder(folder)];
    const part = await one.openPart(".x.part");
    assertEquals(await codeOf(other.openPart(".x.part")), "rate_limited");
    part.close();
    (await other.openPart(".x.part")).close();
  });
});
