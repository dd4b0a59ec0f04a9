/**
 * The properties of an MQTT 5 packet: a list of numbered values, with its size in bytes before it.
 *
 *     varint     size of what follows
 *     repeated   varint number, then the value, whose type the number tells
 *
 * Source: MQTT 5.0, section 2.2.2.
 */
import type { UserProperties } from "./packet.ts";
import { malformed, protocolError } from "./packet-error.ts";
import type { PacketReader } from "./packet-reader.ts";
import type { PacketWriter } from "./packet-writer.ts";
import {
  type Place,
  type Properties,
  type Property,
  placeOf,
  propertiesOf,
  propertyOf,
} from "./property-table.ts";

export const NO_PROPERTIES: Properties = Object.freeze({});

type Values = Record<string, unknown>;

/** Only properties of `place` are answered. @throws PacketError */
export function readProperties(reader: PacketReader, place: Place): Properties {
  const size = reader.varint();
  if (size === 0) return NO_PROPERTIES;
  const outerEnd = reader.enter(size);
  const values: Values = {};
  while (reader.remaining > 0) readProperty(reader, place, values);
  reader.leave(outerEnd);
  return values;
}

function readProperty(reader: PacketReader, place: Place, values: Values): void {
  const id = reader.varint();
  const property = propertyOf(id);
  if (property === undefined || (property.places & placeOf(place)) === 0) {
    throw malformed(`Property ${id} does not belong to this packet [section 2.2.2.2].`);
  }
  const { name, kind } = property;
  if (kind === "ids" || kind === "pairs") {
    const value = kind === "ids" ? readId(reader) : readPair(reader);
    const list = values[name] as unknown[] | undefined;
    if (list === undefined) values[name] = [value];
    else list.push(value);
    return;
  }
  if (values[name] !== undefined) {
    throw protocolError(`Property ${id} must not come twice [section 2.2.2.2].`);
  }
  values[name] = readValue(reader, property);
}

function readValue(reader: PacketReader, { id, kind }: Property): unknown {
  switch (kind) {
    case "bit":
      return readBit(reader, id);
    case "boolean":
      return readBit(reader, id) === 1;
    case "uint16":
      return reader.uint16();
    case "positive uint16":
      return positive(reader.uint16(), id);
    case "uint32":
      return reader.uint32();
    case "positive uint32":
      return positive(reader.uint32(), id);
    case "text":
      return reader.text();
    default:
      return reader.binary();
  }
}

function readBit(reader: PacketReader, id: number): number {
  const value = reader.uint8();
  if (value > 1) throw protocolError(`Property ${id} must be 0 or 1 [section 2.2.2.2].`);
  return value;
}

function positive(value: number, id: number): number {
  if (value === 0) throw protocolError(`Property ${id} must not be 0 [section 3.1.2.11].`);
  return value;
}

function readId(reader: PacketReader): number {
  const id = reader.varint();
  if (id > 0) return id;
  throw protocolError("A subscription identifier must not be 0 [section 3.8.2.1.2].");
}

function readPair(reader: PacketReader): readonly [name: string, value: string] {
  const name = reader.text();
  return [name, reader.text()];
}

/** Writes those of `properties` that belong to `place`. */
export function writeProperties(writer: PacketWriter, place: Place, properties: Properties): void {
  const beginning = writer.beginSized();
  writePropertyList(writer, place, properties);
  writer.endSized(beginning);
}

/** The same without the size in front of them. */
export function writePropertyList(
  writer: PacketWriter,
  place: Place,
  properties: Properties,
): void {
  for (const property of propertiesOf(place)) {
    const value = properties[property.name];
    if (value === undefined) continue;
    if (property.kind === "ids") {
      for (const id of value as readonly number[]) {
        writer.uint8(property.id);
        writer.varint(id);
      }
    } else if (property.kind === "pairs") {
      writePairs(writer, property.id, value as UserProperties);
    } else {
      writer.uint8(property.id);
      writeValue(writer, property, value);
    }
  }
}

/** True where `properties` says something that belongs to `place`. */
export function hasProperties(place: Place, properties: Properties): boolean {
  return propertiesOf(place).some(({ name }) => properties[name] !== undefined);
}

function writePairs(writer: PacketWriter, id: number, pairs: UserProperties): void {
  for (const [name, value] of pairs) {
    writer.uint8(id);
    writer.text(name);
    writer.text(value);
  }
}

function writeValue(writer: PacketWriter, { kind }: Property, value: unknown): void {
  switch (kind) {
    case "bit":
    case "boolean":
      return writer.uint8(Number(value));
    case "uint16":
    case "positive uint16":
      return writer.uint16(value as number);
    case "uint32":
    case "positive uint32":
      return writer.uint32(value as number);
    case "text":
      return writer.text(value as string);
    default:
      return writer.binary(value as Buffer);
  }
}
