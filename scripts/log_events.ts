/**
 * Which events the programs write into their logs, read from their sources: for the table in docs/LOG.md and its test.
 *
 * @module
 */

/** Where an event is written, and at which level. */
export interface LogEvent {
  readonly name: string;
  readonly level: string;
}

const FOLDERS = ["directory", "peer", "ports", "process", "keeper", "modules", "relay"];
const ROOTS = ["central_redis.ts", "central_service.ts", "node_service.ts", "relay_service.ts"];

const LOGGED = /\blog\(\s*"(debug|info|warn|error)",\s*"([a-z_]+)"/g;
/** A warning has a topic, whose first word is its event. */
const WARNED = /\b(?:events|warnings|this)\.warn\(\s*["`]([a-z_]+)/g;
const TOPIC = /const (?:[A-Z]+_)?(?:WARNING|LOST) = "([a-z_]+)"/g;
const TOPIC_OF = /(?:function topicOf|get #topic)\([^]*?return `([a-z_]+)/g;
/** What it is about may name the event itself. */
const NAMED = /\.warn\([^;]*?\{ event: "([a-z_]+)"/g;
const FORMATTED = /#format\("warn", "([a-z_]+)"/g;
/** What fails in the background is named by what it was. */
const BACKGROUND = /\bbackground\.run\(\s*"([a-z_]+)"/g;

async function sourcesOf(root: URL): Promise<[string, string][]> {
  const sources: [string, string][] = [];
  const read = async (path: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(path, root))) {
      const inner = `${path}${name}`;
      if (isDirectory) await read(`${inner}/`);
      else if (inner.endsWith(".ts")) {
        sources.push([inner, await Deno.readTextFile(new URL(inner, root))]);
      }
    }
  };
  for (const folder of FOLDERS) await read(`${folder}/`);
  for (const file of ROOTS) sources.push([file, await Deno.readTextFile(new URL(file, root))]);
  return sources;
}

function* eventsOf(path: string, text: string): Generator<LogEvent> {
  // The host puts the name of a built-in module before what it logs.
  const [, module] = /^modules\/([a-z_]+)\//.exec(path) ?? [];
  const prefix = module === undefined ? "" : `${module}_`;
  for (const [, level, name] of text.matchAll(LOGGED)) {
    yield { name: prefix + name!, level: level! };
  }
  if (module !== undefined) return;
  for (const pattern of [WARNED, TOPIC, TOPIC_OF, NAMED, FORMATTED]) {
    for (const [, name] of text.matchAll(pattern)) yield { name: name!, level: "warn" };
  }
  for (const [, name] of text.matchAll(BACKGROUND)) {
    yield { name: `${name}_failed`, level: "warn" };
  }
}

/** All events that the sources name, by name. */
export async function readLogEvents(root: URL): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  for (const [path, text] of await sourcesOf(root)) {
    for (const { name, level } of eventsOf(path, text)) {
      found.set(name, (found.get(name) ?? new Set()).add(level));
    }
  }
  return new Map([...found].sort(([a], [b]) => a < b ? -1 : 1));
}

if (import.meta.main) {
  const events = await readLogEvents(new URL("../", import.meta.url));
  for (const [name, levels] of events) console.log(`${name}\t${[...levels].join(", ")}`);
}
