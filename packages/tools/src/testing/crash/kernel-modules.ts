/** What a kernel of the crash sweep is made of; loaded anew for each, as in a process of its own. */
export * from "../../self-extension/index.ts";
export { pipelineWorkflow, reconcileRuns, recordProposal } from "../../self-extension/pipeline.ts";
export { attestFirst, openTestWorld } from "../pipeline-world.ts";
export { databaseOf } from "./database-port.ts";
