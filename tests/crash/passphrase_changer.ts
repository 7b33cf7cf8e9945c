/**
 * A process that sets, changes and removes the passphrase of a data directory without end, and says before and after
 * each time what it does. It is there to be killed. Arguments: the directory, and the present passphrase or nothing.
 *
 * @module
 */
import { LocalCryptoCore } from "../../crypto/core.ts";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { changePassphrase, removePassphrase, setPassphrase } from "../../ports/node_secret.ts";
import { lockDirectory, openFiles } from "../../ports/system.ts";
import { CHEAP_COST } from "../world/cores.ts";

const NEXT: Readonly<Record<string, string>> = {
  "": "the first passphrase",
  "the first passphrase": "the second passphrase",
  "the second passphrase": "",
};

async function change(
  ports: { crypto: LocalCryptoCore; files: ReturnType<typeof openFiles> },
  { from, to }: { from: string; to: string },
): Promise<void> {
  const passphrase = encodeUtf8(from);
  const newPassphrase = encodeUtf8(to);
  if (from === "") await setPassphrase(ports, { passphrase: newPassphrase, cost: CHEAP_COST });
  else if (to === "") await removePassphrase(ports, { passphrase });
  else await changePassphrase(ports, { passphrase, newPassphrase, cost: CHEAP_COST });
}

const [data = "", present = ""] = Deno.args;
lockDirectory(data);
const ports = { crypto: await LocalCryptoCore.create(), files: openFiles(data) };
const say = (line: string) => Deno.stdout.writeSync(encodeUtf8(`${line}\n`));
for (let from = present;;) {
  const to = NEXT[from]!;
  say(`from ${from}`);
  say(`to ${to}`);
  await change(ports, { from, to });
  from = to;
}
