/** Which of Marathon's types each answer has, by method, path and status; an answer without a type fails. */
import { expect } from 'vitest';
import { expectType } from '../engine/schema.ts';

// biome-ignore lint/suspicious/noExplicitAny: Answers are checked against Marathon's schema before anything is read.
export type Json = any;

export interface Reply {
  status: number;
  headers: Headers;
  body: Json;
}

export interface MarathonEvent {
  type: string;
  data: Json;
}

/** What a client asked and what it got; `path` is without the query. */
export interface Exchange {
  method: string;
  path: string;
  status: number;
  /** Parsed where the answer was JSON, else its text. */
  body: Json;
}

interface Rule {
  methods: string[];
  path: RegExp;
  check: (body: Json) => void;
}

const DEPLOYMENT = 'deploymentResult.DeploymentResult';

const is = (type: string) => (body: Json) => expectType(type, body);
const all = (type: string) => (body: Json) => {
  expect(body).toBeInstanceOf(Array);
  for (const one of body) expectType(type, one);
};
const under = (key: string, check: (value: Json) => void) => (body: Json) => {
  expect(Object.keys(body)).toEqual([key]);
  check(body[key]);
};
/** Killing answers with the deployment that it made, or else with the tasks. */
const deploymentOr = (type: string) => (body: Json) =>
  expectType(body.deploymentId === undefined ? type : DEPLOYMENT, body);
const timestamps = (body: Json) => {
  expect(body).toBeInstanceOf(Array);
  for (const one of body) expect(one).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
};
const text = (wanted: RegExp) => (body: Json) => expect(body).toMatch(wanted);

/** The first that fits is the one; ids may hold slashes, so paths with a word at their end come first. */
const RULES: Rule[] = [
  { methods: ['GET'], path: /^\/ping$/, check: text(/^pong$/) },
  { methods: ['GET'], path: /^\/metrics$/, check: is('metrics.Metrics') },
  { methods: ['GET'], path: /^\/v2\/info$/, check: is('info.MarathonInfo') },
  { methods: ['GET'], path: /^\/v2\/leader$/, check: is('info.LeaderInfo') },
  { methods: ['DELETE'], path: /^\/v2\/leader$/, check: is('stringTypes.Message') },
  { methods: ['GET'], path: /^\/v2\/queue$/, check: is('queue.Queue') },
  {
    methods: ['GET'],
    path: /^\/v2\/deployments$/,
    check: all('deploymentEventsInfo.DeploymentStepInfo'),
  },
  { methods: ['DELETE'], path: /^\/v2\/deployments\/[^/]+$/, check: is(DEPLOYMENT) },
  { methods: ['GET'], path: /^\/v2\/tasks$/, check: is('task.TaskList') },
  { methods: ['POST'], path: /^\/v2\/tasks\/delete$/, check: deploymentOr('task.TaskList') },
  { methods: ['GET'], path: /^\/v2\/groups(\/.*)?\/apps$/, check: all('app.AppInfo') },
  { methods: ['GET'], path: /^\/v2\/groups(\/.*)?\/versions$/, check: timestamps },
  { methods: ['GET'], path: /^\/v2\/groups(\/.*)?$/, check: is('group.GroupInfo') },
  {
    methods: ['PUT'],
    path: /^\/v2\/groups(\/.*)?$/,
    check: (body) => expectType(body.steps ? 'deploymentSteps.DeploymentSteps' : DEPLOYMENT, body),
  },
  { methods: ['POST', 'DELETE'], path: /^\/v2\/groups(\/.*)?$/, check: is(DEPLOYMENT) },
  { methods: ['GET'], path: /^\/v2\/apps$/, check: is('app.AppList') },
  { methods: ['POST'], path: /^\/v2\/apps$/, check: is('app.AppInfo') },
  { methods: ['POST'], path: /^\/v2\/apps\/.+\/restart$/, check: is(DEPLOYMENT) },
  { methods: ['GET'], path: /^\/v2\/apps\/.+\/versions$/, check: is('app.VersionList') },
  { methods: ['GET'], path: /^\/v2\/apps\/.+\/versions\/[^/]+$/, check: is('app.App') },
  { methods: ['GET'], path: /^\/v2\/apps\/.+\/tasks$/, check: is('task.TaskList') },
  { methods: ['DELETE'], path: /^\/v2\/apps\/.+\/tasks$/, check: deploymentOr('task.TaskList') },
  {
    methods: ['DELETE'],
    path: /^\/v2\/apps\/.+\/tasks\/[^/]+$/,
    check: deploymentOr('task.TaskSingle'),
  },
  { methods: ['GET'], path: /^\/v2\/apps\/(.+\/)?\*$/, check: under('*', all('app.AppInfo')) },
  { methods: ['GET'], path: /^\/v2\/apps\/.+$/, check: under('app', is('app.AppInfo')) },
  { methods: ['PUT', 'PATCH', 'DELETE'], path: /^\/v2\/apps(\/.+)?$/, check: is(DEPLOYMENT) },
];

/** Fails unless the answer is of the type that Marathon gives to it. */
export function expectAnswer({ method, path, status, body }: Exchange): void {
  if (status >= 400) expectError(body);
  else if (status === 202 || status === 204 || isGroupPatch(method, path)) expect(body).toBe('');
  else if (status !== 302) checkOf(method, path)(body);
}

function isGroupPatch(method: string, path: string): boolean {
  return method === 'PATCH' && path.startsWith('/v2/groups');
}

function checkOf(method: string, path: string): (body: Json) => void {
  const rule = RULES.find((one) => one.methods.includes(method) && one.path.test(path));
  if (!rule) throw new Error(`no type is known for the answer to ${method} ${path}`);
  return rule.check;
}

/** The parser's own text is the one case in which `details` is no list. */
function expectError(body: Json): void {
  if (typeof body.details === 'string') expect(body.message).toBe('Invalid JSON');
  else expectType('error.Error', body);
}
