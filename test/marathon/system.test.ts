/** Marathon's SystemResourceIntegrationTest. */
import { describe, expect, it } from 'vitest';
import { useMarathon } from './marathon.ts';

const marathon = useMarathon();

describe('SystemResource', () => {
  it('respond to a ping', async () => {
    const response = await fetch(`${marathon.url}/ping`, { headers: { Accept: 'text/plain' } });
    expect([response.status, await response.text()]).toEqual([200, 'pong']);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    const json = await fetch(`${marathon.url}/ping`, { headers: { Accept: 'application/json' } });
    expect(await json.json()).toBe('pong');
  });
});
