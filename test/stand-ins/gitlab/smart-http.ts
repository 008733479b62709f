/** Git over HTTP: hands requests to `git http-backend` and learns what a push changed. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, chmod, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { endOf } from './api/authentication.ts';
import type { GitLab } from './core.ts';
import { accessLevel } from './members.ts';
import { protectedRefs } from './protection.ts';
import { afterPush, type RefChange } from './push.ts';
import { findMovedProject, findProject, type Project, type User } from './state.ts';

const GIT_PATH = /^\/(.+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;
const MAX_CGI_HEAD = 64 * 1024;

/** Writes all refs of the push and its options to the file named by the environment. */
const POST_RECEIVE = `#!/bin/sh
{
  sed 's/^/ref /'
  i=0
  while [ "$i" -lt "\${GIT_PUSH_OPTION_COUNT:-0}" ]; do
    printf 'option %s\\n' "$(printenv "GIT_PUSH_OPTION_$i")"
    i=$((i + 1))
  done
} > "$STAND_IN_PUSH_REPORT"
`;

/** Refuses branches and tags that match a pattern of the environment, in GitLab's words. */
const PRE_RECEIVE = `#!/bin/sh
set -f
while read -r before after ref; do
  for pattern in $STAND_IN_PROTECTED; do
    case "$ref" in $pattern)
      echo 'GitLab: You are not allowed to push code to protected branches on this project.' >&2
      exit 1 ;;
    esac
  done
done
`;

const CONFIG = `[http]
	receivepack = true
[receive]
	advertisePushOptions = true
[uploadpack]
	allowAnySHA1InWant = true
`;

/** Makes an empty bare repository that takes pushes with options and serves any sha. */
export async function initRepository(gitlab: GitLab, project: Project): Promise<void> {
  const branch = `--initial-branch=${project.defaultBranch}`;
  await gitlab.git.text(['init', '--quiet', '--bare', '--template=', branch, project.dir]);
  await appendFile(join(project.dir, 'config'), CONFIG);
  const folder = join(project.dir, 'hooks');
  await gitlab.makeFolder(folder);
  for (const [name, text] of [
    ['pre-receive', PRE_RECEIVE],
    ['post-receive', POST_RECEIVE],
  ] as const) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
}

/** Answers a git client; false where the path is no git path. */
export async function serveGit(
  gitlab: GitLab,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = new URL(request.url ?? '/', 'http://stand-in');
  const match = GIT_PATH.exec(decodeURIComponent(url.pathname));
  if (match === null) return false;
  const [, path = '', service = ''] = match;
  const pushes = `${service}?${url.search}`.includes('git-receive-pack');
  const user = basicUser(gitlab, request, pushes);
  const project = findProject(gitlab.state, path);
  const moved = project === undefined ? findMovedProject(gitlab.state, path) : undefined;
  const level =
    user === undefined || project === undefined ? 0 : accessLevel(gitlab, user, project);
  if (user === undefined) refuse(response, 401, 'HTTP Basic: Access denied\n');
  else if (moved !== undefined && accessLevel(gitlab, user, moved) > 0) {
    response.writeHead(301, { Location: `/${moved.fullPath}.git/${service}${url.search}` }).end();
  } else if (project === undefined || level === 0) {
    refuse(response, 404, 'The project you were looking for could not be found.\n');
  } else if (pushes && level < 30) {
    refuse(response, 403, 'You are not allowed to push code to this project.\n');
  } else {
    const refused = level < 40 ? protectedRefs(project) : [];
    await runBackend(gitlab, {
      request,
      response,
      project,
      user,
      service,
      query: url.search,
      refused,
    });
  }
  return true;
}

function refuse(response: ServerResponse, status: number, text: string): void {
  const challenge = status === 401 ? { 'WWW-Authenticate': 'Basic realm="GitLab"' } : {};
  response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close', ...challenge });
  response.end(text);
}

/** The password is the token; GitLab accepts any user name with it. */
function basicUser(gitlab: GitLab, request: IncomingMessage, pushes: boolean): User | undefined {
  const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'basic') return undefined;
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const password = decoded.slice(decoded.indexOf(':') + 1);
  const token = gitlab.state.tokens.find(({ value }) => value === password);
  if (token === undefined || endOf(token, gitlab.now()) !== undefined) return undefined;
  const enough = pushes
    ? ['api', 'write_repository']
    : ['api', 'write_repository', 'read_repository'];
  if (!enough.some((scope) => token.scopes.includes(scope))) return undefined;
  return gitlab.state.users.find(({ id, state }) => id === token.userId && state === 'active');
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  project: Project;
  user: User;
  service: string;
  query: string;
  /** Patterns of refs that this user may not push to. */
  refused: string[];
}

async function runBackend(gitlab: GitLab, exchange: Exchange): Promise<void> {
  const report = join(gitlab.scratch, `push-${randomUUID()}`);
  const child = gitlab.git.spawn(['http-backend'], cgiEnvironment(exchange, report));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('error', () => exchange.response.destroy());
  child.stderr.resume();
  child.stdin.on('error', () => undefined);
  exchange.response.once('close', () => {
    if (!exchange.response.writableFinished) child.kill();
  });
  exchange.request.pipe(child.stdin);
  await sendCgiAnswer(child, exchange.response).catch(() => exchange.response.destroy());
  await ended;
  if (exchange.service !== 'git-receive-pack') return;
  const push = await readReport(report);
  if (push === undefined) return;
  await afterPush(gitlab, { project: exchange.project, user: exchange.user, ...push });
}

function cgiEnvironment(exchange: Exchange, report: string): Record<string, string> {
  const { headers } = exchange.request;
  const header = (name: string) => String(headers[name] ?? '');
  return {
    GIT_PROJECT_ROOT: join(exchange.project.dir, '..'),
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: `/${exchange.project.id}.git/${exchange.service}`,
    QUERY_STRING: exchange.query.replace(/^\?/, ''),
    REQUEST_METHOD: exchange.request.method ?? 'GET',
    CONTENT_TYPE: header('content-type'),
    // Big pushes are chunked: an empty length would be read as zero.
    ...(headers['content-length'] ? { CONTENT_LENGTH: header('content-length') } : {}),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    GIT_PROTOCOL: header('git-protocol'),
    REMOTE_USER: exchange.user.username,
    GIT_COMMITTER_NAME: exchange.user.name,
    GIT_COMMITTER_EMAIL: `${exchange.user.username}@example.com`,
    STAND_IN_PUSH_REPORT: report,
    STAND_IN_PROTECTED: exchange.refused.join(' '),
  };
}

async function sendCgiAnswer(
  child: ChildProcessWithoutNullStreams,
  response: ServerResponse,
): Promise<void> {
  const head = await readCgiHead(child.stdout);
  const headers: Record<string, string> = {};
  for (const line of head.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const { status = '200', ...rest } = headers;
  response.writeHead(Number.parseInt(status, 10), rest);
  await pipeline(child.stdout, response);
}

/** Reads up to the empty line and puts back what follows it. */
function readCgiHead(stdout: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const finish = (error: Error | undefined, head = '') => {
      stdout.off('data', onData).off('end', onEnd);
      if (error) reject(error);
      else resolve(head);
    };
    const onEnd = () => finish(new Error('git http-backend ended without an answer'));
    const onData = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const end = seen.indexOf('\r\n\r\n');
      if (end === -1) {
        if (seen.length > MAX_CGI_HEAD) finish(new Error('git http-backend sent no empty line'));
        return;
      }
      stdout.pause();
      finish(undefined, seen.subarray(0, end).toString('latin1'));
      stdout.unshift(seen.subarray(end + 4));
    };
    stdout.on('data', onData).once('end', onEnd);
  });
}

async function readReport(
  path: string,
): Promise<{ changes: RefChange[]; options: string[] } | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  await rm(path, { force: true });
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  const changes = lines
    .filter((line) => line.startsWith('ref '))
    .map((line) => {
      const [, before = '', after = '', ref = ''] = line.split(' ');
      return { before, after, ref };
    });
  const options = lines
    .filter((line) => line.startsWith('option '))
    .map((line) => line.slice('option '.length));
  return { changes, options };
}
