/** The settings of Marathon and its data centres, a part of those in config.ts. */
import { z } from 'zod';
import { type Found, type Setting, secret, setting } from './config-reading.ts';
import { certificates, ensure, list, partsOf, read, token, toUrl, urls } from './config-values.ts';
import { redacted } from './core/secret.ts';

/** How one Marathon is reached, and as whom. */
export interface MarathonConnection {
  /** In the order of preference; may hold user and password. */
  addresses: string[];
  credentials?: { user: string; password: string } | { token: string } | undefined;
  /** Certificates in PEM of the authority that signed those of the addresses. */
  ca?: string | undefined;
}

/** Of the only data centre, where no setting names any. */
export const soleDataCentre = 'default';

const namePattern = /^[a-z0-9][a-z0-9-]{0,40}$/;
const many = z.union([z.string(), z.array(z.string())]);
const detailed = z.strictObject({
  addresses: many,
  user: z.string().min(1).optional(),
  password: z.string().optional(),
  token: token.optional(),
  ca: z.string().optional(),
});

/** NAME=address,NAME=address with a space between the addresses of one; or a map, also as JSON. */
const dataCentres = read(
  z.union([z.string(), z.record(z.string(), z.unknown())], 'is neither a text nor a map'),
  (given): Record<string, MarathonConnection> => {
    const all = Object.entries(typeof given === 'string' ? mapIn(given.trim()) : given);
    ensure(all.length > 0, 'names no data centre');
    return Object.fromEntries(all.map(([name, value]) => [name, connectionOf(name, value)]));
  },
);

function mapIn(text: string): Record<string, unknown> {
  if (text.startsWith('{')) return z.record(z.string(), z.unknown()).parse(jsonOf(text));
  const pairs = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const found = pairs.map((pair): [string, string[]] => {
    const [, name = '', addresses = ''] = /^([^=:/\s]*)=(.*)$/s.exec(pair) ?? [];
    ensure(name !== '', 'is not NAME=address,NAME=address, nor a map as JSON');
    return [name, addresses.split(/\s+/).filter((address) => address !== '')];
  });
  ensure(new Set(found.map(([name]) => name)).size === found.length, 'names one twice');
  return Object.fromEntries(found);
}

/** The parser's own message would repeat a part of the text, which may be a password. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('begins as JSON and is none');
  }
}

function connectionOf(name: string, value: unknown): MarathonConnection {
  // What looks like no name may be an address with its login.
  const called = /^\w{1,60}$/.test(name) ? `the name ${name}` : 'a name that may not be';
  ensure(namePattern.test(name), `has ${called}, and may hold a-z, 0-9 and -`);
  const simple = many.safeParse(value);
  const parsed = detailed.safeParse(simple.success ? { addresses: simple.data } : value);
  if (!parsed.success) throw new Error(`is wrong for ${name}: ${problemOf(parsed.error)}`);
  const { addresses, user, password, token: given, ca } = parsed.data;
  const known = partsOf(addresses).filter((address) => address !== '');
  ensure(known.length > 0, `has no address for ${name}`);
  ensure((user === undefined) === (password === undefined), `needs user and password for ${name}`);
  ensure(user === undefined || given === undefined, `has both a user and a token for ${name}`);
  return {
    addresses: known.map((address) => within(name, () => toUrl(address))),
    ...(user !== undefined && password !== undefined ? { credentials: { user, password } } : {}),
    ...(given === undefined ? {} : { credentials: { token: given } }),
    ...(ca === undefined ? {} : { ca: within(name, () => pemOf(ca)) }),
  };
}

function pemOf(file: string): string {
  const parsed = certificates.safeParse(file);
  if (parsed.success) return parsed.data.pem;
  throw new Error(parsed.error.issues[0]?.message ?? 'holds no certificate');
}

function within<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`has an address or file for ${name} that ${(error as Error).message}`);
  }
}

/** Names of keys only; a value may be a password. */
function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys') return `${issue.keys.join(', ')} is unknown`;
  const place = issue?.path.join('.') || 'it';
  return `${place} is missing or no text; it takes addresses, user, password, token and ca`;
}

function shownDataCentres(value: Record<string, MarathonConnection>): string {
  return Object.entries(value)
    .map(([name, { addresses, credentials }]) => {
      const secretPart = credentials ? ` (${redacted})` : '';
      return `${name}=${addresses.map(withoutUser).join(' ')}${secretPart}`;
    })
    .join(',');
}

/** An address as people may see it: without a user and a password. */
export function withoutUser(address: string): string {
  const url = new URL(address);
  const had = url.username !== '' || url.password !== '';
  Object.assign(url, { username: '', password: '' });
  const text = url.href.replace(/\/$/, '');
  return had ? text.replace('://', `://${redacted}@`) : text;
}

export const marathonSettings = {
  marathonUrl: setting(
    'MARATHON_URL',
    urls.optional(),
    'Addresses of Marathon, separated by commas; default: the engine on the local Docker.',
  ),
  marathonToken: secret(
    'MARATHON_TOKEN',
    token.optional(),
    'Token that Marathon at MARATHON_URL asks for; user and password stand in the address.',
  ),
  marathonCa: setting(
    'MARATHON_CA',
    certificates.optional(),
    'File with the certificates (PEM) of the private authority that signed that of MARATHON_URL.',
  ),
  dataCentres: {
    ...setting(
      'EKIDEN_DATA_CENTRES',
      dataCentres.optional(),
      'In place of MARATHON_URL several data centres, as NAME=address,NAME=address, or a map (docs/data-centres.md).',
    ),
    shown: (value) => shownDataCentres(value as Record<string, MarathonConnection>),
  } as Setting<z.ZodOptional<typeof dataCentres>>,
  defaultDataCentres: setting(
    'EKIDEN_DEFAULT_DATA_CENTRES',
    list.optional(),
    'Data centres in which a service runs whose manifest names none, separated by commas; default: all.',
  ),
  balanceDataCentres: setting(
    'EKIDEN_BALANCE_DATA_CENTRES',
    list.optional(),
    'Data centres whose instances the role balance on this host sends requests to, separated by commas; default: all.',
  ),
} as const;

export type MarathonSettings = keyof typeof marathonSettings;

type Values = {
  [Name in MarathonSettings]?: z.output<(typeof marathonSettings)[Name]['type']>;
};

/** What to do instead, since each data centre has its own. */
const remedies = {
  marathonUrl: 'Leave one of them out.',
  marathonToken: 'Give each data centre its own token in the map.',
  marathonCa: 'Give each data centre its own ca in the map.',
};

/** What no setting alone can tell: that they fit together; one sentence each. */
export function dataCentreProblems(found: Record<MarathonSettings, Found>): string[] {
  const given = (name: MarathonSettings) => found[name].given !== undefined;
  const problems: string[] = [];
  for (const name of ['marathonUrl', 'marathonToken', 'marathonCa'] as const) {
    if (!given(name) || !given('dataCentres')) continue;
    const { env } = marathonSettings[name];
    problems.push(`EKIDEN_DATA_CENTRES: is set beside ${env}. ${remedies[name]}`);
  }
  const known = found.dataCentres.value as Values['dataCentres'];
  if (given('dataCentres') && known === undefined) return problems;
  const names = known ? Object.keys(known) : [soleDataCentre];
  for (const name of ['defaultDataCentres', 'balanceDataCentres'] as const) {
    const wanted = (found[name].value ?? []) as string[];
    const stranger = wanted.find((each) => !names.includes(each));
    const { env } = marathonSettings[name];
    if (stranger !== undefined) {
      problems.push(`${env}: names ${stranger}; there are the data centres ${names.join(', ')}.`);
    }
    if (given(name) && found[name].value !== undefined && wanted.length === 0) {
      problems.push(`${env}: names no data centre; there are ${names.join(', ')}.`);
    }
  }
  return problems;
}

/** All data centres by name, in the order of the settings. */
export function connectionsOf(config: Values): Record<string, MarathonConnection> {
  if (config.dataCentres) return config.dataCentres;
  const { marathonUrl: addresses = [], marathonToken, marathonCa } = config;
  const sole: MarathonConnection = {
    addresses,
    ...(marathonToken === undefined ? {} : { credentials: { token: marathonToken } }),
    ca: marathonCa?.pem,
  };
  return { [soleDataCentre]: sole };
}

/** Addresses of all Marathons that settings name; `engine` or undefined where they name none. */
export function marathonAddresses(config: Values, engine?: string): string[] | undefined {
  if (config.dataCentres)
    return Object.values(config.dataCentres).flatMap((each) => each.addresses);
  return config.marathonUrl ?? (engine === undefined ? undefined : [engine]);
}
