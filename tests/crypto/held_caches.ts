/**
 * What a library could keep that is loaded before the Worker's own code.
 *
 * @module
 */
export const heldCaches: CacheStorage = caches;
