/** Marathon's InfoIntegrationTest. */
import { describe, expect, it } from 'vitest';
import { useMarathon } from './marathon.ts';

const marathon = useMarathon();

describe('v2/info', () => {
  it('v2/info returns the right values', async () => {
    const info = await marathon.ok('GET', '/v2/info');
    const { leader } = await marathon.ok('GET', '/v2/leader');
    expect(info).toMatchObject({ name: 'marathon', elected: true, leader });
    expect(info.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(info.frameworkId).toBeTypeOf('string');
    expect(info.http_config.http_port).toBeTypeOf('number');
    expect(info.marathon_config.local_port_min).toBeLessThan(info.marathon_config.local_port_max);
  });

  it("v2/info doesn't include the zk credentials", async () => {
    const { zookeeper_config: zookeeper } = await marathon.ok('GET', '/v2/info');
    expect(zookeeper.zk).toMatch(/^zk:\/\/[^@]+$/);
    expect(JSON.stringify(zookeeper)).not.toMatch(/user|password/i);
  });
});
