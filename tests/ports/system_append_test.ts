import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { openFiles } from "../../ports/system.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "openred-append-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Files.append() makes a file that only its owner reads, and adds in order", async () => {
  await inFolder(async (folder) => {
    const files = openFiles(folder);
    const parts = Array.from({ length: 50 }, (_, index) => `${index}\n`);
    await Promise.all(parts.map((part) => files.append("log", encodeUtf8(part))));
    assertEquals(await Deno.readTextFile(`${folder}/log`), parts.join(""));
    if (Deno.build.os !== "windows") {
      assertEquals(((await Deno.stat(`${folder}/log`)).mode ?? 0) & 0o777, 0o600);
    }
  });
});

Deno.test("Files.append() leaves out what its caller changes afterwards", async () => {
  await inFolder(async (folder) => {
    const content = encodeUtf8("abc");
    const appended = openFiles(folder).append("log", content);
    content.fill(0);
    await appended;
    assertEquals(await Deno.readTextFile(`${folder}/log`), "abc");
  });
});

Deno.test("Files.list() names the files of a prefix with their lengths", async () => {
  await inFolder(async (folder) => {
    const files = openFiles(folder);
    for (const name of ["audit-2", "audit-1", "other"]) await files.write(name, encodeUtf8(name));
    await Deno.mkdir(`${folder}/audit-folder`);
    assertEquals(await files.list("audit-"), [
      { name: "audit-1", bytes: 7 },
      { name: "audit-2", bytes: 7 },
    ]);
  });
});

Deno.test("Files.truncate() cuts in place, and leaves what is not longer as it is", async () => {
  await inFolder(async (folder) => {
    const files = openFiles(folder);
    await files.write("log", encodeUtf8("abcdef"));
    await Promise.all([files.append("log", encodeUtf8("gh")), files.truncate("log", 7)]);
    assertEquals(await Deno.readTextFile(`${folder}/log`), "abcdefg");
    await files.truncate("log", 9);
    assertEquals(await Deno.readTextFile(`${folder}/log`), "abcdefg");
    await files.truncate("none", 0);
    assertEquals((await files.list("")).map(({ name }) => name), ["log"]);
  });
});
