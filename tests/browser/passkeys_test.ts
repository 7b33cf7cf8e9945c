import { assertEquals } from "@std/assert";
import type { Browser, CDPSession, Page } from "playwright-core";
import { LoopbackNode } from "../world/loopback_node.ts";
import { NodeListener } from "../world/node_listener.ts";
import { hashOf } from "../modules/authentication/owner_factors.ts";
import { testInBrowser } from "./chromium.ts";
import { passkeyPage } from "./passkey_page.ts";
import { Visit } from "./visit.ts";

const SIGN_IN = "/auth/v1/sign-in";
const STEP_UP = "/auth/v1/step-up";
const PASSKEY = "/auth/v1/factors/passkey";

// deno-lint-ignore no-explicit-any
type Answer = { readonly status: number; readonly body: any };

/** What an authenticator is. */
interface Kind {
  readonly isVerified?: boolean;
  readonly isResident?: boolean;
}

/** An owner before the console of a real node, with authenticators that are plugged in and out. */
class Owner implements AsyncDisposable {
  readonly #node: LoopbackNode;
  readonly #console: NodeListener;
  readonly #visit: Visit;
  readonly #cdp: CDPSession;

  private constructor(
    parts: { node: LoopbackNode; console: NodeListener; visit: Visit; cdp: CDPSession },
  ) {
    this.#node = parts.node;
    this.#console = parts.console;
    this.#visit = parts.visit;
    this.#cdp = parts.cdp;
  }

  static async start(browser: Browser): Promise<Owner> {
    const node = new LoopbackNode();
    node.ports = { consolePage: passkeyPage };
    const console = new NodeListener();
    const origin = `http://localhost:${new URL(console.url).port}`;
    await node.start({ console: { origin, why: "", hasFailed: false, proxies: [] } });
    console.handler = (request) => node.node.handleConsole(request);
    const visit = await Visit.start(browser);
    await visit.page.goto(`${origin}/console/`);
    const cdp = await visit.context.newCDPSession(visit.page);
    await cdp.send("WebAuthn.enable");
    return new Owner({ node, console, visit, cdp });
  }

  get page(): Page {
    return this.#visit.page;
  }

  /** Plugs an authenticator in. @returns Its id. */
  async plugIn({ isVerified = true, isResident = true }: Kind = {}): Promise<string> {
    const { authenticatorId } = await this.#cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "usb",
        hasResidentKey: isResident,
        hasUserVerification: true,
        isUserVerified: isVerified,
        automaticPresenceSimulation: true,
      },
    });
    return authenticatorId;
  }

  async unplug(authenticatorId: string): Promise<void> {
    await this.#cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
  }

  async verifyUser(authenticatorId: string, isUserVerified: boolean): Promise<void> {
    await this.#cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  }

  async credential(authenticatorId: string) {
    const { credentials } = await this.#cdp.send("WebAuthn.getCredentials", { authenticatorId });
    return credentials[0]!;
  }

  /** Puts a copy of a credential into an authenticator. */
  async copy(
    authenticatorId: string,
    credential: Awaited<ReturnType<Owner["credential"]>>,
  ): Promise<void> {
    await this.#cdp.send("WebAuthn.addCredential", { authenticatorId, credential });
  }

  ask(method: string, path: string, content: unknown = {}): Promise<Answer> {
    return this.page.evaluate(
      `ask(${JSON.stringify(method)}, ${JSON.stringify(path)}, ${JSON.stringify(content)})`,
    );
  }

  async open(): Promise<void> {
    const { url } = await this.#node.ask("POST", "/console/link", {});
    await this.ask("POST", "/auth/v1/link", { secret: url.split("#link=")[1] });
  }

  /** What the browser made for the console. */
  make(name: string): Promise<{ error?: string }> {
    return this.page.evaluate(`enrol(${JSON.stringify(name)})`);
  }

  async enrol(name: string): Promise<number> {
    return (await this.ask("POST", PASSKEY, await this.make(name))).status;
  }

  /** @param change Of what the console asks the browser for. */
  show(path: string, content: unknown, change: unknown = {}): Promise<{ error?: string }> {
    const words = [`${path}/options`, content, change].map((word) => JSON.stringify(word));
    return this.page.evaluate(`show(${words.join()})`);
  }

  async signIn(change: unknown = {}): Promise<number> {
    const factor = await this.show(SIGN_IN, {}, change);
    return (await this.ask("POST", SIGN_IN, { factor })).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#visit[Symbol.asyncDispose]();
    await this.#node[Symbol.asyncDispose]();
    await this.#console[Symbol.asyncDispose]();
  }
}

testInBrowser("a passkey is enrolled, signs in and steps up", async (browser) => {
  await using owner = await Owner.start(browser);
  await owner.plugIn();
  await owner.open();
  assertEquals(await owner.enrol("key"), 200);
  await owner.ask("POST", "/auth/v1/sign-out");
  assertEquals((await owner.ask("GET", "/admin/v1/id")).status, 401);
  assertEquals(await owner.signIn(), 200);
  assertEquals((await owner.ask("GET", "/admin/v1/id")).status, 200);

  const path = "/admin/v1/modules/enable";
  const content = { module: "messaging" };
  assertEquals((await owner.ask("POST", path, content)).body.code, "step_up_required");
  const action = `POST ${path}`;
  const factor = await owner.show(STEP_UP, { action });
  const body_sha256 = await hashOf(content);
  // Shown for one action, it is none for another, nor for a sign-in.
  const other = { factor, action: "POST /admin/v1/modules/load", body_sha256 };
  assertEquals((await owner.ask("POST", STEP_UP, other)).status, 403);
  assertEquals((await owner.ask("POST", SIGN_IN, { factor })).status, 403);
  const again = await owner.show(STEP_UP, { action });
  assertEquals(
    (await owner.ask("POST", STEP_UP, { factor: again, action, body_sha256 })).status,
    200,
  );
  assertEquals((await owner.ask("POST", path, content)).status, 200);
});

testInBrowser("an answer of a passkey is taken once", async (browser) => {
  await using owner = await Owner.start(browser);
  await owner.plugIn();
  await owner.open();
  assertEquals(await owner.enrol("key"), 200);
  const factor = await owner.show(SIGN_IN, {});
  assertEquals((await owner.ask("POST", SIGN_IN, { factor })).status, 200);
  assertEquals((await owner.ask("POST", SIGN_IN, { factor })).status, 403);
  const made = await owner.make("again");
  assertEquals(made.error, "InvalidStateError");
});

testInBrowser("a passkey that does not verify its user is none", async (browser) => {
  await using owner = await Owner.start(browser);
  const key = await owner.plugIn({ isVerified: false });
  await owner.open();
  assertEquals((await owner.make("key")).error, "NotAllowedError");
  await owner.verifyUser(key, true);
  assertEquals(await owner.enrol("key"), 200);
  await owner.verifyUser(key, false);
  // What the page asks for can be changed by whoever has the page; what the node asks for cannot.
  assertEquals(await owner.signIn({ userVerification: "discouraged" }), 403);
  await owner.verifyUser(key, true);
  assertEquals(await owner.signIn(), 200);
});

testInBrowser("a passkey is found by the browser itself, or named by the node", async (browser) => {
  await using owner = await Owner.start(browser);
  const found = await owner.plugIn();
  await owner.open();
  assertEquals(await owner.enrol("resident"), 200);
  assertEquals(await owner.signIn({ allowCredentials: [] }), 200);
  await owner.unplug(found);
  await owner.plugIn({ isResident: false });
  assertEquals((await owner.show(SIGN_IN, {})).error, "NotAllowedError");
});

testInBrowser("two authenticators sign in, and one that was removed does not", async (browser) => {
  await using owner = await Owner.start(browser);
  const first = await owner.plugIn();
  await owner.open();
  assertEquals(await owner.enrol("first"), 200);
  const shown = async (content: unknown, path: string) => {
    const action = `POST ${path}`;
    const factor = await owner.show(STEP_UP, { action });
    const body_sha256 = await hashOf(content);
    return (await owner.ask("POST", STEP_UP, { factor, action, body_sha256 })).status;
  };
  // The second one is made on an authenticator of its own, the first one shown for it.
  const saved = await owner.credential(first);
  await owner.unplug(first);
  const second = await owner.plugIn({ isResident: false });
  const made = await owner.make("second");
  const kept = await owner.credential(second);
  await owner.unplug(second);
  const back = await owner.plugIn();
  await owner.copy(back, saved);
  assertEquals(await shown(made, PASSKEY), 200);
  assertEquals((await owner.ask("POST", PASSKEY, made)).status, 200);
  assertEquals(await owner.signIn(), 200);

  const { factors } = (await owner.ask("GET", "/auth/v1/factors")).body;
  assertEquals(factors.map(({ name }: { name: string }) => name), ["first", "second"]);
  await owner.unplug(back);
  const other = await owner.plugIn({ isResident: false });
  await owner.copy(other, kept);
  assertEquals(await owner.signIn(), 200);
  const removed = { id: factors[0].id };
  assertEquals(await shown(removed, "/auth/v1/factors/remove"), 200);
  assertEquals((await owner.ask("POST", "/auth/v1/factors/remove", removed)).status, 200);
  await owner.unplug(other);
  const last = await owner.plugIn();
  await owner.copy(last, saved);
  assertEquals((await owner.show(SIGN_IN, {})).error, "NotAllowedError");
  assertEquals(await owner.signIn({ allowCredentials: [] }), 403);
});

testInBrowser("a copy of a passkey is refused once its counter is behind", async (browser) => {
  await using owner = await Owner.start(browser);
  const key = await owner.plugIn();
  await owner.open();
  assertEquals(await owner.enrol("key"), 200);
  const copy = await owner.credential(key);
  for (let times = 0; times < 3; times += 1) assertEquals(await owner.signIn(), 200);
  await owner.unplug(key);
  const thief = await owner.plugIn();
  await owner.copy(thief, copy);
  assertEquals(await owner.signIn(), 403);
  const { sessions } = (await owner.ask("GET", "/auth/v1/sessions")).body;
  assertEquals(sessions.length, 1);
});
