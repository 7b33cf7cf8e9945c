import { assertEquals } from "@std/assert";
import { openBusyMark } from "../../ports/system_busy_mark.ts";
import { BUSY_FILE, isProgramFile } from "../../ports/data_names.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

Deno.test("a mark is there after a kill, once, and names who was set last", () => {
  using directory = makeTemporaryDirectory();
  const mark = openBusyMark(directory.path);
  assertEquals(mark.take(), null);
  for (const name of ["a".repeat(32), "one_module"]) mark.set(name);
  // A process that is killed closes nothing in order.
  const next = openBusyMark(directory.path);
  assertEquals([next.take(), next.take()], ["one_module", null]);
  mark.clear();
});

Deno.test("a mark is gone after clear(), and can be set again", () => {
  using directory = makeTemporaryDirectory();
  const mark = openBusyMark(directory.path);
  mark.set("one_module");
  mark.clear();
  assertEquals([...Deno.readDirSync(directory.path)], []);
  mark.set("one_module");
  assertEquals(openBusyMark(directory.path).take(), "one_module");
  mark.clear();
});

Deno.test("a mark that holds anything else, is a link, or cannot be written names nobody and ends nothing", () => {
  using directory = makeTemporaryDirectory();
  const path = `${directory.path}/${BUSY_FILE}`;
  for (const text of ["", "\x00".repeat(32), "../../etc", "UPPER", "x".repeat(2_000)]) {
    Deno.writeTextFileSync(path, text);
    assertEquals(openBusyMark(directory.path).take(), null, text);
  }
  const elsewhere = `${directory.path}/elsewhere`;
  Deno.writeTextFileSync(elsewhere, "one_module");
  Deno.symlinkSync(elsewhere, path);
  const linked = openBusyMark(directory.path);
  linked.set("two_module");
  assertEquals([linked.take(), Deno.readTextFileSync(elsewhere)], [null, "one_module"]);
  const nowhere = openBusyMark(`${directory.path}/nowhere`);
  nowhere.set("one_module");
  assertEquals(nowhere.take(), null);
});

Deno.test("the mark's file is the node's own, and of mode 0600", () => {
  using directory = makeTemporaryDirectory();
  const mark = openBusyMark(directory.path);
  mark.set("one_module");
  const { mode } = Deno.statSync(`${directory.path}/${BUSY_FILE}`);
  assertEquals([isProgramFile(BUSY_FILE), mode! & 0o777], [true, 0o600]);
  mark.clear();
});
