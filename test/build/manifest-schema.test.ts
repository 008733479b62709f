/** The JSON Schema for editors says what parseManifest says. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseManifest } from '../../src/build/manifest.ts';
import { manifestJsonSchema } from '../../src/build/manifest-schema.ts';

const file = new URL('../../templates/ekiden.schema.json', import.meta.url);
const checkedIn = JSON.parse(readFileSync(file, 'utf8'));
const isValid = new Ajv({ allowUnionTypes: true }).compile(checkedIn);

test('the file in templates is up to date', () => {
  const command = 'npm run -s ekiden -- schema > templates/ekiden.schema.json';
  expect(checkedIn, `regenerate it with: ${command}`).toEqual(
    JSON.parse(JSON.stringify(manifestJsonSchema())),
  );
});

function takes(text: string): boolean {
  try {
    parseManifest(Buffer.from(text));
    return true;
  } catch {
    return false;
  }
}

describe('valid', () => {
  test.each([
    ['nothing', '{}'],
    ['a Dockerfile elsewhere', 'build: { dockerfile: docker/app, context: docker, target: run }'],
    ['args of all kinds', 'build: { args: { A: x, B: 1, C: true } }'],
    ['a branch', 'environments: { production: main }'],
    ['branches and tags', 'environments: { a: [x, "y/*"], b: { tags: v*, branches: [z] } }'],
    ['a bare service', 'services: { web: {} }'],
    ['ports', 'services: { web: { ports: [8080, 9090] } }'],
    ['host networking', 'services: { web: { ports: auto } }'],
    ['no check', 'services: { worker: { health: false } }'],
    ['durations', 'services: { web: { health: { interval: 2, timeout: 5s, grace: 1m } } }'],
    ['a command by words', 'services: { web: { command: [node, x.js] } }'],
    ['routes', 'services: { web: { routes: [a.test, a.test/B/c.d/, b-2.test/.well-known] } }'],
    ['a deadline', 'deploy: { deadline: 1h }'],
  ])('%s', (_, text) => {
    expect(isValid(parse(text)), JSON.stringify(isValid.errors)).toBe(true);
    expect(takes(text)).toBe(true);
  });
});

describe('invalid', () => {
  test.each([
    ['an unknown key', 'biuld: {}'],
    ['an unknown key of a service', 'services: { web: { port: 80 } }'],
    ['a list', '[]'],
    ['text', 'hello'],
    ['a port above all', 'services: { web: { ports: [70000] } }'],
    ['a port by name', 'services: { web: { ports: http } }'],
    ['a negative CPU', 'services: { web: { cpus: -1 } }'],
    ['half an instance', 'services: { web: { instances: 1.5 } }'],
    ['health: true', 'services: { web: { health: true } }'],
    ['a path without a slash', 'services: { web: { health: { path: health } } }'],
    ['a duration without a unit', 'deploy: { deadline: "5" }'],
    ['a name in capitals', 'services: { Web: {} }'],
    ['no branches', 'environments: { production: [] }'],
    ['an environment of an odd name', 'environments: { "a b": main }'],
    ['a variable that starts with a digit', 'services: { web: { env: { 1A: x } } }'],
    ['a folder of logs that is relative', 'services: { web: { logs: log } }'],
    ['a route with two dots', 'services: { web: { routes: [a..b] } }'],
    ['a route that leaves its path', 'services: { web: { routes: [a.test/../b] } }'],
    ['a route in capitals', 'services: { web: { routes: [A.test] } }'],
    ['a route with a scheme', 'services: { web: { routes: ["http://a.test"] } }'],
  ])('%s', (_, text) => {
    expect(isValid(parse(text))).toBe(false);
    expect(takes(text)).toBe(false);
  });
});
