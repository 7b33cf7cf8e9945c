import { assertEquals, assertStringIncludes } from "@std/assert";
import { settle } from "../../../world/settle.ts";
import { fileOf, FileWorld, PEER } from "./file_world.ts";

function routed(name: string): string {
  return fileOf(
    { name },
    `registerRoutes(router) { router.route("GET", "/", async () => ({ json: "here" })); },
    sessionConfirmed() {},`,
  );
}

async function setUp(): Promise<FileWorld> {
  const test = await FileWorld.create();
  for (const name of ["one_module", "two_module"]) await test.load(routed(name));
  return test;
}

Deno.test("the module that was busy when the process died stays stopped, and is named", async () => {
  using test = await setUp();
  assertEquals(await test.hosted.ask("GET", "/m/one_module/"), "here");
  assertEquals(test.mark.name, "one_module");
  // The process is killed here.
  await test.startAnew();
  const why = "process_died: it was busy when the node died, and stays stopped until you enable it";
  assertEquals(test.view("one_module"), `1.0.0 failed (${why})`);
  assertEquals(test.view("two_module"), "1.0.0 running");
  assertStringIncludes(test.world.parts.events.warnings().join(), "one_module does not run");
  assertEquals(test.world.parts.log.audited("module_failed"), 1);
  await test.host.enable("one_module");
  assertEquals(await test.hosted.ask("GET", "/m/one_module/"), "here");
  assertEquals(test.world.parts.events.warnings(), []);
});

Deno.test("a module that was blamed stays stopped at every further start", async () => {
  using test = await setUp();
  test.host.confirmed(PEER);
  await settle();
  assertEquals(test.mark.name, "two_module", "who was told something last");
  await test.startAnew();
  await test.host.stop();
  await test.startAnew();
  assertEquals([test.view("one_module"), test.view("two_module")], [
    "1.0.0 running",
    "1.0.0 stopped",
  ]);
});

Deno.test("nobody is blamed after an orderly stop, also if the process is killed while it stops", async () => {
  using test = await setUp();
  await test.hosted.ask("GET", "/m/one_module/");
  const stopped = test.host.stop();
  assertEquals(test.mark.name, null);
  await stopped;
  assertEquals(test.mark.name, null);
  await test.startAnew();
  assertEquals([test.view("one_module"), test.view("two_module")], [
    "1.0.0 running",
    "1.0.0 running",
  ]);
});

Deno.test("a module that lets the process die while it starts is blamed for that", async () => {
  using test = await setUp();
  await test.host.disable("one_module");
  test.mark.clear();
  const enabled = test.host.enable("one_module");
  await settle();
  assertEquals(test.mark.name, "one_module");
  await enabled;
  test.mark.set("never_there");
  await test.startAnew();
  assertEquals(test.view("one_module"), "1.0.0 running", "an unknown name blames nobody");
});
