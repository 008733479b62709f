/** Logins for private base images: what DOCKER_AUTH_CONFIG holds, for those registries that a Dockerfile names. */
import { z } from 'zod';
import { InputError } from '../../core/errors.ts';
import { namedImages } from '../dockerfile/index.ts';
import { StepError } from './step-error.ts';

export interface Login {
  username: string;
  password: string;
}

export interface RegistryLogins {
  /** By registry, as Docker wants them with a build. */
  logins: Record<string, Login>;
  /** Everything by which somebody could log in, also at registries that are not asked. */
  secrets: string[];
  /** All that the Dockerfile names. */
  registries: string[];
}

/** The form of Docker's own config.json; other parts of it, such as credential helpers, mean programs of another machine. */
const configSchema = z.object({
  auths: z.record(
    z.string(),
    z.object({
      auth: z.string().optional(),
      username: z.string().optional(),
      password: z.string().optional(),
    }),
  ),
});

/** Docker Hub goes by several names; its login by this one alone (moby's registry/config.go). */
const hub = 'https://index.docker.io/v1/';
const hubNames = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/**
 * The logins for the registries of a Dockerfile's base images; a login goes to no other registry.
 * @throws InputError that names the variable and never repeats what is in it.
 */
export function loginsFor(
  dockerAuth: string | undefined,
  dockerfile: { bytes: Buffer; args: Record<string, string> },
): RegistryLogins {
  const asked = new Set(namedImages(dockerfile.bytes, dockerfile.args).map(registryOf));
  const auths = dockerAuth === undefined ? [] : parseAuths(dockerAuth);
  const logins: Record<string, Login> = {};
  const secrets: string[] = [];
  for (const [registry, { auth, login }] of auths) {
    secrets.push(login.password, ...(auth === undefined ? [] : [auth]));
    if (asked.has(registry)) logins[registry] = login;
  }
  return { logins, secrets, registries: [...asked] };
}

/** `error`, where a registry kept an image back with what was wrong about the login. */
export function explainRefusal(
  error: unknown,
  { logins, registries, areUnreadable }: RegistryLogins & { areUnreadable?: boolean },
): unknown {
  if (!(error instanceof StepError) || error.code !== 'E_BASE_IMAGE_LOGIN') return error;
  if (registries.length === 0) return error;
  const { code, line, hint } = error;
  if (areUnreadable) return new StepError(`${error.message} (${unreadable})`, { code, line, hint });
  const why = registries.map((registry) =>
    registry in logins
      ? `${shownAs(registry)} refused the login in DOCKER_AUTH_CONFIG`
      : `DOCKER_AUTH_CONFIG has no login for ${shownAs(registry)}`,
  );
  return new StepError(`${error.message} (${why.join('; ')})`, { code, line, hint });
}

const unreadable =
  'a login may be in DOCKER_AUTH_CONFIG, but GITLAB_TOKEN needs the role Maintainer to read it';

function shownAs(registry: string): string {
  return registry === hub ? 'Docker Hub' : registry;
}

/** Logins as the header X-Registry-Config: Docker reads the alphabet of URLs, with padding (RFC 4648 §5). */
export function encodeLogins(logins: Record<string, Login>): string {
  const base64 = Buffer.from(JSON.stringify(logins)).toString('base64');
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

/**
 * The registry of an image's name: what stands before the first slash, where it cannot be a part of
 * a path on Docker Hub (splitDockerDomain in distribution/reference).
 */
export function registryOf(image: string): string {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  return isHost && !hubNames.has(first) ? first : hub;
}

/** The login for the host at which Docker asks for one; undefined where none is for that host. */
export function loginAt(logins: Record<string, Login>, host: string): Login | undefined {
  const name = nameOf(host);
  return Object.hasOwn(logins, name) ? logins[name] : undefined;
}

interface Auth {
  auth: string | undefined;
  login: Login;
}

function parseAuths(text: string): Map<string, Auth> {
  const parsed = configSchema.safeParse(parseJson(text));
  if (!parsed.success) throw malformed('is not of the form {"auths":{"registry":{"auth":"…"}}}');
  const auths = new Map<string, Auth>();
  for (const [name, entry] of Object.entries(parsed.data.auths)) {
    const login = loginOf(entry);
    // An entry without a login says that a program keeps it, which is not here.
    if (login) auths.set(nameOf(name), { auth: entry.auth, login });
  }
  return auths;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What JSON.parse says repeats a part of the text.
    throw malformed('is no JSON');
  }
}

function loginOf(entry: z.output<typeof configSchema>['auths'][string]): Login | undefined {
  const { auth, username, password } = entry;
  if (username !== undefined && password !== undefined) return { username, password };
  if (!auth) return undefined;
  const decoded = Buffer.from(auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon < 1) throw malformed('has an auth that is not Base64 of user:password');
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/** Keys may be written as addresses, such as `https://registry.example.com/v1/`. */
function nameOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return hubNames.has(host) ? hub : host;
}

function malformed(what: string): InputError {
  return new InputError(`The CI/CD variable DOCKER_AUTH_CONFIG ${what}.`, {
    code: 'E_DOCKER_AUTH',
    hint: 'Set it in GitLab to what `docker login` writes to ~/.docker/config.json.',
  });
}
