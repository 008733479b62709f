/** Turns host names of members into addresses, because nginx must never wait for a name. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Member, Upstream } from '../core/upstream.ts';

const keptMs = 30_000;
const longestLookupMs = 3_000;

export type Lookup = (host: string) => Promise<string>;

/** Resolves with IP addresses; a member whose name cannot be resolved is left out. */
export function createResolver(options: { log: Log; lookup?: Lookup }) {
  const known = new Map<string, { address: string; until: number }>();
  const ask = options.lookup ?? (async (host) => (await lookup(host, { family: 4 })).address);

  async function addressOf(host: string): Promise<string | undefined> {
    const before = known.get(host);
    if (before !== undefined && before.until > Date.now()) return before.address;
    try {
      const address = await Promise.race([ask(host), rejectLater(host)]);
      known.set(host, { address, until: Date.now() + keptMs });
      return address;
    } catch (error) {
      options.log.warn({ host, error: messageOf(error) }, 'the name of a node cannot be resolved');
      return before?.address;
    }
  }

  return async (upstreams: Upstream[]): Promise<Upstream[]> => {
    const names = new Set(upstreams.flatMap(({ members }) => members.map(hostOf)).filter(isName));
    const found = new Map<string, string>();
    const resolveOne = async (name: string) => {
      const address = await addressOf(name);
      if (address !== undefined) found.set(name, address);
    };
    await Promise.all([...names].map(resolveOne));
    for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    return upstreams.map((upstream) => ({
      ...upstream,
      members: upstream.members.flatMap((member) => withAddress(member, found)),
    }));
  };
}

function withAddress(member: Member, found: Map<string, string>): Member[] {
  const host = hostOf(member);
  if (!isName(host)) return [member];
  const address = found.get(host);
  if (address === undefined) return [];
  return [{ ...member, address: `${address}${member.address.slice(host.length)}` }];
}

function hostOf({ address }: Member): string {
  return address.slice(0, address.lastIndexOf(':'));
}

function isName(host: string): boolean {
  return !host.startsWith('[') && isIP(host) === 0;
}

function rejectLater(host: string): Promise<never> {
  return new Promise((_done, fail) => {
    setTimeout(() => fail(new Error(`no answer about ${host}`)), longestLookupMs).unref();
  });
}
