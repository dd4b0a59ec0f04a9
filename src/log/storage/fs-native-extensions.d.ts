/** The one function that we use of fs-native-extensions, which brings no types of its own. */
declare module "fs-native-extensions" {
  const fileLocks: {
    /** True where the exclusive lock on the whole file was free and is now ours. */
    tryLock(fd: number): boolean;
  };
  export default fileLocks;
}
