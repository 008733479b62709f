/** What a manifest says of how a release is deployed, and of jobs. */
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/build/manifest.ts';
import { sampleDeploy } from '../support/samples.ts';

const parse = (text: string) => parseManifest(Buffer.from(text));
const canary = (instances: number | string, hold: number | string) => ({
  ...{ kind: 'canary', instances, hold },
});

describe('parseManifest', () => {
  it.each([
    ['strategy: rolling', { kind: 'rolling' }],
    ['strategy: blue-green', { kind: 'blue-green', keep: 300 }],
    ['strategy: { blue-green: { keep: 10m } }', { kind: 'blue-green', keep: 600 }],
    ['strategy: canary', { kind: 'canary', instances: 1, hold: 300 }],
    ['strategy: { canary: { instances: 10%, hold: manual } }', canary('10%', 'manual')],
    ['strategy: { canary: { instances: 2, hold: 1h } }', canary(2, 3_600)],
  ])('understands deploy: { %s }', (text, strategy) => {
    expect(parse(`deploy: { ${text} }`).deploy).toEqual({ ...sampleDeploy, strategy });
  });

  it('understands commands around a deployment, and jobs', () => {
    const text = `
deploy: { order: together, before: ./migrate, after: [./warm, up] }
jobs:
  nightly: { schedule: "0 3 * * 1-5", timezone: Europe/Paris, command: ./clean, timeout: 5m }
`;
    const { deploy, jobs } = parse(text);
    expect(deploy).toEqual({
      ...sampleDeploy,
      order: 'together',
      before: './migrate',
      after: ['./warm', 'up'],
    });
    expect(jobs).toEqual([
      {
        name: 'nightly',
        schedule: '0 3 * * 1-5',
        timezone: 'Europe/Paris',
        command: './clean',
        service: 'web',
        timeout: 300,
      },
    ]);
  });

  it.each([
    ['deploy: { strategy: fast }', /deploy\.strategy must be rolling, blue-green \(with keep\) or/],
    ['deploy: { strategy: { bluegreen: {} } }', /deploy\.strategy must be rolling, blue-green/],
    [
      'deploy: { strategy: { canary: { instances: 0 } } }',
      /canary\.instances.* a number from 1 on/,
    ],
    ['deploy: { strategy: { canary: { instances: 200% } } }', /a share such as 10%/],
    [
      'deploy: { strategy: { canary: { hold: never } } }',
      /canary\.hold must be manual, or like 20s/,
    ],
    ['jobs: { a: { schedule: "0 3 * * * *", command: x } }', /five fields/],
    ['jobs: { a: { schedule: "61 3 * * *", command: x } }', /is no schedule of cron/],
    ['jobs: { a: { schedule: "H 3 * * thu", command: x } }', /none by H/],
    ['jobs: { a: { schedule: "0 3 * * *", timezone: Mars, command: x } }', /time zone/],
    [
      'services: { api: {}, web: {} }\njobs: { a: { schedule: "0 3 * * *", command: x, service: worker } }',
      '.ekiden.yml:2: jobs.a.service: there is no service worker; there are api, web',
    ],
    [
      'environments: { staging: main }\njobs: { a: { schedule: "0 3 * * *", command: x, environments: [staging, live] } }',
      '.ekiden.yml:2: jobs.a.environments: there is no environment live; there are staging',
    ],
    [
      'jobs: { a: { schedule: "0 3 * * *", command: x, environments: staging } }',
      'there is no environment staging; there are production',
    ],
    ['jobs: { a: { schedule: "0 3 30 2 *", command: x } }', /is no schedule of cron/],
  ])('refuses %s', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('refuses jobs that ask for more memory than an administrator allows', () => {
    const text = 'jobs: { a: { schedule: "0 3 * * *", command: x, mem: 2048 } }';
    const limits = { instances: 10, memory: 1_024 };
    expect(() => parseManifest(Buffer.from(text), limits)).toThrow(
      'jobs.a.mem: 2048 is above 1024, the most that EKIDEN_MAX_MEMORY allows here',
    );
  });
});

describe('where a service runs', () => {
  const limits = { instances: 10, memory: 1_024, dataCentres: ['paris', 'oslo'] };
  const read = (service: string) =>
    parseManifest(Buffer.from(`services:\n  web:\n    ${service}\n`), limits).services[0];

  it('is in data centres of the settings', () => {
    expect(read('dataCentres: [oslo]')).toMatchObject({ dataCentres: ['oslo'] });
    expect(() => read('dataCentres: [oslo, olso]')).toThrow(
      '.ekiden.yml:3: services.web.dataCentres: there is no data centre olso; there are paris, oslo',
    );
    expect(() => read('dataCentres: []')).toThrow('services.web.dataCentres');
  });

  it.each([
    ['[disk, CLUSTER, ssd]'],
    ['[hostname, UNIQUE]'],
    ['["@zone", group_by, "3"]'],
    ['[rack, MAX_PER, 2]'],
  ])('is narrowed by the constraint %s', (text) => {
    expect(read(`constraints: [${text}]`)?.constraints).toHaveLength(1);
  });

  it.each([
    ['[disk, NEAR, ssd]', 'disk NEAR: there is no such operator; there are UNIQUE, CLUSTER'],
    ['[hostname, UNIQUE, x]', 'hostname UNIQUE: takes no value'],
    ['[rack, LIKE]', 'rack LIKE: needs a value'],
    ['[rack, MAX_PER, some]', 'rack MAX_PER: takes a whole number'],
  ])('is not narrowed by %s', (text, problem) => {
    expect(() => read(`constraints: [${text}]`)).toThrow(problem);
  });
});
