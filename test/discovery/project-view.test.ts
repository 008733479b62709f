/** What balancers of one's own are told of a project. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { appSchema } from '../../src/clients/marathon-model.ts';
import { createProjectDiscovery } from '../../src/discovery/index.ts';
import { templatesFolder } from '../../src/paths.ts';
import { makeFolder } from '../support/redis.ts';

const version = '2026-01-01T00:00:00.000Z';

function app(service: string, ports: number[]) {
  return appSchema.parse({
    id: `/shop/front/production/${service}`,
    ...{ version, instances: ports.length },
    labels: {
      'ekiden.install': 'test',
      'ekiden.project': '7',
      'ekiden.environment': 'production',
      'ekiden.service': service,
      'ekiden.routes': `${service}.example.com,example.com/${service}`,
    },
    tasks: ports.map((port) => ({
      id: `shop_front_production_${service}.instance-${port}`,
      appId: `/shop/front/production/${service}`,
      ...{ host: '10.0.0.1', ports: [port], state: 'TASK_RUNNING', version },
    })),
  });
}

const discovery = createProjectDiscovery({
  dataCentres: {
    apps: async ({ label } = {}) => {
      const isAsked = label === 'ekiden.install==test,ekiden.project==7';
      const apps = isAsked ? [app('web', [31000, 31001]), app('api', [])] : [];
      return { apps: apps.map((each) => ({ ...each, dataCentre: 'default' })), away: [] };
    },
  },
  install: 'test',
  templates: join(templatesFolder, 'nginx'),
});

test('as data', async () => {
  expect(await discovery.ofProject(7)).toEqual([
    {
      environment: 'production',
      service: 'api',
      app: '/shop/front/production/api',
      routes: ['api.example.com/', 'example.com/api'],
      members: [],
    },
    {
      environment: 'production',
      service: 'web',
      app: '/shop/front/production/web',
      routes: ['example.com/web', 'web.example.com/'],
      members: [
        {
          instance: 'shop_front_production_web.instance-31000',
          address: '10.0.0.1:31000',
          weight: 1,
        },
        {
          instance: 'shop_front_production_web.instance-31001',
          address: '10.0.0.1:31001',
          weight: 1,
        },
      ],
    },
  ]);
  expect(await discovery.ofProject(8)).toEqual([]);
});

test('a share of requests in whole numbers, as other balancers want them', async () => {
  const [live, tried] = [app('web', [31000]), app('web', [31001])];
  const apps = [live, { ...tried, id: `${tried.id}.alt` }];
  const weights = { [`${live.id}@default`]: 1, [`${live.id}.alt@default`]: 1 };
  const { ofProject, nginxOf } = createProjectDiscovery({
    dataCentres: {
      apps: async () => ({
        apps: apps.map((each) => ({ ...each, dataCentre: 'default' })),
        away: [],
      }),
    },
    install: 'test',
    traffic: {
      all: async () => new Map([[live.id, { ...weights, [`${live.id}.alt@default%`]: 1 }]]),
    },
    templates: join(templatesFolder, 'nginx'),
  });
  const [found] = await ofProject(7);
  expect(found?.members.map(({ weight }) => weight)).toEqual([99, 1]);
  const text = await nginxOf(7);
  expect(text.match(/server .* weight=\d+/g)).toEqual([
    'server 10.0.0.1:31000 weight=99',
    'server 10.0.0.1:31001 weight=1',
  ]);
});

test('as text that nginx takes, the same for the same state', async () => {
  const text = await discovery.nginxOf(7);
  expect(await discovery.nginxOf(7)).toBe(text);
  expect(text).toContain(`upstream shop_front_production_web {
    server 10.0.0.1:31000 weight=1 max_fails=1 fail_timeout=2s; # shop_front_production_web.instance-31000
    server 10.0.0.1:31001 weight=1 max_fails=1 fail_timeout=2s; # shop_front_production_web.instance-31001
}`);
  const folder = await makeFolder();
  await writeFile(join(folder, 'upstreams.conf'), text);
  await writeFile(
    join(folder, 'nginx.conf'),
    `pid ${folder}/pid; error_log stderr; events {} http { access_log off; include upstreams.conf; }`,
  );
  const { stderr } = await promisify(execFile)('nginx', ['-t', '-p', folder, '-c', 'nginx.conf']);
  expect(stderr).toContain('test is successful');
});
