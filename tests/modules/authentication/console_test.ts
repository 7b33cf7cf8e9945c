import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { CONSOLE } from "../../world/console_browser.ts";
import { ADMIN_TOKEN } from "../../world/compose_node.ts";
import { ConsoleNode, PROXY } from "./console_node.ts";

const MINUTE_MS = 60_000;

Deno.test("A link signs in once, for a minute, and only the newest one does", async () => {
  await using node = await ConsoleNode.start();
  const former = await node.link();
  const secret = await node.link();
  const browser = node.browser();
  assertEquals((await browser.post("/auth/v1/link", { secret: former })).status, 401);
  const { status, body } = await browser.post("/auth/v1/link", { secret });
  assertEquals([status, body.role, body.factors_enrolled], [200, "owner", 0]);
  assertEquals((await browser.get("/admin/v1/id")).status, 200);
  assertEquals((await node.browser().post("/auth/v1/link", { secret })).status, 401);

  const late = await node.link();
  await node.test.clock.advance(MINUTE_MS);
  assertEquals((await node.browser().post("/auth/v1/link", { secret: late })).status, 401);
});

Deno.test("Looking at a link spends nothing, and the terminal learns what became of it", async () => {
  await using node = await ConsoleNode.start();
  const state = async () => (await node.test.admin("GET", "/console/link/state")).body.state;
  assertEquals(await state(), "none");
  const secret = await node.link();
  assertEquals(await state(), "waiting");
  assertEquals((await node.browser().get("/auth/v1/link")).status, 401);
  assertEquals((await node.browser().get(`/console/?link=${secret}`)).status, 404);
  assertEquals((await node.browser().post("/auth/v1/link", { secret })).status, 200);
  assertEquals(await state(), "used");
  await node.link();
  await node.test.clock.advance(MINUTE_MS);
  assertEquals(await state(), "over");
});

Deno.test("The first visit is offered until there was one", async () => {
  await using node = await ConsoleNode.start();
  const link = await node.test.node.firstConsoleLink();
  assert(link?.startsWith(`${CONSOLE}/console/#link=`));
  await node.visit();
  assertEquals(await node.test.node.firstConsoleLink(), null);
  await using none = await ConsoleNode.start({
    console: { origin: null, why: "It is off", hasFailed: false, proxies: [] },
  });
  assertEquals(await none.test.node.firstConsoleLink(), null);
  const { status, body } = await none.test.admin("POST", "/console/link", {});
  assertEquals([status, body.detail], [404, "It is off"]);
  const whyNoPage = () => Promise.resolve("It was not built");
  await using unbuilt = await ConsoleNode.start({}, { whyNoPage });
  assertEquals(await unbuilt.test.node.firstConsoleLink(), null);
  const refused = await unbuilt.test.admin("POST", "/console/link", {});
  assertEquals([refused.status, refused.body.detail], [404, "It was not built"]);
});

Deno.test("Neither the cookie nor the page's secret alone opens anything", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const other = await node.visit();
  const paths = ["/admin/v1/id", "/admin/v1/events", "/m/messaging/inbox", "/auth/v1/session"];
  const cases = [
    { session: null },
    { session: "" },
    { session: browser.session!.slice(0, -1) + "A" },
    { session: other.session },
  ];
  for (const { session } of cases) {
    const thief = node.browser();
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value);
    thief.session = session;
    for (const path of paths) assertEquals((await thief.get(path)).status, 401, path);
  }
  const thief = node.browser();
  thief.session = browser.session;
  for (const path of paths) assertEquals((await thief.get(path)).status, 401, path);
  for (const path of paths.filter((path) => !path.endsWith("events"))) {
    assertEquals((await browser.get(path)).status, 200, path);
  }
});

Deno.test("A cookie that somebody else has set beside the right one does no harm", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const [[name, value]] = [...browser.cookies] as [[string, string]];
  browser.headers = { cookie: `${name}=planted; other=1; ${name}=${value}` };
  assertEquals((await browser.get("/admin/v1/id")).status, 200);
});

Deno.test("A session that was planted before signing in is none afterwards", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const planted = { cookies: new Map(browser.cookies), session: browser.session };
  assertEquals((await browser.post("/auth/v1/link", { secret: await node.link() })).status, 200);
  assertNotEquals(browser.session, planted.session);
  const thief = node.browser();
  for (const [name, cookie] of planted.cookies) thief.cookies.set(name, cookie);
  thief.session = planted.session;
  assertEquals((await thief.get("/auth/v1/session")).status, 401);
});

Deno.test("Only the console's own page is answered", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const read: Record<string, string | null>[] = [
    { "sec-fetch-site": null },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "none" },
    { authorization: `Bearer ${ADMIN_TOKEN}` },
    { "service-worker": "script" },
  ];
  const written: Record<string, string | null>[] = [
    ...read,
    { origin: null },
    { origin: "null" },
    { origin: "http://localhost:7611" },
    { origin: "http://127.0.0.1:7610" },
    { origin: "https://localhost:7610" },
    { origin: PROXY },
    { "content-type": null },
    { "content-type": "text/plain" },
    { "content-type": "application/json-seq" },
    { "content-type": "application/x-www-form-urlencoded" },
  ];
  for (const headers of read) {
    browser.headers = headers;
    const { status } = await browser.get("/admin/v1/id");
    assertEquals(status, 403, JSON.stringify(headers));
  }
  for (const headers of written) {
    browser.headers = headers;
    for (const path of ["/auth/v1/sign-out", "/admin/v1/peers/show", "/auth/v1/link"]) {
      assertEquals((await browser.post(path)).status, 403, JSON.stringify(headers));
    }
  }
  browser.headers = { "content-type": "application/json; charset=utf-8" };
  assertEquals((await browser.post("/auth/v1/sign-out")).status, 200);
});

Deno.test("A name that was made to lead here is refused, and an address leads to the name", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  for (
    const host of [
      "evil.example:7610",
      "localhost",
      "localhost:7611",
      "localhost.:7610",
      "127.0.0.1:7611",
      "0.0.0.0:7610",
      "",
    ]
  ) {
    browser.headers = { host };
    for (const path of ["/", "/console/", "/admin/v1/id"]) {
      assertEquals((await browser.get(path)).status, 403, host + path);
    }
  }
  for (const host of ["127.0.0.1:7610", "[::1]:7610"]) {
    browser.headers = { host };
    for (const path of ["/", "/console/x"]) {
      const { status, headers } = await browser.raw("GET", path);
      assertEquals([status, headers.get("location")], [302, `${CONSOLE}/console/`]);
    }
    assertEquals((await browser.get("/admin/v1/id")).status, 403);
    assertEquals((await browser.post("/console/")).status, 403);
  }
});

Deno.test("The page is for everybody, and comes from what was injected", async () => {
  await using node = await ConsoleNode.start();
  for (const path of ["/", "/console"]) {
    const { status, headers } = await node.browser().raw("GET", path);
    assertEquals([status, headers.get("location")], [302, "/console/"]);
  }
  assertEquals((await node.browser().get("/console/")).status, 404);
});

Deno.test("Cookies are for this node alone, and out of reach of scripts", async () => {
  await using node = await ConsoleNode.start();
  const browser = node.browser();
  const response = await browser.raw("POST", "/auth/v1/link", { secret: await node.link() });
  const lines = response.headers.getSetCookie();
  assertEquals(lines.map((line) => line.replace(/=[^;]{43};/, "=…;")), [
    "openred_session_7610=…; HttpOnly; SameSite=Strict; Path=/",
    "openred_device_7610=…; HttpOnly; SameSite=Strict; Path=/auth/v1; Max-Age=34560000",
  ]);
  assertEquals(response.headers.get("cache-control"), "no-store");
  await response.body?.cancel();
});

Deno.test("A link opens nothing through a proxy", async () => {
  await using node = await ConsoleNode.start();
  const browser = node.browser(PROXY);
  const secret = await node.link();
  assertEquals((await browser.post("/auth/v1/link", { secret })).status, 401);
  assertEquals((await node.browser().post("/auth/v1/link", { secret })).status, 200);
});

Deno.test("A session ends when nobody asks for half an hour, and after twelve hours anyway", async () => {
  await using node = await ConsoleNode.start();
  const idle = await node.visit();
  const busy = await node.visit();
  const events = await busy.raw("GET", "/admin/v1/events");
  for (let at = 0; at < 12 * 60; at += 29) {
    assertEquals((await busy.get("/auth/v1/session")).status, 200, String(at));
    await node.test.clock.advance(29 * MINUTE_MS);
  }
  assertEquals((await busy.get("/auth/v1/session")).status, 401);
  assertEquals((await idle.get("/auth/v1/session")).status, 401);
  await events.text();
});

Deno.test("Signing out, or being ended by another session, closes the streams at once", async () => {
  await using node = await ConsoleNode.start();
  const one = await node.visit();
  const other = await node.visit();
  const stream = (await one.raw("GET", "/admin/v1/events")).text();
  const { sessions } = (await other.get("/auth/v1/sessions")).body;
  assertEquals(sessions.length, 2);
  const { id } = sessions.find(({ current }: { current: boolean }) => !current);
  assertEquals((await other.post("/auth/v1/sessions/end", { id: "nobody" })).status, 404);
  assertEquals((await other.post("/auth/v1/sessions/end", { id })).body, { ended: 1 });
  await stream;
  assertEquals((await one.get("/auth/v1/session")).status, 401);
  const third = await node.visit();
  const answer = await other.post("/auth/v1/sessions/end", { all: true });
  assertEquals(answer.body, { ended: 2 });
  assertEquals(other.cookies.has("openred_session_7610"), false);
  assertEquals((await third.get("/auth/v1/session")).status, 401);
});

Deno.test("The end of the module, as that of the node, ends all sessions", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const stream = (await browser.raw("GET", "/admin/v1/events")).text();
  await node.test.admin("POST", "/modules/disable", { module: "authentication" });
  await stream;
  assertEquals((await browser.get("/admin/v1/id")).status, 401);
  assertEquals((await browser.post("/auth/v1/link", { secret: "x" })).status, 401);
  assertEquals((await node.test.admin("POST", "/console/link", {})).status, 404);
  await node.test.admin("POST", "/modules/enable", { module: "authentication" });
  assertEquals((await browser.get("/admin/v1/id")).status, 401);
});

Deno.test("Whoever may only look sees no text and changes nothing", async () => {
  await using node = await ConsoleNode.start();
  const viewer = await node.visit("viewer");
  const peer = node.test.peer.id;
  for (const path of ["/id", "/status", "/peers", "/groups", "/tokens", "/audit", "/modules"]) {
    assertEquals((await viewer.get(`/admin/v1${path}`)).status, 200, path);
  }
  for (
    const path of [
      "/m/messaging/inbox",
      "/m/messaging/conversations",
      "/m/file_sharing/shares",
      "/admin/v1/discover",
      "/admin/v1/settings",
      "/admin/v1/passphrase",
      "/admin/v1/audit/export",
      "/admin/v1/modules/info?module=messaging",
      "/auth/v1/sessions",
      "/admin/v1/console/link/state",
    ]
  ) assertEquals((await viewer.get(path)).status, 403, path);
  for (
    const [path, body] of [
      ["/admin/v1/peers/allow", { peer, permission: "message" }],
      ["/admin/v1/peers/block", { peer }],
      ["/admin/v1/connect", { peer }],
      ["/admin/v1/backup", { passphrase: "eA" }],
      ["/admin/v1/recovery-phrase", {}],
      ["/admin/v1/succession", { phrase: "x" }],
      ["/admin/v1/succession/make", { phrase: "x", words: ["a", "b", "c"], passphrase: null }],
      ["/admin/v1/passphrase", { passphrase: "bG9uZyBlbm91Z2g", current: null }],
      ["/admin/v1/settings", { name: "alias", value: "x" }],
      ["/admin/v1/console/link", { role: "owner" }],
      ["/m/messaging/messages", { peer, text: "x" }],
      ["/auth/v1/sessions/end", { all: true }],
    ] as const
  ) assertEquals((await viewer.post(path, body)).status, 403, path);
  assertEquals((await viewer.get("/auth/v1/session")).body.role, "viewer");
});

Deno.test("Whoever may only look is told of sessions and of no text", async () => {
  await using node = await ConsoleNode.start();
  await node.test.decide();
  const owner = await node.visit();
  const viewer = await node.visit("viewer");
  const streams = await Promise.all(
    [owner, viewer].map((browser) => browser.raw("GET", "/admin/v1/events")),
  );
  const session = await node.test.connect();
  const header = { type: "messaging.text", id: "1" };
  await session.send(header, new TextEncoder().encode("a secret"));
  const [seen, looked] = streams.map((stream) =>
    stream.body!.pipeThrough(new TextDecoderStream()).getReader()
  );
  assert((await readUntil(seen!, "event:messaging.")).includes("a secret"));
  await viewer.post("/auth/v1/sign-out");
  const told = await readUntil(looked!, null);
  assert(told.includes("event:session"));
  assertEquals(told.includes("messaging."), false);
  await seen!.cancel();
});

/** @param text `null`: all there is. */
async function readUntil(
  reader: ReadableStreamDefaultReader<string>,
  text: string | null,
): Promise<string> {
  let all = "";
  while (text === null || !all.includes(text)) {
    const { done, value } = await reader.read();
    if (done) break;
    all += value;
  }
  return all;
}
