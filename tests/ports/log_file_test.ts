import { assertEquals, assertStringIncludes } from "@std/assert";
import { createLog } from "../../ports/system.ts";
import { systemClock } from "../../ports/system_clock.ts";
import { LogFile } from "../../ports/system_log_file.ts";
import { until } from "../world/until.ts";
import { VirtualClock } from "../world/virtual_clock.ts";

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await run(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

async function openedLog(path: string) {
  const stream = new LogFile(path);
  await stream.open();
  const log = createLog({ clock: systemClock, level: "info", format: "json", stream });
  return { stream, log };
}

Deno.test("a log that was moved away goes on in a new file once it is told, and loses no line", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/log`;
    const { stream, log } = await openedLog(path);
    log.log("info", "first");
    await log.flush();
    Deno.renameSync(path, `${path}.1`);
    log.log("info", "second");
    await log.flush();
    stream.reopen();
    log.log("info", "third");
    await log.flush();
    const former = Deno.readTextFileSync(`${path}.1`);
    assertEquals(former.trim().split("\n").map((line) => JSON.parse(line).event), [
      "first",
      "second",
    ]);
    assertEquals(JSON.parse(Deno.readTextFileSync(path)).event, "third");
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    stream.close();
  });
});

Deno.test("a log whose folder has gone stops nothing, and says what was lost when it is back", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/inner/log`;
    Deno.mkdirSync(`${folder}/inner`);
    const { stream, log } = await openedLog(path);
    Deno.removeSync(`${folder}/inner`, { recursive: true });
    stream.reopen();
    log.log("info", "lost");
    await log.flush();
    Deno.mkdirSync(`${folder}/inner`);
    await until(async () => {
      log.log("info", "tried");
      await log.flush();
      return await Deno.readTextFile(path).then((text) => text.includes("tried"), () => false);
    }, "a line in the new file");
    assertStringIncludes(Deno.readTextFileSync(path), "log_lines_lost");
    stream.close();
  });
});

Deno.test("the level of a log can be changed while it is written", () => {
  const lines: string[] = [];
  const log = createLog({
    clock: new VirtualClock(0),
    level: "warn",
    format: "json",
    write: (line) => lines.push(JSON.parse(line).event),
  });
  log.log("info", "unseen");
  log.level = "debug";
  log.log("debug", "seen");
  log.level = "error";
  log.log("warn", "unseen");
  assertEquals(lines, ["seen"]);
});
