/**
 * The directory against a bare `Deno.serve` that answers the same bytes.
 *
 * @module
 */
import { LocalCryptoCore } from "../crypto/core.ts";
import { AnnouncingNodes } from "./announcing_nodes.ts";
import { CentralProcess } from "./central_process.ts";
import { Child } from "./child.ts";
import { encodeRequest, HttpLoad, type RequestSource } from "./http_load.ts";
import { cpuSecondsDuring } from "./process_cpu.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, ratiosOf, spreadOf } from "./statistics.ts";

const NODES = 256;
const CONNECTIONS = 64;
const REGISTER_PATH = "/api/v3/nodes/register";
const DISCOVER_PATH = "/api/v3/nodes/discover";
const PAGES = 8;
const MICROSECONDS = 1_000_000;
/** About what a bare server does, so that a sample takes as long as it should. */
const READS_PER_MS = 8;
const WRITES_PER_MS = 3;

/** A server and the connections to it. */
interface Target {
  readonly pid: number;
  readonly host: string;
  readonly load: HttpLoad;
}

interface Targets {
  readonly directory: Target;
  readonly bare: Target;
}

/** What one run of the generator measured. */
interface Sample {
  readonly perSecond: number;
  /** Of the server, microseconds a request. */
  readonly serverCpu: number;
  /** Of the generator. */
  readonly ownCpu: number;
}

async function measure(target: Target, source: RequestSource): Promise<Sample> {
  let count = 0;
  let seconds = 0;
  let own = 0;
  const server = await cpuSecondsDuring([target.pid], async () => {
    own = await cpuSecondsDuring([Deno.pid], async () => {
      ({ count, seconds } = await target.load.run(source));
    });
  });
  return {
    perSecond: count / seconds,
    serverCpu: server / count * MICROSECONDS,
    ownCpu: own / count * MICROSECONDS,
  };
}

/** Hands out `count` requests, round the list, to whichever connection asks. */
function takeTurns(requests: readonly Uint8Array[], count: number): RequestSource {
  let given = 0;
  return () => given < count ? requests[given++ % requests.length]! : null;
}

/** Hands out the records of each node in order: a node's always go on one connection. */
function announce(
  host: string,
  records: readonly (readonly string[])[],
): RequestSource {
  const queues = Array.from({ length: CONNECTIONS }, (): Uint8Array[] => []);
  records.forEach((texts, node) => {
    for (const record of texts) {
      const body = JSON.stringify({ record });
      queues[node % CONNECTIONS]!.push(encodeRequest({ host, path: REGISTER_PATH, body }));
    }
  });
  const next = queues.map(() => 0);
  return (connection) => queues[connection]![next[connection]!++] ?? null;
}

async function post(url: string, record: string): Promise<Response> {
  const body = JSON.stringify({ record });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url + REGISTER_PATH, { method: "POST", headers, body });
  if (answer.status !== 201) throw new Error(`Cannot register: ${await answer.text()}`);
  return answer;
}

/** Pages of a list, from the first one on. */
async function listPages(url: string): Promise<string[]> {
  const paths = [DISCOVER_PATH];
  while (paths.length < PAGES) {
    const page = await (await fetch(url + paths.at(-1))).json();
    if (page.nodes.length === 0 || page.next_cursor === null) {
      throw new Error("The directory lists fewer nodes than are registered");
    }
    paths.push(`${DISCOVER_PATH}?cursor=${page.next_cursor}`);
  }
  return paths;
}

async function copyAnswer(answer: Response): Promise<object> {
  const headers = Object.fromEntries(answer.headers);
  for (const name of ["date", "content-length", "vary"]) delete headers[name];
  const body = await answer.text();
  if (!answer.ok) throw new Error(`The directory refuses: ${body}`);
  return { status: answer.status, headers, body };
}

/** What the bare server is to answer: what the directory answers now. */
async function copyAnswers(
  url: string,
  options: { paths: readonly string[]; record: string },
): Promise<Record<string, object>> {
  const answers: Record<string, object> = {};
  for (const path of options.paths) answers[path] = await copyAnswer(await fetch(url + path));
  answers[REGISTER_PATH] = await copyAnswer(await post(url, options.record));
  return answers;
}

function printPair(
  what: string,
  samples: { directory: readonly Sample[]; bare: readonly Sample[] },
): { directory: readonly number[]; bare: readonly number[] } {
  const { directory, bare } = samples;
  const rates = {
    directory: directory.map(({ perSecond }) => perSecond),
    bare: bare.map(({ perSecond }) => perSecond),
  };
  const cpu = (list: readonly Sample[]) => list.map(({ serverCpu }) => serverCpu);
  const requests = { unit: "requests/s" };
  const time = { unit: "µs CPU", digits: 1 };
  printSamples(`${what}, bare server`, rates.bare, requests);
  printSamples(`${what}, directory`, rates.directory, requests);
  printSamples(`${what}, bare server, a request`, cpu(bare), time);
  printSamples(`${what}, directory, a request`, cpu(directory), time);
  const own = spreadOf(bare.map(({ ownCpu }) => ownCpu)).median;
  printNote(`the generator used ${own.toFixed(1)} µs CPU a request against the bare server`);
  return rates;
}

async function measureReads(
  what: string,
  options: { targets: Targets; paths: readonly string[]; settings: Settings },
): Promise<void> {
  const { targets, paths, settings } = options;
  const count = settings.sampleMs * READS_PER_MS;
  const subject = (target: Target) => {
    const requests = paths.map((path) => encodeRequest({ host: target.host, path }));
    return () => measure(target, takeTurns(requests, count));
  };
  const samples = await interleave(settings.rounds, {
    bare: subject(targets.bare),
    directory: subject(targets.directory),
  });
  const { directory, bare } = printPair(what, samples);
  const percent = ratiosOf(directory, bare).map((ratio) => 100 * ratio);
  printAim(`${what}, directory ÷ bare server`, percent, { unit: "%", aim: { atLeast: 70 } });
  const cpu = samples.directory.map(({ serverCpu }, at) =>
    100 * samples.bare[at]!.serverCpu / serverCpu
  );
  printSamples(`${what}, the same by processor time`, cpu, { unit: "%" });
}

async function signRecords(nodes: AnnouncingNodes, each: number): Promise<string[][]> {
  const records: string[][] = [];
  for (let node = 0; node < NODES; node++) {
    const texts: string[] = [];
    for (let i = 0; i < each; i++) texts.push(await nodes.sign(node));
    records.push(texts);
  }
  return records;
}

async function measureAnnouncing(
  options: { targets: Targets; nodes: AnnouncingNodes; settings: Settings },
): Promise<void> {
  const { targets, nodes, settings } = options;
  const each = Math.ceil(settings.sampleMs * WRITES_PER_MS / NODES);
  let records: string[][] = [];
  const samples = await interleave(settings.rounds, {
    bare: async () => {
      records = await signRecords(nodes, each);
      return await measure(targets.bare, announce(targets.bare.host, records));
    },
    directory: () => measure(targets.directory, announce(targets.directory.host, records)),
  });
  const { directory, bare } = printPair("re-announce", samples);
  const ratio = ratiosOf(directory, bare).map((value) => 100 * value);
  printSamples("re-announce, directory ÷ bare server", ratio, { unit: "%" });
  printAim("re-announce, checked and on disk", directory, {
    unit: "requests/s",
    aim: { atLeast: 8_000 },
  });
}

/** The numbers of nodes have to agree, or something was measured that did not work. */
async function checkCount(url: string): Promise<void> {
  const { nodes } = await (await fetch(`${url}/api/v3/health`)).json();
  if (nodes !== NODES) throw new Error(`The directory counts ${nodes} nodes instead of ${NODES}`);
}

async function measureAll(
  options: { url: string; targets: Targets; nodes: AnnouncingNodes; settings: Settings },
): Promise<void> {
  const { url, targets, nodes, settings } = options;
  const lookUps = nodes.ids.map((id) => `/api/v3/nodes/${id}`);
  printTitle(
    "directory",
    `${NODES} nodes, ${CONNECTIONS} keep-alive connections, one request at a time`,
  );
  await measureReads("health", { targets, paths: ["/api/v3/health"], settings });
  await measureReads("look-up", { targets, paths: lookUps, settings });
  await measureReads("discover", { targets, paths: await listPages(url), settings });
  await measureAnnouncing({ targets, nodes, settings });
  await checkCount(url);
}

async function run(settings: Settings): Promise<void> {
  const core = await LocalCryptoCore.create();
  await using nodes = await AnnouncingNodes.create(core, NODES);
  await using central = await CentralProcess.start();
  await using bareProcess = Child.start("bare_server.ts");
  for (let i = 0; i < NODES; i++) {
    await (await post(central.url, await nodes.sign(i))).body?.cancel();
  }
  const paths = [
    "/api/v3/health",
    ...nodes.ids.map((id) => `/api/v3/nodes/${id}`),
    ...await listPages(central.url),
  ];
  const answers = await copyAnswers(central.url, { paths, record: await nodes.sign(0) });
  const port = await bareProcess.call<number>("serve", answers);
  using bareLoad = await HttpLoad.open(port, CONNECTIONS);
  const { host, port: centralPort } = new URL(central.url);
  using load = await HttpLoad.open(Number(centralPort), CONNECTIONS);
  const targets: Targets = {
    directory: { pid: central.pid, host, load },
    bare: { pid: bareProcess.pid, host: `127.0.0.1:${port}`, load: bareLoad },
  };
  await measureAll({ url: central.url, targets, nodes, settings });
}

/** Reads and re-announcements of the directory. */
export const directory: Benchmark = { name: "directory", run };
