import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { checkData, type SeenData } from "../../ports/data_checks.ts";
import { checkMachine } from "../../ports/system_data_checks.ts";
import type { Check } from "../../protocol/doctor.ts";

const KIND = { database: "node.db", needed: ["keystore", "node-secret"] };
const GIB = 2 ** 30;

function seen(changes: Partial<SeenData> = {}): SeenData {
  const files = ["keystore", "node-secret", "node.db"].map((name) => ({ name, mode: 0o100600 }));
  return {
    path: "/data",
    folder: { mode: 0o040700 },
    files,
    freeBytes: GIB,
    writeFailure: null,
    ...changes,
  };
}

function states(checks: readonly Check[]): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, state }) => [name, state]));
}

Deno.test("checkData() finds nothing wrong with a directory as the program makes it", () => {
  assertEquals(states(checkData(seen(), KIND)), { modes: "ok", keystore: "ok", disk: "ok" });
});

Deno.test("checkData() finds a full disk, one that is nearly full, and one that takes nothing", () => {
  for (
    const changes of [
      { freeBytes: 0 },
      { freeBytes: 100 * 2 ** 20 },
      { writeFailure: "the disk is full" },
      { freeBytes: null, writeFailure: "it is read-only" },
    ]
  ) {
    const disk = checkData(seen(changes), KIND).find(({ name }) => name === "disk")!;
    assertEquals(disk.state, "wrong");
    assert(disk.mend?.includes("/data"));
  }
  assertEquals(states(checkData(seen({ freeBytes: null }), KIND)).disk, "unknown");
});

Deno.test("checkData() finds a keystore that is lost", () => {
  const files = seen().files.filter(({ name }) => name !== "keystore");
  const check = checkData(seen({ files }), KIND).find(({ name }) => name === "keystore")!;
  assertEquals(check.state, "wrong");
  assertStringIncludes(check.found, "keystore");
});

Deno.test("checkMachine() finds wrong modes of files and of the directory, and says what to type", async () => {
  const path = Deno.makeTempDirSync();
  try {
    for (const { name } of seen().files) {
      Deno.writeTextFileSync(`${path}/${name}`, "", { mode: 0o600 });
    }
    Deno.writeTextFileSync(`${path}/notes.txt`, "", { mode: 0o644 });
    Deno.chmodSync(path, 0o700);
    const check = async (name: string) =>
      (await checkMachine(path, KIND)).find((one) => one.name === name)!;
    assertEquals((await check("modes")).state, "ok");
    Deno.chmodSync(`${path}/node-secret`, 0o640);
    const open = await check("modes");
    assertEquals(open.state, "wrong");
    assertStringIncludes(open.mend!, `chmod 600 ${path}/node-secret`);
    Deno.chmodSync(`${path}/node-secret`, 0o600);
    Deno.chmodSync(path, 0o755);
    assertStringIncludes((await check("modes")).found, "755");
    assertEquals([...Deno.readDirSync(path)].length, 4);
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
});

Deno.test("checkMachine() says where there is no data directory", async () => {
  const checks = await checkMachine("/nowhere/at/all", KIND);
  assertEquals(states(checks).data, "wrong");
});
