/**
 * How a test makes a whole node: every rig says here what is different in its one.
 *
 * @module
 */
import type { NodeConfig } from "../../peer/config.ts";
import { BUILT_IN_MODULES } from "../../modules/built_in.ts";
import type { BuiltInModule } from "../../peer/modules/host.ts";
import { createNode, type NodePorts, type OpenNode } from "../../peer/node.ts";
import { NODE_DEFAULTS } from "../../protocol/node_settings.ts";
import { CHEAP_COST } from "./cores.ts";

export const ADMIN_TOKEN = "the token of the tests";

/** What a rig says of its node; the rest is as in the product, but for the cost of sealing keys. */
export type NodeSettings = Partial<NodeConfig> & Pick<NodeConfig, "apiUrl">;

export interface NodeMakings {
  readonly ports: NodePorts;
  readonly config: NodeSettings;
  /** Further modules, besides those of the program, or in the place of one of the same name. */
  readonly modules?: readonly BuiltInModule[] | undefined;
}

/** Makes a node by the factory of the binary. */
export function composeNode({ ports, config, modules = [] }: NodeMakings): Promise<OpenNode> {
  return createNode(ports, {
    ...NODE_DEFAULTS,
    version: "test",
    adminToken: ADMIN_TOKEN,
    keystoreCost: CHEAP_COST,
    ...config,
  }, [
    ...BUILT_IN_MODULES.filter(({ name }) => modules.every((other) => other.name !== name)),
    ...modules,
  ]);
}
