import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HttpListener } from "../../ports/system_listener.ts";
import { CANARY } from "./bad_json.ts";
import { DirectoryWorld } from "./directory_world.ts";
import { NodeWorld } from "./node_world.ts";
import { Activity, exchangeRaw } from "./raw_connection.ts";
import { rawRequest } from "./raw_requests.ts";
import type { ServerWorld } from "./world.ts";

/** Those of one run are open at the same time: each waits until the server has long done nothing. */
const RUNS = 10;
const PER_RUN = 50;

interface Listening extends AsyncDisposable {
  readonly port: number;
  readonly activity: Activity;
  /** What the handler threw or answered with a status above 499. */
  readonly failures: string[];
}

function listen(world: ServerWorld): Listening {
  const failures: string[] = [];
  const activity = new Activity();
  const listener = new HttpListener({
    hostname: "127.0.0.1",
    port: 0,
    log: { log: () => {} },
    answer: async (request) => {
      activity.note();
      const response = await world.handle(request);
      activity.note();
      if (response.status >= 500) {
        failures.push(
          `${request.method} ${request.url} ${response.status}`,
        );
      }
      return response;
    },
  });
  return {
    port: listener.port,
    activity,
    failures,
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}

function checkAnswers(text: string): number {
  const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((match) => Number(match[1]));
  for (const status of statuses) assert(status < 500, text.slice(0, 2_000));
  if (!statuses.some((status) => status < 300)) {
    assert(!text.includes(CANARY), text.slice(0, 2_000));
  }
  assert(!/\bat .+:\d+:\d+|\.ts\b/.test(text), text.slice(0, 2_000));
  return statuses.length;
}

async function throwConnections(world: ServerWorld): Promise<{ sent: number; answers: number }> {
  await using server = listen(world);
  let sent = 0;
  let answers = 0;
  const group = fc.array(rawRequest(world.paths), { minLength: PER_RUN, maxLength: PER_RUN });
  await fc.assert(
    fc.asyncProperty(group, async (requests) => {
      server.failures.length = 0;
      const texts = await Promise.all(requests.map((request) => exchangeRaw(server, request)));
      for (const text of texts) answers += checkAnswers(text);
      sent += requests.length;
      assertEquals(server.failures, []);
    }),
    // Making fifty connections fewer takes minutes; a failure shows which answer it was.
    { numRuns: RUNS, endOnFailure: true },
  );
  await world.assertWorks();
  return { sent, answers };
}

for (
  const { name, start } of [
    { name: "directory", start: () => DirectoryWorld.start() },
    { name: "node", start: () => NodeWorld.start() },
  ]
) {
  Deno.test(`A ${name} survives broken connections and answers what it can read`, async () => {
    await using world = await start();
    const { sent, answers } = await throwConnections(world);
    console.log(`${sent} connections, ${answers} answers`);
    assert(sent >= 400 && answers >= 200);
    assertEquals(world.logged.filter((line) => line.includes("failed")), []);
  });
}
