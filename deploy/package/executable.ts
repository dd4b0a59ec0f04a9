/**
 * Puts a bundle and its addons into a copy of Node, with pkg in its single-executable mode. pkg
 * would download that Node; it is given the one from the npm package in the place where it keeps
 * what it downloaded, marked as complete, so it fetches nothing.
 */
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import pkg from "@yao-pkg/pkg/lib-es5/sea.js";
import { CACHE, packageFolder } from "./npm-package.ts";
import { type Architecture, NODE_VERSION, nodePackage } from "./targets.ts";

export interface Executable {
  readonly architecture: Architecture;
  readonly mainScript: string;
  /** Paths of the addons' files, by the name they are asked for. */
  readonly assets: Readonly<Record<string, string>>;
  readonly output: string;
}

export async function writeExecutable(executable: Executable): Promise<void> {
  if (process.versions.node !== NODE_VERSION) {
    throw new Error(
      `Node ${NODE_VERSION} must do this (by npm run package), not ${process.version}`,
    );
  }
  const home = join(CACHE, "pkg-home");
  await placeNode(home, executable.architecture);
  await mkdir(dirname(executable.output), { recursive: true });
  process.env["HOME"] = home;
  await pkg.default(executable.mainScript, {
    targets: [
      {
        nodeRange: `node${NODE_VERSION}`,
        platform: "linux",
        arch: executable.architecture,
        output: executable.output,
      },
    ],
    seaConfig: {
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      useCodeCache: false, // Code of one architecture is no use on another.
      assets: executable.assets,
    },
  });
  await chmod(executable.output, 0o755);
}

async function placeNode(home: string, architecture: Architecture): Promise<void> {
  const folder = join(home, ".pkg-cache", "sea");
  const release = `node-v${NODE_VERSION}-linux-${architecture}`;
  const archive = join(folder, `${release}.tar.gz`);
  const binary = join(folder, release, "bin", "node");
  await mkdir(dirname(binary), { recursive: true });
  await copyFile(join(await packageFolder(nodePackage(architecture)), "bin", "node"), binary);
  for (const file of [archive, `${archive}.ok`, `${binary}.ok`]) await writeFile(file, "");
}
