/**
 * The seed that every member of a network with `--rotation seeded` has.
 *
 * @module
 */

/** Its length, for directories and nodes alike. */
export const NETWORK_SEED_BYTES = { min: 16, max: 4_096 } as const;
