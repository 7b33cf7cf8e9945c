/**
 * A scenario: what goes wrong in a run before everything heals.
 *
 * @module
 */
import type { WorldOptions } from "./world.ts";
import type { World } from "./world.ts";

export interface Scenario {
  readonly name: string;
  readonly options?: Omit<WorldOptions, "seed">;
  run(world: World): Promise<void>;
}
