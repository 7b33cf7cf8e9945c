/**
 * How long a recovery phrase is, for the console's page as well, which reads no schemas.
 *
 * @module
 */

/** How many words it has: 32 bytes and their checksum, 11 bits each (BIP 39). */
export const PHRASE_WORDS = 24;

/** The longest text that is read for one: blanks and numbers may stand between its words. */
export const MAX_PHRASE_LENGTH = 1_024;
