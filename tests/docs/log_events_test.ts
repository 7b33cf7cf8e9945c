import { assertEquals } from "@std/assert";
import { readLogEvents } from "../../scripts/log_events.ts";

const root = new URL("../../", import.meta.url);

Deno.test("docs/LOG.md lists every event that the sources log, with its level, and no other", async () => {
  const page = await Deno.readTextFile(new URL("docs/LOG.md", root));
  const listed = [...page.matchAll(/^\| `([a-z_]+)` +\| ([a-z, ]+?) +\|/gm)]
    .map(([, name, level]) => [name!, level!]);
  const logged = [...await readLogEvents(root)].map(([name, levels]) => [
    name,
    [...levels].join(", "),
  ]);
  assertEquals(listed, logged, "docs/LOG.md and the sources differ");
});
