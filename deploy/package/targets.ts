/**
 * What is built, and the native code that goes into it. Each addon replaces the loader of the npm
 * package that brings it: such loaders search node_modules, which an executable has none of.
 */
export type Architecture = "x64" | "arm64";

export const ARCHITECTURES: readonly Architecture[] = ["x64", "arm64"];

/** The Node that is embedded. pkg itself must run on the same version (its blob's layout differs). */
export const NODE_VERSION = "24.21.0";

export function nodePackage(architecture: Architecture): string {
  return `node-linux-${architecture}`;
}

export interface Addon {
  readonly name: string;
  /** The npm package and the file in it that hold the compiled code. */
  readonly packageName: (architecture: Architecture) => string;
  readonly file: (architecture: Architecture) => string;
  /** The module, by the end of its path, whose whole content gives way to the addon. */
  readonly replaces: string;
  /** Whether that module is the addon, or a function that answers it. */
  readonly shape: "exports" | "loader";
}

export const ADDONS: readonly Addon[] = [
  {
    name: "lmdb",
    packageName: (architecture) => `@lmdb/lmdb-linux-${architecture}`,
    file: () => "node.napi.glibc.node",
    replaces: "lmdb/node_modules/node-gyp-build-optional-packages",
    shape: "loader",
  },
  {
    name: "crc32",
    packageName: (architecture) => `@node-rs/crc32-linux-${architecture}-gnu`,
    file: (architecture) => `crc32.linux-${architecture}-gnu.node`,
    replaces: "node_modules/@node-rs/crc32/index.js",
    shape: "exports",
  },
  {
    name: "snappy",
    packageName: (architecture) => `@napi-rs/snappy-linux-${architecture}-gnu`,
    file: (architecture) => `snappy.linux-${architecture}-gnu.node`,
    replaces: "node_modules/snappy/index.js",
    shape: "exports",
  },
  {
    name: "lz4",
    packageName: (architecture) => `@antoniomuso/lz4-napi-linux-${architecture}-gnu`,
    file: (architecture) => `lz4-napi.linux-${architecture}-gnu.node`,
    replaces: "node_modules/lz4-napi/index.js",
    shape: "exports",
  },
  {
    name: "fs-native-extensions",
    packageName: () => "fs-native-extensions",
    file: (architecture) => `prebuilds/linux-${architecture}/fs-native-extensions.node`,
    replaces: "node_modules/fs-native-extensions/binding.js",
    shape: "exports",
  },
];
