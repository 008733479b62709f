/** Commands and answers that the pages show are real ones. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explainRefusal } from '../../src/core/listening.ts';
import { packageFolder } from '../../src/paths.ts';
import { fencesOf } from './markdown.ts';

const read = (name: string) => readFileSync(join(packageFolder, name), 'utf8');
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];

test.each(pages)('%s runs scripts of package.json', (name) => {
  const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
  const named = [...read(name).matchAll(/npm run (?:-s )?([a-z]+)/g)].map(([, script]) => script);

  expect(scripts).toEqual(expect.arrayContaining(named));
});

test.each(pages)('%s names files of the project that exist', (name) => {
  const named = read(name).matchAll(
    /[`@\s]((?:src|hooks|runners|templates|test|docs)\/[\w./-]+\.(?:ts|js|json|lua|md))\b/g,
  );
  const missing = [...named]
    .map(([, path]) => path ?? '')
    .filter((path) => !existsSync(join(packageFolder, path)));

  expect(missing).toEqual([]);
});

test("README's example of a delivery is the first test of the hooks", () => {
  const [, answer] = fencesOf(read('README.md'), 'json').map(({ text }) => JSON.parse(text));
  const firstTest = read('test/hooks/push.test.ts').split(/^test\(/m)[1] ?? '';
  const { after } = JSON.parse(read('test/fixtures/gitlab/webhooks/push.json'));

  expect(firstTest).toContain(`delivery: '${answer.delivery}'`);
  expect(firstTest).toContain(`decision: '${answer.decision}'`);
  expect(firstTest).toContain(answer.reason);
  expect(answer.reason).toContain(after.slice(0, 12));
  expect(answer.build).toMatch(/^[0-9a-f]{24}$/);
});

test.each(['README.md', 'docs/engine.md'])('%s shows the reason that is given', (name) => {
  const listeners = [{ port: 3000, loopback: false, inode: '1' }];

  expect(read(name)).toContain(`\`${explainRefusal(8080, listeners)}\``);
});
