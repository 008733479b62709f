/** Pushes one version of a project after the other, each until it is live. */
import type { Stage } from '../demo/stage.ts';
import { awaitStatus } from '../demo/watching.ts';

export type Project = Awaited<ReturnType<Stage['project']>>;

/** @throws Error that says why it is not live. */
export async function pushVersion(
  { gitlab }: Stage,
  { id, copy }: Project,
  { version, files }: { version: string; files: Record<string, string> },
): Promise<void> {
  const sha = await copy.commit(files, version);
  await copy.push();
  const name = 'ekiden/deploy/production/web';
  const states = ['success', 'failed'];
  const wanted = { project: id, sha, name, states, within: 180_000 };
  const { status, description } = await awaitStatus(gitlab, wanted);
  if (status !== 'success') throw new Error(`${version} does not run: ${description}`);
}
