/**
 * A lying directory on a virtual machine.
 *
 * @module
 */
import { LyingDirectory } from "./lying_directory.ts";
import { bootProcess } from "./machine.ts";
import { createSimulatedCore } from "./simulated_core.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import type { World } from "./world.ts";
import { CHEAP_COST } from "../world/cores.ts";

/** Starts a lying directory at an address that the nodes list. */
export async function createLiar(
  world: World,
  address: string,
): Promise<{ liar: LyingDirectory; process: VirtualProcess }> {
  const process = bootProcess(world.loop, world.addHost("liar", address));
  const random = world.random.fork("liar");
  const crypto = await createSimulatedCore({
    loop: world.loop,
    process,
    random: random.fork("core"),
    trace: world.trace,
  });
  const secret = random.bytes(32);
  const made = crypto.createKeystore({ secret: secret.slice(), cost: CHEAP_COST });
  const { sealed } = await world.loop.complete(made, 1_000);
  const keystore = await world.loop.complete(crypto.openKeystore({ sealed, secret }), 1_000);
  world.issuers.add(keystore.nodeId);
  const http = world.network.clientFor(process);
  const liar = new LyingDirectory({ crypto, keystore, process, http, random });
  process.handler = (request) => liar.handle(request);
  return { liar, process };
}
