import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { PairEntry } from "../../../peer/tokens/pair_entry.ts";
import type { TokenVault } from "../../../peer/tokens/vault.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { VAULT_FILE, VaultWorld } from "./vault_world.ts";
import type { MemoryFiles } from "../../world/memory_files.ts";

/** What a vault holds, for comparing: of each pair what distinguishes its states. */
function stateOf(vault: TokenVault): string {
  return vault.all().map(({ pairId, session, half }) => `${pairId} ${session} ${half === null}`)
    .sort().join("\n");
}

/** Records the file after every write that was acknowledged, and what the vault then held. */
class Boundaries {
  readonly states = new Map<number, string>();
  readonly rewrites: number[] = [];

  constructor(files: MemoryFiles) {
    const write = files.write.bind(files);
    const append = files.append.bind(files);
    let isAppending = false;
    files.append = async (name, content) => {
      isAppending = true;
      await append(name, content);
      isAppending = false;
    };
    files.write = async (name, content) => {
      await write(name, content);
      if (name === VAULT_FILE && !isAppending) this.rewrites.push(content.length);
    };
  }
}

Deno.test("TokenVault opens any prefix of what was appended as a state at the end of a commit", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  const boundaries = new Boundaries(files);
  const length = () => files.content.get(VAULT_FILE)!.length;
  const entries: PairEntry[] = [];
  for (let index = 0; index < 6; index++) entries.push(await world.entry({ half: null }));
  await world.vault.commit({ put: entries.slice(0, 2) });
  const start = length();
  const note = () => boundaries.states.set(length(), stateOf(world.vault));
  note();
  const changes = [
    { put: [{ ...entries[0]!, session: "aa" }, entries[2]!] },
    { put: [entries[3]!, entries[4]!, entries[5]!], drop: [entries[1]!.pairId] },
    { drop: [entries[2]!.pairId, entries[3]!.pairId] },
    { put: [{ ...entries[5]!, session: "bb" }] },
  ];
  for (const change of changes) {
    await world.vault.commit(change);
    note();
  }
  assertEquals(boundaries.rewrites.length, 1, "all but the first write were appended");
  const full = files.content.get(VAULT_FILE)!.slice();
  const ends = [...boundaries.states.keys()];
  for (let end = start; end <= full.length; end++) {
    files.content.set(VAULT_FILE, full.slice(0, end));
    const last = ends.findLast((candidate) => candidate <= end)!;
    assertEquals(stateOf(await world.reload()), boundaries.states.get(last), `${end} bytes`);
    assert(!files.content.has(".env.damaged"), `${end} bytes: an interrupted write is no damage`);
  }
});

Deno.test("TokenVault replaces the file after an interrupted write, and keeps what counts", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  const [first, second, third] = [await world.entry(), await world.entry(), await world.entry()];
  await world.vault.commit({ put: [first] });
  await world.vault.commit({ put: [second] });
  const full = files.content.get(VAULT_FILE)!;
  files.content.set(VAULT_FILE, full.slice(0, full.length - 40));
  const again = await world.reload();
  assertEquals(again.all().map(({ pairId }) => pairId), [first.pairId]);
  await again.commit({ put: [third] });
  assertEquals((await world.reload()).all().length, 2);
  assert(!files.content.has(".env.damaged"), "nothing was appended to the rest of it");
});

Deno.test("TokenVault writes the file anew once its dead part outweighs the living one", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  const boundaries = new Boundaries(files);
  const entry = await world.entry({ half: null });
  for (let save = 0; save < 300; save++) {
    await world.vault.commit({ put: [{ ...entry, session: String(save) }] });
  }
  assert(boundaries.rewrites.length > 1);
  assert(files.content.get(VAULT_FILE)!.length < 80_000);
  assertEquals((await world.reload()).get(entry.pairId)?.session, "299");
});

Deno.test("TokenVault keeps the comments of whoever edited the file", async () => {
  using world = await VaultWorld.create();
  const [first, second] = [await world.entry(), await world.entry()];
  await world.vault.commit({ put: [first] });
  world.writeLines(["# mine", ...world.lines(), "damaged"]);
  const vault = await world.reload();
  await vault.commit({ put: [second] });
  const text = world.parts.files.text(VAULT_FILE);
  assertEquals(text.match(/^# mine$/gm)?.length, 1);
  assertEquals((await world.reload()).all().length, 2);
});

Deno.test("TokenVault comes through failing writes at any moment with all that was acknowledged", async () => {
  using world = await VaultWorld.create();
  const { files } = world.parts;
  const entries: PairEntry[] = [];
  for (let index = 0; index < 3; index++) entries.push(await world.entry({ half: null }));
  const steps = fc.array(fc.record({ index: fc.nat(2), fails: fc.boolean() }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, async (commits) => {
      files.content.delete(VAULT_FILE);
      const vault = world.openVault();
      const acknowledged = new Map<string, string>();
      for (const [number, { index, fails }] of commits.entries()) {
        files.isFull = fails;
        const entry = { ...entries[index]!, session: String(number) };
        const commit = vault.commit({ put: [entry] });
        if (fails) await assertRejects(() => commit, OpenRedError);
        else await commit;
        if (!fails) {
          for (const held of vault.all()) acknowledged.set(held.pairId, held.session!);
        }
      }
      files.isFull = false;
      const loaded = await world.reload();
      for (const [pairId, session] of acknowledged) {
        assertEquals(loaded.get(pairId)?.session, session);
      }
    }),
    { numRuns: 60 },
  );
});
