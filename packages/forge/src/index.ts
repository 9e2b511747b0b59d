export const packageName = "@jarvis/forge";
