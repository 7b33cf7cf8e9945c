/**
 * `deno task flood [IDS]`: 200,000 ids from one host, from one /64 and from everywhere, at the limits that a directory has
 * by default, and at one of 50,000 ids in all.
 *
 * @module
 */
import { DEFAULT_LIMITS } from "../../directory/config.ts";
import { type Flood, flood } from "./model.ts";

const ids = Number(Deno.args[0] ?? 200_000);
const floods: readonly [string, Flood][] = [
  ["one host", { kind: "host", ids, limits: DEFAULT_LIMITS }],
  ["one /64", { kind: "address", ids, limits: DEFAULT_LIMITS }],
  ["everywhere", { kind: "nothing", ids, limits: { ...DEFAULT_LIMITS, ids: 50_000 } }],
];
console.log("| ids from | stored | refused | who was there is served |");
console.log("| --- | --- | --- | --- |");
for (const [name, options] of floods) {
  const { stored, refused, isFriendServed } = await flood(options);
  const whys = [...refused].map(([why, times]) => `${why}: ${times}`).join(", ");
  console.log(`| ${name} | ${stored} | ${whys} | ${isFriendServed ? "yes" : "no"} |`);
}
