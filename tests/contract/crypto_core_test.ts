import { WorkerCryptoCore } from "../../crypto/client.ts";
import { LocalCryptoCore } from "../../crypto/core.ts";
import { testCryptoCore } from "./crypto_core_contract.ts";
import { createSeededCore } from "../world/cores.ts";

testCryptoCore("LocalCryptoCore", () => LocalCryptoCore.create());
testCryptoCore("LocalCryptoCore, seeded", () => createSeededCore("the contract"));
testCryptoCore("WorkerCryptoCore", () => WorkerCryptoCore.start());
