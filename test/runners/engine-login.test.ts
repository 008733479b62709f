/** The login that `ekiden up` hands to its engine: what Docker's own file holds, for nobody else to read. */
import { readFile, stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { writeEngineLogin } from '../../runners/engine-login.ts';
import { loginIn } from '../../src/engine/docker/docker-config.ts';
import { makeFolder } from '../support/redis.ts';

test('the engine finds the login of the registry, and none once there is none', async () => {
  const data = await makeFolder();
  const login = { registryUser: 'ada', registryPassword: 'pass:word' };
  const registry = 'registry.example.com:5000';
  const file = (await writeEngineLogin(data, { registryUrl: registry, ...login })) ?? '';
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const text = await readFile(file, 'utf8');
  expect(loginIn(text, { file, registry })).toEqual({
    ...{ username: 'ada', password: 'pass:word' },
    serveraddress: registry,
  });
  expect(loginIn(text, { file, registry: 'docker.io' })).toBeUndefined();
  expect(await writeEngineLogin(data, { registryUrl: registry })).toBeUndefined();
  await expect(stat(file)).rejects.toThrow('ENOENT');
});

test.each([
  ['{"auths":{"https://index.docker.io/v1/":{"auth":"YWRhOnB3"}}}', 'docker.io', 'pw'],
  ['{"auths":{"https://r.example.com/v2/":{"username":"a","password":"b"}}}', 'r.example.com', 'b'],
  ['{"r.example.com":{"auth":"YWRhOnB3"}}', 'r.example.com', 'pw'],
  ['{"auths":{"r.example.com":{"auth":"YWRhOnB3"}}}', 'example.com', undefined],
  ['{}', 'r.example.com', undefined],
])('%s holds for %s %s', (text, registry, password) => {
  const login = loginIn(text, { file: 'f', registry });
  expect(login && 'password' in login ? login.password : undefined).toBe(password);
});

test.each([
  ['secret text', 'is no JSON'],
  ['{"auths":{"r.example.com":{"auth":"c2VjcmV0"}}}', 'is not Base64 of user:password'],
  ['{"auths":{"r.example.com":{}},"credsStore":"pass"}', 'docker-credential-pass'],
  ['{"credHelpers":{"r.example.com":"ecr-login"}}', 'docker-credential-ecr-login'],
])('%s is refused and never repeated', (text, why) => {
  const read = () => loginIn(text, { file: '/f', registry: 'r.example.com' });
  expect(read).toThrow(why);
  expect(read).not.toThrow('secret');
});
