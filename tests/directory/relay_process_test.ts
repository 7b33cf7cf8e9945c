import { assertEquals, assertMatch } from "@std/assert";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { startCentral } from "./central_process.ts";

Deno.test("A relay of its own tells metrics and health to whoever has the token, and shows the page about a link", async () => {
  using place = makeTemporaryDirectory();
  const relay = await startCentral(place.path, {
    command: "relay",
    args: ["--metrics-listen", "127.0.0.1:0"],
  });
  const token = Deno.readTextFileSync(`${place.path}/metrics-token`).trim();
  const ask = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers });
    return [response.status, await response.text()] as const;
  };
  const authorization = `Bearer ${token}`;
  const url = relay.metrics_url!;
  const [status, text] = await ask(url, { authorization });
  assertEquals(status, 200);
  assertMatch(text, /^openred_relay_links 0$/m);
  assertMatch(text, /^openred_connections\{listener="metrics"\} 1$/m);
  assertMatch(text, /^process_resident_memory_bytes \d/m);
  assertEquals((await ask(url))[0], 401);
  assertEquals((await ask(url, { authorization: "Bearer nothing" }))[0], 401);
  const ready = await ask(new URL("/readyz", url).href, { authorization });
  assertEquals([ready[0], JSON.parse(ready[1])], [200, { ready: true, troubles: [] }]);
  assertEquals(await ask(new URL("/healthz", url).href), [200, ""]);
  assertEquals((await ask(new URL("/metrics", relay.url).href, { authorization }))[0], 404);
  const page = await fetch(new URL("/i/", relay.url));
  assertEquals([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  assertMatch(page.headers.get("content-security-policy")!, /^default-src 'none'; script-src/);
  assertMatch(await page.text(), /<script type="module" src="page.js">/);
  const { code, err } = await relay.end("SIGTERM");
  assertEquals(code, 0, err);
});
