import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OutputGone } from "../../cli/command_error.ts";
import type { TextSink } from "../../cli/output.ts";
import type { ModuleDetail, ModuleView } from "../../protocol/module_api.ts";
import { manifestSchema } from "../../protocol/module_manifest.ts";
import { parseInput } from "../../protocol/schemas.ts";
import { MemorySink, runInProcess } from "./command_line.ts";
import { type FakeAdmin, startFakeAdmin } from "./fake_admin.ts";
import { MANIFEST } from "./fake_kit.ts";

const SHA256 = "ab".repeat(32);
const MESSAGING: ModuleView = {
  name: "messaging",
  version: "1.0.0",
  kind: "built-in",
  state: "running",
  grants: [],
};
const PHOTOS: ModuleView = {
  name: "photos",
  version: "1.0.0",
  kind: "file",
  state: "failed",
  why: "unresponsive: \x1b[31mIt ran for more than 2000 ms at a stretch",
  sha256: SHA256,
  grants: ["peers"],
};
const DETAIL: ModuleDetail = {
  copy: null,
  ...PHOTOS,
  manifest: parseInput(manifestSchema, {
    ...MANIFEST,
    options: [
      { type: "text", name: "title", summary: "What it is called", fallback: "Mine" },
      { type: "number", name: "shown", summary: "How many", fallback: 5, min: -1, max: 9 },
      { type: "flag", name: "shared", summary: "Whether others see it", fallback: false },
    ],
  }),
  options: { title: "Mine", shown: 5, shared: false },
  stored_bytes: 1_234,
  restarts: 2,
};

/** A node with these two modules, which answers every change with the second one. */
function startNode(): FakeAdmin {
  return startFakeAdmin(({ path }) => {
    if (path === "/admin/v1/modules") {
      return { json: { modules: [{ ...MESSAGING, more: 1 }, PHOTOS] } };
    }
    if (path.startsWith("/admin/v1/modules/info") || path.endsWith("/set")) return { json: DETAIL };
    return { json: { ...PHOTOS, state: "running" } };
  });
}

Deno.test("module list --json is one array of exactly what is promised", async () => {
  await using admin = startNode();
  const { code, out } = await runInProcess(["module", "list", "--json"], admin);
  assertEquals([code, JSON.parse(out)], [0, [MESSAGING, PHOTOS]]);
  assertEquals(out.trimEnd().includes("\n"), false);
});

Deno.test("module list says why a module does not run, and prints no control sequence", async () => {
  await using admin = startNode();
  const { code, out } = await runInProcess(["module", "list"], admin);
  assertEquals(code, 0);
  assertStringIncludes(out, "! photos: unresponsive: ␛[31mIt ran");
  assertEquals(out.includes("\x1b"), false);
});

Deno.test("module list fits 80 columns with the longest names and versions", async () => {
  const { why: _, ...rest } = PHOTOS;
  const longest = { name: "a".repeat(32), version: "1".repeat(32), state: "needs_grant" };
  const modules = [{ ...rest, ...longest }, MESSAGING];
  await using admin = startFakeAdmin(() => ({ json: { modules } }));
  const sink = new MemorySink(true);
  const out: TextSink = {
    write: (text) => sink.write(text),
    writeSeen: (text) => sink.write(text),
    isTerminal: true,
    columns: 80,
  };
  const { code } = await runInProcess(["module", "list"], { ...admin, ports: { out } });
  assertEquals(code, 0);
  // deno-lint-ignore no-control-regex
  const lines = sink.text.replace(/\x1b\[\d+m/g, "").trimEnd().split("\n");
  assert(lines.every((line) => line.length <= 80), lines.join("\n"));
  assertStringIncludes(sink.text, "a".repeat(32));
});

Deno.test("module list ends quietly when nobody reads its output any more", async () => {
  await using admin = startNode();
  const stop = new AbortController();
  const gone = () => Promise.resolve(stop.abort(new OutputGone()));
  const out: TextSink = { write: gone, writeSeen: gone, isTerminal: false, columns: null };
  const { signal } = stop;
  const { code, err } = await runInProcess(["module", "list"], {
    ...admin,
    signal,
    ports: { out },
  });
  assertEquals([code, err], [0, ""]);
});

Deno.test("module info prints what the module asks for, with its reasons in quotation marks", async () => {
  await using admin = startNode();
  const { code, out } = await runInProcess(["module", "info", "photos"], admin);
  assertEquals([code, admin.seen[1]?.path], [0, "/admin/v1/modules/info?module=photos"]);
  const expected = [
    '"Shows pictures"',
    'its reason: "To show what lies there"',
    "folder:pictures:read",
    "photos.list (sealed call; needs the permission photos_all)",
    SHA256,
    "1234 bytes",
    "-1 to 9",
  ];
  for (const text of expected) assertStringIncludes(out, text);
  const json = await runInProcess(["module", "info", "photos", "--json"], admin);
  assertEquals(JSON.parse(json.out), JSON.parse(JSON.stringify(DETAIL)));
});

Deno.test("a name that no module has is refused with the nearest one, and nothing is changed", async () => {
  await using admin = startNode();
  const near = await runInProcess(["module", "enable", "fotos"], admin);
  assertEquals([near.code, near.out], [1, ""]);
  assertStringIncludes(near.err, "There is no module fotos here; did you mean photos?");
  const far = await runInProcess(["module", "unload", "calendar", "--forget"], admin);
  assertStringIncludes(far.err, "see 'module list'");
  assertEquals(new Set(admin.seen.map(({ method }) => method)), new Set(["GET"]));
});

Deno.test("changes send exactly what was said", async () => {
  await using admin = startNode();
  const cases: [string[], string, unknown][] = [
    [["enable", "photos"], "enable", { module: "photos" }],
    [["disable", "messaging"], "disable", { module: "messaging" }],
    [["reload", "photos"], "reload", { module: "photos" }],
    [["unload", "photos"], "unload", { module: "photos", forget: false }],
    [["unload", "photos", "--forget"], "unload", { module: "photos", forget: true }],
    [["grant", "photos", "peers"], "grant", { module: "photos", grant: "peers" }],
    [
      ["grant", "photos", "folder:a:write=/a=b"],
      "grant",
      { module: "photos", grant: "folder:a:write=/a=b" },
    ],
    [["revoke", "photos", "folder:a:write"], "revoke", {
      module: "photos",
      grant: "folder:a:write",
    }],
    [["set", "photos", "title", "5"], "set", { module: "photos", option: "title", value: "5" }],
    [["set", "photos", "shown", "7"], "set", { module: "photos", option: "shown", value: 7 }],
    [
      ["set", "photos", "--", "shown", "-1"],
      "set",
      { module: "photos", option: "shown", value: -1 },
    ],
    [["set", "photos", "shared", "1"], "set", { module: "photos", option: "shared", value: true }],
  ];
  for (const [words, path, body] of cases) {
    const { code, err } = await runInProcess(["module", ...words], admin);
    assertEquals([words, code, err], [words, 0, ""]);
    const last = admin.seen.at(-1);
    assertEquals([last?.path, last?.body], [`/admin/v1/modules/${path}`, body]);
  }
});

Deno.test("module set refuses options that the module has not, and values of another form", async () => {
  await using admin = startNode();
  const cases: [string[], number, string][] = [
    [["colour", "red"], 1, "it has title, shown, shared"],
    [["shown", "10"], 2, "expected a number from -1 to 9"],
    [["shown", "5x"], 2, "expected a number"],
    [["shown", "0x5"], 2, "expected a number"],
    [["shown", ""], 2, "expected a number"],
    [["shared", "yes"], 2, "expected 1, true, 0 or false"],
    [["\x1b[31m", "x"], 1, "has no option ␛[31m"],
  ];
  for (const [words, expected, text] of cases) {
    const { code, err } = await runInProcess(["module", "set", "photos", ...words], admin);
    assertEquals([words, code], [words, expected]);
    assertStringIncludes(err, text);
  }
  assertEquals(admin.seen.some(({ method }) => method === "POST"), false);
});

Deno.test("words that are no module, no grant and no route are wrong usage", async () => {
  const wrong = [
    ["info", "Photos"],
    ["info", "../photos"],
    ["info", "ph"],
    ["enable", "photos\n"],
    ["grant", "photos", "folder:a:read"],
    ["grant", "photos", "folder:a:read=a"],
    ["revoke", "photos", "folder:a:read=/a"],
    ["call", "photos", "PATCH", "/"],
    ["call", "photos", "GET", "photos"],
    ["call", "photos", "GET", "/a b"],
    ["call", "photos", "GET", "/#x"],
    ["call", "photos", "GET", "/", "--body", "x"],
  ];
  for (const words of wrong) {
    const { code, err } = await runInProcess(["module", ...words]);
    assertEquals([words, code], [words, 2]);
    assertStringIncludes(err, "openred-node: ");
  }
});

Deno.test("module call prints JSON as one document, other answers as safe lines, and refusals", async () => {
  let answer = () => Response.json({ text: "a\u009b1m" });
  await using admin = startFakeAdmin(({ path }) =>
    path === "/admin/v1/modules" ? { json: { modules: [PHOTOS] } } : answer()
  );
  const call = (...words: string[]) => runInProcess(["module", "call", "photos", ...words], admin);
  const json = await call("get", "/a?b=c%20d");
  assertEquals([json.code, json.out], [0, '{"text":"a\\u009b1m"}\n']);
  assertEquals(admin.seen.at(-1)?.path, "/m/photos/a?b=c%20d");
  answer = () => new Response("two\nlines\x1b[2J");
  assertEquals((await call("POST", "/a", "--body", '"x"')).out, "two\nlines␛[2J\n");
  assertEquals(admin.seen.at(-1)?.body, "x");
  answer = () => new Response(null, { status: 204 });
  const none = await call("DELETE", "/a");
  assertEquals([none.code, none.out, none.err], [0, "", ""]);
  answer = () => Response.json({ code: "forbidden", detail: "Not you" }, { status: 403 });
  const refused = await call("GET", "/a");
  assertEquals([refused.code, refused.err], [4, "openred-node: Not you (forbidden)\n"]);
});
