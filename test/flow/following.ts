/** Follows pushes on a stage to their end, and counts what was told and done on the way. */
import { poll } from '../demo/poll.ts';
import type { Files } from '../demo/sample-project.ts';
import type { Stage } from '../demo/stage.ts';
import { ask } from '../demo/traffic.ts';
import { type BuildPage, readPage, type ShownStatus, statusesOf } from '../demo/watching.ts';
import { setting } from './stage.ts';

export type Project = Awaited<ReturnType<Stage['project']>>;

/** States of GitLab from which a status goes on. */
const open = ['pending', 'running'];

/** Milliseconds for anything; far more than it takes on a machine that is quiet. */
export const within = 120_000;

export interface AppOptions {
  /** Seconds that it takes before it listens. */
  startsAfter?: number;
  /** Where it listens, such as a number or `$PORT`. */
  port?: number | string;
  /** An instruction of the Dockerfile. */
  step?: string;
  /** More of the manifest, as YAML at its top level. */
  manifest?: string;
}

/** A small app that answers with `text`, checked at port 8080; of busybox, which is pushed in no time. */
export function appFiles(text: string, options: AppOptions = {}): Files {
  const { startsAfter = 0, port = 8080, step = '', manifest = '' } = options;
  const serve = `trap exit TERM; sleep ${startsAfter} & wait $!; httpd -f -p ${port} -h /www & wait`;
  return {
    Dockerfile: `FROM ${setting('EKIDEN_TEST_BUSYBOX')}\n${step}\nCOPY index.html /www/\nEXPOSE 8080\nCMD ["sh", "-c", "${serve}"]\n`,
    'index.html': text,
    '.ekiden.yml': `services: { web: { mem: 32, health: { path: /, interval: 1s, timeout: 2s } } }\n${manifest}`,
  };
}

export interface Followed {
  project: Project;
  sha: string;
}

export function createFollowing(stage: Stage) {
  const { gitlab, state } = stage;

  async function push(project: Project, files: Files, message = 'change'): Promise<Followed> {
    const sha = await project.copy.commit(files, message);
    await project.copy.push('HEAD');
    return { project, sha };
  }

  /** What Ekiden answered to the delivery of the commit. */
  function decisionOn({ project, sha }: Followed) {
    return poll(
      () => {
        const delivery = gitlab
          .deliveries(project.id)
          .find(({ requestBody, responseBody }) => responseBody && requestBody.includes(sha));
        return delivery?.responseBody ? JSON.parse(delivery.responseBody) : undefined;
      },
      { within: 20_000, what: `the answer about ${sha.slice(0, 12)}` },
    ) as Promise<{ decision: string; reason: string; build: string }>;
  }

  /** Waits until a page of the build is as wanted. */
  async function buildThat(followed: Followed, fits: (page: BuildPage) => boolean, what: string) {
    const { build } = await decisionOn(followed);
    return poll(
      async () => {
        const page = await readPage(gitlab, `${state.ekidenUrl}/builds/${build}`);
        return fits(page) ? page : undefined;
      },
      { within, what },
    );
  }

  /** Every status of the commit once none of them is open any more, and `name` is among them. */
  function ended(
    { project, sha }: Followed,
    name = 'ekiden/deploy/production/web',
  ): Promise<Record<string, ShownStatus>> {
    return poll(
      async () => {
        const rows = await statusesOf(gitlab, project.id, sha);
        const isOver = rows.every(({ status }) => !open.includes(status));
        const byName = Object.fromEntries(rows.map((row) => [row.name, row]));
        return isOver && byName[name] ? byName : undefined;
      },
      { within, what: `the end of every status of ${project.webUrl}` },
    );
  }

  /** The states that GitLab was told of each status, in order; other words for the same state are none. */
  function told({ project, sha }: Followed): Record<string, string[]> {
    const states: Record<string, string[]> = {};
    const last: Record<string, string> = {};
    for (const { name, status, description } of gitlab.statuses(project.id, sha).history) {
      const isReworded = states[name]?.at(-1) === status && last[name] !== description;
      last[name] = description ?? '';
      if (!isReworded) states[name] = [...(states[name] ?? []), status];
    }
    return states;
  }

  function answers(host: string, wanted: string) {
    return poll(
      async () => {
        const { body } = await ask({ url: state.nginxUrl, host, path: '/' });
        return body.includes(wanted) || undefined;
      },
      { within, what: `${wanted} from ${host}` },
    );
  }

  async function app(path: string) {
    const answer = await fetch(
      `${state.marathonUrl}/v2/apps//${path}/production/web?embed=app.tasks`,
    );
    const body = (await answer.json()) as {
      app?: { labels: Record<string, string>; tasks: { id: string; state: string }[] };
    };
    return body.app;
  }

  return { push, decisionOn, buildThat, ended, told, answers, app };
}
