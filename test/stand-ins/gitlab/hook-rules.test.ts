/** What GitLab thinks of a hook: its address, its tests, and whether it fails too often. */
import { afterEach, expect, it } from 'vitest';
import { type Rig, startRig } from './rig.ts';

let rig: Rig;
let projectId: number;

async function start(options: Parameters<typeof startRig>[0] = {}): Promise<void> {
  rig = await startRig(options);
  ({ id: projectId } = await rig.gitlab.createProject({ path: 'shop/web' }));
}
afterEach(async () => {
  await rig.stop();
});

async function commit(message: string): Promise<void> {
  await rig.gitlab.commit(projectId, { branch: 'main', files: { a: message }, message });
  await rig.gitlab.idle();
}

it('refuses addresses of its own network unless they are allowed, and tells administrators', async () => {
  await start({ allowLocalRequests: false });
  const add = async (url: string) => {
    const request = { method: 'POST', body: { url } };
    return (await rig.api(`/projects/${projectId}/hooks`, request)).status;
  };
  for (const host of ['127.0.0.1:80', 'localhost', '10.1.2.3', '172.20.0.1', '[::1]']) {
    expect(await add(`http://${host}/`)).toBe(422);
  }
  expect(await add('https://ekiden.example.com/')).toBe(201);
  expect((await rig.api('/application/settings')).json).toMatchObject({
    allow_local_requests_from_web_hooks_and_services: false,
    outbound_local_requests_whitelist: [],
  });
  const { token } = rig.gitlab.createUser({ username: 'ada' });
  expect((await rig.api('/application/settings', { token })).status).toBe(403);
});

it('says why a test failed, and keeps the request and the answer', async () => {
  await start();
  const id = rig.gitlab.addHook(projectId, { url: rig.hookUrl });
  await commit('one');
  rig.answer.status = 401;
  const path = `/projects/${projectId}/hooks/${id}`;
  expect(await rig.api(`${path}/test/push_events`, { method: 'POST' })).toMatchObject({
    status: 422,
    json: { message: '{"decision":"queued"}' },
  });
  const [event] = (await rig.api(`${path}/events`)).json;
  expect(event).toMatchObject({
    response_status: '401',
    response_body: '{"decision":"queued"}',
    trigger: 'push_hooks',
    request_data: { object_kind: 'push' },
  });
});

it('switches a failing hook off for a while where that is enabled, until a test succeeds', async () => {
  await start({ disableFailingHooks: true, now: () => Date.parse('2026-06-01T12:00:00Z') });
  const id = rig.gitlab.addHook(projectId, { url: rig.hookUrl });
  rig.answer.status = 500;
  for (const message of ['1', '2', '3', '4', '5']) await commit(message);
  expect(rig.received).toHaveLength(4);
  const path = `/projects/${projectId}/hooks/${id}`;
  expect((await rig.api(path)).json).toMatchObject({
    alert_status: 'temporarily_disabled',
    disabled_until: '2026-06-01T12:01:00.000Z',
  });
  rig.answer.status = 200;
  expect((await rig.api(`${path}/test/push_events`, { method: 'POST' })).status).toBe(201);
  expect((await rig.api(path)).json).toMatchObject({ alert_status: 'executable' });
});
