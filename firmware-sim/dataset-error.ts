/** A table that cannot be replayed; the message says which, where and why. */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
}
