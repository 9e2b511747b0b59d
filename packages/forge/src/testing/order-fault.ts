import type { FaultInput } from "../faults/fault.ts";
import type { Forge } from "../start-forge.ts";

/** A forge, or what one that runs as a program says of itself. */
type Controlled = Pick<Forge, "operatorToken"> & Partial<Pick<Forge, "controlUrl">>;

export interface OrderedFault {
  id: number;
  order: FaultInput;
  /** Calls that matched, and those of them that were disturbed. */
  seen: number;
  fired: number;
}

/** Orders a fault from a forge that was started with `faults: true`. */
export async function orderFault(forge: Controlled, order: FaultInput): Promise<number> {
  const { id } = (await control(forge, "POST", order)) as { id: number };
  return id;
}

export async function listFaults(forge: Controlled): Promise<OrderedFault[]> {
  return (await control(forge, "GET")) as OrderedFault[];
}

/** Takes back every order, and every budget that one of them set. */
export async function clearFaults(forge: Controlled): Promise<void> {
  await control(forge, "DELETE");
}

async function control(forge: Controlled, method: string, body?: unknown): Promise<unknown> {
  if (forge.controlUrl === undefined) throw new Error("start the forge with faults: true");
  const response = await fetch(forge.controlUrl, {
    method,
    headers: {
      authorization: `Bearer ${forge.operatorToken}`,
      "content-type": "application/json",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the forge refused the order: ${text}`);
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}
