/** Runs the stand-in GitLab as a process of its own, until SIGTERM: `main.js --data DIR [--port N] [--host ADDRESS]`. */
import { parseArgs } from 'node:util';
import { startGitLab } from './gitlab.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    version: { type: 'string', default: '19.1.0' },
    'archives-per-minute': { type: 'string', default: '5' },
  },
});

if (values.data === undefined) {
  process.stderr.write('Say where the repositories live: --data DIR\n');
  process.exit(2);
}

const gitlab = await startGitLab({
  data: values.data,
  host: values.host,
  port: Number(values.port),
  version: values.version,
  archivesPerMinute: Number(values['archives-per-minute']),
});
process.stdout.write(`${JSON.stringify({ url: gitlab.url, token: gitlab.token })}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    gitlab.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
