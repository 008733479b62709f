/** What a node saw of instances whose containers are gone: how they ended, and where they listened. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silent } from '../../src/core/log.ts';
import { createExits } from '../../src/node/exits.ts';
import { createListening } from '../../src/node/listening.ts';
import { readInstances } from '../../src/node/memory.ts';
import { run, setUp } from './rig.ts';

const app = '/shop/production/web';
const labelled = (install: string) => ({ 'ekiden.install': install, 'ekiden.app': app });

test('the exit code is known although the container was removed at once', async () => {
  const { data, install, start } = await setUp();
  const instances = await start();
  const env = ['MARATHON_APP_LABEL_EKIDEN_RELEASE=12'];
  const command = 'until [ -e /mnt/mesos/sandbox/end ]; do sleep 0.05; done; exit 3';
  const { id, sandbox, container } = await run({ data, labels: labelled(install), env, command });
  // What Docker does not tell in its events is read while the container is there.
  await expect.poll(() => instances.find(id)).toHaveProperty('running');
  await writeFile(join(sandbox, 'end'), '');
  await container.wait();
  await container.remove();
  await expect
    .poll(() => instances.find(id))
    .toMatchObject({ release: 12, exit: { code: 3, outOfMemory: false } });
  const remembered = () => readInstances(join(data, 'node/instances.json'));
  await expect
    .poll(remembered)
    .toMatchObject([{ id, release: 12, exit: { code: 3, outOfMemory: false } }]);
});

test('so is that it ran out of memory', async () => {
  const { data, install, start } = await setUp();
  const instances = await start();
  // The filter holds all that it was given until its input ends; of a container that is gone at once
  // Docker may never hear that it was the memory, so its shell lives on.
  const command = 'tail -c 64m /dev/zero; code=$?; sleep 1; exit $code';
  const memory = 8 * 1024 * 1024;
  const { id, container } = await run({ data, labels: labelled(install), command, memory });
  await container.wait();
  await container.remove();
  const exit = { code: 137, outOfMemory: true };
  await expect.poll(() => instances.find(id)).toMatchObject({ exit });
});

test.each([
  ['a network of its own', 'bridge'],
  ['the network of the host', 'host'],
])('ports are those of its own processes, in %s', async (_name, network) => {
  const { data, install, start } = await setUp();
  const instances = await start();
  const listening = createListening({ instances, log: silent, every: 50 });
  listening.start();
  onTestFinished(() => listening.stop());
  const command = 'httpd -p 127.0.0.1:18431; httpd -p 18432; sleep 60 & wait';
  const { id, container } = await run({ data, labels: labelled(install), network, command });
  const ports = [
    { port: 18_431, loopback: true },
    { port: 18_432, loopback: false },
  ];
  await expect.poll(() => listening.of(id)).toEqual(ports);
  // A look while the processes are killed one after the other would see some of them.
  await listening.stop();
  await container.remove({ force: true });
  await expect.poll(() => instances.find(id)).toHaveProperty('endedAt');
  expect(await listening.of(id)).toEqual(ports);
  expect(await listening.of('nobody')).toBeUndefined();
});

test.each([
  ['code alone', [['die', 5_000, 3]], { code: 3, outOfMemory: false }],
  [
    'memory, then death',
    [
      ['oom', 1_000],
      ['die', 1_100, 137],
    ],
    { code: 137, outOfMemory: true },
  ],
  [
    'death, then memory',
    [
      ['die', 1_000, 137],
      ['oom', 1_100],
    ],
    { code: 137, outOfMemory: true },
  ],
  [
    'memory long before',
    [
      ['oom', 1_000],
      ['die', 60_000, 1],
    ],
    { code: 1, outOfMemory: false },
  ],
  [
    'started again',
    [
      ['die', 1_000, 1],
      ['start', 2_000],
    ],
    undefined,
  ],
] as const)('%s', (_name, events, wanted) => {
  let now = 0;
  const exits = createExits(() => now);
  for (const [action, at, exitCode] of events) {
    now = at + 1_000_000;
    exits.note({ action, task: 't', ...(exitCode === undefined ? {} : { exitCode }) });
  }
  expect(exits.of('t')).toEqual(wanted);
});
