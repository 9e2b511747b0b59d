export { ForgeError, type ForgeErrorCode } from "./forge-error.ts";
export { startForge, type Forge, type ForgeOptions } from "./start-forge.ts";
