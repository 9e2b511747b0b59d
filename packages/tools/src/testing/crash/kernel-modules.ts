/** What a kernel of the crash sweep is made of; loaded anew for each, as in a process of its own. */
export * from "../../self-extension/index.ts";
export { pipelineWorkflow } from "../../self-extension/pipeline.ts";
export { recordProposal } from "../../self-extension/record-proposal.ts";
export { reconcileRuns } from "../../self-extension/reconcile-runs.ts";
export { attestFirst, openTestWorld } from "../pipeline-world.ts";
export { databaseOf } from "./database-port.ts";
