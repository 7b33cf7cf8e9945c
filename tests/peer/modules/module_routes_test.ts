import { assertEquals, assertRejects } from "@std/assert";
import type { RouteAnswer, RouteRequest } from "../../../modules/api.ts";
import { matchPattern } from "../../../peer/modules/module_routes.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { HostedModules } from "../../world/hosted_modules.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { testManifest } from "../../world/test_module.ts";

const MIB = 2 ** 20;

/** A module with routes, whose answer the test says. */
async function setUp() {
  const world = await ContextWorld.create();
  const seen: RouteRequest[] = [];
  let answer: RouteAnswer | Error = {};
  const handler = (request: RouteRequest) => {
    seen.push(request);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const hosted = await HostedModules.start(world, {
    manifest: testManifest({ name: "notes" }),
    registerRoutes(router) {
      router.route("GET", "/", handler);
      router.route("GET", "/all/:id", handler);
      router.route("PUT", "/all/:id", handler);
      router.route("POST", "/all/new", handler);
    },
  });
  const answering = (said: RouteAnswer | Error) => {
    answer = said;
    return hosted.request("GET", "/m/notes");
  };
  const codeOf = async (method: string, path: string, body?: BodyInit) =>
    (await assertRejects(() => hosted.request(method, path, body), OpenRedError)).code;
  return { world, hosted, seen, answering, codeOf };
}

Deno.test("ModuleRoutes hands over the request by its parts, decoded", async () => {
  const { world, hosted, seen } = await setUp();
  using _ = world;
  await hosted.request("PUT", "/m/notes/all/a%2Fb%20c?x=1&x=2&y=%C3%A9", "body");
  const { signal, body, ...rest } = seen[0]!;
  assertEquals(rest, {
    method: "PUT",
    path: "/all/a%2Fb%20c",
    params: { id: "a/b c" },
    query: { x: "2", y: "é" },
  });
  assertEquals([new TextDecoder().decode(body), signal.aborted], ["body", false]);
  for (const path of ["/m/notes", "/m/notes/"]) await hosted.request("GET", path);
  assertEquals(seen.slice(1).map(({ path }) => path), ["/", "/"]);
});

Deno.test("ModuleRoutes answers 404 where nothing is, and 405 with what there is to another method", async () => {
  const { world, hosted, codeOf } = await setUp();
  using _ = world;
  const nothing = [
    "/m/",
    "/m/nobody",
    "/m/nobody/all/a",
    "/m/Notes/all/a",
    "/m/notes/al",
    "/m/notes/all",
    "/m/notes/all/",
    "/m/notes/all/a/",
    "/m/notes/all/a/b",
    "/m/notes//all/a",
    "/m/notes/all/%",
    "/m/notes/all/%ff",
  ];
  for (const path of nothing) {
    assertEquals([path, await codeOf("GET", path)], [path, "not_found"]);
  }
  assertEquals(await codeOf("DELETE", "/m/notes/all/a"), "method_not_allowed");
  assertEquals(await codeOf("HEAD", "/m/notes/all/a"), "method_not_allowed");
  const refused = await assertRejects(() => hosted.request("POST", "/m/notes/all/a"), OpenRedError);
  assertEquals(refused.message, "This path takes GET, PUT");
  assertEquals((await hosted.request("POST", "/m/notes/all/new")).status, 200);
  assertEquals((await hosted.request("GET", "/m/notes/all/new")).status, 200);
});

Deno.test("ModuleRoutes answers nothing of a module that does not run", async () => {
  const { world, hosted, codeOf } = await setUp();
  using _ = world;
  await hosted.host.disable("notes");
  assertEquals(await codeOf("GET", "/m/notes"), "not_found");
  await hosted.host.enable("notes");
  assertEquals((await hosted.request("GET", "/m/notes")).status, 200);
});

Deno.test("ModuleRoutes hands over a body of 1 MiB, and no longer one", async () => {
  const { world, hosted, seen, codeOf } = await setUp();
  using _ = world;
  await hosted.request("PUT", "/m/notes/all/a", new Uint8Array(MIB));
  assertEquals(seen[0]?.body.length, MIB);
  assertEquals(await codeOf("PUT", "/m/notes/all/a", new Uint8Array(MIB + 1)), "too_large");
  assertEquals(seen.length, 1);
});

Deno.test("ModuleRoutes gives every answer headers that keep a browser from running it", async () => {
  const { world, answering } = await setUp();
  using _ = world;
  const response = await answering({
    json: { a: 1 },
    headers: { "Cache-Control": "max-age=5", etag: '"1"' },
  });
  assertEquals([response.status, await response.json()], [200, { a: 1 }]);
  assertEquals(Object.fromEntries(response.headers), {
    "cache-control": "max-age=5",
    "content-disposition": "attachment",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-type": "application/json",
    "cross-origin-resource-policy": "same-origin",
    etag: '"1"',
    "x-content-type-options": "nosniff",
  });
  const plain = await answering({ body: new Uint8Array([1, 2]), status: 404 });
  assertEquals([
    plain.status,
    plain.headers.get("content-type"),
    plain.headers.get("cache-control"),
  ], [
    404,
    "application/octet-stream",
    "no-store",
  ]);
  assertEquals(await plain.bytes(), new Uint8Array([1, 2]));
  for (const status of [204, 205, 304]) {
    const empty = await answering({ status, json: "never sent" });
    assertEquals([empty.status, await empty.text()], [status, ""]);
  }
});

Deno.test("ModuleRoutes takes a type, a header or a status that is not in the list for a fault of the module", async () => {
  const { world, answering } = await setUp();
  using _ = world;
  const body = new Uint8Array([1]);
  const types = [
    "text/html",
    "text/html; charset=utf-8",
    "image/svg+xml",
    "text/xml",
    "text/javascript",
    "application/pdf",
    "TEXT/PLAIN",
    "text/plain",
    "",
  ];
  for (const type of types) {
    await assertRejects(() => answering({ body, type }), RangeError, "type");
  }
  const headers = [
    "set-cookie",
    "Set-Cookie",
    "location",
    "content-type",
    "Content-Disposition",
    "content-security-policy",
    "x-content-type-options",
    "access-control-allow-origin",
    "service-worker-allowed",
    "content-encoding",
    "link",
  ];
  for (const name of headers) {
    await assertRejects(() => answering({ headers: { [name]: "x" } }), RangeError, "header");
  }
  await assertRejects(() => answering({ headers: { etag: "x".repeat(1_025) } }), RangeError);
  await assertRejects(() => answering({ headers: { etag: "a\r\nset-cookie: b" } }), TypeError);
  for (const status of [0, 100, 101, 199, 600, 200.5, NaN]) {
    await assertRejects(() => answering({ status }), RangeError, "status");
  }
});

Deno.test("ModuleRoutes hands on what a module refuses, and a fault of it as it is", async () => {
  const { world, answering } = await setUp();
  using _ = world;
  const refusal = Object.assign(new Error("Not today"), { code: "forbidden" });
  const refused = await assertRejects(() => answering(refusal), OpenRedError, "Not today");
  assertEquals(refused.code, "forbidden");
  const fault = new TypeError("broken");
  assertEquals(await answering(fault).catch((error) => error), fault);
});

Deno.test("matchPattern() matches whole segments", () => {
  const cases: [string, string, Record<string, string> | null][] = [
    ["/", "/", {}],
    ["/", "/a", null],
    ["/a", "/a", {}],
    ["/a", "/%61", {}],
    ["/a", "/A", null],
    ["/a", "/ab", null],
    ["/a/:b", "/a/x", { b: "x" }],
    ["/a/:b", "/a/", null],
    ["/a/:b", "/a", null],
    ["/:a/:b", "/x/%2F", { a: "x", b: "/" }],
    ["/:a/:a", "/x/y", { a: "y" }],
    ["/:a", "/%E0%A4", null],
  ];
  for (const [pattern, path, params] of cases) {
    assertEquals([pattern, path, matchPattern(pattern, path)], [pattern, path, params]);
  }
});
