/** Deliveries of a push with a body of 20 KB, as GitLab sends them to Ekiden and as Probot knows them. */
import { createHmac } from 'node:crypto';
import type { Shot } from './load.ts';

export const secret = 'bench-secret';

const sha = (n: number) => n.toString(16).padStart(40, '0');

/** Twenty commits with their files, which is the most that GitLab lists. */
function pushBody(): Buffer {
  const commits = Array.from({ length: 20 }, (_, n) => ({
    id: sha(n + 1),
    message: `Change number ${n}\n\n${'What it does and why, in some words. '.repeat(6)}`,
    title: `Change number ${n}`,
    timestamp: '2026-06-01T12:00:00+00:00',
    url: `https://gitlab.example.com/shop/web/-/commit/${sha(n + 1)}`,
    author: { name: 'Ada', email: 'ada@example.com' },
    added: [],
    modified: Array.from({ length: 9 }, (_, file) => `src/station-${n}/part-${file}/index.ts`),
    removed: [],
  }));
  const body = {
    object_kind: 'push',
    event_name: 'push',
    before: sha(0x1000),
    after: sha(20),
    ref: 'refs/heads/main',
    checkout_sha: sha(20),
    project_id: 7,
    project: { id: 7, path_with_namespace: 'shop/web', default_branch: 'main' },
    commits,
    total_commits_count: 20,
  };
  return Buffer.from(JSON.stringify(body));
}

export const body = pushBody();
const signature = createHmac('sha256', secret).update(body).digest('hex');

/** `series` keeps the keys of one run apart from those of another. */
export function keyOf(series: string, n: number): string {
  return `${series}-${n}`;
}

export function forEkiden(series: string): (n: number) => Shot {
  return (n) => ({
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitLab/19.1.0',
      'x-gitlab-event': 'Push Hook',
      'x-gitlab-token': secret,
      'idempotency-key': keyOf(series, n),
    },
  });
}

export function forProbot(series: string): (n: number) => Shot {
  return (n) => ({
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/1',
      'x-github-event': 'push',
      'x-github-delivery': keyOf(series, n),
      'x-hub-signature-256': `sha256=${signature}`,
    },
  });
}
