/**
 * The directory beside Syncthing's discovery server, and a bare `Deno.serve` that answers the same bytes.
 *
 * @module
 */
import { LocalCryptoCore } from "../crypto/core.ts";
import { AnnouncingNodes } from "./announcing_nodes.ts";
import { CentralProcess } from "./central_process.ts";
import { Child } from "./child.ts";
import { encodeRequest } from "./http_load.ts";
import { printAim, printSamples, printTitle } from "./report.ts";
import type { Settings } from "./settings.ts";
import { interleave, ratiosOf, type Samples } from "./statistics.ts";
import { createDevice, type Device, Stdiscosrv } from "./stdiscosrv.ts";
import { TlsAnnouncing } from "./tls_announcing.ts";
import { measureByWrk, type WrkSample, type WrkTarget } from "./wrk.ts";

const NODES = 1_000;
const NODES_PATH = "/api/v3/nodes/";
const REGISTER_PATH = `${NODES_PATH}register`;
/** More than are taken in the time that is measured: none may be sent twice. */
const RECORDS_A_SECOND = 15_000;

interface Parts {
  readonly directory: WrkTarget & { readonly host: string };
  /** The same with a second thread for look-ups. */
  readonly threaded: WrkTarget & { readonly host: string };
  readonly bare: WrkTarget;
  readonly discovery: WrkTarget;
  readonly nodes: AnnouncingNodes;
  /** Ids that nobody has. */
  readonly strangers: readonly string[];
  readonly devices: readonly Device[];
  readonly settings: Settings;
  readonly seconds: number;
}

/** The address that a proxy in front of `stdiscosrv` would name. */
const FORWARDED = "x-forwarded-for: 192.0.2.1\r\nx-client-port: 22000\r\n";

function discoveryLookUp(id: string): Uint8Array {
  const text = `GET /v2/?device=${id} HTTP/1.1\r\nhost: 127.0.0.1\r\n${FORWARDED}\r\n`;
  return new TextEncoder().encode(text);
}

function discoveryAnnouncement({ certificate }: Device, number: number): Uint8Array {
  const addresses = ["tcp", "quic"].map((kind) => `${kind}://192.0.2.1:${20_000 + number}`);
  const body = JSON.stringify({ addresses });
  return new TextEncoder().encode(
    `POST /v2/ HTTP/1.1\r\nhost: 127.0.0.1\r\n${FORWARDED}x-ssl-cert: ${certificate}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
}

async function signRecords(nodes: AnnouncingNodes, count: number): Promise<string[]> {
  const records: string[] = [];
  for (let i = 0; i < count; i++) records.push(await nodes.sign(i % NODES));
  return records;
}

async function copyAnswer(url: string): Promise<object> {
  const answer = await fetch(url);
  const headers = Object.fromEntries(answer.headers);
  for (const name of ["date", "content-length", "vary"]) delete headers[name];
  return { status: answer.status, headers, body: await answer.text() };
}

function printRates(what: string, samples: Samples<string, WrkSample>): void {
  for (const [name, list] of Object.entries(samples)) {
    const rates = list.map(({ perSecond }) => perSecond);
    printSamples(`${what}, ${name}`, rates, { unit: "requests/s" });
    const cpu = list.map(({ serverCpu }) => serverCpu);
    printSamples(`${what}, ${name}, a request`, cpu, { unit: "µs CPU", digits: 1 });
  }
}

function percentOf(
  subject: readonly WrkSample[],
  reference: readonly WrkSample[],
  value: (sample: WrkSample) => number,
): readonly number[] {
  return ratiosOf(subject.map(value), reference.map(value)).map((ratio) => 100 * ratio);
}

async function measureReads(what: "look-up" | "unknown id", parts: Parts): Promise<void> {
  const { directory, threaded, bare, discovery, nodes, strangers, devices, settings, seconds } =
    parts;
  const isFound = what === "look-up";
  const paths = (isFound ? nodes.ids : strangers).map((id) => NODES_PATH + id);
  const ids = isFound ? devices.map(({ id }) => id) : strangers.map(() => createDevice().id);
  const requestsTo = ({ host }: { readonly host: string }) =>
    paths.map((path) => encodeRequest({ host, path }));
  const samples = await interleave(settings.rounds, {
    "Deno.serve": () => measureByWrk(bare, { requests: requestsTo(directory), isFound, seconds }),
    directory: () => measureByWrk(directory, { requests: requestsTo(directory), isFound, seconds }),
    "two threads": () =>
      measureByWrk(threaded, { requests: requestsTo(threaded), isFound, seconds }),
    stdiscosrv: () =>
      measureByWrk(discovery, { requests: ids.map(discoveryLookUp), isFound, seconds }),
  });
  printRates(what, samples);
  const { directory: subject, "two threads": twice, stdiscosrv } = samples;
  const rates = percentOf(subject, samples["Deno.serve"], ({ perSecond }) => perSecond);
  printSamples(`${what}, directory ÷ Deno.serve`, rates, { unit: "%" });
  printAim(`${what}, directory ÷ stdiscosrv`, percentOf(subject, stdiscosrv, rateOf), {
    unit: "%",
    aim: { atLeast: 100 },
  });
  printAim(`${what}, two threads ÷ stdiscosrv`, percentOf(twice, stdiscosrv, rateOf), {
    unit: "%",
    aim: { atLeast: 100 },
  });
  printSamples(`${what}, two threads ÷ one`, percentOf(twice, subject, rateOf), { unit: "%" });
}

function rateOf({ perSecond }: WrkSample): number {
  return perSecond;
}

/** What the runs of the directory's part are measured against: no certificate is checked, and one for each. */
async function measureAnnouncing(parts: Parts): Promise<void> {
  const { directory, discovery, nodes, devices, settings, seconds } = parts;
  await using secured = await Stdiscosrv.start({ isPlain: false });
  const tls = await TlsAnnouncing.create();
  const announcements = devices.map(discoveryAnnouncement);
  const samples = await interleave(settings.rounds, {
    directory: async () => {
      const records = await signRecords(nodes, RECORDS_A_SECOND * seconds);
      const requests = records.map((record) =>
        encodeRequest({
          host: directory.host,
          path: REGISTER_PATH,
          body: JSON.stringify({ record }),
        })
      );
      return await measureByWrk(directory, { requests, isFound: true, seconds });
    },
    "stdiscosrv, nothing checked": () =>
      measureByWrk(discovery, { requests: announcements, isFound: true, seconds }),
    "stdiscosrv, TLS": () => tls.measure(secured, seconds),
  });
  printRates("re-announce", samples);
  printAim("re-announce, checked and on disk", samples.directory.map(rateOf), {
    unit: "requests/s",
    aim: { atLeast: 5_000 },
  });
  const secure = samples["stdiscosrv, TLS"];
  printAim(
    "re-announce, directory ÷ stdiscosrv, TLS",
    percentOf(samples.directory, secure, rateOf),
    {
      unit: "%",
      aim: { atLeast: 100 },
    },
  );
  const cpu = percentOf(secure, samples.directory, ({ serverCpu }) => serverCpu);
  printSamples("re-announce, the same by processor time", cpu, { unit: "%" });
}

async function registerAll(url: string, records: readonly string[]): Promise<void> {
  for (const record of records) {
    const answer = await fetch(url + REGISTER_PATH, {
      method: "POST",
      body: JSON.stringify({ record }),
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(`Cannot register: ${text}`);
  }
}

/** Measures both servers, and the bare one. */
export async function measureDiscovery(settings: Settings): Promise<void> {
  printTitle("discovery", `${NODES} nodes, 32 keep-alive connections of wrk`);
  const core = await LocalCryptoCore.create();
  await using nodes = await AnnouncingNodes.create(core, NODES);
  await using unknown = await AnnouncingNodes.create(core, NODES);
  await using central = await CentralProcess.start();
  await using threaded = await CentralProcess.start({ args: ["--threads", "2"] });
  await using discovery = await Stdiscosrv.start({ isPlain: true });
  await using bareProcess = Child.start("bare_server.ts");
  for (const { url } of [central, threaded]) {
    await registerAll(url, await signRecords(nodes, NODES));
  }
  const strangers = unknown.ids;
  const answers: Record<string, object> = {};
  for (const id of [...nodes.ids, ...strangers]) {
    answers[NODES_PATH + id] = await copyAnswer(central.url + NODES_PATH + id);
  }
  const barePort = await bareProcess.call<number>("serve", answers);
  const targetOf = ({ url, pid }: CentralProcess) => {
    const { host, port } = new URL(url);
    return { pid, host, port: Number(port) };
  };
  const parts: Parts = {
    directory: targetOf(central),
    threaded: targetOf(threaded),
    bare: { pid: bareProcess.pid, port: barePort },
    discovery,
    nodes,
    strangers,
    devices: Array.from({ length: NODES }, createDevice),
    settings,
    seconds: Math.max(1, Math.round(settings.sampleMs / 1_000)),
  };
  await measureAnnouncing(parts);
  await measureReads("look-up", parts);
  await measureReads("unknown id", parts);
}
