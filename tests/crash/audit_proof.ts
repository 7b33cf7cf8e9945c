/**
 * Asks `openred-node audit verify` about the logs of nodes that died, against the heads they had before.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { LocalNetwork, LocalNode } from "../../scripts/local_network/network.ts";
import { childEnvironment } from "../../scripts/local_network/programs.ts";

interface Report {
  readonly lines: number;
  readonly head: { readonly number: number; readonly hash: string };
}

/** The heads seen so far: a line once shown must never be gone. */
export class AuditProof {
  readonly #network: LocalNetwork;
  readonly #heads = new Map<string, string>();
  /** How many logs were verified. */
  verified = 0;

  constructor(network: LocalNetwork) {
    this.#network = network;
  }

  /** @throws {Error} With what the program says, if a line was changed, removed or cut off. */
  async verify(node: LocalNode): Promise<void> {
    const head = this.#heads.get(node.name);
    const [program = "", ...words] = this.#network.command("node", node.name);
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [
        ...words,
        ...["audit", "verify", "--json", "--data", node.data],
        ...head === undefined ? [] : ["--head", head],
      ],
      clearEnv: true,
      env: childEnvironment(),
    }).output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    assertEquals(code, 0, `The audit log of ${node.name}: ${said}`);
    const report: Report = JSON.parse(new TextDecoder().decode(stdout));
    this.#heads.set(node.name, `${report.head.number}:${report.head.hash}`);
    this.verified += 1;
  }
}
