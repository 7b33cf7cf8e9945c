import { assertEquals, assertStringIncludes } from "@std/assert";
import { centralRows, configurationTables, fillPage } from "../../scripts/configuration_tables.ts";

const PAGE = await Deno.readTextFile(new URL("../../docs/CONFIGURATION.md", import.meta.url));

/** A table without the blanks that align it. */
function unaligned(page: string): string {
  return page.replace(/ *\| */g, "|").replace(/-{3,}/g, "---");
}

Deno.test("docs/CONFIGURATION.md holds the tables that the options make", async () => {
  assertEquals(unaligned(PAGE), unaligned(await fillPage(PAGE)));
});

Deno.test("docs/CONFIGURATION.md has a place for every command", async () => {
  for (const name of (await configurationTables()).keys()) {
    assertStringIncludes(PAGE, `<!-- table: ${name} -->`);
  }
});

Deno.test("the directory's help gives a row for each of its options", () => {
  const rows = centralRows();
  for (const flag of ["--listen", "--url", "--data", "--lease-ms", "--concurrent", "--json"]) {
    const row = rows.find((candidate) => candidate.flag.startsWith(flag));
    assertEquals(row?.variable, `OPENRED_${flag.slice(2).replaceAll("-", "_").toUpperCase()}`);
  }
});
