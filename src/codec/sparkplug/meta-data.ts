/** What is said of a binary value (Payload.MetaData): the fields in the order of their numbers. */
import type { PlainValue } from "../contract.ts";
import type { ProtobufReader } from "../protobuf-reader.ts";
import { ProtobufWriter } from "../protobuf-writer.ts";
import { Fields } from "./fields.ts";
import { toBoolean, toInteger, toText, wholeOf } from "./scalars.ts";

const META_DATA_FIELDS = [
  ["multiPart", "boolean"],
  ["contentType", "text"],
  ["size", "whole"],
  ["seq", "whole"],
  ["fileName", "text"],
  ["fileType", "text"],
  ["md5", "text"],
  ["description", "text"],
] as const;

export type MetaData = { readonly [field: string]: PlainValue };

export function readMetaData(reader: ProtobufReader): MetaData {
  const draft: { [field: string]: PlainValue } = {};
  while (reader.next()) {
    const [name, kind] = META_DATA_FIELDS[reader.field - 1] ?? [];
    if (name === undefined) reader.skip();
    else if (kind === "boolean") draft[name] = reader.boolean();
    else if (kind === "whole") draft[name] = wholeOf(reader.uint64());
    else draft[name] = reader.string();
  }
  return draft;
}

export function writeMetaData(value: PlainValue): ProtobufWriter {
  const names = META_DATA_FIELDS.map(([name]) => name);
  const fields = new Fields(value, "metadata", names);
  const writer = new ProtobufWriter();
  for (const [index, [name, kind]] of META_DATA_FIELDS.entries()) {
    fields.given(name, (content) => {
      if (kind === "boolean") writer.boolean(index + 1, toBoolean(content));
      else if (kind === "whole") writer.uint64(index + 1, toInteger(content, "UInt64"));
      else writer.string(index + 1, toText(content));
    });
  }
  return writer;
}
