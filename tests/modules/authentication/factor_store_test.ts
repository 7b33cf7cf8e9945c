import { assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { addPasskey, passkeyOptions } from "../../../modules/authentication/factor_routes.ts";
import { FactorStore } from "../../../modules/authentication/factor_store.ts";
import type { SignInParts } from "../../../modules/authentication/sign_in_parts.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { ContextWorld } from "../../world/module_context.ts";

const MAX_PASSKEYS = 32;
const APP = { kind: "totp", name: "phone", secret: "AAAA", step: 1 } as const;

function passkey(credential: string) {
  const rest = { public_key: "AA", counter: 0, transports: [], host: "localhost" };
  return { kind: "passkey", name: credential, credential, ...rest } as const;
}

async function refusal(work: () => Promise<unknown>): Promise<string> {
  return (await assertRejects(work, OpenRedError)).code;
}

Deno.test("FactorStore takes 32 passkeys and refuses the next one, but no other kind for their sake", async () => {
  using world = await ContextWorld.create();
  const { context } = await world.contextOf({ name: "authentication" });
  const store = new FactorStore(context);
  for (let count = 0; count < MAX_PASSKEYS; count += 1) await store.add(passkey(`key-${count}`));
  assertEquals(await refusal(() => store.add(passkey("one more"))), "overloaded");
  await store.add(APP);
  const again = new FactorStore(context);
  await again.load();
  assertEquals([again.size, again.of("totp").length], [MAX_PASSKEYS + 1, 1]);
  await again.remove(again.of("passkey")[0]!.id);
  await again.add(passkey("one more"));
});

Deno.test("Who has 32 passkeys is told so before another one is made, and uses up no factor", async () => {
  using world = await ContextWorld.create();
  const { context } = await world.contextOf({ name: "authentication" });
  const store = new FactorStore(context);
  for (let count = 0; count < MAX_PASSKEYS; count += 1) await store.add(passkey(`key-${count}`));
  // Nothing else is there to be reached.
  const parts = { store } as unknown as SignInParts;
  const ask = (route: typeof addPasskey, content: unknown) =>
    refusal(() =>
      route(parts, undefined as never, {
        browser: undefined as never,
        body: encodeUtf8(JSON.stringify(content)),
        action: "POST /",
      })
    );
  assertEquals(await ask(passkeyOptions, { name: "key" }), "overloaded");
  assertEquals(await ask(addPasskey, { name: "key", response: {} }), "overloaded");
});
