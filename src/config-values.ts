/** The kinds of values that settings have: how each is written, and what is wrong with it. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { formatAddress, parseAddress } from './core/address.ts';
import { loginIn } from './core/basic-login.ts';
import { parseDockerHost } from './core/docker-host.ts';
import { messageOf } from './core/errors.ts';

/** A value by a function that throws what is wrong with it; a list or a map comes from YAML. */
export function read<In, Out>(from: z.ZodType<In>, reading: (given: In) => Out) {
  return from.transform((given, context): Out => {
    try {
      return reading(given);
    } catch (error) {
      context.addIssue(messageOf(error));
      return z.NEVER;
    }
  });
}

/** @throws Error with the problem where the condition does not hold. */
export function ensure(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Error(problem);
}

/** A token: what no header can hold would be repeated by the error of whoever sends it. */
export const token = z.string().regex(/^[\x21-\x7e]+$/, 'holds a character that no token has');

/** host:port, to listen on. */
export const address = read(z.string(), (text) => {
  const parsed = parseAddress(text);
  ensure(parsed !== undefined, 'is not host:port');
  return formatAddress(parsed);
});

/** Address of an HTTP server, with or without a path; no slash at its end. */
export const url = read(z.string(), toUrl);

/** Reads one such address. @throws Error that says what is wrong, and holds nothing of the text. */
export function toUrl(text: string): string {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = parsed?.protocol === 'http:' || parsed?.protocol === 'https:';
  ensure(isHttp, 'is no address that begins with http:// or https://');
  ensure(!/[?#]/.test(text), 'has more behind the path of the address');
  ensure(isDecodable(text), 'has a % in its login that has to be written as %25');
  return text.replace(/\/+$/, '');
}

function isDecodable(text: string): boolean {
  const { username, password } = new URL(text);
  try {
    decodeURIComponent(`${username}${password}`);
    return true;
  } catch {
    return false;
  }
}

/** A whole number within bounds. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER) {
  const range =
    most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  const problem = `is no whole number ${range}`;
  return z.coerce.number(problem).int(problem).min(least, problem).max(most, problem);
}

/** Seconds that a timer of Node.js can wait; after more it would fire at once. */
export const mostSeconds = 2_147_483;

export const seconds = whole(1, mostSeconds);

const words = z.union([z.string(), z.array(z.string())], 'is no list of texts');

/** Parts of a list that is separated by commas, or written as one. */
export function partsOf(list: string | string[]): string[] {
  return (typeof list === 'string' ? list.split(',') : list).map((part) => part.trim());
}

/** Texts; none where nothing is given. */
export const list = read(words, (given) => partsOf(given).filter((part) => part !== ''));

/** One address or several. */
export const urls = read(words, (list) => partsOf(list).map(toUrl));

const pairPattern = /^\w+=[^\s,]*$/;
const names = z.record(z.string().regex(/^\w+$/, 'has a name that is no word'), z.string());

/** NAME=value,NAME=value; or a map. */
export const pairs = read(
  z.union([z.string(), names], 'is not a list NAME=value,NAME=value, nor a map of texts'),
  (given): Record<string, string> => {
    if (typeof given !== 'string') return given;
    const parts = given === '' ? [] : given.split(',');
    const isList = parts.every((part) => pairPattern.test(part));
    ensure(isList, 'is not a list NAME=value,NAME=value');
    return Object.fromEntries(
      parts.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
    );
  },
);

/** A domain name as DNS has it (RFC 1123): labels of 63 characters, 253 in all. */
export const domain = z
  .string()
  .max(253, 'is longer than 253 characters')
  .regex(
    /^(?!-)[a-z0-9-]{0,62}[a-z0-9](\.(?!-)[a-z0-9-]{0,62}[a-z0-9])*$/,
    'is no domain name in lower case',
  );

/** A Docker daemon without TLS, as text. */
export const dockerHost = z
  .string()
  .refine(
    (text) => parseDockerHost(text) !== undefined,
    'is none of unix:///path, /path, tcp://host:port and http://host:port; for a daemon behind SSH or TLS, forward its socket to this machine and name the socket',
  );

const pemPattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** A file of certificates in PEM; what it holds is read at once. */
export const certificates = read(z.string(), (file) => {
  const text = contentOf(file);
  const found = text.match(pemPattern) ?? [];
  ensure(found.length > 0, `names ${file}, which holds no certificate in PEM`);
  for (const pem of found) ensure(isCertificate(pem), `names ${file}, which holds a broken one`);
  return { file, pem: found.join('\n') };
});

/** A file with user:password in its first line, read at once; nothing of it is repeated where it is wrong. */
export const login = read(z.string(), (file) => {
  const found = loginIn(contentOf(file));
  ensure(found !== undefined, `names ${file}, which does not hold user:password in its first line`);
  return { file, ...found };
});

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`names a file that cannot be read: ${messageOf(error)}`);
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

const networks = ['loopback', 'linklocal', 'uniquelocal'];

/** Addresses and subnets of proxies, as Express's `trust proxy` takes them; `none` for none. */
export const proxies = read(words, (list): string[] => {
  const parts = partsOf(list).filter((part) => part !== 'none');
  const wrong = parts.find((part) => !isNetwork(part));
  const known = 'no address, subnet, loopback, linklocal, uniquelocal or none';
  ensure(wrong === undefined, `has ${wrong}, which is ${known}`);
  return parts;
});

function isNetwork(text: string): boolean {
  if (networks.includes(text) || isIP(text) !== 0) return true;
  const [host = '', bits = ''] = text.split('/');
  const family = isIP(host);
  if (family === 0 || !/^\d{1,3}$/.test(bits)) return false;
  try {
    new BlockList().addSubnet(host, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
    return true;
  } catch {
    return false;
  }
}
