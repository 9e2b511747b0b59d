export const packageName = "@jarvis/cli";
