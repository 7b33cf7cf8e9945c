import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ModuleView } from "../../protocol/module_api.ts";
import { MAX_MODULE_BYTES } from "../../protocol/module_manifest.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { runInProcess, type RunResult } from "./command_line.ts";
import { type FakeAdmin, startFakeAdmin } from "./fake_admin.ts";
import { CODE, CODE_SHA256, type FakeKit, fakeKit, MANIFEST, PHOTOS } from "./fake_kit.ts";

const HELD: ModuleView = {
  name: "photos",
  version: "1.0.0",
  kind: "file",
  state: "running",
  sha256: "cd".repeat(32),
  grants: [],
};
const GRANTS = ["--grant", "folder:pictures:read=/home/me", "--grant", "peers"];
const YES = ["--yes", "--sha256", CODE_SHA256];

/** A node with these modules, which takes every file. */
function startNode(modules: readonly Partial<ModuleView>[] = []): FakeAdmin {
  return startFakeAdmin(({ path }) =>
    path === "/admin/v1/modules"
      ? { json: { modules } }
      : { json: { ...HELD, sha256: CODE_SHA256 } }
  );
}

interface Loading {
  readonly admin: FakeAdmin;
  readonly args?: readonly string[];
  readonly kit?: FakeKit;
  /** What the person types; without them nobody can be asked. */
  readonly typed?: readonly string[];
}

async function load(
  { admin, args = [], kit = fakeKit(), typed }: Loading,
): Promise<RunResult & { readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const askLine = (question: string) => {
    asked.push(question);
    return Promise.resolve(typed === undefined ? null : typed[asked.length - 1] ?? "");
  };
  const words = ["module", "load", PHOTOS, ...args];
  return { ...await runInProcess(words, { ...admin, ports: { moduleKit: kit, askLine } }), asked };
}

/** What was sent to be loaded. */
function loaded({ seen }: FakeAdmin) {
  return seen.filter(({ path }) => path === "/admin/v1/modules/load").map(({ body }) => body);
}

const CODE_TEXT = CODE.toBase64({ alphabet: "base64url", omitPadding: true });

Deno.test("module load shows what was read, asks for each grant, and sends those bytes", async () => {
  await using admin = startNode();
  const kit = fakeKit();
  const result = await load({ admin, kit, typed: ["/home/me/pictures", "y", "yes"] });
  assertEquals([result.code, kit.read], [0, [PHOTOS]]);
  assertEquals(result.asked, [
    "Folder for folder:pictures:read (empty: none): ",
    "Grant peers? [y/N] ",
    "Load photos 1.1.0? [y/N] ",
  ]);
  const shown = ['"Shows pictures"', CODE_SHA256, 'its reason: "To list who', "can end the node"];
  for (const text of shown) assertStringIncludes(result.err, text);
  const grants = ["folder:pictures:read=/home/me/pictures", "peers"];
  assertEquals(loaded(admin), [
    { module: "photos", code: CODE_TEXT, sha256: CODE_SHA256, grants, change: "new" },
  ]);
  assertStringIncludes(result.out, "running");
});

Deno.test("module load leaves out what is not granted, and loads nothing without a yes", async () => {
  await using admin = startNode();
  assertEquals((await load({ admin, typed: ["", "n", "y"] })).code, 0);
  assertEquals((loaded(admin)[0] as { grants: string[] }).grants, []);
  for (const last of ["", "n", "yess", "j", "Y E S"]) {
    const { code, err, out } = await load({ admin, typed: ["/home/me", "y", last] });
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, "Nothing was loaded");
  }
  const relative = await load({ admin, typed: ["pictures", "y", "y"] });
  assertStringIncludes(relative.err, "expected an absolute path");
  assertEquals(loaded(admin).length, 1);
});

Deno.test("module load refuses without a terminal and says what agrees to it", async () => {
  await using admin = startNode([HELD]);
  for (const args of [[], GRANTS, ["--sha256", CODE_SHA256], YES, [...YES, ...GRANTS]]) {
    const { code, err } = await load({ admin, args });
    assertEquals([args, code], [args, 1]);
    const words = ["--yes", `--sha256 ${CODE_SHA256}`, "--grant peers", "--upgrade"];
    for (const text of words) assertStringIncludes(err, `  ${text}\n`);
    assertStringIncludes(err, "  --grant folder:pictures:read=/the/folder\n");
  }
  assertEquals(loaded(admin), []);
});

Deno.test("module load --yes needs the file's hash and every grant by its name", async () => {
  await using admin = startNode();
  const usage = [["--yes"], [...YES, "--upgrade", "--fresh"], [...YES, "--grant", "method:photos"]];
  for (const args of usage) assertEquals((await load({ admin, args })).code, 2);
  const other = await load({ admin, args: ["--yes", "--sha256", "0".repeat(64), ...GRANTS] });
  assertEquals(other.code, 1);
  assertStringIncludes(other.err, `This is another file: its SHA-256 is ${CODE_SHA256}`);
  assertEquals((await load({ admin, args: [...YES, ...GRANTS.slice(0, 2)] })).code, 1);
  assertEquals(loaded(admin), []);
  const { code, err, out, asked } = await load({ admin, args: [...YES, ...GRANTS, "--json"] });
  assertEquals([code, err, asked], [0, "", []]);
  assertEquals(JSON.parse(out), { ...HELD, sha256: CODE_SHA256 });
  assertEquals(loaded(admin).length, 1);
});

Deno.test("a name that is here is asked for apart, with both versions and hashes", async () => {
  await using admin = startNode([HELD]);
  const args = GRANTS;
  const kept = await load({ admin, args, typed: ["y", "y"] });
  assertEquals(kept.asked[0], "photos 1.0.0 has data here. Give it to 1.1.0? [y/N] ");
  for (const text of ["1.0.0", HELD.sha256!, CODE_SHA256]) assertStringIncludes(kept.err, text);
  const refused = await load({ admin, args, typed: ["n", "y"] });
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.err, "--fresh deletes the data instead");
  await load({ admin, args: [...YES, ...GRANTS, "--fresh"] });
  await load({ admin, args: [...YES, ...GRANTS, "--upgrade"] });
  const wrong = await load({ admin, args: [...YES, ...GRANTS, "--downgrade"] });
  assertStringIncludes(wrong.err, "1.1.0 is newer than 1.0.0, which is here: say --upgrade");
  const changes = loaded(admin).map((body) => (body as { change: string }).change);
  assertEquals(changes, ["upgrade", "fresh", "upgrade"]);
});

Deno.test("an older version says so, and is taken as a downgrade only", async () => {
  await using admin = startNode([{ ...HELD, version: "1.10.0" }]);
  const asked = await load({ admin, args: GRANTS, typed: ["y", "y"] });
  assertStringIncludes(asked.asked[0] ?? "", "Give it to the OLDER 1.1.0?");
  const wrong = await load({ admin, args: [...YES, ...GRANTS, "--upgrade"] });
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.err, "1.1.0 is older than 1.10.0");
  await load({ admin, args: [...YES, ...GRANTS, "--downgrade"] });
  const changes = loaded(admin).map((body) => (body as { change: string }).change);
  assertEquals(changes, ["downgrade", "downgrade"]);
});

Deno.test("module load refuses files that are no module, with one line and exit code 2", async () => {
  await using admin = startNode();
  const deep = JSON.parse(`${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`);
  const manifests: [unknown, string][] = [
    [null, "manifest"],
    [deep, "manifest"],
    [[MANIFEST], "manifest"],
    [{ ...MANIFEST, more: 1 }, "not known here"],
    [{ ...MANIFEST, api: 2 }, "Member api"],
    [{ ...MANIFEST, name: "Photos" }, "Member name"],
    [{ ...MANIFEST, name: "photos\u200b" }, "Member name"],
    [{ ...MANIFEST, summary: "\x1b[2Jred" }, "Member summary"],
    [{ ...MANIFEST, summary: "x".repeat(201) }, "Member summary"],
    [{ ...MANIFEST, summary: "\u202egnp" }, "Member summary"],
    [{ ...MANIFEST, permissions: ["message"] }, "begin with photos"],
    [{ ...MANIFEST, frames: [{ type: "a", strangers: true }] }, "strangers"],
    [{ ...MANIFEST, grants: Array(17).fill({ kind: "peers", why: "x" }) }, "Member grants"],
    [
      new OpenRedError("bad_request", "The module did not load: \x1b[31mboom\n    at data:text/x"),
      "did not load: ␛[31mboom\n",
    ],
  ];
  for (const [manifest, text] of manifests) {
    const { code, err, out } = await load({ admin, kit: fakeKit(manifest) });
    assertEquals([code, out], [2, ""], text);
    assertStringIncludes(err, text);
    assertEquals(err.trimEnd().split("\n").length, 1);
  }
  const files: [Uint8Array, string][] = [
    [new Uint8Array(), "expected a file of 1 to"],
    [new Uint8Array(MAX_MODULE_BYTES + 1), "expected a file of 1 to"],
    [Uint8Array.of(0x2f, 0x2f, 0xff), "not UTF-8"],
  ];
  for (const [code, text] of files) {
    const result = await load({ admin, kit: fakeKit(MANIFEST, code) });
    assertEquals(result.code, 2);
    assertStringIncludes(result.err, text);
  }
  assertEquals(admin.seen.some(({ method }) => method === "POST"), false);
});

Deno.test("module load takes no name that is reserved, built in, or like one that is here", async () => {
  await using admin = startNode([{ ...HELD, name: "ph0t0s" }]);
  const named = (name: string) =>
    fakeKit({ ...MANIFEST, name, permissions: [], frames: [], grants: [] });
  for (
    const name of ["photos", "messaging", "rnessaging", "mess_aging", "core", "adrnin", "conso1e"]
  ) {
    const { code, err } = await load({ admin, kit: named(name), typed: ["y", "y"] });
    assertEquals([name, code], [name, 1]);
    assertStringIncludes(err, `The name ${name} is taken here, or too much like another one`);
  }
  assertEquals(loaded(admin), []);
});

/** Ctrl-C, and what comes after it all the same: it counts no more. */
function stopped<T>(stop: AbortController, late: T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  queueMicrotask(() => stop.abort());
  setTimeout(() => resolve(late));
  return promise;
}

Deno.test("Ctrl-C at a question ends with exit code 130, and nothing is loaded", async () => {
  await using admin = startNode();
  for (const before of [0, 2]) {
    const stop = new AbortController();
    let asked = 0;
    const askLine = () => {
      if (asked++ < before) return Promise.resolve(asked === 1 ? "" : "y");
      return stopped(stop, "y");
    };
    const ports = { moduleKit: fakeKit(), askLine };
    const { signal } = stop;
    const result = await runInProcess(["module", "load", PHOTOS], { ...admin, ports, signal });
    assertEquals([result.code, result.out], [130, ""]);
    assert(result.err.endsWith("\nopenred-node: Nothing was loaded\n"));
  }
  assertEquals(loaded(admin), []);
});

Deno.test("Ctrl-C while the file is inspected ends with exit code 130", async () => {
  await using admin = startNode();
  const stop = new AbortController();
  const kit = { ...fakeKit(), inspect: () => stopped(stop, MANIFEST) };
  const { signal } = stop;
  const result = await runInProcess(["module", "load", PHOTOS], {
    ...admin,
    signal,
    ports: { moduleKit: kit },
  });
  assertEquals([result.code, loaded(admin)], [130, []]);
});

Deno.test("module reload with a file takes one of that name, and options only with it", async () => {
  await using admin = startNode([HELD]);
  const ports = { moduleKit: fakeKit() };
  const reload = (...args: string[]) =>
    runInProcess(["module", "reload", ...args], { ...admin, ports });
  const done = await reload("photos", PHOTOS, ...YES, ...GRANTS, "--upgrade");
  assertEquals([done.code, loaded(admin).length], [0, 1]);
  const without = await reload("photos", "--fresh");
  assertEquals(without.code, 2);
  const other = fakeKit({ ...MANIFEST, name: "images", permissions: [], frames: [] });
  const named = await runInProcess(["module", "reload", "photos", PHOTOS], {
    ...admin,
    ports: { moduleKit: other },
  });
  assertEquals([named.code, loaded(admin).length], [1, 1]);
  assertStringIncludes(named.err, "The file is of a module images, not photos");
});
