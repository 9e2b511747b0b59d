export { isRunning, parentOf, processesWith } from "./processes.ts";
