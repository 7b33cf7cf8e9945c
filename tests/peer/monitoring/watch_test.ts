import { BUILT_IN_MODULES } from "../../../modules/built_in.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { METRICS_TYPE } from "../../../protocol/metrics.ts";
import { ADMIN_TOKEN } from "../../world/compose_node.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { noPromtool, promtool } from "../../world/promtool.ts";
import { until } from "../../world/until.ts";
import { TestNode } from "../test_node.ts";

const TOKEN = "the metrics token of the tests, long enough";

interface Asking {
  readonly token?: string | null;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** The admin server, not the listener for metrics. */
  readonly admin?: boolean;
}

async function watch(node: TestNode["node"], path: string, asking: Asking = {}) {
  const { token = TOKEN, method = "GET", admin = false } = asking;
  const headers = {
    ...asking.headers,
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  const request = new Request(`http://127.0.0.1:1${path}`, { method, headers });
  const response = await (admin ? node.handleAdmin(request) : node.handleWatch(request));
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const PATHS = ["/metrics", "/healthz", "/readyz"];

Deno.test("Without a token a watcher is told a status, and no metrics", async () => {
  await using test = await TestNode.start({ metricsToken: TOKEN });
  for (const token of [null, "wrong", TOKEN.slice(1), `${TOKEN}x`]) {
    for (const admin of [false, true]) {
      const answers = await Promise.all(
        PATHS.map((path) => watch(test.node, path, { token, admin })),
      );
      assertEquals(answers.map(({ status }) => status), [401, 200, 200]);
      assertEquals(answers.slice(1).map(({ text }) => text), ["", ""]);
      assertEquals(answers[0]!.headers.get("www-authenticate"), "Bearer");
    }
  }
});

Deno.test("A page of a browser is told no more than anybody, token or not", async () => {
  await using test = await TestNode.start({ metricsToken: TOKEN });
  const headers = { origin: "https://page.example" };
  assertEquals((await watch(test.node, "/metrics", { headers })).status, 401);
  assertEquals((await watch(test.node, "/readyz", { headers })).text, "");
});

Deno.test("A node without a metrics token shows metrics to its owner alone", async () => {
  await using test = await TestNode.start();
  for (const token of [null, "", TOKEN]) {
    assertEquals((await watch(test.node, "/metrics", { token })).status, 401);
  }
  assertEquals((await watch(test.node, "/metrics", { token: ADMIN_TOKEN })).status, 200);
});

Deno.test("The metrics token opens nothing else of the admin server, nor its listener", async () => {
  await using test = await TestNode.start({ metricsToken: TOKEN });
  for (const path of ["/admin/v1/status", "/admin/v1/id", "/m/monitoring/numbers"]) {
    assertEquals((await watch(test.node, path, { admin: true })).status, 401);
    assertEquals((await watch(test.node, path, { token: ADMIN_TOKEN })).status, 404);
  }
  for (const path of PATHS) {
    assertEquals((await watch(test.node, path, { method: "POST" })).status, 405);
  }
  assertEquals((await test.ask("GET", "/metrics")).status, 404);
});

Deno.test("Health and readiness say more with the token", async () => {
  await using test = await TestNode.start({ metricsToken: TOKEN });
  await test.clock.advance(3_000);
  const health = JSON.parse((await watch(test.node, "/healthz")).text);
  assertEquals(health, { status: "ok", version: "test", uptime_s: 3 });
  const ready = JSON.parse((await watch(test.node, "/readyz", { admin: true })).text);
  assertEquals(ready, { ready: true, troubles: [] });
});

Deno.test("A node that no directory takes is not ready, and says which failure it was", async () => {
  const held = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const directories = [`http://127.0.0.1:${held.addr.port}`];
  held.close();
  await using node = await new LoopbackNode().start({ metricsToken: TOKEN, directories });
  await until(async () => {
    const { status, text } = await watch(node.node, "/readyz");
    const [trouble] = JSON.parse(text).troubles;
    return status === 503 && trouble?.code === "directories" &&
      trouble.text.includes("port_closed");
  }, "the failure of the only directory");
  assertEquals((await watch(node.node, "/readyz", { token: null })).text, "");
  assertEquals((await watch(node.node, "/healthz")).status, 200);
});

Deno.test("A node whose database takes no writes is not ready until it does", async () => {
  await using node = await new LoopbackNode().start({ metricsToken: TOKEN });
  node.inside.events.tellStorage(new Error("database or disk is full"));
  const { status, text } = await watch(node.node, "/readyz");
  assertEquals([status, JSON.parse(text).troubles[0].code], [503, "storage"]);
  node.inside.events.tellStorage(null);
  assertEquals((await watch(node.node, "/readyz")).status, 200);
});

Deno.test("Monitoring can be switched off, with all that it answers", async () => {
  await using test = await TestNode.start({ metricsToken: TOKEN });
  await test.admin("POST", "/modules/disable", { module: "monitoring" });
  for (const path of PATHS) assertEquals((await watch(test.node, path)).status, 404);
  await test.admin("POST", "/modules/enable", { module: "monitoring" });
  assertEquals((await watch(test.node, "/healthz")).status, 200);
});

Deno.test("Metrics count and time what was done, once somebody has asked, and name nobody", async () => {
  await using test = await TestNode.start({ metricsToken: TOKEN });
  const first = await watch(test.node, "/metrics");
  assertEquals([first.status, first.headers.get("content-type")], [200, METRICS_TYPE]);
  await test.decide();
  const { text } = await watch(test.node, "/metrics");
  for (
    const line of [
      'openred_directories{state="registered"} 1',
      `openred_modules{state="running"} ${BUILT_IN_MODULES.length}`,
      'openred_waiting{module="messaging"} 0',
      'openred_handshakes_total{role="initiator",result="completed"} 0',
      'openred_security_events_total{event="permission_changed",result="done"} 1',
      "openred_messaging_outbox_messages 0",
      "openred_file_sharing_transfers 0",
    ]
  ) assertStringIncludes(text, `${line}\n`);
  assert(/openred_store_commit_seconds_count [1-9]/.test(text), text);
  assert(!text.includes(test.peer.id) && !text.includes(test.node.id));
});

Deno.test("What a module from a file counts becomes no metric: its names are from outside", async () => {
  await using node = await new LoopbackNode().start({ metricsToken: TOKEN });
  node.inside.events.countOf("module_stranger_secret_names", 1);
  const { text } = await watch(node.node, "/metrics");
  assert(!text.includes("stranger"));
});

const missing = noPromtool();
Deno.test({
  name: `promtool finds nothing wrong with a node's metrics${
    missing === null ? "" : ` (${missing})`
  }`,
  ignore: missing !== null,
  fn: async () => {
    await using test = await TestNode.start({ metricsToken: TOKEN });
    await watch(test.node, "/metrics");
    await test.decide();
    const { text } = await watch(test.node, "/metrics");
    assertEquals(await promtool(["check", "metrics"], text), "");
  },
});
