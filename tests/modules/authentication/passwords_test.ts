import { assertEquals, assertRejects } from "@std/assert";
import { OwnerPasswords } from "../../../modules/authentication/passwords.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { SeededRandom } from "../../world/seeded_random.ts";

/** Stretches when it is told to. */
class SlowStretching {
  readonly waiting: (() => void)[] = [];
  most = 0;
  count = 0;

  async stretch(password: Uint8Array): Promise<Uint8Array> {
    this.count += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.push(resolve);
    this.most = Math.max(this.most, this.waiting.length);
    await promise;
    this.waiting.splice(this.waiting.indexOf(resolve), 1);
    return new Uint8Array(32).fill(password[0]!);
  }

  async finish<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = work.finally(() => isOver = true);
    over.catch(() => {});
    while (!isOver) {
      this.waiting[0]?.();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return await over;
  }
}

function passwords() {
  const slow = new SlowStretching();
  const parts = { random: new SeededRandom("passwords"), passwords: slow };
  return { slow, owner: new OwnerPasswords(parts) };
}

Deno.test("OwnerPasswords stretches a guess also where there is no password", async () => {
  const { slow, owner } = passwords();
  assertEquals(await slow.finish(owner.isRight(undefined, "guess")), false);
  assertEquals(slow.count, 1);
  const made = await slow.finish(owner.make("right"));
  const common = { id: "a", name: "", created_at: 0, used_at: null, kind: "password" as const };
  assertEquals(await slow.finish(owner.isRight({ ...common, ...made }, "right")), true);
  assertEquals(await slow.finish(owner.isRight({ ...common, ...made }, "wrong")), false);
  assertEquals(slow.count, 4);
});

Deno.test("OwnerPasswords stretches one at a time, and turns away whoever would wait long", async () => {
  const { slow, owner } = passwords();
  const all = Array.from({ length: 4 }, () => owner.isRight(undefined, "guess"));
  const fifth = await assertRejects(() => owner.isRight(undefined, "guess"), OpenRedError);
  assertEquals(fifth.code, "overloaded");
  assertEquals(await slow.finish(Promise.all(all)), [false, false, false, false]);
  assertEquals([slow.most, slow.count], [1, 4]);
});
