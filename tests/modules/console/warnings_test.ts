import { assert, assertEquals } from "@std/assert";
import { EN } from "../../../modules/console/page/words/en.ts";

const root = new URL("../../../", import.meta.url);

function sourcesOf(folder: URL): string {
  return [...Deno.readDirSync(folder)].map(({ name, isDirectory }) =>
    isDirectory
      ? sourcesOf(new URL(`${name}/`, folder))
      : Deno.readTextFileSync(new URL(name, folder))
  ).join("\n");
}

/** The kinds of warnings of the node itself: topics as they stand where they are told, or returned by `topicOf`. */
function kinds(): string[] {
  const sources = sourcesOf(new URL("peer/", root));
  const told = sources.matchAll(/\.warn\(\s*["`]([a-z_]+)/g);
  const named = sources.matchAll(
    /(?:[tT]opic(?:Of)?\([^)]*\): string \{|LOST =|WARNING =)\s*(?:return )?["`]([a-z_]+)/g,
  );
  return [...new Set([...told, ...named].map(([, kind]) => kind!))];
}

Deno.test("the page has words for every kind of warning of the node", () => {
  const found = kinds();
  assert(found.length >= 15, String(found));
  const wordless = found.filter((kind) => !(`warning.${kind}` in EN) && !kind.startsWith("audit_"));
  assertEquals(wordless, []);
});
