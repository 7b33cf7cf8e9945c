/**
 * Working on the keys of a node that does not run.
 *
 * @module
 */
import { failure } from "../cli/command_error.ts";
import type { KeyOptions, PassphraseChange } from "../cli/node_keeper.ts";
import { WorkerCryptoCore } from "../crypto/client.ts";
import { CryptoError, type KeystoreCost } from "../crypto/interface.ts";
import { settleData } from "../peer/data/data_state.ts";
import type { DataPorts } from "../peer/data/succeed.ts";
import {
  changePassphrase,
  readNodeSecret,
  removePassphrase,
  SECRET_FILE,
  setPassphrase,
} from "../ports/node_secret.ts";
import {
  createOpenDatabase,
  hasOtherNames,
  openFiles,
  systemClock,
  systemRandom,
} from "../ports/system.ts";
import { explained, lockData, refuseEmptyData } from "./data_directory.ts";

export const WRONG_PASSPHRASE =
  "The passphrase is wrong, or the file is damaged; nothing was changed";
const WRONG_SECRET =
  `The keys do not open: keystore or ${SECRET_FILE} is damaged, or they are of two nodes; nothing was changed`;

/** Runs work on a core of its own; keys that do not open are the operator's matter, in the words of `refusal`. */
export async function withCore<T>(
  work: (crypto: WorkerCryptoCore) => Promise<T>,
  refusal: string,
): Promise<T> {
  const crypto = await WorkerCryptoCore.start();
  try {
    return await work(crypto);
  } catch (cause) {
    if (!isWrong(cause)) throw cause;
    throw failure(refusal, { cause });
  } finally {
    await crypto.stop();
  }
}

export function portsOf(data: string, crypto: WorkerCryptoCore): DataPorts {
  return {
    crypto,
    clock: systemClock,
    random: systemRandom,
    files: openFiles(data),
    openDatabase: createOpenDatabase(data),
  };
}

/** Holds the lock and a core while a node's keys are worked on. */
export async function onKeys(
  options: Pick<KeyOptions, "data" | "askPassphrase" | "askNewPassphrase" | "tries">,
  work: (ports: DataPorts, passphrase: Uint8Array | undefined) => Promise<string>,
): Promise<string> {
  const { data } = options;
  using _lock = lockData(data);
  return await explained(data, async () => {
    const stored = await readNodeSecret(openFiles(data));
    if (stored?.kind === "plain") stored.secret.fill(0);
    const refusal = stored?.kind === "plain" ? WRONG_SECRET : WRONG_PASSPHRASE;
    return await withCore(async (crypto) => {
      const ports = portsOf(data, crypto);
      if (stored?.kind !== "sealed") return await work(ports, await options.askNewPassphrase?.());
      return await withTries(options.tries ?? 1, async (isAgain) => {
        return await work(ports, await options.askPassphrase(isAgain));
      });
    }, refusal);
  });
}

/** Does something that nothing has come of where a passphrase is wrong, up to so many times. */
export async function withTries<T>(
  tries: number,
  work: (isAgain: boolean) => Promise<T>,
): Promise<T> {
  for (let left = tries;; left--) {
    try {
      return await work(left < tries);
    } catch (error) {
      if (left <= 1 || !isWrong(error)) throw error;
    }
  }
}

function isWrong(error: unknown): boolean {
  return error instanceof CryptoError && error.code === "unseal_failed";
}

/**
 * Changes how the keys are sealed. The passphrases are asked for once it is sure that the keys are there and that no
 * node uses them.
 * @throws {CommandError} Exit code 1; then nothing was changed.
 */
export async function changeKeysPassphrase(
  data: string,
  options: {
    read: (isAgain: boolean) => Promise<PassphraseChange>;
    tries: number;
    cost: KeystoreCost | undefined;
  },
): Promise<void> {
  await refuseEmptyData(data);
  using _lock = lockData(data);
  if (hasOtherNames(data, SECRET_FILE)) {
    throw failure(
      `--data: ${SECRET_FILE} has another name elsewhere, a hard link, and would stay readable there`,
    );
  }
  const { read, tries, cost } = options;
  await explained(data, () =>
    withCore(
      (crypto) =>
        withTries(tries, async (isAgain) => {
          await applyChange(portsOf(data, crypto), { ...await read(isAgain), cost });
        }),
      "The passphrase is wrong; nothing was changed",
    ));
}

async function applyChange(
  ports: DataPorts,
  change: PassphraseChange & { cost: KeystoreCost | undefined },
): Promise<void> {
  await settleData(ports);
  if (change.kind === "set") await setPassphrase(ports, change);
  else if (change.kind === "change") await changePassphrase(ports, change);
  else await removePassphrase(ports, change);
}
