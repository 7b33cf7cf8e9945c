import { assert, assertEquals } from "@std/assert";
import { CallingCore } from "../../../crypto/bridge/calling_core.ts";
import {
  CALL_NAMES,
  type CallName,
  CALLS,
  type MemberKind,
  wipeSecrets,
} from "../../../crypto/bridge/calls.ts";

/** The members of a call's argument that are declared as this kind. */
function declared(name: CallName, kind: MemberKind): string[] {
  const members: readonly [string, MemberKind][] = Object.entries(CALLS[name]);
  return members.flatMap(([member, its]) => its === kind ? [member] : []);
}

Deno.test("wipeSecrets() wipes every member that the call table calls secret, and no other", () => {
  let secrets = 0;
  for (const name of CALL_NAMES) {
    const members = Object.keys(CALLS[name]);
    const argument = Object.fromEntries(members.map((member) => [member, Uint8Array.of(1)]));
    const wiped = declared(name, "secret");
    assertEquals(wipeSecrets(name, argument), wiped.length > 0, name);
    assertEquals(members.filter((member) => argument[member]![0] === 0), wiped, name);
    secrets += wiped.length;
  }
  assert(secrets >= 12);
});

Deno.test("wipeSecrets() takes whatever a caller may have handed in", () => {
  for (const argument of [undefined, null, 5, "text", {}, { secret: "text" }, { secret: null }]) {
    wipeSecrets("createKeystore", argument);
  }
  const optional = { successor: 1 };
  assertEquals(wipeSecrets("succeedKeystore", optional), false);
});

/** A core that says which call came with what. */
class EchoCore extends CallingCore {
  protected override call(name: string, argument: unknown): Promise<never> {
    return Promise.resolve([name, argument] as never);
  }
}

Deno.test("CallingCore has a method for each name of the list, and hands its argument on", async () => {
  const core = new EchoCore();
  for (const name of CALL_NAMES) {
    const call = core[name] as (argument: unknown) => Promise<unknown>;
    assertEquals(await call.call(core, name.length), [name, name.length]);
  }
});
