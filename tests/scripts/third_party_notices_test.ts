import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { pathToFileURL } from "node:url";
import { packagesIn, thirdPartyNotices } from "../../scripts/third_party_notices.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";

async function writePackage(
  path: string,
  { name, files }: { readonly name: string; readonly files: Readonly<Record<string, string>> },
): Promise<string> {
  const folder = `${path}/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ name, version: "1.2.3" }));
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${file}`, text);
  }
  return pathToFileURL(`${folder}/`).href;
}

Deno.test("packagesIn() finds the packages whose modules a bundle has", () => {
  const code = [
    "// ../cache/npm/registry.example/hono/4.13.19/dist/hono.js",
    "  // ../cache/npm/registry.example/@noble/hashes/2.4.0_1/sha2.js",
    "// ../cache/npm/registry.example/hono/4.13.19/dist/router.js",
    "// crypto/worker.ts",
    "const text = '// ../cache/npm/registry.example/no/1.0.0/mod.js';",
  ].join("\n");
  assertEquals([...packagesIn(code, new URL("file:///src/project/"))], [
    "file:///src/cache/npm/registry.example/hono/4.13.19/",
    "file:///src/cache/npm/registry.example/@noble/hashes/2.4.0_1/",
  ]);
});

Deno.test("thirdPartyNotices() writes every text once, under the names it is for", async () => {
  using folder = makeTemporaryDirectory();
  const { path } = folder;
  const notices = await thirdPartyNotices([
    await writePackage(path, { name: "b", files: { "LICENSE": "Shared\r\nwords\n" } }),
    await writePackage(path, { name: "a", files: { "license.md": "Shared\nwords" } }),
    await writePackage(path, { name: "c", files: { LICENCE: "Other", NOTICE: "By C" } }),
  ]);
  assertEquals(notices.split("Shared\nwords").length, 2);
  assertStringIncludes(notices, "a 1.2.3\nb 1.2.3\n");
  assertStringIncludes(notices, "Other\n\nBy C\n");
  assertStringIncludes(notices, "the Deno authors");
});

Deno.test("thirdPartyNotices() refuses a package without a text of its licence", async () => {
  using folder = makeTemporaryDirectory();
  const files = { "README.md": "MIT", "NOTICE": "By somebody" };
  for (const [name, given] of Object.entries({ none: files, blank: { LICENSE: "\n" } })) {
    const made = await writePackage(folder.path, { name, files: given });
    await assertRejects(() => thirdPartyNotices([made]), Error, `${name} 1.2.3 has no text`);
  }
});
