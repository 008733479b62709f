/** Marathon's EventsIntegrationTest. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { useMarathon } from './marathon.ts';

const marathon = useMarathon();

describe('Filter events', () => {
  it('receive only app deployment event', async () => {
    const all = await marathon.events();
    const filtered = await marathon.events('?event_type=deployment_success');
    const group = marathon.group();
    const { deployments } = await marathon.deployed('POST', '/v2/apps', app(`${group}/app`));
    await expect.poll(() => filtered.length).toBeGreaterThan(0);
    expect(filtered.map(({ type, data }) => [type, data.id])).toEqual([
      ['deployment_success', deployments[0].id],
    ]);
    const types = () => new Set(all.map(({ type }) => type));
    await expect.poll(types).toContain('deployment_success');
    expect(types().size).toBeGreaterThan(1);
  });
});

describe('Subscribe to events', () => {
  it('always receive only small events', async () => {
    const events = await marathon.events('?plan-format=heavy');
    const group = marathon.group();
    await marathon.deployed('POST', '/v2/apps', app(`${group}/app`));
    const success = () => events.find(({ type }) => type === 'deployment_success');
    await expect.poll(success).toBeDefined();
    expect(Object.keys(success()?.data.plan).sort()).toEqual(['id', 'steps', 'version']);
  });
});
