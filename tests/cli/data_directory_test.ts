import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CommandError } from "../../cli/command_error.ts";
import { lockData } from "../../keeper/data_directory.ts";
import { lockDirectory } from "../../ports/system.ts";
import { isEmptyDirectory } from "../../ports/system_file_pieces.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";

Deno.test("lockData() refuses the data directory of an openred-central", () => {
  using directory = makeTemporaryDirectory();
  Deno.writeTextFileSync(`${directory.path}/directory.db`, "");
  const error = assertThrows(() => lockData(directory.path), CommandError, "openred-central");
  assertEquals(error.exitCode, 1);
  assertEquals([...Deno.readDirSync(directory.path)].length, 1);
});

Deno.test("openred-central refuses the data directory of a node", async () => {
  using directory = makeTemporaryDirectory();
  Deno.writeTextFileSync(`${directory.path}/node.db`, "");
  const central = new URL("../../central.ts", import.meta.url).pathname;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "-A", central, "run", "--data", directory.path],
  }).output();
  assertEquals(code, 1);
  assertStringIncludes(new TextDecoder().decode(stderr), "belongs to an openred-node");
  assertEquals([...Deno.readDirSync(directory.path)].length, 1);
});

Deno.test("isEmptyDirectory() does not count what a lock left", async () => {
  using directory = makeTemporaryDirectory();
  const path = `${directory.path}/data`;
  lockDirectory(path).release();
  assert(await isEmptyDirectory(path));
  Deno.writeTextFileSync(`${path}/node.db`, "");
  assert(!await isEmptyDirectory(path));
});
