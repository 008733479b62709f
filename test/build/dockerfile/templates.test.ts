/** Choosing versions, and the fragments that come with Ekiden. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  createTemplates,
  expandDockerfile,
  joinTemplates,
  splitInstructions,
  type TemplateSource,
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

test('passes over links to themselves', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ekiden-templates-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node'));
  writeFileSync(join(folder, 'node/1.0.0.dockerfile'), 'FROM node\n');
  for (const link of ['round', 'node/2.0.0.dockerfile']) {
    symlinkSync(join(folder, link), join(folder, link));
  }
  const { names, versions } = createTemplates(folder);
  expect(await names?.()).toEqual(['node']);
  expect(await versions('node')).toEqual(['1.0.0']);
  expect(await versions('round')).toBeUndefined();
});

test('asks each of several places for the versions of a template once an expansion', async () => {
  const asked: string[] = [];
  const place = (text: string, has: string[]): TemplateSource => ({
    async versions(name) {
      asked.push(`${text} ${name}`);
      return has;
    },
    read: async (_, version) => Buffer.from(`RUN ${text} ${version}\n`),
  });
  const first = ['1.0.0'];
  const templates = joinTemplates([place('first', first), place('second', ['1.0.0', '2.0.0'])]);
  const expand = async () => {
    const read = async () => Buffer.from('INCLUDE template:t@1\nINCLUDE template:t@2\n');
    return (await expandDockerfile({ file: 'Dockerfile', read, templates })).bytes.toString();
  };
  expect(await expand()).toBe('RUN first 1.0.0\nRUN second 2.0.0\n');
  expect(asked).toEqual(['first t', 'second t']);
  first.push('2.0.0');
  expect(await expand()).toBe('RUN first 1.0.0\nRUN first 2.0.0\n');
  expect(asked).toHaveLength(4);
  const anew = joinTemplates([place('first', first), place('second', [])]);
  expect((await anew.read('t', '2.0.0')).toString()).toBe('RUN first 2.0.0\n');
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
