import { WorkerCryptoCore } from "../../crypto/client.ts";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { testCryptoCore } from "./crypto_core_contract.ts";

testCryptoCore("LocalCryptoCore", () => LocalCryptoCore.create());
testCryptoCore("LocalCryptoCore, seeded", () => {
  let state = 1;
  const random = (length: number) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 16;
    });
  return LocalCryptoCore.create({ random });
});
testCryptoCore("WorkerCryptoCore", () => WorkerCryptoCore.start());
