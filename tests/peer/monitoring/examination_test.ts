import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeBase64Url, type NodeId } from "../../../crypto/encoding.ts";
import { type ExaminationParts, examineNode } from "../../../peer/monitoring/examination.ts";
import type { DirectoryView, PeerTrouble, RelayView } from "../../../protocol/admin_api.ts";
import type { Check } from "../../../protocol/doctor.ts";
import { unreachable } from "../../../protocol/unreachable.ts";
import { answerJson, FakeHttp } from "../../world/fake_http.ts";
import { TestNode } from "../test_node.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { FakeChannel } from "../p2p/fake_channel.ts";

const URL = "https://node.example";
const DIRECTORY = "https://directory.example";

function view(changes: Partial<DirectoryView> = {}): DirectoryView {
  return {
    url: DIRECTORY,
    directory_id: null,
    state: "registered",
    last_error: null,
    last_reason: null,
    next_announce_in_ms: null,
    ...changes,
  };
}

const RELAY: RelayView = {
  url: "https://relay.example",
  named_by: null,
  relay_id: null,
  state: "linked",
  last_error: null,
  passes_links: false,
};

interface Scene {
  readonly directory?: Partial<DirectoryView>;
  readonly apiUrl?: string;
  readonly allowPrivate?: boolean;
  /** How far the directory's clock is behind this one. */
  readonly aheadMs?: number;
  /** Whether WebSockets come through. */
  readonly hasChannels?: boolean;
  readonly trouble?: PeerTrouble;
  readonly warn?: readonly [topic: string, text: string];
  /** Whether the node answers at its own URL. */
  readonly isThere?: boolean;
  readonly isDirectoryThere?: boolean;
  readonly relay?: Partial<RelayView>;
}

/** What is found of a node that stands so. */
async function examine(scene: Scene = {}): Promise<ReadonlyMap<string, Check>> {
  const { apiUrl = URL, allowPrivate = false, aheadMs = 0, isThere = true } = scene;
  using world = await ContextWorld.create();
  const { clock, crypto, events, random } = world.parts;
  const http = new FakeHttp();
  const date = new Date(clock.nowMs() - aheadMs).toUTCString();
  http.serve(DIRECTORY, () => {
    if (scene.isDirectoryThere === false) throw unreachable("It", "port_closed");
    return answerJson(200, { status: "ok" }, { date });
  });
  http.serve(`${apiUrl}/identity`, async ({ url }) => {
    if (!isThere) throw unreachable("It", "port_closed");
    const nonce = new globalThis.URL(url).searchParams.get("nonce")!;
    const payload = JSON.stringify({
      v: 3,
      iss: world.keys.id,
      aud: world.keys.id,
      nonce,
      api_url: apiUrl,
      noise_key: encodeBase64Url(world.keys.noisePublic),
      iat: 1,
    });
    const key = world.keys.keys.identity;
    const identity = await crypto.signJws({ key, typ: "openred-identity+jwt", payload });
    return answerJson(200, { record: await world.keys.recordText(), identity });
  });
  if (scene.hasChannels !== false) http.openedChannel = () => new FakeChannel();
  if (scene.warn !== undefined) events.warn(...scene.warn);
  const parts: ExaminationParts = {
    clock,
    crypto,
    events,
    random,
    http,
    own: { id: world.keys.id },
    book: { all: () => scene.trouble === undefined ? [] : [{ id: "z" as NodeId }] } as never,
    directories: { views: () => [view(scene.directory)] },
    troubleWith: () => scene.trouble ?? null,
    relay: { view: () => scene.relay === undefined ? null : { ...RELAY, ...scene.relay } },
    config: { apiUrl, allowPrivate },
  };
  return new Map((await examineNode(parts)).map((check) => [check.name, check]));
}

function wrongs(checks: ReadonlyMap<string, Check>): string[] {
  const found = [...checks.values()].filter(({ state }) => state === "wrong");
  for (const { means, mend } of found) assert(means !== null && mend !== null);
  return found.map(({ name }) => name);
}

Deno.test("examineNode() finds nothing wrong with a node where all is well", async () => {
  const checks = await examine();
  assertEquals(wrongs(checks), []);
  assertEquals([...checks.keys()].sort(), [
    "address",
    "channels",
    "clock",
    "copy",
    "directory",
    "private",
  ]);
});

Deno.test("examineNode() finds a clock that is ten minutes off", async () => {
  for (const aheadMs of [600_000, -600_000]) {
    const checks = await examine({ aheadMs });
    assertEquals(wrongs(checks), ["clock"]);
    assertStringIncludes(checks.get("clock")!.found, "600 s");
  }
});

Deno.test("examineNode() finds an --api-url that nobody reaches, or only this network", async () => {
  const directory = { state: "trying", last_error: "callback_failed" } as const;
  const nowhere = await examine({ directory, isThere: false });
  assertEquals(wrongs(nowhere), ["directory", "address"]);
  assertStringIncludes(nowhere.get("address")!.mend!, "--api-url");
  const inside = await examine({ directory });
  assertEquals(wrongs(inside), ["directory", "address"]);
  assertStringIncludes(inside.get("address")!.mend!, "firewall");
});

Deno.test("examineNode() takes the word of a directory that calls the node where the node itself cannot", async () => {
  const checks = await examine({ isThere: false });
  assertEquals(wrongs(checks), []);
  assertEquals(checks.get("channels")!.state, "unknown");
});

Deno.test("examineNode() finds a directory and a relay that have just gone, and blames no router", async () => {
  const gone = await examine({
    isThere: false,
    isDirectoryThere: false,
    relay: { state: "trying", last_error: "port_closed" },
  });
  assertEquals(wrongs(gone), ["directory", "address"]);
  assertStringIncludes(gone.get("directory")!.found, "does not answer now: port_closed");
  assertStringIncludes(gone.get("address")!.found, "https://relay.example does not link this node");
  const alone = await examine({ isThere: false, isDirectoryThere: false });
  assertEquals(wrongs(alone), ["directory", "address"]);
  assertEquals(wrongs(await examine({ relay: {} })), []);
});

Deno.test("examineNode() finds a proxy that drops WebSocket upgrades", async () => {
  const checks = await examine({ hasChannels: false });
  assertEquals(wrongs(checks), ["channels"]);
  assertStringIncludes(checks.get("channels")!.mend!, "Upgrade");
});

Deno.test("examineNode() finds a private authority that is not believed", async () => {
  const last = { last_error: "unreachable", last_reason: "certificate_issuer" } as const;
  const checks = await examine({ directory: { state: "trying", ...last } });
  assertEquals(wrongs(checks), ["directory"]);
  assertStringIncludes(checks.get("directory")!.mend!, "--ca");
});

Deno.test("examineNode() finds --allow-private on one side only, whichever it is", async () => {
  const refused = { state: "trying", last_error: "url_refused" } as const;
  const apiUrl = "http://192.168.1.2:7601";
  const there = await examine({ apiUrl, allowPrivate: true, directory: refused });
  assertEquals(wrongs(there), ["directory"]);
  assertStringIncludes(there.get("directory")!.mend!, "Start the directory with --allow-private");
  const here = await examine({ apiUrl });
  assertEquals(wrongs(here), ["private"]);
  const peer = { code: "url_refused", reason: null, text: "", since: 0, next_try_in_ms: null };
  assertEquals(wrongs(await examine({ trouble: peer })), ["private"]);
});

Deno.test("examineNode() finds a copy of the node, and what the node warns of", async () => {
  const copy = await examine({ warn: ["own_key_used_elsewhere", "Somebody uses its keys"] });
  assertEquals(wrongs(copy), ["copy"]);
  const full = await examine({ warn: ["storage", "node.db cannot be written"] });
  assertEquals(wrongs(full), ["storage"]);
});

Deno.test("a running node examines itself for its owner", async () => {
  await using test = await TestNode.start();
  const { status, body } = await (async () => {
    const request = new Request("http://127.0.0.1/m/monitoring/checks", {
      headers: { authorization: "Bearer the token of the tests" },
    });
    const response = await test.node.handleAdmin(request);
    return { status: response.status, body: await response.json() };
  })();
  assertEquals(status, 200);
  const names = body.checks.map(({ name }: Check) => name);
  assert(names.includes("directory") && names.includes("recovery"));
});
