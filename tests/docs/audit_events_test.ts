import { assert, assertEquals } from "@std/assert";
import { AUDIT_EVENTS } from "../../protocol/audit_events.ts";

const root = new URL("../../", import.meta.url);

async function sourcesOf(folder: URL): Promise<string> {
  let text = "";
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = new URL(name + (isDirectory ? "/" : ""), folder);
    text += isDirectory ? await sourcesOf(path) : await Deno.readTextFile(path);
  }
  return text;
}

Deno.test("docs/ARCHITECTURE.md lists every event of the audit log, and no other", async () => {
  const page = await Deno.readTextFile(new URL("docs/ARCHITECTURE.md", root));
  const start = page.indexOf("\nEvents: `keystore_opened`");
  const list = page.slice(start, page.indexOf("\n\n", start + 1));
  const listed = [...list.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  assertEquals(listed.toSorted(), AUDIT_EVENTS.toSorted());
});

Deno.test("every event of the audit log is written by the node", async () => {
  const folders = ["peer/", "modules/"].map((folder) => sourcesOf(new URL(folder, root)));
  const sources = (await Promise.all(folders)).join();
  for (const event of AUDIT_EVENTS) assert(sources.includes(`"${event}"`), event);
});
