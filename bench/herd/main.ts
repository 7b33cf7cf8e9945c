/**
 * `deno task herd`: the load that a million nodes offer a directory around outages, as a table and as curves in
 * docs/herd.svg.
 *
 * @module
 */
import { type Chart, drawCharts } from "../curves.ts";
import { type HerdLoad, runHerd } from "./model.ts";

const OUTAGES = [
  { name: "a minute", outageS: 60, afterS: 7_200 },
  { name: "an hour", outageS: 3_600, afterS: 10_800 },
  { name: "a day", outageS: 86_400, afterS: 10_800 },
] as const;
const NODES = 1_000_000;
const SAMPLE = 20_000;
const BEFORE_S = 9_000;
/** What is drawn of the time before. */
const SHOWN_BEFORE_MIN = 30;

function pointsOf({ perMinute, outageFrom }: HerdLoad): Chart["lines"][number]["points"] {
  const from = outageFrom - SHOWN_BEFORE_MIN;
  return perMinute.slice(from, -1).map((y, at) => ({ x: at, y }));
}

const charts: Chart[] = [];
console.log("| outage | steered | normal, requests/s | highest minute after it | of normal |");
console.log("| --- | --- | --- | --- | --- |");
for (const { name, outageS, afterS } of OUTAGES) {
  const [steered, former] = [true, false].map((isSteered) =>
    runHerd({ nodes: NODES, sample: SAMPLE, outageS, afterS, beforeS: BEFORE_S, isSteered })
  ) as [HerdLoad, HerdLoad];
  for (const [label, load] of [["yes", steered], ["no", former]] as const) {
    const { normal, peak } = load;
    console.log(
      `| ${name} | ${label} | ${normal.toFixed(0)} | ${peak.toFixed(0)} | ${
        (peak / normal).toFixed(2)
      } |`,
    );
  }
  charts.push({
    title: `A million nodes, and a directory that is away for ${name}`,
    x: { label: "minutes" },
    y: { label: "requests a second" },
    lines: [{ name: "steered", points: pointsOf(steered) }, {
      name: "not steered",
      points: pointsOf(former),
    }],
    shaded: {
      from: SHOWN_BEFORE_MIN,
      to: SHOWN_BEFORE_MIN + steered.outageTo - steered.outageFrom,
      name: "away",
    },
  });
}
Deno.writeTextFileSync(new URL("../../docs/herd.svg", import.meta.url), drawCharts(charts));
