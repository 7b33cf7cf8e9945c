import { assertEquals, assertStringIncludes } from "@std/assert";
import { withInstants } from "../../cli/zone.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const FACTORS = {
  factors: [{
    id: "f",
    kind: "totp",
    name: "phone\x1b[31m",
    created_at: 0,
    used_at: null,
    works: true,
  }],
  sessions: [{
    id: "s",
    role: "viewer",
    started_at: 0,
    seen_at: 0,
    agent: "A browser\nof somebody",
    current: false,
  }],
};

Deno.test("auth list shows factors and browsers, and nothing that turns a terminal", async () => {
  await using admin = startFakeAdmin(() => ({ json: FACTORS }));
  const { code, out } = await runInProcess(["auth", "list"], { adminFile: admin.adminFile });
  assertEquals(code, 0);
  assertStringIncludes(out, "authenticator app  1970-01-01 00:00:00  never  phone");
  assertStringIncludes(out, "viewer");
  assertEquals(out.includes("\x1b"), false);
});

Deno.test("auth reset asks first, and needs --yes where nobody can be asked", async () => {
  await using admin = startFakeAdmin(() => ({ json: { removed: 2, ended: 1 } }));
  const reset = (args: string[], answer: string | null) =>
    runInProcess(["auth", "reset", ...args], {
      adminFile: admin.adminFile,
      ports: { askLine: () => Promise.resolve(answer) },
    });
  assertEquals((await reset([], null)).code, 2);
  assertEquals((await reset([], "n")).code, 1);
  assertEquals(admin.seen.length, 0);
  const { code, out } = await reset([], "y");
  assertEquals([code, out], [0, "Factors taken away: 2; browsers signed out: 1\n"]);
  assertEquals((await reset(["--yes", "--json"], null)).out, '{"removed":2,"ended":1}\n');
  assertEquals(admin.seen.map(({ method, path }) => `${method} ${path}`), [
    "POST /m/authentication/reset",
    "POST /m/authentication/reset",
  ]);
});

Deno.test("Ctrl-C at the question of auth reset ends with exit code 130, and nothing is changed", async () => {
  await using admin = startFakeAdmin(() => ({ json: { removed: 2, ended: 1 } }));
  const stop = new AbortController();
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const askLine = () => {
    queueMicrotask(() => stop.abort());
    setTimeout(() => resolve("y"));
    return late;
  };
  const { adminFile } = admin;
  const { signal } = stop;
  const result = await runInProcess(["auth", "reset"], { adminFile, signal, ports: { askLine } });
  assertEquals([result.code, result.out], [130, ""]);
  assertEquals(result.err, "\nopenred-node: Nothing was changed\n");
  assertEquals(admin.seen.length, 0);
});

Deno.test("open prints the link on demand, and says what became of the page", async () => {
  let state = "waiting";
  const link = { url: "http://localhost:7610/console/#link=x", expires_at: 1 };
  await using admin = startFakeAdmin(({ method }) => ({
    json: method === "POST" ? link : { state },
  }));
  const pages: string[] = [];
  let removed = 0;
  const open = (args: string[], isOpened = true) =>
    runInProcess(["open", ...args], {
      adminFile: admin.adminFile,
      ports: {
        showPage: (_data, html) => {
          pages.push(html);
          return Promise.resolve({
            path: "/data/page.html",
            isOpened,
            remove: () => Promise.resolve(void (removed += 1)),
          });
        },
      },
    });
  assertEquals((await open(["--print"])).out, `${link.url}\n`);
  assertEquals(JSON.parse((await open(["--json"])).out), withInstants(link));
  assertEquals(pages, []);
  state = "used";
  assertEquals((await open([])).out, "The console opens in the browser\n");
  assertStringIncludes(pages[0]!, link.url);
  state = "over";
  const late = await open(["--role", "viewer"], false);
  assertEquals(late.code, 1);
  assertEquals(late.out, "Open this file in a browser, within a minute: /data/page.html\n");
  assertEquals([late.out.includes("link="), removed], [false, 2]);
  assertEquals(admin.seen.find(({ method }) => method === "POST")?.body, { role: "owner" });
});
