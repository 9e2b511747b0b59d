export { clearFaults, listFaults, orderFault, type OrderedFault } from "./order-fault.ts";
export { validateAgainstGitHub, type ObservedContract } from "./octokit-contract.ts";
export type { FaultInput } from "../faults/fault.ts";
