import { expect, it } from "vitest";

import { octokitFor, forgeWorld, type ForgeWorld } from "../testing/forge-world.ts";
import { clearFaults, listFaults, orderFault } from "../testing/order-fault.ts";
import { createControl } from "./control-route.ts";
import { Faults } from "./faults.ts";
import { createRateLimits } from "../limits/rate-limits.ts";

const order = { fault: { kind: "error" } };

it("is not there in a forge that is used", async () => {
  await using world = await forgeWorld();
  expect(world.forge.controlUrl).toBeUndefined();
  const url = `http://127.0.0.1:${world.forge.port}/__control/faults`;
  for (const method of ["POST", "GET", "DELETE"]) {
    expect((await send(url, method, world.forge.operatorToken)).status).toBe(404);
  }
  await expect(orderFault(world.forge, { fault: { kind: "error" } })).rejects.toThrow("faults");
});

it("is there for the operator and nobody else", async () => {
  await using world = await forgeWorld({ faults: true });
  const url = world.forge.controlUrl ?? "";
  for (const token of [world.forge.token, "x", ""]) {
    for (const method of ["POST", "GET", "DELETE"]) {
      expect((await send(url, method, token)).status).toBe(404);
    }
  }
  expect((await world.octokit.repos.get(world.repo)).status).toBe(200);
  const made = await send(url, "POST", world.forge.operatorToken);
  expect([made.status, await made.json()]).toEqual([201, { id: 1 }]);
  expect(await listFaults(world.forge)).toMatchObject([{ id: 1, seen: 0, fired: 0 }]);
  expect((await send(url, "PATCH", world.forge.operatorToken)).status).toBe(405);
  await clearFaults(world.forge);
  expect(await listFaults(world.forge)).toEqual([]);
  expect((await world.octokit.repos.get(world.repo)).status).toBe(200);
});

it("is for this machine only", async () => {
  const control = createControl(new Faults(), createRateLimits(), () => ({
    login: "operator",
    id: 2,
    type: "User",
    email: "o@example.com",
    administrator: true,
    means: "token",
  }));
  const from = (remoteAddress: string) =>
    control.request("/__control/faults", {}, { incoming: { socket: { remoteAddress } } });
  expect((await from("127.0.0.1")).status).toBe(200);
  expect((await from("192.0.2.1")).status).toBe(404);
});

it("takes orders that it understands", async () => {
  await using world = await forgeWorld({ faults: true });
  const refused = (body: unknown) => orderFault(world.forge, body as never);
  await expect(refused({ fault: { kind: "nonsense" } })).rejects.toThrow("fault");
  await expect(refused({ ...order, match: { operation: "pulls/explode" } })).rejects.toThrow(
    "serves no pulls/explode",
  );
  await expect(refused({ ...order, match: { nth: 0 } })).rejects.toThrow("match.nth");
  await expect(refused({ ...order, when: "later" })).rejects.toThrow("when");
  const url = world.forge.controlUrl ?? "";
  const text = { ...headers(world.forge.operatorToken), "content-type": "text/plain" };
  expect((await fetch(url, { method: "POST", headers: text, body: "{}" })).status).toBe(415);
  const broken = { method: "POST", headers: headers(world.forge.operatorToken), body: "{" };
  expect((await fetch(url, broken)).status).toBe(400);
  expect(await listFaults(world.forge)).toEqual([]);
});

it("disturbs nobody who is not let in", async () => {
  await using world = await forgeWorld({ faults: true });
  await orderFault(world.forge, { fault: { kind: "error", when: "before" } });
  const stranger = octokitFor(world.forge, "x");
  await expect(stranger.repos.get(world.repo)).rejects.toMatchObject({ status: 401 });
  expect(await firings(world)).toEqual([0]);
});

async function firings(world: ForgeWorld): Promise<number[]> {
  return (await listFaults(world.forge)).map(({ fired }) => fired);
}

function headers(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, "content-type": "application/json" };
}

function send(url: string, method: string, token: string): Promise<Response> {
  return fetch(url, {
    method,
    headers: token === "" ? { "content-type": "application/json" } : headers(token),
    ...(method === "POST" ? { body: JSON.stringify(order) } : {}),
  });
}
