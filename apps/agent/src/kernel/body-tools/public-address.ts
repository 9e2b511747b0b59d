import { BlockList, isIP } from "node:net";

/** Everything that is not the public internet: this host, this network, and what stands for another. */
const elsewhere = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  elsewhere.addSubnet(network, bits, "ipv4");
}

/** Of version 6 only what is given out for the public; what embeds version 4 is not. */
const publicV6 = new BlockList();
publicV6.addSubnet("2000::", 3, "ipv6");
const notPublicV6 = new BlockList();
for (const [network, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  notPublicV6.addSubnet(network, bits, "ipv6");
}

/** Whether an address is one of the public internet; anything that is no address is not. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !elsewhere.check(address, "ipv4");
    case 6:
      // A zone names an interface of this host.
      return (
        !address.includes("%") &&
        publicV6.check(address, "ipv6") &&
        !notPublicV6.check(address, "ipv6")
      );
    default:
      return false;
  }
}
