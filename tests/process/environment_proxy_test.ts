import { assert, assertEquals } from "@std/assert";
import { noteEnvironmentProxies } from "../../process/environment_proxy.ts";
import { MemoryLog } from "../world/memory_log.ts";

Deno.test("noteEnvironmentProxies() names each proxy, and nothing of its credentials", () => {
  const log = new MemoryLog();
  const env = new Map([["HTTPS_PROXY", "http://me:secret@proxy.example:3128"], ["http_proxy", ""]]);
  noteEnvironmentProxies(log, (name) => env.get(name));
  assertEquals(log.entries.map(({ event }) => event), ["environment_proxy"]);
  const text = JSON.stringify(log.entries);
  assert(text.includes("proxy.example:3128") && text.includes("HTTPS_PROXY"));
  assert(!text.includes("secret") && !text.includes("me:"));
});
