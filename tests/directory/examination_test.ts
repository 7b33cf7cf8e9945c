import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ExaminationOptions, examineDirectory } from "../../directory/examination.ts";
import { parseOptions } from "../../directory/options.ts";
import type { Check } from "../../protocol/doctor.ts";
import { unreachable, type UnreachableReason } from "../../protocol/unreachable.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { answerJson, FakeHttp } from "../world/fake_http.ts";
import { START_MS } from "./test_directory.ts";

const URL = "https://directory.example";
const CLOCK_URL = "https://clock.example";
const HEALTH = {
  status: "ok",
  version: "test",
  directory_id: "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX",
  nodes: 3,
  uptime_s: 1,
};

async function examine(
  scene: { readonly aheadMs?: number; readonly why?: UnreachableReason; readonly health?: unknown },
  options: Partial<ExaminationOptions> = {},
): Promise<ReadonlyMap<string, Check>> {
  const clock = new FakeClock(START_MS);
  const http = new FakeHttp();
  const { why, health = HEALTH, aheadMs = 0 } = scene;
  http.serve("http", () => {
    if (why !== undefined) throw unreachable("It", why);
    return answerJson(200, health);
  });
  const date = new Date(START_MS - aheadMs).toUTCString();
  http.serve(CLOCK_URL, () => answerJson(200, {}, { date }));
  const asked = { url: URL, allowPrivate: false, clockUrl: CLOCK_URL, ...options };
  return new Map(
    (await examineDirectory({ clock, http }, asked)).map((check) => [check.name, check]),
  );
}

function wrongs(checks: ReadonlyMap<string, Check>): string[] {
  return [...checks.values()].filter(({ state }) => state === "wrong").map(({ name }) => name);
}

Deno.test("examineDirectory() finds nothing wrong with a directory where all is well", async () => {
  const checks = await examine({});
  assertEquals([...checks.values()].map(({ state }) => state), ["ok", "ok", "ok"]);
  assertStringIncludes(checks.get("address")!.found, "holds 3 nodes");
});

Deno.test("examineDirectory() finds a URL that nobody reaches, and says why", async () => {
  for (const why of ["port_closed", "name_unknown", "tls_failed", "redirects"] as const) {
    const checks = await examine({ why });
    assertEquals(wrongs(checks), ["address"]);
    assertStringIncludes(checks.get("address")!.found, why);
  }
  assert((await examine({ why: "certificate_issuer" })).get("address")!.mend!.includes("--ca"));
  assertEquals(wrongs(await examine({ health: { welcome: "to the hotel" } })), ["address"]);
});

Deno.test("examineDirectory() finds a private URL without --allow-private, and a clock that is off", async () => {
  const url = "http://192.168.1.2:7600";
  assertEquals(wrongs(await examine({}, { url })), ["private"]);
  assertEquals(wrongs(await examine({}, { url, allowPrivate: true })), []);
  assertEquals(wrongs(await examine({ aheadMs: 600_000 })), ["clock"]);
  assertEquals((await examine({}, { clockUrl: null })).get("clock")!.state, "unknown");
});

Deno.test("doctor of openred-central takes its own options, and the URL of --listen", () => {
  const quiet = { version: "", out: () => {}, err: () => {} };
  const parsed = parseOptions(["doctor", "--listen", "[::1]:7", "--data", "d", "--json"], quiet);
  assertEquals(parsed, {
    kind: "doctor",
    options: {
      url: "http://[::1]:7",
      isUsual: false,
      dataDirectory: "d",
      allowPrivate: false,
      ca: null,
      clockUrl: null,
      json: true,
    },
  });
  assertEquals(parseOptions(["doctor", "--lease-ms", "1"], quiet), { kind: "exit", code: 2 });
});
