import { assertEquals } from "@std/assert";
import { checkArrows } from "../../scripts/check_arrows.ts";
import { findImports } from "../../scripts/import_statements.ts";

/** Checks a tree of files that is gone afterwards; gives `file:line` and the specifier of each. */
async function checkTree(files: Readonly<Record<string, string>>): Promise<string[]> {
  const root = await Deno.makeTempDir({ prefix: "openred-" });
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path.split("/").slice(0, -1).join("/")}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, content);
    }
    return checkArrows(root).map(({ file, line, message }) => `${file}:${line} ${message}`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** What one file with one import is told, without its place. */
async function judge(from: string, specifier: string): Promise<string | null> {
  const [found] = await checkTree({ [from]: `import { x } from "${specifier}";\nx;\n` });
  return found === undefined ? null : found.slice(found.indexOf(" ") + 1);
}

Deno.test("checkArrows() finds a planted wrong import, with its place", async () => {
  const found = await checkTree({
    "directory/leases.ts":
      'import { x } from "../protocol/record.ts";\n\nimport {\n  y,\n} from "../peer/vault.ts";\nx(y);\n',
    "protocol/record.ts": "export const x = 1;\n",
    "peer/vault.ts": "export const y = 1;\n",
  });
  assertEquals(found, [
    "directory/leases.ts:5 imports ../peer/vault.ts: directory/ may import only itself, " +
    "protocol/, ports/, usage/, crypto/interface.ts, crypto/encoding.ts, " +
    "crypto/common_methods.ts",
  ]);
});

Deno.test("checkArrows() allows the arrows of the house", async () => {
  const right: [string, string][] = [
    ["central.ts", "./directory/api.ts"],
    ["node.ts", "./ports/system.ts"],
    ["protocol/record.ts", "./errors.ts"],
    ["protocol/record.ts", "../crypto/interface.ts"],
    ["protocol/record.ts", "valibot"],
    ["peer/node.ts", "../crypto/common_methods.ts"],
    ["ports/keystore_files.ts", "../crypto/interface.ts"],
    ["crypto/core.ts", "./noise.ts"],
    ["crypto/core.ts", "hash-wasm"],
    ["ports/system.ts", "../protocol/errors.ts"],
    ["directory/stores/sqlite.ts", "../leases.ts"],
    ["directory/api.ts", "../ports/ports.ts"],
    ["directory/api.ts", "../crypto/encoding.ts"],
    ["directory/api.ts", "hono"],
    ["peer/host.ts", "../modules/api.ts"],
    ["modules/messaging/inbox.ts", "../api.ts"],
    ["modules/messaging/inbox.ts", "./outbox.ts"],
    ["modules/messaging/inbox.ts", "../../crypto/encoding.ts"],
    ["modules/messaging/inbox.ts", "../../protocol/limits.ts"],
    ["tests/peer/vault_test.ts", "../../peer/vault.ts"],
    ["scripts/dev.ts", "../crypto/core.ts"],
  ];
  for (const [from, specifier] of right) assertEquals(await judge(from, specifier), null, from);
});

Deno.test("checkArrows() refuses every other arrow", async () => {
  const wrong: [string, string][] = [
    ["crypto/core.ts", "../protocol/limits.ts"],
    ["crypto/core.ts", "../ports/ports.ts"],
    ["protocol/record.ts", "../crypto/core.ts"],
    ["protocol/record.ts", "../ports/ports.ts"],
    ["protocol/record.ts", "hono"],
    ["protocol/record.ts", "node:crypto"],
    ["peer/vault.ts", "../directory/leases.ts"],
    ["peer/vault.ts", "../crypto/core.ts"],
    ["peer/vault.ts", "../modules/messaging/inbox.ts"],
    ["peer/vault.ts", "../ports/system.ts"],
    ["peer/sessions/pool.ts", "../../ports/system_clock.ts"],
    ["directory/api.ts", "../peer/vault.ts"],
    ["modules/messaging/inbox.ts", "../../peer/vault.ts"],
    ["modules/messaging/inbox.ts", "../file_sharing/chunks.ts"],
    ["modules/api.ts", "../crypto/interface.ts"],
    ["cli/run.ts", "../peer/vault.ts"],
    ["cli/run.ts", "../ports/system.ts"],
    ["cli/run.ts", "../crypto/core.ts"],
    ["ports/system.ts", "../peer/vault.ts"],
    ["std/assert/mod.ts", "../../protocol/errors.ts"],
    ["tests/peer/vault_test.ts", "../../node.ts"],
    ["peer/vault.ts", "../central.ts"],
    ["peer/vault.ts", "../../elsewhere.ts"],
    ["peer/vault.ts", "/etc/elsewhere.ts"],
    ["surprise/a.ts", "../protocol/errors.ts"],
  ];
  for (const [from, specifier] of wrong) {
    assertEquals(typeof await judge(from, specifier), "string", `${from} imports ${specifier}`);
  }
});

Deno.test("checkArrows() refuses files that import each other, and names the way", async () => {
  const found = await checkTree({
    "cli/command.ts": 'import type { A } from "./passphrase.ts";\n',
    "cli/passphrase.ts": 'import { b } from "./words.ts";\n',
    "cli/words.ts": 'import { c } from "./command.ts";\n',
    "cli/send.ts": 'import { c } from "./command.ts";\n',
  });
  assertEquals(found, [
    "cli/command.ts:1 imports itself: " +
    "cli/command.ts → cli/passphrase.ts → cli/words.ts → cli/command.ts",
  ]);
});

Deno.test("checkArrows() refuses rooms of peer/ and crypto/ that import each other", async () => {
  for (const folder of ["peer", "crypto"]) {
    const found = await checkTree({
      [`${folder}/audit/log.ts`]: 'import { a } from "../events/events.ts";\n',
      [`${folder}/events/notes.ts`]: 'import { b } from "../audit/parts.ts";\n',
      [`${folder}/config.ts`]: 'import { b } from "./audit/parts.ts";\n',
    });
    const [audit, events] = [`${folder}/audit`, `${folder}/events`];
    assertEquals(found, [`${audit}:1 imports itself: ${audit} → ${events} → ${audit}`]);
  }
});

Deno.test("checkArrows() allows one room to stand on another, and files of one folder without a circle", async () => {
  const found = await checkTree({
    "peer/node.ts":
      'import { a } from "./sessions/sessions.ts";\nimport { b } from "./audit/log.ts";\n',
    "peer/sessions/sessions.ts":
      'import { b } from "../audit/log.ts";\nimport { c } from "./links.ts";\n',
    "peer/sessions/links.ts": 'import { b } from "../audit/parts.ts";\n',
    "cli/command.ts": 'import { c } from "./words.ts";\n',
  });
  assertEquals(found, []);
});

Deno.test("checkArrows() refuses a file that shares a folder's name", async () => {
  const found = await checkTree({ "peer/tokens.ts": "", "peer/tokens/vault.ts": "" });
  assertEquals(found, ["peer/tokens.ts:1 shares its name with a folder beside it"]);
});

Deno.test("findImports() sees every form, and nothing in comments or strings", () => {
  const source = [
    'import "./side.ts";',
    'import type { A } from "./type.ts";',
    "import b, * as c from './star.ts';",
    'export * from "./all.ts";',
    "export {",
    "  d,",
    '} from "./named.ts";',
    'const e = await import("./dynamic.ts");',
    'type F = import("./inline.ts").F;',
    'import data from "./data.json" with { type: "json" };',
    '// import "./comment.ts";',
    '/* import "./block.ts"; */',
    "const text = 'import \"./string.ts\"';",
    'const url = "https://host/a"; import("./after_url.ts");',
    'const pattern = /"\\/\\//; import("./after_pattern.ts");',
    "export const from = 5;",
  ].join("\n");
  assertEquals(findImports(source).map(({ specifier, line }) => `${line} ${specifier}`), [
    "1 ./side.ts",
    "2 ./type.ts",
    "3 ./star.ts",
    "4 ./all.ts",
    "7 ./named.ts",
    "8 ./dynamic.ts",
    "9 ./inline.ts",
    "10 ./data.json",
    "14 ./after_url.ts",
    "15 ./after_pattern.ts",
  ]);
});

Deno.test("check_arrows.ts ends with 1 and prints what is wrong", async () => {
  const root = await Deno.makeTempDir({ prefix: "openred-" });
  try {
    await Deno.mkdir(`${root}/crypto`);
    await Deno.writeTextFile(`${root}/crypto/a.ts`, 'import "../peer/b.ts";\n');
    const script = new URL("../../scripts/check_arrows.ts", import.meta.url).pathname;
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--allow-read", script, root],
      stderr: "null",
    }).output();
    assertEquals(code, 1);
    assertEquals(
      new TextDecoder().decode(stdout),
      "crypto/a.ts:1 imports ../peer/b.ts: crypto/ may import itself only\n",
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
