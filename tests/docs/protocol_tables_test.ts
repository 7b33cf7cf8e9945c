import { assert, assertEquals } from "@std/assert";
import { CRYPTO_METHODS, SUITES } from "../../crypto/interface.ts";
import { ERROR_STATUS } from "../../protocol/errors.ts";
import * as limits from "../../protocol/limits.ts";
import { PUBLIC_IPV6, SPECIAL_IPV4, SPECIAL_IPV6 } from "../../protocol/special_addresses.ts";
import { readTable } from "./protocol_markdown.ts";

/** Codes that docs/PROTOCOL.md names in the text below its table, as this implementation's own. */
const OWN_CODES = [
  "not_found",
  "method_not_allowed",
  "internal",
  "unauthorized",
  "forbidden",
  "factor_wrong",
  "step_up_required",
  "unreachable",
  "invitation_unknown",
  "invitation_used",
  "invitation_expired",
  "invitation_revoked",
];

Deno.test("docs/PROTOCOL.md lists every limit with the value of its constant", () => {
  const documented = readTable("name", "value", "unit").map(([name, value]) =>
    [name!, Number(value!.replaceAll(",", ""))] as const
  );
  assertEquals(Object.fromEntries(documented), { ...limits } as Record<string, number>);
  assertEquals(documented.length, Object.keys(limits).length);
});

Deno.test("docs/PROTOCOL.md lists every error code with its status", () => {
  const documented = readTable("code", "status", "when").map(([code, status]) =>
    [code!, Number(status)] as const
  );
  const own = new Set(OWN_CODES);
  const expected = Object.entries(ERROR_STATUS).filter(([code]) => !own.has(code));
  assertEquals(Object.fromEntries(documented), Object.fromEntries(expected));
  assertEquals(documented.length, expected.length);
});

Deno.test("docs/PROTOCOL.md names the own error codes with their status", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/PROTOCOL.md", import.meta.url));
  const text = page.slice(page.indexOf("Beyond these"), page.indexOf("### Register"));
  const statusOf: Readonly<Record<string, number>> = ERROR_STATUS;
  for (const code of OWN_CODES) {
    const found = new RegExp(`\`${code}\`[^(]*\\((\\d{3})\\)`).exec(text.replaceAll("\n", " "));
    assertEquals(Number(found?.[1]), statusOf[code], code);
  }
});

Deno.test("docs/PROTOCOL.md lists the built-in methods in their order", () => {
  assertEquals(readTable("method", "steps, in order").map(([name]) => name), [...CRYPTO_METHODS]);
});

Deno.test("docs/PROTOCOL.md lists the special networks, and the one that is not", async () => {
  const documented = readTable("special network", "what").map(([network]) => network!);
  const expected = [...SPECIAL_IPV4, ...SPECIAL_IPV6].map(([network, bits]) =>
    `${network}/${bits}`
  );
  assertEquals(documented, expected);
  const page = await Deno.readTextFile(new URL("../../docs/PROTOCOL.md", import.meta.url));
  assert(page.includes(`\`${PUBLIC_IPV6.join("/")}\``));
});

Deno.test("docs/PROTOCOL.md lists the suites best first", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/PROTOCOL.md", import.meta.url));
  const section = page.slice(page.indexOf("### Suites"), page.indexOf("### Checks of message 1"));
  assertEquals([...section.matchAll(/^\d\. `([^`]+)`/gm)].map((match) => match[1]), [...SUITES]);
});
