import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Outcome } from "./answers.ts";
import { DirectoryWorld } from "./directory_world.ts";
import { NodeWorld } from "./node_world.ts";
import { badRequestFor, type ServerWorld, throwAt } from "./world.ts";

/** Together at least 20,000 requests. */
const RUNS = 510;
const PER_RUN = 20;

type Counts = ReadonlyMap<Outcome, number>;

/** Throws bad requests in groups that are under way together. @returns How often each outcome came. */
async function throwMany(world: ServerWorld): Promise<Counts> {
  const counts = new Map<Outcome, number>();
  const group = fc.array(badRequestFor(world), { minLength: PER_RUN, maxLength: PER_RUN });
  const property = fc.asyncProperty(group, async (requests) => {
    for (const outcome of await Promise.all(requests.map((bad) => throwAt(world, bad)))) {
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
  });
  await fc.assert(property, { numRuns: RUNS });
  return counts;
}

function report(name: string, counts: Counts): number {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].sort(([, a], [, b]) => b - a).map(([code, count]) =>
    `${count} ${code}`
  );
  console.log(`${total} bad requests to a ${name}: ${parts.join(", ")}`);
  return total;
}

/** The codes that show how deep the requests came; a generator that went blind would lose some. */
const DEPTH = {
  directory: [
    "taken",
    "bad_request",
    "bad_signature",
    "unsupported",
    "url_refused",
    "too_large",
    "proof_invalid",
    "node_unknown",
    "succession_refused",
    "not_found",
    "method_not_allowed",
  ],
  node: [
    "taken",
    "bad_request",
    "envelope_refused",
    "handshake_rejected",
    "frame_rejected",
    "node_unknown",
    "unauthorized",
    "too_large",
    "not_found",
    "method_not_allowed",
  ],
} as const satisfies Record<string, readonly Outcome[]>;

for (
  const { name, start } of [
    { name: "directory" as const, start: () => DirectoryWorld.start() },
    { name: "node" as const, start: () => NodeWorld.start() },
  ]
) {
  Deno.test(`A ${name} refuses more than 10,000 bad requests with their codes and goes on`, async () => {
    await using world = await start();
    await world.assertWorks();
    const counts = await throwMany(world);
    assert(report(name, counts) >= 10_000);
    assertEquals(DEPTH[name].filter((code) => !counts.has(code)), []);
    await world.assertWorks();
    assertEquals(world.logged.filter((line) => line.includes("failed")), []);
  });
}

/** The sources of a folder and of those in it. */
function* sourcesOf(folder: URL): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sourcesOf(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield Deno.readTextFileSync(new URL(name, folder));
  }
}

Deno.test("Bad requests are thrown at every route of a node", async () => {
  await using world = await NodeWorld.start();
  const routes: string[] = [];
  const modules = ["messaging", "file_sharing", "authentication", "monitoring"];
  for (const folder of ["peer/admin", "peer/p2p", ...modules.map((name) => `modules/${name}`)]) {
    for (const source of sourcesOf(new URL(`../../${folder}/`, import.meta.url))) {
      const found = source.matchAll(
        /\b(?:get|post|route)\(\s*(?:"(?:GET|POST)", )?"(\/[a-z0-9_/]+)"/g,
      );
      routes.push(...[...found].map(([, path]) => path!.replace("/admin/v1", "")));
    }
  }
  assert(routes.length > 10);
  // They take no body: whatever comes, they do what they say.
  const bodiless = ["/reset", "/transfers/forget"];
  const known = world.paths.flatMap((path) => {
    const below = path.replace(/^\/(admin\/v1|m\/[a-z_]+)/, "");
    return [below, below.replace(/^\/groups(?=\/)/, "")];
  });
  assertEquals(routes.filter((path) => ![...known, ...bodiless].includes(path)), []);
});
