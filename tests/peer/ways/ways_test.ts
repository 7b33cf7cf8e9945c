import { assertEquals } from "@std/assert";
import { encodeBase64Url, type NodeId } from "../../../crypto/encoding.ts";
import { Background } from "../../../peer/timing/background.ts";
import { Ways } from "../../../peer/ways/ways.ts";
import type { HttpRequest } from "../../../ports/ports.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { verifyRecord } from "../../../protocol/record.ts";
import {
  recordPayload,
  signText,
  type TestIdentity,
  testIdentity,
  verifierOf,
} from "../../protocol/signer.ts";
import { answerJson, FakeHttp } from "../../world/fake_http.ts";
import { MemoryLog } from "../../world/memory_log.ts";
import { SeededRandom } from "../../world/seeded_random.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

const PEER = testIdentity(1);
const RELAYED = `https://relay.example/r/${PEER.id}`;
const HOME = "https://home.example:7601";
const NEAR = "http://192.168.1.21:7601";
const OFFICE = "https://office.example";
const MINUTE_MS = 60_000;

/** What is there under a direct address: the node of an identity. */
function answering(identity: TestIdentity) {
  return (request: HttpRequest) => {
    const { searchParams } = new URL(request.url);
    const payload = recordPayload(identity, { api_url: RELAYED });
    const statement = {
      v: 3,
      iss: identity.id,
      aud: searchParams.get("directory"),
      nonce: searchParams.get("nonce"),
      api_url: RELAYED,
      noise_key: encodeBase64Url(new Uint8Array(32).fill(9)),
      iat: 1_790_000_000,
    };
    return answerJson(200, {
      record: signText(identity, payload, { typ: "openred-record+jwt" }),
      identity: signText(identity, statement, { typ: "openred-identity+jwt" }),
    });
  };
}

class WaysWorld {
  readonly clock = new VirtualClock(1_790_000_000_000);
  readonly http = new FakeHttp();
  readonly found: NodeId[] = [];
  readonly refused = new Set<string>();
  readonly stop = new AbortController();
  isKnown = true;
  isMet = true;
  isBlocked = false;
  // deno-lint-ignore no-explicit-any
  record: any = null;
  readonly ways = new Ways({
    clock: this.clock,
    random: new SeededRandom("ways"),
    http: this.http,
    crypto: {
      verifyJws: (options: never) => verifierOf(this.signer).verifyJws(options),
    } as never,
    background: new Background(new MemoryLog()),
    book: {
      get: () => ({ id: PEER.id, known: this.isKnown, record: this.record }) as never,
    },
    permissions: { isBlocked: () => this.isBlocked },
    stopped: this.stop.signal,
    checkUrl: (url) =>
      this.refused.has(url)
        ? Promise.reject(new OpenRedError("url_refused", "Not there"))
        : Promise.resolve(),
    isMet: () => this.isMet,
    found: (peer) => void this.found.push(peer),
    lan: { of: () => this.near ?? [] },
  });
  /** What the peer told of this network. */
  near: readonly string[] | null = null;
  signer = PEER;

  async names(direct_urls: readonly string[], changes = {}): Promise<void> {
    const payload = recordPayload(PEER, { api_url: RELAYED, direct_urls, ...changes });
    const text = signText(PEER, payload, { typ: "openred-record+jwt" });
    this.record = await verifyRecord(verifierOf(PEER), text);
  }

  get url(): string | null {
    return this.ways.urlOf(PEER.id);
  }

  get asked(): string[] {
    return this.http.requests.map(({ url }) => new URL(url).origin);
  }
}

Deno.test("a peer is called through its relay until a direct address answers, then there", async () => {
  const world = new WaysWorld();
  await world.names([HOME, OFFICE]);
  world.http.serve(HOME, answering(PEER));
  assertEquals(world.url, RELAYED);
  assertEquals(world.ways.view(PEER.id)?.kind, "relay");
  await world.clock.advance(0);
  assertEquals([world.url, world.asked, world.found], [HOME, [HOME, OFFICE], [PEER.id]]);
  assertEquals(world.ways.view(PEER.id)?.kind, "direct");
});

Deno.test("an address where somebody else answers is no way, and is asked of nothing but an id", async () => {
  const world = new WaysWorld();
  await world.names([HOME]);
  world.signer = testIdentity(2);
  world.http.serve(HOME, answering(testIdentity(2)));
  void world.url;
  await world.clock.advance(0);
  assertEquals(world.url, RELAYED);
  const { url, body, headers } = world.http.requests[0]!;
  const { pathname, searchParams } = new URL(url);
  assertEquals([pathname, [...searchParams.keys()], searchParams.get("directory")], [
    "/identity",
    ["nonce", "directory"],
    PEER.id,
  ]);
  assertEquals([body, headers], [undefined, undefined]);
});

Deno.test("what does not answer is tried again after a minute and more, as long as the peer is met", async () => {
  const world = new WaysWorld();
  await world.names([HOME]);
  void world.url;
  await world.clock.advance(0);
  for (let count = 0; count < 100; count++) void world.url;
  assertEquals(world.asked.length, 1);
  await world.clock.advance(1.2 * MINUTE_MS);
  assertEquals(world.asked.length, 2);
  await world.clock.advance(1.2 * MINUTE_MS);
  assertEquals(world.asked.length, 2);
  world.http.serve(HOME, answering(PEER));
  await world.clock.advance(1.2 * MINUTE_MS);
  assertEquals([world.asked.length, world.url], [3, HOME]);
});

Deno.test("nobody tries again by itself for a peer that is not met, nor more often than once a day at last", async () => {
  const world = new WaysWorld();
  await world.names([HOME]);
  world.isMet = false;
  void world.url;
  await world.clock.advance(10 * MINUTE_MS);
  assertEquals(world.asked.length, 1);
  world.isMet = true;
  void world.url;
  await world.clock.advance(10 * 24 * 60 * MINUTE_MS);
  assertEquals(world.asked.length < 30, true);
});

Deno.test("a direct address that fails gives way to the relay at once", async () => {
  const world = new WaysWorld();
  await world.names([HOME]);
  world.http.serve(HOME, answering(PEER));
  void world.url;
  await world.clock.advance(0);
  const http = world.ways.watch(world.http);
  const call = { method: "GET", timeoutMs: 1, maxAnswerBytes: 1 } as const;
  await http.request({ ...call, url: "https://other.example/x" }).catch(() => {});
  assertEquals(world.url, HOME);
  await http.openChannel({ url: HOME.replace("http", "ws"), timeoutMs: 1 }).catch(() => {});
  assertEquals(world.url, RELAYED);
  await world.clock.advance(1.2 * MINUTE_MS);
  assertEquals(world.url, HOME);
});

Deno.test("strangers, blocked peers, and addresses that must not be called, are not tried", async () => {
  for (const change of ["stranger", "blocked", "refused", "no origins"]) {
    const world = new WaysWorld();
    await world.names(change === "no origins" ? [`${HOME}/path`, "ftp://a.example", "x"] : [HOME]);
    world.isKnown = change !== "stranger";
    world.isBlocked = change === "blocked";
    if (change === "refused") world.refused.add(HOME);
    assertEquals(world.url, change === "blocked" ? null : RELAYED);
    await world.clock.advance(0);
    assertEquals([change, world.asked], [change, []]);
  }
});

Deno.test("another record with other addresses is tried at once", async () => {
  const world = new WaysWorld();
  await world.names([HOME]);
  void world.url;
  await world.clock.advance(0);
  await world.names([OFFICE]);
  world.http.serve(OFFICE, answering(PEER));
  void world.url;
  await world.clock.advance(0);
  assertEquals([world.asked, world.url], [[HOME, OFFICE], OFFICE]);
  await world.names([]);
  assertEquals(world.url, RELAYED);
});

Deno.test("a node that stops tries nothing any more", async () => {
  const world = new WaysWorld();
  await world.names([HOME]);
  void world.url;
  await world.clock.advance(0);
  world.stop.abort();
  assertEquals(world.clock.waitingMs, []);
  void world.url;
  await world.clock.advance(10 * MINUTE_MS);
  assertEquals(world.asked.length, 1);
});

Deno.test("an address of the local network is tried beside the relay, and nobody there learns an id", async () => {
  const world = new WaysWorld();
  await world.names([]);
  world.refused.add(NEAR);
  assertEquals(world.url, RELAYED);
  world.near = [NEAR];
  world.http.serve(NEAR, answering(PEER));
  world.ways.told(PEER.id);
  assertEquals(world.url, RELAYED);
  await world.clock.advance(0);
  assertEquals([world.url, world.found], [NEAR, [PEER.id]]);
  assertEquals(world.ways.view(PEER.id), {
    kind: "direct",
    url: NEAR,
    why: "an address that it told answers, in a network of this machine",
  });
  const { url, body, headers } = world.http.requests[0]!;
  assertEquals([url.includes(PEER.id), body, headers], [false, undefined, undefined]);
});

Deno.test("the URL policy is passed by where a peer was proven to be, as long as it says so", async () => {
  const world = new WaysWorld();
  await world.names([]);
  world.near = [NEAR];
  assertEquals(world.ways.isLan(NEAR), false);
  world.http.serve(NEAR, answering(PEER));
  world.ways.told(PEER.id);
  await world.clock.advance(0);
  assertEquals([world.ways.isLan(NEAR), world.ways.isLan(`${NEAR}/x`)], [true, false]);
  world.near = [];
  assertEquals(world.ways.isLan(NEAR), false);
  assertEquals(world.url, RELAYED);
});

Deno.test("who took the address over is not taken for the peer", async () => {
  const world = new WaysWorld();
  await world.names([]);
  world.near = [NEAR];
  world.signer = testIdentity(2);
  world.http.serve(NEAR, answering(testIdentity(2)));
  world.ways.told(PEER.id);
  await world.clock.advance(0);
  assertEquals([world.url, world.found], [RELAYED, []]);
});

Deno.test("one who passes the question on to the peer, and nothing else, is left later each time", async () => {
  const world = new WaysWorld();
  await world.names([]);
  world.near = [NEAR];
  world.http.serve(NEAR, answering(PEER));
  world.ways.told(PEER.id);
  await world.clock.advance(0);
  const triedAt: number[] = [];
  for (let count = 0; count < 4; count++) {
    assertEquals(world.url, NEAR);
    world.ways.doubt(PEER.id);
    assertEquals(world.url, RELAYED);
    const fromMs = world.clock.monotonicMs();
    const before = world.asked.length;
    while (world.asked.length === before) await world.clock.advance(5_000);
    triedAt.push(world.clock.monotonicMs() - fromMs);
    await world.clock.advance(0);
  }
  assertEquals(triedAt.every((ms, i) => i === 0 || ms > 1.2 * triedAt[i - 1]!), true);
});

Deno.test("a peer that tells its paths again has them tried, once a minute at most", async () => {
  const world = new WaysWorld();
  await world.names([]);
  world.near = [NEAR];
  world.ways.told(PEER.id);
  await world.clock.advance(0);
  // Long enough for pauses of many minutes.
  await world.clock.advance(60 * MINUTE_MS);
  const before = world.asked.length;
  for (let second = 0; second < 180; second++) {
    world.ways.told(PEER.id);
    await world.clock.advance(1_000);
  }
  const tries = world.asked.length - before;
  assertEquals(tries >= 2 && tries <= 4, true, `${tries} tries`);
});

Deno.test("peers that tell many paths have this node call sixty a minute in all", async () => {
  const world = new WaysWorld();
  await world.names([]);
  for (let count = 0; count < 200; count++) {
    world.near = [`http://192.168.1.21:${2_000 + count}`];
    world.ways.told(PEER.id);
    await world.clock.advance(0);
  }
  assertEquals(world.asked.length, 60);
});
