/** THE TABLE: each event of GitLab's documentation, and what Ekiden decides about it in each shape. */
import { readdirSync } from 'node:fs';
import { payload } from './door.ts';

type Decided = 'queued' | 'ignored';

export interface EventRow {
  /** `object_kind`, or `event_name` where a system hook has no other. */
  kind: string;
  /** `X-Gitlab-Event`. */
  header: string;
  /** The stored body; a least one of its kind where the documentation shows none. */
  body: Record<string, unknown>;
  /** As it was sent; with `after` of zeros; with `-o ci.skip`; with nothing but its kind. */
  decided: { plain: Decided; deleted: Decided; skip: Decided; unknown: Decided };
}

const zeros = '0'.repeat(40);
const nothing = {
  plain: 'ignored',
  deleted: 'ignored',
  skip: 'ignored',
  unknown: 'ignored',
} as const;
const pushed = { plain: 'queued', deleted: 'queued', skip: 'ignored', unknown: 'ignored' } as const;

/** What becomes of a stored body in each column. */
export const shapes = {
  plain: (row: EventRow) => row.body,
  deleted: ({ body }: EventRow) => ({ ...body, after: zeros, checkout_sha: null, commits: [] }),
  skip: ({ body }: EventRow) => ({ ...body, push_options: { ci: { skip: true } } }),
  unknown: ({ kind, body }: EventRow) =>
    'object_kind' in body ? { object_kind: kind } : { event_name: kind },
};

const stored = (
  kind: string,
  header: string,
  file: string,
  decided: EventRow['decided'] = nothing,
): EventRow => ({ kind, header, body: payload(file), decided });

const least = (kind: string, header: string): EventRow => ({
  ...{ kind, header, decided: nothing },
  body: { object_kind: kind, user: { id: 1, username: 'root' }, project: { id: 1 } },
});

const system = (kind: string): EventRow => ({
  ...{ kind, header: 'System Hook', decided: nothing },
  body: { event_name: kind, created_at: '2012-07-21T07:30:54Z', project_id: 74, user_id: 41 },
});

const asSystemHook = (row: EventRow): EventRow => {
  const { object_kind: kind, ...body } = row.body;
  return { ...row, header: 'System Hook', body: { ...body, event_name: kind } };
};

const push = stored('push', 'Push Hook', 'push', pushed);
const tagPush = stored('tag_push', 'Tag Push Hook', 'tag_push', pushed);
const mergeRequest = stored('merge_request', 'Merge Request Hook', 'merge_request');
const partial = (file: string): EventRow => ({
  ...mergeRequest,
  body: { ...mergeRequest.body, ...payload(`partial_merge_request_${file}`) },
});

export const eventTable: EventRow[] = [
  push,
  stored('push', 'Push Hook', 'push_v17_1_real_delivery', pushed),
  asSystemHook(push),
  tagPush,
  asSystemHook(tagPush),
  mergeRequest,
  stored('merge_request', 'Merge Request Hook', 'merge_request_v18_10_open'),
  partial('update_oldrev'),
  partial('system_approvals_reset'),
  partial('rerequest_review'),
  stored('note', 'Note Hook', 'note_commit'),
  stored('note', 'Note Hook', 'note_merge_request'),
  stored('note', 'Note Hook', 'note_issue'),
  stored('note', 'Note Hook', 'note_snippet'),
  least('note', 'Confidential Note Hook'),
  least('issue', 'Issue Hook'),
  least('issue', 'Confidential Issue Hook'),
  least('wiki_page', 'Wiki Page Hook'),
  least('emoji', 'Emoji Hook'),
  least('vulnerability', 'Vulnerability Hook'),
  stored('pipeline', 'Pipeline Hook', 'pipeline'),
  stored('build', 'Job Hook', 'job'),
  stored('deployment', 'Deployment Hook', 'deployment'),
  stored('release', 'Release Hook', 'release'),
  stored('feature_flag', 'Feature Flag Hook', 'feature_flag'),
  stored('milestone', 'Milestone Hook', 'milestone'),
  stored('access_token', 'Resource Access Token Hook', 'access_token_project'),
  stored('access_token', 'Resource Access Token Hook', 'access_token_group'),
  stored('user_add_to_group', 'Member Hook', 'member_add'),
  stored('user_update_for_group', 'Member Hook', 'member_update'),
  stored('user_remove_from_group', 'Member Hook', 'member_remove'),
  stored('user_access_request_to_group', 'Member Hook', 'member_access_request'),
  stored('user_access_request_denied_for_group', 'Member Hook', 'member_access_request_denied'),
  stored('project_create', 'Project Hook', 'project_create'),
  stored('project_destroy', 'Project Hook', 'project_destroy'),
  stored('subgroup_create', 'Subgroup Hook', 'subgroup_create'),
  stored('subgroup_destroy', 'Subgroup Hook', 'subgroup_destroy'),
  asSystemHook(mergeRequest),
  ...[
    ...['repository_update', 'project_rename', 'project_transfer', 'project_update'],
    ...['user_create', 'user_destroy', 'user_rename', 'user_failed_login'],
    ...['user_add_to_team', 'user_remove_from_team', 'user_update_for_team'],
    ...['key_create', 'key_destroy', 'group_create', 'group_destroy', 'group_rename'],
  ].map(system),
];

/** Names of all stored bodies. */
export function storedBodies(): string[] {
  const folder = new URL('../fixtures/gitlab/webhooks/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json') && !name.endsWith('.headers.json'))
    .map((name) => name.replace(/\.json$/, ''));
}
