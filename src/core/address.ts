/** Addresses that servers listen on: how they are written, and what to say when one cannot be used. */
import { SetupError } from './errors.ts';

export interface Address {
  /** Name or IP address, an IPv6 one without brackets; `0.0.0.0` for all. */
  host: string;
  port: number;
}

const highestPort = 65_535;

/** Reads `host:port`, `[ipv6]:port`, or `:port` and `*:port` for all; undefined when it is none. */
export function parseAddress(text: string): Address | undefined {
  const [, name, digits] = /^([\w.-]*|\*|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (name === undefined || port > highestPort) return undefined;
  const host = name === '' || name === '*' ? '0.0.0.0' : name.replace(/^\[|\]$/g, '');
  return { host, port };
}

/** @throws SetupError when the text is no address. */
export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address) return address;
  const hint = 'Write it like 0.0.0.0:7300, [::1]:7300 or :7300.';
  throw new SetupError(`${text} is not host:port.`, { code: 'E_SETTINGS', hint });
}

/** As settings write it: `host:port`, IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where a client on the same machine reaches what listens there, as `http://host:port`. */
export function localUrlOf(listen: string): string {
  const { host, port } = addressOf(listen);
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${formatAddress({ host: near, port })}`;
}

/** How a plain user may listen below port 1024 with a program, by the path of that program. */
export function lowPortHint(program: string): string {
  return (
    'Ports below 1024 are for root. Run: ' +
    `sudo setcap 'cap_net_bind_service=+ep' $(readlink -f $(command -v ${program})), ` +
    'or set AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit.'
  );
}

export interface ListenFailure {
  /** The address that was asked for. */
  address: string;
  /** The setting that it comes from, such as `EKIDEN_LISTEN`. */
  setting: string;
  /** The program that is to listen. */
  program: string;
  error: Error & { code?: string | undefined };
}

/** The error for a server that cannot listen, with what to do about it. */
export function listenError({ address, setting, program, error }: ListenFailure): SetupError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'is taken',
    EADDRNOTAVAIL: 'is no address of this machine',
    EACCES: 'may not be used by this user',
    ENOTFOUND: 'is a name that no address is known of',
  };
  const what = reasons[error.code ?? ''] ?? `cannot be used: ${error.message}`;
  return new SetupError(`${address} ${what}.`, {
    code: 'E_LISTEN',
    hint: error.code === 'EACCES' ? lowPortHint(program) : `Set ${setting} to a free host:port.`,
    cause: error,
  });
}
