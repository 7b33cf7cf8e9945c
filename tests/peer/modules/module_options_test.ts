import { assertEquals, assertThrows } from "@std/assert";
import { checkOption, optionValues } from "../../../peer/modules/module_options.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { manifestSchema } from "../../../protocol/module_manifest.ts";
import { parseInput } from "../../../protocol/schemas.ts";

const MANIFEST = parseInput(manifestSchema, {
  name: "small",
  version: "1",
  api: 1,
  summary: "Small",
  options: [
    { type: "text", name: "title", summary: "What it is called", fallback: "None" },
    { type: "number", name: "size", summary: "How large", fallback: 3, min: 1, max: 9 },
    { type: "flag", name: "shown", summary: "Whether it is seen", fallback: true },
  ],
});

Deno.test("optionValues() has a value for every option, and leaves aside what is none of this version", () => {
  assertEquals(optionValues(MANIFEST, {}), { title: "None", size: 3, shown: true });
  const set = { title: "Mine", size: 9, shown: false };
  assertEquals(optionValues(MANIFEST, set), set);
  const former = { title: 5, size: 10, shown: "no", gone: 1 };
  assertEquals(optionValues(MANIFEST, former), { title: "None", size: 3, shown: true });
  assertEquals(optionValues({ ...MANIFEST, options: [] }, set), {});
});

Deno.test("checkOption() takes values of the option's own form only", () => {
  checkOption(MANIFEST, "size", 1);
  checkOption(MANIFEST, "title", "");
  const wrong = [["size", 0], ["size", "3"], ["title", 3], ["shown", 1], [
    "toString",
    "x",
  ]] as const;
  for (const [name, value] of wrong) {
    const error = assertThrows(() => checkOption(MANIFEST, name, value), OpenRedError);
    assertEquals(error.code, "bad_request");
  }
});
