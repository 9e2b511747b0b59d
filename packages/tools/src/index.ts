export const packageName = "@jarvis/tools";
