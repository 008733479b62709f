/** What GitLab's list of local addresses that hooks may go to lets through. */
import { BlockList, isIP } from 'node:net';

export interface HookTarget {
  /** As the URL has it, an IPv6 address without brackets. */
  host: string;
  /** What the host resolves to. */
  address: string;
  port: number;
}

/** Entries are names, addresses and subnets, each with or without a port, such as `[fd00::1]:7300`. */
export function isAllowed(list: readonly string[], target: HookTarget): boolean {
  return list.some((entry) => {
    const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]*)):(\d+)$/.exec(entry) ?? [];
    if (port !== undefined && Number(port) !== target.port) return false;
    const place = bracketed ?? plain ?? entry.replace(/^\[|\]$/g, '');
    return place.toLowerCase() === target.host || isWithin(place, target.address);
  });
}

function isWithin(range: string, address: string): boolean {
  const [, network = '', bits] = /^([^/]+)(?:\/(\d+))?$/.exec(range) ?? [];
  if (isIP(network) === 0) return false;
  const most = isIP(network) === 6 ? 128 : 32;
  const length = bits === undefined ? most : Number(bits);
  if (length > most) return false;
  const subnet = new BlockList();
  subnet.addSubnet(network, length, familyOf(network));
  return subnet.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
