/**
 * Changes modules of a node that exchanges messages, in random order:
 * `deno run -A --v8-flags=--expose-gc tests/modules/files/hot_loading.ts [CHANGES] [SEED]`. Ends with what became of the
 * messages, and of what the process holds, as JSON.
 */
import { fileOf } from "../../peer/modules/files/file_world.ts";
import { SeededRandom } from "../../world/seeded_random.ts";
import { TwoNodes } from "./two_nodes.ts";

const NAMES = ["first_one", "second_one", "third_one"];
/** What a process takes once, and the engine gives back when it likes. */
const WARM_UP = 8;

interface Held {
  readonly threads: number;
  readonly descriptors: number;
  /** Everything that the process keeps in memory, and of that what this thread's objects take. */
  readonly rssMiB: number;
  readonly heapMiB: number;
}

/** There with `--expose-gc` alone: without it, memory shows what the engine has not collected yet. */
declare const gc: () => void;

function held(): Held {
  const status = Deno.readTextFileSync("/proc/self/status");
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
  return {
    threads: read("Threads"),
    descriptors: [...Deno.readDirSync("/proc/self/fd")].length,
    rssMiB: Math.round(read("VmRSS") / 1_024),
    heapMiB: Math.round(Deno.memoryUsage().heapUsed / 2 ** 20),
  };
}

function fileNamed(name: string, version: number): string {
  return fileOf(
    { name, version: `${version}.0.0`, grants: [{ kind: "peers", why: "To list them" }] },
    `sessionConfirmed() {},
    registerRoutes(router) {
      router.route("GET", "/", async () => {
        await context.storage.put("asked", encoder.encode(context.own.id));
        return { json: null };
      });
    },`,
  );
}

/** One change, as far as the module is in a state for it; a refusal is an answer too. */
async function change(test: TwoNodes, random: SeededRandom, version: number): Promise<string> {
  const [which, what] = random.bytes(2);
  const module = NAMES[which! % NAMES.length]!;
  const post = async (path: string, input: Record<string, unknown> = {}) => {
    const body = { module, ...input };
    const response = await test.alice.admin.request("POST", `/modules/${path}`, body);
    await response.body?.cancel();
    return `${path} ${response.status}`;
  };
  const load = (change: string) =>
    test.load(fileNamed(module, version), { change, grants: ["peers"] })
      .then(() => `load 200`, ({ code }) => `load ${code}`);
  const changes = [
    () => load("new"),
    () => load("upgrade"),
    () => load("downgrade"),
    () => load("fresh"),
    () => post("reload"),
    () => post("unload", { forget: what! % 2 === 0 }),
    () => post("enable"),
    () => post("disable"),
    () => post("grant", { grant: "peers" }),
    () => post("revoke", { grant: "peers" }),
  ];
  const done = await changes[(what! >> 1) % changes.length]!();
  const asked = await test.alice.admin.request("GET", `/m/${module}/`);
  await asked.body?.cancel();
  return done;
}

async function run(changes: number, seed: string): Promise<void> {
  await using test = await TwoNodes.start();
  const random = new SeededRandom(seed);
  const outcomes: Record<string, number> = {};
  const spansMs: number[] = [];
  let first: Held | null = null;
  const work = async () => {
    for (let one = 0; one < changes; one++) {
      const outcome = await change(test, random, one + 1);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (one === WARM_UP) first = await atRest(test);
    }
  };
  spansMs.push(...await test.exchangeUntil(work(), 20));
  const last = await atRest(test);
  const texts = (await test.bob.admin.inbox()).map(({ text }) => text);
  const isWhole = texts.length === test.sent &&
    texts.every((text, at) => text === `message ${at + 1}`);
  console.log(JSON.stringify({ sent: test.sent, isWhole, outcomes, first, last }));
}

/** What is held while no module runs. */
async function atRest(test: TwoNodes): Promise<Held> {
  for (const module of NAMES) {
    const response = await test.alice.admin.request("POST", "/modules/disable", { module });
    await response.body?.cancel();
  }
  // Threads end after they have said so, in the runtime's own time.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  gc();
  return held();
}

if (import.meta.main) await run(Number(Deno.args[0] ?? 200), Deno.args[1] ?? "hot loading");
