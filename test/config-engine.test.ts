/** How Ekiden reaches the embedded engine. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAddresses } from '../src/clients/marathon-addresses.ts';
import { engineUrlOf, readConfig } from '../src/config.ts';
import { makeFolder } from './support/redis.ts';

test.each([
  ['ada:simple', 'http://ada:simple@127.0.0.1:7308'],
  ['ada:a:b@c/d%41 #é', 'http://ada:a%3Ab%40c%2Fd%2541%20%23%C3%A9@127.0.0.1:7308'],
])('the login %s of its file goes along as it is', async (login, url) => {
  const file = join(await makeFolder(), 'login');
  await writeFile(file, `${login}\r\n# a second line\n`);
  const environment = {
    EKIDEN_ENGINE_CREDENTIALS_FILE: file,
    EKIDEN_ENGINE_LISTEN: '0.0.0.0:7308',
  };
  const names = ['engineListen', 'engineCredentials'] as const;
  const { engineListen, engineCredentials } = readConfig(names, environment);
  expect(engineUrlOf(engineListen, engineCredentials)).toBe(url);
  expect(createAddresses([url], undefined).headers()).toEqual({
    authorization: `Basic ${Buffer.from(login).toString('base64')}`,
  });
});

test('without a file it asks for no login', () => {
  expect(engineUrlOf('127.0.0.1:7308', undefined)).toBe('http://127.0.0.1:7308');
});
