import { assert, assertEquals } from "@std/assert";
import { TestDirectory } from "../directory/test_directory.ts";
import { coreFamilies, listenerFamilies } from "../../process/process_families.ts";
import { RelayCounts } from "../../relay/counts.ts";
import { TestNode } from "../peer/test_node.ts";
import { noPromtool, promtool } from "../world/promtool.ts";

const FOLDER = new URL("../../docs/monitoring/", import.meta.url);
const TOKEN = "the metrics token of the tests, long enough";
/** What Prometheus itself says of each target. */
const OF_PROMETHEUS = new Set(["up"]);
/** Labels that it adds, or a query makes. */
const ADDED_LABELS = new Set(["instance", "job", "le"]);

const read = (name: string) => Deno.readTextFile(new URL(name, FOLDER));

/** The names that an exposition has, each with the names and values of its labels. */
type Exposed = Map<string, Map<string, Set<string>>>;

function readExposition(text: string, into: Exposed): void {
  for (const line of text.split("\n")) {
    const [, name, labels = ""] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? [];
    const [, declared] = /^# TYPE ([a-z_]+) /.exec(line) ?? [];
    const found = name ?? declared;
    if (found === undefined) continue;
    const known = into.get(found) ?? new Map<string, Set<string>>();
    into.set(found, known);
    for (const [, label, value] of labels.matchAll(/([a-z_]+)="([^"]*)"/g)) {
      known.set(label!, (known.get(label!) ?? new Set()).add(value!));
    }
  }
}

/** Of a relay that has met everything once. */
function relayFamilies() {
  const counts = new RelayCounts();
  counts.refusal("overloaded");
  return counts.families({ links: 0, unreadBytes: 0 });
}

async function liveMetrics(): Promise<Exposed> {
  const exposed: Exposed = new Map();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const request = () => new Request("http://127.0.0.1:1/metrics", { headers });
  await using directory = await TestDirectory.start();
  await directory.directory.handleWatch(request(), TOKEN);
  await directory.register(directory.node(1).record());
  await directory.get(`/api/v3/nodes/${directory.node(2).id}`);
  const [a, b] = [directory.node(3), directory.node(4)];
  await directory.register(a.record());
  await directory.register(b.record());
  await directory.connect(a, { target: b.id, record: a.record() });
  const ofDirectory = await directory.directory.handleWatch(request(), TOKEN);
  readExposition(await ofDirectory.text(), exposed);
  await using node = await TestNode.start({ metricsToken: TOKEN });
  await node.node.handleWatch(request());
  await node.decide();
  readExposition(await (await node.node.handleWatch(request())).text(), exposed);
  // What the roots add.
  const ofRoots = [
    ...coreFamilies({ waitingCalls: 0 }),
    ...listenerFamilies({ peers: { connections: 0 } }),
  ];
  for (const { name } of ofRoots) exposed.set(name, new Map());
  for (const { name, samples } of relayFamilies()) {
    const labels = new Map<string, Set<string>>();
    exposed.set(name, labels);
    for (const [label, value] of samples.flatMap((sample) => Object.entries(sample.labels))) {
      labels.set(label, (labels.get(label) ?? new Set()).add(value));
    }
  }
  return exposed;
}

/** Every query of a dashboard or of rules. */
async function queriesOf(name: string): Promise<string[]> {
  const text = await read(name);
  if (name.endsWith(".json")) {
    const { panels } = JSON.parse(text);
    return panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
      targets.map(({ expr }) => expr)
    );
  }
  return [...text.matchAll(/^ +expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/gm)]
    .map(([, folded, plain]) => folded ?? plain!);
}

const FILES = ["alerts.yml", "node.dashboard.json", "directory.dashboard.json"];

Deno.test("every metric and label that rules and dashboards name is in live metrics", async () => {
  const exposed = await liveMetrics();
  let count = 0;
  for (const file of FILES) {
    for (const query of await queriesOf(file)) {
      for (
        const [, name, labels = ""] of query.matchAll(
          /\b((?:openred|process)_[a-z_]+|up)\b(?:\{([^}]*)\})?/g,
        )
      ) {
        count += 1;
        if (OF_PROMETHEUS.has(name!)) continue;
        const known = exposed.get(name!);
        assert(known !== undefined, `${file} names ${name}, which nothing exposes`);
        for (const [, label, operator, value] of labels.matchAll(/([a-z_]+)(=~?)"([^"]*)"/g)) {
          if (ADDED_LABELS.has(label!)) continue;
          const values = known.get(label!);
          assert(values !== undefined, `${file}: ${name} has no label ${label}`);
          const isSeen = operator === "=" && values.has(value!);
          const isRare = /^(5\.\.|overloaded|failed|lookUp\|discover)$/.test(value!);
          assert(isSeen || isRare, `${file}: ${label}="${value}" of ${name} was not seen`);
        }
      }
    }
  }
  assert(count > 80, `Only ${count} names were found`);
});

Deno.test("every alert has its place in the runbook, and every place an alert", async () => {
  const [rules, page] = await Promise.all([read("alerts.yml"), read("README.md")]);
  const alerts = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name!);
  const links = [...rules.matchAll(/runbook: README\.md#(\w+)/g)].map(([, name]) => name!);
  const headings = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name!);
  assertEquals(alerts.toSorted(), headings.toSorted());
  assertEquals(links, alerts.map((name) => name.toLowerCase()));
});

const missing = noPromtool();
Deno.test({
  name: `promtool takes the rules, and they fire when they should${
    missing === null ? "" : ` (${missing})`
  }`,
  ignore: missing !== null,
  fn: async () => {
    const path = (name: string) => new URL(name, FOLDER).pathname;
    assertEquals(await promtool(["check", "rules", path("alerts.yml")]), "");
    assertEquals(await promtool(["test", "rules", path("alerts.test.yml")]), "");
  },
});
