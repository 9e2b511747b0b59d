import { describe, expect, it } from "vitest";
import { readKernelLine } from "./kernel-line.ts";

describe("the line in which a kernel says whether it is ready", () => {
  it.each([
    ['{"ready":true,"pid":7,"url":"http://127.0.0.1:4271"}', { ready: true, port: "4271" }],
    ['{ "url": "http://[::1]:4272/", "pid": 7, "ready": true }', { ready: true, port: "4272" }],
    ['{"ready":true}', { ready: true, port: null }],
    ['{"ready":true,"url":"nowhere"}', { ready: true, port: null }],
    [
      '{"error":{"message":"x","code":"database-unreachable"},"ready":false}',
      { ready: false, refusal: "database-unreachable" },
    ],
    ['{"ready":false}', { ready: false, refusal: null }],
    ['{"ready":false,"error":{"code":3}}', { ready: false, refusal: null }],
  ])("reads %s whatever the order of its keys", (line, said) => {
    expect(readKernelLine(line)).toEqual(said);
  });

  it.each([
    "",
    "ready",
    "null",
    "[]",
    '"ready"',
    '{"ready":1}',
    '{"ready":"true"}',
    '{"ready":true',
    'It says {"ready":true,"url":"http://127.0.0.1:1"}.',
  ])("takes %j for no such line", (line) => {
    expect(readKernelLine(line)).toBeNull();
  });
});
