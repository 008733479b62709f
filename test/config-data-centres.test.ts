/** The settings of data centres: what each form means, what is refused and how, and that secrets stay hidden. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig, readSettings, type SettingName } from '../src/config.ts';
import { connectionsOf } from '../src/config-data-centres.ts';
import { settingsTable } from '../src/config-table.ts';
import { makeFolder } from './support/redis.ts';

const names: SettingName[] = [
  ...['marathonUrl', 'marathonToken', 'marathonCa', 'dataCentres'],
  ...['defaultDataCentres', 'balanceDataCentres'],
] as SettingName[];

async function environmentOf(yaml: string) {
  const file = join(await makeFolder(), 'ekiden.config.yaml');
  writeFileSync(file, yaml, { mode: 0o600 });
  return { EKIDEN_CONFIG: file };
}

test.each([
  ['paris=http://m1:8080', { paris: { addresses: ['http://m1:8080'] } }],
  [
    ' paris=http://m1:8080/ https://m2/marathon , oslo=http://a:b@m3',
    {
      paris: { addresses: ['http://m1:8080', 'https://m2/marathon'] },
      oslo: { addresses: ['http://a:b@m3'] },
    },
  ],
  [
    '{"p1": {"addresses": ["http://m1"], "token": "t0k"}, "p2": "http://m2"}',
    {
      p1: { addresses: ['http://m1'], credentials: { token: 't0k' } },
      p2: { addresses: ['http://m2'] },
    },
  ],
])('EKIDEN_DATA_CENTRES=%s', (text, expected) => {
  expect(readConfig(['dataCentres'], { EKIDEN_DATA_CENTRES: text }).dataCentres).toEqual(expected);
});

test('the file takes a map with what each data centre needs', async () => {
  const yaml = `dataCentres:
  paris:
    addresses: [http://m1:8080, http://m2:8080]
    user: 007
    password: "a,b @c"
  oslo: [http://m3]
defaultDataCentres: [oslo]
`;
  const config = readConfig(['dataCentres', 'defaultDataCentres'], await environmentOf(yaml));
  expect(config).toEqual({
    dataCentres: {
      paris: {
        addresses: ['http://m1:8080', 'http://m2:8080'],
        credentials: { user: '007', password: 'a,b @c' },
      },
      oslo: { addresses: ['http://m3'] },
    },
    defaultDataCentres: ['oslo'],
  });
});

const map = (value: unknown) => JSON.stringify(value);

test.each([
  [{ EKIDEN_DATA_CENTRES: 'http://m1' }, /is not NAME=address/],
  [{ EKIDEN_DATA_CENTRES: 'a=http://m1,a=http://m2' }, /names one twice/],
  [{ EKIDEN_DATA_CENTRES: 'a=' }, /has no address for a\b/],
  [{ EKIDEN_DATA_CENTRES: '{}' }, /names no data centre/],
  [{ EKIDEN_DATA_CENTRES: 'Paris=http://m1' }, /name Paris, and may hold a-z/],
  [{ EKIDEN_DATA_CENTRES: 'a=ftp://s3cret@m1' }, /for a that is no address that begins with http/],
  [{ EKIDEN_DATA_CENTRES: '{"a": s3cret' }, /begins as JSON and is none/],
  [
    { EKIDEN_DATA_CENTRES: map({ a: { addresses: 'http://m', pass: 's3cret' } }) },
    /pass is unknown/,
  ],
  [{ EKIDEN_DATA_CENTRES: map({ a: { token: 's3cret' } }) }, /addresses is missing/],
  [
    { EKIDEN_DATA_CENTRES: map({ a: { addresses: 'http://m', password: 's3cret' } }) },
    /needs user and password for a/,
  ],
  [
    { EKIDEN_DATA_CENTRES: map({ a: { addresses: 'http://m', ca: '/nowhere.pem' } }) },
    /for a that names a file that cannot be read/,
  ],
  [
    { EKIDEN_DATA_CENTRES: 'a=http://m1', MARATHON_URL: 'http://m2' },
    /is set beside MARATHON_URL. Leave one of them out/,
  ],
  [
    { EKIDEN_DATA_CENTRES: 'a=http://m1', MARATHON_TOKEN: 's3cret' },
    /is set beside MARATHON_TOKEN. Give each data centre its own token in the map/,
  ],
  [
    { EKIDEN_DATA_CENTRES: 'a=http://m1', EKIDEN_DEFAULT_DATA_CENTRES: 'a,b' },
    /EKIDEN_DEFAULT_DATA_CENTRES: names b; there are the data centres a\./,
  ],
  [{ EKIDEN_BALANCE_DATA_CENTRES: 'b' }, /names b; there are the data centres default\./],
  [{ EKIDEN_DATA_CENTRES: '{"http://u:s3cret@h":"x"}' }, /a name that may not be/],
  [{ EKIDEN_DATA_CENTRES: 'a=http://u:50%s3cret@h' }, /% in its login that has to be written/],
  [{ EKIDEN_DEFAULT_DATA_CENTRES: ' , ' }, /names no data centre; there are default\./],
])('%j is refused', (environment, problem) => {
  const { problems } = readSettings(names, environment);
  expect(problems.join('\n')).toMatch(problem);
  expect(problems.join('\n')).not.toContain('s3cret');
});

test('the table shows addresses, and no secret', () => {
  const shownOf = (text: string) =>
    settingsTable(readSettings([], { EKIDEN_DATA_CENTRES: text })).find(
      ({ name }) => name === 'dataCentres',
    )?.value;
  const given = { a: { addresses: ['http://m1'], token: 'no' }, b: 'http://me:no@m2/x' };
  expect(shownOf(map(given))).toBe('a=http://m1 ([REDACTED]),b=http://[REDACTED]@m2/x');
  expect(shownOf('a=http://m1 http://m2')).toBe('a=http://m1 http://m2');
  expect(shownOf('{"a": no')).toBe('[REDACTED]');
});

test('a file with a token in its map that others can read is warned of', async () => {
  const file = join(await makeFolder(), 'ekiden.config.yaml');
  const write = (text: string) => writeFileSync(file, text, { mode: 0o644 });
  write('dataCentres:\n  a: http://m1\n');
  expect(readSettings([], { EKIDEN_CONFIG: file }).warnings).toEqual([]);
  write('dataCentres:\n  a: {addresses: http://m1, token: t}\n');
  expect(readSettings([], { EKIDEN_CONFIG: file }).warnings.join()).toContain('holds a secret');
});

test('MARATHON_URL alone is the data centre called default', () => {
  const environment = { MARATHON_URL: 'http://m1,http://m2', MARATHON_TOKEN: 't0k' };
  expect(connectionsOf(readConfig(['marathonUrl', 'marathonToken'], environment))).toEqual({
    default: {
      addresses: ['http://m1', 'http://m2'],
      credentials: { token: 't0k' },
      ca: undefined,
    },
  });
});
