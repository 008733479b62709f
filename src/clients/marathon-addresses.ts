/** The addresses of one Marathon, of which one is used until it fails, and who may hear its credentials. */
import { rootCertificates } from 'node:tls';
import { type BasicLogin, basicAuthorization } from '../core/basic-login.ts';

/** One user of Marathon's basic authentication, or a DC/OS token. */
export type MarathonCredentials = BasicLogin | { token: string };

export interface Addresses {
  /** Address in use now, without a slash at its end. */
  current(): string;
  /** How many there are. */
  count: number;
  /** Uses the next address from now on, unless `failed` was left already. */
  advance(failed: string): void;
  /** The header that says who asks; none where nothing is known. */
  headers(): Record<string, string>;
  /** True when `host:port` or its host is one of these, whatever its scheme. */
  knows(target: URL): boolean;
}

export function createAddresses(
  addresses: string[],
  credentials: MarathonCredentials | undefined,
): Addresses {
  const bases = addresses.map(parseBase);
  const hosts = new Set(addresses.map((address) => new URL(address).hostname));
  const header = authorization(credentials ?? credentialsIn(addresses));
  let position = 0;
  const current = () => bases[position % bases.length] ?? '';
  return {
    current,
    count: bases.length,
    advance(failed) {
      if (failed === current()) position += 1;
    },
    headers: () => header,
    knows: ({ hostname }) => hosts.has(hostname),
  };
}

/** What undici connects with: the authority of the settings stands beside the public ones. */
export function connectOptions(timeout: number, ca: string | undefined) {
  return { timeout, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
}

/** `host:port` as Marathon names its leader, with the port that a URL leaves out. */
export function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
}

function parseBase(address: string): string {
  const url = new URL(address);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function authorization(credentials: MarathonCredentials | undefined): Record<string, string> {
  if (credentials === undefined) return {};
  if ('token' in credentials) return { authorization: `token=${credentials.token}` };
  return { authorization: basicAuthorization(credentials) };
}

function credentialsIn(addresses: string[]): MarathonCredentials | undefined {
  for (const address of addresses) {
    const { username, password } = new URL(address);
    if (username !== '') {
      return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
    }
  }
  return undefined;
}
