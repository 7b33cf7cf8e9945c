import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { PublicAnswer, PublicRequest } from "../../../modules/api.ts";
import { PublicRoutes } from "../../../peer/modules/public_routes.ts";
import { register } from "../../../peer/modules/registrations.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { manifestSchema } from "../../../protocol/module_manifest.ts";
import { parseInput } from "../../../protocol/schemas.ts";
import { MemoryLog } from "../../world/memory_log.ts";
import { Background } from "../../../peer/timing/background.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";
import { runningModule, runningModules, testManifest } from "../../world/test_module.ts";

const SOURCE = "192.0.2.1";
const MANIFEST = testManifest({ name: "file_sharing" });

/** A module with public routes, whose answer the test says. */
function setUp() {
  const seen: PublicRequest[] = [];
  const said: { answer: () => Promise<PublicAnswer> } = { answer: () => Promise.resolve({}) };
  const handler = (request: PublicRequest) => {
    seen.push(request);
    return said.answer();
  };
  const module = runningModule({
    manifest: MANIFEST,
    registerPublicRoutes(router) {
      router.route({ method: "GET", pattern: "/f/:id", headers: ["range"], handler });
      router.route({ method: "POST", pattern: "/f/:id", maxBodyBytes: 10, handler });
    },
  });
  const clock = new VirtualClock(0);
  const background = new Background(new MemoryLog());
  const routes = new PublicRoutes({ clock, background, modules: runningModules(module) });
  const ask = (path: string, init: RequestInit = {}, source = SOURCE) =>
    routes.answer(new Request(`http://a.example${path}`, init), {
      path: path.replace(/\?.*/, ""),
      source,
      isRelayed: true,
    });
  const codeOf = async (...given: Parameters<typeof ask>) =>
    (await assertRejects(() => ask(...given), OpenRedError)).code;
  return { ask, codeOf, seen, said };
}

Deno.test("PublicRoutes hands over what the route names, and nothing else of a request", async () => {
  const { ask, seen } = setUp();
  const headers = { range: "bytes=0-1", cookie: "a=b", authorization: "Bearer x" };
  await ask("/f/a%2Fb?x=1&x=2", { headers });
  const { signal, ...rest } = seen[0]!;
  assertEquals(signal.aborted, false);
  assertEquals(rest, {
    method: "GET",
    path: "/f/a%2Fb",
    params: { id: "a/b" },
    query: { x: "2" },
    headers: { range: "bytes=0-1" },
    body: null,
    source: SOURCE,
    isRelayed: true,
  });
});

Deno.test("PublicRoutes has nothing where no pattern is, and names the methods where one is", async () => {
  const { ask, codeOf } = setUp();
  for (const path of ["/", "/f", "/f/", "/f/a/b", "/g/a"]) assertEquals(await ask(path), null);
  assertEquals(await codeOf("/f/a", { method: "PUT" }), "method_not_allowed");
  assertEquals(await codeOf("/f/a", { method: "HEAD" }), "method_not_allowed");
});

Deno.test("PublicRoutes hands a body over as it comes, and no longer one than the route takes", async () => {
  const { ask, codeOf, seen, said } = setUp();
  said.answer = async () => {
    const body = await new Response(seen.at(-1)!.body).bytes();
    return { json: body.length };
  };
  const post = (body: BodyInit) => ask("/f/a", { method: "POST", body });
  assertEquals(await (await post("0123456789"))!.json(), 10);
  const stream = (...parts: string[]) =>
    ReadableStream.from(parts).pipeThrough(new TextEncoderStream());
  assertEquals(await (await post(stream("01234", "56789")))!.json(), 10);
  assertEquals(
    await codeOf("/f/a", { method: "POST", body: stream("01234", "567890") }),
    "too_large",
  );
  const headers = { "content-length": "11" };
  assertEquals(await codeOf("/f/a", { method: "POST", headers, body: "01234567890" }), "too_large");
  assertEquals(seen.length, 3);
});

Deno.test("PublicRoutes gives every answer headers that keep a browser from running it, unless they are said", async () => {
  const { ask, said } = setUp();
  said.answer = () => Promise.resolve({ body: new Uint8Array([1, 2]) });
  const plain = (await ask("/f/a"))!;
  assertEquals(Object.fromEntries(plain.headers), {
    "cache-control": "no-store",
    "content-length": "2",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-type": "application/octet-stream",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  const page = { "content-security-policy": "default-src 'self'" };
  said.answer = () => Promise.resolve({ body: new Uint8Array(), type: "text/html", headers: page });
  const { headers } = (await ask("/f/a"))!;
  assertEquals([headers.get("content-type"), headers.get("content-security-policy")], [
    "text/html",
    "default-src 'self'",
  ]);
  for (const name of ["set-cookie", "location", "x-content-type-options", "content-encoding"]) {
    said.answer = () => Promise.resolve({ headers: { [name]: "x" } });
    await assertRejects(async () => await ask("/f/a"), RangeError, "header");
  }
});

Deno.test("PublicRoutes hands on what a module refuses", async () => {
  const { codeOf, said } = setUp();
  said.answer = () => Promise.reject({ code: "not_found", message: "Not here" });
  assertEquals(await codeOf("/f/a"), "not_found");
});

Deno.test("PublicRoutes has so many answers of one source under way, until they have left or nobody takes them", async () => {
  const { ask, codeOf, said } = setUp();
  said.answer = () => {
    const parts = ReadableStream.from([new Uint8Array(2), new Uint8Array(1)]);
    return Promise.resolve({ body: { bytes: 3, parts } });
  };
  const open = await Promise.all(Array.from({ length: 64 }, () => ask("/f/a")));
  assertEquals(open[0]!.headers.get("content-length"), "3");
  assertEquals(await codeOf("/f/a"), "overloaded");
  assertEquals((await ask("/f/a", {}, "192.0.2.2"))!.status, 200);
  assertEquals((await open[0]!.bytes()).length, 3);
  await open[1]!.body!.cancel();
  for (let place = 0; place < 2; place++) assertEquals((await ask("/f/a"))!.status, 200);
  assertEquals(await codeOf("/f/a"), "overloaded");
});

Deno.test("PublicRoutes counts requests by their source", async () => {
  const { ask, codeOf } = setUp();
  for (let count = 0; count < 1_200; count++) await ask("/f/a");
  assertEquals(await codeOf("/f/a"), "rate_limited");
  assertEquals((await ask("/f/a", {}, "192.0.2.2"))!.status, 200);
});

Deno.test("register() refuses a public route that is not below the module's own prefixes", () => {
  const handler = () => Promise.resolve({});
  const registering = (name: string, pattern: string) => () => {
    const manifest = testManifest({ name });
    return register({
      manifest,
      registerPublicRoutes: (router) => router.route({ method: "GET", pattern, handler }),
    }, parseInput(manifestSchema, manifest));
  };
  assertEquals(registering("file_sharing", "/p2p/file/:id")().publicRoutes.length, 1);
  const refused = [
    ["file_sharing", "/p2p/message"],
    ["file_sharing", "/"],
    ["file_sharing", "/f"],
    ["file_sharing", "f/a"],
    ["notes", "/f/:id"],
  ] as const;
  for (const [name, pattern] of refused) {
    assertThrows(registering(name, pattern), OpenRedError, pattern);
  }
});
