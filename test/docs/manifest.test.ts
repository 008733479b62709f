/** What docs/manifest.md shows is what Ekiden takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseManifest } from '../../src/build/manifest.ts';
import { packageFolder } from '../../src/paths.ts';
import { fencesOf } from './markdown.ts';

const page = readFileSync(join(packageFolder, 'docs/manifest.md'), 'utf8');
const examples = fencesOf(page, 'yaml');
const schema = JSON.parse(
  readFileSync(join(packageFolder, 'templates/ekiden.schema.json'), 'utf8'),
);
const fitsSchema = new Ajv({ allowUnionTypes: true }).compile(schema);

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(5);
});

test('the error that is shown is the one that is given', () => {
  const [shown] = fencesOf(page, 'text');
  const wrong = Buffer.from('services:\n  web:\n    instance: 2\n');

  expect(() => parseManifest(wrong)).toThrow(shown?.text.trim());
});

test.each(examples)('the example in line $line is taken by Ekiden and by editors', ({ text }) => {
  expect(() => parseManifest(Buffer.from(text))).not.toThrow();
  expect(fitsSchema(parse(text)), JSON.stringify(fitsSchema.errors)).toBe(true);
});

/** Tables of keys, by the heading above them, with the path of the object in the JSON Schema. */
test.each([
  ['### build', ['build']],
  ['### services', ['services', '*']],
  ['#### Health', ['services', '*', 'health']],
])('the table below %s has every key', (heading, path) => {
  const section = page.slice(page.indexOf(`\n${heading}\n`) + heading.length + 2).split(/^#/m)[0];
  const keys = [...(section ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);

  expect(keys.sort()).toEqual(Object.keys(objectAt(path).properties ?? {}).sort());
});

interface Node {
  properties?: Record<string, Node>;
  additionalProperties?: Node;
  anyOf?: Node[];
}

function objectAt(path: string[]): Node {
  let node: Node = schema;
  for (const part of path) {
    const next = part === '*' ? node.additionalProperties : node.properties?.[part];
    node = next?.anyOf?.find((each) => each.properties) ?? next ?? {};
  }
  return node;
}
