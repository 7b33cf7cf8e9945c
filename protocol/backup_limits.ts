/**
 * How a backup reaches a running node, for the node and for whoever brings it.
 *
 * @module
 */

/** So much of it comes at once. */
export const MAX_BACKUP_PIECE_BYTES = 256 * 1024;
