import { describe, expect, it } from "vitest";
import type { PlainValue } from "../../../src/codec/contract.ts";
import { matchesPayload, parsePayloadFilter } from "../../../src/replay/payload-filter.ts";

const PAYLOAD: PlainValue = {
  temp: 30.5,
  state: "on",
  alarm: null,
  ok: true,
  nested: { list: [1, { deep: "x" }] },
  "content-type": "a b",
};

function matches(condition: string, payload: PlainValue = PAYLOAD): boolean {
  return matchesPayload(parsePayloadFilter("where", condition), payload);
}

describe("a payload filter", () => {
  it.each([
    "value.temp>30",
    "value.temp >= 30.5",
    "value.temp<1e3",
    "value.temp<=30.5",
    "value.temp!=30",
    "value.temp==30.5",
    "value.state=on",
    'value.state="on"',
    "value.state>off",
    "value.state!=off",
    "value.alarm=null",
    "value.absent=null",
    "value.absent.deeper=null",
    "value.ok=true",
    "value.nested.list[0]=1",
    "value.nested.list[1].deep=x",
    "value.content-type=a b",
  ])("%s holds", (condition) => {
    expect(matches(condition)).toBe(true);
  });

  it.each([
    "value.temp>30.5",
    "value.temp<30.5",
    'value.temp="30.5"',
    "value.temp>abc",
    "value.absent>0",
    "value.absent<0",
    "value.alarm<1",
    "value.state=ON",
    "value.ok=1",
    "value.nested.list[2]=1",
    "value.nested>0",
    "value.constructor!=null",
    "value.state.length=2",
  ])("%s does not hold", (condition) => {
    expect(matches(condition)).toBe(false);
  });

  it("compares the payload itself where there is no path", () => {
    expect(matches("value>20", 21)).toBe(true);
    expect(matches("value=on", "on")).toBe(true);
    expect(matches("value[1]=b", ["a", "b"])).toBe(true);
  });

  it.each([
    "",
    "temp>30",
    "value.temp",
    "value.temp~30",
    "value..temp=1",
    "value.a[x]=1",
    "values.a=1",
  ])("is refused where it is %j, and the option named", (text) => {
    expect(() => parsePayloadFilter("where", text)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(/^where: .*value\.temp>30/s),
      }),
    );
  });
});
