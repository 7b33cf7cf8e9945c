/**
 * The networks of this machine, as the system names its interfaces.
 *
 * @module
 */
import type { OwnNetworks } from "./ports.ts";

/** None where the system does not say, or the program may not ask. */
export const systemNetworks: OwnNetworks = {
  list() {
    try {
      return Deno.networkInterfaces()
        .filter(({ family }) => family === "IPv4")
        .map(({ address, cidr }) => ({ address, bits: Number(cidr?.split("/")[1]) }))
        .filter(({ bits }) => Number.isInteger(bits) && bits >= 0 && bits <= 32);
    } catch {
      return [];
    }
  },
};
