import { assertEquals } from "@std/assert";
import plugin from "../../scripts/lint_plugin.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

function lint(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, ROOT + path, source)
    .map(({ id, message }) => `${id}: ${message.replace(" reaches around the ports", "")}`);
}

Deno.test("explicit-ports refuses everything that reaches around the ports", () => {
  const cases: [source: string, name: string][] = [
    ["Date.now();", "Date.now"],
    ["const now = Date.now; now();", "Date.now"],
    ["new Date();", "new Date()"],
    ["Math.random();", "Math.random"],
    ["crypto.getRandomValues(new Uint8Array(1));", "crypto.getRandomValues"],
    ["globalThis.crypto.getRandomValues(new Uint8Array(1));", "crypto.getRandomValues"],
    ["crypto.randomUUID();", "crypto.randomUUID"],
    ['import { randomBytes } from "node:crypto";', "randomBytes"],
    ['import { randomUUID as id } from "node:crypto";', "randomUUID"],
    ["setTimeout(() => {}, 5);", "setTimeout"],
    ["globalThis.setTimeout(() => {}, 5);", "setTimeout"],
    ["setInterval(() => {}, 1);", "setInterval"],
    ["AbortSignal.timeout(5);", "AbortSignal.timeout"],
    ["performance.now();", "performance"],
    ['await fetch("http://127.0.0.1");', "fetch"],
    ["const f = { fetch };", "fetch"],
    ['new WebSocket("ws://127.0.0.1");', "WebSocket"],
    ['console.log("a");', "console"],
    ['Deno.readTextFile("a");', "Deno"],
    ["const { env } = Deno;", "Deno"],
    ['import process from "node:process"; process.env;', "process.env"],
    ['import { readFile } from "node:fs/promises";', "node:fs/promises"],
  ];
  for (const [source, name] of cases) {
    for (const path of ["peer/a.ts", "crypto/a.ts", "ports/ports.ts", "modules/a/b.ts"]) {
      assertEquals(lint(path, source), [`openred/explicit-ports: ${name}`], source);
    }
  }
});

Deno.test("explicit-ports allows what looks alike", () => {
  for (
    const source of [
      "new Date(5);",
      "Date.parse('2026');",
      "Math.max(1, 2);",
      "crypto.subtle;",
      "ports.fetch();",
      "const client = { fetch() {}, console: 1 }; client.fetch();",
      "interface A { setTimeout(): void }",
      "class B { #socket; fetch() {} }",
      "let socket: WebSocket;",
      "let server: Deno.HttpServer;",
      'import { createHash } from "node:crypto";',
      'import type { DatabaseSync } from "node:sqlite";',
      'import type { Socket } from "node:net";',
      "clock.setTimer(5, () => {});",
    ]
  ) assertEquals(lint("peer/a.ts", source), [], source);
});

Deno.test("explicit-ports leaves the real ports, the roots and what is no product alone", () => {
  const source = "Deno.exit(Date.now() + Math.random()); setTimeout(fetch, 5); console.log();";
  for (
    const path of [
      "ports/system.ts",
      "ports/system_clock.ts",
      "central.ts",
      "node.ts",
      "scripts/dev.ts",
      "tests/peer/a_test.ts",
      "bench/main.ts",
      "std/assert/mod.ts",
    ]
  ) assertEquals(lint(path, source), [], path);
});

Deno.test("explicit-ports gives the Worker its random source and nothing more", () => {
  assertEquals(lint("crypto/worker.ts", "crypto.getRandomValues(new Uint8Array(1));"), []);
  assertEquals(lint("crypto/worker.ts", "Date.now();"), ["openred/explicit-ports: Date.now"]);
  assertEquals(lint("crypto/client.ts", "setTimeout(() => {}, 5);"), []);
  assertEquals(lint("crypto/client.ts", "Deno.exit();"), ["openred/explicit-ports: Deno"]);
});

Deno.test("no-zero-timeout refuses timeouts of nothing, wherever something waits for them", () => {
  const refused = ["openred/no-zero-timeout: setTimeout waits two milliseconds at least"];
  for (const path of ["ports/system_a.ts", "bench/a.ts", "process/a.ts", "node.ts"]) {
    for (const source of ["setTimeout(f);", "setTimeout(f, 0);", "globalThis.setTimeout(f, 1);"]) {
      assertEquals(lint(path, source), refused, source);
    }
    for (
      const source of ["setTimeout(f, 2);", "setTimeout(f, delayMs);", "clock.setTimer(0, f);"]
    ) {
      assertEquals(lint(path, source), [], source);
    }
  }
  assertEquals(lint("tests/a.ts", "setTimeout(f, 0);"), []);
});

Deno.test("no-numbered-parameters refuses what SQL cannot bind in a binary", () => {
  const refused = [
    "openred/no-numbered-parameters: a numbered parameter is out of range where binaries run",
  ];
  for (
    const sql of ["a = ?1", "a=?1 OR b = 2", "VALUES (?1)", "${one} ?2", "VALUES (1,?2)"]
  ) assertEquals(lint("modules/a/b.ts", `db.statement(\`${sql}\`);`), refused, sql);
  assertEquals(lint("modules/a/b.ts", 'db.statement("a = ?1");'), refused);
  for (const text of ["a = ?", "VALUES (?, ?)", "/path?1", "\\x1b[?1049h"]) {
    assertEquals(lint("modules/a/b.ts", `db.statement(\`${text}\`);`), [], text);
  }
});
