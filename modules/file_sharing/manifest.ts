/**
 * What file sharing says of itself.
 *
 * @module
 */
import type { ManifestInput } from "../../protocol/module_manifest.ts";

/** To offer files here, and to fetch what was shared with that peer. */
export const FILES_PERMISSION = "files";
/** To have what it offers here accepted by itself, up to a quota. */
export const FILES_AUTO_PERMISSION = "files_auto";

/** The sealed call that offers a share. */
export const SHARE = "share";
/** The sealed call that begins a transfer, or goes on with one. */
export const REQUEST = "request";
/** The sealed call that asks for what a share requires first. */
export const UNLOCK = "unlock";
export const END = "end";
export const DECLINE = "decline";

export const FILE_SHARING_MANIFEST = {
  name: "file_sharing",
  version: "1.0.0",
  api: 1,
  summary: "Files of any size, checked bit by bit, resumed after anything",
  services: ["files"],
  permissions: [FILES_PERMISSION, FILES_AUTO_PERMISSION],
  options: [
    {
      type: "text",
      name: "auto_folder",
      summary: "Where files land that are accepted by themselves; without it, none are",
      fallback: "",
    },
    {
      type: "number",
      name: "auto_quota_mib",
      summary: "How many MiB of one peer are accepted by themselves in 30 days",
      fallback: 1_024,
      min: 0,
      max: 2 ** 27,
    },
    {
      type: "number",
      name: "upload_limit",
      summary: "Bytes that leave in a second at most, over all uploads; 0 for no limit",
      fallback: 0,
      min: 0,
      max: 2 ** 40,
    },
    {
      type: "number",
      name: "max_uploads",
      summary: "Transfers that peers may have open here at one time",
      fallback: 1_024,
      min: 1,
      max: 1_024,
    },
  ],
  frames: [
    { type: SHARE, answers: true, members: ["share", "expires_at", "note", "require"] },
    { type: UNLOCK, answers: true, members: ["share", "download"] },
    { type: REQUEST, answers: true, members: ["share", "file", "download"] },
    { type: END, members: ["transfer", "reason"] },
    { type: DECLINE, members: ["share"] },
  ],
} satisfies ManifestInput;
