import { assert, assertEquals } from "@std/assert";
import { AUDIT_EVENTS } from "../../protocol/audit_events.ts";

const root = new URL("../../", import.meta.url);

async function* sourcesOf(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = new URL(name + (isDirectory ? "/" : ""), folder);
    if (isDirectory) yield* sourcesOf(path);
    else yield await Deno.readTextFile(path);
  }
}

/** The names in the first argument of a call that audits, and those of an audit log's own findings. */
function eventsIn(source: string): string[] {
  const calls = source.matchAll(
    /(?:\.audit|\.auditStranger|\.#notes\.note|\b(?:audit|this)\.record|toEntry)\(([^{}]*?)[,)]\s*\{/g,
  );
  const findings = source.matchAll(/event: ("audit_\w+")/g);
  return [...calls, ...findings]
    .flatMap(([, argument = ""]) => [...argument.matchAll(/"(\w+)"/g)].map(([, name]) => name!));
}

Deno.test("docs/ARCHITECTURE.md and AUDIT_EVENTS list every event of the audit log, and no other", async () => {
  const page = await Deno.readTextFile(new URL("docs/ARCHITECTURE.md", root));
  const start = page.indexOf("\nEvents: `keystore_opened`");
  const list = page.slice(start, page.indexOf("\n\n", start + 1));
  const listed = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  const written = new Set(["module_loaded"]);
  for await (const source of sourcesOf(new URL("peer/", root))) {
    for (const event of eventsIn(source)) written.add(event);
  }
  assert(written.size > 30);
  assertEquals(listed.toSorted(), [...written].sort());
  assertEquals(AUDIT_EVENTS.toSorted(), [...written].sort());
});
