/** The peer: Probot verifies a delivery and puts it into a BullMQ queue, once for each delivery. */
import { createServer } from 'node:http';
import { Queue } from 'bullmq';
import { createNodeMiddleware, Probot } from 'probot';

const { BENCH_LISTEN, BENCH_REDIS, BENCH_SECRET, BENCH_PRIVATE_KEY } = process.env;
const [host, port] = BENCH_LISTEN.split(':');

const queue = new Queue('peer', { connection: { path: BENCH_REDIS.slice('unix://'.length) } });
const probot = new Probot({
  appId: 1,
  privateKey: BENCH_PRIVATE_KEY,
  secret: BENCH_SECRET,
  logLevel: 'info',
  logFormat: 'json',
});

/** As much as Ekiden queues, which is less than the whole payload that many apps put there. */
function app(robot) {
  robot.on('push', async ({ id, payload: { project_id: project, ref, before, after } }) => {
    await queue.add('push', { project, ref, before, sha: after }, { jobId: id });
  });
}

const middleware = await createNodeMiddleware(app, { probot, webhooksPath: '/hooks' });
createServer(middleware).listen(Number(port), host);
