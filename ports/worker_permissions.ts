/**
 * What Workers of this process may do.
 *
 * @module
 */

/** Nothing; what one may is written over it. `"none"` would leave it to import from some hosts. */
export const NO_PERMISSIONS: Deno.PermissionOptionsObject = {
  env: false,
  ffi: false,
  import: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
};
