/** What BuildKit gets of its session: secrets by their ids, and no login but that of the registry that asks. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../demo/free-ports.ts';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { buildsOn } from './builds.ts';

let host: BuildHost;

beforeAll(async () => {
  host = await startBuildHost();
});
afterAll(async () => {
  await host.stop();
});

const { build, failureOf } = buildsOn(() => host, { builder: 'buildkit' });
const classic = buildsOn(() => host, { builder: 'classic' });

describe('a secret mount', () => {
  const mount = (id: string, more = '') => `RUN --mount=type=secret,id=${id}${more}`;
  const secrets = { token: 'open-sesame-42', pem: 'line one\nline two\n' };

  it('holds its value while the command runs, and nothing keeps it', async () => {
    const stamp = crypto.randomUUID();
    const dockerfile = `${host.from}
${mount('token')} ${mount('pem').slice(4)} cat /run/secrets/pem; wc -c < /run/secrets/token # ${stamp}
RUN ls /run/secrets 2>/dev/null | wc -l
`;
    const { name, said } = await build({ dockerfile, secrets });
    expect(said).toContain('line one\nline two\n14\n');
    const image = host.docker.getImage(name);
    const kept = JSON.stringify([await image.inspect(), await image.history()]);
    for (const value of Object.values(secrets)) {
      expect(kept).not.toContain(value.trim());
      expect(kept).not.toContain(Buffer.from(value).toString('base64'));
    }
  });

  it('is not there where nobody named it', async () => {
    const dockerfile = `${host.from}\n${mount('other', ',required')} true\n`;
    const failure = await failureOf({ dockerfile, secrets });
    expect(failure.message).toBe('The secret other is not named in build.secrets of the manifest.');
    expect(failure).toMatchObject({ code: 'E_BUILD_SECRET', line: 3, retryable: false });
  });

  it('has no name that every object has', async () => {
    const dockerfile = `${host.from}\n${mount('constructor', ',required')} true\n`;
    expect(await failureOf({ dockerfile, secrets })).toMatchObject({ code: 'E_BUILD_SECRET' });
  });

  it('needs BuildKit', async () => {
    const dockerfile = `${host.from}\n${mount('token')} true\n`;
    const failure = await classic.failureOf({ dockerfile, secrets });
    expect(failure).toMatchObject({ code: 'E_BUILDER', retryable: false });
    expect(await classic.failureOf({ dockerfile })).toMatchObject({ code: 'E_BUILDER', line: 3 });
  });
});

describe('a login', () => {
  const login = { username: 'bot', password: 'push-pass-42' };

  it.each([
    ['buildkit' as const, build],
    ['classic' as const, classic.build],
  ])('of one registry is told to no other, by %s', async (_, make) => {
    const asked = await startRegistryThatAsks();
    const mine = `127.0.0.1:${await freePort()}`;
    const logins = { [mine]: login };
    await make({ dockerfile: `FROM ${asked.host}/x:1\n`, logins }).catch(() => undefined);
    expect(asked.requests.length).toBeGreaterThan(0);
    expect(asked.authorizations()).toEqual([]);
    await make({
      dockerfile: `FROM ${asked.host}/x:1\n`,
      logins: { ...logins, [asked.host]: { username: 'other', password: 'own-pass-42' } },
    }).catch(() => undefined);
    const told = Buffer.from('other:own-pass-42').toString('base64');
    expect(new Set(asked.authorizations())).toEqual(new Set([`Basic ${told}`]));
    asked.server.close();
  });
});

/** Answers 401 to all, and remembers who said what. */
async function startRegistryThatAsks() {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request);
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"', Connection: 'close' }).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const authorizations = () => requests.flatMap(({ headers }) => headers.authorization ?? []);
  return { server, requests, host: `127.0.0.1:${port}`, authorizations };
}
