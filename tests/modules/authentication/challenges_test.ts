import { assertEquals, assertThrows } from "@std/assert";
import { decodeBase64Url, encodeBase64Url, encodeNodeId } from "../../../crypto/encoding.ts";
import type { NodeParts } from "../../../peer/node_parts.ts";
import { type Challenge, Challenges } from "../../../modules/authentication/challenges.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { unverifiedPayload } from "../../../protocol/jws.ts";
import { settle } from "../../world/settle.ts";
import { askOf } from "../../peer/modules/call_world.ts";
import type { PeerSession } from "../../peer/test_node.ts";
import { ConsoleNode } from "./console_node.ts";
import { OwnerApp } from "./owner_factors.ts";

const TYPE = "authentication.challenge";
const NONCE = encodeBase64Url(new Uint8Array(32).fill(3));
const ASKED = { purpose: "Open the door", level: "totp", nonce: NONCE, module: "doors" };
const HOUR_MS = 3_600_000;

/** An owner with an app and a browser, and a peer that may ask. */
class Asked implements AsyncDisposable {
  readonly node: ConsoleNode;
  readonly app: OwnerApp;
  readonly browser: Awaited<ReturnType<ConsoleNode["visit"]>>;
  session: PeerSession;
  #number = 0;

  private constructor(parts: Pick<Asked, "node" | "app" | "browser" | "session">) {
    this.node = parts.node;
    this.app = parts.app;
    this.browser = parts.browser;
    this.session = parts.session;
  }

  static async start({ isAllowed = true } = {}): Promise<Asked> {
    const node = await ConsoleNode.start();
    const browser = await node.visit();
    const app = await OwnerApp.enrol(node, browser);
    const input = { peer: node.test.peer.id, permission: "auth" };
    if (isAllowed) await node.test.admin("POST", "/peers/allow", input);
    const session = await node.test.connect();
    await session.read();
    return new Asked({ node, app, browser, session });
  }

  /** The peer asks. */
  async ask(changes: Record<string, unknown> = {}): Promise<void> {
    this.#number += 1;
    await this.session.send({ type: TYPE, ask: askOf(this.#number), ...ASKED, ...changes });
    await settle();
  }

  /** What the peer was answered last. */
  async answered(): Promise<Record<string, unknown> | undefined> {
    await settle();
    return (await this.session.read()).filter(({ answer }) => answer !== undefined).at(-1);
  }

  async pending() {
    return (await this.browser.get("/auth/v1/challenges")).body.challenges;
  }

  async approve(factor: Record<string, unknown>, id?: number) {
    const number = id ?? (await this.pending())[0].id;
    const content = { id: number, approve: true, factor };
    return await this.browser.post("/auth/v1/challenges/answer", content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
  }
}

Deno.test("The owner sees who asks and why, and a factor makes a signed answer", async () => {
  await using test = await Asked.start();
  await test.ask();
  const [{ id, expires_at: _, ...shown }] = await test.pending();
  const { purpose, level, module } = ASKED;
  const { peer } = test.node.test;
  assertEquals(shown, { peer: peer.id, petname: null, purpose, level, module });
  assertEquals((await test.approve({ totp: await test.app.fresh() }, id)).body, { approved: true });
  const answer = await test.answered();
  const { iss, aud, exp, iat, sb, ...said } = unverifiedPayload(String(answer?.proof)) as Record<
    string,
    unknown
  >;
  assertEquals([iss, aud], [test.node.test.node.id, peer.id]);
  assertEquals(said, { v: 3, ...ASKED, factors: ["totp"] });
  assertEquals(Number(exp) - Number(iat), 120);
  assertEquals(decodeBase64Url(String(sb))?.length, 32);
  assertEquals(await test.pending(), []);
  assertEquals((await test.approve({ totp: await test.app.fresh() }, id)).status, 404);
});

Deno.test("Neither a session nor the admin token approves without a factor", async () => {
  await using test = await Asked.start();
  await test.ask();
  const [{ id }] = await test.pending();
  const path = "/m/authentication/challenges/answer";
  for (const factor of [undefined, {}, { totp: "000000" }, { passkey: {} }, { recovery: "x" }]) {
    const content = { id, approve: true, ...(factor === undefined ? {} : { factor }) };
    const byToken = await test.node.test.admin("POST", path, content);
    assertEquals([400, 403, 429].includes(byToken.status), true, JSON.stringify(factor));
    const byBrowser = await test.browser.post("/auth/v1/challenges/answer", content);
    assertEquals([400, 403, 429].includes(byBrowser.status), true, JSON.stringify(factor));
  }
  assertEquals((await test.browser.get("/m/authentication/challenges")).status, 403);
  assertEquals((await test.browser.post(path, { id, approve: false })).status, 403);
  assertEquals((await test.pending()).length, 1);
  await test.node.test.clock.advance(60_000);
  const factor = { totp: await test.app.fresh() };
  const { status } = await test.node.test.admin("POST", path, { id, approve: true, factor });
  assertEquals(status, 200);
  assertEquals(typeof (await test.answered())?.proof, "string");
});

Deno.test("A factor that is less than asked for approves nothing, and the challenge still waits", async () => {
  await using test = await Asked.start();
  await test.ask({ level: "passkey" });
  assertEquals((await test.approve({ totp: await test.app.fresh() })).status, 403);
  assertEquals((await test.pending()).length, 1);
});

Deno.test("A denial, silence and a mute look alike to the peer", async () => {
  await using test = await Asked.start();
  await test.ask();
  const [{ id }] = await test.pending();
  await test.browser.post("/auth/v1/challenges/answer", { id, approve: false });
  const { answer: _, ...denied } = (await test.answered())!;
  assertEquals(denied.error, "forbidden");
  await test.ask();
  await test.node.test.clock.advance(110_000);
  const { answer: _1, ...silent } = (await test.answered())!;
  const peer = test.node.test.peer.id;
  await test.node.test.admin("POST", "/m/authentication/mute", { peer, muted: true });
  await test.ask();
  const { answer: _2, ...muted } = (await test.answered())!;
  assertEquals([silent, muted], [denied, denied]);
  assertEquals(await test.pending(), []);
  await test.node.test.admin("POST", "/m/authentication/mute", { peer, muted: false });
  await test.ask();
  assertEquals((await test.pending()).length, 1);
});

Deno.test("A peer has one challenge at a time, and five an hour", async () => {
  await using test = await Asked.start();
  await test.ask();
  await test.ask();
  assertEquals((await test.answered())?.error, "rate_limited");
  assertEquals((await test.pending()).length, 1);
  for (let times = 1; times < 5; times += 1) {
    const [{ id }] = await test.pending();
    await test.browser.post("/auth/v1/challenges/answer", { id, approve: false });
    await settle();
    await test.ask();
  }
  const [{ id }] = await test.pending();
  await test.browser.post("/auth/v1/challenges/answer", { id, approve: false });
  await test.answered();
  await test.ask();
  assertEquals((await test.answered())?.error, "rate_limited");
  await test.node.test.clock.advance(HOUR_MS);
  test.session = await test.node.test.connect();
  await test.session.read();
  await test.ask();
  assertEquals(await test.answered(), undefined);
});

Deno.test("A peer that was not allowed to ask is not heard", async () => {
  await using test = await Asked.start({ isAllowed: false });
  await test.ask();
  assertEquals((await test.answered())?.error, "forbidden");
  assertEquals(await test.pending(), []);
});

Deno.test("A challenge of another form is refused before the owner hears of it", async () => {
  await using test = await Asked.start();
  const bad: Record<string, unknown>[] = [
    { purpose: "" },
    { purpose: "x".repeat(121) },
    { purpose: "a\nb" },
    { purpose: "a\u202eb" },
    { purpose: 7 },
    { level: "none" },
    { nonce: "AAAA" },
    { module: "Other Module" },
  ];
  for (const changes of bad) {
    await test.ask(changes);
    assertEquals((await test.answered())?.error, "bad_request", JSON.stringify(changes));
  }
  assertEquals(await test.pending(), []);
});

Deno.test("Whoever may only look sees no challenge", async () => {
  await using test = await Asked.start();
  const viewer = await test.node.visit("viewer");
  const stream = await viewer.raw("GET", "/admin/v1/events");
  await test.ask();
  assertEquals((await viewer.get("/auth/v1/challenges")).status, 403);
  const answer = { id: 1, approve: false };
  assertEquals((await viewer.post("/auth/v1/challenges/answer", answer)).status, 403);
  await viewer.post("/auth/v1/sign-out");
  assertEquals((await stream.text()).includes("Open the door"), false);
});

Deno.test("A block ends what a peer waits for", async () => {
  await using test = await Asked.start();
  await test.ask();
  await test.browser.post("/admin/v1/peers/block", { peer: test.node.test.peer.id });
  await settle();
  assertEquals(await test.pending(), []);
});

Deno.test("A mute goes to the id that follows, outlives a block, and goes with whoever is forgotten", async () => {
  await using test = await Asked.start();
  const { modules, store } = (test.node.test.node as unknown as { inside: NodeParts }).inside;
  const peer = test.node.test.peer.id;
  const other = encodeNodeId(new Uint8Array(32).fill(9));
  const muted = () =>
    store.statement("SELECT peer FROM authentication_muted").all().map((row) => row.peer);
  await test.node.test.admin("POST", "/m/authentication/mute", { peer, muted: true });
  await store.write(() => modules.writeMove(peer, other));
  assertEquals(muted(), [other]);
  await store.write(() => modules.writeMove(other, peer));
  for (const change of ["block", "unblock"]) {
    await test.node.test.admin("POST", `/peers/${change}`, { peer });
    assertEquals([change, muted()], [change, [peer]]);
  }
  await test.node.test.admin("POST", "/peers/forget", { peer });
  assertEquals(muted(), []);
});

Deno.test("A challenge that ended while its factor was checked is not said to be approved", () => {
  const challenge = { id: 1, asked: ASKED, answer: () => {} } as unknown as Challenge;
  const approve = () => new Challenges({} as never).approve(challenge, { id: "a", kind: "totp" });
  assertEquals(assertThrows(approve, OpenRedError).code, "not_found");
});
