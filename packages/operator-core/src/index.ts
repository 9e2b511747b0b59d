export const packageName = "@jarvis/operator-core";
