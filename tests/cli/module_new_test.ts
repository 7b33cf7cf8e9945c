import { assertEquals, assertStringIncludes } from "@std/assert";
import { openSandbox } from "../../peer/modules/sandbox/open_sandbox.ts";
import { createModuleWorkers } from "../../ports/system_module_workers.ts";
import { systemClock } from "../../ports/system.ts";
import { createUserFolder, readUserFile } from "../../ports/system_user_files.ts";
import { readFileManifest } from "../../protocol/module_manifest.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { runInProcess } from "./command_line.ts";
import { fakeKit } from "./fake_kit.ts";

Deno.test("module new writes a module that loads, with a manifest of its name", async () => {
  const kit = fakeKit();
  const words = ["module", "new", "my_notes", "--dir", "/there", "--json"];
  const { code, out } = await runInProcess(words, { ports: { moduleKit: kit } });
  const paths = ["/there/my_notes/my_notes.js", "/there/my_notes/README.md"];
  assertEquals([code, JSON.parse(out)], [0, { name: "my_notes", files: paths }]);
  const files = kit.folders.get("/there/my_notes");
  assertStringIncludes(files?.["README.md"] ?? "", "openred-node module load my_notes.js");
  const moduleWorkers = createModuleWorkers({ processBytes: Infinity });
  const text = files?.["my_notes.js"] ?? "";
  const file = await openSandbox({ clock: systemClock, moduleWorkers }, {
    name: "new",
    code: text,
  });
  const manifest = readFileManifest(file.module.manifest);
  assertEquals([manifest.name, manifest.permissions], ["my_notes", ["my_notes"]]);
  await moduleWorkers.stop();
});

Deno.test("module new refuses names that are bad, reserved or like a built-in one", async () => {
  const kit = fakeKit();
  const cases: [string, number][] = [
    ["No", 2],
    ["no", 2],
    ["../notes", 2],
    ["1notes", 2],
    ["n".repeat(33), 2],
    ["nötes", 2],
    ["notes ", 2],
    ["core", 1],
    ["c_o_r_e", 1],
    ["c0re", 1],
    ["adrnin", 1],
    ["messaging", 1],
    ["mes5aging".replace("5", "s"), 1],
    ["messag1ng".replace("1", "l"), 1],
  ];
  for (const [name, expected] of cases) {
    const { code } = await runInProcess(["module", "new", name], { ports: { moduleKit: kit } });
    assertEquals([name, code], [name, expected]);
  }
  assertEquals(kit.folders.size, 0);
});

Deno.test("createUserFolder() leaves alone what is there, and nothing half made", async () => {
  using folder = makeTemporaryDirectory();
  const path = `${folder.path}/notes`;
  await createUserFolder(path, { "a.js": "1" });
  assertEquals(Deno.readTextFileSync(`${path}/a.js`), "1");
  const again = await createUserFolder(path, { "a.js": "2" }).catch((error) => error);
  assertEquals(
    [again instanceof Deno.errors.AlreadyExists, Deno.readTextFileSync(`${path}/a.js`)],
    [
      true,
      "1",
    ],
  );
  await createUserFolder(`${folder.path}/half`, { "a.js": "1", "b/c.js": "2" }).catch(() => {});
  assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["notes"]);
});

Deno.test("readUserFile() reads a file whole, and never more than is taken", async () => {
  using folder = makeTemporaryDirectory();
  const path = `${folder.path}/file`;
  Deno.writeFileSync(path, new Uint8Array(100_000).fill(7));
  assertEquals((await readUserFile(path, 100_000)).length, 100_000);
  const error = await readUserFile(path, 99_999).catch((error) => error);
  assertEquals(error instanceof RangeError, true);
  if (Deno.build.os === "windows") return;
  const endless = await readUserFile("/dev/zero", 1_000).catch((error) => error);
  assertEquals(endless instanceof RangeError, true);
});
