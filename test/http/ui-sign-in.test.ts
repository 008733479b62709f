/** Signing in: how people come in, where they are led, and what is refused. */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../support/redis.ts';
import { sampleBuild, sampleDeployment } from '../support/samples.ts';
import { asHtml, asJson, cookieOf, openPages, type PagesOptions } from './ui-rig.ts';

const redis = useRedis();
const open = (options?: PagesOptions) => openPages(redis, options);

describe('who is not signed in', () => {
  test.each(['/', '/builds/b1', '/deployments/d1', '/projects/shop/front?x=1&y=%2F'])(
    'is sent from %s to sign in, and programs are told what they need',
    async (path) => {
      const { ask } = await open();
      const people = await ask(path, { headers: asHtml });
      expect(people.status).toBe(303);
      expect(people.headers.get('location')).toBe(`/sign-in?return=${encodeURIComponent(path)}`);
      const program = await ask(path, { headers: asJson });
      expect(program.status).toBe(401);
      expect(program.headers.get('content-type')).toBe('application/problem+json');
      expect(await program.json()).toMatchObject({ code: 'E_SIGN_IN' });
    },
  );

  test('does not learn which builds there are, nor does who may not look', async () => {
    const { ekiden, ask, get, project, tokens } = await open();
    await ekiden.builds.create(sampleBuild({ project }));
    await ekiden.deployments.create(sampleDeployment({ project }));
    for (const kind of ['builds', 'deployments']) {
      const id = kind === 'builds' ? 'b1' : 'd1';
      const seen = await Promise.all(
        [`/${kind}/${id}`, `/${kind}/none`].flatMap((path) => [
          ask(path, { headers: asJson }),
          get(path, { ...asJson, 'PRIVATE-TOKEN': tokens.guest }),
        ]),
      );
      expect(seen.map(({ status }) => status)).toEqual([401, 404, 401, 404]);
      const [, hidden, , absent] = await Promise.all(seen.map((each) => each.text()));
      expect(hidden).toBe(absent);
    }
  });
});

describe('signing in', () => {
  test('gives a cookie that scripts cannot read, and leads back', async () => {
    const { ekiden, ask, project, signIn, tokens, lines } = await open();
    await ekiden.builds.create(sampleBuild({ project }));
    const answer = await signIn({ token: ` ${tokens.reporter}\n`, return: '/builds/b1' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/builds/b1');
    expect(answer.headers.get('set-cookie')).toMatch(
      /^ekiden_session=[\w-]{43}; Max-Age=604800; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
    );
    const headers = { ...asHtml, Cookie: cookieOf(answer) };
    expect((await ask('/builds/b1', { headers })).status).toBe(200);
    expect((await ask('/sign-in?return=/builds/b1', { headers })).headers.get('location')).toBe(
      '/builds/b1',
    );
    expect(lines.join()).not.toContain(tokens.reporter);
  });

  test('ends the session before, and signing out ends this one', async () => {
    const { ask, signIn, tokens } = await open();
    const first = cookieOf(await signIn({ token: tokens.reporter }));
    const second = cookieOf(await signIn({ token: tokens.guest }, { Cookie: first }));
    const statusWith = async (Cookie: string) =>
      (await ask('/', { headers: { ...asHtml, Cookie } })).status;
    expect([await statusWith(first), await statusWith(second)]).toEqual([303, 200]);
    const out = await ask('/sign-out', {
      method: 'POST',
      headers: { Origin: 'http://ekiden.test', Cookie: second },
    });
    expect(out.headers.get('location')).toBe('/sign-in');
    expect(cookieOf(out)).toBe('ekiden_session=');
    expect(await statusWith(second)).toBe(303);
  });

  test('below https and a path of its own keeps the cookie there', async () => {
    const { signIn, tokens } = await open({ url: 'https://ops.example.com/ekiden' });
    const answer = await signIn({ token: tokens.reporter, return: '/builds/b1' });
    expect(answer.headers.get('location')).toBe('/ekiden/builds/b1');
    expect(answer.headers.get('set-cookie')).toMatch(/; Path=\/ekiden;.*; Secure/);
  });

  test.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/a\\b',
    '/\t/evil.example',
    'javascript:alert(1)',
    '/sign-out',
    'builds/b1',
    '',
  ])('never leads to %j', async (wanted) => {
    const { signIn, tokens } = await open();
    const answer = await signIn({ token: tokens.reporter, return: wanted });
    expect(answer.headers.get('location')).toBe('/');
  });

  test.each([
    ['nothing', {}],
    ['an empty token', { token: '' }],
    ['a wrong token', { token: 'wrong' }],
    ['a token of 5,000 characters', { token: 'x'.repeat(5_000) }],
  ])(
    'with %s is refused on the form, which keeps nothing of it',
    async (_name, form: Record<string, string>) => {
      const { signIn } = await open();
      const answer = await signIn({ ...form, return: '/builds/b1' });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('set-cookie')).toBeNull();
      const text = await answer.text();
      expect(text).toContain('role="alert"');
      expect(text).toContain('value="/builds/b1"');
      expect(text).not.toContain('wrong"');
    },
  );

  test('with more than anybody writes is refused on a page', async () => {
    const { signIn } = await open();
    const answer = await signIn({ token: 'x'.repeat(17_000) });
    expect(answer.status).toBe(413);
    expect(answer.headers.get('content-type')).toContain('text/html');
    const text = await answer.text();
    expect(text).toContain('What was sent cannot be used: request entity too large.');
    expect(text).toContain('Send at most 16384 bytes.');
  });

  test('and out again is refused from another site', async () => {
    const { ask, signIn, tokens } = await open();
    for (const Origin of ['https://evil.example', 'null']) {
      const refused = await signIn({ token: tokens.reporter }, { Origin });
      expect(refused.status).toBe(403);
      expect(refused.headers.get('set-cookie')).toBeNull();
      const cookie = cookieOf(await signIn({ token: tokens.reporter }));
      const headers = { Origin, Cookie: cookie };
      expect((await ask('/sign-out', { method: 'POST', headers })).status).toBe(403);
      expect((await ask('/', { headers: { ...asHtml, Cookie: cookie } })).status).toBe(200);
    }
    const body = new URLSearchParams({ token: tokens.reporter });
    expect((await ask('/sign-in', { method: 'POST', body })).status).toBe(403);
  });

  test('is not tried for ever', async () => {
    const { signIn } = await open();
    const tries = await Promise.all(Array.from({ length: 60 }, () => signIn({ token: 'wrong' })));
    expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([401]));
    // Each is counted once it was answered.
    await expect.poll(async () => (await signIn({ token: 'wrong' })).status).toBe(429);
  });

  test('is told when GitLab is away', async () => {
    const { gitlab, signIn, tokens } = await open();
    gitlab.faults.add({ route: /api/, status: 500, body: {}, times: 10 });
    const answer = await signIn({ token: tokens.reporter });
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('GitLab does not answer');
  });
});
