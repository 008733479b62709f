/** Ids of apps, how definitions change, and the service ports that stay with them. */
import { describe, expect, it } from 'vitest';
import { patched, sameConfig, versioned } from '../../src/engine/apps/app-change.ts';
import {
  absoluteId,
  idProblem,
  instanceIdOf,
  parentOf,
  taskIdOf,
} from '../../src/engine/apps/app-id.ts';
import type { AppInput } from '../../src/engine/apps/app-schema.ts';
import { assignServicePorts, servicePortsOf } from '../../src/engine/apps/service-ports.ts';
import { appOf, EARLY, LATER } from './definitions.ts';

const image = { docker: { image: 'nginx' } };

describe('ids', () => {
  it.each([
    ['web', '/web'],
    ['//a//b/', '/a/b'],
    ['/a/../b/./c', '/b/c'],
    ['/', '/'],
  ])('brings %s into the form %s', (raw, id) => expect(absoluteId(raw)).toBe(id));

  it.each(['/a', '/a-b/c.d-e', '/1/2'])('takes %s', (id) => expect(idProblem(id)).toBeUndefined());

  it.each(['/', '/A', '/a_b', '/-a', '/a-', '/a..b', '/a/tasks', '/a/restart', '/versions'])(
    'refuses %s',
    (id) => expect(idProblem(id)).toBeTypeOf('string'),
  );

  it('finds the group of an app and the instance of a task', () => {
    expect([parentOf('/a/b'), parentOf('/a')]).toEqual(['/a', '/']);
    const taskId = taskIdOf({ id: 'a_b.instance-1-2', incarnation: 3 });
    expect(taskId).toBe('a_b.instance-1-2._app.3');
    expect(instanceIdOf(taskId)).toBe('a_b.instance-1-2');
    expect(instanceIdOf('a_b.1-2')).toBeUndefined();
  });
});

describe('changes', () => {
  const app = appOf({ instances: 2 });

  it('sees no change in the same definition', () => {
    expect(versioned(app, appOf({ instances: 2 }), LATER).version).toBe(EARLY);
  });

  it('keeps the configuration of a scaled app', () => {
    const scaled = versioned(app, appOf({ instances: 3 }), LATER);
    expect(scaled.version).toBe(LATER);
    expect(scaled.versionInfo).toEqual({ lastScalingAt: LATER, lastConfigChangeAt: EARLY });
  });

  it.each<AppInput>([
    { labels: { a: 'b' } },
    { cpus: 2 },
    { env: { A: '1' } },
    { backoffSeconds: 2 },
  ])('takes %j for a new configuration', (change) => {
    expect(sameConfig(app, appOf({ instances: 2, ...change }))).toBe(false);
    expect(versioned(app, appOf(change), LATER).versionInfo.lastConfigChangeAt).toBe(LATER);
  });

  it('forgets the port mappings of an app that comes back to the network of the host', () => {
    const portMappings = [{ containerPort: 80 }];
    const bridge = [{ mode: 'container/bridge' as const }];
    const app = appOf({ networks: bridge, container: { ...image, portMappings } });
    const onHost = patched(app, { networks: [{ mode: 'host' }] });
    expect(onHost.container).toMatchObject(image);
    expect(onHost.container).not.toHaveProperty('portMappings');
    expect(patched(app, { networks: bridge }).container).toEqual(app.container);
    const asked = patched(app, {
      networks: [{ mode: 'host' }],
      container: { ...image, portMappings },
    });
    expect(asked.container?.portMappings).toEqual(portMappings);
  });

  it('lets a command take the place of arguments', () => {
    const before = appOf({ args: ['a'], container: image });
    const { cmd: _, ...withArgs } = before;
    const update = patched(withArgs as typeof before, { cmd: 'b' });
    expect([update.cmd, update.args]).toEqual(['b', undefined]);
  });
});

describe('service ports', () => {
  it('gives the first free one and keeps it over an update', () => {
    const other = appOf({ id: '/other', ports: [10_000] });
    const assigned = assignServicePorts(appOf({}), undefined, new Set(servicePortsOf(other)));
    expect(servicePortsOf(assigned)).toEqual([10_001]);
    const before = { ...appOf({}), ...assigned };
    expect(servicePortsOf(assignServicePorts(appOf({}), before, new Set([10_001])))).toEqual([
      10_001,
    ]);
  });

  it('gives two ports of an app different numbers', () => {
    const assigned = assignServicePorts(appOf({ ports: [0, 0] }), undefined, new Set());
    expect(servicePortsOf(assigned)).toEqual([10_000, 10_001]);
  });
});
