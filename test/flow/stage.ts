/** The stage of the flow tests, in a folder and an install of its own. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stage, type StageOptions, type Starter, setStage } from '../demo/stage.ts';

export function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set: run the tests with npm test`);
}

/** Sets a stage whose parts the set-up's sweep finds, even after a kill. */
export async function openStage(
  name: string,
  options: Partial<StageOptions> = {},
  start?: Starter,
): Promise<Stage> {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), `${name}-`));
  const wanted = {
    data,
    install: `${setting('EKIDEN_TEST_INSTALL')}-${name}`,
    dockerHost: setting('DOCKER_HOST'),
    images: { node: setting('EKIDEN_TEST_NODE'), busybox: setting('EKIDEN_TEST_BUSYBOX') },
    deadline: 20,
    ...options,
  };
  return setStage(wanted, start);
}
