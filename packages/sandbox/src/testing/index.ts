export { isRunning, parentOf, processesWith } from "./processes.ts";
export { removeTree } from "./remove-tree.ts";
