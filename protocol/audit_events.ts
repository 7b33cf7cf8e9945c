/**
 * The events that a node's audit log has (docs/ARCHITECTURE.md, "The audit log").
 *
 * @module
 */

/** Their names. */
export const AUDIT_EVENTS = [
  "keystore_opened",
  "started",
  "stopped",
  "registered",
  "register_failed",
  "token_received",
  "token_refused",
  "unasked_half",
  "token_validated",
  "revoked",
  "handshake",
  "handshake_refused",
  "pair_refused",
  "session",
  "session_renewed",
  "session_closed",
  "permission_denied",
  "permission_changed",
  "peer_blocked",
  "peer_unblocked",
  "peer_forgotten",
  "peer_succeeded",
  "peer_key_changed",
  "record_clash",
  "own_key_used_elsewhere",
  "own_past_adopted",
  "clock_jump",
  "clock_skew",
  "backup",
  "restored",
  "data_lost",
  "succeeded",
  "admin_sign_in",
  "module_loaded",
  "module_stopped",
  "module_failed",
  "module_granted",
  "module_revoked",
  "audit_recovered",
  "audit_torn",
  "audit_tail_missing",
  "audit_head_lost",
  "audit_log_missing",
  "audit_lost",
  "audit_pruned",
] as const;

/** The name of one of them. */
export type AuditEventName = typeof AUDIT_EVENTS[number];
