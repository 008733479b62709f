/** Marathon's TaskKillingIntegrationTest. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { until, useMarathon } from './marathon.ts';
import { created, statusUpdates } from './servers.ts';

const marathon = useMarathon();

/** Waits until the only task of an app runs and is another one. */
async function nextTask(id: string, previous: string): Promise<string> {
  let found = previous;
  await until(async () => {
    const [task] = await marathon.tasks(id);
    found = task?.state === 'TASK_RUNNING' ? task.id : previous;
    return found !== previous;
  });
  return found;
}

describe('TaskKilling', () => {
  it('Killing a task publishes a TASK_KILLING event', async () => {
    const id = `${marathon.group()}/app-to-kill`;
    await created(marathon, app(id));
    const events = await marathon.events();
    await marathon.ok('DELETE', `/v2/apps${id}/tasks?scale=true`);
    await statusUpdates(events, { appId: id, state: 'TASK_KILLING' });
  });

  it('Killing an ephemeral task without wipe or scale causes a new task to be restarted with a higher incarnation count', async () => {
    const id = `${marathon.group()}/ephemeral-app-to-kill`;
    const [task] = await created(marathon, app(id));
    await marathon.ok('DELETE', `/v2/apps${id}/tasks/${task.id}`);
    const next = task.id.replace(/\d+$/, (number: string) => String(Number(number) + 1));
    expect(await nextTask(id, task.id)).toBe(next);
  });

  it('Killing an ephemeral task with wipe causes a brand new instance to be created', async () => {
    const id = `${marathon.group()}/ephemeral-app-to-wipe`;
    const [task] = await created(marathon, app(id));
    await marathon.ok('DELETE', `/v2/apps${id}/tasks/${task.id}?wipe=true`);
    const next = await nextTask(id, task.id);
    const instance = (taskId: string) => taskId.split('.')[1];
    expect(instance(next)).not.toBe(instance(task.id));
    expect(next).toMatch(/\._app\.1$/);
  });
});
