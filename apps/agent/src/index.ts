export const packageName = "@jarvis/agent";
