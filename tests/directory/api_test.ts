import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ERROR_STATUS } from "../../protocol/errors.ts";
import { ROUTES } from "../../directory/routes.ts";
import { TestDirectory } from "./test_directory.ts";
import { settle } from "../world/settle.ts";

Deno.test("Health tells version, id and nodes", async () => {
  await using test = await TestDirectory.start();
  await test.register(test.node(1).record());
  await test.register(test.node(2).gone());
  test.clock.advance(2_500);
  assertEquals((await test.get("/api/v3/health")).body, {
    status: "ok",
    version: "test",
    directory_id: test.directory.id,
    nodes: 1,
    uptime_s: 2,
  });
});

Deno.test("An unknown path is 404, an unknown method 405, HEAD and OPTIONS are answered", async () => {
  await using test = await TestDirectory.start();
  const outcome = async (method: string, path: string) => {
    const { status, body, headers } = await test.ask(method, path);
    return [status, body.code ?? null, headers.get("allow")];
  };
  for (
    const path of ["/", "/api/v3/health/", "/API/v3/health", "//", "/api/v3/nodes", "/%", "/%00"]
  ) {
    assertEquals(await outcome("GET", path), [404, "not_found", null], path);
  }
  for (const { method, path } of ROUTES) {
    const filled = path.replace(":id", test.directory.id);
    const allow = method === "GET" ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
    for (const other of ["DELETE", "PUT", "PATCH", "BREW"]) {
      assertEquals(await outcome(other, filled), [405, "method_not_allowed", allow], filled);
    }
    const opposite = method === "GET" ? "POST" : "GET";
    assertEquals((await outcome(opposite, filled))[0], 405, filled);
    assertEquals(await outcome("OPTIONS", filled), [204, null, allow]);
    const head = await test.ask("HEAD", filled);
    assertEquals([head.status, head.body], [method === "GET" ? 200 : 405, ""], filled);
  }
});

Deno.test("Paths with bad percent-encoding are refused, not failed on", async () => {
  await using test = await TestDirectory.start();
  for (const tail of ["%", "%FF", "%00", "%E0%A4%A", "..%2f..", "%25", "a".repeat(5000), "💬"]) {
    const { status } = await test.get(`/api/v3/nodes/${tail}`);
    assert(status === 400 || status === 404, `${tail} ${status}`);
  }
});

Deno.test("A body that breaks off or never comes is a bad request", async () => {
  await using test = await TestDirectory.start();
  const path = "/api/v3/nodes/register";
  const broken = new ReadableStream({
    pull(controller) {
      controller.error(new Error("reset"));
    },
  });
  assertEquals((await test.ask("POST", path, { body: broken })).body.code, "bad_request");
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(4096)),
  });
  assertEquals((await test.ask("POST", path, { body: endless })).body.code, "too_large");
  const silent = test.ask("POST", path, { body: new ReadableStream() });
  await settle();
  test.clock.advance(10_000);
  assertEquals((await silent).body.code, "bad_request");
});

Deno.test("Errors are problem+json and are not cached", async () => {
  await using test = await TestDirectory.start();
  const { status, headers, body } = await test.get("/nowhere");
  assertEquals(headers.get("content-type"), "application/problem+json");
  assertEquals(headers.get("cache-control"), "no-store");
  assertEquals([body.status, body.code, body.type], [status, "not_found", "about:blank"]);
});

Deno.test("The OpenAPI document describes every route with what it takes and answers", async () => {
  await using test = await TestDirectory.start();
  const { body } = await test.get("/openapi.json");
  assertMatch(body.openapi, /^3\.1\./);
  const described = Object.entries(body.paths as Record<string, Record<string, unknown>>)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  const served = ROUTES.map(({ method, path }) =>
    `${method.toLowerCase()} ${path.replace(":id", "{id}")}`
  );
  assertEquals(described.sort(), served.sort());
  for (const route of ROUTES) {
    const path = route.path.replace(":id", "{id}");
    const operation = body.paths[path][route.method.toLowerCase()];
    for (const code of route.codes) {
      assertStringIncludes(operation.responses[ERROR_STATUS[code]].description, code);
    }
    assert(operation.responses[route.answer.status] !== undefined);
    if (route.request !== null) {
      const schema = operation.requestBody.content["application/json"].schema;
      assertEquals([schema.type, Object.keys(schema.properties).includes("record")], [
        "object",
        true,
      ]);
    }
  }
  const query = body.paths["/api/v3/nodes/discover"].get.parameters as { name: string }[];
  assertEquals(query.map(({ name }) => name), ["service", "alias", "status", "limit", "cursor"]);
});

Deno.test("An answer of each kind is of the schema that the document shows", async () => {
  await using test = await TestDirectory.start();
  const [a, b] = [test.node(1), test.node(2)];
  const registered = await test.register(a.record());
  await test.register(b.record());
  const answers = {
    register: registered.body,
    requestConnection: (await test.connect(a, { target: b.id })).body,
    discover: (await test.get("/api/v3/nodes/discover")).body,
    lookUp: (await test.get(`/api/v3/nodes/${a.id}`)).body,
    health: (await test.get("/api/v3/health")).body,
  };
  const { body } = await test.get("/openapi.json");
  for (const [name, answer] of Object.entries(answers)) {
    const route = ROUTES.find((each) => each.name === name)!;
    const path = route.path.replace(":id", "{id}");
    const operation = body.paths[path][route.method.toLowerCase()];
    const { schema } = operation.responses[route.answer.status].content["application/json"];
    for (const required of schema.required) assert(required in answer, `${name} ${required}`);
    for (const member of Object.keys(answer)) {
      assert(member in schema.properties, `${name} ${member}`);
    }
  }
});

Deno.test("Metrics count what happened", async () => {
  await using test = await TestDirectory.start();
  const [a, b] = [test.node(1), test.node(2)];
  await test.register(a.record());
  await test.register(b.record());
  await test.connect(a, { target: b.id });
  await test.get("/nowhere");
  await test.get("/api/v3/nodes/x");
  const { body } = await test.get("/metrics");
  const expected = [
    'openred_registrations_total{outcome="stored"} 2',
    'openred_callbacks_total{result="ok"} 2',
    'openred_pushes_total{to="target",result="taken"} 1',
    'openred_http_requests_total{method="GET",route="lookUp",status="400"} 1',
    'openred_refusals_total{code="bad_request"} 1',
    'openred_nodes{status="active"} 2',
    "openred_uptime_seconds 0",
  ];
  for (const line of expected) assertStringIncludes(body, `${line}\n`);
  assertMatch(body, /openred_pairs_issued_total\{method="(alpha|beta|gamma|delta)"\} 1\n/);
});

Deno.test("The API is also there below the path of the directory's own URL", async () => {
  const url = "https://directory.example/base";
  await using test = await TestDirectory.start({ config: { url } });
  assertEquals((await test.get("/base/api/v3/health")).status, 200);
  assertEquals((await test.get("/api/v3/health")).status, 200);
  const own = await test.get(`/base/api/v3/nodes/${test.directory.id}`);
  assertEquals(own.body.api_url, url);
});

Deno.test("A directory that stops refuses with 503 and ends what is under way", async () => {
  await using test = await TestDirectory.start();
  const waiting = test.register(test.node(1).record());
  const stopped = test.stop();
  assertEquals((await test.get("/api/v3/health")).status, 503);
  assertEquals((await waiting).status, 201);
  await stopped;
});
