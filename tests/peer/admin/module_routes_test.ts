import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { BUILT_IN_MODULES } from "../../../modules/built_in.ts";
import { MAX_MODULE_BYTES } from "../../../protocol/module_manifest.ts";
import { ADMIN_TOKEN } from "../../world/compose_node.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";

const FILE = encodeUtf8(`
let context;
export default {
  manifest: {
    name: "small", version: "1", api: 1, summary: "Small",
    grants: [{ kind: "peers", why: "To list them" }],
    options: [{ type: "number", name: "size", summary: "How large", fallback: 3, min: 1, max: 9 }],
  },
  registerRoutes(router) {
    router.route("GET", "/", async () => ({ json: context.options }));
    router.route("GET", "/peers", async () => ({ json: (await context.peers.list()).length }));
  },
  async start(given) { context = given; },
};
`);

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function loadInput(code = FILE.slice()) {
  return { code: encodeBase64Url(code), sha256: await sha256(code), grants: [], change: "new" };
}

async function ask(test: LoopbackNode, path: string, body?: BodyInit | object) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const isJson = typeof body === "object" && !(body instanceof Uint8Array);
  const content = isJson ? JSON.stringify(body) : body as BodyInit | undefined;
  const init = content === undefined ? { headers } : { method: "POST", headers, body: content };
  const url = `http://127.0.0.1${path.startsWith("/m/") ? "" : "/admin/v1/modules"}${path}`;
  const response = await test.node.handleAdmin(new Request(url, init));
  const answer = await response.json();
  const { status } = response;
  return { status, code: answer?.code as string | undefined, answer };
}

Deno.test("the routes of modules load a file, show it, grant, set, stop, start and forget it", async () => {
  await using test = await new LoopbackNode().start();
  const input = await loadInput();
  const loaded = await ask(test, "/load", input);
  const view = { name: "small", version: "1", kind: "file", sha256: input.sha256 };
  assertEquals(loaded.answer, { ...view, state: "running", grants: [] });
  const info = await ask(test, "/info?module=small");
  assertEquals([info.status, info.answer.options], [200, { size: 3 }]);
  assertEquals((await ask(test, "/m/small/")).answer, { size: 3 });
  assertEquals((await ask(test, "/m/small/peers")).code, "forbidden");
  assertEquals((await ask(test, "/grant", { module: "small", grant: "peers" })).status, 200);
  assertEquals((await ask(test, "/m/small/peers")).answer, 0);
  assertEquals((await ask(test, "/revoke", { module: "small", grant: "peers" })).answer.grants, []);
  assertEquals((await ask(test, "/m/small/peers")).code, "forbidden");
  const set = await ask(test, "/set", { module: "small", option: "size", value: 7 });
  assertEquals(set.answer.options, { size: 7 });
  assertEquals((await ask(test, "/m/small/")).answer, { size: 7 });
  assertEquals((await ask(test, "/disable", { module: "small" })).answer.state, "stopped");
  assertEquals((await ask(test, "/m/small/")).status, 404);
  assertEquals((await ask(test, "/enable", { module: "small" })).answer.state, "running");
  assertEquals((await ask(test, "/reload", { module: "small" })).answer.state, "running");
  const names = (await ask(test, "")).answer.modules.map((module: { name: string }) => module.name);
  assertEquals(names, ["authentication", "file_sharing", "messaging", "monitoring", "small"]);
  const done = await ask(test, "/unload", { module: "small", forget: true });
  assertEquals(done.answer, { module: "small", forget: true });
  assertEquals((await ask(test, "/info?module=small")).code, "not_found");
});

Deno.test("the routes of modules take input of exactly its form", async () => {
  await using test = await new LoopbackNode().start();
  const load = await loadInput();
  const module = "messaging";
  const deep = `${'{"module":'.repeat(5_000)}1${"}".repeat(5_000)}`;
  const wrong: [string, BodyInit | object][] = [
    ...["/load", "/unload", "/reload", "/enable", "/disable", "/grant", "/revoke", "/set"].flatMap(
      (path): [string, BodyInit | object][] => [
        [path, ""],
        [path, "[]"],
        [path, "null"],
        [path, deep],
        [path, Uint8Array.of(0x7b, 0xff, 0x7d)],
        [path, { module, more: 1 }],
        [path, { module: "../messaging" }],
        [path, { module: "m".repeat(33) }],
        [path, { module: ["messaging"] }],
      ],
    ),
    ["/load", { ...load, code: `${load.code}=` }],
    ["/load", { ...load, code: "" }],
    ["/load", { ...load, code: encodeBase64Url(new Uint8Array(MAX_MODULE_BYTES + 1)) }],
    ["/load", { ...load, sha256: load.sha256.toUpperCase() }],
    ["/load", { ...load, sha256: "0".repeat(64) }],
    ["/load", { ...load, grants: ["fetch:https://a.example"] }],
    ["/load", { ...load, grants: Array(17).fill("peers") }],
    ["/load", { ...load, change: "replace" }],
    ["/load", { ...load, change: "upgrade" }],
    ["/load", { ...await loadInput(Uint8Array.of(0x2f, 0x2f, 0xff)) }],
    ["/load", { ...await loadInput(encodeUtf8("export default 5").slice()) }],
    ["/unload", { module, forget: 1 }],
    ["/unload", { module }],
    ["/set", { module, option: "x", value: { a: 1 } }],
    ["/grant", { module, grant: "" }],
    ["/grant", { module, grant: "x".repeat(4_201) }],
  ];
  for (const [path, body] of wrong) {
    const { status, code } = await ask(test, path, body);
    assertEquals(
      [path, status, code],
      [path, 400, "bad_request"],
      JSON.stringify(body).slice(0, 90),
    );
  }
  for (const query of ["/info", "/info?module=A", "/info?module=small&more=1"]) {
    assertEquals((await ask(test, query)).code, "bad_request");
  }
  const unknown = ["/reload", "/enable", "/disable", "/unload"];
  for (const path of unknown) {
    assertEquals((await ask(test, path, { module: "nobody" })).code, "not_found");
  }
  assertEquals((await ask(test, "")).answer.modules.length, BUILT_IN_MODULES.length);
});

Deno.test("only the loading of a file takes a body of more than 512 KiB, up to 1.5 MiB", async () => {
  await using test = await new LoopbackNode().start();
  const spaces = (count: number) => " ".repeat(count);
  assertEquals((await ask(test, "/load", spaces(1.5 * 2 ** 20))).status, 400);
  assertEquals((await ask(test, "/load", spaces(1.5 * 2 ** 20 + 1))).code, "too_large");
  for (const path of ["/unload", "/set"]) {
    assertEquals((await ask(test, path, spaces(512 * 1024 + 1))).code, "too_large");
  }
  const comment = encodeUtf8(`/*${"x".repeat(MAX_MODULE_BYTES - FILE.length - 4)}*/`);
  const largest = new Uint8Array([...FILE, ...comment]);
  assertEquals(largest.length, MAX_MODULE_BYTES);
  assertEquals((await ask(test, "/load", await loadInput(largest))).answer.state, "running");
});

Deno.test("why a module does not load is one line, and the log has the rest", async () => {
  await using test = await new LoopbackNode().start();
  const code = encodeUtf8(
    'function deep() { throw new Error("boom"); }\ndeep();\nexport default {};',
  );
  const { status, answer } = await ask(test, "/load", await loadInput(code.slice()));
  assertEquals(status, 400);
  assertEquals(answer.detail, "The module did not load: load_failed: Error: boom");
  const logged = JSON.stringify(test.log.entries);
  assertStringIncludes(logged, "module_not_loaded");
  assertStringIncludes(logged, "at deep");
});
