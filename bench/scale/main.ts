/**
 * `deno task scale [--keep FOLDER] [--results FILE] [NODES…]`: directories of 10,000, 100,000 and 1,000,000 nodes over
 * SQLite and over Redis, as a table and as curves in docs/scale.svg. `--sqlite` or `--redis`: over one of them alone.
 * `--keep` finds filled databases in a folder again, since filling one takes longest. `--results` adds the rows to those
 * that a file has from earlier runs, and draws them all.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { type Chart, writeCharts } from "../curves.ts";
import { measure, type Measured } from "./measuring.ts";
import { whyNoRedis } from "../../tests/world/redis_server.ts";
import { type Place, redisPlace, sqlitePlace } from "./places.ts";

const SIZES = [10_000, 100_000, 1_000_000];

type Row = { readonly store: string; readonly nodes: number } & Measured;

/** What is shown of each, and drawn. */
const COLUMNS: readonly (readonly [name: keyof Measured, title: string])[] = [
  ["fillS", "fill, s"],
  ["startMs", "start, ms"],
  ["memoryMiB", "memory, MiB"],
  ["serverMiB", "of Redis, MiB"],
  ["lookP50", "look-up p50, ms"],
  ["lookP99", "look-up p99, ms"],
  ["bareP99", "bare server p99, ms"],
  ["announced", "announced/s"],
  ["pageP50", "page of 100, ms"],
  ["aliasP50", "alias, ms"],
  ["sweepStepP50", "step of a sweep, ms"],
  ["sweepLookP99", "look-up p99 beside it, ms"],
  ["sweepLookMax", "longest, ms"],
];

const DRAWN: readonly (keyof Measured)[] = ["memoryMiB", "startMs", "lookP99", "sweepStepP50"];

function printRow({ store, nodes, ...measured }: Row): void {
  const cells = COLUMNS.map(([name]) => {
    const value = measured[name];
    return value >= 100 ? value.toFixed(0) : value.toFixed(1);
  });
  console.log(`| ${store} | ${nodes.toLocaleString("en")} | ${cells.join(" | ")} |`);
}

function chartsOf(rows: readonly Row[]): Chart[] {
  const stores = [...new Set(rows.map(({ store }) => store))];
  return DRAWN.map((name) => ({
    title: COLUMNS.find(([column]) => column === name)![1],
    x: { label: "nodes", isLog: true },
    y: { label: "", isLog: true },
    lines: stores.map((store) => ({
      name: store,
      points: rows.filter((row) => row.store === store).map((row) => ({
        x: row.nodes,
        y: row[name],
      })),
    })),
  }));
}

function drawRows(rows: readonly Row[]): Promise<void> {
  return writeCharts(new URL("../../docs/scale.svg", import.meta.url), chartsOf(rows));
}

async function readRows(file: string | undefined): Promise<Row[]> {
  if (file === undefined) return [];
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** In the place of what was measured of this before. */
function withRow(rows: readonly Row[], row: Row): Row[] {
  const others = rows.filter(({ store, nodes }) => store !== row.store || nodes !== row.nodes);
  return [...others, row].sort((a, b) => a.nodes - b.nodes);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    keep: { type: "string" },
    results: { type: "string" },
    sqlite: { type: "boolean", default: false },
    redis: { type: "boolean", default: false },
  },
});
const sizes = positionals.length > 0 ? positionals.map(Number) : SIZES;
const places: [string, () => Promise<Place>][] = [];
if (!values.redis) places.push(["SQLite", () => sqlitePlace(values.keep ?? null)]);
const noRedis = whyNoRedis();
if (noRedis !== null) console.log(`Redis is left out: ${noRedis}`);
else if (!values.sqlite) places.push(["Redis", redisPlace]);
const core = await LocalCryptoCore.create();
let rows = await readRows(values.results);
console.log(`| store | nodes | ${COLUMNS.map(([, title]) => title).join(" | ")} |`);
console.log(`| --- | --- | ${COLUMNS.map(() => "---").join(" | ")} |`);
for (const nodes of sizes) {
  for (const [store, makePlace] of places) {
    await using place = await makePlace();
    const row = { store, nodes, ...await measure(place, { nodes, core }) };
    rows = withRow(rows, row);
    printRow(row);
    if (values.results !== undefined) {
      await Deno.writeTextFile(values.results, JSON.stringify(rows));
    }
    if (values.results !== undefined || positionals.length === 0) await drawRows(rows);
  }
}
const last = rows.findLast(({ store }) => store === "Redis");
if (last !== undefined) {
  const bytes = last.serverMiB * 2 ** 20 / last.nodes;
  const gibibytes = bytes * 1e7 / 2 ** 30;
  console.log(
    `Redis: ${bytes.toFixed(0)} bytes a node of ${last.nodes}, so ${
      gibibytes.toFixed(1)
    } GiB for 10,000,000`,
  );
}
