/** On which ports the services of an image listen. */
import { describe, expect, it } from 'vitest';
import { withPorts } from '../../../src/build/image/ports.ts';
import { sampleService } from '../../deploy/sample.ts';

const { ports: _, ...unsaid } = sampleService();
const web = unsaid;
const worker = { ...unsaid, name: 'worker' };

describe('withPorts', () => {
  it.each([
    ['the lowest port of the image', [web], [80, 443], [[80]]],
    ['a worker where the image has none', [web], [], [[]]],
    ['the only service listens, whatever its name', [worker], [80], [[80]]],
    ['of several, web alone listens', [worker, web], [80], [[], [80]]],
    ['what the manifest says goes first', [{ ...web, ports: [9000, 80] }], [80], [[9000, 80]]],
    ['also that there is none', [{ ...web, ports: [] }], [80], [[]]],
    ['also auto', [{ ...web, ports: 'auto' as const }], [80], ['auto']],
  ])('%s', (_, services, exposed, wanted) => {
    expect(withPorts(services, exposed).map(({ ports }) => ports)).toEqual(wanted);
  });

  it.each([
    ['the image has none', web],
    ['the manifest names none', { ...web, ports: [] }],
  ])('refuses a path to ask where %s', (_, service) => {
    const health = { path: '/health', interval: 5, timeout: 5, grace: 30, failures: 3 };
    expect(() => withPorts([{ ...service, health }], [])).toThrow(
      'services.web.health.path is set, but nothing says which port to ask.',
    );
  });

  it('changes nothing else', () => {
    expect(withPorts([web], [80])).toEqual([{ ...web, ports: [80] }]);
  });
});
