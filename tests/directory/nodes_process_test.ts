import { assert, assertEquals } from "@std/assert";
import type { Check } from "../../protocol/doctor.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { testIdentity } from "../protocol/signer.ts";
import { runCentral, startCentral } from "./central_process.ts";

Deno.test("openred-central nodes and doctor find the directory that runs on its data, and only that", async () => {
  using data = makeTemporaryDirectory();
  const nodes = (...args: string[]) => runCentral(["nodes", ...args, "--data", data.path]);
  const central = await startCentral(data.path);
  const { id } = testIdentity(1);
  const path = `${data.path}/admin.json`;
  if (Deno.build.os !== "windows") assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  const { token, url } = JSON.parse(Deno.readTextFileSync(path));

  const empty = await nodes("list");
  assertEquals([empty.code, empty.out, empty.err], [0, "", "There are none\n"]);
  assertEquals((await nodes("ban", id, "--note", "spam")).code, 0);
  const banned = JSON.parse((await nodes("list", "--banned", "--json")).out);
  assertEquals([banned.bans[0].node_id, banned.bans[0].note], [id, "spam"]);

  const doctor = await runCentral(["doctor", "--data", data.path, "--json"]);
  const checks: Check[] = JSON.parse(doctor.out).checks;
  assertEquals(checks.find(({ found }) => found.includes(central.url))?.state, "ok");

  const headers = { authorization: `Bearer ${token}` };
  const elsewhere = await fetch(`${central.url}/admin/v1/nodes`, { headers });
  assertEquals([elsewhere.status, (await elsewhere.json()).code], [404, "not_found"]);
  const untold = await fetch(`${url}/admin/v1/nodes`);
  assertEquals([untold.status, (await untold.json()).code], [401, "unauthorized"]);

  const { code, err } = await central.end("SIGTERM");
  assertEquals(code, 0, err);
  assert(err.includes("node_banned") && err.includes("admin_refused") && !err.includes(token));
  assertEquals((await nodes("list")).code, 6);
  const again = await startCentral(data.path);
  assert((await nodes("show", id)).out.includes("banned"));
  await again.end("SIGTERM");
});

Deno.test("openred-central nodes refuses wrong words with exit code 2", async () => {
  const { id } = testIdentity(1);
  const wrong = [
    ["show"],
    ["show", "z6Mk"],
    ["ban", id, "--note", "x".repeat(201)],
    ["list", "--limit", "0"],
    ["list", "--gone", "--banned"],
    ["walk"],
  ];
  for (const args of wrong) {
    const { code, out } = await runCentral(["nodes", ...args]);
    assertEquals([args, code, out], [args, 2, ""]);
  }
});
