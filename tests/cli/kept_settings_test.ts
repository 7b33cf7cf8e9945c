import { assertEquals, assertRejects } from "@std/assert";
import { createKeptSettings } from "../../cli/kept_settings.ts";
import { OpenRedError } from "../../protocol/errors.ts";

function kept(text: string, given: Record<string, readonly string[] | true> = {}) {
  const held = { text };
  const settings = createKeptSettings({
    read: () => Promise.resolve(held.text),
    write: (_, written) => Promise.resolve(void (held.text = written)),
  }, { data: "data", given, env: (name) => name === "OPENRED_PQ" ? "off" : undefined });
  const of = async (name: string) => {
    const one = (await settings.read()).find((setting) => setting.name === name)!;
    return [one.value, one.kept, one.from];
  };
  return { held, settings, of };
}

Deno.test("createKeptSettings() says what wins over the file", async () => {
  const { of } = kept('alias = "file"\npq = "prefer"\nunlisted = false\n', {
    alias: ["flag"],
    unlisted: true,
  });
  assertEquals(await of("alias"), ["flag", "file", "--alias"]);
  assertEquals(await of("unlisted"), ["true", "false", "--unlisted"]);
  assertEquals(await of("pq"), ["off", "prefer", "OPENRED_PQ"]);
  assertEquals(await of("relay"), [null, null, "default"]);
});

Deno.test("createKeptSettings() refuses what does not go with what the start was told", async () => {
  const { held, settings } = kept("", { apiUrl: ["https://me.example"] });
  const error = await assertRejects(
    () => settings.change("relay", "https://relay.example"),
    OpenRedError,
  );
  assertEquals([error.code, held.text], ["bad_request", ""]);
  await settings.change("alias", "a");
  assertEquals(held.text, 'alias = "a"\n');
});
