import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { STANDBY_LIFE_MS } from "../../../protocol/limits.ts";
import { MINUTE_MS, START_MS } from "../parts.ts";
import { VAULT_FILE, VaultWorld } from "./vault_world.ts";

const LINE =
  /^NODE_z6Mk[1-9A-HJ-NP-Za-km-z]+_TOKEN_[0-9a-f]{32}=encrypted:AES256:[A-Za-z0-9+/]+={0,2}$/;

Deno.test("TokenVault writes lines of the form the seed gives", async () => {
  using world = await VaultWorld.create();
  const entry = await world.entry();
  await world.vault.commit({ put: [entry] });
  const text = world.parts.files.text(VAULT_FILE);
  assert(text.startsWith("TOKEN_MASTER_KEY=derived_from_node_secret\nNODE_"));
  const [line] = world.lines();
  assertMatch(line!, LINE);
  assert(line!.startsWith(`NODE_${world.peer.id}_TOKEN_${entry.pairId}=`));
});

Deno.test("TokenVault loads what it stored, the half ready for use", async () => {
  using world = await VaultWorld.create();
  const entry = await world.entry({ taken: ["hash"], session: "ab", index: 3 });
  await world.vault.commit({ put: [entry] });
  const loaded = (await world.reload()).get(entry.pairId);
  assertEquals({ ...loaded, half: null }, { ...entry, half: null });
  const again = world.openVault();
  await again.commit({ put: [loaded!] });
  assertEquals((await world.reload()).all().length, 1, "its half seals again");
});

Deno.test("TokenVault.load() is empty where there is no file", async () => {
  using world = await VaultWorld.create();
  assertEquals((await world.reload()).all(), []);
});

Deno.test("TokenVault sets both lines aside when their values were swapped", async () => {
  using world = await VaultWorld.create();
  const entries = [await world.entry(), await world.entry(), await world.entry()];
  await world.vault.commit({ put: entries });
  const [first = "", second = "", third = ""] = world.lines();
  const value = (line: string) => line.slice(line.indexOf("="));
  const name = (line: string) => line.slice(0, line.indexOf("="));
  world.writeLines([name(first) + value(second), name(second) + value(first), third]);
  const loaded = await world.reload();
  assertEquals(loaded.all().map((entry) => entry.pairId), [entries[2]!.pairId]);
  assertEquals(world.lines(), [third]);
  assertEquals(world.parts.files.text(".env.damaged").trimEnd().split("\n").length, 2);
  assertEquals(world.parts.events.warnings().length, 1);
});

Deno.test("TokenVault sets damaged lines aside and loads the others", async () => {
  using world = await VaultWorld.create();
  const entry = await world.entry();
  await world.vault.commit({ put: [entry] });
  const [line = ""] = world.lines();
  const at = line.length - 30;
  const damaged = [
    "nonsense",
    "=",
    `NODE_${world.peer.id}_TOKEN_${"0".repeat(32)}=encrypted:AES256:$HOME`,
    `NODE_${world.peer.id}_TOKEN_${"1".repeat(32)}=encrypted:AES256:AAAA`,
    `NODE_${world.peer.id}_TOKEN_${"2".repeat(32)}=plain`,
    line.slice(0, at) + (line[at] === "A" ? "B" : "A") + line.slice(at + 1),
    line.slice(0, 100),
    `NODE_${world.peer.id}_TOKEN_${"3".repeat(32)}=encrypted:AES256:${"A".repeat(2 ** 19 + 4)}`,
  ];
  world.writeLines([...damaged.slice(0, 3), line, ...damaged.slice(3)]);
  const loaded = await world.reload();
  assertEquals(loaded.all().map(({ pairId }) => pairId), [entry.pairId]);
  assertEquals(world.parts.files.text(".env.damaged").trimEnd().split("\n"), damaged);
  world.writeLines([...world.lines(), "again"]);
  await world.reload();
  const kept = world.parts.files.text(".env.damaged").trimEnd().split("\n");
  assertEquals(kept, [...damaged, "again"], "what was set aside before stays");
});

Deno.test("TokenVault uses no older line of a pair whose newest line is damaged", async () => {
  using world = await VaultWorld.create();
  const entry = await world.entry();
  await world.vault.commit({ put: [entry] });
  const [usable = ""] = world.lines();
  await world.vault.commit({ put: [{ ...entry, half: null, revokedAt: 1 }] });
  const text = world.parts.files.text(VAULT_FILE);
  const damaged = `${text.slice(0, -10)}${text.at(-10) === "A" ? "B" : "A"}${text.slice(-9)}`;
  world.parts.files.content.set(VAULT_FILE, encodeUtf8(damaged));
  for (let start = 0; start < 2; start++) {
    const loaded = await world.reload();
    assertEquals(loaded.all().map(({ pairId, half }) => [pairId, half]), [[entry.pairId, null]]);
    assertEquals(loaded.startable(entry.peer), []);
    assertEquals(world.lines().includes(usable), false);
  }
});

Deno.test("TokenVault loads the lines around bytes that are not UTF-8", async () => {
  using world = await VaultWorld.create();
  world.parts.files.content.set(".env.damaged", new Uint8Array([0xff, 0x0a]));
  await world.vault.commit({ put: [await world.entry()] });
  const content = world.parts.files.content.get(VAULT_FILE)!;
  world.parts.files.content.set(VAULT_FILE, new Uint8Array([...content, 0xff, 0xfe, 0x0a]));
  assertEquals((await world.reload()).all().length, 1);
  assertEquals(
    world.parts.files.content.get(".env.damaged")!.slice(0, 2),
    Uint8Array.of(0xff, 0x0a),
  );
});

Deno.test("TokenVault leaves a line without a half for a spent pair, and releases the half", async () => {
  using world = await VaultWorld.create();
  const entry = await world.entry();
  await world.vault.commit({ put: [entry] });
  for (const taken of [["a"], ["a", "b"]]) await world.vault.commit({ put: [{ ...entry, taken }] });
  await world.vault.commit({ put: [{ ...entry, half: null, session: "abcd" }] });
  assertMatch(world.lines()[0]!, LINE);
  const loaded = (await world.reload()).get(entry.pairId);
  assertEquals([loaded?.half, loaded?.session], [null, "abcd"]);
  const { vault } = world.own.keys;
  const lines = [{ half: entry.half!, name: "x", meta: "{}" }];
  const sealing = world.parts.crypto.sealLines({ vault, lines });
  await assertRejects(() => sealing, Error, "no such handle");
});

Deno.test("TokenVault.startable() puts the set first that came last, whatever peers say of the time, then its order", async () => {
  using world = await VaultWorld.create();
  const standby = { sessionId: "s", role: "initiator", confirmedAt: START_MS } as const;
  const make = (storedMs: number, { index, issuedAt }: { index: number; issuedAt: number }) =>
    world.entry({ standby, endsAt: storedMs + STANDBY_LIFE_MS, index }, { issuedAt });
  const tenYearsAhead = START_MS + 10 * 365 * 24 * 60 * MINUTE_MS;
  const late = [
    await make(START_MS + 1, { index: 2, issuedAt: 0 }),
    await make(START_MS + 1, { index: 0, issuedAt: 0 }),
  ];
  const early = [
    await make(START_MS - 1, { index: 1, issuedAt: tenYearsAhead }),
    await make(START_MS - 1, { index: 0, issuedAt: tenYearsAhead }),
  ];
  const introduced = await world.entry();
  await world.vault.commit({ put: [...early, introduced, ...late] });
  const order = world.vault.startable(world.peer.id).map(({ pairId }) => pairId);
  const expected = [late[1], late[0], introduced, early[1], early[0]];
  assertEquals(order, expected.map((entry) => entry!.pairId));
});

Deno.test("TokenVault.startable() leaves out what this node must not start from", async () => {
  using world = await VaultWorld.create();
  const set = { sessionId: "s", confirmedAt: null } as const;
  const offered = await world.entry({ standby: { ...set, role: "initiator" } });
  await world.vault.commit({
    put: [
      offered,
      await world.entry({ standby: { ...set, role: "responder" } }),
      await world.entry({}, { role: "responder" }),
      await world.entry({ half: null }),
      await world.entry({ endsAt: START_MS }),
    ],
  });
  const order = world.vault.startable(world.peer.id).map(({ pairId }) => pairId);
  assertEquals(
    order,
    [offered.pairId],
    "not an unconfirmed responder's, a responder's half, a spent or an ended one",
  );
  assertEquals(world.vault.startable(world.directory.id), [], "nor another peer's");
});

Deno.test("TokenVault counts a pair's end by its own count, with the allowance for who receives", async () => {
  using world = await VaultWorld.create();
  const entry = await world.entry({ endsAt: START_MS + MINUTE_MS });
  await world.vault.commit({ put: [entry] });
  world.parts.clock.skip(MINUTE_MS - 1);
  assertEquals(world.vault.startable(world.peer.id).length, 1);
  world.parts.clock.skip(1);
  assertEquals(world.vault.startable(world.peer.id).length, 0);
  world.parts.clock.skip(2 * MINUTE_MS);
  assert(world.vault.isAlive(entry));
  world.parts.clock.skip(1);
  assert(!world.vault.isAlive(entry));
});

Deno.test("TokenVault.cleanUp() forgets a pair five minutes after its end, not before", async () => {
  using world = await VaultWorld.create();
  const entry = await world.entry({ half: null });
  await world.vault.commit({ put: [entry] });
  world.parts.clock.offsetMs = entry.endsAt + 5 * MINUTE_MS;
  await world.vault.cleanUp({ isClockSteady: true });
  assertEquals(world.lines().length, 1);
  world.parts.clock.skip(1);
  await world.vault.cleanUp({ isClockSteady: true });
  assertEquals([world.vault.get(entry.pairId), world.lines()], [null, []]);
});

Deno.test("TokenVault.cleanUp() keeps unspent standby pairs while the clock is not steady", async () => {
  using world = await VaultWorld.create();
  const standby = { sessionId: "s", role: "initiator", confirmedAt: START_MS } as const;
  const unspent = await world.entry({ standby });
  const others = [await world.entry({ standby, half: null }), await world.entry()];
  await world.vault.commit({ put: [unspent, ...others] });
  world.parts.clock.offsetMs += 31 * 24 * 60 * MINUTE_MS;
  await world.vault.cleanUp({ isClockSteady: false });
  assertEquals(world.vault.all(), [unspent]);
  assertEquals(world.vault.startable(world.peer.id), [], "it has ended all the same");
  await world.vault.cleanUp({ isClockSteady: true });
  assertEquals(world.vault.all(), []);
});

Deno.test("TokenVault.commit() shows a whole change or nothing of it to whoever reads the disk", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  const states = new Set<string>();
  const write = files.write.bind(files);
  files.write = async (name, content) => {
    await write(name, content);
    const ids = world.lines().map((line) => line.split("_TOKEN_")[1]!.slice(0, 32));
    for (const [one, other] of couples) states.add(`${ids.includes(one)} ${ids.includes(other)}`);
  };
  const couples: [string, string][] = [];
  const commits: Promise<void>[] = [];
  for (let round = 0; round < 8; round++) {
    const [one, other] = [await world.entry(), await world.entry()];
    couples.push([one.pairId, other.pairId]);
    commits.push(world.vault.commit({ put: [one, other] }));
    if (round % 2 === 0) await Promise.resolve();
  }
  await Promise.all(commits);
  assertEquals([...states].filter((state) => state !== "false false"), ["true true"]);
  assertEquals(world.lines().length, 16);
  assert(files.writes < 9, "changes that meet share a write");
});

Deno.test("TokenVault.commit() tells of a full disk, and the next one writes what is missing", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  const [first, second] = [await world.entry(), await world.entry()];
  files.isFull = true;
  const error = await assertRejects(() => world.vault.commit({ put: [first] }), OpenRedError);
  assertEquals([error.code, error.retryAfterMs], ["overloaded", 10_000]);
  assertEquals(world.vault.get(first.pairId)?.pairId, first.pairId, "it counts in memory");
  files.isFull = false;
  await world.vault.commit({ put: [second] });
  const ids = (await world.reload()).all().map(({ pairId }) => pairId);
  assertEquals(ids.sort(), [first.pairId, second.pairId].sort());
});

Deno.test("TokenVault.commit() resolves only once the write is done", async () => {
  using world = await VaultWorld.create();
  let open = () => {};
  world.parts.files.gate = new Promise((resolve) => open = resolve);
  let done = 0;
  const commit = world.vault.commit({ put: [await world.entry()] }).then(() => done += 1);
  await world.parts.clock.advance(0);
  const flush = world.vault.flush().then(() => done += 1);
  await world.parts.clock.advance(0);
  assertEquals([done, world.parts.files.content.has(VAULT_FILE)], [0, false]);
  open();
  await Promise.all([commit, flush]);
  assertEquals(world.lines().length, 1);
});

Deno.test("TokenVault.commitSoon() counts at once, and is written with the next commit, in one write", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  const [old, soon, brief, next] = [
    await world.entry(),
    await world.entry(),
    await world.entry(),
    await world.entry(),
  ];
  await world.vault.commit({ put: [old] });
  const before = files.text(VAULT_FILE);
  await world.vault.commitSoon({ put: [soon, brief], drop: [old.pairId] });
  await world.vault.commitSoon({ put: [{ ...soon, session: "ab" }], drop: [brief.pairId] });
  assertEquals(world.vault.all().map(({ pairId }) => pairId), [soon.pairId]);
  assertEquals(files.text(VAULT_FILE), before, "a crash now undoes it");
  await world.vault.commit({ put: [next] });
  const after = files.text(VAULT_FILE).slice(before.length);
  assertEquals(after.match(/^# change of/gm)?.length, 1);
  assert(!after.includes(brief.pairId), "what went meanwhile never was on disk");
  const loaded = await world.reload();
  assertEquals(
    loaded.all().map(({ pairId, session }) => [pairId, session]),
    [[soon.pairId, "ab"], [next.pairId, null]],
  );
});

Deno.test("TokenVault.commitSoon() is written a second later, or when the node stops, once", async () => {
  using world = await VaultWorld.create();
  const { files, clock } = world.parts;
  const [first, second] = [await world.entry(), await world.entry()];
  await world.vault.commitSoon({ put: [first] });
  await clock.advance(999);
  assertEquals(files.content.has(VAULT_FILE), false);
  await clock.advance(1);
  assertEquals((await world.reload()).all().length, 1);
  await world.vault.commitSoon({ put: [second] });
  await world.vault.stop();
  const text = files.text(VAULT_FILE);
  assertEquals((await world.reload()).all().length, 2);
  await clock.advance(MINUTE_MS);
  assertEquals(files.text(VAULT_FILE), text);
});

Deno.test("TokenVault.commitSoon() tries a full disk again with the next commit", async () => {
  using world = await VaultWorld.create();
  const { files, clock, log } = world.parts;
  const [first, second] = [await world.entry(), await world.entry()];
  await world.vault.commitSoon({ put: [first] });
  files.isFull = true;
  await clock.advance(1_000);
  assertEquals(log.entries.filter(({ event }) => event === "storage_failed").length, 1);
  files.isFull = false;
  await world.vault.commit({ put: [second] });
  assertEquals((await world.reload()).all().length, 2);
});

Deno.test("TokenVault.flush() waits for what others commit, and tries a failed write again", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  files.isFull = true;
  await assertRejects(() => world.vault.flush().then(() => commitOne(world)), OpenRedError);
  await assertRejects(() => world.vault.flush(), OpenRedError);
  files.isFull = false;
  await world.vault.flush();
  assertEquals(world.lines().length, 1);
  const before = files.writes;
  await world.vault.flush();
  assertEquals(files.writes, before, "nothing to write");
});

Deno.test("TokenVault.commit() keeps the order of its calls, however long each takes to seal", async () => {
  using world = await VaultWorld.create();
  const { crypto, clock } = world.parts;
  const entry = await world.entry({ half: null });
  const sealed = Promise.withResolvers<void>();
  const seal = crypto.sealLines.bind(crypto);
  crypto.sealLines = async (options) => {
    crypto.sealLines = seal;
    await sealed.promise;
    return await seal(options);
  };
  const first = world.vault.commit({ put: [{ ...entry, session: "first" }] });
  const second = world.vault.commit({ put: [{ ...entry, session: "second" }] });
  let isFlushed = false;
  const flush = world.vault.flush().then(() => isFlushed = true);
  await clock.advance(0);
  assertEquals(isFlushed, false, "what is still being sealed is waited for");
  sealed.resolve();
  await Promise.all([first, second, flush]);
  assertEquals((await world.reload()).get(entry.pairId)?.session, "second");
});

Deno.test("TokenVault.load() leaves a damaged line where it is while it cannot be set aside", async () => {
  using world = await VaultWorld.create();
  await commitOne(world);
  world.writeLines([...world.lines(), "nonsense"]);
  world.parts.files.append = () => Promise.reject(new Error("No space left on device"));
  await assertRejects(() => world.reload());
  assert(world.lines().includes("nonsense"));
});

async function commitOne(world: VaultWorld): Promise<void> {
  await world.vault.commit({ put: [await world.entry()] });
}
