import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import {
  finishRestoration,
  incomingData,
  writeRestoration,
} from "../../../peer/data/restoration.ts";
import { createOpenDatabase, openFiles } from "../../../ports/system.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";

Deno.test("what two restorations of one moment took the place of is kept, each under a name of its own", async () => {
  using folder = makeTemporaryDirectory();
  const files = openFiles(folder.path);
  const incoming = incomingData({ files, openDatabase: createOpenDatabase(folder.path) }).files;
  await files.write("keystore", encodeUtf8("first"));
  const kept: string[] = [];
  for (const content of ["second", "third"]) {
    await incoming.write("keystore", encodeUtf8(content));
    kept.push(await writeRestoration(files, 0));
    await finishRestoration(files);
  }
  const found = [...Deno.readDirSync(folder.path)].map(({ name }) =>
    `${name} ${Deno.readTextFileSync(`${folder.path}/${name}`)}`
  );
  assertEquals(kept, ["replaced-19700101T000000Z.", "replaced-19700101T000001Z."]);
  assertEquals(found.sort(), [
    "keystore third",
    `${kept[0]}keystore first`,
    `${kept[1]}keystore second`,
  ]);
});
