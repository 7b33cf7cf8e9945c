import { assertEquals } from "@std/assert";
import { languageOf, WORDS } from "../../../../modules/file_sharing/links/page/words.js";

function placesIn(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort();
}

Deno.test("the page says the same in every language", () => {
  assertEquals(Object.keys(WORDS.fr).sort(), Object.keys(WORDS.en).sort());
  for (const [word, text] of Object.entries(WORDS.en)) {
    assertEquals(placesIn(WORDS.fr[word as keyof typeof WORDS.fr]), placesIn(text), word);
  }
});

Deno.test("languageOf() takes the first language that the page speaks", () => {
  assertEquals(languageOf(["de", "fr-CA", "en"]), "fr");
  assertEquals(languageOf(["de"]), "en");
});
