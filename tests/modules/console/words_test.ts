import { assertEquals } from "@std/assert";
import { EN } from "../../../modules/console/page/words/en.ts";
import { FR } from "../../../modules/console/page/words/fr.ts";

const PAGE = new URL("../../../modules/console/page/", import.meta.url);

function places(text: string): string[] {
  return [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();
}

function sources(folder: URL): string {
  return [...Deno.readDirSync(folder)].map(({ name, isDirectory }) => {
    if (isDirectory) return name === "words" ? "" : sources(new URL(`${name}/`, folder));
    return /\.tsx?$/.test(name) ? Deno.readTextFileSync(new URL(name, folder)) : "";
  }).join("\n");
}

Deno.test("both languages have the same keys, with the same places", () => {
  assertEquals(Object.keys(FR).sort(), Object.keys(EN).sort());
  for (const [key, text] of Object.entries(EN)) {
    assertEquals(places(FR[key as keyof typeof EN]), places(text), key);
  }
});

Deno.test("no text holds markup", () => {
  for (const text of [...Object.values(EN), ...Object.values(FR)]) {
    assertEquals(/[<>&]/.test(text), false, text);
  }
});

Deno.test("every key is used, as it is or put together", () => {
  const code = sources(PAGE);
  const whole = new Set(
    [...code.matchAll(/["`]([a-z_]+(?:\.[a-z_]+)+)["`]/g)].map(([, key]) => key),
  );
  const begins = [...code.matchAll(/`([a-z_]+\.(?:[a-z_]+\.?)?)\$\{/g)].map(([, begin]) => begin!);
  const unused = Object.keys(EN).filter((key) => {
    const stem = key.replace(/_(one|many)$/, "");
    return !whole.has(key) && !whole.has(stem) && !begins.some((begin) => key.startsWith(begin));
  });
  assertEquals(unused, []);
});
