import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { guardedFetch, type FetchRules } from "./guarded-fetch.ts";
import { isPublicAddress } from "./public-address.ts";

const never = new AbortController().signal;
const here: FetchRules = {
  hosts: ["a.example", "*.b.example"],
  // In these tests the public internet is this host.
  isPublic: (address) => address === "127.0.0.1",
  resolve: async () => await Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
};

describe("an address that is not public", () => {
  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "192.0.2.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
    "2001::1",
    "fe80::1%eth0",
    "2606:4700::1%lo",
    "localhost",
    "",
    "127.1",
    "0x7f000001",
  ])("is %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(["1.1.1.1", "93.184.216.34", "2606:4700::1111"])("is not %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe("a URL", () => {
  it("of a listed host is read, with where its answer came from", async () => {
    const port = await serve((request, response) => {
      if (request.url === "/start") response.writeHead(302, { location: "/end" }).end();
      else
        response.writeHead(200, { "content-type": "text/plain" }).end(`at ${request.headers.host}`);
    });
    expect(await guardedFetch(`http://x.b.example:${port}/start`, here, never)).toEqual({
      status: 200,
      url: `http://x.b.example:${port}/end`,
      contentType: "text/plain",
      body: `at x.b.example:${port}`,
      isWhole: true,
    });
  });

  it.each([
    ["of another host", "http://c.example/", "does not list"],
    ["of a host that only ends alike", "http://evilb.example/", "does not list"],
    ["of the name itself where what is below it is listed", "http://b.example/", "does not list"],
    ["with credentials", "http://me:pw@a.example/", "credentials"],
    ["of a file", "file:///etc/passwd", "no web address"],
  ])("%s is not read", async (_what, url, why) => {
    await expect(guardedFetch(url, here, never)).rejects.toThrow(why);
  });

  it("whose name has a private address is not read, not even as one of several", async () => {
    const rules = {
      hosts: ["a.example", "127.0.0.1", "localhost"],
      resolve: async () =>
        await Promise.resolve([
          { address: "93.184.216.34", family: 4 },
          { address: "10.0.0.1", family: 4 },
        ]),
    };
    for (const url of [
      "http://a.example/",
      "http://127.0.0.1/",
      "http://localhost/",
      "http://0x7f.1/",
    ]) {
      await expect(guardedFetch(url, rules, never)).rejects.toThrow(/not public|does not list/);
    }
  });

  it("whose name answers otherwise the second time goes where it was looked at", async () => {
    let lookups = 0;
    const port = await serve((_request, response) => response.end("here"));
    const rebinding: FetchRules = {
      ...here,
      async resolve() {
        lookups += 1;
        const address = lookups === 1 ? "127.0.0.1" : "10.0.0.1";
        return await Promise.resolve([{ address, family: 4 }]);
      },
    };
    const url = `http://a.example:${port}/`;
    expect((await guardedFetch(url, rebinding, never)).body).toBe("here");
    expect(lookups).toBe(1);
    await expect(guardedFetch(url, rebinding, never)).rejects.toThrow("not public");
  });

  it("that leads to another host, or on and on, is not followed", async () => {
    const port = await serve((request, response) => {
      const location = request.url === "/out" ? "http://c.example/" : "/again";
      response.writeHead(301, { location }).end();
    });
    const at = `http://a.example:${port}`;
    await expect(guardedFetch(`${at}/out`, here, never)).rejects.toThrow("does not list");
    await expect(guardedFetch(`${at}/again`, here, never)).rejects.toThrow("more than 5 times");
  });

  it("of a host that the tool's manifest does not name is not read, nor led to", async () => {
    const port = await serve((_request, response) => {
      response.writeHead(302, { location: `http://x.b.example:${port}/` }).end();
    });
    const rules = { ...here, within: ["a.example", "other.example"] };
    for (const url of [`http://a.example:${port}/`, `http://x.b.example:${port}/`]) {
      await expect(guardedFetch(url, rules, never)).rejects.toThrow("manifest");
    }
    // A manifest gives nothing that the operator did not list.
    await expect(guardedFetch("http://other.example/", rules, never)).rejects.toThrow(
      "FETCH_HOSTS",
    );
    const whole = { ...here, within: ["a.example", "*.b.example"] };
    const answer = guardedFetch(`http://a.example:${port}/`, whole, never);
    await expect(answer).rejects.toThrow("more than 5 times");
  });

  it("with a long answer is cut, and one that does not end is given up", async () => {
    const port = await serve((request, response) => {
      response.write("x".repeat(150_000));
      if (request.url === "/long") response.end();
    });
    const { body, isWhole } = await guardedFetch(`http://a.example:${port}/long`, here, never);
    expect([body.length, isWhole]).toEqual([100_000, false]);
    const hanging = await serve((_request, response) => response.writeHead(200).write("x"));
    const stopped = AbortSignal.timeout(200);
    await expect(guardedFetch(`http://a.example:${hanging}/`, here, stopped)).rejects.toThrow(
      /took too long|aborted/,
    );
  });
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
