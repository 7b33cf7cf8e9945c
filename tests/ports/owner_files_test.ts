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

Deno.test("a part that is synced while it grows is the one that was opened, whatever has its name", async () => {
  await withFolders(async ({ data, folder }) => {
    const landing = await createOwnerFiles(data).openFolder(folder);
    const content = new Uint8Array(2 ** 20).fill(7);
    for (const isReplaced of [false, true]) {
      const part = await landing.openPart(".x.part");
      for (let at = 0; at < 70; at++) {
        if (isReplaced && at === 10) {
          Deno.removeSync(`${folder}/.x.part`);
          Deno.writeFileSync(`${folder}/.x.part`, FIVE);
        }
        await part.write(at * content.length, content);
      }
      await part.finish(70 * content.length);
      assertEquals(await part.read(69 * content.length, 2), Uint8Array.of(7, 7));
      part.close();
      const { size } = Deno.statSync(`${folder}/.x.part`);
      assertEquals(size, isReplaced ? FIVE.length : 70 * content.length);
      await landing.removePart(".x.part");
    }
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

Deno.test("a folder is listed without links, special files and the node's data, up to its bound", async () => {
  await withFolders(async ({ data, folder }) => {
    const root = folder.replace(/\/folder$/, "");
    const files = createOwnerFiles(data);
    Deno.mkdirSync(`${folder}/deep/empty`, { recursive: true });
    Deno.writeFileSync(`${folder}/deep/five`, FIVE);
    Deno.utimeSync(`${folder}/deep/five`, new Date(1_000), new Date(2_345));
    Deno.writeFileSync(`${data}/node-secret`, FIVE);
    Deno.symlinkSync(data, `${folder}/link`);
    new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).outputSync();
    const { entries, leftOut } = (await files.listFolder(root, { maxEntries: 4 }))!;
    assertEquals(entries.toSorted((a, b) => a.path < b.path ? -1 : 1), [
      { path: "folder", bytes: null },
      { path: "folder/deep", bytes: null },
      { path: "folder/deep/empty", bytes: null },
      { path: "folder/deep/five", bytes: 5, modifiedMs: 2_345 },
    ]);
    assertEquals(leftOut, 3);
    assertEquals(await codeOf(files.listFolder(root, { maxEntries: 3 })), "too_large");
    assertEquals(await codeOf(files.listFolder(data, { maxEntries: 3 })), "forbidden");
    assertEquals(await files.listFolder(`${folder}/deep/five`, { maxEntries: 3 }), null);
    const stop = AbortSignal.abort();
    const { name } = await assertRejects(
      () => files.listFolder(root, { maxEntries: 9, signal: stop }),
      DOMException,
    );
    assertEquals(name, "AbortError");
  });
});

Deno.test("a file below a folder is opened through no link", async () => {
  await withFolders(async ({ data, folder }) => {
    const files = createOwnerFiles(data);
    Deno.mkdirSync(`${folder}/real`);
    Deno.writeFileSync(`${folder}/real/five`, FIVE);
    Deno.symlinkSync(`${folder}/real`, `${folder}/link`);
    const file = await files.openInside(folder, "real/five");
    assertEquals(file.bytes, 5);
    file.close();
    assertEquals(await codeOf(files.openInside(folder, "link/five")), "forbidden");
    assertEquals(await codeOf(files.openInside(folder, "real/../real/five")), "forbidden");
    assertEquals(await codeOf(files.openInside(folder, "real")), "forbidden");
    assertEquals(await codeOf(files.openInside(folder, "none")), "not_found");
  });
});

Deno.test("a folder that has grown lands once, and never where something is", async () => {
  await withFolders(async ({ data, folder }) => {
    const landing = await createOwnerFiles(data).openFolder(folder);
    const grown = await landing.openFolder(".x.folder");
    const inner = await grown.openFolder("inner");
    const part = await inner.openPart("five");
    await part.write(0, FIVE);
    await part.finish(5);
    part.close();
    assertEquals((Deno.statSync(grown.path).mode ?? 0) & 0o777, 0o700);
    Deno.mkdirSync(`${folder}/taken`);
    Deno.writeFileSync(`${folder}/file`, FIVE);
    Deno.symlinkSync(data, `${folder}/link`);
    for (const name of ["taken", "file", "link"]) {
      assertEquals(await landing.landFolder(".x.folder", name), false, name);
    }
    assertEquals(await codeOf(landing.openFolder("link")), "forbidden");
    assertEquals(await codeOf(landing.openFolder("file")), "forbidden");
    assertEquals(await landing.findFolder("link"), null);
    assertEquals(await landing.landFolder(".x.folder", "free"), true);
    assertEquals(Deno.readFileSync(`${folder}/free/inner/five`), FIVE);
    assertEquals([...Deno.readDirSync(`${folder}/taken`)], []);
    await landing.removeFolder("link");
    await landing.removeFolder("none");
    assertEquals(Deno.lstatSync(`${folder}/link`).isSymlink, true);
    await landing.removeFolder("free");
    assertEquals(await landing.findFolder("free"), null);
    assertEquals((await landing.freeBytes())! > 0, true);
  });
});
