/**
 * What a group may have, as every node of it has to know.
 *
 * @module
 * @see docs/PROTOCOL.md, "Groups"
 */

/** Members at a time, those who were invited included. */
export const MAX_MEMBERS = 256;
/** Additions in the life of a group; then it is founded anew. */
export const MAX_ADDITIONS = 2_048;
/** Statements in the life of a group. */
export const MAX_STATEMENTS = 10_000;
/** Statements that others stand above, which are kept as proof and for what was written under them. */
export const MAX_DISPLACED = 64;
/** Statements that wait for those before them. */
export const MAX_WAITING = 64;
export const MAX_STATEMENT_BYTES = 64 * 1024;
export const MAX_MEMBERSHIP_BYTES = 24 * 1024;
/** A signed message goes in the header of a frame. */
export const MAX_MESSAGE_BYTES = 2_560;
export const MAX_SUMMARY_BYTES = 256 * 1024;
export const MAX_VECTOR_BYTES = 960 * 1024;
export const MAX_GROUP_NAME_BYTES = 256;

/** Runs of a member in a group. */
export const MAX_RUNS = 24;
export const MAX_NUMBER = 1_000_000_000;
/** How far a number may be ahead of the highest that is held of its run. */
export const MAX_AHEAD = 10_000;
/** Ranges of a run in a vector. */
export const MAX_RANGES = 64;
/** Numbers of a run that a vector names as held twice. */
export const MAX_TWICE = 64;
/** Messages that one names as seen. */
export const MAX_SEEN = 8;
export const SALT_BYTES = 16;
/** Places of the chain that a summary names. */
export const MAX_HEADS = 32;
