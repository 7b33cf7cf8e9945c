import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { METRICS_TYPE } from "../../protocol/metrics.ts";
import { noPromtool, promtool } from "../world/promtool.ts";
import { TestDirectory } from "./test_directory.ts";

const TOKEN = "the metrics token of the tests, long enough";

async function watch(
  test: TestDirectory,
  path: string,
  { token = TOKEN, method = "GET" }: { token?: string | null; method?: string } = {},
) {
  const headers: Record<string, string> = token === null
    ? {}
    : { authorization: `Bearer ${token}` };
  const request = new Request(`http://127.0.0.1:1${path}`, { method, headers });
  const response = await test.directory.handleWatch(request, TOKEN);
  const { status } = response;
  return { status, headers: response.headers, text: await response.text() };
}

Deno.test("Without the token, health and readiness are a status, and metrics are refused", async () => {
  await using test = await TestDirectory.start();
  for (const token of [null, "wrong", TOKEN.slice(1), `${TOKEN} `.trimStart() + "x"]) {
    for (const path of ["/healthz", "/readyz"]) {
      const { status, text } = await watch(test, path, { token });
      assertEquals([status, text], [200, ""], path);
    }
    const { status, headers } = await watch(test, "/metrics", { token });
    assertEquals([status, headers.get("www-authenticate")], [401, "Bearer"]);
  }
  assertEquals((await watch(test, "/api/v3/health")).status, 404);
  assertEquals((await watch(test, "/healthz", { method: "POST" })).status, 405);
});

Deno.test("With the token, health and readiness say more", async () => {
  await using test = await TestDirectory.start();
  test.clock.advance(2_500);
  const health = JSON.parse((await watch(test, "/healthz")).text);
  assertEquals(health, { status: "ok", version: "test", uptime_s: 2 });
  const ready = JSON.parse((await watch(test, "/readyz")).text);
  assertEquals(ready, { ready: true, troubles: [] });
});

Deno.test("A store that takes no writes makes a directory not ready, and asking often writes seldom", async () => {
  let writes = 0;
  let isFull = true;
  await using test = await TestDirectory.start({
    wrapStore: (store) => {
      const swapOwn = store.swapOwn.bind(store);
      store.swapOwn = (name, expected, value) => {
        if (name !== "ready_probe") return swapOwn(name, expected, value);
        writes += 1;
        return isFull ? Promise.reject(new Error("disk full")) : swapOwn(name, expected, value);
      };
      return store;
    },
  });
  for (let asked = 0; asked < 5; asked++) {
    const { status, text } = await watch(test, "/readyz");
    assertEquals([status, JSON.parse(text).troubles[0].code], [503, "storage"]);
  }
  assertEquals(writes, 1);
  assertEquals((await watch(test, "/readyz", { token: null })).text, "");
  isFull = false;
  test.clock.advance(10_000);
  assertEquals((await watch(test, "/readyz")).status, 200);
});

Deno.test("A directory that stops is not ready", async () => {
  await using test = await TestDirectory.start();
  await test.stop();
  const { status, text } = await watch(test, "/readyz");
  assertEquals([status, JSON.parse(text).troubles[0].code], [503, "stopping"]);
});

Deno.test("Metrics count what was done, and time it once somebody has asked", async () => {
  await using test = await TestDirectory.start();
  const first = await watch(test, "/metrics");
  assertEquals([first.status, first.headers.get("content-type")], [200, METRICS_TYPE]);
  await test.register(test.node(1).record());
  await test.get("/nowhere");
  const { text } = await watch(test, "/metrics");
  assertStringIncludes(text, 'openred_nodes{status="active"} 1\n');
  assertStringIncludes(text, 'openred_callbacks_total{result="ok"} 1\n');
  assertStringIncludes(
    text,
    'openred_http_requests_total{method="POST",route="register",status="201"} 1\n',
  );
  assertStringIncludes(text, 'openred_http_request_seconds_count{route="register"} 1\n');
  assert(/openred_store_commit_seconds_count [1-9]/.test(text), text);
  assert(/process_resident_memory_bytes \d{7,}/.test(text));
});

Deno.test("With a listener of their own, metrics are off the public one", async () => {
  await using test = await TestDirectory.start({ config: { hidesMetrics: true } });
  assertEquals((await test.get("/metrics")).status, 404);
  assertEquals((await watch(test, "/metrics")).status, 200);
});

const missing = noPromtool();
Deno.test({
  name: `promtool finds nothing wrong with the metrics${missing === null ? "" : ` (${missing})`}`,
  ignore: missing !== null,
  fn: async () => {
    await using test = await TestDirectory.start();
    await watch(test, "/metrics");
    await test.register(test.node(1).record());
    const { text } = await watch(test, "/metrics");
    assertEquals(await promtool(["check", "metrics"], text), "");
  },
});
