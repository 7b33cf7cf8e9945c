import { assert, assertEquals } from "@std/assert";
import { EN } from "../../../modules/console/page/words/en.ts";
import { FR } from "../../../modules/console/page/words/fr.ts";
import { ERROR_STATUS } from "../../../protocol/errors.ts";
import { RELAY_BYES } from "../../../protocol/relay.ts";
import { UNREACHABLE_REASONS } from "../../../protocol/unreachable.ts";

const PAGE = new URL("../../../modules/console/page/", import.meta.url);

/** Every key that a code of the node has to have words under. */
const KEYS = [
  ...Object.keys(ERROR_STATUS).map((code) => `error.${code}`),
  ...UNREACHABLE_REASONS.map((reason) => `reason.${reason}`),
  ...[...RELAY_BYES, "unreachable", "other_relay"].map((code) => `relay.error_${code}`),
];

for (const [language, words] of Object.entries({ English: EN, French: FR })) {
  Deno.test(`${language} has words for every code of the node`, () => {
    assertEquals(KEYS.filter((key) => !(key in words)), []);
  });
}

Deno.test("the words for codes are translated", () => {
  const codes = (Object.keys(EN) as (keyof typeof EN)[]).filter((key) =>
    /^(error|reason|trouble|warning|relay)\./.test(key)
  );
  assert(codes.length > KEYS.length);
  assertEquals(codes.filter((key) => EN[key] === FR[key]), []);
});

Deno.test("no page shows a text or a code of the node as it came", async () => {
  const raw: string[] = [];
  for (const folder of ["pages/", "parts/"]) {
    for await (const { name } of Deno.readDir(new URL(folder, PAGE))) {
      const source = await Deno.readTextFile(new URL(folder + name, PAGE));
      const found = source.matchAll(
        /\{(?:shown\()?[\w.]*(?:\.last_error|\.why|error\.message|warning\.text|trouble\.text)\)?\}/g,
      );
      for (const [text] of found) {
        if (!source.includes(`<NodeWords text=${text}`)) raw.push(`${name}: ${text}`);
      }
      if (/\$\{[\w.]*\.last_error\}/.test(source)) raw.push(name);
    }
  }
  assertEquals(raw, []);
});
