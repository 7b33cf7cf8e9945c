import { assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { CryptoError } from "../../../crypto/interface.ts";
import { CHEAP_COST } from "../../world/cores.ts";

const CHUNK = 65_536;
const passphrase = () => encodeUtf8("a passphrase");

async function sealTwo(core: LocalCryptoCore) {
  const { stream, head } = await core.beginBackup({ passphrase: passphrase(), cost: CHEAP_COST });
  const first = await core.sealBackup({
    stream,
    chunk: new Uint8Array(CHUNK).fill(1),
    isLast: false,
  });
  const last = await core.sealBackup({ stream, chunk: encodeUtf8("the end"), isLast: true });
  return { stream, head, first, last };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => call, CryptoError)).code;
}

Deno.test("a backup's chunks open in their order, and only there", async () => {
  const core = await LocalCryptoCore.create();
  const { head, first, last } = await sealTwo(core);
  const open = () => core.openBackup({ passphrase: passphrase(), head });
  const whole = await open();
  assertEquals((await core.readBackup({ stream: whole, chunk: first, isLast: false }))[9], 1);
  const end = await core.readBackup({ stream: whole, chunk: last, isLast: true });
  assertEquals(end, encodeUtf8("the end"));

  const failed = "unseal_failed";
  assertEquals(
    await codeOf(core.readBackup({ stream: await open(), chunk: first, isLast: true })),
    failed,
  );
  assertEquals(
    await codeOf(core.readBackup({ stream: await open(), chunk: last, isLast: true })),
    failed,
  );
  const other = await core.openBackup({ passphrase: encodeUtf8("another"), head });
  assertEquals(
    await codeOf(core.readBackup({ stream: other, chunk: first, isLast: false })),
    failed,
  );
  const second = await sealTwo(core);
  const mixed = await open();
  assertEquals(
    await codeOf(core.readBackup({ stream: mixed, chunk: second.first, isLast: false })),
    failed,
  );
  await core.stop();
});

Deno.test("a backup ends with its last chunk, and takes chunks of the one length", async () => {
  const core = await LocalCryptoCore.create();
  const { stream } = await sealTwo(core);
  assertEquals(
    await codeOf(core.sealBackup({ stream, chunk: new Uint8Array(1), isLast: true })),
    "exhausted",
  );
  const { stream: fresh } = await core.beginBackup({ passphrase: passphrase(), cost: CHEAP_COST });
  for (
    const [length, isLast] of [[CHUNK - 1, false], [CHUNK + 1, false], [CHUNK + 1, true]] as const
  ) {
    const call = core.sealBackup({ stream: fresh, chunk: new Uint8Array(length), isLast });
    assertEquals(await codeOf(call), "bad_argument");
  }
  await core.stop();
});

Deno.test("openBackup() refuses a head of another form before it stretches anything", async () => {
  const core = await LocalCryptoCore.create();
  const { head } = await core.beginBackup({ passphrase: passphrase(), cost: CHEAP_COST });
  const costly = head.slice();
  costly.fill(0xff, 8, 12);
  for (const wrong of [head.slice(1), new Uint8Array(32), costly]) {
    assertEquals(
      await codeOf(core.openBackup({ passphrase: passphrase(), head: wrong })),
      "unseal_failed",
    );
  }
  await core.stop();
});
