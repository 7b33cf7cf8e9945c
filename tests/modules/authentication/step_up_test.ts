import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ConsoleNode } from "./console_node.ts";
import { hashOf, OwnerApp, steppedUp } from "./owner_factors.ts";

const MINUTE_MS = 60_000;
/** One that is asked for a factor by itself. */
const ENABLE = { path: "/admin/v1/modules/enable", content: { module: "messaging" } };
const OTHER = { module: "file_sharing" };

async function started() {
  const node = await ConsoleNode.start();
  const browser = await node.visit();
  const app = await OwnerApp.enrol(node, browser);
  return { node, browser, app };
}

Deno.test("What is sensitive asks for a factor of the last five minutes", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  const allow = () =>
    browser.post("/admin/v1/peers/allow", { peer: node.test.peer.id, permission: "message" });
  await node.test.clock.advance(6 * MINUTE_MS);
  const refused = await allow();
  assertEquals([refused.status, refused.body.code], [403, "step_up_required"]);
  assertEquals([refused.body.step_up, refused.body.action], [
    "recent",
    "POST /admin/v1/peers/allow",
  ]);
  assertEquals((await browser.get("/auth/v1/session")).body.stepped_up_until, null);
  const action = "POST /admin/v1/peers/allow";
  const factor = { totp: await app.fresh() };
  const { body } = await browser.post("/auth/v1/step-up", { factor, action });
  assertEquals(body.stepped_up_until, node.test.clock.nowMs() + 5 * MINUTE_MS);
  assertEquals((await allow()).status, 200);
  await node.test.clock.advance(5 * MINUTE_MS);
  assertEquals((await allow()).status, 403);
  // To shut somebody out waits for nothing.
  const block = await browser.post("/admin/v1/peers/block", { peer: node.test.peer.id });
  assertEquals(block.status, 200);
});

Deno.test("Whoever may do something here from now on is let in by a recent factor alone", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  await node.test.clock.advance(6 * MINUTE_MS);
  const { id: peer } = node.test.peer;
  const meeting: readonly (readonly [string, unknown])[] = [
    ["/admin/v1/connect", { peer, wait_ms: 0 }],
    ["/m/messaging/messages", { peer, text: "hello", wait_ms: 0 }],
    ["/m/messaging/groups", { name: "friends", members: [peer] }],
    ["/m/messaging/groups/invite", { group: "friends", peers: [peer] }],
  ];
  const ask = async (path: string, content: unknown) => (await browser.post(path, content)).body;
  for (const [path, content] of meeting) {
    const { code, step_up } = await ask(path, content);
    assertEquals([path, code, step_up], [path, "step_up_required", "recent"]);
  }
  for (
    const [path, content] of [
      ["/m/messaging/groups/accept", { group: "friends" }],
      ["/m/messaging/groups/owner", { group: "friends", peer }],
      ["/m/authentication/mute", { peer, muted: false }],
      ["/admin/v1/invitations", {}],
      ["/admin/v1/requests/accept", { peer }],
    ] as const
  ) assertEquals([path, (await ask(path, content)).code], [path, "step_up_required"]);
  assertEquals((await ask("/m/authentication/mute", { peer, muted: true })).code, undefined);
  await node.test.connect();
  const factor = { totp: await app.fresh() };
  await browser.post("/auth/v1/step-up", { factor, action: "POST /admin/v1/connect" });
  assertEquals((await ask("/admin/v1/connect", { peer, wait_ms: 0 })).peer, peer);
  await node.test.clock.advance(6 * MINUTE_MS);
  // It may write and offer files by now.
  for (const [path, content] of meeting) {
    assertNotEquals([path, (await ask(path, content)).code], [path, "step_up_required"]);
  }
  // To undo a revocation is to let it in anew.
  await node.test.admin("POST", "/tokens/revoke", { target: peer });
  for (const path of ["/admin/v1/connect", "/admin/v1/tokens/renew"]) {
    const { code } = await ask(path, { peer, wait_ms: 0 });
    assertEquals([path, code], [path, "step_up_required"]);
  }
});

Deno.test("A name is changed without a factor, directories and relay by a recent one, the passphrase by its own", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  const set = (name: string, value: string) => browser.post("/admin/v1/settings", { name, value });
  const passphrase = {
    path: "/admin/v1/passphrase",
    content: { passphrase: "bG9uZyBlbm91Z2g", current: null },
  };
  assertEquals((await set("relay", "https://relay.example")).status, 200);
  assertEquals((await browser.post(passphrase.path, passphrase.content)).body.step_up, "once");
  await node.test.clock.advance(6 * MINUTE_MS);
  assertEquals((await set("alias", "a")).status, 200);
  for (
    const [name, value] of [["relay", "https://r.example"], ["directories", "https://d.example"]]
  ) {
    assertEquals((await set(name!, value!)).body.step_up, "recent");
  }
  assertEquals((await steppedUp(browser, { totp: await app.fresh() }, passphrase)).status, 200);
  assertEquals((await browser.post(passphrase.path, passphrase.content)).body.step_up, "once");
  const succession = { phrase: "words" };
  assertEquals((await browser.post("/admin/v1/succession", succession)).body.step_up, "once");
});

Deno.test("Files of the disk are shared by a recent factor alone", async () => {
  const { node, browser } = await started();
  await using _node = node;
  await node.test.clock.advance(6 * MINUTE_MS);
  const content = { paths: ["/etc/hostname"], peer: node.test.peer.id };
  const { peer: _, ...ofLink } = content;
  for (const [path, given] of [["links", ofLink], ["shares", content]] as const) {
    const { status, body } = await browser.post(`/m/file_sharing/${path}`, given);
    assertEquals([path, status, body.code], [path, 403, "step_up_required"]);
  }
});

Deno.test("Files land by a recent factor alone, but in folders of this program's name", async () => {
  const { node, browser } = await started();
  await using _node = node;
  await node.test.clock.advance(6 * MINUTE_MS);
  const landings = (folder: string): readonly (readonly [string, unknown])[] => [
    ["folders", { parent: folder, name: "new" }],
    ["drops", { folder, name: "a.desktop", bytes: 1 }],
    ["offers/none/accept", { folder }],
    ["links/get", { folder, link: "no link" }],
    ["requests", { folder }],
  ];
  const refused = ["/home/alice/.config/autostart", "/home/alice/OpenRed/../bin", "/OpenRedder"];
  for (const [path, given] of refused.flatMap(landings)) {
    const { status, body } = await browser.post(`/m/file_sharing/${path}`, given);
    assertEquals([path, status, body.code], [path, 403, "step_up_required"]);
  }
  for (const [path, given] of landings("/home/alice/OpenRed/Sent")) {
    const { body } = await browser.post(`/m/file_sharing/${path}`, given);
    assertNotEquals([path, body.code], [path, "step_up_required"]);
  }
});

Deno.test("A factor that was shown for one request is for that one alone, and once", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  const enable = async (content: unknown = ENABLE.content) =>
    (await browser.post(ENABLE.path, content)).status;
  assertEquals(await enable(), 403);
  const show = async (action: string, content: unknown) => {
    const factor = { totp: await app.fresh() };
    const body_sha256 = await hashOf(content);
    const answer = await browser.post("/auth/v1/step-up", { factor, action, body_sha256 });
    assertEquals(answer.status, 200);
  };
  const action = `POST ${ENABLE.path}`;
  await show("POST /admin/v1/modules/load", ENABLE.content);
  assertEquals(await enable(), 403);
  await show(action, OTHER);
  assertEquals(await enable(), 403);
  await show(action, ENABLE.content);
  const other = await node.browser();
  await other.post("/auth/v1/sign-in", { factor: { totp: await app.fresh() } });
  assertEquals((await other.raw("POST", ENABLE.path, ENABLE.content)).status, 403);
  assertEquals(await enable({ module: "authentication" }), 403);
  assertEquals(await enable(), 200);
  assertEquals(await enable(), 403);
  await show(action, ENABLE.content);
  await node.test.clock.advance(2 * MINUTE_MS);
  assertEquals(await enable(), 403);
});

Deno.test("A step-up gives the session new secrets; the former ones open nothing", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  const thief = node.browser();
  for (const [name, value] of browser.cookies) thief.cookies.set(name, value);
  thief.session = browser.session;
  assertEquals((await thief.get("/auth/v1/session")).status, 200);
  const factor = { totp: await app.fresh() };
  await browser.post("/auth/v1/step-up", { factor, action: "POST /admin/v1/modules/enable" });
  assertNotEquals(browser.session, thief.session);
  assertEquals((await thief.get("/auth/v1/session")).status, 401);
  assertEquals((await browser.get("/auth/v1/session")).status, 200);
});

Deno.test("Without any factor the link counts as one, for twenty minutes", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  const status = async () => (await browser.post(ENABLE.path, ENABLE.content)).status;
  await node.test.clock.advance(19 * MINUTE_MS);
  assertEquals(await status(), 200);
  await node.test.clock.advance(MINUTE_MS);
  assertEquals(await status(), 403);
  const late = await browser.post("/auth/v1/factors/password", { password: "long enough!" });
  assertEquals(late.body.code, "step_up_required");
});

Deno.test("A wrong factor steps nothing up, and is counted with all others", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  const { status, body } = await steppedUp(browser, { totp: "000000" }, ENABLE);
  assertEquals([status, body.code], [403, "factor_wrong"]);
  await steppedUp(browser, { totp: "000001" }, ENABLE);
  await browser.post("/auth/v1/sign-in", { factor: { totp: "000002" } });
  assertEquals((await steppedUp(browser, { totp: await app.code() }, ENABLE)).status, 429);
});

Deno.test("Every factor that is enrolled, changed or removed asks for one", async () => {
  const { node, browser, app } = await started();
  await using _node = node;
  await browser.post("/auth/v1/factors/totp/begin", { name: "other" });
  const { factors: [totp] } = (await browser.get("/auth/v1/factors")).body;
  const password = { password: "long enough, this one" };
  assertEquals(
    (await steppedUp(browser, { totp: await app.fresh() }, {
      path: "/auth/v1/factors/password",
      content: password,
    })).status,
    200,
  );
  for (
    const [path, content] of [
      ["/auth/v1/factors/totp", { code: "123456" }],
      ["/auth/v1/factors/password", password],
      ["/auth/v1/factors/recovery", {}],
      ["/auth/v1/factors/passkey", { name: "key", response: {} }],
      ["/auth/v1/factors/remove", { id: totp.id }],
    ] as const
  ) {
    const { status, body } = await browser.post(path, content);
    assertEquals([path, status, body.code], [path, 403, "step_up_required"]);
  }
  assert((await browser.get("/auth/v1/factors")).body.factors.length === 2);
});
