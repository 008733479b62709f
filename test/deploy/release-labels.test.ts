/** What an app's labels tell of its release, there and back. */
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../src/core/deployment.ts';
import { draftRelease } from '../../src/deploy/releases/release-draft.ts';
import { toRelease } from '../../src/deploy/releases/release-labels.ts';
import { sampleDeployment, sampleService } from './sample.ts';

const secret = 'correct horse battery';

function draft(change: Partial<Deployment> = {}, env: Record<string, string> = {}) {
  return draftRelease(sampleDeployment(change), {
    ...{ install: 'lab', domain: 'apps.test', number: 12, createdAt: Date.UTC(2026, 0, 2) },
    environment: { env, secrets: Object.keys(env).filter((name) => name.startsWith('S')) },
  });
}

const whole: Partial<Deployment> = {
  by: 'ada',
  ref: 'refs/heads/feature/a,b',
  environment: 'review/a,b',
  serviceCount: 3,
  deploy: {
    deadline: 90,
    strategy: { kind: 'canary', instances: '10%', hold: 'manual' },
    order: 'together',
    before: ['node', 'a b.js'],
  },
  fragments: [
    { file: 'template:node@20.1.0', sha256: 'aa' },
    { file: 'project:shop/parts@1:a, "b".dockerfile', sha256: 'bb' },
  ],
  service: sampleService({
    command: ['x', 'y z'],
    env: { PLAIN: 'p', LOG_DIR: '/mine' },
    routes: ['a.test/b'],
    health: false,
    ports: 'auto',
    constraints: [['rack', 'LIKE', 'a']],
  }),
};

describe('the labels of a release', () => {
  it.each([
    ['of a repository without a manifest', draft()],
    ['with all that there is', draft(whole, { GIVEN: 'g', SECRET: secret })],
  ])('%s tell all of its record', (_, release) => {
    expect(toRelease(release.definition)).toEqual(release);
  });

  it('hold no value of a variable', () => {
    const { definition } = draft(whole, { GIVEN: 'given-value', SECRET: secret });
    const text = JSON.stringify(definition['labels']);
    expect(text).toContain('SECRET');
    for (const value of [secret, 'given-value', '"p"', '/mine']) expect(text).not.toContain(value);
  });

  it('are the same for the same release whatever its number of instances is', () => {
    const { definition } = draft();
    expect(toRelease({ ...definition, instances: 9 })?.spec.instances).toBe(1);
  });

  it('of an app that is tried beside the service are those of the service', () => {
    const { definition, app } = draft();
    expect(toRelease({ ...definition, id: `${app}.alt` })).toMatchObject({
      app,
      definition: { id: app },
    });
  });

  it.each([
    ['ekiden.spec', 'no JSON'],
    ['ekiden.spec', '{}'],
    ['ekiden.deploy', '[]'],
    ['ekiden.fragments', '[["a"]]'],
    ['ekiden.release', 'x'],
    ['ekiden.created', 'today'],
    ['ekiden.path', undefined],
  ])('with a %s of %s tell nothing', (label, value) => {
    const { definition } = draft();
    const labels = { ...(definition['labels'] as object), [label]: value };
    expect(toRelease({ ...definition, labels })).toBeUndefined();
  });

  it('of an older Ekiden tell nothing', () => {
    expect(toRelease({ id: '/a', labels: { 'ekiden.release': '3' } })).toBeUndefined();
  });
});
