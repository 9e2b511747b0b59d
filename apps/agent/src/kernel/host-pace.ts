/** How often the host is looked at. The forge is ours and near; GitHub counts requests. */
export const HOST_EVERY_MS = { forge: 5000, github: 30_000 } as const;
