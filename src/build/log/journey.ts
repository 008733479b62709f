/** Words what happens to a build and its deployments for its log; what was told is not told twice. */
import type { Build } from '../../core/build.ts';
import type { Deployment } from '../../core/deployment.ts';
import { shortRef, shortSha } from '../../core/ref.ts';
import { describeWaiting } from '../../core/waiting.ts';
import { clockTime } from './step-text.ts';

export interface Note {
  /** Names what is told; of several notes with one key the first is kept. */
  key: string;
  text: string;
}

/** What is told of a build that came into `state`, and of what led there, at `now` in milliseconds since the epoch. */
export function notesOfBuild(build: Build, state: Build['state'], now: number): Note[] {
  const words = wordsOfBuild(build, state);
  const time = clockTime(now);
  return [
    pushNote(build),
    ...(build.plan ? [{ key: 'resolved', text: `${time} ${resolved(build.plan)}\n` }] : []),
    ...(words === undefined ? [] : [{ key: keyOf(state, words, now), text: `${time} ${words}\n` }]),
  ];
}

/** What a log begins with: who pushed what, and when. */
export function pushNote(build: Build): Note {
  return { key: 'pushed', text: `${pushed(build)}\n` };
}

/** Anything else that is told at `now`. */
export function saidNote(words: string, now: number): Note {
  return { key: keyOf('said', words, now), text: `${clockTime(now)} ${words}\n` };
}

export function notesOfDeployment(
  deployment: Deployment,
  state: Deployment['state'],
  now: number,
): Note[] {
  const { id, environment, service } = deployment;
  const words = wordsOfDeployment(deployment, state);
  const text = `${clockTime(now)} ${environment}/${service.name}: ${words}\n`;
  return [{ key: `${id} ${keyOf(state, words, now)}`, text }];
}

/** A build may begin several times, and each time is told. */
function keyOf(state: string, words: string, now: number): string {
  return state === 'running' ? `running ${now}` : `${state} ${words.slice(0, 200)}`;
}

const causes = { hook: 'pushed', reconcile: 'found in GitLab', request: 'asked for' };

/** The day as well, since all that follows has the time alone. */
function pushed({ ref, sha, cause, by, retryOf, legs, createdAt }: Build): string {
  const at = legs.find(({ name }) => name === 'hook')?.start ?? createdAt;
  const day = new Date(at).toISOString().slice(0, 10);
  const again = retryOf === undefined ? '' : `, again after build ${retryOf}`;
  const who = by === undefined ? '' : ` by ${by}`;
  return `${day} ${clockTime(at)} UTC  ${shortRef(ref)} at ${shortSha(sha)}, ${causes[cause]}${who}${again}`;
}

function resolved({ dockerfile, environments, services, fragments, warnings }: Plan): string {
  const names = services.map(({ name }) => name).join(', ');
  return [
    `${dockerfile} for ${environments.join(', ')}: ${names}`,
    ...fragments.map(({ file, sha256 }) => `  included ${file} (${sha256.slice(0, 12)})`),
    ...warnings,
  ].join('\n');
}

type Plan = NonNullable<Build['plan']>;

/** Undefined for what the builder told itself. */
function wordsOfBuild(build: Build, state: Build['state']): string | undefined {
  const { reason, image, plan } = build;
  switch (state) {
    case 'queued':
      return build.state === 'queued' ? describeWaiting(build) : undefined;
    case 'running':
      return reason === undefined ? 'the build begins' : undefined;
    case 'succeeded':
      return image === undefined ? undefined : `the image is in the registry: ${image}`;
    case 'failed':
      return plan ? undefined : `failed: ${reason ?? 'nobody knows why'}`;
    default:
      return reason === undefined ? state : `${state}: ${reason}`;
  }
}

function wordsOfDeployment(deployment: Deployment, state: Deployment['state']): string {
  const { kind, by = 'somebody', release } = deployment;
  const reason = deployment.state === state ? deployment.reason : undefined;
  const [address] = deployment.addresses;
  switch (state) {
    case 'queued':
      if (kind === 'push') return 'the deployment is requested';
      return kind === 'rollback' ? `${by} goes back to release ${release}` : `${by} deploys again`;
    case 'running':
      return reason ?? 'starting new instances';
    case 'succeeded':
      return reason ?? (address === undefined ? 'live' : `live at ${address}`);
    default:
      return reason === undefined ? state : `${state}: ${reason}`;
  }
}
