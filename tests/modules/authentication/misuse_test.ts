import { assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { AUTHENTICATION_MANIFEST } from "../../../modules/authentication/manifest.ts";
import { type Expected, PeerFactors } from "../../../modules/authentication/peer_factors.ts";
import type { Ask } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { TestNodeKeys } from "../../peer/test_node_keys.ts";
import { ContextWorld } from "../../world/module_context.ts";

type Payload = Record<string, unknown>;

const BINDING = new Uint8Array(32).fill(7);
const OTHER_BYTES = encodeBase64Url(new Uint8Array(32).fill(1));

/** A node that has asked, and the peer that answers. */
class AskingWorld implements Disposable {
  readonly world: ContextWorld;
  readonly peer: TestNodeKeys;
  readonly other: TestNodeKeys;
  readonly factors: PeerFactors;
  readonly expected: Expected;
  readonly good: Payload;
  /** What the peer does with the call. */
  answer: (ask: Ask) => Promise<string> = () => Promise.resolve("a.b.c");
  readonly asked: Ask[] = [];

  private constructor(
    parts: Pick<AskingWorld, "world" | "peer" | "other" | "expected" | "good"> & {
      readonly context: ConstructorParameters<typeof PeerFactors>[0];
    },
  ) {
    this.world = parts.world;
    this.peer = parts.peer;
    this.other = parts.other;
    this.expected = parts.expected;
    this.good = parts.good;
    this.factors = new PeerFactors({
      ...parts.context,
      ask: async (ask) => {
        this.asked.push(ask);
        return { header: { proof: await this.answer(ask) }, body: new Uint8Array() };
      },
    });
  }

  static async create(): Promise<AskingWorld> {
    const world = await ContextWorld.create();
    const { context } = await world.contextOf(AUTHENTICATION_MANIFEST);
    const [peer, other] = await TestNodeKeys.createTwo(world.parts.crypto);
    world.sender.connected.add(peer.id);
    const nonce = encodeBase64Url(new Uint8Array(32).fill(9));
    const purpose = "Open the door";
    const module = "authentication";
    const level = "totp";
    const bindings = [BINDING, BINDING];
    const expected: Expected = { peer: peer.id, nonce, purpose, module, level, bindings };
    const iat = Math.floor(context.clock.nowMs() / 1000);
    const sb = encodeBase64Url(await world.parts.crypto.sha256(BINDING));
    const good = {
      v: 3,
      iss: peer.id,
      aud: world.keys.id,
      nonce,
      purpose,
      module,
      level,
      factors: ["totp"],
      iat,
      exp: iat + 120,
      sb,
    };
    return new AskingWorld({ world, peer, other, expected, good, context });
  }

  sign(changes: Payload = {}, by = this.peer): Promise<string> {
    return by.sign("openred-auth+jwt", { ...this.good, ...changes });
  }

  async refuses(proof: string, changes: Partial<Expected> = {}, why = ""): Promise<void> {
    const expected = { ...this.expected, ...changes };
    const error = await assertRejects(
      () => this.factors.check(proof, expected),
      OpenRedError,
      "",
      why,
    );
    assertEquals(
      ["bad_signature", "bad_request"].includes(error.code),
      true,
      `${why}: ${error.code}`,
    );
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
  }
}

Deno.test("An answer to exactly what was asked is taken", async () => {
  using test = await AskingWorld.create();
  assertEquals(await test.factors.check(await test.sign(), test.expected), ["totp"]);
  const passkey = await test.sign({ factors: ["passkey"] });
  assertEquals(await test.factors.check(passkey, test.expected), ["passkey"]);
  const more = await test.sign({ later: "a member that nobody knows" });
  assertEquals(await test.factors.check(more, test.expected), ["totp"]);
});

const iat = (by: number) => ({ iat: by, exp: by + 120 });

/** What an answer says that it should not. */
const WRONG: readonly [string, (good: Payload) => Payload][] = [
  ["for another node", ({ iss }) => ({ aud: iss })],
  ["of another challenge", () => ({ nonce: OTHER_BYTES })],
  ["without a nonce", () => ({ nonce: undefined })],
  ["with a short nonce", () => ({ nonce: "AAAA" })],
  ["for another purpose", () => ({ purpose: "Open the safe" })],
  ["for a purpose that looks alike", () => ({ purpose: "Οpen the door" })],
  ["for a purpose with a blank more", () => ({ purpose: "Open the door " })],
  ["for a purpose with a control", () => ({ purpose: "Open the\u202e door" })],
  ["without a purpose", () => ({ purpose: undefined })],
  ["for another module", () => ({ module: "file_sharing" })],
  ["without a module", () => ({ module: undefined })],
  ["of a lower level", () => ({ level: "presence" })],
  ["of a higher level than asked", () => ({ level: "passkey" })],
  ["of no level", () => ({ level: "biometric" })],
  ["with a factor that is not enough", () => ({ factors: ["password"] })],
  ["with a recovery code", () => ({ factors: ["recovery"] })],
  ["with a factor that does not exist", () => ({ factors: ["TOTP"] })],
  ["without factors", () => ({ factors: [] })],
  ["with factors that are no list", () => ({ factors: "totp" })],
  ["of another session", () => ({ sb: OTHER_BYTES })],
  ["of no session", () => ({ sb: undefined })],
  ["with the binding itself", () => ({ sb: encodeBase64Url(BINDING) })],
  ["good for longer than two minutes", (good) => ({ exp: Number(good.iat) + 121 })],
  ["good for ever", () => ({ exp: Number.MAX_SAFE_INTEGER })],
  ["that ends before it begins", (good) => ({ exp: Number(good.iat) - 1 })],
  ["that ends as it begins", (good) => ({ exp: good.iat })],
  ["from long ago", (good) => iat(Number(good.iat) - 421)],
  ["from the future", (good) => iat(Number(good.iat) + 301)],
  ["with times that are texts", (good) => ({ iat: String(good.iat) })],
  ["of another version", () => ({ v: 4 })],
  ["in the name of somebody else", (good) => ({ iss: good.aud })],
];

Deno.test(`An answer that says anything else is refused, in ${WRONG.length} ways`, async () => {
  using test = await AskingWorld.create();
  for (const [why, change] of WRONG) {
    // Whoever signs in another name does not get as far as being read.
    await test.refuses(await test.sign(change(test.good)), {}, why);
  }
});

Deno.test("An answer that somebody else has signed, or that was changed, is refused", async () => {
  using test = await AskingWorld.create();
  const { other, peer } = test;
  await test.refuses(await test.sign({ iss: other.id }, other), {}, "another peer, by itself");
  await test.refuses(await test.sign({}, other), {}, "another peer, as this one");
  await test.refuses(await test.sign({ iss: test.world.keys.id }, test.world.keys), {}, "oneself");
  await test.refuses(await peer.sign("openred-group+jwt", test.good), {}, "another type");
  const good = await test.sign();
  const [header, payload, signature] = good.split(".");
  await test.refuses(`${header}.${payload}.${signature!.slice(0, -4)}AAAA`, {}, "signature");
  const forged = encodeBase64Url(
    new TextEncoder().encode(JSON.stringify({ ...test.good, purpose: "x" })),
  );
  await test.refuses(`${header}.${forged}.${signature}`, {}, "payload");
  const none = encodeBase64Url(new TextEncoder().encode('{"alg":"none"}'));
  await test.refuses(`${none}.${payload}.`, {}, "no signature");
});

Deno.test("A right answer is worthless for whoever asked for something else", async () => {
  using test = await AskingWorld.create();
  const good = await test.sign();
  const changes: Record<string, Partial<Expected>> = {
    peer: { peer: test.other.id },
    nonce: { nonce: OTHER_BYTES },
    purpose: { purpose: "Open the safe" },
    module: { module: "messaging" },
    higher: { level: "passkey" },
    session: { bindings: [new Uint8Array(32).fill(8), null] },
    "no session": { bindings: [null, null] },
  };
  for (const [why, change] of Object.entries(changes)) await test.refuses(good, change, why);
});

Deno.test("Each challenge has a nonce of its own, so that no answer comes twice", async () => {
  using test = await AskingWorld.create();
  let first = "";
  test.answer = async ({ header }) => {
    first ||= await test.sign({ nonce: header!.nonce });
    return first;
  };
  const require = () =>
    test.factors.require(test.peer.id, {
      level: "totp",
      purpose: "Open the door",
      module: "authentication",
    });
  assertEquals(await require(), { level: "totp", factors: ["totp"] });
  assertEquals((await assertRejects(require, OpenRedError)).code, "bad_signature");
  const nonces = test.asked.map(({ header }) => header!.nonce);
  assertEquals(new Set(nonces).size, 2);
});

Deno.test("What is asked for is a line that everybody can see", async () => {
  using test = await AskingWorld.create();
  for (
    const purpose of ["", "x".repeat(121), "two\nlines", "\u202eturned", "hid\u200bden", "\ud800"]
  ) {
    const asking = () =>
      test.factors.require(test.peer.id, { level: "totp", purpose, module: "authentication" });
    assertEquals((await assertRejects(asking, OpenRedError)).code, "bad_request", purpose);
  }
  assertEquals(test.asked.length, 0);
});
