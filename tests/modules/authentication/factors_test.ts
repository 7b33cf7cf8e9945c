import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ConsoleNode, PROXY } from "./console_node.ts";
import { OwnerApp, PASSWORD, steppedUp } from "./owner_factors.ts";

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

async function started() {
  const node = await ConsoleNode.start();
  const browser = await node.visit();
  const app = await OwnerApp.enrol(node, browser);
  return { node, browser, app };
}

Deno.test("A code signs in once, and so does the one that enrolled the app", async () => {
  const { node, app } = await started();
  await using _node = node;
  const browser = node.browser();
  const signIn = async (totp: string) =>
    (await browser.post("/auth/v1/sign-in", { factor: { totp } })).status;
  const { body } = await browser.post("/auth/v1/sign-in/options");
  assertEquals(body, { passkey: null, totp: true, password: false, recovery: false });
  assertEquals(await signIn(await app.code()), 403);
  const fresh = await app.fresh();
  assertEquals(await signIn(fresh), 200);
  assertEquals((await browser.get("/admin/v1/id")).status, 200);
  assertEquals(await signIn(fresh), 403);
  assertEquals(await signIn(await app.fresh()), 200);
});

Deno.test("A new app is shown its secret as a QR code as well", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const { body } = await browser.post("/auth/v1/factors/totp/begin", { name: "phone" });
  assert(body.uri.startsWith("otpauth://totp/OpenRed:phone"));
  assert(body.qr_size >= 21 && body.qr_size % 4 === 1);
  // The corner of the first finder pattern.
  assert(body.qr.startsWith("M0 0h1v1h-1zM1 0h1v1h-1z"));
});

Deno.test("Of two requests with one code at once one signs in", async () => {
  const { node, app } = await started();
  await using _node = node;
  const factor = { totp: await app.fresh() };
  const answers = await Promise.all(
    Array.from({ length: 3 }, () => node.browser().post("/auth/v1/sign-in", { factor })),
  );
  assertEquals(answers.filter(({ status }) => status === 200).length, 1);
});

Deno.test("A link replaces no factor once one is enrolled, but still starts a sign-in", async () => {
  const { node, app } = await started();
  await using _node = node;
  for (let tries = 0; tries < 25; tries += 1) {
    await node.browser().post("/auth/v1/sign-in", { factor: { totp: "000000" } });
    await node.test.clock.advance(15 * MINUTE_MS);
  }
  const shut = await node.browser().post("/auth/v1/sign-in", {
    factor: { totp: await app.fresh() },
  });
  assertEquals([shut.status, shut.body.code], [429, "rate_limited"]);
  const owner = node.browser();
  const link = await owner.post("/auth/v1/link", { secret: await node.link() });
  assertEquals(link.body, { session: null, role: null, factors_enrolled: 1 });
  assertEquals((await owner.get("/auth/v1/session")).status, 401);
  const factor = { totp: await app.fresh() };
  assertEquals((await owner.post("/auth/v1/sign-in", { factor })).status, 200);
});

Deno.test("Ten thousand guesses from everywhere let nobody in, and the owner still gets in", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  const answers = new Map<number, number>();
  for (let round = 0; round < 100; round += 1) {
    const guesses = Array.from({ length: 100 }, (_, at) => {
      const totp = String(round * 100 + at).padStart(6, "0");
      return node.browser().post("/auth/v1/sign-in", { factor: { totp } });
    });
    for (const { status } of await Promise.all(guesses)) {
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
    await node.test.clock.advance(MINUTE_MS);
  }
  assert((answers.get(403) ?? 0) <= 20, `${answers.get(403)} were looked at`);
  assertEquals(answers.get(200), undefined);
  await browser.post("/auth/v1/sign-out");
  const factor = { totp: await app.fresh() };
  assertEquals((await browser.post("/auth/v1/sign-in", { factor })).status, 200);
});

Deno.test("Strangers' guesses of a day are remembered when the node starts anew", async () => {
  const { node, app } = await started();
  await using _node = node;
  for (let tries = 0; tries < 25; tries += 1) {
    await node.browser().post("/auth/v1/sign-in", { factor: { totp: "000000" } });
    await node.test.clock.advance(15 * MINUTE_MS);
  }
  await node.test.admin("POST", "/modules/reload", { module: "authentication" });
  const signIn = async () =>
    (await node.browser().post("/auth/v1/sign-in", { factor: { totp: await app.fresh() } })).status;
  assertEquals(await signIn(), 429);
  await node.test.clock.advance(DAY_MS);
  assertEquals(await signIn(), 200);
});

Deno.test("A browser that once signed in pauses by itself, longer each time, over all factors", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  await browser.post("/auth/v1/sign-out");
  const wrong = [{ totp: "000000" }, { recovery: "x" }, { totp: "000001" }, { recovery: "y" }];
  const statuses: number[] = [];
  for (const factor of wrong) {
    statuses.push((await browser.post("/auth/v1/sign-in", { factor })).status);
  }
  assertEquals(statuses, [403, 403, 403, 429]);
  const { body } = await browser.post("/auth/v1/sign-in/options");
  assertEquals(body.retry_after_ms, 1_000);
  await node.test.clock.advance(1_000);
  assertEquals((await browser.post("/auth/v1/sign-in", { factor: wrong[0] })).status, 403);
  assertEquals((await browser.post("/auth/v1/sign-in/options")).body.retry_after_ms, 2_000);
  // Nobody else has to wait for it, and it is forgiven by a right one.
  const factor = { totp: await app.fresh() };
  assertEquals((await browser.post("/auth/v1/sign-in", { factor })).status, 200);
  assertEquals((await browser.post("/auth/v1/sign-in/options")).body.retry_after_ms, undefined);
});

Deno.test("A password signs in, as often as it is right", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const short = await browser.post("/auth/v1/factors/password", { password: "too short" });
  assertEquals(short.status, 400);
  const path = "/auth/v1/factors/password";
  assertEquals((await browser.post(path, { password: PASSWORD })).status, 200);
  const other = node.browser();
  const signIn = (password: string) => other.post("/auth/v1/sign-in", { factor: { password } });
  assertEquals((await signIn(`${PASSWORD} `)).status, 403);
  assertEquals((await signIn(PASSWORD)).status, 200);
  assertEquals((await signIn(PASSWORD)).status, 200);
});

Deno.test("Recovery codes: ten, each for one time, shown once, never without another factor", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const path = "/auth/v1/factors/recovery";
  assertEquals((await browser.post(path)).status, 400);
  const app = await OwnerApp.enrol(node, browser);
  const made = await steppedUp(browser, { totp: await app.fresh() }, { path });
  const codes: string[] = made.body.codes;
  assertEquals([codes.length, new Set(codes).size], [10, 10]);
  assertEquals((await browser.get("/auth/v1/session")).body.factors.recovery, 10);
  assertEquals(
    JSON.stringify((await browser.get("/auth/v1/factors")).body).includes(codes[0]!),
    false,
  );
  const other = node.browser();
  const signIn = async (recovery: string) =>
    (await other.post("/auth/v1/sign-in", { factor: { recovery } })).status;
  assertEquals(await signIn(codes[0]!.toUpperCase().replaceAll("-", " ")), 200);
  assertEquals(await signIn(codes[0]!), 403);
  const both = await Promise.all([1, 2].map(() => {
    const factor = { recovery: codes[1]! };
    return node.browser().post("/auth/v1/sign-in", { factor });
  }));
  assertEquals(both.map(({ status }) => status).sort(), [200, 403]);
  assertEquals((await browser.get("/auth/v1/session")).body.factors.recovery, 8);
});

Deno.test("Factors outlive a start, and lie sealed", async () => {
  const { node, app } = await started();
  await using _node = node;
  await node.test.admin("POST", "/modules/reload", { module: "authentication" });
  const factor = { totp: await app.fresh() };
  assertEquals((await node.browser().post("/auth/v1/sign-in", { factor })).status, 200);
  const rows = node.test.database.prepare("SELECT value FROM module_rows").all();
  const text = rows.map(({ value }) => new TextDecoder().decode(value as Uint8Array)).join("\n");
  assertEquals([text.includes(app.secret), text.includes("totp")], [false, false]);
});

Deno.test("A removed factor ends the sessions it made, and the last one stays", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  const { factors: [totp] } = (await browser.get("/auth/v1/factors")).body;
  const remove = { path: "/auth/v1/factors/remove", content: { id: totp.id } };
  const last = await steppedUp(browser, { totp: await app.fresh() }, remove);
  assertEquals([last.status, last.body.code], [400, "bad_request"]);
  const password = { path: "/auth/v1/factors/password", content: { password: PASSWORD } };
  assertEquals((await steppedUp(browser, { totp: await app.fresh() }, password)).status, 200);

  const byApp = node.browser();
  await byApp.post("/auth/v1/sign-in", { factor: { totp: await app.fresh() } });
  const byPassword = node.browser();
  await byPassword.post("/auth/v1/sign-in", { factor: { password: PASSWORD } });
  const stream = (await byApp.raw("GET", "/admin/v1/events")).text();
  assertEquals((await steppedUp(byPassword, { password: PASSWORD }, remove)).status, 200);
  await stream;
  assertEquals((await byApp.get("/auth/v1/session")).status, 401);
  assertEquals((await byPassword.get("/auth/v1/session")).status, 200);
  const gone = node.browser();
  const factor = { totp: await app.fresh() };
  assertEquals((await gone.post("/auth/v1/sign-in", { factor })).status, 403);
});

Deno.test("Another app takes the place of the former one", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  const begun = await browser.post("/auth/v1/factors/totp/begin", { name: "tablet" });
  const next = new OwnerApp(node, begun.body.secret);
  const shown = await app.fresh();
  const content = { code: await next.code() };
  const path = "/auth/v1/factors/totp";
  assertEquals((await steppedUp(browser, { totp: shown }, { path, content })).status, 200);
  const { factors } = (await browser.get("/auth/v1/factors")).body;
  assertEquals(factors.map(({ name }: { name: string }) => name), ["tablet"]);
  const signIn = async (totp: string) =>
    (await node.browser().post("/auth/v1/sign-in", { factor: { totp } })).status;
  assertEquals(await signIn(await app.fresh()), 403);
  assertEquals(await signIn(await next.code()), 200);
});

Deno.test("Through a proxy a factor signs in, by a cookie for TLS alone", async () => {
  const { node, app } = await started();
  await using _node = node;
  const browser = node.browser(PROXY);
  const factor = { totp: await app.fresh() };
  const response = await browser.raw("POST", "/auth/v1/sign-in", { factor });
  assert(response.headers.getSetCookie().every((line) => line.includes("; Secure; ")));
  browser.session = (await response.json()).session;
  assertEquals((await browser.get("/admin/v1/id")).status, 200);
  // What is this machine's is none there, and the other way round.
  const local = node.browser();
  for (const [name, cookie] of browser.cookies) {
    local.cookies.set(name.replace("443", "7610"), cookie);
  }
  local.session = browser.session;
  local.headers = { origin: PROXY };
  assertEquals((await local.post("/auth/v1/sign-out")).status, 403);
});

Deno.test("The shell lists factors and takes all of them away; no browser can", async () => {
  const { node, browser } = await started();
  await using _node = node;
  assertEquals((await browser.get("/m/authentication/factors")).status, 403);
  assertEquals((await browser.post("/m/authentication/reset")).status, 403);
  assertEquals((await browser.post("/admin/v1/console/link", {})).status, 403);
  const listed = (await node.test.admin("GET", "/m/authentication/factors")).body;
  assertEquals([listed.factors[0].kind, listed.sessions.length], ["totp", 1]);
  const reset = await node.test.admin("POST", "/m/authentication/reset");
  assertEquals(reset.body, { removed: 1, ended: 1 });
  assertEquals((await browser.get("/auth/v1/session")).status, 401);
  assertNotEquals(await node.test.node.firstConsoleLink(), null);
  await node.visit();
  const { entries } = (await node.test.admin("GET", "/audit?limit=1000")).body;
  const events = entries.map(({ event }: { event: string }) => event);
  for (const event of ["factor_added", "factors_reset", "console_sign_in"]) {
    assert(events.includes(event), event);
  }
});
