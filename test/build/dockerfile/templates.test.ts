/** Choosing versions, and the fragments that come with Ekiden. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  createTemplates,
  expandDockerfile,
  splitInstructions,
} from '../../../src/build/dockerfile/index.ts';
import { chooseVersion } from '../../../src/build/dockerfile/templates.ts';

const versions = ['1.2.3', '1.2.3.1', '1.10.0', '1.9.9', '2.0.0', '2.1.0-rc.1', '10.0.0', 'draft'];

test.each([
  [undefined, '10.0.0'],
  ['1', '1.10.0'],
  ['1.9', '1.9.9'],
  ['1.2.3', '1.2.3'],
  ['1.2', '1.2.3.1'],
  ['1.2.4', undefined],
  ['2', '2.0.0'],
  ['2.1', undefined],
  ['2.1.0-rc.1', '2.1.0-rc.1'],
  ['draft', 'draft'],
  ['3', undefined],
  ['', undefined],
])('wanted %j, chosen %j', (wanted, chosen) => {
  expect(chooseVersion(versions, wanted)).toBe(chosen);
});

const folder = join(import.meta.dirname, '../../../templates/dockerfiles');
const templates = createTemplates(folder);

test('knows neither other templates nor what lies outside of the folder', async () => {
  expect(await templates.versions('no-such-template')).toBeUndefined();
  expect(await templates.names?.()).toEqual(expect.arrayContaining(['node', 'logs']));
});

test.each(readdirSync(folder))(
  '%s has a README and fragments that can be included',
  async (name) => {
    expect(readdirSync(join(folder, name))).toContain('README.md');
    const all = (await templates.versions(name)) ?? [];
    expect(all).not.toEqual([]);
    for (const version of all) {
      const read = async () => Buffer.from(`INCLUDE template:${name}@${version}\nUSER 1000\n`);
      const { bytes, warnings } = await expandDockerfile({ file: 'Dockerfile', read, templates });
      expect(warnings).toEqual([]);
      expect(splitInstructions(bytes).length).toBeGreaterThan(1);
    }
  },
);
