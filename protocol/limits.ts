/**
 * Every size, span and count that both ends of a wire have to agree on.
 *
 * @module
 */

export { STANDBY_LIFE_MS, STANDBY_PER_SESSION } from "../crypto/interface.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const PROTOCOL_VERSION = 3;

/** What a reader allows to `iat`, `exp` and `expires_at`. */
export const CLOCK_ALLOWANCE_MS = 120 * SECOND_MS;
/** A `core.hello` says its sender's clock in whole steps of this. */
export const HELLO_CLOCK_STEP_MS = 10 * SECOND_MS;

export const MAX_RECORD_BYTES = 2 * 1024;
export const MAX_RECORD_LIFE_S = 24 * 3600;
export const MAX_NAMES = 32;
export const MAX_NAME_LENGTH = 64;
export const MAX_ALIAS_LENGTH = 64;
export const MAX_URL_BYTES = 256;
/** Direct addresses of a record, and the length of each. */
export const MAX_DIRECT_URLS = 3;
export const MAX_DIRECT_URL_BYTES = 64;
/** Paths in a `core.paths`. */
export const MAX_PATHS = 4;
/** Other paths of a peer are not looked at before that. */
export const PATHS_PAUSE_MS = 60_000;
export const MAX_SUCCESSION_CHAIN = 8;

export const PROOF_WINDOW_S = 60;
export const PROOF_MEMORY_MS = 180 * SECOND_MS;

/** Time-out of a call to a URL that a stranger wrote. */
export const CALL_TIMEOUT_MS = 5 * SECOND_MS;
export const MAX_ANSWER_BYTES = 16 * 1024;
export const MAX_CALLBACK_ANSWER_BYTES = 4 * 1024;
export const MAX_DISCOVER_ANSWER_BYTES = 256 * 1024;

export const MAX_ENVELOPE_BYTES = 8 * 1024;
export const PAIR_LIFE_MS = 5 * MINUTE_MS;
/** How long after its end a `pair_id` is remembered. */
export const PAIR_MEMORY_MS = 5 * MINUTE_MS;
export const MAX_UNUSED_PAIRS_PER_PEER = 4;
export const MAX_UNUSED_PAIRS_PER_DIRECTORY = 1_000;
export const MAX_STANDBY_SETS_PER_PEER = 8;

export const MAX_HANDSHAKE_BYTES = 16 * 1024;
export const MAX_HANDSHAKES_PER_PAIR = 8;
/** How long lost answers are given again, and unconfirmed sessions kept. */
export const CONFIRMATION_MS = 2 * MINUTE_MS;
/** How long one message 1 is repeated. */
export const ATTEMPT_MS = MINUTE_MS;

export const MIN_SESSION_LIFE_MS = MINUTE_MS;
export const MAX_SESSION_LIFE_MS = DAY_MS;
/** How much longer than it sends a session receives. */
export const RECEIVE_LONGER_MS = 2 * MINUTE_MS;

export const STEP_LIFE_MS = HOUR_MS;
export const MAX_FRAME_BYTES = 2 ** 20;
export const FRAME_HEAD_BYTES = 29;
export const FRAME_TAG_BYTES = 16;
/** Header length (2), body length (4). */
export const FRAME_LENGTHS_BYTES = 6;
export const MAX_FRAME_HEADER_BYTES = 4 * 1024;
export const MAX_FRAME_MESSAGES = 64;
/** A POSTed frame: base64url and the JSON around it. */
export const MAX_MESSAGE_REQUEST_BYTES = 3 * 2 ** 19;
export const MAX_ACK_IDS = 64;
export const MAX_KEEP_IDS = 16;
export const MAX_SYNC_PAIRS = 64;
export const CHANNEL_FIRST_FRAME_MS = 5 * SECOND_MS;

/** For how long a caller repeats a sealed call, and how often. */
export const CALL_REPEAT_MS = 2 * MINUTE_MS;
export const MAX_CALL_REPEATS = 8;
/** For how long the called node knows a sealed call: a last repeat may be long on its way. */
export const CALL_MEMORY_MS = 150 * SECOND_MS;
/** How long a POST waits for the answer to the sealed call that it carried. */
export const CALL_WAIT_MS = 10 * SECOND_MS;
/** The whole frame of an answer. */
export const MAX_CALL_ANSWER_BYTES = 64 * 1024;
/** The answer to a POST that carries such a frame: base64url and the JSON around it. */
export const MAX_CALL_RESPONSE_BYTES = 96 * 1024;
/** Sealed calls of one peer that are being answered, or whose answers are kept. */
export const MAX_KEPT_ANSWERS_PER_PEER = 16;
/** All answers that are kept. */
export const MAX_KEPT_ANSWER_BYTES = 16 * 2 ** 20;

/** A frame between a node and its relay. */
export const MAX_RELAY_FRAME_BYTES = 64 * 1024;
/** What one `data` of it carries. */
export const MAX_RELAY_DATA_BYTES = MAX_RELAY_FRAME_BYTES - 8;
/** The JSON of an `open`. */
export const MAX_RELAY_HEAD_BYTES = 8 * 1024;
/** What either end of a stream may send before the other one gives credit back. */
export const RELAY_CREDIT_BYTES = 256 * 1024;
/** What a `data` costs at least. */
export const MIN_RELAY_DATA_COST = 1024;
/** How long a node may take to prove whose link it opened. */
export const RELAY_PROOF_MS = 5 * SECOND_MS;
/** How long after one instance of a node took the place of another a third one waits. */
export const RELAY_REPLACE_MS = MINUTE_MS;
/** Relays that a directory names. */
export const MAX_NAMED_RELAYS = 16;
