/**
 * The access file changed by a command: its comments and its form stay, it is checked before it is
 * written, and it is replaced whole, so that a power cut leaves the old one or the new.
 */
import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { isMap, type YAMLMap } from "yaml";
import { messageOf, TributaryError } from "../../base/errors.ts";
import { readYamlDocument, YamlDocument } from "../../config/yaml-document.ts";
import { ACCESS_FILE, parseAccessFile, parseAccessText } from "./access-file.ts";

const NEW_FILE = "# Who may do what on this gateway: docs/access.md.\nusers: {}\n";
/** For its owner; whoever could read it could try passwords against its hashes. */
const NEW_FILE_MODE = 0o600;
const NEVER_FOR_OTHERS = 0o640;

/**
 * Changes `users:`; a file that is not there is created.
 * @throws CONFIG_INVALID where the file is broken; STORAGE_FAILED where it cannot be written
 */
export function editUsers(file: string, edit: (users: YAMLMap) => void): void {
  const path = existsSync(file) ? realpathSync(file) : file;
  const yaml = existsSync(path)
    ? readYamlDocument(path, ACCESS_FILE)
    : new YamlDocument(path, NEW_FILE, ACCESS_FILE.schema);
  parseAccessFile(yaml);
  const { document } = yaml;
  if (!document.has("users")) document.set("users", document.createNode({}));
  const users = document.get("users");
  if (!isMap(users)) throw new TributaryError("CONFIG_INVALID", `${file}: users must be a map.`);
  edit(users);
  // A line a user, also where the map was written in braces; long hashes are not folded.
  users.flow = users.items.length === 0;
  const text = document.toString({ lineWidth: 0 });
  parseAccessText(path, text);
  try {
    replaceFile(path, text);
  } catch (error) {
    const message = `The access file cannot be written: ${messageOf(error)}.`;
    throw new TributaryError("STORAGE_FAILED", message, { cause: error });
  }
}

/** Owner, group and the group's right to read stay as they were: the gateway must read it. */
function replaceFile(path: string, text: string): void {
  const before = existsSync(path) ? statSync(path) : undefined;
  const folder = dirname(path);
  const beside = join(folder, `.${basename(path)}.${process.pid}.new`);
  const file = openSync(beside, "wx", NEW_FILE_MODE);
  try {
    try {
      writeFileSync(file, text);
      if (before !== undefined) {
        keepOwner(file, before);
        fchmodSync(file, before.mode & NEVER_FOR_OTHERS);
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** Only root may give a file away, and has to where the file is the service's. */
function keepOwner(file: number, { uid, gid }: { uid: number; gid: number }): void {
  const own = fstatSync(file);
  if (own.uid !== uid || own.gid !== gid) fchownSync(file, uid, gid);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
