/** Leaves a process without descriptors, for tests of what it does then: run it under `ulimit -n`. */
import { type FileHandle, open } from "node:fs/promises";

/** All that are left; whoever took them closes them. */
export async function takeAllDescriptors(): Promise<FileHandle[]> {
  const handles: FileHandle[] = [];
  for (;;) {
    try {
      handles.push(await open("/dev/null"));
    } catch {
      return handles;
    }
  }
}
