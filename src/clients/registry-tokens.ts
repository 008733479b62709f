/** Logins at registries: Basic, or a token for it (the token authentication specification of Docker's registry). */
import { z } from 'zod';
import { basicAuthorization } from '../core/basic-login.ts';
import { RemoteError } from '../core/errors.ts';
import type { RegistryAnswer, Send } from './registry-requests.ts';

export interface RegistryLogin {
  username: string;
  password: string;
}

/** What a request wants to do where. */
export interface Scope {
  /** Registry, as logins name it. */
  host: string;
  url: URL;
  /** Repository. */
  path: string;
  /** Such as `pull,push`. */
  actions: string;
}

type Authorization = { authorization: string } | undefined;

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
});

/** Seconds that a token lives where the answer does not say (the specification's own default). */
const defaultLife = 60;

/** A token that is about to end would end on its way. */
const margin = 5;

const keptTokens = 500;

export function createRegistryTokens({
  logins,
  send,
}: {
  logins: Record<string, RegistryLogin>;
  send: Send;
}) {
  const kept = new Map<string, { authorization: string; until: number }>();
  const keyOf = ({ host, path, actions }: Scope) => `${host} ${path} ${actions}`;

  function keep(key: string, authorization: string, seconds: number): Authorization {
    // The oldest goes first; a token costs one question.
    const [oldest] = kept.keys();
    if (kept.size >= keptTokens && oldest !== undefined) kept.delete(oldest);
    kept.set(key, { authorization, until: Date.now() + (seconds - margin) * 1000 });
    return { authorization };
  }

  return {
    /** What an earlier answer for the same scope holds good for. */
    async known(scope: Scope): Promise<Authorization> {
      const found = kept.get(keyOf(scope));
      return found && found.until > Date.now() ? { authorization: found.authorization } : undefined;
    },
    /** Answers the challenge of a 401; undefined where nothing can be answered. @throws RemoteError */
    async answer(scope: Scope, challenge: string): Promise<Authorization> {
      const login = logins[scope.host];
      const [, kind = '', rest = ''] = /^(\w+)\s*(.*)$/s.exec(challenge) ?? [];
      if (kind.toLowerCase() === 'basic') {
        return login && keep(keyOf(scope), basic(login), 3600);
      }
      const realm = kind.toLowerCase() === 'bearer' ? realmOf(rest, scope) : undefined;
      if (realm === undefined) return undefined;
      const isSafe = realm.protocol === 'https:' || scope.url.protocol === 'http:';
      const answer = await send(realm, {
        headers: login && isSafe ? { authorization: basic(login) } : {},
      });
      const { token, seconds } = readToken(answer, scope.host);
      return token === undefined ? undefined : keep(keyOf(scope), `Bearer ${token}`, seconds);
    },
  };
}

function basic({ username: user, password }: RegistryLogin): string {
  return basicAuthorization({ user, password });
}

/** Where the token is issued, with what it is for. */
function realmOf(parameters: string, { path, actions }: Scope): URL | undefined {
  const found = new Map(
    [...parameters.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const realm = found.get('realm') ?? '';
  if (!/^https?:/.test(realm) || !URL.canParse(realm)) return undefined;
  const url = new URL(realm);
  const service = found.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', found.get('scope') ?? `repository:${path}:${actions}`);
  return url;
}

function readToken({ status, body }: RegistryAnswer, host: string) {
  if (status === 401 || status === 403) return { token: undefined, seconds: 0 };
  const parsed = status < 300 ? tokenSchema.safeParse(tryJson(body)) : undefined;
  if (!parsed?.success) {
    throw new RemoteError(
      `The registry ${host} has its tokens issued where none is given (HTTP ${status}).`,
      {
        code: 'E_REGISTRY',
      },
    );
  }
  const { token, access_token, expires_in = defaultLife } = parsed.data;
  return { token: token ?? access_token, seconds: expires_in };
}

function tryJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
