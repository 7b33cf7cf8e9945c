import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Check, good, wrong } from "../../protocol/doctor.ts";
import { NO_KEEPER, runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const FULL = wrong("disk", {
  found: "Nothing can be written",
  means: "Messages are refused",
  mend: "Make room",
});

function keeperWith(checks: readonly Check[]) {
  return { keeper: { ...NO_KEEPER, examine: () => Promise.resolve(checks) } };
}

function node(checks: readonly Check[]) {
  return startFakeAdmin(({ path }) => ({
    json: path === "/m/monitoring/checks" ? { checks } : { version: "3.0.0" },
  }));
}

Deno.test("doctor ends with 0 where nothing is wrong, with and without a node", async () => {
  await using admin = node([good("clock", "agrees")]);
  const ports = keeperWith([good("modes", "fine")]);
  const { code, out } = await runInProcess(["doctor"], { ...admin, ports });
  assertEquals(code, 0);
  assertStringIncludes(out, "ok       modes: fine\n");
  assertStringIncludes(out, "ok       clock: agrees\n");
  const stopped = await runInProcess(["doctor"], { ports });
  assertEquals(stopped.code, 0);
  assertStringIncludes(stopped.out, "unknown  node: ");
});

Deno.test("doctor ends with 1 where the machine or the node has something wrong, and says how to mend it", async () => {
  for (const [machine, running] of [[[FULL], []], [[], [FULL]]] as const) {
    await using admin = node(running);
    const settings = { ...admin, ports: keeperWith(machine) };
    const { code, out } = await runInProcess(["doctor"], settings);
    assertEquals(code, 1);
    assertStringIncludes(
      out,
      "wrong    disk: Nothing can be written\n         Messages are refused\n         → Make room\n",
    );
    const json = JSON.parse((await runInProcess(["doctor", "--json"], settings)).out);
    assertEquals(json.ok, false);
    assertEquals(json.checks.filter(({ state }: Check) => state === "wrong"), [FULL]);
  }
});
