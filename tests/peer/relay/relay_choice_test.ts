import { assert, assertEquals } from "@std/assert";
import { encodeUtf8, type NodeId } from "../../../crypto/encoding.ts";
import type { KeyRef } from "../../../crypto/interface.ts";
import type { NamedRelay } from "../../../peer/directories/directories.ts";
import { OwnRelay } from "../../../peer/relay/own_relay.ts";
import { RelayChoice } from "../../../peer/relay/relay_choice.ts";
import type { Channel, ChannelListener } from "../../../ports/ports.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { RelayAddress } from "../../../protocol/relay.ts";
import { type TestIdentity, testIdentity } from "../../protocol/signer.ts";
import { OtherEnd } from "../../relay/relay_world.ts";
import { CHEAP_COST } from "../../world/cores.ts";
import { FakeHttp } from "../../world/fake_http.ts";
import { until } from "../../world/until.ts";
import { MINUTE_MS, TestParts } from "../parts.ts";
import { helloOf, RelayEnd } from "./relayed_world.ts";

const DIRECTORY = "https://directory.example";
const A = "https://a.example";
const B = "https://b.example";
const C = "https://c.example";
const IDENTITIES: Record<string, TestIdentity> = {
  [DIRECTORY]: testIdentity(80),
  [A]: testIdentity(81),
  [B]: testIdentity(82),
  [C]: testIdentity(83),
};

/** Says when somebody listens. */
class HeardEnd extends OtherEnd {
  readonly heard = Promise.withResolvers<void>();

  override listen(listener: ChannelListener): void {
    super.listen(listener);
    this.heard.resolve();
  }
}

/** Relays that are played, and directories that name some of them. */
class ChoiceWorld {
  readonly parts: TestParts;
  readonly own: { readonly id: NodeId; readonly key: KeyRef };
  /** What becomes of whoever calls: `down` where absent. */
  readonly relays = new Map<string, "linked" | "full" | "down">();
  named: readonly Omit<NamedRelay, "namedBy">[] = [];
  readonly called: string[] = [];
  readonly linkedTo: string[] = [];
  readonly ends = new Map<string, RelayEnd>();
  relay!: OwnRelay;
  asked = 0;

  private constructor(parts: TestParts, own: ChoiceWorld["own"]) {
    this.parts = parts;
    this.own = own;
  }

  static async create(): Promise<ChoiceWorld> {
    const parts = await TestParts.create();
    const secret = () => encodeUtf8("secret");
    const { sealed } = await parts.crypto.createKeystore({ secret: secret(), cost: CHEAP_COST });
    const { nodeId, identity } = await parts.crypto.openKeystore({ sealed, secret: secret() });
    return new ChoiceWorld(parts, { id: nodeId as NodeId, key: identity });
  }

  start(relay: RelayAddress | "auto" = "auto", directories = [DIRECTORY]): Promise<void> {
    const http = new FakeHttp();
    http.openChannel = ({ url }) => this.#open(url.replace(/^ws(.*)\/relay\/v1$/, "http$1"));
    this.relay = new OwnRelay({
      ...this.parts,
      own: this.own,
      http,
      calls: {} as never,
      checkUrl: () => Promise.resolve(),
      choice: new RelayChoice(this.parts, { relay, directories }),
      named: () => {
        this.asked += 1;
        return Promise.resolve(this.named.map((one) => ({ ...one, namedBy: DIRECTORY })));
      },
      linked: (url) => void this.linkedTo.push(url),
    });
    return this.relay.start();
  }

  #open(url: string): Promise<Channel> {
    this.called.push(url);
    const state = this.relays.get(url) ?? "down";
    if (state === "down") return Promise.reject(new OpenRedError("unreachable", "Nobody is there"));
    const socket = new HeardEnd();
    const end = new RelayEnd(socket);
    this.ends.set(url, end);
    void socket.heard.promise.then(() => this.#play(end, { url, isFull: state === "full" }));
    return Promise.resolve(socket);
  }

  async #play(
    end: RelayEnd,
    { url, isFull }: { readonly url: string; readonly isFull: boolean },
  ): Promise<void> {
    end.say("hello", helloOf(IDENTITIES[url]!, url));
    await until(() => end.socket.sent.length > 0 || end.socket.closed !== null, "an answer");
    if (end.socket.closed !== null) return;
    const { iss } = await end.proof();
    if (!isFull) return end.say("ready", JSON.stringify({ url: `${url}/r/${iss}` }));
    end.say("bye", JSON.stringify({ code: "full" }));
    end.socket.leave();
  }

  async isLinked(url: string, options: { readonly passMs?: number } = {}): Promise<void> {
    await until(async () => {
      await this.parts.clock.advance(options.passMs ?? 0);
      const { state, url: now } = this.relay.view();
      return state === "linked" && now === url;
    }, `a link to ${url}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay.stop();
    await this.parts.background.settled();
    this.parts[Symbol.dispose]();
  }
}

Deno.test("auto takes a relay that a directory names, by its id, and keeps it over restarts", async () => {
  const world = await ChoiceWorld.create();
  world.relays.set(A, "linked");
  world.named = [{ url: A, id: IDENTITIES[A]!.id }];
  await world.start();
  await world.isLinked(A);
  const { named_by, relay_id } = world.relay.view();
  assertEquals([named_by, relay_id], [DIRECTORY, IDENTITIES[A]!.id]);
  await world.relay.stop();
  await world.parts.background.settled();
  world.named = [{ url: B, id: null }];
  await world.start();
  await world.isLinked(A);
  assertEquals([world.asked, world.called], [1, [A, A]]);
  await world[Symbol.asyncDispose]();
});

Deno.test("auto signs nothing for a relay of another id than the directory names", async () => {
  await using world = await ChoiceWorld.create();
  world.relays.set(A, "linked").set(B, "linked");
  world.named = [{ url: A, id: IDENTITIES[B]!.id }];
  await world.start();
  assertEquals([world.ends.get(A)!.news(), world.ends.get(A)!.socket.closed], [[], 1008]);
  world.named = [{ url: B, id: IDENTITIES[B]!.id }];
  await world.isLinked(B, { passMs: 1_000 });
});

Deno.test("auto goes on to another one where a relay is full, and tells of it", async () => {
  await using world = await ChoiceWorld.create();
  world.relays.set(A, "full").set(B, "full").set(C, "linked");
  world.named = [A, B, C].map((url) => ({ url, id: null }));
  await world.start();
  await world.isLinked(C);
  assert(world.called.length <= 3);
  assertEquals(world.linkedTo, [C]);
});

Deno.test("a relay that was used is given a minute before another one takes its place", async () => {
  await using world = await ChoiceWorld.create();
  world.relays.set(A, "linked");
  world.named = [{ url: A, id: null }];
  await world.start();
  await world.isLinked(A);
  world.named = [A, B].map((url) => ({ url, id: null }));
  world.relays.set(A, "down").set(B, "linked");
  world.ends.get(A)!.socket.leave();
  await world.parts.clock.advance(MINUTE_MS - 1_000);
  assert(!world.called.includes(B));
  await world.isLinked(B, { passMs: 1_000 });
  assertEquals(world.linkedTo, [A, B]);
  // The former one is not gone back to.
  world.relays.set(A, "linked");
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(world.relay.view().url, B);
});

Deno.test("without any relay the directory itself is tried, and those it names later", async () => {
  await using world = await ChoiceWorld.create();
  await world.start();
  assertEquals(world.called, [DIRECTORY]);
  assertEquals(world.relay.view().state, "trying");
  world.named = [{ url: C, id: null }];
  world.relays.set(C, "linked");
  await world.isLinked(C, { passMs: 1_000 });
});

Deno.test("what a directory named counts no more once that is not on the list", async () => {
  const world = await ChoiceWorld.create();
  world.relays.set(A, "linked").set(B, "linked");
  world.named = [{ url: A, id: null }];
  await world.start();
  await world.isLinked(A);
  await world.relay.stop();
  await world.parts.background.settled();
  world.named = [{ url: B, id: null }];
  await world.start("auto", ["https://other.example"]);
  await world.isLinked(B);
  await world[Symbol.asyncDispose]();
});

Deno.test("a relay that the owner named is never left for another one", async () => {
  await using world = await ChoiceWorld.create();
  world.relays.set(A, "full").set(B, "linked");
  world.named = [{ url: B, id: null }];
  await world.start({ url: A, id: null });
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals([world.asked, new Set(world.called)], [0, new Set([A])]);
});
