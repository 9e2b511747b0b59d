/**
 * What the kernel's program ends with, and its launcher decides by. Imports nothing, because the
 * launcher needs it before anything else runs.
 */

/** The request or the configuration could not be read. */
export const INVALID_REQUEST = 2;
/** Something that it needs could not be had: the state directory, the database, the repository host. */
export const UNAVAILABLE = 3;
/** It asks to be started again, from wherever the pointer leads now. */
export const START_AGAIN = 75;
