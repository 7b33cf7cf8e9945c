import { assert, assertEquals } from "@std/assert";
import { argon2id } from "../../../crypto/primitives/hashes.ts";
import { Stretching } from "../../../crypto/primitives/stretching.ts";
import { repeated } from "../../vectors/read_vectors.ts";

const OPTIONS = { secret: repeated(1), salt: repeated(2, 16), passes: 1, length: 32 };

Deno.test("stretch() gives what Argon2id gives, adds up how long that takes, and tells of much memory only", async () => {
  let garbage = 0;
  const stretching = new Stretching(() => garbage++);
  assertEquals(stretching.spentMs, 0);
  const little = { ...OPTIONS, memoryKiB: 256 };
  assertEquals(await stretching.stretch(little), await argon2id(little));
  const onceMs = stretching.spentMs;
  assert(onceMs > 0);
  assertEquals(garbage, 0);
  await stretching.stretch({ ...OPTIONS, memoryKiB: 2 ** 13 });
  assert(stretching.spentMs > onceMs);
  assertEquals(garbage, 1);
});
