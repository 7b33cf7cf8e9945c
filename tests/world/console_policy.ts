/**
 * What every answer of the console's listener has to tell a browser.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

const NONE = ["base-uri", "form-action", "frame-ancestors", "object-src"];

/** @param origin Of the page that the answer is part of; `null`: it is part of none. */
export function checkConsolePolicy(headers: Headers, origin: string | null, what: string): void {
  const policy = headers.get("content-security-policy") ?? "";
  const rules = new Map(
    policy.split("; ").map((rule) => {
      const [name = "", ...values] = rule.split(" ");
      return [name, values.join(" ")];
    }),
  );
  assertEquals(rules.get("default-src"), "'none'", what);
  for (const name of NONE) assertEquals(rules.get(name), "'none'", `${what}: ${name}`);
  assertEquals(rules.get("require-trusted-types-for"), "'script'", what);
  assert(!/unsafe|data:|\*/.test(policy), what);
  const own = origin === null ? undefined : `${origin}/console/`;
  assertEquals([rules.get("script-src"), rules.get("style-src")], [own, own], what);
  assertEquals(rules.has("sandbox"), origin === null, what);
  const camera = origin === null ? "camera=()" : "camera=(self)";
  const others = {
    "permissions-policy": `${camera}, geolocation=(), microphone=()`,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };
  for (const [name, value] of Object.entries(others)) {
    assertEquals(headers.get(name), value, `${what}: ${name}`);
  }
  for (const name of ["access-control-allow-origin", "server", "etag"]) {
    assertEquals(headers.get(name), null, `${what}: ${name}`);
  }
}
