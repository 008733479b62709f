/** Logins for registries, from files as `docker login` writes them (`config.json`, or the older `.dockercfg`). */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { InputError } from '../../core/errors.ts';
import { hub, parseImage } from '../../core/image-reference.ts';

/** As the header X-Registry-Auth of a pull takes it. */
export type Login =
  | { username: string; password: string; serveraddress: string }
  | { identitytoken: string; serveraddress: string };

const entrySchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});

type Entry = z.output<typeof entrySchema>;

const configSchema = z.object({
  auths: z.record(z.string(), entrySchema).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
});

/** What Docker Hub is called in these files (moby's registry/config.go). */
const HUB_ADDRESS = 'https://index.docker.io/v1/';
const HUB_NAMES = new Set([hub, 'index.docker.io', 'registry-1.docker.io']);

/**
 * The login for the registry of `image` in the first of the files that has one; files that are not
 * there are passed over. @throws InputError that names the file, and never repeats what is in it.
 */
export async function findLogin(image: string, files: string[]): Promise<Login | undefined> {
  const registry = parseImage(image)?.host;
  if (registry === undefined) return undefined;
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(unlessMissing);
    const login = text === undefined ? undefined : loginIn(text, { file, registry });
    if (login) return login;
  }
  return undefined;
}

/** The login for `registry` (a host with its port) in the text of one file. */
export function loginIn(
  text: string,
  { file, registry }: { file: string; registry: string },
): Login | undefined {
  const { auths, credHelpers, credsStore } = parseConfig(text, file);
  const found = Object.entries(auths).find(([name]) => hostOf(name) === registry);
  const login = found && loginOf(found[1], file, addressOf(registry));
  if (login) return login;
  const helper = Object.entries(credHelpers).find(([name]) => hostOf(name) === registry)?.[1];
  if (helper !== undefined || (found && credsStore !== undefined)) {
    throw malformed(
      file,
      `keeps the login for ${registry} in the program docker-credential-${helper ?? credsStore}, ` +
        'which the engine does not run; put the login itself into the file',
    );
  }
  return undefined;
}

function parseConfig(text: string, file: string): z.output<typeof configSchema> {
  const value = parseJson(text, file);
  const isOld = typeof value === 'object' && value !== null && isDockercfg(value);
  const parsed = configSchema.safeParse(isOld ? { auths: value } : value);
  if (!parsed.success) {
    throw malformed(file, 'is not of the form {"auths":{"registry":{"auth":"…"}}}');
  }
  return parsed.data;
}

/** The older form has the registries at its top. */
function isDockercfg(value: object): boolean {
  const entries = Object.values(value);
  return entries.length > 0 && entries.every((entry) => Object.hasOwn(Object(entry), 'auth'));
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What JSON.parse says repeats a part of the text.
    throw malformed(file, 'is no JSON');
  }
}

function loginOf(entry: Entry, file: string, serveraddress: string): Login | undefined {
  const { auth, username, password, identitytoken } = entry;
  if (identitytoken) return { identitytoken, serveraddress };
  if (username && password) return { username, password, serveraddress };
  if (!auth) return undefined;
  const decoded = Buffer.from(auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon < 1) throw malformed(file, 'has an auth that is not Base64 of user:password');
  return {
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1),
    serveraddress,
  };
}

/** Keys may be written as addresses, such as `https://registry.example.com/v1/`. */
function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return HUB_NAMES.has(host) ? hub : host;
}

function addressOf(registry: string): string {
  return registry === hub ? HUB_ADDRESS : registry;
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}

function malformed(file: string, what: string): InputError {
  return new InputError(`The Docker configuration ${file} ${what}.`, {
    code: 'E_DOCKER_CONFIG',
    hint: 'Write it with `docker login`, or as {"auths":{"registry":{"auth":"Base64 of user:password"}}}.',
  });
}
