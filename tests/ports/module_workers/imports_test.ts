import { assertEquals } from "@std/assert";
import { readModuleText } from "../../../ports/module_text.ts";
import { endOf } from "./world.ts";

const SOURCES = [
  "https://example.com/mod.ts",
  "npm:left-pad@1.3.0",
  "jsr:@std/assert@1",
  "node:fs",
  "file:///etc/passwd",
  "./other.js",
  "data:text/javascript,export default 1",
  "blob:null/00000000-0000-0000-0000-000000000000",
];

Deno.test("a file that imports does not run", async (t) => {
  for (const source of SOURCES) {
    await t.step(`${source}, statically`, async () => {
      assertEquals((await endOf(`import "${source}"; port.post("ran")`)).why, "import_refused");
    });
    await t.step(`${source}, while it runs`, async () => {
      const end = await endOf(`port.post("ran"); await import("${source}")`);
      assertEquals(end.why, "import_refused");
    });
  }
});

Deno.test("readModuleText() knows an import by whatever may stand in it", () => {
  const spellings = [
    "import('x')",
    "import ('x')",
    "import\n('x')",
    "import\u2028('x')",
    "import\ufeff('x')",
    "import/**/('x')",
    "import//\n('x')",
    "import <!-- y\n('x')",
    "import\n--> y\n('x')",
    "import.meta.url",
    "import . meta",
    "import.defer('x')",
    "(0,import('x'))",
    "`${import('x')}`",
  ];
  for (const spelling of spellings) {
    const read = readModuleText(`const a = 1; void ${spelling};`);
    assertEquals("why" in read && read.why, "import_refused", spelling);
  }
});

Deno.test("readModuleText() lets pass what only has the word in it", () => {
  for (
    const text of ["crypto.importKey(1)", "const imports = 1", "reimport(1)", "'we import keys'"]
  ) {
    assertEquals("script" in readModuleText(text), true, text);
  }
});

Deno.test("an import cannot be written with escapes, or made of text", async () => {
  const escaped = await endOf(String.raw`void im\u0070ort("node:fs")`);
  assertEquals(escaped.why, "load_failed");
  const made = await endOf(`globalThis.Function("return im" + "port('node:fs')")()`);
  assertEquals([made.why, made.detail.split(":")[0]], ["load_failed", "EvalError"]);
});
