import { assert, assertEquals } from "@std/assert";

const root = new URL("../../", import.meta.url);
const FOLDERS = ["cli", "crypto", "directory", "peer", "ports", "protocol"];

async function* sourcesOf(folder: URL): AsyncGenerator<{ name: string; text: string }> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = new URL(name + (isDirectory ? "/" : ""), folder);
    if (isDirectory) yield* sourcesOf(path);
    else yield { name: path.pathname, text: await Deno.readTextFile(path) };
  }
}

/** The headings of a page without their numbers, and the bold words that begin a paragraph. */
function placesIn(page: string): Set<string> {
  const headings = page.matchAll(/^#+ (?:\d+\. )?(.+)$/gm);
  const terms = page.matchAll(/^\*\*([^*]+?)\.?\*\*/gm);
  return new Set([...headings, ...terms].map(([, place]) => place!));
}

/** Each place that a comment names: `docs/PAGE.md, "Place" and "Other place"`. */
function* placesNamed(text: string): Generator<{ page: string; place: string }> {
  const comment = text.replaceAll(/\n \* /g, " ");
  for (
    const [, page, places] of comment.matchAll(/docs\/(\w+\.md),? ((?:"[^"]+"(?: and |, )?)+)/g)
  ) {
    for (const [, place] of places!.matchAll(/"([^"]+)"/g)) yield { page: page!, place: place! };
  }
}

Deno.test("every place in the documentation that a comment names is there", async () => {
  const lost: string[] = [];
  let count = 0;
  for (const folder of FOLDERS) {
    for await (const { name, text } of sourcesOf(new URL(`${folder}/`, root))) {
      for (const { page, place } of placesNamed(text)) {
        const known = placesIn(await Deno.readTextFile(new URL(`docs/${page}`, root)));
        count += 1;
        if (!known.has(place)) lost.push(`${name}: ${page}, "${place}"`);
      }
    }
  }
  assert(count > 40);
  assertEquals(lost, []);
});
