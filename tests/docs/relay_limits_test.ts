import { assert, assertEquals } from "@std/assert";
import { readTable } from "./protocol_markdown.ts";
import { DEFAULT_RELAY_LIMITS } from "../../relay/config.ts";

const tests = new URL("../", import.meta.url);

Deno.test("docs/PROTOCOL.md names for the limits of a relay tests that there are", async () => {
  const rows = readTable("limit", "file", "test");
  assert(rows.length > Object.keys(DEFAULT_RELAY_LIMITS).length);
  const lost: string[] = [];
  for (const [, file = "", name = ""] of rows) {
    const source = await Deno.readTextFile(new URL(file.replaceAll("`", ""), tests));
    if (!source.includes(`Deno.test(${JSON.stringify(name)}`)) lost.push(`${file}: ${name}`);
  }
  assertEquals(lost, []);
});
