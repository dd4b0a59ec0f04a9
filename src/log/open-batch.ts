/** An open batch is closed at this size, so that a seek never has to read much more. */
export const OPEN_BATCH_BYTES_MAX = 256 * 1024;
