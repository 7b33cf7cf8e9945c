/**
 * Look-ups at a directory while nodes announce themselves there, and by turns the same look-ups at a server that does
 * nothing else.
 *
 * @module
 */
import type { CryptoCore } from "../../crypto/interface.ts";
import { AnnouncingNodes } from "../announcing_nodes.ts";
import { Child } from "../child.ts";
import { encodeRequest, HttpLoad, type RequestSource } from "../http_load.ts";

const LOOKS_A_SECOND = 500;
const ANNOUNCES_A_SECOND = 300;
const CONNECTIONS = 16;
/** Each of them by one connection, in the order of what they sign: thousands in all, so that their rows lie far apart. */
const ANNOUNCERS_OF_ONE = 200;
const ROUNDS = 4;
/** Before them, not counted: the code is compiled while it runs, and the first announcements are called back. */
const WARM_ROUNDS = 1;
const ROUND_MS = 2_000;

/** Milliseconds of each look-up, at the directory and at the bare server, and how many announcements came through. */
export interface Served {
  readonly looks: readonly number[];
  readonly bareLooks: readonly number[];
  readonly announcedPerSecond: number;
}

/** Requests for ids in turn. */
function lookUps(ids: readonly string[], host: string): () => Uint8Array {
  let count = 0;
  return () => {
    const id = ids[(count++ * 7_919) % ids.length]!;
    return encodeRequest({ host, path: `/api/v3/nodes/${id}` });
  };
}

function registration(host: string, record: string): Uint8Array<ArrayBuffer> {
  const body = JSON.stringify({ record });
  return encodeRequest({ host, path: "/api/v3/nodes/register", body });
}

/** What each connection sends, in its order. */
async function signAll(nodes: AnnouncingNodes, host: string): Promise<Iterator<Uint8Array>[]> {
  const seconds = 2 * (WARM_ROUNDS + ROUNDS) * ROUND_MS / 1_000;
  // What connections send differs a little.
  const ofEach = Math.ceil(2 * seconds * ANNOUNCES_A_SECOND / CONNECTIONS);
  const all = [];
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const requests = [];
    for (let at = 0; at < ofEach; at++) {
      const number = connection * ANNOUNCERS_OF_ONE + at % ANNOUNCERS_OF_ONE;
      requests.push(registration(host, await nodes.sign(number)));
    }
    all.push(requests.values());
  }
  return all;
}

/** @param url Of a running directory. */
export async function serveLoad(
  url: string,
  options: { readonly ids: readonly string[]; readonly core: CryptoCore },
): Promise<Served> {
  const { ids, core } = options;
  const { host, port } = new URL(url);
  await using nodes = await AnnouncingNodes.create(core, CONNECTIONS * ANNOUNCERS_OF_ONE);
  const records = await signAll(nodes, host);
  const nextRecord = (connection: number) => records[connection]!.next().value ?? null;
  const known = await (await fetch(`${url}/api/v3/nodes/${ids[0]}`)).text();
  await using bare = Child.start("bare_server.ts");
  const answer = { status: 200, headers: { "content-type": "application/json" }, body: known };
  const barePort = await bare.call<number>("serve", { "/bare": answer });
  const bareRequest = encodeRequest({ host: `127.0.0.1:${barePort}`, path: "/bare" });
  using announcing = await HttpLoad.open(Number(port), CONNECTIONS);
  // Each node is called back the first time.
  for (let at = 0; at < ANNOUNCERS_OF_ONE; at++) await announcing.run(once(nextRecord));
  // No earlier: a connection that lies idle is closed.
  using asking = await HttpLoad.open(Number(port), CONNECTIONS);
  using askingBare = await HttpLoad.open(barePort, CONNECTIONS);
  const nextLook = lookUps(ids, host);
  const looks: number[] = [];
  const bareLooks: number[] = [];
  let announced = 0;
  const round = async (load: HttpLoad, request: () => Uint8Array, into: number[]) => {
    const [took, put] = await Promise.all([
      load.pace(request, { perSecond: LOOKS_A_SECOND, forMs: ROUND_MS }),
      announcing.pace(nextRecord, { perSecond: ANNOUNCES_A_SECOND, forMs: ROUND_MS }),
    ]);
    into.push(...took);
    announced += put.length;
  };
  const pair = async (looks: number[], bareLooks: number[]) => {
    await round(asking, nextLook, looks);
    await round(askingBare, () => bareRequest, bareLooks);
  };
  for (let at = 0; at < WARM_ROUNDS; at++) await pair([], []);
  announced = 0;
  for (let at = 0; at < ROUNDS; at++) await pair(looks, bareLooks);
  const announcedPerSecond = announced / (2 * ROUNDS * ROUND_MS / 1_000);
  return { looks, bareLooks, announcedPerSecond };
}

/** One request on each connection. */
function once(next: RequestSource): RequestSource {
  const served = new Set<number>();
  return (connection) => {
    if (served.has(connection)) return null;
    served.add(connection);
    return next(connection);
  };
}
