import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import type { PairEntry } from "../../../peer/tokens/pair_entry.ts";
import type { TokenVault } from "../../../peer/tokens/vault.ts";
import { START_MS } from "../parts.ts";
import { VAULT_FILE, VaultWorld } from "./vault_world.ts";

const SET_LINE =
  /^NODE_z6Mk[1-9A-HJ-NP-Za-km-z]+_TOKENS_[0-9a-f]{32}=encrypted:AES256:[A-Za-z0-9+/]+={0,2}$/;

function kindsOf(world: VaultWorld): string[] {
  return world.lines().map((line) => /_(TOKENS?)_/.exec(line)?.[1] ?? line);
}

/** What a vault holds, for comparing, without the halves themselves. */
function stateOf(vault: TokenVault): unknown {
  return vault.all().map((entry) => ({ ...entry, half: entry.half !== null }))
    .sort((a, b) => a.pairId < b.pairId ? -1 : 1);
}

async function assertReloads(world: VaultWorld): Promise<TokenVault> {
  const loaded = await world.reload();
  assertEquals(stateOf(loaded), stateOf(world.vault));
  return loaded;
}

function spent(entry: PairEntry): PairEntry {
  return { ...entry, half: null, session: "ab".repeat(16) };
}

function confirmed(entries: readonly PairEntry[]): PairEntry[] {
  return entries.map((entry) => ({
    ...entry,
    standby: { ...entry.standby!, confirmedAt: START_MS },
  }));
}

/** Changes one character of the value of the last line of a kind. */
function damageLast(world: VaultWorld, kind: string): void {
  const text = world.parts.files.text(VAULT_FILE);
  const at = text.indexOf("=", text.lastIndexOf(kind)) + 100;
  const damaged = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  world.parts.files.content.set(VAULT_FILE, encodeUtf8(damaged));
}

Deno.test("TokenVault keeps the four standby pairs of a handshake in one line", async () => {
  using world = await VaultWorld.create();
  const set = await world.set();
  await world.vault.commit({ put: set });
  const [line = "", ...others] = world.lines();
  assertMatch(line, SET_LINE);
  assertEquals(others, []);
  assert(line.length < 1_200, `${line.length} bytes`);
  const loaded = await assertReloads(world);
  const startable = loaded.startable(world.peer.id);
  assertEquals(startable.map(({ index }) => index), [0, 1]);
  const { vault } = world.own.keys;
  for (const { half } of startable) {
    await world.parts.crypto.sealLines({ vault, lines: [{ name: "x", half: half!, meta: "" }] });
  }
});

Deno.test("TokenVault writes a set anew when it is confirmed, in one line", async () => {
  using world = await VaultWorld.create();
  const set = await world.set();
  await world.vault.commit({ put: set });
  await world.vault.commit({ put: confirmed(set) });
  assertEquals(kindsOf(world), ["TOKENS"]);
  const loaded = await assertReloads(world);
  assertEquals(loaded.all().map(({ standby }) => standby?.confirmedAt), Array(4).fill(START_MS));
});

Deno.test("TokenVault gives a pair of a set a line of its own once something was done with it", async () => {
  using world = await VaultWorld.create();
  const set = await world.set();
  await world.vault.commit({ put: set });
  await world.vault.commit({ put: [{ ...set[2]!, taken: ["hash"], session: "cd".repeat(16) }] });
  assertEquals(kindsOf(world), ["TOKENS", "TOKEN"]);
  await assertReloads(world);
  await world.vault.commit({ put: [spent(set[2]!)] });
  assertEquals(kindsOf(world).sort(), ["TOKEN", "TOKENS"]);
  const loaded = await assertReloads(world);
  assertEquals(loaded.get(set[2]!.pairId)?.half, null);
  const [shared = ""] = world.lines().filter((line) => line.includes("_TOKENS_"));
  world.writeLines([shared]);
  assertEquals((await world.reload()).all().length, 3, "no half of a spent pair stays in the set");
});

Deno.test("TokenVault forgets pairs of a set one by one, and the set with the last", async () => {
  using world = await VaultWorld.create();
  const set = await world.set();
  const [a, b, c, d] = set.map(({ pairId }) => pairId) as [string, string, string, string];
  await world.vault.commit({ put: set });
  await world.vault.commit({ put: [{ ...set[0]!, taken: ["hash"] }] });
  for (const drop of [[b], [a], [c, d]]) {
    await world.vault.commit({ drop });
    await assertReloads(world);
  }
  assertEquals([world.vault.all(), world.lines()], [[], []]);
});

Deno.test("TokenVault does not bring a pair of a set back whose own line was dropped", async () => {
  using world = await VaultWorld.create();
  const set = await world.set();
  const { pairId } = set[1]!;
  await world.vault.commit({ put: set });
  await world.vault.commit({ put: [{ ...set[1]!, taken: ["hash"] }] });
  await world.vault.commit({ drop: [pairId] });
  const loaded = await assertReloads(world);
  assertEquals([loaded.get(pairId), loaded.all().length], [null, 3]);
});

Deno.test("TokenVault uses no pair of a set whose newest line is damaged", async () => {
  using world = await VaultWorld.create();
  const set = await world.set();
  await world.vault.commit({ put: set });
  await world.vault.commit({ put: confirmed(set) });
  damageLast(world, "_TOKENS_");
  for (let start = 0; start < 2; start++) {
    const loaded = await world.reload();
    assertEquals(loaded.all().map(({ half }) => half), [null, null, null, null]);
  }
  assertEquals(world.parts.files.text(".env.damaged").trimEnd().split("\n").length, 1);
  assertEquals(world.parts.events.warnings().length, 1);
});

Deno.test("TokenVault uses no pair of a set whose own line is damaged, and all the others", async () => {
  using world = await VaultWorld.create();
  const set = await world.set();
  await world.vault.commit({ put: set });
  await world.vault.commit({ put: [{ ...set[3]!, taken: ["hash"] }] });
  damageLast(world, "_TOKEN_");
  const loaded = await world.reload();
  const halves = set.map(({ pairId }) => loaded.get(pairId)?.half !== null);
  assertEquals(halves, [true, true, true, false]);
});

Deno.test("TokenVault notices a set's line that was put in the place of another's", async () => {
  using world = await VaultWorld.create();
  await world.vault.commit({ put: [...await world.set(), ...await world.set()] });
  const [first = "", second = ""] = world.lines();
  const [name, value] = [first.split("=")[0], second.slice(second.indexOf("="))];
  world.writeLines([`${name}${value}`, second]);
  assertEquals((await world.reload()).all().length, 4);
  assertEquals(world.parts.events.warnings().length, 1);
});

Deno.test("TokenVault opens any prefix of what was appended of sets as the end of a commit", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  const length = () => files.content.get(VAULT_FILE)!.length;
  const [former, set] = [await world.set(), await world.set()];
  await world.vault.commit({ put: former });
  const start = length();
  const states = new Map([[start, stateOf(world.vault)]]);
  const changes = [
    { put: [{ ...former[0]!, taken: ["hash"] }, ...set] },
    { put: [spent(former[0]!), ...confirmed(set)] },
    { drop: former.slice(1).map(({ pairId }) => pairId) },
  ];
  for (const change of changes) {
    await world.vault.commit(change);
    states.set(length(), stateOf(world.vault));
  }
  const full = files.content.get(VAULT_FILE)!.slice();
  for (let end = start; end <= full.length; end += 7) {
    files.content.set(VAULT_FILE, full.slice(0, end));
    const last = [...states.keys()].findLast((candidate) => candidate <= end)!;
    assertEquals(stateOf(await world.reload()), states.get(last), `${end} bytes`);
    assert(!files.content.has(".env.damaged"), `${end} bytes`);
  }
});

Deno.test("TokenVault folds the lines of a former file, one for each pair, into those of sets", async () => {
  using world = await VaultWorld.create();
  const { crypto, files } = world.parts;
  const set = confirmed(await world.set());
  const others = [await world.entry(), { ...set[1]!, taken: ["hash"] }];
  await world.vault.commit({ put: [set[0]!, set[2]!, set[3]!, ...others] });
  const expected = stateOf(world.vault);
  const { vault } = world.own.keys;
  const formerLines = await Promise.all(
    world.vault.all().map(async (entry) => {
      const { half, info: _, peer, pairId, ...meta } = entry;
      const name = `NODE_${peer}_TOKEN_${pairId}`;
      const line = { name, half: half!, meta: JSON.stringify(meta) };
      const [sealed] = await crypto.sealLines({ vault, lines: [line] });
      return `${name}=encrypted:AES256:${sealed}`;
    }),
  );
  world.writeLines(["# mine", ...formerLines]);
  const writes = files.writes;
  assertEquals(stateOf(await world.reload()), expected);
  assertEquals(kindsOf(world).sort(), ["# mine", "TOKEN", "TOKEN", "TOKENS"]);
  assertEquals(files.writes, writes + 1, "one write replaces the file");
  assertEquals(stateOf(await world.reload()), expected);
  assertEquals(files.writes, writes + 1);
});
