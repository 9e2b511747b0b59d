export const packageName = "@jarvis/sandbox";
