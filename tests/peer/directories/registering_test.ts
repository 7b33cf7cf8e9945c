import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { markRestored, RestoredMark } from "../../../peer/own/restored_mark.ts";
import { OwnSuccession } from "../../../peer/own/own_succession.ts";
import { formatDirectoryKey, showDirectoryKey } from "../../../protocol/directory_key.ts";
import { HOUR_MS, MINUTE_MS, START_MS } from "../parts.ts";
import { answerJson } from "../../world/fake_http.ts";
import { until } from "../../world/until.ts";
import { DirectoryWorld, payloadOf, REANNOUNCE_MS } from "./directory_world.ts";

function seqOf(record: string): number {
  return Number(payloadOf(record).seq);
}

Deno.test("DirectoryLink re-announces at the time it was told, early by jitter, with a higher seq", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const directories = await world.start(one.url);
  const dueMs = directories.views()[0]!.next_announce_in_ms!;
  assert(dueMs >= 0.8 * REANNOUNCE_MS && dueMs < REANNOUNCE_MS, `${dueMs}`);
  await world.parts.clock.advance(dueMs - 1);
  assertEquals(one.registered.length, 1);
  await world.parts.clock.advance(2);
  const [first = "", second = ""] = one.registered;
  assert(seqOf(second) > seqOf(first), "only a higher seq moves a lease");
});

Deno.test("DirectoryLink looks as often as it is told whether it is known, and registers where it is not", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  one.more = { look_after_ms: MINUTE_MS };
  await world.start(one.url);
  const looked = () =>
    world.http.requests.filter(({ url }) => url.endsWith(`/nodes/${world.own.id}`)).length;
  const before = looked();
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(one.registered.length, 1, "it is known there");
  assert(looked() - before >= 10 && looked() - before <= 13, `${looked() - before}`);
  // The directory lost everything.
  one.records.clear();
  await world.parts.clock.advance(MINUTE_MS);
  assertEquals(one.registered.length, 2);
  // It was set back.
  one.records.set(world.own.id, one.registered[0]!);
  await world.parts.clock.advance(MINUTE_MS);
  assertEquals(one.registered.length, 3);
  assert(seqOf(one.registered[2]!) > seqOf(one.registered[1]!));
});

Deno.test("DirectoryLink looks not more often than each second, and waits where nobody answers it", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  one.more = { look_after_ms: 0 };
  await world.start(one.url);
  const before = world.http.requests.length;
  await world.parts.clock.advance(10_000);
  const looks = world.http.requests.length - before;
  assert(looks >= 8 && looks <= 13, `${looks}`);
  one.nodeId = null;
  one.instead = () => answerJson(503, { code: "overloaded" });
  await world.parts.clock.advance(10_000);
  assertEquals(one.registered.length, 1, "a directory that is away has forgotten nobody");
});

Deno.test("DirectoryLink does not look where it is not told to", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  await world.start(one.url);
  const before = world.http.requests.length;
  await world.parts.clock.advance(REANNOUNCE_MS / 2);
  assertEquals(world.http.requests.length, before);
});

Deno.test("Directories signs one record for all of them", async () => {
  await using world = await DirectoryWorld.create();
  const [one, two] = [await world.directory("one"), await world.directory("two")];
  await world.start(one.url, two.url);
  assertEquals(one.registered, two.registered);
});

Deno.test("DirectoryLink backs off from 1 s, doubling to 5 min, with jitter", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const times: number[] = [];
  one.instead = () => {
    times.push(world.parts.clock.monotonicMs());
    return answerJson(503, { code: "overloaded" });
  };
  await world.start(one.url);
  await world.parts.clock.advance(40 * MINUTE_MS);
  const pauses = times.slice(1).map((time, index) => time - times[index]!);
  for (const [index, pause] of pauses.entries()) {
    const middle = Math.min(300_000, 1_000 * 2 ** index);
    assert(pause >= 0.8 * middle && pause <= 1.2 * middle, `pause ${index} was ${pause}`);
  }
  assert(pauses.length > 12);
  assert(new Set(pauses.slice(9)).size > 1, "jittered");
});

Deno.test("DirectoryLink re-announces not more often than each second, and at least once a day", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  for (const [told, dueMs] of [[0, 1_000], [1e12, 24 * HOUR_MS]] as const) {
    one.more = { reannounce_after_ms: told };
    const [view] = (await world.start(one.url)).views();
    const inMs = view!.next_announce_in_ms!;
    assert(inMs >= 0.8 * dueMs && inMs <= dueMs, `${inMs} for ${told}`);
    await world.stop();
  }
});

Deno.test("DirectoryLink begins its pauses anew, and audits anew, once it was registered", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const fail = () => answerJson(503, { code: "overloaded" });
  one.instead = fail;
  const directories = await world.start(one.url);
  await world.parts.clock.advance(10 * MINUTE_MS);
  const audited = () =>
    ["register_failed", "registered"].map((event) => world.parts.log.audited(event));
  assertEquals(audited(), [1, 0]);
  one.instead = () => null;
  await world.parts.clock.advance(3 * HOUR_MS);
  assertEquals(audited(), [1, 1]);
  one.instead = fail;
  await world.parts.clock.advance(directories.views()[0]!.next_announce_in_ms! + 1);
  assertEquals(audited(), [2, 1]);
  assert(directories.views()[0]!.next_announce_in_ms! <= 1_200);
});

Deno.test("DirectoryLink shows its succession until it was taken or refused for good", async () => {
  for (const isTaken of [true, false]) {
    await using world = await DirectoryWorld.create();
    await world.parts.store.setSelf("succession", "a.b.c");
    world.succession = new OwnSuccession(world.parts.store);
    const one = await world.directory("one");
    const shown: unknown[] = [];
    one.instead = ({ body }) => {
      const { succession } = JSON.parse(new TextDecoder().decode(body));
      shown.push(succession);
      const isRefused = succession !== undefined && !isTaken;
      return isRefused ? answerJson(409, { code: "succession_refused" }) : null;
    };
    await world.start(one.url);
    await world.parts.clock.advance(REANNOUNCE_MS);
    assertEquals(shown, ["a.b.c", undefined].concat(isTaken ? [] : [undefined]));
    assertEquals(world.parts.events.warnings().length, isTaken ? 0 : 1);
  }
});

Deno.test("DirectoryLink honours Retry-After, but not beyond a day", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  for (const [seconds, dueMs] of [["60", MINUTE_MS], ["99999999999", 24 * HOUR_MS]] as const) {
    one.instead = () => answerJson(429, { code: "rate_limited" }, { "retry-after": seconds });
    const directories = await world.start(one.url);
    assertEquals(directories.views()[0]?.next_announce_in_ms, dueMs);
    await world.stop();
  }
});

Deno.test("DirectoryLink shows the code of a failure, and registers again by itself", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  one.instead = () => answerJson(502, { code: "callback_failed" });
  const directories = await world.start(one.url);
  const [view] = directories.views();
  assertEquals([view?.state, view?.last_error], ["trying", "callback_failed"]);
  assertStringIncludes(world.parts.events.warnings()[0]!, "--api-url");
  one.instead = () => null;
  await world.parts.clock.advance(2_000);
  assertEquals(directories.views()[0]?.state, "registered");
  assertEquals(world.parts.events.warnings(), []);
});

Deno.test("DirectoryLink names the skew of the clocks that a refusal shows, and sets nothing by it", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const now_at = START_MS - 500_000;
  for (const code of ["clock_skew", "clock_ahead", "record_stale", "callback_failed"]) {
    one.instead = () => answerJson(401, { code, now_at });
    await world.start(one.url);
    const warnings = world.parts.events.warnings();
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0]!, "by 500 s");
    await world.stop();
    world.parts.events.settle(`clock ${one.url}`);
  }
  assertEquals(world.parts.clock.nowMs(), START_MS);
});

Deno.test("DirectoryLink warns of a clock that is wrong where the directory takes the record all the same", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const { events } = world.parts;
  for (
    const [aheadMs, told] of [
      [-48 * HOUR_MS, ["by 172800 s, this one is behind"]],
      [61_000, ["by 60 s, this one is ahead"]],
      [60_000, []],
      [-60_000, []],
    ] as const
  ) {
    const date = new Date(START_MS - aheadMs).toUTCString();
    one.answerHeaders = { date };
    await world.start(one.url);
    assertEquals(events.warnings().length, told.length);
    for (const [index, text] of told.entries()) {
      assertStringIncludes(events.warnings()[index]!, text);
    }
    await world.stop();
  }
  one.answerHeaders = { date: "yesterday" };
  await world.start(one.url);
  assertEquals(events.warnings(), []);
});

Deno.test("DirectoryLink notices a copy of this node that registers in turn with it", async () => {
  await using world = await DirectoryWorld.create();
  const [one, two] = [await world.directory("one"), await world.directory("two")];
  const directories = await world.start(one.url, two.url);
  one.records.set(world.own.id, await world.own.recordText({ seq: START_MS + MINUTE_MS }));
  await world.parts.clock.advance(3 * HOUR_MS);
  assertEquals(directories.views().map(({ state }) => state), ["stopped", "stopped"]);
  assertEquals(directories.views().map((view) => view.next_announce_in_ms), [null, null]);
  assertEquals(one.registered.length, 1, "what the other one said is not written over");
  assertEquals(world.parts.log.audited("own_key_used_elsewhere"), 1);
  assertStringIncludes(world.parts.events.warnings()[0]!, "in use elsewhere");
});

Deno.test("DirectoryLink goes on after a restart until the copy registers once more", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  await world.start(one.url);
  const copyRegisters = async () =>
    one.records.set(
      world.own.id,
      await world.own.recordText({ seq: world.parts.clock.nowMs() - 1 }),
    );
  for (const round of [1, 2]) {
    await world.parts.clock.advance(MINUTE_MS);
    await copyRegisters();
    await world.parts.clock.advance(3 * HOUR_MS);
    assertEquals(world.started.at(-1)?.views()[0]?.state, "stopped", `round ${round}`);
    await world.stop();
    world.restart();
    const again = await world.start(one.url);
    assertEquals(again.views()[0]?.state, "registered", `round ${round}`);
  }
  assertEquals(world.parts.log.audited("own_key_used_elsewhere"), 2);
});

Deno.test("DirectoryLink takes for its own what it sent before a crash, wherever it is shown", async () => {
  await using world = await DirectoryWorld.create();
  const [one, two] = [await world.directory("one"), await world.directory("two")];
  one.instead = ({ body }) => {
    // Stored there, and the answer is lost.
    const { record } = JSON.parse(new TextDecoder().decode(body));
    for (const { records } of [one, two]) records.set(world.own.id, record);
    return answerJson(503, { code: "overloaded" });
  };
  await world.start(one.url);
  assertEquals(world.parts.store.self("taken_seq"), null);
  await world.stop();
  one.instead = () => null;
  world.restart();
  const directories = await world.start(one.url, two.url);
  assertEquals(directories.views().map(({ state }) => state), ["registered", "registered"]);
  assertEquals(world.parts.events.warnings(), []);
});

Deno.test("DirectoryLink of data that was made anew takes what directories hold for its past", async () => {
  await using world = await DirectoryWorld.create();
  const [one, two] = [await world.directory("one"), await world.directory("two")];
  for (const [index, { records }] of [one, two].entries()) {
    records.set(world.own.id, await world.own.recordText({ seq: START_MS + 10 * index }));
  }
  const directories = await world.start(one.url, two.url);
  assertEquals(directories.views().map(({ state }) => state), ["registered", "registered"]);
  assertEquals(world.parts.log.audited("own_key_used_elsewhere"), 0);
});

Deno.test("DirectoryLink of a restored node takes for its past what a directory holds, until that took a record", async () => {
  await using world = await DirectoryWorld.create();
  const { store, clock, random } = world.parts;
  await world.ownRecord.current();
  await markRestored(store, { nowMs: START_MS, random });
  world.restored = new RestoredMark(store);
  const one = await world.directory("one");
  one.records.set(world.own.id, await world.own.recordText({ seq: START_MS + 10 }));
  const directories = await world.start(one.url);
  assertEquals(directories.views()[0]?.state, "registered");
  assertEquals(seqOf(one.registered[0]!), START_MS + 11);
  assertEquals(world.parts.log.audited("own_past_adopted"), 1);
  const record = await world.own.recordText({ seq: START_MS + 20 });
  one.records.set(world.own.id, record);
  await clock.advance(3 * HOUR_MS);
  assertEquals(directories.views()[0]?.state, "stopped");
});

Deno.test("DirectoryLink registers where it cannot be told what the directory holds", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const forged = (await world.own.recordText({ seq: START_MS + HOUR_MS })).slice(0, -4) + "AAAA";
  const others = await world.peer.recordText({ seq: START_MS + HOUR_MS });
  for (const text of [forged, others]) {
    one.records.set(world.own.id, text);
    const directories = await world.start(one.url);
    assertEquals(directories.views()[0]?.state, "registered");
    await world.stop();
  }
});

Deno.test("DirectoryLink answers seq_behind with a higher number, for its own record", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  await world.ownRecord.current();
  world.parts.clock.offsetMs -= HOUR_MS;
  const record = await world.own.recordText({ seq: START_MS - 1 });
  one.instead = () => answerJson(409, { code: "seq_behind", record });
  await world.start(one.url);
  one.instead = () => null;
  await world.parts.clock.advance(2_000);
  assertEquals(seqOf(one.registered[0]!), START_MS);
});

Deno.test("DirectoryLink registers by the time that is right now where both clocks were ahead", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  world.parts.clock.offsetMs += 2 * HOUR_MS;
  await world.start(one.url);
  await world.stop();
  world.parts.clock.offsetMs -= 2 * HOUR_MS;
  world.restart();
  // It shows the record from then, as ever, and judges what comes by its clock.
  one.instead = ({ url, body }) => {
    if (!url.endsWith("/nodes/register")) return null;
    const isAhead = seqOf(JSON.parse(new TextDecoder().decode(body)).record) > START_MS + HOUR_MS;
    return isAhead ? answerJson(400, { code: "clock_ahead" }) : null;
  };
  const directories = await world.start(one.url);
  assertEquals(directories.views()[0]?.last_error, "clock_ahead");
  await world.parts.clock.advance(2_000);
  assertEquals(directories.views()[0]?.state, "registered");
  const [, taken = ""] = one.registered;
  assert(seqOf(taken) <= world.parts.clock.nowMs(), `${seqOf(taken)}`);
  one.more = { look_after_ms: MINUTE_MS };
  await world.parts.clock.advance(REANNOUNCE_MS);
  assertEquals(one.registered.length, 3, "and goes on with that");
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(one.registered.length, 3, "what it sees there is what was taken last");
});

Deno.test("Every directory link stops when a record is about that this node did not sign", async () => {
  await using world = await DirectoryWorld.create();
  const [one, two] = [await world.directory("one"), await world.directory("two")];
  const directories = await world.start(one.url, two.url);
  const record = await world.own.recordText({ seq: START_MS + 10 * HOUR_MS });
  one.instead = () => answerJson(409, { code: "seq_behind", record });
  await world.parts.clock.advance(3 * HOUR_MS);
  assertEquals(directories.views().map(({ state }) => state), ["stopped", "stopped"]);
  const calls = world.http.requests.length;
  await world.parts.clock.advance(24 * HOUR_MS);
  assertEquals(world.http.requests.length, calls);
  assertEquals(world.parts.log.audited("own_key_used_elsewhere"), 1);
});

Deno.test("DirectoryLink goes on registering when its disk was full for a while", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  await world.ownRecord.current();
  const record = await world.own.recordText({ seq: START_MS - 1 });
  one.instead = () => answerJson(409, { code: "seq_behind", record });
  world.parts.fillDisk();
  const directories = await world.start(one.url);
  assertEquals(directories.views()[0]?.last_error, "seq_behind");
  world.parts.freeDisk();
  one.instead = () => null;
  await world.parts.clock.advance(MINUTE_MS);
  assertEquals(directories.views()[0]?.state, "registered");
});

Deno.test("DirectoryLink of a restored node has stored its past before it counts the directory as heard", async () => {
  await using world = await DirectoryWorld.create();
  const { store } = world.parts;
  await markRestored(store, { nowMs: START_MS, random: world.parts.random });
  world.restored = new RestoredMark(store);
  const one = await world.directory("one");
  const record = await world.own.recordText({ seq: START_MS + 1 });
  one.instead = () => answerJson(409, { code: "seq_behind", record });
  const stored: string[] = [];
  const setSelf = store.setSelf.bind(store);
  store.setSelf = (name, value) => {
    if (["signed_seq", `restored_answered ${one.url}`].includes(name)) stored.push(name);
    return setSelf(name, value);
  };
  const directories = await world.start(one.url);
  assertEquals(directories.views()[0]?.state, "trying");
  assertEquals(stored.slice(-2), ["signed_seq", `restored_answered ${one.url}`]);
  assertEquals(world.parts.log.audited("own_past_adopted"), 1);
  const two = await world.directory("two");
  await world.start(two.url);
  assertEquals(world.restored.isFirstAnswer(two.url), false, "it took a record");
});

Deno.test("DirectoryLink takes nobody else's record for its own in seq_behind", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const record = await world.peer.recordText({ seq: START_MS + HOUR_MS });
  one.instead = () => answerJson(409, { code: "seq_behind", record });
  const directories = await world.start(one.url);
  assertEquals(directories.views()[0]?.state, "trying");
  assert(!world.ownRecord.usedElsewhere);
});

Deno.test("DirectoryLink takes an answer of another form for none", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  const answers = [
    answerJson(201, { ok: true }),
    answerJson(500, "oops"),
    answerJson(400, { code: "made_up" }),
    { status: 201, headers: new Headers(), body: new Uint8Array([0xff]) },
    answerJson(201, { must: ["unknown"] }),
  ];
  const codes: (string | null)[] = [];
  for (const answer of answers) {
    one.instead = () => answer;
    const directories = await world.start(one.url);
    codes.push(directories.views()[0]!.last_error);
    await world.stop();
  }
  assertEquals(codes, answers.map(() => "unreachable"));
});

Deno.test("Registration shows a key to the directory that asks for one, and says what became of it", async () => {
  await using world = await DirectoryWorld.create();
  const [open, closed] = [await world.directory("open"), await world.directory("closed")];
  const shown: unknown[] = [];
  let reason: string | null = "used";
  closed.instead = ({ body }) => {
    const { key } = JSON.parse(new TextDecoder().decode(body));
    shown.push(key);
    if (key === undefined) return answerJson(403, { code: "key_required" });
    return reason === null ? null : answerJson(403, { code: "key_refused", reason });
  };
  const openBodies: string[] = [];
  open.instead = ({ body }) => {
    openBodies.push(new TextDecoder().decode(body));
    return null;
  };
  const key = new Uint8Array(16).fill(3);
  let held: Uint8Array | null = null;
  world.directoryKey = (url) => {
    assertEquals(url, closed.url);
    return Promise.resolve(held?.slice() ?? null);
  };
  const directories = await world.start(open.url, closed.url);
  const view = () => directories.views()[1]!;
  assertEquals([view().state, view().last_error], ["refused", "key_required"]);
  assertEquals(shown, [undefined]);
  const warned = () => world.parts.events.warnings().join("\n");
  assertStringIncludes(warned(), "takes new nodes with a key only");
  held = key;
  await world.parts.clock.advance(5_000);
  await until(() => view().last_error === "key_refused", "the key was refused");
  assertEquals(view().state, "refused");
  assertStringIncludes(warned(), "as many nodes as it may");
  reason = null;
  await world.parts.clock.advance(10_000);
  await until(() => view().state === "registered", "the key was taken");
  assertEquals(view().last_error, null);
  const expected = await showDirectoryKey(key, world.own.id);
  assertEquals(shown.at(-1), expected);
  assert(!JSON.stringify(shown).includes(formatDirectoryKey(key)));
  assert(openBodies.length > 0 && openBodies.every((body) => !body.includes("key")));
});

Deno.test("Registration names a directory that redirects, a portal, and a proxy before this node", async () => {
  await using world = await DirectoryWorld.create();
  const one = await world.directory("one");
  let answer = answerJson(302, {}, { location: "https://elsewhere.example" });
  one.instead = () => answer;
  const directories = await world.start(one.url);
  const says = (text: string) => until(() => said().includes(text), text);
  const said = () => world.parts.events.warnings().join("\n");
  const reason = () => directories.views()[0]!.last_reason;
  await until(() => reason() === "redirects", "the redirect is named");
  assertStringIncludes(said(), "answers with a redirect, which is not followed");
  answer = { status: 200, headers: new Headers(), body: new TextEncoder().encode("<html>Log in") };
  await world.parts.clock.advance(5_000);
  await until(() => reason() === "other_answer", "the portal is named");
  assertStringIncludes(said(), "something else answers at its URL: a portal");
  const failed = { code: "callback_failed" };
  answer = answerJson(502, { ...failed, reason: "other_answer" });
  await world.parts.clock.advance(10_000);
  await says("a proxy that changes the path");
  assertEquals(reason(), null);
  const told = world.parts.events.warnings();
  assert(!told.join("\n").includes("The directory answered 502"), told.join("\n"));
  answer = answerJson(502, { ...failed, reason: "redirects" });
  await world.parts.clock.advance(20_000);
  await says("a redirect answers at its URL");
  answer = answerJson(502, failed);
  await world.parts.clock.advance(60_000);
  await says("(callback_failed); check --api-url");
  answer = answerJson(400, { code: "url_refused" });
  await world.parts.clock.advance(120_000);
  await says("refuses the URL of this node (url_refused): it is private, or not https");
});
