import { expect, test } from "vitest";
import { parseSparkplugTopic } from "../../../../bridge/sparkplug/topic.ts";

test.each(["NBIRTH", "NDEATH", "NDATA", "NCMD"])("%s is of an edge node", (type) => {
  expect(parseSparkplugTopic(`spBv1.0/G/${type}/N`)).toEqual({
    type,
    group: "G",
    node: "N",
    device: undefined,
  });
});

test.each(["DBIRTH", "DDEATH", "DDATA", "DCMD"])("%s is of a device", (type) => {
  expect(parseSparkplugTopic(`spBv1.0/G/${type}/N/D`)).toEqual({
    type,
    group: "G",
    node: "N",
    device: "D",
  });
});

test.each(["spBv1.0/STATE/scada", "STATE/scada"])("%s is a host's state", (topic) => {
  expect(parseSparkplugTopic(topic)).toEqual({ type: "STATE", host: "scada" });
});

test.each([
  "spBv1.0",
  "spBv1.0/G",
  "spBv1.0/G/NBIRTH",
  "spBv1.0/G/NBIRTH/N/D",
  "spBv1.0/G/DBIRTH/N",
  "spBv1.0/G/DDATA/N/D/more",
  "spBv1.0/G/nbirth/N",
  "spBv1.0//NBIRTH/N",
  "spBv1.0/G/NBIRTH/",
  "spAv1.0/G/NBIRTH/N",
  "plant/7",
  "STATE/a/b",
])("%s is none of Sparkplug B", (topic) => {
  expect(parseSparkplugTopic(topic)).toBeUndefined();
});
