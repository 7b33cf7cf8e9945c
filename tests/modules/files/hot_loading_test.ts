import { assert, assertEquals } from "@std/assert";

/** Enough of each change for a test; with 200 it takes some minutes. */
const CHANGES = 24;

Deno.test("modules change in random order while messages flow: none is lost or doubled, and nothing is left behind", async () => {
  const script = new URL("./hot_loading.ts", import.meta.url);
  // Of its own process, as other tests make threads too, and only with all permissions are they counted.
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-A", "--v8-flags=--expose-gc", script.pathname, String(CHANGES)],
    stderr: "inherit",
  }).output();
  assertEquals(code, 0);
  const { isWhole, sent, outcomes, first, last } = JSON.parse(new TextDecoder().decode(stdout));
  assert(isWhole && sent > CHANGES, `${sent} messages`);
  assert(Object.keys(outcomes).filter((outcome) => outcome.endsWith(" 200")).length >= 5);
  assert(last.threads <= first.threads, `${first.threads} threads became ${last.threads}`);
  assert(
    last.descriptors <= first.descriptors + 2,
    `${first.descriptors} became ${last.descriptors}`,
  );
  assert(
    last.heapMiB <= first.heapMiB + 4,
    `${first.heapMiB} MiB of objects became ${last.heapMiB}`,
  );
  assert(last.rssMiB <= first.rssMiB + 48, `${first.rssMiB} MiB became ${last.rssMiB}`);
});
